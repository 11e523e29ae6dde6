"""MSP-Podcast: spontaneous speech from podcasts, rated by a crowd for arousal, valence, dominance, emotion.

`Audios/` (later `Audio/`) and `Labels/labels_concensus.csv` (spelt this way up to about release 1.9, later
`labels_consensus.csv`). Ratings on 1 … 7. The speaker `Unknown` is no
speaker, and X (no agreement) and O (other) are no emotions.
"""

import re
from pathlib import Path

import pandas as pd

from sertools.corpora.layouts.manifest import read_table
from sertools.errors import CorpusError

TITLE = "MSP-Podcast"
LICENCE = "academic or commercial licence of the University of Texas at Dallas; not to be redistributed"
RECORDINGS = "must not be passed on"
CITATION = (
    "Lotfian & Busso, Building naturalistic emotionally balanced speech corpus by retrieving emotional "
    "speech from existing podcast recordings, IEEE TAC 10(4), 2019"
)
NAMES = {
    "msp-podcast": None, "msp-train": "train", "msp-dev": "dev", "msp-test1": "test1", "msp-test2": "test2",
    "msp-test3": "test3",
}  # fmt: skip

EMOTIONS = {
    "A": "anger", "S": "sadness", "H": "happiness", "U": "surprise", "F": "fear", "D": "disgust",
    "C": "contempt", "N": "neutral", "O": "other", "X": "no agreement",
}  # fmt: skip
NO_EMOTION = ("other",)
SPLITS = {
    "train": "train", "training": "train", "validation": "dev", "development": "dev", "dev": "dev",
    "val": "dev", "test1": "test1", "test2": "test2", "test3": "test3",
}  # fmt: skip
DIMENSIONS = {"arousal": "EmoAct", "dominance": "EmoDom", "valence": "EmoVal"}
SCALE = dict.fromkeys(DIMENSIONS, (1.0, 7.0))
TEST1_OF_RELEASE = {12902: "1.7", 30647: "1.11 and later"}
"""Number of clips in test 1 → the release with this number."""
SIZES = {"1.11 and later": {"train": 84030, "dev": 19815, "test1": 30647, "test2": 14815}}
"""Release → number of clips of its splits, where published."""
TEST1_SPEAKERS = {"1.7": (60, 30, 30)}
"""Release → numbers of speakers, women and men in test 1, where published."""


def recognises(root: Path) -> bool:
    """Does the folder contain MSP-Podcast's table of labels?"""
    return _labels(root) is not None


def scan(root: Path) -> pd.DataFrame:
    """One row per rated clip; ratings on 1 … 7, activation is arousal."""
    path = _labels(root)
    assert path is not None, "recognises() has found it"
    theirs = read_table(path)
    wanted = ["FileName", "EmoClass", *DIMENSIONS.values(), "SpkrID", "Gender", "Split_Set"]
    absent = [name for name in wanted if name not in theirs]
    if absent:
        raise CorpusError(f"{path.name} has no column {absent[0]!r}; it has {', '.join(theirs.columns)}")
    audio = next((name for name in ("Audios", "Audio") if (root / name).is_dir()), "Audios")
    clips = pd.DataFrame({"file": audio + "/" + theirs["FileName"]})
    clips["speaker"] = theirs["SpkrID"]
    clips["sex"] = theirs["Gender"]
    clips["language"] = "eng"
    clips["split"] = theirs["Split_Set"].map(_split)
    clips["emotion"] = theirs["EmoClass"].map(lambda letter: EMOTIONS.get(letter.strip().upper(), letter))
    for ours, name in DIMENSIONS.items():
        ratings = pd.to_numeric(theirs[name], errors="coerce").rename(ours)
        wrong = ratings.isna() & ~theirs[name].str.strip().str.lower().isin(["", "nan", "na"])
        if wrong.any():
            row = theirs[wrong].iloc[0]
            raise CorpusError(f"{path.name}: {name} of {row['FileName']!r} is {row[name]!r}, not a number")
        clips[ours] = ratings
    return clips


def expected(clips: pd.DataFrame) -> list[str]:
    """Which release is this, by the size of test 1, and does it match the release's published counts?"""
    test1 = clips[clips["split"] == "test1"]
    release = TEST1_OF_RELEASE.get(len(test1))
    if release is None:
        known = ", ".join(f"{n} in release {name}" for n, name in TEST1_OF_RELEASE.items())
        return [f"test1 has {len(test1)} clips, which matches no known release ({known})"]
    notes = [f"test1 has {len(test1)} clips, as in release {release}"]
    for split, published in SIZES.get(release, {}).items():
        found = int((clips["split"] == split).sum())
        if found != published:
            notes.append(f"published: {published} clips in {split}, found {found}")
    if release in TEST1_SPEAKERS:
        speakers = test1.drop_duplicates("speaker").dropna(subset="speaker")
        of_sex = (len(speakers), *((speakers["sex"] == sex).sum() for sex in ("female", "male")))
        says = "as published" if of_sex == TEST1_SPEAKERS[release] else "the published numbers are {}, {}, {}"
        notes.append(
            f"test1 has {of_sex[0]} speakers, {of_sex[1]} female, {of_sex[2]} male; "
            + says.format(*TEST1_SPEAKERS[release])
        )
    unagreed, unknown = int(clips["emotion"].isna().sum()), int(clips["speaker"].isna().sum())
    notes.append(f"{unagreed} clips have no agreed emotion, {unknown} have no known speaker")
    return notes


def _labels(root: Path) -> Path | None:
    spellings = ("labels_consensus.csv", "labels_concensus.csv")
    places = [root / folder / name for folder in ("Labels", "labels", "") for name in spellings]
    return next((path for path in places if path.is_file()), None)


def _split(written: str) -> str:
    """`Test1`, `test_set_1`, `Development`, … in one spelling; others in lower case."""
    plain = re.sub(r"[^a-z0-9]|set", "", written.lower())
    return SPLITS.get(plain, written.strip().lower())
