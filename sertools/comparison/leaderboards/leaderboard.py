"""Which of several comparable models is best?

Models are ranked within groups: audited on the same corpus with the same kind of labels, dimensions or
emotion. The order follows one measure of the audit `correctness`: UAR for emotion, for dimensions the mean
CCC of those that all models of the group have. A model's place is one plus the number of models that are
significantly better on it, so models that are not shown to differ share a place; beside it stands the last
place that it may have. Differences are paired by speaker, on the clips that both models answered, and
adjusted by Holm's method for all pairs. Other measures have ranks of their own, by the same rule, which do
not affect the order; their mean within an audit is shown.

A model that answered less than 95 % of what it was asked is listed without a place, and affects no other. A
model for which an audit skips a measure, because the measure is undefined or the model is not shown to be
better than a constant, ranks behind all others on it. Where a pair of models has no paired difference,
because they were scored on different clips or speakers, nobody has a rank on that measure. The number of
passed limits does not count: a model that always gives the same answer passes many.

Toy models with known behaviour are listed as checks outside of the ranking, unless there is no other model.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean

from sertools.comparison.common_clips import label_of
from sertools.comparison.leaderboards.places import (
    common_clips_sentence,
    main_measures,
    main_score,
    places_of,
    places_sentence,
    words,
)
from sertools.comparison.ranks import Differences, Ranks, ranks_of
from sertools.comparison.runs import Measure, Run, direction
from sertools.labels import DIMENSIONS
from sertools.results.result import Result, Verdict
from sertools.results.values import Ceiling

CHECK = "it is a toy model with known behaviour, a check outside of the ranking"
"""Why a toy model has no place."""

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
        score: value of the measure that decides the order; None if the model lacks it
        places: the places that the model may have; None if it has none
        reason: why it has none
        by_audit: audit → mean of its best ranks on the shared measures
        ranks: shared measure → the ranks that it may have
    """

    entry: Entry
    score: float | None
    places: Ranks | None
    reason: str
    by_audit: Mapping[str, float]
    ranks: Mapping[Measure, Ranks]

    @property
    def place(self) -> int | None:
        """The best place that the model may have; models that are not shown to differ share it."""
        return self.places.best if self.places else None


@dataclass(frozen=True, kw_only=True)
class Group:
    """Models that can be compared: audited on the same corpus, with the same kind of labels.

    Attributes:
        labels: `dimensions` or `emotion`
        order_by: the measure that decides the order, in words
        measures: shared measure → which direction is better
        audits: audits with a shared measure, sorted by name
        standings: best score first; models without a place last
        on_common_clips: a sentence on pairs of models that did not answer the same clips; may be empty
    """

    corpus: str
    labels: str
    order_by: str
    measures: Mapping[Measure, str]
    audits: Sequence[str]
    standings: Sequence[Standing]
    on_common_clips: str = ""

    @property
    def summary(self) -> str:
        """A sentence on the model with the best score and which models it is not shown to beat."""
        models = [each for each in self.standings if each.reason != CHECK]
        reasons = {each.entry.model: each.reason for each in models if each.reason}
        sentence = places_sentence(
            {each.entry.model: each.score for each in models},
            {each.entry.model: each.places for each in models if each.places},
            reasons,
            self.order_by,
        )
        return f"{sentence}{self.on_common_clips}"

    @cached_property
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

    @cached_property
    def people(self) -> dict[Measure, Ceiling]:
        """The scores of one rater, where the raters are known."""
        runs = [each.entry.run for each in self.standings]
        found = {m: next((c for run in runs if (c := run.ceiling(m)) is not None), None) for m in self.scores}
        return {measure: ceiling for measure, ceiling in found.items() if ceiling is not None}

    @property
    def score_of_people(self) -> float | None:
        """The score of one rater on the measure that decides the order; None if unknown."""
        main = main_measures(self.labels, [each.entry.run for each in self.standings])
        values = [self.people[measure].value for measure in main if measure in self.people]
        known = [value for value in values if value is not None]
        return fmean(known) if known and len(known) == len(main) else None


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
    differences = Differences()
    for corpus in sorted({entry.corpus for entry in entries}):
        for labels in ("dimensions", "emotion"):
            here = [
                entry
                for entry in entries
                if entry.corpus == corpus
                and any(labels_of(measure) == labels for measure in entry.run.findings)
            ]
            if here:
                groups.append(_group(corpus, labels, here, differences))
    return groups


def _group(corpus: str, labels: str, listed: Sequence[Entry], differences: Differences) -> Group:
    entries = [entry for entry in listed if not entry.is_check] or listed
    audits = sorted({audit for entry in entries for audit in entry.run.results})
    by_measure: dict[str, dict[Measure, Ranks]] = {entry.model: {} for entry in listed}
    measures: dict[Measure, str] = {}
    for audit in audits:
        for measure in _common(audit, labels, entries):
            side = direction([entry.run for entry in entries], measure)
            found = _ranks(entries, measure, side, differences) if side else {}
            if found:
                measures[measure] = side
                for model, each in found.items():
                    by_measure[model][measure] = each
    by_audit = {
        model: {
            audit: fmean(of)
            for audit in audits
            if (of := [each.best for measure, each in found.items() if measure.audit == audit])
        }
        for model, found in by_measure.items()
    }
    runs = [entry.run for entry in entries]
    main = main_measures(labels, runs)
    places, reasons = places_of(runs, main, differences)
    standings = [
        Standing(
            entry=entry,
            score=main_score(entry.run, main),
            places=places.get(entry.model),
            reason=reasons.get(entry.model, "" if entry in entries else CHECK),
            by_audit=by_audit[entry.model],
            ranks=by_measure[entry.model],
        )
        for entry in listed
    ]
    return Group(
        corpus=corpus,
        labels=labels,
        order_by=words(main, labels),
        measures=measures,
        audits=[audit for audit in audits if any(audit in found for found in by_audit.values())],
        standings=sorted(standings, key=_order),
        on_common_clips=common_clips_sentence(runs, main, differences),
    )


def _order(standing: Standing) -> tuple[bool, float, str]:
    """By score, models without a place last; equal scores by name."""
    score = -1.0 if standing.score is None else standing.score
    behind = bool(standing.places and standing.reason)
    return standing.places is None or behind, -score, standing.entry.model


def _common(audit: str, labels: str, entries: Sequence[Entry]) -> list[Measure]:
    """Measures of an audit that all models with this audit have."""
    here = [entry for entry in entries if audit in entry.run.results]
    return [
        measure
        for measure in dict.fromkeys(m for entry in here for m in entry.measures(labels))
        if measure.audit == audit and all(measure in entry.run.findings for entry in here)
    ]


def _ranks(
    entries: Sequence[Entry], measure: Measure, side: str, differences: Differences
) -> dict[str, Ranks]:
    """The ranks on a measure of all models that answered enough; skipped ones rank behind all others."""
    label = label_of(measure.key.target)
    here = [e.run for e in entries if measure in e.run.findings and not e.run.answers_too_little(label)]
    judged = [run for run in here if not run.is_unranked(measure)]
    found = ranks_of(judged, [measure], side, differences)
    behind = [run.name for run in here if run.is_unranked(measure)]
    return found | dict.fromkeys(behind, Ranks(len(judged) + 1, len(here))) if found else {}


def verdicts(result: Result) -> dict[str, int]:
    """Number of findings by verdict; shown with the ranks, which do not depend on it."""
    given = [finding.decides for finding in result.findings]
    return {verdict.value: given.count(verdict) for verdict in Verdict if verdict is not Verdict.NONE}
