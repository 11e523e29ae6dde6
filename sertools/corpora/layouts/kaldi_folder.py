"""Reads a data folder of Kaldi: `wav.scp` with `utt2spk`, `text`, `spk2gender`, `utt2emo` and others, where
they are.

Each is a text file with an id and a value per line; `segments` has id, recording, start and end. A line of
`wav.scp` that is a command (`sph2pipe … |`) is refused: nothing is run.
"""

from pathlib import Path

import pandas as pd

from sertools.corpora.values import some
from sertools.errors import CorpusError

BY_CLIP = {
    "utt2emo": "emotion", "utt2emotion": "emotion", "emotion": "emotion", "utt2lang": "language",
    "text": "transcript", "utt2spk": "speaker",
}  # fmt: skip
"""File with a value for each clip → column."""

BY_SPEAKER = {"spk2gender": "sex", "spk2age": "age"}


def read_kaldi(root: Path) -> pd.DataFrame | None:
    """One row per utterance; None if the folder has no `wav.scp`.

    Raises:
        CorpusError: a command instead of a path, an id that is listed twice, or one without a recording
    """
    if not (root / "wav.scp").is_file():
        return None
    recordings = _values(root / "wav.scp")
    commands = [name for name, value in recordings.items() if value.endswith("|") or value.startswith("|")]
    if commands:
        raise CorpusError(
            f"wav.scp: {commands[0]!r} is a command, and commands are not run",
            hint="write the audio to files, and list their paths",
        )
    if (root / "segments").is_file():
        table = _segments(root / "segments", recordings)
    else:
        table = pd.DataFrame({"clip": list(recordings), "file": list(recordings.values())})
    for name, column in BY_CLIP.items():
        if (root / name).is_file() and column not in table:
            table[column] = table["clip"].map(_values(root / name))
    for name, column in BY_SPEAKER.items():
        if (root / name).is_file() and "speaker" in table:
            table[column] = table["speaker"].map(_values(root / name))
    return table


def _segments(path: Path, recordings: dict[str, str]) -> pd.DataFrame:
    rows = []
    for name, value in _values(path).items():
        parts = value.split()
        if len(parts) != 3:
            raise CorpusError(f"segments: {name!r} has {len(parts)} values, not recording, start and end")
        rows.append({"clip": name, "file": parts[0], "start": parts[1], "end": parts[2]})
    table = pd.DataFrame(rows)
    absent = sorted(set(table["file"]) - set(recordings))
    if absent:
        raise CorpusError(f"segments names recordings that wav.scp does not have: {some(absent)}")
    return table.assign(file=table["file"].map(recordings))


def _values(path: Path) -> dict[str, str]:
    """Id → the rest of its line."""
    found: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        name, _, value = line.strip().partition(" ") if "\t" not in line else line.strip().partition("\t")
        if not name:
            continue
        if name in found:
            raise CorpusError(f"{path.name}, line {number}: {name!r} is listed twice")
        found[name] = value.strip()
    if not found:
        raise CorpusError(f"{path.name} is empty")
    return found
