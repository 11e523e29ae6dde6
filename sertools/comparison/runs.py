"""The runs of a comparison: each model's results by audit, and its findings by what they measure."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations

from sertools.errors import GateError
from sertools.results.answers import Answers
from sertools.results.collection import Results
from sertools.results.coverage import MIN_COVERAGE, coverages
from sertools.results.keys import FindingKey
from sertools.results.provenance import closed_sets_differ, corpora_differ
from sertools.results.reasons import not_better_than_constant
from sertools.results.result import Finding, LeftOut, Result, Verdict
from sertools.results.terms.names import audit_words, finding_words
from sertools.results.values import Ceiling

AUDIT = "compare"
"""Name of the audit in the result of a comparison."""

COLUMNS = ("audit", "measure", "target", "slice")

PUBLISHED = "published"
"""Key in the model facts of a result measured by others; its value says where it was published."""


@dataclass(frozen=True, order=True)
class Measure:
    """What a finding measures, with its audit; the same for all models.

    >>> Measure("fairness", FindingKey("uar", "emotion", "sex=male")).label
    'fairness: uar of emotion, sex=male'
    """

    audit: str
    key: FindingKey

    @property
    def columns(self) -> tuple[str, str, str, str]:
        """Cells of the columns `COLUMNS` in a table."""
        return self.audit, self.key.name, self.key.target, self.key.slice

    @property
    def label(self) -> str:
        """Audit and label of the finding."""
        return f"{self.audit}: {self.key.label}"

    @property
    def words(self) -> str:
        """What the finding measures in words, for figures: `Fairness: emotion, UAR (male)`."""
        return f"{audit_words(self.audit)}: {finding_words(self.key)}".removesuffix(" (by speaker)")

    @property
    def target(self) -> str:
        """The target without its bin: `arousal` for `arousal 0.25-0.5`."""
        return self.key.target.split(" ")[0]


@dataclass(frozen=True, kw_only=True)
class Run:
    """One model's results, by audit, and their findings by what they measure.

    Attributes:
        name: the name of the run
        results: audit → its result
        findings: what is measured → the finding
        answers: audit → what the model answered clip by clip, where that is known
    """

    name: str
    results: Mapping[str, Result]
    findings: Mapping[Measure, Finding]
    answers: Mapping[str, Answers] = field(default_factory=dict)

    @property
    def is_toy(self) -> bool:
        """Whether it is a toy model with known behaviour, a check outside of the ranking."""
        return any(result.model.get("kind") == "toy" for result in self.results.values())

    @property
    def published(self) -> bool:
        """Whether it was measured by others, on unknown clips and speakers."""
        return any(PUBLISHED in result.model for result in self.results.values())

    def of(self, measure: Measure, what: str) -> float | None:
        """The value, an interval end or a count of one finding; None if it has none."""
        if self.published and what in {"n", "speakers"}:
            return None
        value: float | None = getattr(self.findings.get(measure), what, None)
        return value

    def is_unranked(self, measure: Measure) -> bool:
        """Whether a finding must not be ranked: skipped, or met by useless predictions as well.

        A constant has no gap between groups and the same score for all speakers. So if the audit does not
        find the model better than a constant, findings without a limit must not rank it above others.
        """
        finding = self.findings.get(measure)
        if finding is None or finding.verdict is Verdict.SKIPPED:
            return True
        if not_better_than_constant(finding) or finding.reason_code == "trivially_met":
            return True
        return finding.verdict is Verdict.NONE and (measure.audit, measure.target) in self._useless

    @cached_property
    def _useless(self) -> set[tuple[str, str]]:
        """Audits and labels on which the model was not shown to be better than a constant."""
        return {
            (measure.audit, measure.target)
            for measure, finding in self.findings.items()
            if not_better_than_constant(finding)
        }

    def answers_too_little(self, label: str) -> bool:
        """Whether the model answered less than 95 % of what it was asked, so that it has no rank.

        Args:
            label: a dimension, or `emotion`
        """
        found = self._coverages.get(label)
        return found is not None and (found.value or 0.0) < MIN_COVERAGE

    @cached_property
    def _coverages(self) -> Mapping[str, Finding]:
        return coverages(list(self.results.values()))

    def without(self, measure: Measure) -> Mapping[str, float]:
        """Speaker → the value without that speaker; empty if the file does not hold them."""
        left = self._left_out.get(measure)
        return left.values if left else {}

    def effective_clips(self, measure: Measure) -> float | None:
        """How many independent clips a share is worth at most; None for other values."""
        left = self._left_out.get(measure)
        return left.effective_clips if left else None

    @cached_property
    def _left_out(self) -> Mapping[Measure, LeftOut]:
        return {
            Measure(audit, left.key): left
            for audit, result in self.results.items()
            for left in result.left_out
        }

    def answered(self, audit: str, label: str) -> Hashable:
        """The same for models that were asked the same number of clips and answered the same ones of them.

        What was answered is only read where the model has not answered everything; None if it is unknown.

        Args:
            audit: the audit that asked
            label: a dimension, or `emotion`
        """
        coverage = self._coverages.get(label)
        if coverage is not None and coverage.value == 1.0:
            return coverage.n
        answers = self.answers.get(audit)
        return answers.clips(label) if answers else None

    def ceiling(self, measure: Measure) -> Ceiling | None:
        """The score of one rater on the clips of a finding; None if unknown."""
        finding = self.findings.get(measure)
        return finding.ceiling if finding else None

    def interval(self, measure: Measure) -> tuple[float, float] | None:
        """Both ends of a finding's interval; None if it has none."""
        low, high = self.of(measure, "low"), self.of(measure, "high")
        return None if low is None or high is None else (low, high)


