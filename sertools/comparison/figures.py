"""Figures of `sertools compare`: scores and profiles of several models."""

import math
from collections.abc import Sequence

from sertools.comparison.runs import MOST_NAMES, Measure, Run, in_ranking, listed, shortened
from sertools.results.keys import FindingKey
from sertools.results.result import Figure, Series
from sertools.results.terms.names import finding_words

FROM_0_TO_1 = {
    "correctness": ("ccc", "uar", "recall"),
    "speakers": ("worst_speaker",),
    "robustness": ("mean_unchanged_ratio",),
}
"""Measures for the radar plot: those whose best value is 1 and whose value for a useless model is about 0."""

MOST_SCORES, MOST_ROWS = 3, 15
"""Most scores, and most rows, of the dot plot of many models."""

FEWEST_AXES = 3
"""Minimum number of axes of a radar plot; with two axes it would be a line."""


def scores(runs: Sequence[Run], measures: Sequence[Measure]) -> Figure:
    """A dot plot of all runs, for the scores over all clips that can be paired by speaker.

    Gaps and errors, where lower is better, are not scores; they are in the tables.
    """
    in_pairs = {
        Measure(r.audit, v.key)
        for run in runs
        for r in run.results.values()
        for v in r.left_out
        if v.better == "higher" and v.slice == "all"
    }
    shown = [measure for measure in measures if measure in in_pairs]
    if len(runs) > MOST_NAMES:
        return _best_scores(runs, shown[:MOST_SCORES])
    series = [
        Series(
            name=run.name,
            x=[measure.words for measure in shown],
            y=[run.of(measure, "value") for measure in shown],
            low=[run.of(measure, "low") for measure in shown],
            high=[run.of(measure, "high") for measure in shown],
        )
        for run in runs
    ]
    series += _one_rater(runs, shown)
    return Figure(
        name="scores",
        kind="interval",
        title="Scores of each model",
        alt=f"{listed([measure.words for measure in shown])} for {listed([r.name for r in runs])}, with 95 % "
        "intervals.",
        x_label="score",
        series=series if shown else [],
    )


def _best_scores(runs: Sequence[Run], shown: Sequence[Measure]) -> Figure:
    """A dot plot with a row for each of the best of many runs, by the mean of some scores."""
    means = {
        run.name: sum(known) / len(known)
        for run in in_ranking(runs)
        if (known := [v for m in shown if (v := run.of(m, "value")) is not None])
    }
    best = sorted(means, key=lambda name: (-means[name], name))[:MOST_ROWS]
    rows = {run.name: run for run in runs}
    series = [
        Series(
            name=finding_words(measure.key),
            x=list(best),
            y=[rows[name].of(measure, "value") for name in best],
            low=[rows[name].of(measure, "low") for name in best],
            high=[rows[name].of(measure, "high") for name in best],
        )
        for measure in shown
    ]
    n = len(means)
    return Figure(
        name="scores",
        kind="interval",
        title="Scores of each model" if len(best) == n else f"Scores of the {len(best)} best of {n} models",
        alt=f"{listed([each.name for each in series])} of {listed(best)}, with 95 % intervals, the best mean "
        "first.",
        x_label="score",
        series=series,
    )


def _one_rater(runs: Sequence[Run], shown: Sequence[Measure]) -> list[Series]:
    """What one rater reaches in these measures; empty if that is known for none."""
    ceilings = {m: next((c for run in runs if (c := run.ceiling(m)) is not None), None) for m in shown}
    known = [(measure.words, c) for measure, c in ceilings.items() if c is not None]
    if not known:
        return []
    return [
        Series(
            name="one rater",
            x=[label for label, _ in known],
            y=[c.value for _, c in known],
            low=[c.low for _, c in known],
            high=[c.high for _, c in known],
        )
    ]


def profile(runs: Sequence[Run], measures: Sequence[Measure]) -> Figure:
    """A radar plot of the measures from 0 to 1 that all runs share; no series with fewer than three axes.

    Nor with more runs than a reader can tell apart.

    A radar plot has no room for intervals; the dot plots and tables show them.
    """
    axes = [
        measure
        for measure in measures
        if measure.key.name in FROM_0_TO_1.get(measure.audit, ())
        and measure.key.slice in {"all", "speaker=*"}
        and all(run.of(measure, "value") is not None for run in runs)
    ]
    names = [measure.words for measure in axes]
    series = [
        Series(name=run.name, x=list(names), y=[run.of(measure, "value") for measure in axes]) for run in runs
    ]
    return Figure(
        name="profile",
        kind="radar",
        title="Profiles on the common scale from 0 to 1",
        alt=f"{listed(names)} of {listed([run.name for run in runs])}. The centre is 0, the rim is 1 (the "
        "best possible value); values below 0 are drawn at the centre. Only measures on this scale are "
        "shown, without intervals; areas have no meaning.",
        series=series if len(axes) >= FEWEST_AXES and len(runs) <= MOST_NAMES else [],
    )


SPEED = Measure("efficiency", FindingKey("real_time_factor"))
WIDE = 20.0
"""Ratio of the slowest to the fastest model from which their real-time factors are drawn as logarithms."""


def pareto(runs: Sequence[Run], measures: Sequence[Measure]) -> Figure:
    """Score against real-time factor; no series unless two runs have both.

    The score is UAR of emotion, or else CCC of a dimension, whichever most runs have.
    """
    scored = [m for m in measures if m.audit == "correctness" and m.key.name in {"uar", "ccc"}]
    scored = [m for m in scored if m.key.slice == "all"]

    def known(measure: Measure) -> list[Run]:
        return [run for run in runs if run.of(SPEED, "value") and run.of(measure, "value") is not None]

    measure = max(scored, key=lambda m: (len(known(m)), m.key.name == "uar"), default=SPEED)
    shown = known(measure)
    speeds = {run.name: run.of(SPEED, "value") or 0.0 for run in shown}
    values = {run.name: run.of(measure, "value") or 0.0 for run in shown}
    wide = len(shown) > 1 and max(speeds.values()) > WIDE * min(speeds.values())
    front = [run.name for run in shown if not _beaten(run.name, speeds, values)]
    drawn = {run.name: [run.name] for run in shown}
    if len(shown) > MOST_NAMES:
        named = front[:MOST_NAMES]
        drawn = {name: [name] for name in named}
        drawn["other models"] = [run.name for run in shown if run.name not in named]
    series = [
        Series(
            name=label,
            x=[math.log10(speeds[name]) if wide else speeds[name] for name in names],
            y=[values[name] for name in names],
        )
        for label, names in drawn.items()
    ]
    return Figure(
        name="pareto",
        kind="scatter",
        title=f"{finding_words(measure.key)} against speed; no model is both faster and better than "
        f"{shortened(front)}",
        alt="; ".join(f"{name}: {values[name]:.3f} at {speeds[name]:.3g}" for name in speeds),
        x_label=f"real-time factor{' (log10)' if wide else ''}, on the machine of each run; lower is faster",
        y_label=finding_words(measure.key),
        series=series if len(shown) > 1 else [],
    )


def _beaten(name: str, speeds: dict[str, float], values: dict[str, float]) -> bool:
    """Whether another model is at least as fast and as good, and better in one of both."""
    return any(
        speeds[other] <= speeds[name]
        and values[other] >= values[name]
        and (speeds[other], values[other]) != (speeds[name], values[name])
        for other in speeds
    )
