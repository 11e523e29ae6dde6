"""Lines of text times voices → a folder of FLAC files with `metadata.csv`: whole, or to be gone on with.

The name of a file says what is in it (a hash of engine, voice and text), so a run that was interrupted keeps
what it had spoken and goes on. `metadata.csv` comes last and makes the folder a corpus.
"""

import contextlib
import errno
import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from sertools.errors import CorpusError, SertoolsError
from sertools.tts_engines import Engine, Speaker

LONGEST = 1000
"""Characters of a line at most: a longer one is rather a missing line break than a sentence."""

OWN = ("clip", "file", "speaker", "sex", "language", "transcript", "engine")
"""Columns that speaking decides; labels of a line may have any other name."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """A text to be spoken.

    Attributes:
        text: as it is spoken
        language: ISO 639-3; empty where unknown, and the voice decides
        where: what errors call it, e.g. `sentences.csv, line 3`
        clip: whose words these are; such lines may say the same
        labels: further columns of the corpus
    """

    text: str
    language: str = ""
    where: str
    clip: str = ""
    labels: Mapping[str, str | float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Spoken:
    """What came of it: files that were spoken now, and files that were there already."""

    written: int
    kept: int


def check_lines(lines: Sequence[Line]) -> None:
    """Can every line be spoken at all?

    Raises:
        CorpusError: no lines; a line that is empty, without a letter or digit, longer than 1000 characters,
            or no text; a label that is named like a column of the corpus
    """
    if not lines:
        raise CorpusError("there is nothing to speak", hint="give at least one sentence")
    for line in lines:
        if not line.text.strip():
            raise CorpusError(f"{line.where}: there is no text", hint="delete the line, or fill it")
        if len(line.text) > LONGEST:
            raise CorpusError(
                f"{line.where}: {len(line.text)} characters are no sentence", hint=f"at most {LONGEST}"
            )
        if not any(c.isalnum() for c in line.text):
            raise CorpusError(f"{line.where}: {line.text!r} has no letter and no digit to be spoken")
        if any("\ud800" <= c <= "\udfff" for c in line.text):
            raise CorpusError(f"{line.where}: {line.text!r} is no text: it holds half of a surrogate pair")
        own = [name for name in line.labels if name in OWN]
        if own:
            raise CorpusError(f"{line.where}: the label {own[0]!r} has the name of a column of the corpus")


def speak_lines(
    lines: Sequence[Line],
    voices: Sequence[Speaker],
    engine: Engine,
    folder: Path,
    *,
    rate: int = 0,
    readme: str = "",
    advance: Callable[[int], None] = lambda n: None,
) -> Spoken:
    """Speaks every line with every voice of its language into `folder`.

    Args:
        lines: what is said; one without a language is said by all voices
        voices: of the engine
        engine: who speaks
        folder: of the corpus; made where it is missing
        rate: sampling rate of the files in Hz; 0 for the engine's own
        readme: text of README.md
        advance: told of each file

    Raises:
        CorpusError: lines that cannot be spoken, a line without a voice, a folder with something else in it,
            or one that cannot be written
        SertoolsError: the engine fails; what it has spoken stays
    """
    check_lines(lines)
    jobs = [(line, voice) for line in lines for voice in voices if _fits(line, voice)]
    mute = {line.language for line in lines} - {line.language for line, _ in jobs}
    if mute:
        spoken = ", ".join(sorted({voice.language for voice in voices}))
        raise CorpusError(
            f"no voice speaks {', '.join(sorted(mute))}", hint=f"the voices named speak {spoken or 'nothing'}"
        )
    release = engine.version()
    rows = [_row(line, voice, engine.name, _file(line, voice, release, rate)) for line, voice in jobs]
    _refuse_repeats(rows, jobs)
    written, done = 0, set()
    try:
        _claim(folder, rows)
        for row, (line, voice) in zip(rows, jobs, strict=True):
            path = folder / str(row["file"])
            if path not in done and not _is_whole(path):
                _speak_one(line, voice, engine, path, rate)
                written += 1
            done.add(path)
            advance(1)
        _write(folder / "README.md", readme.encode())
        table = pd.DataFrame(rows).to_csv(index=False)
        _write(folder / "metadata.csv", table.encode())
        with contextlib.suppress(FileNotFoundError):
            (folder / _CLAIM).unlink()
    except OSError as error:
        raise _unwritable(folder, error) from error
    return Spoken(written=written, kept=len(done) - written)


_CLAIM = ".unfinished.json"


def _fits(line: Line, voice: Speaker) -> bool:
    return not line.language or line.language == voice.language


def _file(line: Line, voice: Speaker, release: str, rate: int) -> str:
    """Where the sound of a line lies: a readable voice, and a name that follows from all that decides it."""
    content = json.dumps([release, rate, voice.name, line.text])
    name = hashlib.blake2b(content.encode(), digest_size=8).hexdigest()
    return f"audio/{re.sub(r'[^A-Za-z0-9._+-]+', '-', Path(voice.name).name)}/{name}.flac"


def _row(line: Line, voice: Speaker, engine: str, file: str) -> dict[str, str | float]:
    own = {"clip": f"{line.clip}@{voice.name}"} if line.clip else {}
    language = line.language or voice.language
    said = (file, voice.name, voice.sex, language, line.text, engine)
    return {**own, **dict(zip(OWN[1:], said, strict=True)), **line.labels}


def _refuse_repeats(rows: Sequence[Mapping[str, str | float]], jobs: Sequence[tuple[Line, Speaker]]) -> None:
    """The same text by the same voice twice would be one clip with two rows of labels."""
    first: dict[str | float, Line] = {}
    for row, (line, _) in zip(rows, jobs, strict=True):
        before = first.setdefault(row.get("clip", row["file"]), line)
        if before is not line:
            raise CorpusError(
                f"{line.where} says the same as {before.where}: {line.text[:60]!r}",
                hint="name each text once",
            )


def _claim(folder: Path, rows: list[dict[str, str | float]]) -> None:
    """Mark the folder as ours until it is finished; another corpus in it is not overwritten."""
    asked = hashlib.blake2b(json.dumps(rows).encode(), digest_size=16).hexdigest()
    claim = folder / _CLAIM
    if (folder / "metadata.csv").is_file() and not _is_same(folder / "metadata.csv", rows):
        raise CorpusError(f"{folder} holds another corpus", hint="name another --out")
    entries = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
    if claim.is_file() and json.loads(claim.read_text(encoding="utf-8")) != {"asked": asked}:
        raise CorpusError(
            f"{folder} holds the unfinished corpus of other sentences or voices",
            hint="repeat the command that began it, or delete the folder",
        )
    if entries and not claim.is_file() and "metadata.csv" not in entries:
        raise CorpusError(f"{folder} holds something else", hint="name an --out that is new or empty")
    folder.mkdir(parents=True, exist_ok=True)
    _write(claim, json.dumps({"asked": asked}).encode())


def _is_same(table: Path, rows: list[dict[str, str | float]]) -> bool:
    return table.read_bytes() == pd.DataFrame(rows).to_csv(index=False).encode()


def _is_whole(path: Path) -> bool:
    """Was this clip spoken before? Files take their name only when they are finished."""
    import soundfile

    try:
        return bool(soundfile.info(path).frames)
    except (soundfile.LibsndfileError, OSError):
        return False


def _speak_one(line: Line, voice: Speaker, engine: Engine, path: Path, rate: int) -> None:
    import soundfile
    import soxr

    try:
        signal, own = engine.speak(line.text, voice.name)
    except SertoolsError as error:
        raise SertoolsError(f"{line.where}: {error.message}", hint=error.hint) from error
    if not signal.any():
        raise SertoolsError(f"{line.where}: {engine.name} says nothing for {line.text[:60]!r}")
    if rate and rate != own:
        signal = soxr.resample(signal, own, rate)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        soundfile.write(part, np.clip(signal, -1, 1), rate or own, format="FLAC", subtype="PCM_16")
        part.replace(path)
    except soundfile.LibsndfileError as error:  # a full disk, among others, has no OSError here
        raise OSError(errno.EIO, f"{path.name}: {error.error_string}") from error
    finally:
        part.unlink(missing_ok=True)


def _write(path: Path, content: bytes) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _unwritable(folder: Path, error: OSError) -> CorpusError:
    reason = "the disk is full" if error.errno == errno.ENOSPC else error.strerror or str(error)
    return CorpusError(
        f"cannot write the corpus to {folder}: {reason}",
        hint="mend that and repeat the command: what was spoken is kept",
    )
