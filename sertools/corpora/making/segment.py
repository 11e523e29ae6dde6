"""Cuts the clips of a corpus into segments: those with voice activity, or windows of a fixed length."""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.audio.files import Signal
from sertools.corpora.corpus import Corpus
from sertools.corpora.making.new import Advance, rows_of
from sertools.corpora.values import counted, some
from sertools.errors import AudioError, CorpusError

RATE, FRAME_S = 16000, 0.03
"""Sampling rate and frames of WebRTC's voice activity detector."""

ORIGINAL = "segment_of"
"""Column with the id of the clip that a segment is a part of."""

OF_WHOLE = ("transcript", "alignment", "duration", "duration_s")
"""Columns that are true of a whole clip and of none of its parts."""

Span = tuple[float, float]
"""First and last second of a segment, from the beginning of its clip."""


@dataclass(frozen=True, kw_only=True)
class Cut:
    """How clips are cut.

    Attributes:
        by: `voice` for voice activity, `windows` for windows
        window_s: length of a window in s, and longest segment with voice; None for no longest
        hop_s: time from one window to the next in s; None for windows side by side
        shortest_s: shorter segments are left out
        gap_s: pauses up to this length do not end a segment with voice
        pad_s: time that is kept before and after the voice
        strictness: 0 to 3 of WebRTC's detector; 3 takes the least for voice
    """

    by: Literal["voice", "windows"] = "voice"
    window_s: float | None = None
    hop_s: float | None = None
    shortest_s: float = 0.3
    gap_s: float = 0.3
    pad_s: float = 0.1
    strictness: int = 2

    def __post_init__(self) -> None:
        if self.by == "windows" and self.window_s is None:
            raise CorpusError("--by windows needs the length of a window", hint="for instance --window 5")
        if self.by == "voice" and self.hop_s is not None:
            raise CorpusError("--hop only applies to --by windows")
        numbers = [each for each in (self.window_s, self.hop_s) if each is not None]
        if (
            any(not 0 < each < math.inf for each in numbers)
            or min(self.shortest_s, self.gap_s, self.pad_s) < 0
        ):
            raise CorpusError("lengths of windows and segments are seconds above 0")
        if self.window_s is not None and self.window_s < self.shortest_s:
            raise CorpusError(
                f"--window {self.window_s:g} is shorter than --shortest {self.shortest_s:g}, so that nothing "
                "would be left"
            )


def segment(corpus: Corpus, cut: Cut, advance: Advance = lambda n: None) -> Corpus:
    """The segments of all clips as a corpus; no audio is copied, labels are those of the clip.

    A segment has the id of its clip, and its first and last second: `a.wav#0.3-2.1`. The column `segment_of`
    keeps the id of the clip. The transcript is kept where a segment has all words of its clip.

    Args:
        corpus: the corpus
        cut: how its clips are cut
        advance: called after each clip

    Raises:
        CorpusError: voice activity is asked for and webrtcvad is not installed, or nothing is left
    """
    detect = detector(cut.strictness) if cut.by == "voice" else None
    rows: list[dict[str, Any]] = []
    without: list[str] = []
    broken: list[str] = []
    for clip, row in rows_of(corpus):
        advance(1)
        try:
            signal = corpus.signal(clip, RATE)
        except AudioError:
            broken.append(clip)
            continue
        spans = _spans(signal, cut, detect)
        if not spans:
            without.append(clip)
        begin = 0.0 if math.isnan(row["start"]) else float(row["start"])
        length = len(signal) / RATE
        for first, last in spans:
            name = f"{clip}#{first:.3f}-{last:.3f}"
            # a single segment with voice has all words of its clip, though not its length
            whole = len(spans) == 1 and (cut.by == "voice" or last - first > length - cut.shortest_s)
            lost = dict.fromkeys(c for c in OF_WHOLE if c in row and not (whole and c == OF_WHOLE[0]))
            own = {"start": begin + first, "end": begin + last, ORIGINAL: clip}
            rows.append({"clip": name, **row, **lost, **own})
    if not rows:
        raise CorpusError(f"no segment of {corpus.name} is left: {_told(without, broken, cut)[0]}")
    clips = pd.DataFrame(rows).set_index("clip")
    empty = [name for name in OF_WHOLE if name in clips and clips[name].isna().all()]
    clips = clips.drop(columns=empty)
    what = "voice" if cut.by == "voice" else f"windows of {cut.window_s:g} s"
    notes = [
        f"{counted(len(clips), 'segment')} of {counted(clips[ORIGINAL].nunique(), 'clip')} by {what}; labels "
        "are those of the whole clip",
        *_told(without, broken, cut),
    ]
    return replace(corpus, clips=clips, notes=(*corpus.notes, *notes))


