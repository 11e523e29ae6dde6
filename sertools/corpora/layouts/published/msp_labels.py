"""Reads the label tables of MSP-Podcast, which BIIC-Podcast shares.

`Labels/labels_consensus.csv` has one row per clip, `Labels/labels_detailed.csv` one row per clip and rater,
in columns of its own (`EmoClass_Major`, …) or in one column `EmoDetail`: `WORKER1; Neutral; Neutral,Tired,;
A:4.0; V:4.0; D:4.0;`. Older releases have `labels_detailed.json` instead or beside it: clip → rater → the
same columns. `Transcripts/` has one text file per clip, and the folder of alignments one TextGrid.
"""

import re
from pathlib import Path

import pandas as pd

from sertools.corpora.layouts.manifest import read_table
from sertools.corpora.layouts.published.found_files import first_folder, first_of
from sertools.errors import CorpusError
from sertools.files import read_json

EMOTIONS = {
    "A": "anger", "S": "sadness", "H": "happiness", "U": "surprise", "F": "fear", "D": "disgust",
    "C": "contempt", "N": "neutral", "O": "other", "X": "no agreement",
}  # fmt: skip
SPLITS = {
    "train": "train", "training": "train", "validation": "dev", "development": "dev", "dev": "dev",
    "val": "dev", "test1": "test1", "test2": "test2", "test3": "test3", "test": "test",
}  # fmt: skip
DIMENSIONS = {"arousal": "EmoAct", "dominance": "EmoDom", "valence": "EmoVal"}
SCALE = dict.fromkeys(DIMENSIONS, (1.0, 7.0))
FOLDERS = ("Labels", "labels", "label", "")
DETAIL = re.compile(
    r"(?P<rater>\S+); *(?P<emotion>[^;]*);.*?A: *(?P<EmoAct>[\d.]+|NaN); *V: *(?P<EmoVal>[\d.]+|NaN); *"
    r"D: *(?P<EmoDom>[\d.]+|NaN)", re.DOTALL,
)  # fmt: skip
RATER = ("rater", "Worker", "Workers", "Annotator", "WorkerID", "Name")
ALIGNMENTS = ("ForceAligned", "ForcedAligned", "ForcedAlignment", "Alignments", "Alignment", "TextGrids")
"""No public text that was found names the folder; files `MSP-PODCAST_0001_0008.TextGrid` are looked for."""


def labels(root: Path, what: str = "consensus") -> Path | None:
    """The table of labels: of the `consensus` (in either spelling), or the `detailed` one."""
    names = (
        ("labels_consensus.csv", "labels_concensus.csv") if what == "consensus" else (f"labels_{what}.csv",)
    )
    return first_of(root, [f"{folder}/{name}".lstrip("/") for folder in FOLDERS for name in names])


def scan(root: Path) -> pd.DataFrame:
    """One row per rated clip; ratings on 1 … 7, activation is arousal.

    Raises:
        CorpusError: a missing column, or a rating that is not a number
    """
    path = labels(root)
    assert path is not None, "recognises() has found it"
    theirs = read_table(path)
    wanted = ["FileName", "EmoClass", *DIMENSIONS.values(), "SpkrID", "Gender", "Split_Set"]
    absent = [name for name in wanted if name not in theirs]
    if absent:
        raise CorpusError(f"{path.name} has no column {absent[0]!r}; it has {', '.join(theirs.columns)}")
    audio = first_folder(root, ("Audios", "Audio"))
    flat = not (root / audio).is_dir() and (root / theirs["FileName"].iloc[0]).is_file()
    clips = pd.DataFrame({"file": theirs["FileName"] if flat else audio + "/" + theirs["FileName"]})
    clips["speaker"] = theirs["SpkrID"]
    clips["sex"] = theirs["Gender"]
    clips["split"] = theirs["Split_Set"].map(_split)
    clips["emotion"] = theirs["EmoClass"].map(lambda letter: EMOTIONS.get(letter.strip().upper(), letter))
    for ours, name in DIMENSIONS.items():
        ratings = pd.to_numeric(theirs[name], errors="coerce").rename(ours)
        wrong = ratings.isna() & ~theirs[name].str.strip().str.lower().isin(["", "nan", "na"])
        if wrong.any():
            row = theirs[wrong].iloc[0]
            raise CorpusError(f"{path.name}: {name} of {row['FileName']!r} is {row[name]!r}, not a number")
        clips[ours] = ratings
    folder = first_folder(root, ("Transcripts", "Transcript"))
    if (root / folder).is_dir():
        clips["transcript"] = [
            _words(root / folder / f"{Path(name).stem}.txt") for name in theirs["FileName"]
        ]
    aligned = _alignments(root)
    if aligned:
        clips["alignment"] = [aligned.get(Path(name).stem) for name in theirs["FileName"]]
    return clips


