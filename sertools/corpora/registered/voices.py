"""The embedded corpus: 288 clips spoken by espeak-ng on this machine, with labels known by construction.

Sixteen voices, a woman and a man in each of eight accents of English, say two sentences each. Each sentence
is spoken with a negative, a neutral and a positive word, each time at low, normal and high vocal effort:
16 voices × 2 sentences × 3 sentiments × 3 efforts. The two voices of an accent say the same sentences.

No human rated these clips. Within a level of effort, the pace and force of the voice are slightly raised or
lowered:

- pace = level ± 0.06 sets rate, pitch and pitch range, and is the clip's arousal,
- force = level ± 0.06 sets the volume, and is the clip's dominance,
- the word's sentiment, 0.2, 0.5 or 0.8, is the valence,

with levels 0.2, 0.5 and 0.8. So a model's score here shows whether it responds to loudness, pitch, rate and
words, not how well it agrees with people. With this corpus `sertools audit` runs without any further data.
"""

from pathlib import Path

import pandas as pd

from sertools.corpora.layouts import spoken
from sertools.corpora.layouts.spoken import LICENCE, RATE, Utterance, settings
from sertools.speech import espeak_ng
from sertools.speech.sentences import SENTIMENTS, templates

__all__ = ["LICENCE", "RATE"]

TITLE = "voices: sentences spoken by espeak-ng in 16 voices, at three levels of vocal effort"
CITATION = (
    "sertools, embedded corpus 'voices' version 1, spoken by espeak-ng (github.com/espeak-ng/espeak-ng)"
)
LANGUAGE = "eng"
NAMES: dict[str, str | None] = {"voices": None}
VERSION = "1"
SIMULATED = (
    "The labels follow by construction: arousal and dominance from the vocal effort set in the "
    "synthesiser, valence from the words; no human rated the clips."
)
EXPECTED = {"clips": 288, "speakers": 16, "female": 8, "male": 8}

LEVELS = {"low": 0.2, "normal": 0.5, "high": 0.8}
VALENCES = {"negative": 0.2, "neutral": 0.5, "positive": 0.8}
NUDGE = 0.06

# accent, the woman's and the man's variant, split; the order decides which voice says which sentences
ACCENTS = (
    ("en-us", "f1", "m1", "train"),
    ("en-gb", "f2", "m2", "train"),
    ("en-gb-scotland", "f3", "m3", "train"),
    ("en-029", "Annie", "m4", "train"),
    ("en-gb-x-rp", "f5", "m5", "dev"),
    ("en-us-nyc", "Andrea", "m6", "dev"),
    ("en-gb-x-gbclan", "linda", "m7", "test"),
    ("en-gb-x-gbcwmd", "f4", "m8", "test"),
)


def utterances() -> list[Utterance]:
    """All 288 clips in the order of the corpus, with the settings that `make` uses."""
    planned = []
    every = templates()
    for a, (accent, woman, man, split) in enumerate(ACCENTS):
        for variant, sex in ((woman, "female"), (man, "male")):
            for e, (effort, level) in enumerate(LEVELS.items()):
                for sentiment in SENTIMENTS:
                    for j in (0, 1):
                        # signs cancel within each voice, effort and sentiment, so no group is favoured;
                        # in every other accent pace and force have opposite signs, so labels differ
                        pace = level + NUDGE * (-1) ** (j + e)
                        force = level + NUDGE * (-1) ** (j + e + a)
                        number = 2 * a + j
                        planned.append(
                            Utterance(
                                file=f"audio/{accent}_{variant.lower()}_{effort}_{sentiment}_{j + 1}.flac",
                                speaker=f"{accent}+{variant}",
                                sex=sex,
                                language="eng",
                                accent=accent,
                                transcript=every[number % len(every)].fill(sentiment, number),
                                sentiment=sentiment,
                                effort=effort,
                                **settings(pace, force),
                                valence=VALENCES[sentiment],
                                split=split,
                            )
                        )
    return planned


def recognises(root: Path) -> bool:
    """Does this folder contain the complete corpus `voices`?"""
    return spoken.recognises(root, utterances()[0].file)


def scan(root: Path) -> pd.DataFrame:
    """One row per clip: file (relative to root), speaker, labels in [0, 1], and how the clip was spoken.

    Raises:
        CorpusError: the folder does not contain `voices`, or its table is broken
    """
    return spoken.scan(root, "voices", utterances()[0].file)


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
    spoken.make(root, utterances(), readme, "voices")
