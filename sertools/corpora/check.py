"""Checks a corpus: which clips cannot be used, and which labels are suspicious."""

from dataclasses import dataclass

import pandas as pd

from sertools.audio.files import is_silent, sampling_rate, unusual
from sertools.audio.recording import Recording, recording
from sertools.corpora.corpus import NO_SPEAKERS, Corpus, _file_hashes
from sertools.corpora.identity import WITHOUT_SPEAKER
from sertools.corpora.sound import description
from sertools.corpora.values import counted, some
from sertools.errors import AudioError
from sertools.tables.columns import LABELS

SHORTEST_S = 0.025
"""Most models cannot process shorter clips: wav2vec2 needs 400 samples at 16 kHz."""


@dataclass(frozen=True, kw_only=True)
class Checked:
    """The content of a corpus.

    Attributes:
        sentences: content and problems
        clips: number of clips
        unread: number of clips that cannot be read
    """

    sentences: tuple[str, ...]
    clips: int
    unread: int


def check(corpus: Corpus) -> Checked:
    """Content and problems of a corpus; decodes every clip.

    Counts, speakers per sex, share of clips with each label; how the clips were recorded, and what of it goes
    with a label or a group; then missing, broken, short and silent clips, clips whose files are unusual, and
    clips with identical audio.
    """
    clips = corpus.clips
    files = clips["file"].nunique()
    notes = [note for note in corpus.notes if WITHOUT_SPEAKER not in note]  # counted below
    found = [f"{corpus.name}: {counted(len(clips), 'clip')} in {counted(files, 'file')}", *notes]
    if not corpus.has_speakers:
        found += [] if NO_SPEAKERS in corpus.notes else [NO_SPEAKERS]
    else:
        speakers = clips.dropna(subset="speaker").drop_duplicates("speaker")
        sexes = speakers["sex"].fillna("unknown").value_counts() if "sex" in clips else pd.Series(dtype=int)
        detail = f" ({', '.join(f'{n} {sex}' for sex, n in sexes.items())})" if len(sexes) else ""
        found.append(f"{counted(len(speakers), 'speaker')}{detail}")
        if clips["speaker"].isna().any():
            unknown = int(clips["speaker"].isna().sum())
            found.append(f"{counted(unknown, 'clip')} {WITHOUT_SPEAKER}")
    for label in LABELS:
        if label in clips:
            rated = int(clips[label].notna().sum())
            found.append(f"{label}: {rated} of {len(clips)} clips")
    if not any(label in clips for label in LABELS):
        found.append(f"no labels: none of {', '.join(LABELS)}")
    if "emotion" in clips:
        counts = clips["emotion"].value_counts()
        found.append("emotions: " + ", ".join(f"{emotion} {n}" for emotion, n in counts.items()))
    problems, unread = _sound_problems(corpus)
    return Checked(sentences=(*found, *problems), clips=len(clips), unread=unread)


def _sound_problems(corpus: Corpus) -> tuple[list[str], int]:
    """Sentences about the audio, and the number of clips that cannot be read."""
    problems: list[str] = []
    broken: list[tuple[str, str]] = []
    silent: list[str] = []
    short: list[str] = []
    notes: dict[str, list[str]] = {}
    recordings: dict[str, Recording] = {}
    seconds = 0.0
    for clip in corpus.clips.index:
        try:
            path = corpus.path(clip)
            rate = sampling_rate(path)
            signal = corpus.signal(clip, rate)
            recordings[clip] = recording(path, signal, rate)
            note = unusual(path)
        except AudioError as error:
            broken.append((clip, error.message))
            continue
        if note:
            notes.setdefault(note, []).append(clip)
        seconds += len(signal) / rate
        if is_silent(signal):
            silent.append(clip)
        if len(signal) / rate < SHORTEST_S:
            short.append(clip)
    problems.append(f"{seconds / 60:.1f} minutes of audio")
    problems.extend(description(corpus.clips, recordings))
    problems.extend(f"{clip}: {reason}" for clip, reason in broken[:10])
    if broken:
        problems.append(f"{len(broken)} of {len(corpus.clips)} clips cannot be read")
    problems.extend(f"{some(clips)}: {note}" for note, clips in notes.items())
    if silent:
        problems.append(f"{len(silent)} clips are digital silence: {some(silent)}")
    if short:
        problems.append(f"{len(short)} clips are shorter than {1000 * SHORTEST_S:g} ms: {some(short)}")
    hashes = corpus.clips["file"].map(_file_hashes(corpus))
    same = corpus.clips.assign(sound=hashes).dropna(subset="sound")
    for _, group in same.groupby(["sound", "start", "end"], dropna=False, sort=False):
        if len(group) > 1:
            problems.append(f"identical audio: {some(list(group.index))}")
    return problems, len(broken)
