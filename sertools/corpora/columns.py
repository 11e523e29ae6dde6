"""Recognises labels and attributes under the names that other tables give them, to suggest the option."""

import os
import re
from collections.abc import Collection, Sequence

import pandas as pd

from sertools.labels import DIMENSIONS, SEXES, SYNONYMS, canonical, is_unknown

USUAL_NAMES = {
    "file": (
        "path", "filename", "filepath", "wav", "wavpath", "wavfile", "audio", "audiopath", "audiofile",
        "fname", "relativepath",
    ),
    "speaker": (
        "speakerid", "spk", "spkid", "spkrid", "actor", "actorid", "subject", "subjectid", "participant",
        "participantid", "speakername", "speakernr", "speakerno", "spkr", "spknr", "spkno", "talker",
    ),
    "sex": ("gender",),
    "emotion": ("label", "labels", "emotionlabel", "emo", "emoclass", "class", "category", "target"),
    "transcript": ("text", "transcription", "sentence"),
    "start": ("starttime", "begin", "onset"),
    "end": ("endtime", "stop"),
    "split": ("splitset", "subset", "partition", "fold"),
    "language": ("lang",),
    "age": (),
    **{dimension: SYNONYMS[dimension] for dimension in DIMENSIONS},
}  # fmt: skip
"""Column of a manifest → other usual names, in lower case and without separators."""

_SCORE = re.compile(r"(?:proba|prob|probability|p|score|logit)[_-](?P<emotion>\w+)", re.IGNORECASE)


def suggestions(columns: Sequence[str]) -> dict[str, str]:
    """Column in the table → column that it seems to be, for columns that the table has under no own name.

    >>> suggestions(["path", "Spk-Nr.", "emotion", "label"])
    {'path': 'file', 'Spk-Nr.': 'speaker'}
    """
    found: dict[str, str] = {}
    plain = {column: re.sub(r"\(.*?\)|[\W_]", "", column.lower()) for column in columns}
    for ours, theirs in USUAL_NAMES.items():
        if ours in columns:
            continue
        match = next((c for c in columns if plain[c] == ours or plain[c] in theirs), None)
        if match:
            found[match] = ours
    return found


def suggestions_by_values(table: pd.DataFrame, endings: Collection[str]) -> dict[str, str]:
    """Column in a table → file, sex or emotion, where its values say so, whatever its name.

    Args:
        table: texts, one row per clip; columns that have an own name are neither read nor replaced
        endings: of the names of audio files, in lower case, with the dot

    >>> table = pd.DataFrame({"A": ["1.wav", "2.wav"], "B": ["f", "M"], "C": ["ang", "xxx"], "D": ["a", "b"]})
    >>> suggestions_by_values(table, [".wav"])
    {'A': 'file', 'B': 'sex'}
    """
    found: dict[str, str] = {}
    for column in (str(name) for name in table if name not in USUAL_NAMES):
        values = {str(value).strip() for value in table[column].dropna().unique()}
        values = {value for value in values if not is_unknown(value)}
        ours = _kind(values, endings)
        if ours and ours not in table and ours not in found.values():
            found[column] = ours
    return found


def _kind(values: Collection[str], endings: Collection[str]) -> str:
    """`file`, `sex` or `emotion`, if all values of a column are one (of emotions: most); empty otherwise."""
    if len(values) < 2:
        return ""
    if all(os.path.splitext(value)[1].lower() in endings for value in values):
        return "file"
    if all(value.lower() in SEXES for value in values):
        return "sex"
    emotions = {canonical(value) for value in values if is_emotion(value)}
    return "emotion" if len(emotions) >= 2 and len(emotions) >= 0.7 * len(values) else ""


def emotion_in_names(names: Sequence[str]) -> str:
    """A name of a file that contains the emotion where most others do; empty if most contain none.

    >>> emotion_in_names(["s1_angry_1.wav", "s2_sad_1.wav"]), emotion_in_names(["a.wav", "sad.wav"])
    ('s1_angry_1.wav', '')
    """
    parts = [re.split(r"[\W_]+", os.path.splitext(os.path.basename(name))[0]) for name in names]
    for i in range(min(map(len, parts), default=0)):
        emotions = [canonical(each[i]) for each in parts if is_emotion(each[i])]
        if len(set(emotions)) >= 2 and len(emotions) >= 0.7 * len(names):
            return names[0]
    return ""


def unused(columns: Sequence[str], notes: Sequence[str]) -> list[str]:
    """The sentences of `look_alikes` among the notes of a corpus that are about what most audits need.

    Args:
        columns: of the corpus
        notes: of the corpus
    """
    needed = [
        theirs for theirs, ours in suggestions(columns).items() if ours in ("speaker", "sex", "emotion")
    ]
    return [sentence for theirs in needed for sentence in look_alikes([theirs]) if sentence in notes]


def look_alikes(columns: Sequence[str]) -> list[str]:
    """Sentences about columns that look like labels under another name, with the option that maps them.

    >>> look_alikes(["file", "activation", "gender"])[0]
    "column 'gender' is kept as an attribute; if it is sex, use --map gender=sex"
    """
    found = [
        f"column {theirs!r} is kept as an attribute; if it is {ours}, use --map {theirs}={ours}"
        for theirs, ours in suggestions(columns).items()
    ]
    scores = {c: m["emotion"] for c in columns if (m := _SCORE.fullmatch(c)) and is_emotion(m["emotion"])}
    if scores:
        options = " ".join(f"--label-map {theirs}={ours}" for theirs, ours in scores.items())
        found.append(
            f"the columns {', '.join(scores)} seem to be scores of a model; to audit them, use the table as "
            f"--model predictions:FILE {options}"
        )
    return found


def is_emotion(name: str) -> bool:
    """Is this a name of an emotion that sertools knows?

    >>> is_emotion("angry"), is_emotion("arousal"), is_emotion("speaker1")
    (True, False, False)
    """
    known = canonical(name)
    return known in SYNONYMS and known not in DIMENSIONS
