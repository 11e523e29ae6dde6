"""Figures of `sertools compare`: scores and profiles of several models."""

from collections.abc import Sequence

from sertools.comparison.runs import Key, Run, listed
from sertools.results.result import Figure, Series

FROM_0_TO_1 = {
    "correctness": ("ccc", "uar", "recall"),
    "speakers": ("worst_speaker",),
    "robustness": ("mean_unchanged_ratio",),
}
"""Measures for the radar plot: those whose best value is 1 and whose value for a useless model is about 0."""

FEWEST_AXES = 3
"""Minimum number of axes of a radar plot; with two axes it would be a line."""

NAMES = {"ccc": "CCC", "uar": "UAR", "worst_speaker": "worst speaker", "mean_unchanged_ratio": "unchanged"}


def scores(runs: Sequence[Run], keys: Sequence[Key]) -> Figure:
    """A dot plot of all runs, for the scores over all clips that can be paired by speaker.

    Gaps and errors, where lower is better, are not scores; they are in the tables.
    """
    kept = {
        (r.audit, v.name, v.target, v.slice)
        for run in runs
        for r in run.results.values()
        for v in r.left_out
        if v.better == "higher" and v.slice == "all"
    }
    shown = [key for key in keys if key in kept]
    series = [
        Series(
            name=run.name,
            x=[labelled(key) for key in shown],
            y=[run.of(key, "value") for key in shown],
            low=[run.of(key, "low") for key in shown],
            high=[run.of(key, "high") for key in shown],
        )
        for run in runs
    ]
    return Figure(
        name="scores",
        kind="interval",
        title="Scores of each model",
        alt=f"{listed([labelled(key) for key in shown])} for {listed([r.name for r in runs])}, with 95 % "
        "intervals.",
        x_label="score",
        series=series if shown else [],
    )


def profile(runs: Sequence[Run], keys: Sequence[Key]) -> Figure:
    """A radar plot of the measures from 0 to 1 that all runs share; no series with fewer than three axes.

    A radar plot has no room for intervals; the dot plots and tables show them.
    """
    axes = [
        key
        for key in keys
        if key[1] in FROM_0_TO_1.get(key[0], ())
        and key[3] in {"all", "speaker=*"}
        and all(run.of(key, "value") is not None for run in runs)
    ]
    names = [_axis(key) for key in axes]
    series = [Series(name=run.name, x=list(names), y=[run.of(key, "value") for key in axes]) for run in runs]
    return Figure(
        name="profile",
        kind="radar",
        title="Profiles on the common scale from 0 to 1",
        alt=f"{listed(names)} of {listed([run.name for run in runs])}. The centre is 0, the rim is 1 (the "
        "best possible value); values below 0 are drawn at the centre. Only measures on this scale are "
        "shown, without intervals; areas have no meaning.",
        series=series if len(axes) >= FEWEST_AXES else [],
    )


def labelled(key: Key) -> str:
    """A measure in a few words, with its audit unless that is `correctness`.

    >>> labelled(("correctness", "ccc", "arousal", "all"))
    'ccc of arousal'
    >>> labelled(("fairness", "uar", "emotion", "sex=male"))
    'fairness: uar of emotion, sex=male'
    """
    text = f"{key[1]} of {key[2]}" if key[2] != "all" else key[1]
    text = text if key[3] in {"all", "speaker=*"} else f"{text}, {key[3]}"
    return text if key[0] == "correctness" else f"{key[0]}: {text}"


def _axis(key: Key) -> str:
    """A measure in few words, because there is little room around a radar plot."""
    name = NAMES.get(key[1], key[1])
    return name if key[2] == "all" else f"{name} ({key[2]})"
