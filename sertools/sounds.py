"""Writes the clips that audits name as sound and picture, so that people hear what the numbers are about."""

import contextlib
import hashlib
import re
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path

import numpy as np

from sertools import engine, store
from sertools.audio import flac
from sertools.condition import Condition
from sertools.corpus import Corpus
from sertools.errors import GateError
from sertools.model import ClipModel, Model
from sertools.report.sounds import INDEX, Index, Recording, read_index
from sertools.result import Result
from sertools.run import Progress
from sertools.spectrogram import picture
from sertools.tables import CLEAN

KEPT = 5
"""Clips kept of each audit, where nothing else is asked for."""


def write_sounds(
    results: Sequence[Result],
    folder: Path,
    *,
    corpus: Corpus,
    model: Model | ClipModel,
    conditions: Mapping[str, Condition],
    most: int = KEPT,
    progress: Progress = lambda description, total: nullcontext(lambda n: None),
) -> list[Recording]:
    """Writes the first `most` clips that each result names, clean and under its change; returns the list.

    What is written is what the model hears, at its rate: `NAME.flac`, its picture `NAME.png`, and a list of
    all, `index.json`. Names follow the content. Where any sound of a clip is louder than full scale, all
    sounds of that clip are made softer alike. Recordings of the same audits from before are removed; those
    of other audits in the folder stay.

    Args:
        results: of audits of this model and corpus
        folder: where the recordings go; not made where there is nothing to write
        corpus: what was audited
        model: what was audited; one that answers without sound has none to keep
        conditions: name of each condition → the condition, with the seed of the audits
        most: clips of each audit at most; 0 for none
        progress: shows how far it is

    Raises:
        StoreError: the folder cannot be written
    """
    wanted = [
        (result.audit, sound.clip, condition)
        for result in results
        for sound in result.sounds[: 0 if isinstance(model, ClipModel) else most]
        for condition in dict.fromkeys([CLEAN, sound.condition])
    ]
    by_clip: dict[str, list[str]] = {}
    for _, clip, condition in wanted:
        by_clip.setdefault(clip, []).append(condition)
    takes: dict[tuple[str, str], Recording] = {}
    if by_clip and not isinstance(model, ClipModel):
        with progress("clips to hear", len(by_clip)) as advance:
            for clip, names in by_clip.items():
                own = {name: conditions[name] for name in names}
                found = _takes(clip, own, folder, corpus, model)
                takes |= {(clip, name): take for name, take in found.items()}
                advance(1)
    written = [
        takes[clip, condition].model_copy(update={"audit": audit})
        for audit, clip, condition in dict.fromkeys(wanted)
    ]
    _replace({result.audit for result in results}, written, folder)
    return written


def _takes(
    clip: str, conditions: Mapping[str, Condition], folder: Path, corpus: Corpus, model: Model
) -> dict[str, Recording]:
    """One clip under all its conditions, as files; or the reason why it cannot be heard."""
    heard = {name: engine.hear(corpus, clip, model, condition) for name, condition in conditions.items()}
    peaks = [float(np.max(np.abs(each.signal))) for each in heard.values() if each.signal is not None]
    softer = max([1.0, *peaks])
    found = {}
    for name, each in heard.items():
        take = Recording(audit="", clip=clip, condition=name, reason=each.reason)
        if each.signal is not None:
            signal, rate = each.signal / np.float32(softer), model.sampling_rate
            sound = flac(signal, rate)
            files = {".flac": sound, ".png": picture(signal, rate)}
            stem = _stem(clip, sound)
            for suffix, content in files.items():
                with store.atomic(folder / f"{stem}{suffix}") as part:
                    part.write_bytes(content)
            update = {"audio": f"{stem}.flac", "picture": f"{stem}.png", "seconds": len(signal) / rate}
            take = take.model_copy(update={**update, "rate": rate})
        found[name] = take
    return found


def _stem(clip: str, content: bytes) -> str:
    """A name that people can read and that no other content has."""
    name = re.sub(r"\.\w{1,5}$", "", clip.replace("\\", "/").rpartition("/")[2])
    readable = re.sub(r"[^A-Za-z0-9_-]+", "-", name)[:40].strip("-_") or "clip"
    return f"{readable}-{hashlib.blake2b(content, digest_size=5).hexdigest()}"


def _replace(audits: set[str], written: Sequence[Recording], folder: Path) -> None:
    """Puts the recordings of these audits into the list in the place of earlier ones, and removes those."""
    try:
        before = read_index(folder)
    except GateError:  # a damaged list tells nothing that is still to be kept
        before = []
    if not before and not written:
        return
    now = [take for take in before if take.audit not in audits] + list(written)
    store.write_text(folder / INDEX, Index(recordings=now).model_dump_json(by_alias=True, indent=1) + "\n")
    gone = {name for take in before for name in take.files} - {name for take in now for name in take.files}
    for name in sorted(gone):
        with contextlib.suppress(OSError):  # a recording that stays behind is in no list
            (folder / name).unlink(missing_ok=True)
