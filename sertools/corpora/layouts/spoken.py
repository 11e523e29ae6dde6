"""Corpora that espeak-ng speaks on this machine: one folder with clips, `metadata.csv` and a README.

The table is written last. A folder is such a corpus if the head of its table has the columns of `Utterance`,
and it is a particular one if its first clip is the first one of that corpus.
"""

import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from sertools.errors import CorpusError
from sertools.files import atomic_folder
from sertools.speech import espeak_ng

RATE = 16_000
"""Sampling rate of the clips, Hz."""

LICENCE = (
    "CC0-1.0 for sentences, labels and clips; the clips are spoken by espeak-ng, "
    "a program under GPL-3.0-or-later, whose licence does not apply to the speech it generates"
)

_LABELS = ("arousal", "dominance", "valence")


@dataclass(frozen=True, kw_only=True)
class Utterance:
    """A clip to generate: its sentence, voice and settings, and the labels that follow from them."""

    file: str
    speaker: str
    sex: str
    language: str
    accent: str
    transcript: str
    sentiment: str
    effort: str
    rate_wpm: int
    pitch: int
    pitch_range: int
    volume: int
    arousal: float
    dominance: float
    valence: float
    split: str


def settings(pace: float, force: float) -> dict[str, Any]:
    """The synthesiser's settings for a pace and a force in [0, 1], and the labels that follow from them.

    >>> settings(0.5, 0.2)["rate_wpm"], settings(0.5, 0.2)["volume"], settings(0.5, 0.2)["arousal"]
    (175, 25, 0.5)
    """
    return {
        "rate_wpm": round(130 + 90 * pace),
        "pitch": round(25 + 50 * pace),
        "pitch_range": round(15 + 70 * pace),
        "volume": round(10 + 75 * force),
        "arousal": round(pace, 2),
        "dominance": round(force, 2),
    }


def recognises(root: Path, first: str) -> bool:
    """Does this folder contain the complete corpus whose first clip is the file `first`?"""
    try:
        with (root / "metadata.csv").open(encoding="utf-8") as file:
            head, row = file.readline().strip(), file.readline()
    except (OSError, UnicodeDecodeError):
        return False
    return head == ",".join(Utterance.__dataclass_fields__) and row.split(",")[0] == first


def scan(root: Path, name: str, first: str) -> pd.DataFrame:
    """One row per clip: file (relative to root), speaker, labels in [0, 1], and how the clip was spoken.

    Args:
        root: the folder
        name: of the corpus
        first: the file of its first clip

    Raises:
        CorpusError: the folder does not contain the complete corpus, or its table is broken
    """
    if not recognises(root, first):
        raise CorpusError(f"no corpus {name!r} in {root}", hint="delete the folder: it is generated again")
    try:
        return pd.read_csv(root / "metadata.csv", dtype=dict.fromkeys(_LABELS, float))
    except (OSError, ValueError) as error:
        raise CorpusError(
            f"{root / 'metadata.csv'} of the corpus {name!r} is broken: {error}",
            hint="delete the folder: it is generated again",
        ) from error


def make(root: Path, utterances: Sequence[Utterance], readme: str, name: str) -> None:
    """Generate a corpus in `root`, completely or not at all: 16 kHz mono FLAC files and `metadata.csv`.

    The clips are written to a temporary folder next to `root`, which is renamed to `root` at the end. So an
    interrupted process leaves no incomplete corpus; if two run at once, the first one's clips are used.

    Raises:
        CorpusError: `root` contains something else, or cannot be written
        SertoolsError: espeak-ng cannot speak here
    """
    first = utterances[0].file
    if recognises(root, first):
        return
    if root.is_dir() and any(root.iterdir()):
        raise CorpusError(f"{root} is not empty and is not the corpus {name!r}", hint="move it elsewhere")
    try:
        with atomic_folder(root, error=CorpusError) as folder:
            _speak_into(folder, utterances, readme)
    except CorpusError as error:
        if not recognises(root, first):  # otherwise another process finished first, with the same clips
            hint = "make room there, or set XDG_CACHE_HOME to a writable folder"
            raise CorpusError(error.message, hint=hint) from error


def _speak_into(folder: Path, utterances: Sequence[Utterance], readme: str) -> None:
    import soundfile
    import soxr

    for utterance in utterances:
        signal, rate = espeak_ng.speak(
            utterance.transcript,
            utterance.speaker,
            rate_wpm=utterance.rate_wpm,
            pitch=utterance.pitch,
            pitch_range=utterance.pitch_range,
            volume=utterance.volume,
        )
        content = io.BytesIO()
        soundfile.write(content, soxr.resample(signal, rate, RATE), RATE, format="FLAC", subtype="PCM_16")
        path = folder / utterance.file
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content.getvalue())
    (folder / "README.md").write_text(readme, encoding="utf-8")
    # the table is written last, since it identifies the folder as the corpus
    pd.DataFrame([asdict(utterance) for utterance in utterances]).to_csv(folder / "metadata.csv", index=False)
