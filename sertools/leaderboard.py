"""Which of many models does best, where they can be compared at all?

Models are ranked among those audited on the same corpus with the same kind of labels, dimensions or emotion,
and only on measures that all of them have: those of which it is known which side is better, with a 95 %
interval. On each, a model's rank is one more than the number of models whose interval lies wholly on the
better side of its own, so models that overlap are tied. A model that an audit skips, because it is undefined
or not shown to be better than a constant, stands behind all others, also with gaps and spreads that no limit
judges: a constant has none. Ranks are averaged within an
audit, and over the audits that all these models have, so that an audit with many findings counts no more
than one with few. How many limits are passed counts for nothing: a model that always gives one answer
passes many.

Toy models with a known answer stand in the table as a check, marked, and are ranked like all others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from sertools.compare_runs import Key, Run, direction, rank
from sertools.labels import DIMENSIONS
from sertools.result import Result, Verdict

MAIN = ("ccc", "uar")
"""Measures of `correctness` whose values stand in the table."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One model's results on one corpus.

    Attributes:
        model: a name that no other model of the board has
        corpus: a name that no other corpus of the board has
        run: its results by audit
    """

    model: str
    corpus: str
    run: Run

    @property
    def is_check(self) -> bool:
        """Whether it is a toy model with a known answer."""
        return any(result.model.get("kind") == "toy" for result in self.run.results.values())

    def keys(self, labels: str) -> list[Key]:
        """What was measured of these labels."""
        return [key for key in self.run.findings if labels_of(key) in {labels, "both"}]


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Where one model stands among those of its group.

    Attributes:
        place: 1 + the number of models with a smaller mean rank; None where nothing is common
        mean_rank: mean over the audits that all have
        by_audit: audit → mean rank on its common measures
        ranks: common measure → rank
    """

    entry: Entry
    place: int | None
    mean_rank: float | None
    by_audit: Mapping[str, float]
    ranks: Mapping[Key, int]


@dataclass(frozen=True, kw_only=True)
class Group:
    """Models that can be compared: on one corpus, with one kind of labels.

    Attributes:
        labels: `dimensions` or `emotion`
        measures: common measure → which side is better
        audits: those with a common measure, in the order of their names
        counted: those of them that all models have
        standings: the best first
    """

    corpus: str
    labels: str
    measures: Mapping[Key, str]
    audits: Sequence[str]
    counted: Sequence[str]
    standings: Sequence[Standing]

    @property
    def scores(self) -> list[Key]:
        """CCC of each dimension, or UAR, that any model has."""
        keys = dict.fromkeys(key for each in self.standings for key in each.entry.keys(self.labels))
        return [key for key in keys if key[0] == "correctness" and key[1] in MAIN and key[3] == "all"]


def labels_of(key: Key) -> str:
    """Which labels a finding is about: `dimensions`, `emotion`, or `both` where it is of the whole model.

    >>> labels_of(("fairness", "bin_recall_gap", "arousal 0.25-0.5", "sex=female"))
    'dimensions'
    >>> labels_of(("correctness", "recall", "anger", "all")), labels_of(("leakage", "clips", "all", "all"))
    ('emotion', 'both')
    """
    target = key[2].split(" ")[0]
    if target == "all":
        return "both"
    return "dimensions" if target in {*DIMENSIONS, "dimensions"} else "emotion"


def board(entries: Sequence[Entry]) -> list[Group]:
    """All groups of models that can be compared; by corpus and labels.

    A model with both kinds of labels stands in two groups.
    """
    groups = []
    for corpus in sorted({entry.corpus for entry in entries}):
        for labels in ("dimensions", "emotion"):
            here = [
                entry
                for entry in entries
                if entry.corpus == corpus and any(labels_of(key) == labels for key in entry.run.findings)
            ]
            if here:
                groups.append(_group(corpus, labels, here))
    return groups


def _group(corpus: str, labels: str, entries: Sequence[Entry]) -> Group:
    audits = sorted({audit for entry in entries for audit in entry.run.results})
    counted = [audit for audit in audits if all(audit in entry.run.results for entry in entries)]
    measures = {key: side for audit in audits for key, side in _common(audit, labels, entries).items()}
    ranks = {entry.model: _ranks(entry, entries, measures) for entry in entries}
    by_audit = {
        model: {
            audit: fmean(of)
            for audit in audits
            if (of := [place for key, place in found.items() if key[0] == audit])
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


def _common(audit: str, labels: str, entries: Sequence[Entry]) -> dict[Key, str]:
    """Measures of an audit that all models audited by it have, with the side that is better.

    At least two of them must be judged on it, each with an interval; a skipped one needs none.
    """
    here = [entry for entry in entries if audit in entry.run.results]
    runs = [entry.run for entry in here]
    found = {}
    for key in dict.fromkeys(key for entry in here for key in entry.keys(labels)):
        side = direction(runs, key)
        judged = [run for run in runs if not run.says_nothing(key)]
        complete = all(key in run.findings for run in runs) and all(run.interval(key) for run in judged)
        if key[0] == audit and side and complete and len(judged) > 1:
            found[key] = side
    return found


def _ranks(entry: Entry, entries: Sequence[Entry], measures: Mapping[Key, str]) -> dict[Key, int]:
    """The model's rank on every common measure of the audits that it has."""
    found = {}
    for key, side in measures.items():
        if key in entry.run.findings:
            judged = [e for e in entries if not e.run.says_nothing(key)]
            ends = {e.model: interval for e in judged if (interval := e.run.interval(key))}
            found[key] = rank(ends, entry.model, side) or len(ends) + 1
    return found


def verdicts(result: Result) -> dict[str, int]:
    """How many findings got each verdict; told beside the ranks, which do not depend on it."""
    given = [finding.verdict for finding in result.findings]
    return {verdict.value: given.count(verdict) for verdict in Verdict if verdict is not Verdict.NONE}
