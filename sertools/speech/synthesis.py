"""Synthesises lines of text with several voices into a folder of FLAC files; interrupted runs can resume.

File names contain a hash of engine, voice and text, so after an interruption a new run reuses the clips that
are finished. `metadata.csv` is written last and makes the folder a corpus.
"""

import contextlib
import hashlib
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from sertools.errors import CorpusError, SertoolsError
from sertools.files import disk_errors, read_json, write_bytes, write_text
from sertools.speech.engines import Engine, Speaker

LONGEST = 1000
"""Maximum characters of a line: a longer one more likely lacks a line break than is a sentence."""

RESERVED_COLUMNS = ("clip", "file", "speaker", "sex", "language", "transcript", "engine")
"""Columns that are set here; labels of a line may have any other name."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """A text to speak.

    Attributes:
        text: what is spoken
        language: ISO 639-3; empty if unknown, then the voice's language is used
        where: origin of the line for error messages, e.g. `sentences.csv, line 3`
        clip: id of the original clip with this text; several such lines may have the same text
        labels: further columns of the corpus
    """

    text: str
    language: str = ""
    where: str
    clip: str = ""
    labels: Mapping[str, str | float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Spoken:
    """Number of files synthesised in this run, and of files reused from earlier runs."""

    written: int
    reused: int


def check_lines(lines: Sequence[Line]) -> None:
    """Check that every line can be spoken.

    Raises:
        CorpusError: no lines; a line that is empty, without a letter or digit, longer than 1000 characters,
            or not valid text; a label with the name of a corpus column
    """
    if not lines:
        raise CorpusError("there are no sentences to speak", hint="give at least one sentence")
    for line in lines:
        if not line.text.strip():
            raise CorpusError(f"{line.where}: the text is empty", hint="add text, or delete the line")
        if len(line.text) > LONGEST:
            raise CorpusError(
                f"{line.where}: the text has {len(line.text)} characters",
                hint=f"at most {LONGEST} are allowed",
            )
        if not any(c.isalnum() for c in line.text):
            raise CorpusError(f"{line.where}: {line.text!r} contains no letter or digit to speak")
        if any("\ud800" <= c <= "\udfff" for c in line.text):
            raise CorpusError(
                f"{line.where}: {line.text!r} is not valid text: it contains an unpaired surrogate"
            )
        own = [name for name in line.labels if name in RESERVED_COLUMNS]
        if own:
            raise CorpusError(f"{line.where}: the label {own[0]!r} has the name of a corpus column")


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
    """Synthesise every line with every voice of its language into `folder`.

    Args:
        lines: texts to speak; all voices speak a line without a language
        voices: voices of the engine
        engine: speech engine
        folder: folder of the corpus; created if missing
        rate: sampling rate of the files in Hz; 0 for the engine's own
        readme: text of README.md
        advance: called with 1 after each clip

    Raises:
        CorpusError: lines that cannot be spoken, a line without a voice, a folder with other content, or one
            that cannot be written
        SertoolsError: the engine fails; finished clips stay
    """
    check_lines(lines)
    jobs = _jobs(lines, voices)
    release = engine.version()
    rows = [_row(line, voice, engine.name, _file(line, voice, release, rate)) for line, voice in jobs]
    _refuse_repeats(rows, jobs)
    written, done = 0, set()
    with disk_errors(folder, CorpusError):
        _mark_unfinished(folder, rows)
        for row, (line, voice) in zip(rows, jobs, strict=True):
            path = folder / str(row["file"])
            if path not in done and not _is_complete(path):
                write_bytes(path, _flac(line, voice, engine, rate), error=CorpusError)
                written += 1
            done.add(path)
            advance(1)
        write_text(folder / "README.md", readme, error=CorpusError)
        write_bytes(folder / "metadata.csv", _table(rows), error=CorpusError)
        with contextlib.suppress(FileNotFoundError):
            (folder / _UNFINISHED).unlink()
    return Spoken(written=written, reused=len(done) - written)


_UNFINISHED = ".unfinished.json"
"""Name of the file that marks a folder as an unfinished corpus, and of which rows."""


def _jobs(lines: Sequence[Line], voices: Sequence[Speaker]) -> list[tuple[Line, Speaker]]:
    """Each line with each voice of its language."""
    jobs = [(line, voice) for line in lines for voice in voices if line.language in ("", voice.language)]
    without_voice = {line.language for line in lines} - {line.language for line, _ in jobs}
    if without_voice:
        spoken = ", ".join(sorted({voice.language for voice in voices}))
        raise CorpusError(
            f"no voice speaks {', '.join(sorted(without_voice))}",
            hint=f"the chosen voices speak {spoken or 'nothing'}",
        )
    return jobs


def _file(line: Line, voice: Speaker, release: str, rate: int) -> str:
    """Path of a line's audio file: the voice, and a hash of everything that determines the audio."""
    content = json.dumps([release, rate, voice.name, line.text])
    name = hashlib.blake2b(content.encode(), digest_size=8).hexdigest()
    return f"audio/{re.sub(r'[^A-Za-z0-9._+-]+', '-', Path(voice.name).name)}/{name}.flac"


