"""M3ED: utterances of 56 Chinese television series in 7 emotions, in dialogues of two.

`annotation.json`: series → dialogue → `SpeakerInfo` and `Dialog`, which has for each utterance text, speaker,
times and the labels of three raters (`EmoAnnotator1` …) with `final_main_emo`.
`splitInfo/movie_list_{train,val,test}.txt` lists the series of each split. Sound, cut by the user, is
`modality_speech/<speaker>_<utterance>.wav`.

Traps: the speaker is A or B within a dialogue; here it is series and name of the character, so that one
character is one speaker. Labels were given to video, sound and words together. Papers count 24,449 or 24,437
utterances.
"""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from sertools.corpora.layouts.published.found_files import first_folder, first_of
from sertools.errors import CorpusError

TITLE = "Multi-modal Multi-scene Multi-label Emotional Dialogue Database (M3ED)"
LICENCE = "research only, on a signed licence; not to be redistributed"
RECORDINGS = "belong to the owners of television series"
CITATION = "Zhao et al., M3ED: multi-modal multi-scene multi-label emotional dialogue database, ACL 2022"
LANGUAGE = "zho"
NAMES = {"m3ed": None}
NOTES = ("labels were given to video, sound and words together",)
TABLES = ("annotation.json", "M3ED_annotations.json")
SPLITS = {"train": "train", "val": "dev", "test": "test"}
RATERS = ("EmoAnnotator1", "EmoAnnotator2", "EmoAnnotator3")
CLIPS, SPEAKERS = (24449, 24437), 626


def recognises(root: Path) -> bool:
    """Does the folder contain M3ED's annotations?"""
    path = first_of(root, TABLES)
    if path is None:
        return False
    with path.open("rb") as stream:
        return b"SpeakerInfo" in stream.read(1 << 20)


def scan(root: Path) -> pd.DataFrame:
    """One row per utterance."""
    splits = _splits(root)
    folder = first_folder(root, ("modality_speech", "audio", "wav"))
    rows = []
    for series, dialog, utterance, facts, people in _utterances(root):
        person = people.get(facts["Speaker"], {})
        rows.append({
            "clip": utterance,
            "file": f"{folder}/{facts['Speaker']}_{utterance}.wav",
            "speaker": f"{series}_{person.get('Name', facts['Speaker'])}",
            "sex": person.get("Gender"),
            "age": person.get("Age"),
            "transcript": facts.get("Text"),
            "emotion": facts["EmoAnnotation"]["final_main_emo"],
            "dialog": dialog,
            "series": series,
            "split": splits.get(series),
        })  # fmt: skip
    if not rows:
        raise CorpusError(f"{root}: the annotations have no utterance")
    return pd.DataFrame(rows)


def raters(root: Path) -> pd.DataFrame:
    """One row per utterance and rater, the first emotion of each; raters are numbered within an utterance."""
    rows = [
        {"clip": utterance, "rater": rater, "emotion": str(facts["EmoAnnotation"][rater]).partition(",")[0]}
        for _, _, utterance, facts, _ in _utterances(root)
        for rater in RATERS
        if facts["EmoAnnotation"].get(rater)
    ]
    return pd.DataFrame(rows, columns=["clip", "rater", "emotion"])


def expected(clips: pd.DataFrame) -> list[str]:
    """Do the numbers of utterances and speakers match the published ones?"""
    found, speakers = len(clips), clips["speaker"].nunique()
    known = " or ".join(map(str, CLIPS))
    met = f"{found} utterances, as published"
    notes = [met if found in CLIPS else f"expected {known} utterances, found {found}"]
    return notes if speakers == SPEAKERS else [*notes, f"expected {SPEAKERS} speakers, found {speakers}"]


def _utterances(root: Path) -> list[tuple[str, str, str, dict[str, Any], dict[str, dict[str, Any]]]]:
    """Series, dialogue, id, facts and the people of the dialogue, for each utterance."""
    path = first_of(root, TABLES)
    assert path is not None, "recognises() has found it"
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return [
            (series, dialog, utterance, facts, content["SpeakerInfo"])
            for series, dialogs in told.items()
            for dialog, content in dialogs.items()
            for utterance, facts in content["Dialog"].items()
            if facts["Speaker"] and facts["EmoAnnotation"]["final_main_emo"]
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CorpusError(f"{path.name} does not have the form of M3ED's annotations: {error!r}") from error


def _splits(root: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for theirs, ours in SPLITS.items():
        path = first_of(root, (f"splitInfo/movie_list_{theirs}.txt", f"movie_list_{theirs}.txt"))
        if path is not None:
            found |= {name.strip(): ours for name in path.read_text(encoding="utf-8").splitlines()}
    return found
