"""CREMA-D: 12 English sentences in 6 emotions by 91 actors of many ages and backgrounds.

File names encode actor, sentence, emotion and level: `1001_DFA_ANG_XX`. Three layouts: the original one
(`AudioWAV/`, or the MP3s in `AudioMP3/`, with `VideoDemographics.csv` for sex, age, race, the raters' vote in
`processedResults/summaryTable.csv` and each rater in `finishedResponses.csv`), all files in one folder (with
`VideoDemographics.csv` beside them, or else without sex), and a folder with a `metadata.csv`.

Traps: the intended emotion is recognised by 40 % of the votes on the voice; votes on face and video are other
answers (`queryType` 2 and 3). A person (`localid`) may have rated in several sessions (`sessionNums`).
EMO-SUPERB's labels are shares of the votes on the voice.
"""

import re
from pathlib import Path

import pandas as pd

from sertools.corpora.layouts.manifest import read_table
from sertools.corpora.layouts.published import coded_names
from sertools.corpora.registry import listed, stems_listed
from sertools.errors import CorpusError
from sertools.labels import is_unknown

TITLE = "Crowd-sourced Emotional Multimodal Actors Dataset (CREMA-D)"
LICENCE = "ODbL 1.0, contents DbCL 1.0"
CITATION = "Cao et al., CREMA-D: Crowd-sourced Emotional Multimodal Actors Dataset, IEEE TAC 5(4), 2014"
LANGUAGE = "eng"
TRIED = "labels and 11 clips of the real release"
NAMES = {"crema-d": None}
NOTES = (
    "emotion is what the actor was asked to express; voice_vote is the raters' vote (ties joined by |)",
    "1076_MTI_SAD_XX contains no speech",
)
EXPECTED = {
    "clips": 7442, "speakers": 91, "female": 43, "male": 48,
    "anger": 1271, "disgust": 1271, "fear": 1271, "happiness": 1271, "sadness": 1271, "neutral": 1087,
}  # fmt: skip

CODE = re.compile(
    r"(?P<speaker>1\d{3})_(?P<sentence>[A-Z]{3})_(?P<emotion>ANG|DIS|FEA|HAP|NEU|SAD)_(?P<level>LO|MD|HI|XX?)"
)
EMOTIONS = {
    "ANG": "anger", "DIS": "disgust", "FEA": "fear", "HAP": "happiness", "NEU": "neutral", "SAD": "sadness",
}  # fmt: skip
SENTENCES = {
    "DFA": "Don't forget a jacket.",
    "IEO": "It's eleven o'clock.",
    "IOM": "I'm on my way to the meeting.",
    "ITH": "I think I have a doctor's appointment.",
    "ITS": "I think I've seen this before.",
    "IWL": "I would like a new alarm clock.",
    "IWW": "I wonder what this is about.",
    "MTI": "Maybe tomorrow it will be cold.",
    "TAI": "The airplane is almost full.",
    "TIE": "That is exactly what happened.",
    "TSI": "The surface is slick.",
    "WSI": "We'll stop in a couple of minutes.",
}


def recognises(root: Path) -> bool:
    """Are the listed files, or those in `AudioWAV` or `AudioMP3`, named as in CREMA-D?"""
    stems = stems_listed(root)
    if stems:
        return all(CODE.fullmatch(stem) for stem in stems)
    return any(CODE.fullmatch(path.stem) for path in _sounds(root)) or coded_names.recognised(
        root, CODE.pattern
    )


def scan(root: Path) -> pd.DataFrame:
    """One row per clip, with the actor's sex, age and race, and the raters' vote on the voice."""
    table = listed(root)
    original = table is None
    if table is None:
        found = [path.relative_to(root).as_posix() for path in _sounds(root)]
        table = pd.DataFrame({"file": found}) if found else coded_names.scan(root, CODE.pattern)[["file"]]
    stems = [Path(file).stem for file in table["file"]]
    codes = [match.groupdict() for stem in stems if (match := CODE.fullmatch(stem))]
    table["speaker"] = [code["speaker"] for code in codes]
    table["language"] = "eng"
    table["transcript"] = [SENTENCES.get(code["sentence"]) for code in codes]
    table["sentence"] = [code["sentence"] for code in codes]
    table["emotion"] = [EMOTIONS[code["emotion"]] for code in codes]
    table["level"] = [code["level"].replace("X", "XX")[:2] for code in codes]
    if original:
        table = _with_actors(root, table)
        table = _with_votes(root, table, stems)
    return table


def raters(root: Path) -> pd.DataFrame:
    """One row per clip and rater of the voice alone: `clip`, `rater` and `emotion`."""
    path = root / "finishedResponses.csv"
    if not path.is_file():
        raise CorpusError(f"{root} has no finishedResponses.csv, so its raters are unknown")
    answers = read_table(path)
    absent = [name for name in ("clipName", "localid", "queryType", "respEmo") if name not in answers]
    if absent:
        raise CorpusError(f"{path.name} has no column {absent[0]!r}; it has {', '.join(answers.columns)}")
    voice = answers[answers["queryType"] == "1"].drop_duplicates(["clipName", "localid"])
    letters = {name[0].upper(): name for name in EMOTIONS.values()}
    files = {Path(file).stem: file for file in scan(root)["file"]}
    return pd.DataFrame(
        {
            "clip": voice["clipName"].map(lambda name: files.get(name, name)),
            "rater": voice["localid"],
            "emotion": voice["respEmo"].map(lambda letter: letters.get(letter, letter)),
        }
    )


def _sounds(root: Path) -> list[Path]:
    for folder in ("AudioWAV", "AudioMP3"):
        found = sorted(p for p in (root / folder).glob("*.*") if CODE.fullmatch(p.stem))
        if found:
            return found
    return []


def _with_actors(root: Path, table: pd.DataFrame) -> pd.DataFrame:
    path = root / "VideoDemographics.csv"
    if not path.is_file() and not _sounds(root):
        return table.assign(sex=None)  # a flat folder of sound alone
    if not path.is_file():
        raise CorpusError(
            f"{root} has no VideoDemographics.csv, so the sex of the speakers is unknown",
            hint="it is next to AudioWAV in the corpus' repository",
        )
    actors = read_table(path).set_index("ActorID")
    for ours, theirs in {"sex": "Sex", "age": "Age", "race": "Race", "ethnicity": "Ethnicity"}.items():
        table[ours] = table["speaker"].map(actors[theirs].mask(actors[theirs].map(is_unknown)))
    return table


def _with_votes(root: Path, table: pd.DataFrame, stems: list[str]) -> pd.DataFrame:
    path = root / "processedResults" / "summaryTable.csv"
    if path.is_file():
        letters = {name[0].upper(): name for name in EMOTIONS.values()}
        votes = read_table(path).drop_duplicates("FileName").set_index("FileName")["VoiceVote"]
        names = votes.map(lambda vote: "|".join(letters.get(letter, letter) for letter in vote.split(":")))
        table["voice_vote"] = [names.get(stem) for stem in stems]
    return table
