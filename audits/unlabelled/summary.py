"""What is known of one target: rehearsals, prediction sets, and estimates for clips without labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sertools.results.result import Finding
from sertools.statistics.jackknife import Estimate

from .answers import Answers
from .conformal import Sets
from .domains import Domain


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Results for one target.

    Attributes:
        given: the answers, and the truth where it is known
        findings: what was measured
        rehearsals: part of the corpus → estimate minus score
        sets: part of the corpus → sets or intervals for its speakers, calibrated on the others
        domains: what is expected of the clips without labels, by corpus
        reason: why nothing was measured; empty if something was
    """

    given: Answers
    findings: list[Finding]
    rehearsals: Mapping[str, Estimate] = field(default_factory=dict)
    sets: Mapping[str, Sets] = field(default_factory=dict)
    domains: Sequence[Domain] = ()
    reason: str = ""

    @property
    def metric(self) -> str:
        """The score in words."""
        return f"{'UAR' if self.given.is_emotion else 'CCC'} of {self.given.target}"
