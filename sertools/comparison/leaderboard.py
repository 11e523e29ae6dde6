"""Which of several comparable models is best?

Models are ranked within groups: audited on the same corpus with the same kind of labels, dimensions or
emotion. Only measures count that all models of a group have, with a 95 % interval and a known better
direction. On each measure, a model's rank is one plus the number of models whose interval is entirely on the
better side of its own, so models with overlapping intervals are tied. A model for which an audit skips a
measure, because the measure is undefined or the model is not shown to be better than a constant, ranks behind
all others. This also holds for gaps and spreads without a limit, because a constant has none. Ranks are
averaged within an audit, and then over the audits that all models of the group have, so that an audit with
many findings counts no more than one with few. The number of passed limits does not count: a model that
always gives the same answer passes many.

Toy models with known behaviour are ranked too, marked as checks (controls).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from sertools.comparison.runs import Measure, Run, direction, rank
from sertools.labels import DIMENSIONS
from sertools.results.result import Result, Verdict

MAIN = ("ccc", "uar")
"""Measures of `correctness` whose values are shown in the table."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One model's results on one corpus.

    Attributes:
        model: name, unique among the models of the leaderboard
        corpus: name, unique among the corpora of the leaderboard
        run: its results by audit
    """

    model: str
    corpus: str
    run: Run

    @property
    def is_check(self) -> bool:
        """Whether it is a toy model with known behaviour."""
        return any(result.model.get("kind") == "toy" for result in self.run.results.values())

    def measures(self, labels: str) -> list[Measure]:
        """Keys of the findings for these labels."""
        return [measure for measure in self.run.findings if labels_of(measure) in {labels, "both"}]


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Ranks of one model within its group.

    Attributes:
        place: 1 + the number of models with a smaller mean rank; None if no measure is shared
        mean_rank: mean over the audits that all models have
        by_audit: audit → mean rank on its shared measures
        ranks: shared measure → rank
    """

    entry: Entry
    place: int | None
    mean_rank: float | None
    by_audit: Mapping[str, float]
    ranks: Mapping[Measure, int]


@dataclass(frozen=True, kw_only=True)
class Group:
    """Models that can be compared: audited on the same corpus, with the same kind of labels.

    Attributes:
        labels: `dimensions` or `emotion`
        measures: shared measure → which direction is better
        audits: audits with a shared measure, sorted by name
        counted: those of these audits that all models have
        standings: best model first
    """

    corpus: str
    labels: str
    measures: Mapping[Measure, str]
    audits: Sequence[str]
    counted: Sequence[str]
    standings: Sequence[Standing]

    @property
    def scores(self) -> list[Measure]:
        """CCC of each dimension, or UAR, as far as any model has them."""
        measures = dict.fromkeys(
            measure for each in self.standings for measure in each.entry.measures(self.labels)
        )
        return [
            measure
            for measure in measures
            if measure.audit == "correctness" and measure.key.name in MAIN and measure.key.slice == "all"
        ]


def labels_of(measure: Measure) -> str:
    """Which labels a finding is about: `dimensions`, `emotion`, or `both` if it is about the whole model.

    >>> from sertools.results.keys import FindingKey
    >>> labels_of(Measure("fairness", FindingKey("bin_recall_gap", "arousal 0.25-0.5", "sex=female")))
    'dimensions'
    >>> labels_of(Measure("correctness", FindingKey("recall", "anger")))
    'emotion'
    >>> labels_of(Measure("leakage", FindingKey("clips")))
    'both'
    """
    if measure.target == "all":
        return "both"
    return "dimensions" if measure.target in {*DIMENSIONS, "dimensions"} else "emotion"


def board(entries: Sequence[Entry]) -> list[Group]:
    """All groups of models that can be compared, by corpus and labels.

    A model with both kinds of labels is in two groups.
    """
    groups = []
    for corpus in sorted({entry.corpus for entry in entries}):
        for labels in ("dimensions", "emotion"):
            here = [
                entry
                for entry in entries
                if entry.corpus == corpus
                and any(labels_of(measure) == labels for measure in entry.run.findings)
            ]
            if here:
                groups.append(_group(corpus, labels, here))
    return groups


def _group(corpus: str, labels: str, entries: Sequence[Entry]) -> Group:
    audits = sorted({audit for entry in entries for audit in entry.run.results})
    counted = [audit for audit in audits if all(audit in entry.run.results for entry in entries)]
    measures = {
        measure: side for audit in audits for measure, side in _common(audit, labels, entries).items()
    }
    ranks = {entry.model: _ranks(entry, entries, measures) for entry in entries}
    by_audit = {
        model: {
            audit: fmean(of)
            for audit in audits
            if (of := [place for measure, place in found.items() if measure.audit == audit])
        }
        for model, found in ranks.items()
    }
    ranked = [audit for audit in audits if any(audit in found for found in by_audit.values())]
    both = [audit for audit in counted if audit in ranked]
    means = {model: fmean(found[a] for a in both) if both else None for model, found in by_audit.items()}
    standings = [
        Standing(
            entry=entry,
            place=None
            if mean is None
            else 1 + sum(m is not None and m < mean - 1e-9 for m in means.values()),
            mean_rank=mean,
            by_audit=by_audit[entry.model],
            ranks=ranks[entry.model],
        )
        for entry in entries
        for mean in [means[entry.model]]
    ]
    return Group(
        corpus=corpus,
        labels=labels,
        measures=measures,
        audits=ranked,
        counted=both,
        standings=sorted(standings, key=lambda s: (s.place or len(entries), s.entry.model)),
    )


def _common(audit: str, labels: str, entries: Sequence[Entry]) -> dict[Measure, str]:
    """Measures of an audit that all models with this audit have, with the better direction.

    At least two models must be judged on it, each with an interval; a skipped model needs none.
    """
    here = [entry for entry in entries if audit in entry.run.results]
    runs = [entry.run for entry in here]
    found = {}
    for measure in dict.fromkeys(measure for entry in here for measure in entry.measures(labels)):
        side = direction(runs, measure)
        judged = [run for run in runs if not run.says_nothing(measure)]
        complete = all(measure in run.findings for run in runs) and all(
            run.interval(measure) for run in judged
        )
        if measure.audit == audit and side and complete and len(judged) > 1:
            found[measure] = side
    return found


def _ranks(entry: Entry, entries: Sequence[Entry], measures: Mapping[Measure, str]) -> dict[Measure, int]:
    """The model's rank on every shared measure of the audits that it has."""
    found = {}
    for measure, side in measures.items():
        if measure in entry.run.findings:
            judged = [e for e in entries if not e.run.says_nothing(measure)]
            ends = {e.model: interval for e in judged if (interval := e.run.interval(measure))}
            found[measure] = rank(ends, entry.model, side) or len(ends) + 1
    return found


def verdicts(result: Result) -> dict[str, int]:
    """Number of findings by verdict; shown with the ranks, which do not depend on it."""
    given = [finding.verdict for finding in result.findings]
    return {verdict.value: given.count(verdict) for verdict in Verdict if verdict is not Verdict.NONE}
