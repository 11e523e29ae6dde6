"""Checks a corpus: which clips cannot be used, and which labels are suspicious."""

import pandas as pd

from sertools.audio.files import MAX_MINUTES, is_silent, read_audio, sampling_rate, unusual
from sertools.audio.recording import Recording, recording
from sertools.corpora.corpus import Corpus, _file_hashes
from sertools.corpora.sound import description
from sertools.corpora.values import some
from sertools.errors import AudioError
from sertools.tables.columns import LABELS

SHORTEST_S = 0.025
"""Most models cannot process shorter clips: wav2vec2 needs 400 samples at 16 kHz."""


def check(corpus: Corpus, *, max_minutes: float = MAX_MINUTES) -> list[str]:
    """Content and problems of a corpus, as sentences; decodes every clip.

    Counts, speakers per sex, share of clips with each label; then missing, broken, short and silent clips,
    clips whose files are unusual, and clips with identical audio.

    Args:
        corpus: the corpus
        max_minutes: longest clip that is read
    """
    clips = corpus.clips
    found = [f"{corpus.name}: {len(clips)} clips in {clips['file'].nunique()} files", *corpus.notes]
    if "speaker" not in clips or clips["speaker"].isna().all():
        found.append("there are no speaker labels, so confidence intervals are too narrow if speakers repeat")
    else:
        speakers = clips.dropna(subset="speaker").drop_duplicates("speaker")
        sexes = speakers["sex"].fillna("unknown").value_counts() if "sex" in clips else pd.Series(dtype=int)
        detail = f" ({', '.join(f'{n} {sex}' for sex, n in sexes.items())})" if len(sexes) else ""
        found.append(f"{len(speakers)} speakers{detail}")
        if clips["speaker"].isna().any():
            found.append(f"{int(clips['speaker'].isna().sum())} clips have no speaker label")
    for label in LABELS:
        if label in clips:
            rated = int(clips[label].notna().sum())
            found.append(f"{label}: {rated} of {len(clips)} clips")
    if not any(label in clips for label in LABELS):
        found.append(f"no labels: none of {', '.join(LABELS)}")
    if "emotion" in clips:
        counts = clips["emotion"].value_counts()
        found.append("emotions: " + ", ".join(f"{emotion} {n}" for emotion, n in counts.items()))
    return [*found, *_sound_problems(corpus, max_minutes)]


def _sound_problems(corpus: Corpus, max_minutes: float) -> list[str]:
    problems: list[str] = []
    broken: list[tuple[str, str]] = []
    silent: list[str] = []
    short: list[str] = []
    notes: dict[str, list[str]] = {}
    recordings: dict[str, Recording] = {}
    seconds = 0.0
    for clip, start, end in zip(corpus.clips.index, corpus.clips["start"], corpus.clips["end"], strict=True):
        try:
            path = corpus.path(clip)
            rate = sampling_rate(path)
            signal = read_audio(path, rate, start, end, corpus.channel(clip), max_minutes=max_minutes)
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
    return problems
