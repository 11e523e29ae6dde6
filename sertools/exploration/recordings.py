"""Recordings: length, level, signal-to-noise ratio and bandwidth of clips, anomalies, and duplicates."""

import itertools

import numpy as np
import pandas as pd

from sertools.corpora import sound as corpus_sound
from sertools.corpora.check import SHORTEST_S
from sertools.corpora.corpus import Corpus
from sertools.corpora.values import some
from sertools.exploration.measured import Sound
from sertools.exploration.sections import Row, Section, histogram, span, summary_table, table
from sertools.metrics.fingerprints import SAME_RECORDING, similar_pairs
from sertools.results.result import Figure, Series
from sertools.wording import plural

NAMES = {
    "duration_s": "length in seconds",
    "level_db": "level in dB",
    "snr_db": "signal-to-noise ratio in dB",
    "bandwidth_hz": "bandwidth in Hz",
    "silence": "share of silence",
}
"""Measured numbers, in words."""

PROPERTIES = {
    "duration_s": "length",
    "level_db": "level",
    "snr_db": "signal-to-noise ratio",
    "bandwidth_hz": "bandwidth",
    "silence": "share of silence",
}
"""The same without units."""

MOST_COMPARED = 20_000
"""Most clips of which all pairs are compared by their fingerprints."""

MOST_BROKEN = 10


def durations_of(clips: pd.DataFrame) -> np.ndarray:
    """Lengths of segments in seconds from the table alone, nan for whole files, shape (n,)."""
    lengths: np.ndarray = (clips["end"] - clips["start"].fillna(0.0)).to_numpy(dtype=float)
    return lengths


def recordings_section(corpus: Corpus, sound: Sound | None) -> Section:
    """Lengths and recording properties of clips; from the table alone where there is no audio."""
    clips = corpus.clips
    if sound is None or not sound.recordings:
        return _without_sound(clips, sound)
    measured = sound.table
    lengths = measured["duration_s"].to_numpy(dtype=float)
    known = lengths[np.isfinite(lengths)]
    answer = (
        f"{known.sum() / 60:.1f} minutes in {plural(len(known), 'clip')}, of "
        f"{span(known.min(), known.max(), '.2f')} s (median {np.median(known):.2f})."
    )
    sentences = corpus_sound.description(clips, sound.recordings)
    sentences += [f"{some(names)}: {note}" for note, names in sound.unusual.items()]
    silent = list(measured.index[measured["silent"].eq(True)])
    if silent:
        sentences.append(f"{plural(len(silent), 'clip is', 'clips are')} digital silence: {some(silent)}")
    short = list(measured.index[measured["duration_s"] < SHORTEST_S])
    if short:
        sentences.append(f"{plural(len(short), 'clip is', 'clips are')} shorter than 25 ms: {some(short)}")
    if sound.broken:
        sentences.append(f"{len(sound.broken)} of {plural(len(clips), 'clip')} cannot be read")
        sentences += [f"{clip}: {why}" for clip, why in list(sound.broken.items())[:MOST_BROKEN]]
    values = {name: measured[name].to_numpy(dtype=float) for name in NAMES}
    figures = [
        histogram(name, NAMES[name][0].upper() + NAMES[name][1:], {"": values[name]}, NAMES[name])
        for name in ("duration_s", "snr_db", "level_db")
    ]
    figures += _by_emotion(clips, measured)
    return Section(
        name="recordings",
        title="Recordings",
        answer=answer,
        sentences=[_sentence(each) for each in sentences],
        tables=[
            summary_table(
                "measured", "Measured from the audio", {NAMES[n]: each for n, each in values.items()}, _NOTE
            )
        ],
        figures=figures,
    )


_NOTE = (
    "signal-to-noise ratio: the 95th percentile of the powers of 20 ms frames, less the 10th, divided by the "
    "10th; too low for clips without pauses"
)


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:].rstrip('.')}."


def _without_sound(clips: pd.DataFrame, sound: Sound | None) -> Section:
    lengths = durations_of(clips)
    known = lengths[np.isfinite(lengths)]
    why = "No clip can be read" if sound is not None else "The audio was not read"
    if not len(known):
        return Section(name="recordings", title="Recordings", answer=f"{why}, and the table has no lengths.")
    return Section(
        name="recordings",
        title="Recordings",
        answer=f"{why}; by the table, {plural(len(known), 'clip')} last {known.sum() / 60:.1f} minutes.",
        tables=[summary_table("measured", "Lengths", {NAMES["duration_s"]: lengths})],
        figures=[histogram("duration_s", "Length of clips", {"": lengths}, NAMES["duration_s"])],
    )


