"""Writes audio files and spectrograms of the clips that audits name, for listening in the report."""

import contextlib
import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sertools.audio.files import flac
from sertools.audio.spectrogram import picture
from sertools.corpora.corpus import Corpus
from sertools.errors import GateError
from sertools.files import atomic, write_text
from sertools.inference.decode import decode
from sertools.inference.over_time import OverTime, over_time, track_of
from sertools.inference.settings import Settings
from sertools.models.model import ClipModel, Model, is_by_clip
from sertools.pipeline.kept.recordings import KeptRecordings
from sertools.results.audio_clips import INDEX, Index, Recording, Track, read_index
from sertools.results.result import Result
from sertools.tables.condition import CLEAN, Condition

DEFAULT_CLIPS = 5
"""Default number of clips to write per audit."""


def clips_to_write(corpus: Corpus, most: int | None) -> int:
    """Maximum number of clips to write per audit; licensed speech is only written if a number is given.

    Args:
        corpus: the audited corpus
        most: the number that was asked for; None for the default of the corpus
    """
    if most is not None:
        return most
    return 0 if corpus.recordings else DEFAULT_CLIPS


def write_audio_clips(
    results: Sequence[Result],
    folder: Path,
    *,
    corpus: Corpus,
    model: Model | ClipModel,
    conditions: Mapping[str, Condition],
    most: int = DEFAULT_CLIPS,
    settings: Settings | None = None,
) -> list[Recording]:
    """Writes the first `most` clips that each result names, clean and perturbed; returns the recordings.

    The files contain the model's input at its sampling rate: `NAME.flac`, the spectrogram `NAME.png`, and a
    list of all recordings, `index.json`. Names derive from the content. If any version of a clip exceeds full
    scale, all versions of that clip are attenuated by the same factor. Earlier recordings of the same audits
    are removed; those of other audits in the folder stay.

    Args:
        results: results of audits of this model and corpus
        folder: folder for the recordings; not created if there is nothing to write
        corpus: the audited corpus
        model: the audited model; one that predicts by clip, without audio, has no recordings
        conditions: name of each condition → the condition, with the seed of the audits
        most: maximum number of clips per audit; 0 for none
        settings: how to show the progress, the step of tracks over time, and where is kept what earlier runs
            wrote; None keeps nothing

    Raises:
        ModelError: tracks are requested, and the model cannot make them
        StoreError: the folder cannot be written
    """
    n = 0 if is_by_clip(model) else most
    named = [
        (result.audit, sound.clip, condition)
        for result in results
        for sound in result.sounds[:n]
        for condition in dict.fromkeys([CLEAN, sound.condition])
    ]
    by_clip: dict[str, list[str]] = {}
    for _, clip, condition in named:
        by_clip.setdefault(clip, []).append(condition)
    recordings: dict[tuple[str, str], Recording] = {}
    if by_clip and not is_by_clip(model):
        cut = over_time(model, settings.over_time) if settings and settings.over_time else None
        # tracks are predictions, which are not kept with recordings
        kept = KeptRecordings(folder, corpus, model, settings) if settings and not cut else None
        todo = {}
        for clip, names in by_clip.items():
            own = {name: conditions[name] for name in names}
            known = kept.read(clip, own) if kept else None
            if known is None:
                todo[clip] = own
            recordings |= {(clip, name): each for name, each in (known or {}).items()}
        if todo:
            with (settings or Settings()).progress("recordings for the report", len(todo)) as advance:
                for clip, own in todo.items():
                    found = _write_clip(clip, own, folder, corpus, model, cut)
                    if kept:
                        kept.keep(clip, own, found)
                    recordings |= {(clip, name): each for name, each in found.items()}
                    advance(1)
    written = [
        recordings[clip, condition].model_copy(update={"audit": audit})
        for audit, clip, condition in dict.fromkeys(named)
    ]
    _replace({result.audit for result in results}, written, folder)
    return written


def _write_clip(
    clip: str,
    conditions: Mapping[str, Condition],
    folder: Path,
    corpus: Corpus,
    model: Model,
    cut: OverTime | None,
) -> dict[str, Recording]:
    """Writes one clip under all its conditions, or records the reason why it cannot be decoded."""
    decoded = {
        name: decode(corpus, clip, model, condition, whole=True) for name, condition in conditions.items()
    }
    peaks = [float(np.max(np.abs(each.signal))) for each in decoded.values() if each.signal is not None]
    attenuation = max([1.0, *peaks])
    found = {}
    for name, each in decoded.items():
        recording = Recording(audit="", clip=clip, condition=name, reason=each.reason)
        if each.signal is not None:
            signal, rate = each.signal / np.float32(attenuation), model.sampling_rate
            sound = flac(signal, rate)
            files = {".flac": sound, ".png": picture(signal, rate)}
            stem = _stem(clip, sound)
            for suffix, content in files.items():
                with atomic(folder / f"{stem}{suffix}") as part:
                    part.write_bytes(content)
            update = {"audio": f"{stem}.flac", "picture": f"{stem}.png", "seconds": len(signal) / rate}
            track = _track(model, each.signal, cut) if cut else None
            recording = recording.model_copy(update={**update, "rate": rate, "track": track})
        found[name] = recording
    return found


def _track(model: Model, signal: NDArray[np.float32], cut: OverTime) -> Track | None:
    """The predictions over time for one recording; None if a window has none."""
    times, scores = track_of(model, signal, cut)
    if not np.isfinite(scores).all():
        return None
    values = {label: scores[:, i].astype(float).tolist() for i, label in enumerate(model.labels)}
    return Track(window_s=cut.window_s, times_s=times, values=values)


def _stem(clip: str, content: bytes) -> str:
    """A readable file name that is unique to the content."""
    name = re.sub(r"\.\w{1,5}$", "", clip.replace("\\", "/").rpartition("/")[2])
    readable = re.sub(r"[^A-Za-z0-9_-]+", "-", name)[:40].strip("-_") or "clip"
    return f"{readable}-{hashlib.blake2b(content, digest_size=5).hexdigest()}"


def _replace(audits: set[str], written: Sequence[Recording], folder: Path) -> None:
    """Replaces the earlier recordings of these audits in the list, and deletes their files."""
    try:
        before = read_index(folder)
    except GateError:  # a damaged list names no recordings to keep
        before = []
    if not before and not written:
        return
    now = [recording for recording in before if recording.audit not in audits] + list(written)
    write_text(folder / INDEX, Index(recordings=now).model_dump_json(by_alias=True, indent=1) + "\n")
    gone = {name for each in before for name in each.files} - {name for each in now for name in each.files}
    for name in sorted(gone):
        with contextlib.suppress(OSError):  # a recording that cannot be deleted is in no list
            (folder / name).unlink(missing_ok=True)
