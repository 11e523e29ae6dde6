"""EmoDB, the Berlin Database of Emotional Speech: 535 German sentences, 10 actors, 7 emotions.

File names encode all labels (`03a01Wa` = speaker 03, text a01, Wut (anger), version a). Three layouts: the
original folder `wav/`, all files in one folder, and a folder of audio in any format with a `metadata.csv`
that lists files named in this way. Release 2 is `emodb-2`.

Traps: the names do not tell which takes listeners recognised, so a folder of other takes is only told by its
number of clips.
"""

import re
from pathlib import Path

import pandas as pd

from sertools.corpora.layouts.published import coded_names
from sertools.corpora.registry import listed, stems_listed

TITLE = "Berlin Database of Emotional Speech (EmoDB)"
LICENCE = "CC0 1.0, as published by audEERING; the authors' repository states none"
CITATION = "Burkhardt et al., A database of German emotional speech, Interspeech 2005"
LANGUAGE = "deu"
TRIED = "real release, as FLAC with a table"
NAMES = {"emodb": None}
NOTES = (
    "emotion is what the actor was asked to express; at least 80 % of 20 listeners recognised each clip",
    "the split is audEERING's, not the authors': speakers 12, 14, 15, 16 are test",
)
EXPECTED = {
    "clips": 535, "speakers": 10, "female": 5, "male": 5,
    "anger": 127, "boredom": 81, "neutral": 79, "happiness": 71, "fear": 69, "sadness": 62, "disgust": 46,
}  # fmt: skip

CODE = re.compile(r"(?P<speaker>\d\d)(?P<sentence>[ab]\d\d)(?P<emotion>[WLEAFTN])(?P<version>[a-z]?)")
FORM = CODE.pattern
EMOTIONS = {
    "W": "anger", "L": "boredom", "E": "disgust", "A": "fear", "F": "happiness", "T": "sadness",
    "N": "neutral",
}  # fmt: skip
FEMALE = ("08", "09", "13", "14", "16")
AGES = {
    "03": 31, "08": 34, "09": 21, "10": 32, "11": 26, "12": 30, "13": 32, "14": 35, "15": 25, "16": 31,
}  # fmt: skip
WAV = "*.[wW][aA][vV]"
TEST = ("12", "14", "15", "16")
SENTENCES = {
    "a01": "Der Lappen liegt auf dem Eisschrank.",
    "a02": "Das will sie am Mittwoch abgeben.",
    "a04": "Heute abend könnte ich es ihm sagen.",
    "a05": "Das schwarze Stück Papier befindet sich da oben neben dem Holzstück.",
    "a07": "In sieben Stunden wird es soweit sein.",
    "b01": "Was sind denn das für Tüten, die da unter dem Tisch stehen?",
    "b02": "Sie haben es gerade hochgetragen und jetzt gehen sie wieder runter.",
    "b03": "An den Wochenenden bin ich jetzt immer nach Hause gefahren und habe Agnes besucht.",
    "b09": "Ich will das eben wegbringen und dann mit Karl was trinken gehen.",
    "b10": "Die wird auf dem Platz sein, wo wir sie immer hinlegen.",
}


def recognises(root: Path) -> bool:
    """Are the files named as in EmoDB? False for the takes that listeners did not recognise."""
    stems = stems_listed(root)
    if stems:
        return all(CODE.fullmatch(stem) for stem in stems) and not _poorly_recognised(root)
    found = any(CODE.fullmatch(path.stem) for path in (root / "wav").glob(WAV))
    return found or coded_names.recognised(root, FORM)


def scan(root: Path) -> pd.DataFrame:
    """One row per clip: the labels in the file name, and further columns from `metadata.csv`."""
    table = coded_names.scan(root, FORM)
    for name, values in decoded(table["file"].tolist()).items():
        table[name] = values
    return table.drop(columns="version")


def decoded(files: list[str]) -> dict[str, list[str] | list[str | None] | list[int | None]]:
    """The labels that the file names encode, one list per column."""
    codes = [match.groupdict() for file in files if (match := CODE.fullmatch(Path(file).stem))]
    return {
        "speaker": [code["speaker"] for code in codes],
        "sex": ["female" if code["speaker"] in FEMALE else "male" for code in codes],
        "age": [AGES.get(code["speaker"]) for code in codes],
        "language": ["deu" for _ in codes],
        "transcript": [SENTENCES.get(code["sentence"]) for code in codes],
        "sentence": [code["sentence"] for code in codes],
        "emotion": [EMOTIONS[code["emotion"]] for code in codes],
        "split": ["test" if code["speaker"] in TEST else "train" for code in codes],
    }


def _poorly_recognised(root: Path) -> bool:
    table = listed(root)
    if table is None or "recognition_rate" not in table:
        return False
    return bool((pd.to_numeric(table["recognition_rate"], errors="coerce") < 0.8).any())
