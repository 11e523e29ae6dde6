"""Answers of a model to clips that were changed in order to change them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sertools.tables.condition import Condition
    from sertools.tables.tables import Tables


@dataclass(frozen=True, kw_only=True)
class AttacksNeeded:
    """What an audit reads.

    Attributes:
        conditions: the attacks
        clips: most clips that are attacked; 0 for all
        surrogate: model whose gradient is followed, as after `--model`; empty for the audited model where it
            has one, else for the embedded one
    """

    conditions: tuple["Condition", ...]
    clips: int
    surrogate: str = ""


@dataclass(frozen=True, kw_only=True)
class Attacks:
    """The answers to a sample of clips, clean and under each attack.

    Attributes:
        tables: of these clips; None if there are none
        reason: why there are none
        surrogate: name of the other model whose gradient was followed; empty for the audited model's own
    """

    tables: "Tables | None"
    reason: str = ""
    surrogate: str = ""
