"""Canonical label names, so that model and corpus labels are matched by name, never by position."""

import re
from collections.abc import Mapping

DIMENSIONS = ("arousal", "dominance", "valence")

SYNONYMS = {
    "arousal": ("activation", "act", "emoact", "aro"),
    "dominance": ("control", "potency", "power", "dom", "emodom"),
    "valence": ("sentiment", "pleasure", "evaluation", "val", "emoval"),
    "anger": ("angry", "ang", "wut", "ärger"),
    "boredom": ("bored", "bor"),
    "calm": ("calmness",),
    "contempt": ("contemptuous", "con"),
    "disgust": ("disgusted", "dis"),
    "fear": ("fearful", "fea", "afraid", "anxiety"),
    "frustration": ("frustrated", "fru"),
    "happiness": ("happy", "joy", "joyful", "hap"),
    "neutral": ("neu", "neutrality"),
    "sadness": ("sad",),
    "surprise": ("surprised", "sur", "pleasant surprise", "pleasant_surprise", "ps"),
    "excitement": ("excited", "exc"),
    "other": ("oth", "others"),
}
"""Canonical name → synonyms used in corpora and checkpoints, all lower case."""

SEXES = {"f": "female", "female": "female", "w": "female", "woman": "female",
         "m": "male", "male": "male", "man": "male"}  # fmt: skip

UNKNOWN = frozenset({
    "", "-", "--", "-1", "-1.0", "<na>", "<unk>", "<unknown>", "?", "??", "emo unknown", "n.a.", "n/a", "na",
    "nan", "no agreement", "no emotion", "none", "not available", "not specified", "null", "undefined",
    "undetermined", "unk", "unknown", "unspecified", "xxx",
})  # fmt: skip
"""Words for a value that nobody knows, in lower case, with blanks between words."""

_CANONICAL = {synonym: name for name, synonyms in SYNONYMS.items() for synonym in synonyms}


def canonical(name: str, label_map: Mapping[str, str] | None = None) -> str:
    """The field's standard term for a label; an unknown name is returned in lower case.

    `label_map` (name in the data → name here) is applied first, to the name as written or in lower case.

    >>> canonical("ANG"), canonical("activation"), canonical("Ennui")
    ('anger', 'arousal', 'ennui')
    >>> canonical("LABEL_0", {"LABEL_0": "sad"})
    'sadness'
    """
    if label_map:
        name = label_map.get(name, label_map.get(name.lower(), name))
    name = name.strip().lower()
    return _CANONICAL.get(name, name)


def is_unknown(word: str) -> bool:
    """Does a word in a column of speakers, sexes, ages, languages or emotions say that the value is unknown?

    Never applied to ratings, for which −1 is a value.

    >>> is_unknown("Unknown"), is_unknown("no_agreement"), is_unknown("-1"), is_unknown("neutral")
    (True, True, True, False)
    """
    word = word.strip().lower()
    return word in UNKNOWN or " ".join(re.split(r"[\s_-]+", word)) in UNKNOWN


def canonical_sex(value: str) -> str:
    """`female`, `male`, or the value itself in lower case if it is neither.

    >>> canonical_sex("W"), canonical_sex("M"), canonical_sex("diverse")
    ('female', 'male', 'diverse')
    """
    value = value.strip().lower()
    return SEXES.get(value, value)
