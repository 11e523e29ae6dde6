"""Synthetic speech for training the embedded model: 384 clips by espeak-ng, of other voices than in `voices`.

Twelve voices, a woman and a man in each of six accents of English, say the same 32 sentences. None of the
voices and none of the sentences is one of the corpus `voices`. The sentences are plain statements without
words of praise or blame, so the clips have no valence and no emotion. Pace and force are drawn for each clip,
uniformly from [0, 1] and independently of each other:

- pace sets rate, pitch and pitch range, and is the clip's arousal,
- force sets the volume. It is no rating here, since the networks that are trained on this corpus hear all
  clips at the same loudness: they could not learn it, and would only unlearn the dominance of other speech.

No human rated these clips. The corpus exists so that the embedded model's training can be repeated; an audit
on it does not tell how well a model understands people.
"""

from pathlib import Path

import pandas as pd

from sertools.corpora.layouts import spoken
from sertools.corpora.layouts.spoken import LICENCE, Utterance, settings
from sertools.randomness import identity_rng
from sertools.speech import espeak_ng

__all__ = ["LICENCE"]

TITLE = "training-voices: plain statements spoken by espeak-ng in 12 voices, at a random vocal effort"
CITATION = (
    "sertools, corpus 'training-voices' version 1, spoken by espeak-ng (github.com/espeak-ng/espeak-ng)"
)
LANGUAGE = "eng"
NAMES: dict[str, str | None] = {
    "training-voices": None,
    "training-voices-train": "train",
    "training-voices-dev": "dev",
}
VERSION = "1"
SIMULATED = "Arousal follows by construction from the pace set in the synthesiser; no human rated the clips."
EXPECTED = {"clips": 384, "speakers": 12, "female": 6, "male": 6}

# accent, the woman's and the man's variant, split
_VOICES = (
    ("en-us", "anika", "adam", "train"),
    ("en-gb", "belinda", "david", "train"),
    ("en-gb-scotland", "steph", "paul", "train"),
    ("en-029", "shelby", "edward", "train"),
    ("en-us-nyc", "Alicia", "Mario", "dev"),
    ("en-gb-x-rp", "aunty", "quincy", "dev"),
)

SENTENCES = (
    "The train to the coast leaves at a quarter past nine.",
    "There are two chairs next to the window.",
    "He put the keys in the drawer of the desk.",
    "The bus stops in front of the library.",
    "We need three copies of the second page.",
    "She lives on the fourth floor of that building.",
    "The meeting has been moved to Thursday.",
    "Turn left after the bridge and then go straight on.",
    "The shop opens at eight and closes at six.",
    "My brother works in the city on Mondays.",
    "The water comes from the lake in the hills.",
    "They are painting the door of the garage.",
    "You can leave the boxes beside the stairs.",
    "The report has ten chapters and an index.",
    "I will call you when the parcel is here.",
    "The lamp is on the table in the hall.",
    "It takes an hour to walk around the park.",
    "The tickets are in the envelope under the book.",
    "Put the bread on the shelf above the oven.",
    "The cat is asleep under the kitchen table.",
    "The number on the card has nine digits.",
    "Her office is at the end of the corridor.",
    "The ferry crosses the river twice a day.",
    "We took the road along the railway line.",
    "The clock in the tower shows half past four.",
    "He has been reading since the early afternoon.",
    "The letter was sent on the first of March.",
    "There is a map of the valley on the wall.",
    "The children are waiting at the school gate.",
    "She is going to water the plants tonight.",
    "The second key is for the cellar.",
    "They carried the table through the back door.",
)
"""Plain statements, written for sertools; CC0-1.0."""


def utterances() -> list[Utterance]:
    """All 384 clips in the order of the corpus, with the settings that `make` uses."""
    planned = []
    for accent, woman, man, split in _VOICES:
        for variant, sex in ((woman, "female"), (man, "male")):
            speaker = f"{accent}+{variant}"
            rng = identity_rng(0, "training-voices", speaker)
            efforts = rng.uniform(0, 1, (len(SENTENCES), 2))
            for number, (sentence, (pace, force)) in enumerate(zip(SENTENCES, efforts, strict=True)):
                planned.append(
                    Utterance(
                        file=f"audio/{accent}_{variant.lower()}_{number + 1:02d}.flac",
                        speaker=speaker,
                        sex=sex,
                        language="eng",
                        accent=accent,
                        transcript=sentence,
                        sentiment="",
                        effort="",
                        valence=float("nan"),
                        split=split,
                        **settings(float(pace), float(force)),
                    )
                )
    return planned


def recognises(root: Path) -> bool:
    """Does this folder contain the complete corpus `training-voices`?"""
    return spoken.recognises(root, utterances()[0].file)


def scan(root: Path) -> pd.DataFrame:
    """One row per clip: file (relative to root), speaker, labels in [0, 1], and how the clip was spoken.

    Raises:
        CorpusError: the folder does not contain `training-voices`, or its table is broken
    """
    return spoken.scan(root, "training-voices", utterances()[0].file).drop(
        columns=["dominance", "valence", "sentiment", "effort"]
    )


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
    spoken.make(root, utterances(), readme, "training-voices")
