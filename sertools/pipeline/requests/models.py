"""The model that is asked for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sertools.auditing.audit import PlannedAudit
from sertools.corpora.corpus import Corpus
from sertools.inference.settings import Settings
from sertools.models.load import LoadOptions
from sertools.models.model import ClipModel, Model
from sertools.models.no_model import NoModel
from sertools.pipeline.kept import models as kept_models


@dataclass(frozen=True, kw_only=True)
class ModelRequest:
    """A model to load.

    Attributes:
        spec: the text after `--model`, or a function of signals and their sampling rate
        options: device, precision and others
    """

    spec: str | Callable[..., Any]
    options: LoadOptions = field(default_factory=LoadOptions)

    def load(
        self,
        corpus: Corpus | None = None,
        label_map: Mapping[str, str] | None = None,
        settings: Settings | None = None,
    ) -> Model | ClipModel:
        """Loads the model; with settings, a checkpoint that an earlier run knew only once it computes.

        Args:
            corpus: whose labels tell the answers in a table of predictions from its other columns
            label_map: theirs → ours, for the labels of the model
            settings: where is kept what earlier runs knew, unless they say to compute all again

        Raises:
            ModelError: the model does not exist or cannot be loaded
        """
        emotions = _emotions(corpus) if corpus else []
        known = (*(label_map or {}), *emotions)
        options = replace(self.options, known=known, emotions=tuple(emotions), label_map=label_map or {})
        return kept_models.loaded(
            self.spec, options, None if settings is None or settings.fresh else settings.root
        )


def model_for(audits: Sequence[PlannedAudit], spec: object) -> ClipModel | None:
    """A placeholder if no audit needs a model and the user names none; None if a model has to be loaded."""
    if spec != "default" or any(planned.asks_a_model for planned in audits):
        return None
    nothing: Any = NoModel()  # it has all that a model by clip has
    none: ClipModel = nothing
    return none


def _emotions(corpus: Corpus) -> list[str]:
    """The emotions of a corpus, sorted."""
    if "emotion" not in corpus.clips:
        return []
    return sorted(map(str, corpus.clips["emotion"].dropna().unique()))
