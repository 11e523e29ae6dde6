"""Sentences that differ in one word, in five languages, spoken by espeak-ng on this machine.

English: 42 negative, neutral and positive words in two templates each, their negations and "very", and ten
controls, by six voices. German, French, Italian and Spanish: 42 words in one template each, by the first five
of these voices. A voice says every sentence of its language with the same intonation, so that sentences
differ only in their words and in how these sound. Splits are languages: `tts-sentences:eng`.

There are no ratings: a sentence is labelled with the sentiment of its word.
"""

from pathlib import Path

import pandas as pd

from sertools.errors import CorpusError
from sertools.files import atomic_folder
from sertools.speech.engines import Speaker, engine
from sertools.speech.sentiment_sentences import languages, wordings
from sertools.speech.synthesis import RESERVED_COLUMNS, Line, speak_lines

TITLE = "tts-sentences: sentences of negative, neutral and positive words, spoken by espeak-ng in 5 languages"
LICENCE = "CC0-1.0 for sentences, labels and clips"
CITATION = "sertools, corpus 'tts-sentences' version 1, spoken by espeak-ng (github.com/espeak-ng/espeak-ng)"
LANGUAGE = "deu, eng, fra, ita, spa"
NAMES: dict[str, str | None] = {"tts-sentences": None}
VERSION = "1"
SIMULATED = "Synthetic speech: the sentiment label is that of the words; no human rated the clips."
EXPECTED = {"clips": 1596, "speakers": 26}

RATE = 16_000
"""Sampling rate of the clips, Hz."""

LABELS = ("sentiment", "kind", "template", "word", "split")


def lines() -> list[Line]:
    """All sentences of the corpus, language by language."""
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
                continue  # one such sentence is enough for the comparison with the plain one
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


def voices(language: str) -> list[Speaker]:
    """The voices that say the sentences of a language: six for English, five for any other."""
    return engine("espeak").speakers(language)[: 6 if language == "eng" else 5]


def recognises(root: Path) -> bool:
    """Does this folder contain the complete corpus `tts-sentences`?"""
    try:
        with (root / "metadata.csv").open(encoding="utf-8") as file:
            header = file.readline().strip()
        return header == ",".join([*RESERVED_COLUMNS[1:], *LABELS]) and (root / "tts-sentences").is_file()
    except (OSError, UnicodeDecodeError):
        return False


def scan(root: Path) -> pd.DataFrame:
    """One row per clip: file (relative to root), voice, language, transcript, and the labels of its word.

    Raises:
        CorpusError: the folder does not contain `tts-sentences`
    """
    if not recognises(root):
        raise CorpusError(
            f"no corpus 'tts-sentences' in {root}", hint="delete the folder: it is generated again"
        )
    return pd.read_csv(root / "metadata.csv", keep_default_na=False)


def make(root: Path) -> None:
    """Generate the corpus in `root`, completely or not at all: 16 kHz mono FLAC files and `metadata.csv`.

    Raises:
        CorpusError: `root` contains something else, or cannot be written
        SertoolsError: espeak-ng cannot speak here
    """
    if recognises(root):
        return
    if root.is_dir() and any(root.iterdir()):
        raise CorpusError(
            f"{root} is not empty and is not the corpus 'tts-sentences'", hint="move it elsewhere"
        )
    speaker = engine("espeak")
    try:
        with atomic_folder(root, error=CorpusError) as folder:
            speak_lines(
                lines(),
                [voice for language in languages() for voice in voices(language)],
                speaker,
                folder,
                rate=RATE,
                readme=f"# {TITLE}\n\nVersion {VERSION}, spoken by {speaker.version()}. {SIMULATED}\n\n"
                f"Licence: {LICENCE}.\n",
            )
            (folder / "tts-sentences").write_text(f"{VERSION}\n", encoding="utf-8")
    except CorpusError as error:
        if not recognises(root):  # otherwise another process finished first, with the same clips
            hint = "make room there, or set XDG_CACHE_HOME to a writable folder"
            raise CorpusError(error.message, hint=hint) from error
