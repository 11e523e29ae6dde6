"""The answer, and notes on what to consider when interpreting the values."""

from collections.abc import Mapping

import numpy as np

from sertools.tables.columns import RANDOM_TWIN
from sertools.tables.frame_sums import FrameSums
from sertools.wording import plural

from .curves import Curve
from .findings import NO_TWIN
from .scores import Scores


def answer(curves: Mapping[str, Curve], judged: list[str], measure: str, margin: float, level: float) -> str:
    """Sentences on which groups of features have a score above every floor.

    Args:
        curves: group of features → its curve
        judged: the groups of features to report on
        measure: name of the score
        margin: how far a score must exceed its floors
        level: coverage of the interval that must exceed the margin
    """
    carried, not_shown, unknown = [], [], []
    for group in judged:
        curve = curves[group]
        above = [curve.above(layer, level) for layer in range(len(curve.own))]
        clear = [i for i, each in enumerate(above) if each.low > margin]
        if curve.best() < 0 or all(np.isnan(each.low) for each in above):
            unknown.append(group)
        elif clear:
            strongest = max(clear, key=lambda i: above[i].value)
            carried.append(
                f"{group} features in {len(clear)} of {plural(len(above), 'layer')}, "
                f"strongest in layer {strongest} "
                f"({above[strongest].value:.2f} above the highest floor)"
            )
        else:
            not_shown.append(group)
    floors = next(iter(curves.values())).floors
    sentences = []
    if carried:
        sentences.append(f"Held-out {measure.upper()} exceeds its floors for {'; '.join(carried)}.")
    if not_shown:
        sentences.append(f"No layer is shown to carry {' or '.join(not_shown)} features.")
    if unknown:
        sentences.append(f"Not measured, or without an interval: {', '.join(unknown)}.")
    if RANDOM_TWIN not in floors:
        sentences.append(f"{NO_TWIN[0].upper()}{NO_TWIN[1:]}.")
    return " ".join(sentences)


def notes(sums: FrameSums, scores: Scores) -> list[str]:
    """The number of frames, and what to consider when interpreting the values."""
    frames, undefined = float(scores.frames.max()), float(sums.undefined.sum())
    groups = sums.cells["group"].nunique()
    found = [
        f"{plural(round(frames), 'frame is', 'frames are')} used; "
        f"{plural(round(undefined), 'more is', 'more are')} left out, because an acoustic feature is "
        "undefined in them (most are unvoiced).",
        f"Speakers form {plural(groups, 'group')}; directions are fitted on {max(groups - 1, 0)} of them and "
        "scored on the other. Fits share most of their speakers, so intervals are for the scores of these "
        "fits only.",
    ]
    found += [f"Layer {layer} is constant, so it has no score." for layer in scores.constant]
    few = np.flatnonzero(scores.dimensions >= scores.frames)
    if len(few):
        found.append(
            f"Layers {', '.join(map(str, few))} have at least as many dimensions as frames: their in-sample "
            "values are high whatever they encode, and only the ridge makes a fit possible."
        )
    without = int(np.isnan(scores.held_out[0, :, 0]).all(axis=1).any(axis=0).sum())
    if without:
        found.append(
            f"{without} of {plural(groups, 'group')} of speakers {'has' if without == 1 else 'have'} too few "
            "frames for a score in some layer."
        )
    return found
