"""MSP-IMPROV: acted dialogues of 12 speakers in 6 sessions, rated by a crowd.

`Evalution.txt` (spelt so in the release, or `Evaluation.txt`): a line `UTD-IMPROV-S01A-F01-P-FM01.avi; N;
A:3; V:3.5; D:3; N:4;` for each turn, then one line for each rater, `id; Neutral; Neutral,Tired,; A:3; V:4;
…`. Sound is `Audio/session1/S01A/P/MSP-IMPROV-S01A-F01-P-FM01.wav`, in some copies without `Audio/`. In the
name, S01 is the target sentence and A its intended emotion, F01 the speaker (session 1), P, R, S, T the kind
of scene (possible improvisation, read, spontaneous, target), the last part who is talking.

Traps: EMO-SUPERB's configuration turns the activation of this corpus round (low is active), so the activation
is turned here wherever anger has a lower mean than sadness. X is no agreement, O another emotion. Both
speakers of a session talk to each other: they are partners, and belong on one side of a split. Ratings may be
NaN.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from sertools.corpora.layouts.published import coded_names
from sertools.corpora.layouts.published.found_files import first_of
from sertools.errors import CorpusError

TITLE = "MSP-IMPROV"
LICENCE = "academic licence of the University of Texas at Dallas; not to be redistributed"
RECORDINGS = "must not be passed on"
CITATION = (
    "Busso et al., MSP-IMPROV: an acted corpus of dyadic interactions to study emotion perception, IEEE TAC "
    "8(1), 2017"
)
LANGUAGE = "eng"
NAMES = {"msp-improv": None}
FOLDERS = ("IMPROV",)
NOTES = ("arousal is turned where the published activation of anger is lower than that of sadness",)
EXPECTED = {
    "clips": 8438, "speakers": 12, "female": 6, "male": 6,
    "anger": 792, "happiness": 2644, "sadness": 885, "neutral": 3477,
}  # fmt: skip
EMOTIONS = {
    "A": "anger", "H": "happiness", "S": "sadness", "N": "neutral", "O": "other", "X": "no agreement",
}  # fmt: skip
NO_EMOTION = ("other",)
LABELS = ("Evalution.txt", "Evaluation.txt", "Labels/Evalution.txt", "Labels/Evaluation.txt")
SCALE = dict.fromkeys(("arousal", "dominance", "valence"), (1.0, 5.0))
DIMENSIONS = {"A": "arousal", "V": "valence", "D": "dominance"}
TURN = re.compile(r"(?:UTD|MSP)-IMPROV-(?P<name>\S+)\.(?:avi|wav)", re.IGNORECASE)
NAME = (
    r"MSP-IMPROV-(?P<sentence>S\d\d)(?P<intended>[AHNS])-(?P<speaker>[FM]\d\d)-(?P<scene>[PRST])-"
    r"(?P<turn>[FM]{2}\d+)"
)


def recognises(root: Path) -> bool:
    """Does the folder contain MSP-IMPROV's evaluations?"""
    path = first_of(root, LABELS)
    return path is not None and any(True for _ in _turns(path))


def scan(root: Path) -> pd.DataFrame:
    """One row per turn; ratings on 1 … 5, activation is arousal."""
    path = first_of(root, LABELS)
    assert path is not None, "recognises() has found it"
    turns = [(name, cells) for name, cells, _ in _turns(path)]
    table = pd.DataFrame({"clip": [f"MSP-IMPROV-{name}" for name, _ in turns]})
    told = coded_names.codes(table["clip"].tolist(), NAME)
    wrong = next((name for name, each in zip(table["clip"], told, strict=True) if each is None), None)
    if wrong:
        raise CorpusError(f"{path.name}: the name {wrong!r} does not identify the speaker")
    table = table.join(pd.DataFrame([each for each in told if each]))
    table["session"] = table["speaker"].str[1:]
    table["sex"] = table["speaker"].str[0]
    table["dialog"] = table["sentence"] + table["intended"] + "-" + table["session"] + "-" + table["scene"]
    table["emotion"] = [EMOTIONS.get(cells[0].upper(), cells[0]) for _, cells in turns]
    table["intended"] = table["intended"].map(EMOTIONS)
    ratings = pd.DataFrame([_ratings(cells) for _, cells in turns], columns=list(SCALE))
    table = table.join(_turned(ratings, table["emotion"]))
    table["file"] = _files(root, table)
    return table.drop(columns="turn")


def raters(root: Path) -> pd.DataFrame:
    """One row per turn and rater: `clip`, `rater`, `emotion` (the primary one) and the dimensions."""
    path = first_of(root, LABELS)
    assert path is not None, "recognises() has found it"
    agreed, rows = [], []
    for name, cells, rated in _turns(path):
        for rater, *answers in rated:
            emotion = answers[0].partition("(")[0].partition(",")[0].strip() if answers else ""
            agreed.append(EMOTIONS.get(cells[0].upper(), cells[0]))
            rows.append(
                {"clip": f"MSP-IMPROV-{name}", "rater": rater, "emotion": emotion, **_ratings(answers)}
            )
    table = pd.DataFrame(rows, columns=["clip", "rater", "emotion", *SCALE])
    return table.assign(**_turned(table[list(SCALE)], pd.Series(agreed, dtype=object)))


def _turns(path: Path) -> Iterator[tuple[str, list[str], list[list[str]]]]:
    """Name, evaluation and raters of each turn, the cells of each line without blanks."""
    name, cells, rated = "", list[str](), list[list[str]]()
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        parts = [part.strip() for part in line.split(";")]
        match = TURN.fullmatch(parts[0])
        if match and name:
            yield name, cells, rated
        if match:
            name, cells, rated = match["name"], [part for part in parts[1:] if part], []
        elif name and len(parts) > 2:
            rated.append([part for part in parts if part])
    if name:
        yield name, cells, rated


def _ratings(cells: list[str]) -> dict[str, float]:
    """Dimension → rating in cells like `A:2.5`; nan where there is none."""
    found = dict.fromkeys(SCALE, float("nan"))
    for cell in cells:
        key, colon, value = cell.partition(":")
        if colon and key in DIMENSIONS:
            found[DIMENSIONS[key]] = float(pd.to_numeric(value.strip(), errors="coerce"))
    return found


def _turned(ratings: pd.DataFrame, emotions: pd.Series) -> pd.DataFrame:
    """The ratings with high arousal for active speech, which anger is and sadness is not."""
    means = ratings["arousal"].groupby(emotions.to_numpy()).mean()
    if not means.get("anger", float("nan")) < means.get("sadness", float("nan")):
        return ratings
    low, high = SCALE["arousal"]
    return ratings.assign(arousal=low + high - ratings["arousal"])


def _files(root: Path, table: pd.DataFrame) -> list[str]:
    """Where the sound of each turn is; in the folder of the release where it is nowhere."""
    try:
        found = coded_names.scan(root, NAME)["file"]
    except CorpusError:
        found = pd.Series([], dtype=object)
    places = {Path(file).stem: file for file in found}
    files = []
    for clip, session, scene in zip(table["clip"], table["session"], table["scene"], strict=True):
        usual = f"Audio/session{int(session)}/{clip.split('-')[2]}/{scene}/{clip}.wav"
        files.append(places.get(clip, usual))
    return files
