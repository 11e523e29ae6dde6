"""How fast does a model follow a change of emotion, with windows of several lengths?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sertools.auditing.figures import interval_series
from sertools.auditing.findings import detail, finding
from sertools.auditing.tables import Row
from sertools.metrics.better_than_chance import not_better_than_constant
from sertools.metrics.classification import uar_statistic
from sertools.metrics.regression import CCC
from sertools.results.result import Figure, Finding, Table
from sertools.statistics.bootstrap import bootstrap
from sertools.statistics.jackknife import Estimate, estimate
from sertools.statistics.statistic import Statistic
from sertools.tables.changed.splice import AFTER_CHANGE
from sertools.tables.condition import Condition
from sertools.tables.pairs import Pairs, pairs
from sertools.tables.tables import Tables

from .reached import shortest_length

CHOSEN = "one of the windows that were named, without an interval"


def window_conditions(windows: Sequence[float], step: float) -> list[Condition]:
    """Each window at each time after the change, ending with the time at which the window is full."""
    return [
        Condition(perturbation=AFTER_CHANGE, level=float(t), unit="s", window_s=float(window))
        for window in sorted(set(windows))
        for t in times(window, step)
    ]


def times(window: float, step: float) -> list[float]:
    """Seconds after the change at which a window ends: every step, and when it is full.

    >>> times(1.2, 0.5)
    [0.5, 1.0, 1.2]
    """
    before = [round(step * i, 6) for i in range(1, int(window / step) + 1)]
    return [t for t in before if t < window - 1e-9] + [float(window)]


@dataclass(frozen=True, kw_only=True)
class Latency:
    """Answers of one target after a change, on the clips that are longer than the longest window.

    Attributes:
        target: a dimension, or `emotion`
        truth: labels of the new clips, with their answers as whole clips
        answers: window in s → answers at each of its times, shape (n, times)
        step: s between times
        withheld: why the model is not shown to beat a constant; empty if it is
    """

    target: str
    truth: Pairs
    answers: dict[float, NDArray[np.float64]]
    step: float
    withheld: str

    @property
    def statistic(self) -> Statistic:
        """CCC of a dimension, UAR of emotion."""
        return uar_statistic(self.truth.classes) if self.truth.classes else CCC

    def score(self, window: float, column: int) -> Estimate:
        """The score against the new label at one of the times of a window; −1 for the full window."""
        pair, after = self.truth, self.answers[window][:, column]
        return estimate(self.statistic, pair.truth, self._typed(after), pair.unit, pair.units)

    def _typed(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        typed: NDArray[np.float64] = values.astype(self.truth.prediction.dtype)
        return typed

    def latency(self, window: float, share: float, resamples: int, rng: np.random.Generator) -> Estimate:
        """Seconds after which the score reaches a share of that of the full window."""
        statistic, pair = self.statistic, self.truth
        sums = np.stack(
            [
                statistic.sums(pair.truth, self._typed(p), pair.unit, pair.units)
                for p in self.answers[window].T
            ],
            axis=1,
        )
        units, steps, k = sums.shape
        at = np.array(times(window, self.step))

        def value(flat: NDArray[np.float64]) -> NDArray[np.float64]:
            scores = statistic.value(flat.reshape(*flat.shape[:-1], steps, k))
            return shortest_length(scores, scores[..., -1], at, share)

        present = np.bincount(pair.unit, minlength=units) > 0
        found = bootstrap(value, sums.reshape(units, -1)[present], n=pair.n, draws=resamples, rng=rng)
        if found.value == at[0] and not found.reason:
            return replace(found, reason=f"{at[0]:g} s is the shortest time that was tried")
        return found

    def suggested(self, share: float) -> float:
        """The shortest window whose full score reaches a share of the best one; nan if none is above 0."""
        scores = {window: self.score(window, -1).value for window in self.answers}
        best = max(scores.values())
        enough = [window for window, score in scores.items() if score >= share * best]
        return min(enough, default=float("nan")) if best > 0 else float("nan")

    def findings(self, share: float, resamples: int, rng: np.random.Generator) -> list[Finding]:
        """Score and latency of each window, and the suggested window; details."""
        name = "uar" if self.truth.classes else "ccc"
        found = []
        for window in self.answers:
            where = f"window={window:g}s"
            waited = self.latency(window, share, resamples, rng)
            found += [self._named(name, self.score(window, -1), where), self._named("latency", waited, where)]
        n, units = self.truth.n, self.truth.units
        best = Estimate(value=self.suggested(share), low=np.nan, high=np.nan, n=n, units=units, reason=CHOSEN)
        return [*found, self._named("suggested_window", best, "all")]

    def _named(self, name: str, value: Estimate, where: str) -> Finding:
        return detail(
            finding(
                name,
                value,
                target=self.target,
                slice=where,
                by_speaker=self.truth.by_speaker,
                withheld=self.withheld,
            )
        )


def latency(tables: Tables, target: str, windows: Sequence[float], step: float) -> Latency | None:
    """The answers after a change of emotion; None if no clip has answers for all windows at all times.

    Args:
        tables: clips, and predictions of whole clips and of windows after a change
        target: a dimension, or `emotion`
        windows: lengths in s
        step: s between times
    """
    whole = pairs(tables, target)
    answers, known = {}, np.ones(whole.n, dtype=np.bool_)
    classes = whole.classes
    for window in sorted(set(map(float, windows))):
        columns = []
        for condition in window_conditions([window], step):
            part = pairs(tables, target, str(condition))
            place = part.clips.get_indexer(whole.clips)
            known &= place >= 0
            columns.append(part.prediction[place].astype(float) if part.n else np.full(whole.n, np.nan))
            classes = max(classes, part.classes)
        answers[window] = np.column_stack(columns)
    kept = whole.take(known)
    if not kept.n:
        return None
    return Latency(
        target=target,
        truth=replace(kept, classes=classes),
        answers={window: values[known] for window, values in answers.items()},
        step=step,
        withheld=not_better_than_constant(whole, whole.classes),
    )


def window_sentence(found: Sequence[Latency], share: float) -> str:
    """The suggested window for long recordings, if the model is better than a constant; else empty."""
    taken: dict[float, list[str]] = {}
    for each in found:
        window = float("nan") if each.withheld else each.suggested(share)
        taken.setdefault(0.0 if np.isnan(window) else window, []).append(each.target)
    none = taken.pop(0.0, [])
    parts = [f"--window {window:g} for {', '.join(names)}" for window, names in sorted(taken.items())]
    said = (
        f"In long recordings, {share:.0%} of the best score take at least {'; '.join(parts)}."
        if parts
        else ""
    )
    without = f"No window for {', '.join(none)} can be recommended." if none else ""
    return " ".join(filter(None, [said, without]))


def latency_tables(found: Sequence[Latency]) -> list[Table]:
    """Scores of each window at each time after the change."""
    rows: list[Row] = []
    for each in found:
        for window, values in each.answers.items():
            for column, t in enumerate(times(window, each.step)):
                score = each.score(window, column)
                rows.append([each.target, window, t, score.value, score.low, score.high, len(values)])
    if not rows:
        return []
    return [
        Table(
            name="after_change",
            title="Scores after a change of emotion",
            columns=["target", "window in s", "s after the change", "score", "low", "high", "clips"],
            rows=rows,
            note="against the label of the new emotion",
        )
    ]


def latency_figures(found: Sequence[Latency]) -> list[Figure]:
    """Score by time after the change, a line for each window."""
    return [
        Figure(
            name=f"after_change_{each.target}",
            kind="line",
            title=f"Following a change of emotion: {each.target}",
            alt="; ".join(
                f"window of {w:g} s: {each.score(w, -1).value:.2f} when full" for w in each.answers
            ),
            x_label="s after the change",
            y_label="UAR" if each.truth.classes else "CCC",
            series=[
                interval_series(
                    times(window, each.step),
                    [each.score(window, column) for column in range(values.shape[1])],
                    f"window of {window:g} s",
                )
                for window, values in each.answers.items()
            ],
        )
        for each in found
    ]
