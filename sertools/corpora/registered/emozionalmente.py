"""Emozionalmente: 18 Italian sentences in 7 emotions by 431 volunteers, each clip recognised by 5 raters.

`audio/` and `metadata/`: `samples.csv` (`file_name, actor, sentence, emotion_expressed`), `users.csv`
(`username, gender, age, mother_tongue`), `evaluations.csv` (`file_name, evaluator, emotion_recognized`), in
later copies `split/{train,dev,test}.csv`.

Traps: `emotion` is what the speaker was asked to express, which raters recognised in 66 % of their votes;
recordings were made at home, on any device.
"""

from pathlib import Path

import pandas as pd

from sertools.corpora.layouts.manifest import read_table
from sertools.corpora.layouts.published.found_files import first_of
from sertools.errors import CorpusError

TITLE = "Emozionalmente, crowdsourced emotional speech in Italian"
LICENCE = "CC BY 4.0"
CITATION = (
    "Catania, Speech emotion recognition in Italian using wav2vec 2.0 and the novel crowdsourced emotional "
    "speech corpus Emozionalmente, 2023"
)
LANGUAGE = "ita"
NAMES = {"emozionalmente": None}
NOTES = ("emotion is what the speaker was asked to express; raters recognised 66 %",)
EXPECTED = {
    "clips": 6902, "speakers": 431,
    "anger": 986, "disgust": 986, "fear": 986, "happiness": 986, "neutral": 986, "sadness": 986,
    "surprise": 986,
}  # fmt: skip
WORDS = {"joy": "happiness", "neutrality": "neutral"}
SPLITS = {"train": "train", "dev": "dev", "validation": "dev", "test": "test"}


def recognises(root: Path) -> bool:
    """Does the folder contain Emozionalmente's tables?"""
    return all(_table(root, name) is not None for name in ("samples", "evaluations"))


def scan(root: Path) -> pd.DataFrame:
    """One row per clip."""
    samples = _read(root, "samples", ("file_name", "actor", "sentence", "emotion_expressed"))
    clips = pd.DataFrame({"file": "audio/" + samples["file_name"], "speaker": samples["actor"]})
    clips["transcript"] = samples["sentence"]
    clips["emotion"] = samples["emotion_expressed"].map(lambda word: WORDS.get(word, word))
    if _table(root, "users") is not None:
        users = _read(root, "users", ("username", "gender", "age")).drop_duplicates("username")
        users = users.set_index("username")
        clips["sex"] = clips["speaker"].map(users["gender"])
        clips["age"] = clips["speaker"].map(users["age"])
    splits: dict[str, str] = {}
    for theirs, ours in SPLITS.items():
        if _table(root, f"split/{theirs}") is not None:
            splits |= dict.fromkeys(_read(root, f"split/{theirs}", ("file_name",))["file_name"], ours)
    return clips.assign(split=samples["file_name"].map(splits)) if splits else clips


def raters(root: Path) -> pd.DataFrame:
    """One row per clip and rater; raters without a name are numbered within a clip."""
    table = _read(root, "evaluations", ("file_name", "emotion_recognized"))
    number = table.groupby("file_name").cumcount().add(1).astype(str)
    rater = table.get("evaluator", number)
    emotion = table["emotion_recognized"].map(lambda word: WORDS.get(word, word))
    return pd.DataFrame({"clip": "audio/" + table["file_name"], "rater": rater, "emotion": emotion})


def _table(root: Path, name: str) -> Path | None:
    return first_of(root, (f"metadata/{name}.csv", f"{name}.csv"))


def _read(root: Path, name: str, wanted: tuple[str, ...]) -> pd.DataFrame:
    path = _table(root, name)
    if path is None:
        raise CorpusError(f"{root} has no metadata/{name}.csv")
    table = read_table(path)
    absent = [column for column in wanted if column not in table]
    if absent:
        raise CorpusError(f"{path.name} has no column {absent[0]!r}; it has {', '.join(table.columns)}")
    return table