def _by_emotion(clips: pd.DataFrame, measured: pd.DataFrame) -> list[Figure]:
    """Median and quartiles of length, level and signal-to-noise ratio for each emotion."""
    if "emotion" not in clips:
        return []
    figures = []
    for name in ("duration_s", "level_db", "snr_db"):
        known = measured[name].replace([np.inf, -np.inf], np.nan).groupby(clips["emotion"])
        quartiles = known.quantile(np.array([0.25, 0.5, 0.75])).unstack().dropna()
        if len(quartiles) < 2:
            continue
        series = Series(
            x=list(map(str, quartiles.index)),
            y=quartiles[0.5].tolist(),
            low=quartiles[0.25].tolist(),
            high=quartiles[0.75].tolist(),
        )
        figures.append(
            Figure(
                name=f"{name}_by_emotion",
                kind="interval",
                title=f"{NAMES[name][0].upper()}{NAMES[name][1:]} by emotion",
                alt="Median of each emotion; the bars reach from its lower to its upper quartile.",
                x_label=NAMES[name],
                series=[series],
            )
        )
    return figures


def duplicates_section(clips: pd.DataFrame, sound: Sound | None) -> Section:
    """Clips that are the same part of a file, have the same samples, or sound the same."""
    sentences = []
    rows: list[Row] = []
    place = clips[["file", "start", "end"]].astype({"file": str})
    same_part = [list(map(str, g.index)) for _, g in clips.groupby(list(place), dropna=False) if len(g) > 1]
    same_part = [] if "channel" in clips else same_part
    rows += [["the same part of a file", *_pair(group), len(group)] for group in same_part]
    if same_part:
        sentences.append(f"{plural(len(same_part), 'part of a file is', 'parts of files are')} listed twice.")
    n_same = n_near = 0
    if sound is not None and sound.recordings:
        heard = sound.table.dropna(subset="audio_hash")
        groups = [list(map(str, g.index)) for _, g in heard.groupby("audio_hash") if len(g) > 1]
        n_same = sum(len(group) - 1 for group in groups)
        rows += [["the same samples", *_pair(group), len(group)] for group in groups]
        known = {frozenset(pair) for group in groups for pair in itertools.pairwise(group)}
        near, told = _near(heard, known)
        n_near = len(near)
        rows += near
        sentences += told
    if not rows:
        words = "No clip is listed twice" + (
            ", and none sounds like another."
            if sound is not None and sound.recordings
            else "; the audio was not compared."
        )
        return Section(name="duplicates", title="Duplicates", answer=words, sentences=sentences)
    parts = [
        plural(n_same, "clip has the samples of another", "clips have the samples of another")
        if n_same
        else "",
        plural(n_near, "pair sounds the same", "pairs sound the same") if n_near else "",
        *(each.rstrip(".") for each in sentences[: bool(same_part)]),
    ]
    return Section(
        name="duplicates",
        title="Duplicates",
        answer=f"{'; '.join(filter(None, parts))}.",
        sentences=sentences[bool(same_part) :],
        tables=[table("duplicates", "Duplicates", ["evidence", "clip", "other clip", "clips"], rows)],
    )


def _pair(group: list[str]) -> tuple[str, str]:
    return group[0], group[1]


def _near(heard: pd.DataFrame, known: set[frozenset[str]]) -> tuple[list[Row], list[str]]:
    """Pairs with fingerprints of one recording that do not have the same samples, and sentences."""
    prints = heard["audio_print"].dropna()
    if len(prints) > MOST_COMPARED:
        return [], [f"More than {MOST_COMPARED} clips: fingerprints were not compared, see sertools leakage."]
    names = list(map(str, prints.index))
    hashes = dict(zip(names, heard.loc[prints.index, "audio_hash"], strict=True))
    rows: list[Row] = []
    for i, j, agreement in similar_pairs(prints.tolist(), least=SAME_RECORDING):
        if hashes[names[i]] != hashes[names[j]] and frozenset((names[i], names[j])) not in known:
            rows.append([f"the same recording ({(1 + agreement) / 2:.0%} of bits)", names[i], names[j], 2])
    return rows, []
