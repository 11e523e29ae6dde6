"""What a finding measures, and what an audit asks: keys by which findings and audits are grouped."""

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict

ReasonCode = Literal[
    "not_better_than_constant", "never_trained", "low_coverage", "trivially_met", "other_clips"
]
"""Codes of reasons why a limit must not be passed.

`not_better_than_constant`: the model is not shown to beat a constant prediction. `never_trained`: the network
has the weights that it was created with. `low_coverage`: the value is of the clips that the model answered,
and it answered too few for a verdict. `trivially_met`: such predictions meet any limit of this kind.
`other_clips`: the value is of clips that differ from those that the question is about.
"""


class Asks(BaseModel):
    """The question that an audit answers for readers of a report; audits with the same one share a row.

    Attributes:
        question: the question in a few words, e.g. `Is it fair?`
        claim: what is true of a model that passes, as the end of "the model is …", e.g. `fair to all groups`;
            empty if the question has no better and worse answer
        rank: place of the question in the report; lower comes first
    """

    question: str
    claim: str = ""
    rank: int = 100

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, order=True)
class FindingKey:
    """Name, target and slice of a finding; unique within a result.

    Attributes:
        name: the field's term for what was measured, e.g. `ccc`
        target: the label it was measured on, e.g. `arousal`
        slice: the clips it was measured on; `all`, or `sex=female`
    """

    name: str
    target: str = "all"
    slice: str = "all"

    @property
    def label(self) -> str:
        """The key in a few words, the same in every output; `all` is left out.

        Names are not translated or capitalised, so that a reader can search for them in result files and
        write them into limits.

        >>> FindingKey("ccc", "arousal", "sex=female").label
        'ccc of arousal, sex=female'
        >>> FindingKey("uar").label
        'uar'
        """
        text = self.name if self.target == "all" else f"{self.name} of {self.target}"
        return text if self.slice == "all" else f"{text}, {self.slice}"