def run_of(name: str, results: Sequence[Result], answers: Mapping[str, Answers] | None = None) -> Run:
    """One model's results, ready to compare.

    Args:
        name: the name of the run
        results: its results
        answers: audit → what the model answered; those that `results` has by default

    Raises:
        GateError: two results of the same audit, or a comparison among them
    """
    by_audit = {result.audit: result for result in results}
    if len(by_audit) < len(results):
        raise GateError(f"{name} has two results of the same audit", hint="name one folder for each model")
    if AUDIT in by_audit:
        raise GateError(f"{name} holds a comparison, not audit results of a model")
    findings: dict[Measure, Finding] = {}
    for result in results:
        for finding in result.findings:
            findings.setdefault(measure_of(result.audit, finding), finding)
    if answers is None:
        known = results if isinstance(results, Results) else Results(results)
        answers = {result.audit: found for result in results if (found := known.answers_of(result))}
    return Run(name=name, results=by_audit, findings=findings, answers=answers)


def measure_of(audit: str, finding: Finding) -> Measure:
    """What a finding measures, independent of the model."""
    # the worst speaker of one model need not be the worst of another
    part = "speaker=*" if finding.slice.startswith("speaker=") else finding.slice
    return Measure(audit, FindingKey(finding.name, finding.target, part))


def check(runs: Sequence[Run]) -> None:
    """Checks that runs can be compared.

    Raises:
        GateError: fewer than two runs, names that are not usable, or no audit that two runs share
    """
    if len(runs) < 2:
        raise GateError(
            "at least two runs are needed for a comparison",
            hint="name the --out folders of at least two audits",
        )
    names = [run.name for run in runs]
    if not are_usable_names(names):
        raise GateError(f"run names must be unique, and not empty or a column name: {', '.join(names)}")
    if not any(a.results.keys() & b.results.keys() for a, b in combinations(runs, 2)):
        raise GateError(
            f"no two of {listed(names)} have an audit in common", hint="run the same audits on both"
        )


def are_usable_names(names: Sequence[str]) -> bool:
    """Whether names are usable for runs: unique, not empty, and not a column header."""
    reserved = ["", *COLUMNS, "limit", "better", "speaker", "run"]
    return len({*names, *reserved}) == len(names) + len(reserved)


def why_other_clips(one: Result, other: Result) -> str:
    """Why two results are not of the same clips, as far as their files show; empty if they are."""
    corpora = [str(result.data.get("name", "")) for result in (one, other)]
    if corpora[0] != corpora[1]:
        return f"the corpora differ: {corpora[0]} and {corpora[1]}"
    if corpora_differ(one, other):
        return f"the two corpora named {corpora[0]} differ in clips, labels or audio"
    return closed_sets_differ(one, other)


def direction(runs: Sequence[Run], measure: Measure) -> str:
    """Whether higher or lower is better, from the files or a limit with one bound; empty if unknown."""
    for run in runs:
        for without in run.results[measure.audit].left_out if measure.audit in run.results else []:
            if without.key == measure.key:
                return without.better
        finding = run.findings.get(measure)
        if finding and finding.limit and (finding.limit.above is None or finding.limit.below is None):
            return "lower" if finding.limit.above is None else "higher"
    return ""


MOST_NAMES = 5
"""Maximum number of models that a sentence or a table on the terminal names."""


def shortened(names: Sequence[str], most: int = MOST_NAMES) -> str:
    """At most `most` names, and how many more there are.

    >>> shortened(["a", "b"]), shortened(["a", "b", "c"], 2)
    ('a and b', 'a, b and 1 more')
    """
    more = len(names) - most
    return listed([*names[:most], f"{more} more"] if more > 0 else list(names))


def listed(names: Sequence[str]) -> str:
    """Names joined as in a sentence.

    >>> listed(["a", "b", "c"]), listed(["a"])
    ('a, b and c', 'a')
    """
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def in_ranking(runs: Sequence[Run]) -> list[Run]:
    """The runs that are ranked: toy models are checks, unless there is no other model."""
    return [run for run in runs if not run.is_toy] or list(runs)
