"""Predictions over time: a clip in overlapping windows, one prediction for each, as a track."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.audio.files import duration_s
from sertools.corpora.corpus import Corpus
from sertools.errors import AudioError, ModelError
from sertools.inference.predict import predict
from sertools.inference.settings import Settings
from sertools.models.model import ClipModel, Model, Signal, hears
from sertools.tables.condition import CLEAN

WINDOW_S = 2.0
"""Length of a window in s, where nobody chooses one."""

LEAST_STEP_S = 0.01
"""Smallest step in s: the models' frames are not denser."""

AT_ONCE = 8
"""Largest number of windows in one forward pass."""

TOLERANCE = 1e-6
"""How far a window may reach beyond the end of a clip, in s: rounding of times."""


@dataclass(frozen=True, kw_only=True)
class OverTime:
    """How clips are cut for a track.

    Attributes:
        step_s: time from one window to the next, in s
        window_s: length of each window in s
    """

    step_s: float
    window_s: float


def over_time(model: Model | ClipModel, step_s: float, window_s: float | None = None) -> OverTime:
    """How a model's clips are cut for a track.

    Args:
        model: must compute scores from audio
        step_s: time from one window to the next, in s
        window_s: length of each window in s; None for 2 s, or the nearest length that the model accepts

    Raises:
        ModelError: the model does not take audio or predicts nothing, a time is not positive, or the model
            does not accept the length
    """
    if not hears(model):
        raise ModelError(f"--over-time does not apply to {model.name}, which does not take audio")
    if not model.labels:
        raise ModelError(f"--over-time does not apply to {model.name}, a bare encoder without scores")
    if not (LEAST_STEP_S <= step_s < math.inf):
        raise ModelError(f"--over-time {step_s:g} is not a step of at least {LEAST_STEP_S:g} s")
    rate = model.sampling_rate
    shortest_s = model.shortest / rate
    longest: int | None = getattr(model, "longest", None)
    longest_s = math.inf if longest is None else longest / rate
    if window_s is None:
        return OverTime(step_s=step_s, window_s=min(max(WINDOW_S, shortest_s), longest_s))
    if not shortest_s <= window_s <= longest_s:
        most = "" if longest is None else f" to {longest_s:g}"
        raise ModelError(
            f"--window {window_s:g} does not fit {model.name}, which takes {shortest_s:g}{most} s"
        )
    return OverTime(step_s=step_s, window_s=window_s)


def spans(duration_s: float, cut: OverTime) -> list[tuple[float, float]]:
    """Start and end of each window of a clip, in s: all of the same length, none beyond the end.

    A clip that is not longer than a window has one, the whole clip.

    >>> spans(3.2, OverTime(step_s=0.5, window_s=2.0))
    [(0.0, 2.0), (0.5, 2.5), (1.0, 3.0)]
    >>> spans(1.5, OverTime(step_s=0.5, window_s=2.0))
    [(0.0, 1.5)]
    """
    if duration_s <= cut.window_s:
        return [(0.0, duration_s)]
    n = math.floor((duration_s - cut.window_s + TOLERANCE) / cut.step_s) + 1
    starts = [round(i * cut.step_s, 6) for i in range(n)]
    return [(start, min(round(start + cut.window_s, 6), duration_s)) for start in starts]


def tracks(
    model: Model | ClipModel, corpus: Corpus, cut: OverTime, settings: Settings | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The predictions for all windows of a corpus, kept in the store like those for whole clips.

    Args:
        model: computes scores from audio
        corpus: whose clips are cut
        cut: from `over_time`
        settings: how to compute

    Returns:
        Rows of columns `clip`, `file`, `start` and `end` (in s, within the file), then one per label, in the
        order of corpus and time; and the windows without a prediction, as in `Predicted`.

    Raises:
        CorpusError: no window could be predicted
        StoreError: the store cannot be written
    """
    pieces = _cut(corpus, cut)
    predicted = predict(model, pieces, settings=settings)[CLEAN]
    found = pieces.clips[["of", "file", "start", "end"]].rename(columns={"of": "clip"})
    return pd.concat([found, predicted.scores], axis=1).reset_index(drop=True), predicted.missing


def track_of(model: Model, signal: Signal, cut: OverTime) -> tuple[list[float], NDArray[np.floating[Any]]]:
    """Centres of the windows of one signal (samples,), in s, and the scores of each, shape (windows, c)."""
    rate = model.sampling_rate
    times = spans(len(signal) / rate, cut)
    windows = [signal[round(start * rate) : round(end * rate)] for start, end in times]
    scores = [model.predict(windows[i : i + AT_ONCE]).scores for i in range(0, len(windows), AT_ONCE)]
    return [(start + end) / 2 for start, end in times], np.concatenate(scores)


def _cut(corpus: Corpus, cut: OverTime) -> Corpus:
    """A corpus whose clips are the windows of another one; a file that cannot be read stays whole."""
    rows: list[dict[str, Any]] = []
    names: list[str] = []
    durations: dict[str, float] = {}
    keep = [name for name in ("file", "channel") if name in corpus.clips]
    for clip, row in zip(corpus.clips.index, corpus.clips.to_dict("records"), strict=True):
        start, end = _ends(corpus, str(clip), row, durations)
        whole = math.isnan(end)
        for first, last in [(0.0, math.nan)] if whole else spans(end - start, cut):
            names.append(str(clip) if whole else f"{clip}@{first:.3f}")
            times = (row["start"], row["end"]) if whole else (start + first, start + last)
            rows.append({"of": clip, **{n: row[n] for n in keep}, "start": times[0], "end": times[1]})
    table = pd.DataFrame(rows, index=pd.Index(names, name="clip"))
    return replace(corpus, name=f"{corpus.name} over time", clips=table)


def _ends(
    corpus: Corpus, clip: str, row: Mapping[Any, Any], durations: dict[str, float]
) -> tuple[float, float]:
    """Start and end of a clip in its file, in s; nan for the end of a file that cannot be read."""
    start, end = float(row["start"]), float(row["end"])
    start = 0.0 if math.isnan(start) else start
    if math.isnan(end):
        file = str(row["file"])
        if file not in durations:
            try:
                durations[file] = duration_s(corpus.path(clip))
            except AudioError:
                durations[file] = math.nan
        end = durations[file]
    return start, end
