"""Selects clips worth listening to: the largest errors, and the largest changes under perturbations."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.results.result import Sound, Table
from sertools.tables.condition import CLEAN
from sertools.tables.pairs import pairs
from sertools.tables.tables import Tables

MAX_EXAMPLES = 20
"""Most clips that an audit lists; the caller decides how many of them are saved as audio."""


def furthest(
    tables: Tables, target: str, why: str = "", among: NDArray[np.bool_] | None = None
) -> list[Sound]:
    """The clips with the largest errors on clean audio, largest first; correct predictions are left out.

    The error of a dimension is |prediction − truth|; that of an emotion is how much the score of the
    predicted class exceeds the score of the true class.

    Args:
        tables: clips and clean predictions
        target: a rated dimension, or `emotion`
        why: why these clips were selected, put before each caption
        among: which clips to choose from, shape (n,), bool; all by default
    """
    pair = pairs(tables, target).of_answered
    if among is not None:
        pair = pair.take(among[tables.clips.index.get_indexer(pair.clips)])
    if target == "emotion":
        scores = tables.predictions[CLEAN].loc[pair.clips, list(tables.model_classes)].to_numpy(dtype=float)
        row = np.arange(pair.n)
        off = scores[row, pair.prediction] - scores[row, pair.truth]
        wrong = pair.truth != pair.prediction
    else:
        off = np.abs(pair.prediction - pair.truth)
        wrong = off > 0
    chosen = np.flatnonzero(wrong)
    # ties are ordered by clip name, so the order of the corpus does not matter
    chosen = chosen[np.lexsort((pair.clips[chosen].astype(str), -off[chosen]))][:MAX_EXAMPLES]
    return [
        _example(tables, str(pair.clips[int(i)]), target, pair.truth[i], pair.prediction[i], why)
        for i in chosen
    ]


def of_speaker(tables: Tables, target: str, speaker: str) -> list[Sound]:
    """The clips with the largest errors of the worst speaker."""
    theirs = (tables.clips["speaker"].astype(str) == speaker).to_numpy()
    return furthest(tables, target, f"{speaker} is the worst speaker for {target}", theirs)


def _example(tables: Tables, clip: str, target: str, truth: float, answer: float, why: str) -> Sound:
    if target == "emotion":
        names = tables.model_classes
        shown: tuple[str | float, str | float] = (names[int(truth)], names[int(answer)])
        words = f"{shown[0]} is predicted as {shown[1]}"
    else:
        shown = (float(truth), float(answer))
        words = f"{target} is predicted {abs(answer - truth):.2f} too {'low' if answer < truth else 'high'}"
    caption = f"{why}: {words}." if why else f"{words[0].upper()}{words[1:]}."
    return Sound(
        clip=clip,
        target=target,
        truth=shown[0],
        clean=shown[1],
        caption=caption,
        **_speaker_and_transcript(tables, clip),
    )


def moved(tables: Tables, worst: Table) -> list[Sound]:
    """The clips of a table of changed predictions, each with its perturbation; the worst of each come first.

    Args:
        tables: the clips of the table
        worst: columns clip, change, target, clean and changed (the predictions), the worst first
    """
    by_change: dict[str, list[Sound]] = {}
    for cells in worst.rows:
        row = dict(zip(worst.columns, cells, strict=True))
        clip, change, target = str(row["clip"]), str(row["change"]), str(row["target"])
        clean, changed = (v if isinstance(v, str) else float(v or 0) for v in (row["clean"], row["changed"]))
        shown = [v if isinstance(v, str) else f"{v:.2f}" for v in (clean, changed)]
        truth: Any = tables.clips[target].get(clip) if target in tables.clips else None
        sound = Sound(
            clip=clip,
            condition=change,
            target=target,
            truth=None if pd.isna(truth) else str(truth) if target == "emotion" else float(truth),
            clean=clean,
            changed=changed,
            caption=f"{target} changes from {shown[0]} to {shown[1]} under {change}.",
            **_speaker_and_transcript(tables, clip),
        )
        by_change.setdefault(change, []).append(sound)
    return in_turn(list(by_change.values()))


def in_turn(lists: Sequence[Sequence[Sound]]) -> list[Sound]:
    """Interleave the lists: all first clips, then all second ones; no duplicates, at most `MAX_EXAMPLES`."""
    longest = max(map(len, lists), default=0)
    chosen: dict[tuple[str, str], Sound] = {}
    for sound in (sounds[i] for i in range(longest) for sounds in lists if i < len(sounds)):
        chosen.setdefault((sound.clip, sound.condition), sound)
    return list(chosen.values())[:MAX_EXAMPLES]


def _speaker_and_transcript(tables: Tables, clip: str) -> dict[str, str]:
    """Speaker and transcript of a clip, if the corpus has them."""
    cells: dict[str, Any] = {
        name: tables.clips[name].get(clip) for name in ("speaker", "transcript") if name in tables.clips
    }
    return {name: str(value) for name, value in cells.items() if not pd.isna(value)}
