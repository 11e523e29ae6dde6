"""Sentences that differ in one word, in five languages, spoken by espeak-ng on this machine.

English: 42 negative, neutral and positive words in two templates each, their negations and "very", and ten
controls, by six voices. German, French, Italian and Spanish: 42 words in one template each, by the first five
of these voices. The voices say every sentence of their language in the same tone, so that sentences differ in
nothing but their words and how these sound. Splits are languages: `tts-sentences:eng`.

There are no ratings: what is known of a sentence is its word's sentiment.
"""

import shutil
import uuid
from pathlib import Path

import pandas as pd

from sertools.errors import CorpusError
from sertools.sentiment_sentences import languages, wordings
from sertools.spoken import OWN, Line, speak_lines
from sertools.tts_engines import engine

TITLE = "tts-sentences: sentences of negative, neutral and positive words, spoken by espeak-ng in 5 languages"
LICENCE = "CC0-1.0 for sentences, labels and clips"
CITATION = "sertools, corpus 'tts-sentences' version 1, spoken by espeak-ng (github.com/espeak-ng/espeak-ng)"
NAMES: dict[str, str | None] = {"tts-sentences": None}
VERSION = "1"
SIMULATED = "Synthetic speech: the sentiment is that of the words, and nobody rated the clips."
EXPECTED = {"clips": 1596, "speakers": 26}

RATE = 16_000
"""Sampling rate of the clips, Hz."""

LABELS = ("sentiment", "kind", "template", "word", "split")


def lines() -> list[Line]:
    """Everything that is said, language by language."""
    planned: list[Line] = []
    for language in languages():
        english = language == "eng"
        for each in wordings(
            language,
            per_word=2 if english else 1,
            kinds=("plain", "negated", "intense", "control") if english else ("plain",),
        ):
            if each.kind in ("negated", "intense") and any(
                line.labels["word"] == each.word and line.labels["kind"] == each.kind for line in planned
            ):
                continue  # one sentence of these is enough to be compared with its plain one
            values = (each.sentiment, each.kind, each.template, each.word, language)
            planned.append(
                Line(
                    text=each.text,
                    language=language,
                    where=f"sentence {each.text!r}",
                    labels=dict(zip(LABELS, values, strict=True)),
                )
            )
    return planned


def recognises(root: Path) -> bool:
    """Is this folder a finished `tts-sentences`?"""
    try:
        with (root / "metadata.csv").open(encoding="utf-8") as file:
            header = file.readline().strip()
        return header == ",".join([*OWN[1:], *LABELS]) and (root / "tts-sentences").is_file()
    except (OSError, UnicodeDecodeError):
        return False


def scan(root: Path) -> pd.DataFrame:
    """One row per clip: file (relative to root), voice, language, transcript, and what is known of its word.

    Raises:
        CorpusError: the folder holds no `tts-sentences`
    """
    if not recognises(root):
        raise CorpusError(f"no corpus 'tts-sentences' in {root}", hint="delete the folder: it is spoken anew")
    return pd.read_csv(root / "metadata.csv", keep_default_na=False)


def make(root: Path) -> None:
    """Speak the corpus into `root`: 16 kHz mono FLAC and `metadata.csv`, all of it or nothing.

    Raises:
        CorpusError: `root` holds something else, or cannot be written
        SertoolsError: espeak-ng cannot speak here
    """
    if recognises(root):
        return
    if root.is_dir() and any(root.iterdir()):
        raise CorpusError(f"{root} holds something else than the corpus 'tts-sentences'", hint="move it away")
    speaker = engine("espeak")
    voices = [
        voice
        for language in languages()
        for voice in speaker.speakers(language)[: 6 if language == "eng" else 5]
    ]
    beside = root.with_name(f".{root.name}.{uuid.uuid4().hex}")
    try:
        beside.parent.mkdir(parents=True, exist_ok=True)
        speak_lines(
            lines(),
            voices,
            speaker,
            beside,
            rate=RATE,
            readme=f"# {TITLE}\n\nVersion {VERSION}, spoken by {speaker.version()}. {SIMULATED}\n\n"
            f"Licence: {LICENCE}.\n",
        )
        (beside / "tts-sentences").write_text(f"{VERSION}\n", encoding="utf-8")
        try:
            beside.rename(root)
        except OSError:
            if not recognises(root):  # otherwise another process was first: its clips are the same
                raise
    except OSError as error:
        raise CorpusError(
            f"cannot write the corpus 'tts-sentences' to {root}: {error.strerror or error}",
            hint="free the place, or set XDG_CACHE_HOME to a folder that can be written",
        ) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
