"""MSP-Podcast: spontaneous speech from podcasts, rated by a crowd for arousal, valence, dominance, emotion.

`Audios/` (later `Audio/`) and `Labels/labels_concensus.csv` (spelt this way up to about release 1.9, later
`labels_consensus.csv`), `labels_detailed.csv` (in older releases `labels_detailed.json`) with every rater,
and from 1.11 on `Transcripts/` and alignments of the words, a TextGrid for each clip, whose path becomes the
column `alignment`. Ratings on 1 … 7. The speaker `Unknown` is no speaker, and X (no agreement) and O (other)
are no emotions.

Traps: releases change splits and labels of the same clips, so scores on test 1 of two releases are not
comparable; test 3 of 1.12 and 2.0 has no labels; test 2 is of unknown speakers; releases 1.0 to 1.5 have
another table and are not read.
"""

from pathlib import Path

import pandas as pd

from sertools.corpora.layouts.published import msp_labels

TITLE = "MSP-Podcast"
LICENCE = "academic or commercial licence of the University of Texas at Dallas; not to be redistributed"
RECORDINGS = "must not be passed on"
CITATION = (
    "Lotfian & Busso, Building naturalistic emotionally balanced speech corpus by retrieving emotional "
    "speech from existing podcast recordings, IEEE TAC 10(4), 2019"
)
LANGUAGE = "eng"
NAMES = {
    "msp-podcast": None, "msp-train": "train", "msp-dev": "dev", "msp-test1": "test1", "msp-test2": "test2",
    "msp-test3": "test3",
}  # fmt: skip

FOLDERS = ("PODCAST",)
NO_EMOTION = ("other",)
SCALE = msp_labels.SCALE
TEST1_OF_RELEASE = {12902: "1.7", 30647: "1.11 and later"}
"""Number of clips in test 1 → the release with this number."""
SIZES = {"1.11 and later": {"train": 84030, "dev": 19815, "test1": 30647, "test2": 14815}}
"""Release → number of clips of its splits, where published."""
TEST1_SPEAKERS = {"1.7": (60, 30, 30)}
"""Release → numbers of speakers, women and men in test 1, where published."""


def recognises(root: Path) -> bool:
    """Does the folder contain MSP-Podcast's table of labels?"""
    path = msp_labels.labels(root)
    return path is not None and "BIIC" not in path.read_text(encoding="utf-8", errors="replace")[:4096]


def scan(root: Path) -> pd.DataFrame:
    """One row per rated clip; ratings on 1 … 7, activation is arousal."""
    return msp_labels.scan(root)


def raters(root: Path) -> pd.DataFrame:
    """One row per clip and rater."""
    return msp_labels.raters(root)


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
