"""Dusha: Russian speech to a voice assistant, acted by a crowd, and podcasts, each clip rated by several
people.

`crowd_train/raw_crowd_train.tsv` and `crowd_test/…`, sound in `wavs/` beside them; one row per clip and
rater, with `hash_id, audio_path, duration, annotator_emo, golden_emo, annotator_id, speaker_text,
speaker_emo, source_id`. The podcasts have tables of the same form; their sound may not be distributed and is
read where it is.

Traps: an emotion is the answer of most raters, without one it is no agreement: the authors' own aggregation
(Dawid-Skene with a threshold) leaves out more clips. `speaker_emo` is what the speaker was asked to express.
Answers to control questions, which have a `golden_emo`, are not votes on the clip and are left out. Speakers
(`source_id`) of the test part may be in the training part: see `sertools leakage`.
"""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from sertools.corpora.layouts.manifest import read_table
from sertools.errors import CorpusError

TITLE = "Dusha, Russian speech of a crowd and of podcasts"
LICENCE = "Sber's public licence with attribution and conditions reserved; podcasts belong to their makers"
RECORDINGS = "of podcasts belong to their makers"
CITATION = (
    "Kondratenko et al., Large raw emotional dataset with aggregation mechanism, arXiv 2212.12266, 2022"
)
LANGUAGE = "rus"
NAMES = {"dusha": None, "dusha-crowd-train": "crowd-train", "dusha-crowd-test": "crowd-test"}
NOTES = ("emotion is the answer of most raters; the authors' own aggregation leaves out more clips",)
NO_EMOTION = ("other",)
WORDS = {"positive": "happiness", "angry": "anger", "sad": "sadness"}
PARTS = ("crowd_train", "crowd_test", "podcast_train", "podcast_test")
COLUMNS = ("hash_id", "audio_path", "annotator_emo", "speaker_text", "speaker_emo", "source_id")
CLIPS = {"crowd": 201850, "podcast": 102113}


def recognises(root: Path) -> bool:
    """Does the folder contain a table of one of the four parts?"""
    return any(True for _ in _tables(root))


def scan(root: Path) -> pd.DataFrame:
    """One row per clip."""
    parts = []
    for part, path, table in _read(root):
        votes = _votes(table)
        counts = votes.groupby(["hash_id", "emotion"], sort=True).size().rename("n").reset_index()
        most = counts[counts["n"] == counts.groupby("hash_id")["n"].transform("max")]
        agreed = most[~most["hash_id"].duplicated(keep=False)].set_index("hash_id")["emotion"]
        first = table.drop_duplicates("hash_id").reset_index(drop=True)
        folder = path.parent.relative_to(root).as_posix()
        clips = pd.DataFrame({"clip": first["hash_id"]})
        clips["file"] = [f"{folder}/{file}".removeprefix("./") for file in first["audio_path"]]
        clips["speaker"] = first["source_id"]
        clips["transcript"] = first["speaker_text"]
        clips["emotion"] = first["hash_id"].map(agreed).fillna("no agreement")
        clips["intended"] = first["speaker_emo"].map(lambda word: WORDS.get(word, word))
        clips["split"] = part.replace("_", "-")
        parts.append(clips)
    return pd.concat(parts, ignore_index=True)


def raters(root: Path) -> pd.DataFrame:
    """One row per clip and rater."""
    found = [_votes(table) for _, _, table in _read(root)]
    return pd.concat(found, ignore_index=True).rename(columns={"hash_id": "clip"})


def expected(clips: pd.DataFrame) -> list[str]:
    """Do the numbers of clips match the published ones?"""
    notes = []
    for part, published in CLIPS.items():
        found = int(clips["split"].str.startswith(part).sum())
        if found == published:
            notes.append(f"{found} clips of {part}, as published")
        elif found:
            notes.append(f"expected {published} clips of {part}, found {found}")
    return notes


def _tables(root: Path) -> Iterator[tuple[str, Path]]:
    for part in PARTS:
        places = (f"{part}/raw_{part}.tsv", f"{part.partition('_')[0]}/{part}/raw_{part}.tsv")
        for place in places:
            if (root / place).is_file():
                yield part, root / place
                break


def _read(root: Path) -> list[tuple[str, Path, pd.DataFrame]]:
    found = []
    for part, path in _tables(root):
        table = read_table(path)
        absent = [column for column in COLUMNS if column not in table]
        if absent:
            raise CorpusError(f"{path.name} has no column {absent[0]!r}; it has {', '.join(table.columns)}")
        found.append((part, path, table))
    return found


def _votes(table: pd.DataFrame) -> pd.DataFrame:
    """Answers of raters on clips that are no control questions."""
    asked = table["annotator_emo"].str.strip() != ""
    if "golden_emo" in table:
        asked &= table["golden_emo"].str.strip() == ""
    rated = table[asked]
    number = rated.groupby("hash_id").cumcount().add(1).astype(str)
    rater = rated.get("annotator_id", number)
    emotion = rated["annotator_emo"].map(lambda word: WORDS.get(word, word))
    return pd.DataFrame({"hash_id": rated["hash_id"], "rater": rater, "emotion": emotion})
