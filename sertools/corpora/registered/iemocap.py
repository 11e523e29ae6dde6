"""IEMOCAP: acted and improvised dialogues of 10 actors in 5 sessions, rated per turn.

`Session{1..5}/dialog/EmoEvaluation/*.txt` has lines `[start - end] turn emotion [v, a, d]`: the order is
**valence, activation, dominance**, on 1 … 5. In `Ses01F_impro01_M000` the first letter is the sex of the
actor who wore the markers, the last one that of the speaker. `sentences/wav/<dialog>/<turn>.wav` is the
audio, `dialog/transcriptions/<dialog>.txt` the transcript. Each session is a split, `iemocap:session5`. Below
the line of a turn stand its raters: `C-E2: Neutral; Anger; ()` the categories (C-F1, C-M1 are the actors
themselves), `A-E3: val 3; act 2; dom 2; ()` the ratings.

Traps: three to four observers rated a turn, among them few again, so raters are not the same for all turns; a
rater may name several categories, of which the first is taken as the vote; the four-class set of the papers
(5531 turns) leaves out what raters did not agree on; both speakers of a session talk to each other.
"""

import re
from pathlib import Path

import pandas as pd

from sertools.errors import CorpusError

TITLE = "Interactive Emotional Dyadic Motion Capture database (IEMOCAP)"
LICENCE = "release form of the University of Southern California, research only; not to be redistributed"
RECORDINGS = "must not be passed on"
CITATION = "Busso et al., IEMOCAP, Language Resources and Evaluation 42(4), 2008"
LANGUAGE = "eng"
NAMES = {"iemocap": None}
NOTES = (
    "the usual four classes are neutral, happiness, anger, sadness with excitement counted as happiness: "
    "--label-map excitement=happiness",
)
EXPECTED = {
    "clips": 10039, "speakers": 10, "female": 5, "male": 5,
    "neutral": 1708, "anger": 1103, "sadness": 1084, "happiness": 595, "excitement": 1041,
    "frustration": 1849, "surprise": 107, "fear": 40, "disgust": 2,
}  # fmt: skip

TURN = re.compile(r"Ses(?P<session>0[1-5])[FM]_.+_(?P<sex>[FM])\w+")
LINE = re.compile(
    r"\[(?P<start>[\d.]+) - (?P<end>[\d.]+)\]\s+(?P<turn>Ses\S+)\s+(?P<emotion>\w+)\s+"
    r"\[(?P<valence>[\d.]+), *(?P<arousal>[\d.]+), *(?P<dominance>[\d.]+)\]"
)
WORDS = re.compile(r"(?P<turn>Ses\S+) \[[\d.]+-[\d.]+\]: *(?P<words>.*)")
RATER = re.compile(r"(?P<kind>[CA])-(?P<rater>[A-Z]\d+):\s*(?P<answer>.*)")
RATING = re.compile(r"(val|act|dom)\s+(\d+(?:\.\d+)?)")
DIMENSIONS = {"val": "valence", "act": "arousal", "dom": "dominance"}
NO_EMOTION = ("other",)
"""`oth` means that raters saw none of the named emotions, as `xxx` means that they did not agree."""
SCALE = dict.fromkeys(("arousal", "dominance", "valence"), (1.0, 5.0))
"""As released, the valence of 4 turns is 5.5 and the dominance of 3 turns is 0.5."""


def recognises(root: Path) -> bool:
    """Does the folder contain sessions with evaluations of dialogues?"""
    return any(root.glob("Session[1-5]/dialog/EmoEvaluation/Ses*.txt"))


def scan(root: Path) -> pd.DataFrame:
    """One row per turn; labels and ratings as released."""
    rows = []
    for evaluation in sorted(root.glob("Session[1-5]/dialog/EmoEvaluation/Ses*.txt")):
        session = evaluation.parents[2]
        words = _words(session / "dialog" / "transcriptions" / evaluation.name)
        for line in _lines(evaluation):
            match = LINE.match(line)
            if not match:
                continue
            turn = match["turn"]
            who = TURN.fullmatch(turn)
            if not who:
                raise CorpusError(f"{evaluation.name}: the turn name {turn!r} does not identify the speaker")
            sound = session / "sentences" / "wav" / evaluation.stem / f"{turn}.wav"
            rows.append(
                {
                    "clip": turn,
                    "file": sound.relative_to(root).as_posix(),
                    "speaker": f"{who['session']}{who['sex']}",
                    "sex": who["sex"],
                    "language": "eng",
                    "transcript": words.get(turn),
                    "split": f"session{int(who['session'])}",
                    "session": f"{int(who['session'])}",
                    "dialog": evaluation.stem,
                    "begins_s": float(match["start"]),
                    "emotion": match["emotion"],
                    "scripted": "script" in turn,
                    **{name: float(match[name]) for name in ("arousal", "dominance", "valence")},
                }
            )
    if not rows:
        raise CorpusError(f"{root}: the evaluations contain no line [start - end] turn emotion [v, a, d]")
    return pd.DataFrame(rows)


def raters(root: Path, *, themselves: bool = False) -> pd.DataFrame:
    """One row per turn and rater: `clip`, `rater`, `emotion` (the first that was named) and the dimensions.

    Args:
        root: folder of the corpus
        themselves: whether the actors' ratings of themselves are included
    """
    rows: dict[tuple[str, str], dict[str, object]] = {}
    for evaluation in sorted(root.glob("Session[1-5]/dialog/EmoEvaluation/Ses*.txt")):
        turn = ""
        for line in _lines(evaluation):
            match, rated = LINE.match(line), RATER.match(line)
            turn = match["turn"] if match else turn
            if not (turn and rated) or (not themselves and not rated["rater"].startswith("E")):
                continue
            row = rows.setdefault((turn, rated["rater"]), {"clip": turn, "rater": rated["rater"]})
            if rated["kind"] == "C":
                row["emotion"] = rated["answer"].partition(";")[0].strip()
            else:
                row |= {DIMENSIONS[name]: float(value) for name, value in RATING.findall(rated["answer"])}
    return pd.DataFrame(list(rows.values()), columns=["clip", "rater", "emotion", *SCALE])


def _lines(path: Path) -> list[str]:
    # A few transcriptions contain single Latin-1 bytes, which must not make the whole dialogue unreadable.
    return path.read_text(encoding="utf-8", errors="replace").splitlines()


def _words(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    return {m["turn"]: m["words"].strip() for line in _lines(path) if (m := WORDS.match(line))}
