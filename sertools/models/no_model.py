"""A placeholder where no audit needs a model, so that results do not name a model."""

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from sertools.models.loaded import LoadedModel
from sertools.models.model import Task
from sertools.wording import NO_MODEL


@dataclass(kw_only=True)
class NoModel(LoadedModel):
    """A model by clip that has no labels and no predictions; see `ClipModel`."""

    name: str = NO_MODEL
    labels: tuple[str, ...] = ()
    task: Task = "encoder"
    fingerprint: str = "none"
    facts: dict[str, Any] = field(default_factory=lambda: {"kind": "none: the audits ask no model"})

    @property
    def conditions(self) -> tuple[str, ...]:
        """None."""
        return ()

    def scores(self, clips: pd.DataFrame, condition: str = "clean") -> pd.DataFrame:
        """No column."""
        return pd.DataFrame(index=clips.index)