def _told(without: Sequence[str], broken: Sequence[str], cut: Cut) -> list[str]:
    lacking = "voice" if cut.by == "voice" else f"{cut.shortest_s:g} s of sound"
    said = [(without, f"without {lacking} left out"), (broken, "that cannot be read left out")]
    return [f"{counted(len(names), 'clip')} {what}: {some(list(names))}" for names, what in said if names]


def detector(strictness: int = 2) -> Callable[[Signal], NDArray[np.bool_]]:
    """WebRTC's voice activity detector: a signal at 16 kHz → whether each frame of 30 ms is voice.

    Raises:
        CorpusError: webrtcvad is not installed
    """
    try:
        import webrtcvad
    except ImportError as error:
        raise CorpusError(
            "voice activity needs the package webrtcvad-wheels",
            hint="python -m pip install '.[vad]'; --by windows needs no package",
        ) from error

    def flags(signal: Signal) -> NDArray[np.bool_]:
        size = round(FRAME_S * RATE)
        vad = webrtcvad.Vad(strictness)  # it adapts to a clip, so that each clip needs its own
        samples = (np.clip(signal, -1, 1) * 32767).astype("<i2")
        frames = [samples[i : i + size] for i in range(0, len(samples) - size + 1, size)]
        return np.array([vad.is_speech(frame.tobytes(), RATE) for frame in frames], dtype=np.bool_)

    return flags


def _spans(signal: Signal, cut: Cut, detect: Callable[[Signal], NDArray[np.bool_]] | None) -> list[Span]:
    length = len(signal) / RATE
    if detect is None:
        assert cut.window_s is not None
        return windows(length, cut.window_s, cut.hop_s or cut.window_s, cut.shortest_s)
    found = voiced(detect(signal), length, gap_s=cut.gap_s, pad_s=cut.pad_s, shortest_s=cut.shortest_s)
    return [part for span in found for part in _parts(span, cut.window_s)]


def windows(length_s: float, window_s: float, hop_s: float, shortest_s: float) -> list[Span]:
    """Windows of a fixed length; the last one may be shorter, and is left out if it is too short.

    >>> windows(11.0, 5.0, 5.0, 0.3), windows(4.0, 5.0, 2.5, 0.3)
    ([(0.0, 5.0), (5.0, 10.0), (10.0, 11.0)], [(0.0, 4.0)])
    """
    starts = [i * hop_s for i in range(max(1, math.ceil((length_s - window_s) / hop_s - 1e-9) + 1))]
    spans = [(start, min(start + window_s, length_s)) for start in starts]
    return [(start, end) for start, end in spans if end - start >= shortest_s - 1e-9 and end > start]


def voiced(
    flags: NDArray[np.bool_], length_s: float, *, gap_s: float, pad_s: float, shortest_s: float
) -> list[Span]:
    """Segments of voice from frames of 30 ms.

    Args:
        flags: whether each frame is voice, shape (frames,)
        length_s: length of the clip
        gap_s: pauses up to this length are part of a segment
        pad_s: time that is kept on both sides
        shortest_s: segments with less voice are left out

    >>> flags = np.array([0, 1, 1, 0, 1, 0, 0, 0, 0, 1], dtype=bool)
    >>> [(round(a, 2), round(b, 2)) for a, b in voiced(flags, 0.3, gap_s=0.03, pad_s=0.0, shortest_s=0.05)]
    [(0.03, 0.15)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate(([0], flags.astype(np.int8), [0]))))
    joined: list[list[float]] = []
    for first, last in zip(edges[::2] * FRAME_S, edges[1::2] * FRAME_S, strict=True):
        if joined and first - joined[-1][1] <= gap_s + 1e-9:
            joined[-1][1] = float(last)
        else:
            joined.append([float(first), float(last)])
    kept = [(first, last) for first, last in joined if last - first >= shortest_s - 1e-9]
    padded = [(max(first - pad_s, 0.0), min(last + pad_s, length_s)) for first, last in kept]
    # where two paddings meet, the pause between them is shared
    for i in range(1, len(padded)):
        (a, b), (c, d) = padded[i - 1], padded[i]
        if c < b:
            middle = (kept[i - 1][1] + kept[i][0]) / 2
            padded[i - 1], padded[i] = (a, middle), (middle, d)
    return padded


def _parts(span: Span, longest_s: float | None) -> list[Span]:
    """A segment in equal parts, none longer than this."""
    first, last = span
    n = 1 if longest_s is None else max(1, math.ceil((last - first) / longest_s - 1e-9))
    ends = np.linspace(first, last, n + 1).tolist()
    return list(itertools.pairwise(ends))
