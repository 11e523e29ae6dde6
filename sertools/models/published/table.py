"""The table of public checkpoints: facts about each, and the command line that loads it."""

from collections.abc import Sequence
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from sertools.errors import ModelError
from sertools.files import read_toml
from sertools.models.checkpoints.heads import compared_with
from sertools.models.load import originals

UNKNOWN = "unknown"
"""Shown for what no public text confirms."""

NOT_TRIED = "not tried with the real weights"
"""Holds for every checkpoint: the tests have no access to the hub."""

OWN_FUNCTION = "--model py:my_model.py:predict"
"""How a checkpoint is audited that sertools cannot load: through a function of the user."""

HUB = "https://huggingface.co"

SOURCES = {
    "card": "its model card",
    "authors": "a repository of its authors",
    "others": "programs that use it",
}
"""Where the fields of a checkpoint come from."""


class Checkpoint(BaseModel):
    """One public checkpoint; `checkpoints.toml` describes the fields. None means unknown."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    architecture: str | None = None
    labels: tuple[str, ...] | None = None
    head: str | None = None
    licence: str | None = None
    scheme: str = "hf"
    options: str = ""
    extra: str = ""
    reason: str = ""
    note: str = ""
    facts: tuple[Literal["card", "authors", "others"], ...]

    @property
    def url(self) -> str:
        """Its page on the hub."""
        return f"{HUB}/{self.id}"

    @property
    def line(self) -> str:
        """The command-line options that load it."""
        if self.reason:
            return OWN_FUNCTION
        scheme = "" if self.scheme == "hf" else f"{self.scheme}:"
        return f"--model {scheme}{self.id} {self.options}".strip()

    @property
    def tested(self) -> str:
        """The tested part: the layout of its head with other weights, or nothing."""
        head = self.head or ""
        original = originals().get(head) or compared_with(head)
        return f"{NOT_TRIED}; layout: {original}" if original else NOT_TRIED


def checkpoints() -> Sequence[Checkpoint]:
    """All public checkpoints of the table, in its order.

    Raises:
        ModelError: the table is not valid
    """
    path = files(__package__) / "checkpoints.toml"
    rows = read_toml(path, error=ModelError, what="the table of checkpoints")["checkpoint"]
    try:
        return [Checkpoint.model_validate(row) for row in rows]
    except ValidationError as error:
        first = error.errors()[0]
        raise ModelError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def of_source(source: str) -> Checkpoint | None:
    """The row of a checkpoint that was loaded by its id on the hub, with or without a revision.

    >>> of_source("superb/hubert-base-superb-er@main").head
    'native'
    """
    name = source.partition("@")[0]
    return next((row for row in checkpoints() if row.id == name), None)
