"""Words and voices that agree or contradict each other, spoken by espeak-ng on this machine.

Twelve voices, a woman and a man in each of six accents of English, say the same eight texts at low, normal
and high vocal effort: two sentences, each with a negative, a neutral and a positive word, and two rows of
syllables that mean nothing, so that only the voice is left. Effort sets rate, pitch, pitch range and
volume, as in the corpus `voices`. Words and voice are *neutral* (neutral word, normal effort), *matched*
(positive and high, negative and low), or *mismatched* (positive and low, negative and high).

No human rated these clips: arousal and dominance follow from the effort, valence from the word.
"""

from pathlib import Path

import pandas as pd

from sertools.corpora.layouts import spoken
from sertools.corpora.layouts.spoken import LICENCE, RATE, Utterance, settings
from sertools.corpora.registered.voices import ACCENTS, LEVELS, VALENCES
from sertools.speech import espeak_ng
from sertools.speech.sentences import SENTIMENTS, templates

__all__ = ["LICENCE", "RATE"]

TITLE = (
    "tts-listening: words and voices that agree or contradict each other, spoken by espeak-ng in 12 voices"
)
CITATION = "sertools, corpus 'tts-listening' version 1, spoken by espeak-ng (github.com/espeak-ng/espeak-ng)"
LANGUAGE = "eng"
NAMES: dict[str, str | None] = {"tts-listening": None}
VERSION = "1"
SIMULATED = (
    "The labels follow by construction: arousal and dominance from the vocal effort set in the synthesiser, "
    "valence from the words; no human rated the clips."
)
EXPECTED = {"clips": 288, "speakers": 12, "female": 6, "male": 6}

MEANINGLESS = ("Mala nodi pelu kata somi tade.", "Rono timu lapi dena koso melu.")
"""Syllables that mean nothing; their sentiment is `none`."""

VOICES = 6
"""Accents, of a woman and a man each."""

SENTENCES = 2
WORD = 3
"""Number of the word of each sentiment in its list."""


def texts() -> list[tuple[str, str]]:
    """Text and sentiment of each utterance.

    >>> len(texts()), texts()[-1][1]
    (8, 'none')
    """
    said = [(each.fill(name, WORD), name) for each in templates()[:SENTENCES] for name in SENTIMENTS]
    return [*said, *((text, "none") for text in MEANINGLESS)]


def utterances() -> list[Utterance]:
    """All 288 clips in the order of the corpus, with the settings that `make` uses."""
    planned = []
    for accent, woman, man, split in ACCENTS[:VOICES]:
        for variant, sex in ((woman, "female"), (man, "male")):
            for effort, level in LEVELS.items():
                for number, (text, sentiment) in enumerate(texts(), start=1):
                    planned.append(
                        Utterance(
                            file=f"audio/{accent}_{variant.lower()}_{effort}_{number}_{sentiment}.flac",
                            speaker=f"{accent}+{variant}",
                            sex=sex,
                            language="eng",
                            accent=accent,
                            transcript=text,
                            sentiment=sentiment,
                            effort=effort,
                            **settings(level, level),
                            valence=VALENCES.get(sentiment, 0.5),
                            split=split,
                        )
                    )
    return planned


def recognises(root: Path) -> bool:
    """Does this folder contain the complete corpus `tts-listening`?"""
    return spoken.recognises(root, utterances()[0].file)


def scan(root: Path) -> pd.DataFrame:
    """One row per clip: file (relative to root), speaker, labels in [0, 1], and how the clip was spoken.

    Raises:
        CorpusError: the folder does not contain `tts-listening`, or its table is broken
    """
    return spoken.scan(root, "tts-listening", utterances()[0].file)


def make(root: Path) -> None:
    """Generate the corpus in `root`, completely or not at all: 16 kHz mono FLAC files and `metadata.csv`.

    Raises:
        CorpusError: `root` contains something else, or cannot be written
        SertoolsError: espeak-ng cannot speak here
    """
    readme = (
        f"# {TITLE}\n\nVersion {VERSION}, spoken by espeak-ng {espeak_ng.version()}. {SIMULATED}\n\n"
        f"Licence: {LICENCE}.\n"
    )
    spoken.make(root, utterances(), readme, "tts-listening")
