"""What a finding measures: the key under which findings of several results are matched, and its label."""

from dataclasses import dataclass


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
