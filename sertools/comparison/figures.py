"""Figures of `sertools compare`: scores and profiles of several models."""

from collections.abc import Sequence

from sertools.comparison.runs import Measure, Run, listed
from sertools.results.result import Figure, Series

FROM_0_TO_1 = {
    "correctness": ("ccc", "uar", "recall"),
    "speakers": ("worst_speaker",),
    "robustness": ("mean_unchanged_ratio",),
}
"""Measures for the radar plot: those whose best value is 1 and whose value for a useless model is about 0."""

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
    series = [
        Series(
            name=run.name,
            x=[measure.label for measure in shown],
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
        alt=f"{listed([measure.label for measure in shown])} for {listed([r.name for r in runs])}, with 95 % "
        "intervals.",
        x_label="score",
        series=series if shown else [],
    )


def _one_rater(runs: Sequence[Run], shown: Sequence[Measure]) -> list[Series]:
    """What one rater reaches in these measures; empty if that is known for none."""
    ceilings = {m: next((c for run in runs if (c := run.ceiling(m)) is not None), None) for m in shown}
    known = [(measure.label, c) for measure, c in ceilings.items() if c is not None]
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

    A radar plot has no room for intervals; the dot plots and tables show them.
    """
    axes = [
        measure
        for measure in measures
        if measure.key.name in FROM_0_TO_1.get(measure.audit, ())
        and measure.key.slice in {"all", "speaker=*"}
        and all(run.of(measure, "value") is not None for run in runs)
    ]
    names = [measure.label for measure in axes]
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
        series=series if len(axes) >= FEWEST_AXES else [],
    )
