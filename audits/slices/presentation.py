"""Table, figure and sentences on the slices that were tested."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sertools.auditing.figures import interval_series
from sertools.auditing.findings import skipped
from sertools.auditing.phrases import interval_text
from sertools.auditing.tables import Row
from sertools.metrics.classification import uar_statistic
from sertools.metrics.regression import CCC
from sertools.results.result import Figure, Finding, Sound, Table
from sertools.results.terms.names import slice_words
from sertools.statistics.permutation import holm
from sertools.statistics.statistic import overall
from sertools.tables.pairs import Pairs
from sertools.tables.tables import Tables
from sertools.wording import listed, plural

from .confirm import Confirmed
from .search import Losses


@dataclass(frozen=True, kw_only=True)
class Search:
    """The search for slices of one target.

    Attributes:
        target: a dimension, or `emotion`
        pair: truth and prediction of all clips
        losses: their losses
        columns: number of columns that were searched
        speakers: number of speakers of the search, and of the test
        searched: number of slices that were searched
        tested: the slices that were tested
        findings: what they gave
        inside: for each tested slice, its clips among those of the test, shape (n,)
        outside: the clips of the test, shape (n,)
        sounds: clips of the worst slice
        reason: why nothing was tested; empty if something was
    """

    target: str
    pair: Pairs
    losses: Losses
    columns: int
    speakers: tuple[int, int]
    searched: int = 0
    tested: Sequence[Confirmed] = ()
    findings: list[Finding] = field(default_factory=list)
    inside: Sequence[NDArray[np.bool_]] = ()
    outside: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    sounds: list[Sound] = field(default_factory=list)
    reason: str = ""

    def without(self, tables: Tables, reason: str) -> "Search":
        """The search that tested nothing, for a reason."""
        missing = skipped("worst_slice", tables, reason, target=self.target)
        return replace(self, findings=[missing], reason=reason)

    def with_results(self, **results: Any) -> "Search":
        """The search with its results."""
        return replace(self, **results)


def worst_of(tested: Sequence[Confirmed]) -> Confirmed | None:
    """The slice with the largest excess on the other speakers; None if no excess is defined."""
    defined = [each for each in tested if not np.isnan(each.alone.value)]
    with_interval = [each for each in defined if not np.isnan(each.alone.low)]
    return max(with_interval or defined, key=lambda each: each.alone.value, default=None)


def tables(searches: Sequence[Search]) -> list[Table]:
    """All tested slices with what the search found and what the test gave."""
    rows: list[Row] = []
    for each in searches:
        adjusted = holm(np.array([slice_.p_value for slice_ in each.tested]))
        for slice_, inside, p in zip(each.tested, each.inside, adjusted, strict=True):
            there, elsewhere = each.pair.take(inside), each.pair.take(each.outside & ~inside)
            alone, found = slice_.alone, slice_.slice
            rows.append(
                [
                    *(each.target, str(found), found.clips, found.speakers, found.excess),
                    *(alone.n, alone.units, alone.value, alone.low, alone.high, slice_.p_value, float(p)),
                    *(_score(there), _score(elsewhere)),
                ]
            )
    if not rows:
        return []
    columns = ["target", "slice", "clips of the search", "speakers of the search", "excess in the search"]
    columns += ["clips", "speakers", "excess", "low", "high", "p-value", "p-value (Holm)"]
    columns += ["score in the slice", "score elsewhere"]
    return [
        Table(
            name="slices",
            title="The slices that looked worst, tested on other speakers",
            columns=columns,
            rows=rows,
            note="excess: mean loss beyond that of other clips with the same truth, on speakers that took no "
            "part in the search; p-value: one-sided, for each slice alone, and adjusted for the slices of "
            "the target; score: UAR or CCC of these speakers' clips",
        )
    ]


def _score(pair: Pairs) -> float:
    statistic = uar_statistic(pair.classes) if pair.classes else CCC
    return overall(statistic, pair.truth, pair.prediction) if pair.n else float("nan")


def figure(search: Search) -> Figure:
    """The excess of each tested slice."""
    shown = [each for each in search.tested if not np.isnan(each.alone.value)]
    names = [slice_words(str(each.slice)) for each in shown]
    unit = "share of errors" if search.pair.classes else "absolute error"
    return Figure(
        name=f"slices_{search.target}",
        kind="interval",
        title=f"Excess {unit} of {search.target} in the slices that looked worst",
        alt="; ".join(f"{name}: {each.alone.value:+.2f}" for name, each in zip(names, shown, strict=True)),
        x_label=f"excess {unit}, on other speakers",
        series=[
            interval_series(
                [f"{name} ({plural(e.alone.n, 'clip')})" for name, e in zip(names, shown, strict=True)],
                [e.alone for e in shown],
            )
        ],
        reference=0.0,
    )


def note(search: Search) -> str:
    """How many slices of how many columns were searched and tested, on how many speakers."""
    if search.reason:
        return f"{search.target}: nothing was tested, because there are {search.reason}."
    return (
        f"{search.target}: {plural(search.searched, 'slice')} of {plural(search.columns, 'column')} "
        f"searched on {plural(search.speakers[0], 'speaker')}, {len(search.tested)} of them tested on "
        f"{search.speakers[1]} others."
    )


def answer(searches: Sequence[Search]) -> str:
    """For each target the worst slice that is confirmed, and for which targets none is."""
    done = [each for each in searches if each.tested]
    if not done:
        return f"Not searched: {searches[0].reason}."
    words, without = [], []
    for each in done:
        worst = worst_of(each.tested)
        adjusted = holm(np.array([one.p_value for one in each.tested]))
        confirmed = [one for one, p in zip(each.tested, adjusted, strict=True) if p < 0.05]
        if worst is None or not confirmed:
            without.append(each.target)
            continue
        words.append(_worst_sentence(each, worst, len(confirmed) - 1))
    if without:
        tested = sum(len(each.tested) for each in done if each.target in without)
        most = max(each.searched for each in done)
        words.append(
            f"None of the {plural(tested, 'slice')} in which {listed(without)} looked worst, of up to "
            f"{most} searched, is shown to be worse on the other speakers."
        )
    return " ".join(words)


def _worst_sentence(search: Search, worst: Confirmed, others: int) -> str:
    """How much worse the worst slice is, and how many others are confirmed."""
    excess = worst.together
    value = f"{excess.value:.2f}{interval_text(excess)}"
    errs = (
        f"errors are more frequent by {value}" if search.pair.classes else f"the error is higher by {value}"
    )
    more = f"; {plural(others, 'other slice is', 'other slices are')} confirmed" if others else ""
    return (
        f"{search.target[:1].upper()}{search.target[1:]} is worst where {worst.slice}: {errs} than in other "
        f"clips with the same truth, on speakers that took no part in the search{more}."
    )
