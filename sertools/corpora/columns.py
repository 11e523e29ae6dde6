"""Recognises labels and attributes under the names that other tables give them, to suggest the option."""

import re
from collections.abc import Sequence

from sertools.labels import DIMENSIONS, SYNONYMS, canonical

USUAL_NAMES = {
    "file": (
        "path", "filename", "filepath", "wav", "wavpath", "wavfile", "audio", "audiopath", "audiofile",
        "fname", "relativepath",
    ),
    "speaker": (
        "speakerid", "spk", "spkid", "spkrid", "actor", "actorid", "subject", "subjectid", "participant",
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

    >>> suggestions(["path", "Speaker_ID", "emotion", "label"])
    {'path': 'file', 'Speaker_ID': 'speaker'}
    """
    found: dict[str, str] = {}
    plain = {column: re.sub(r"[\s_-]", "", column.lower()) for column in columns}
    for ours, theirs in USUAL_NAMES.items():
        if ours in columns:
            continue
        match = next((c for c in columns if plain[c] == ours or plain[c] in theirs), None)
        if match:
            found[match] = ours
    return found


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
