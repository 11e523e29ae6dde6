"""How do several models look side by side? Figures of `sertools compare`."""

from collections.abc import Sequence

from sertools.compare_runs import Key, Run, listed
from sertools.result import Figure, Series

FROM_0_TO_1 = {
    "correctness": ("ccc", "uar", "recall"),
    "speakers": ("worst_speaker",),
    "robustness": ("mean_unchanged_ratio",),
}
"""What a radar plot may show: measures whose best value is 1 and of which 0 is as good as useless."""

FEWEST_AXES = 3
"""A radar plot of two axes is a line."""

NAMES = {"ccc": "CCC", "uar": "UAR", "worst_speaker": "worst speaker", "mean_unchanged_ratio": "unchanged"}


def scores(runs: Sequence[Run], keys: Sequence[Key]) -> Figure:
    """A dot plot of the scores of all clips that can be paired, of all runs side by side.

    Gaps and errors, of which less is better, are no scores; the tables have them.
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
    """A radar plot of what all runs share on the scale from 0 to 1; no series with fewer than three axes.

    A radar plot has no room for intervals; the dot plots and tables beside it have them.
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
        alt=f"{listed(names)} of {listed([run.name for run in runs])}. The centre is 0, the rim is 1, the "
        "best there is; values below 0 lie at the centre. Only measures on this scale are shown, without "
        "intervals, and areas mean nothing.",
        series=series if len(axes) >= FEWEST_AXES else [],
    )


def labelled(key: Key) -> str:
    """A measure in a few words, with its audit where that is not the first that one thinks of.

    >>> labelled(("correctness", "ccc", "arousal", "all"))
    'ccc of arousal'
    >>> labelled(("fairness", "uar", "emotion", "sex=male"))
    'fairness: uar of emotion, sex=male'
    """
    text = f"{key[1]} of {key[2]}" if key[2] != "all" else key[1]
    text = text if key[3] in {"all", "speaker=*"} else f"{text}, {key[3]}"
    return text if key[0] == "correctness" else f"{key[0]}: {text}"


def _axis(key: Key) -> str:
    """A measure in few words, for there is little room around a circle."""
    name = NAMES.get(key[1], key[1])
    return name if key[2] == "all" else f"{name} ({key[2]})"