def _row(line: Line, voice: Speaker, engine: str, file: str) -> dict[str, str | float]:
    own = {"clip": f"{line.clip}@{voice.name}"} if line.clip else {}
    language = line.language or voice.language
    values = (file, voice.name, voice.sex, language, line.text, engine)
    return {**own, **dict(zip(RESERVED_COLUMNS[1:], values, strict=True)), **line.labels}


def _refuse_repeats(rows: Sequence[Mapping[str, str | float]], jobs: Sequence[tuple[Line, Speaker]]) -> None:
    """Raise an error for repeated texts: they would be one clip with two rows of labels."""
    first: dict[str | float, Line] = {}
    for row, (line, _) in zip(rows, jobs, strict=True):
        before = first.setdefault(row.get("clip", row["file"]), line)
        if before is not line:
            raise CorpusError(
                f"{line.where} has the same text as {before.where}: {line.text[:60]!r}",
                hint="list each text once",
            )


def _mark_unfinished(folder: Path, rows: list[dict[str, str | float]]) -> None:
    """Mark the folder as an unfinished corpus; raise an error if it contains something else."""
    marker, table = folder / _UNFINISHED, folder / "metadata.csv"
    content = {"asked": hashlib.blake2b(json.dumps(rows).encode(), digest_size=16).hexdigest()}
    if table.is_file() and table.read_bytes() != _table(rows):
        raise CorpusError(f"{folder} contains another corpus", hint="choose another --out")
    entries = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
    if marker.is_file() and read_json(marker, error=CorpusError, what="the marker") != content:
        raise CorpusError(
            f"{folder} contains an unfinished corpus of other sentences or voices",
            hint="rerun the command that started it, or delete the folder",
        )
    if entries and not marker.is_file() and "metadata.csv" not in entries:
        raise CorpusError(
            f"{folder} is not empty and is not a sertools corpus", hint="choose a new or empty --out"
        )
    write_text(marker, json.dumps(content), error=CorpusError)


def _table(rows: list[dict[str, str | float]]) -> bytes:
    """The content of `metadata.csv`."""
    return pd.DataFrame(rows).to_csv(index=False).encode()


def _is_complete(path: Path) -> bool:
    """Is this clip already synthesised? Files get their final name only when they are complete."""
    import soundfile

    try:
        return bool(soundfile.info(path).frames)
    except (soundfile.LibsndfileError, OSError):
        return False


def _flac(line: Line, voice: Speaker, engine: Engine, rate: int) -> bytes:
    """The content of the audio file of a line."""
    import soundfile
    import soxr

    try:
        signal, own = engine.speak(line.text, voice.name)
    except SertoolsError as error:
        raise SertoolsError(f"{line.where}: {error.message}", hint=error.hint) from error
    if not signal.any():
        raise SertoolsError(f"{line.where}: {engine.name} returned no speech for {line.text[:60]!r}")
    if rate and rate != own:
        signal = soxr.resample(signal, own, rate)
    content = io.BytesIO()
    soundfile.write(content, np.clip(signal, -1, 1), rate or own, format="FLAC", subtype="PCM_16")
    return content.getvalue()