def raters(root: Path) -> pd.DataFrame:
    """One row per clip and rater: `clip`, `rater`, `emotion` (the primary one), and dimensions on 1 … 7.

    Raises:
        CorpusError: no table of raters, or one of an unknown form
    """
    path, theirs = _detailed(root)
    if "EmoDetail" in theirs:
        told = theirs["EmoDetail"].str.extract(DETAIL)
        theirs = theirs[["FileName"]].join(told.rename(columns={"emotion": "EmoClass_Major"}))
    rater = next((name for name in RATER if name in theirs), None)
    absent = [name for name in ("FileName", "EmoClass_Major", *DIMENSIONS.values()) if name not in theirs]
    if absent or rater is None:
        missing = absent[0] if absent else "Worker"
        raise CorpusError(f"{path.name} has no column {missing!r}; it has {', '.join(theirs.columns)}")
    audio = first_folder(root, ("Audios", "Audio"))
    table = pd.DataFrame({"clip": audio + "/" + theirs["FileName"], "rater": theirs[rater]})
    table["emotion"] = theirs["EmoClass_Major"].map(_word, na_action="ignore")
    for ours, name in DIMENSIONS.items():
        table[ours] = pd.to_numeric(theirs[name], errors="coerce")
    return table


def _detailed(root: Path) -> tuple[Path, pd.DataFrame]:
    """The table of raters, from CSV or else JSON."""
    path = labels(root, "detailed")
    if path is not None:
        return path, read_table(path)
    path = first_of(root, [f"{folder}/labels_detailed.json".lstrip("/") for folder in FOLDERS])
    if path is None:
        raise CorpusError(f"{root} has no labels_detailed.csv, so its raters are unknown")
    told = read_json(path, error=CorpusError, what="the table of raters")
    try:
        rows = [
            {"FileName": clip, "rater": rater, **said}
            for clip, raters_of in told.items()
            for rater, said in raters_of.items()
        ]
    except (AttributeError, TypeError) as error:
        raise CorpusError(f"{path.name} does not have the form clip → rater → labels") from error
    return path, pd.DataFrame(rows)


def _alignments(root: Path) -> dict[str, str]:
    """Name of a clip → its TextGrid, relative to the folder of the corpus; empty if there are none."""
    folder = first_folder(root, ALIGNMENTS)
    if not (root / folder).is_dir():
        return {}
    found = sorted((root / folder).rglob("*.TextGrid"))
    return {path.stem: path.relative_to(root).as_posix() for path in found}


def _word(answer: str) -> str:
    """`Other-bored` and `Other (bored)` are other; a single letter is a code."""
    plain = answer.strip()
    if plain.lower().startswith("other"):
        return "other"
    return EMOTIONS.get(plain.upper(), plain.lower())


def _split(written: str) -> str:
    """`Test1`, `test_set_1`, `Development`, … in one spelling; others in lower case."""
    plain = re.sub(r"[^a-z0-9]|set", "", written.lower())
    return SPLITS.get(plain, written.strip().lower())


def _words(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip() or None
    except OSError:
        return None
