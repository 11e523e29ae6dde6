"""IEMOCAP is read from its evaluations, dimensions in the right order and the right person speaking."""

from pathlib import Path

import pandas as pd
import pytest

from sertools.corpora.load import load_corpus
from sertools.corpora.registered import iemocap
from sertools.errors import CorpusError

EVALUATION = """% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]

[6.2901 - 8.2357]\tSes01F_impro01_F000\tneu\t[1.0000, 2.0000, 5.0000]
C-E2:\tNeutral;\t()
A-E3:\tval 3; act 2; dom  2;\t()

[10.0100 - 11.3925]\tSes01F_impro01_M001\txxx\t[2.5000, 2.5000, 2.5000]
C-E2:\tNeutral;\t()

[14.8872 - 18.0175]\tSes01F_impro01_F002\texc\t[3.0000, 3.0000, 3.0000]
"""
WORDS = """Ses01F_impro01_F000 [006.2901-008.2357]: Excuse me.
Ses01F_impro01_M001 [010.0100-011.3925]: Yeah: it is 10:30.
Ses01F_impro01_FXX2 [014.8872-018.0175]: (breathing)
M: not a turn
"""


def tree(root: Path, evaluation: str = EVALUATION) -> Path:
    for session in ("Session1", "Session2"):
        name = f"Ses0{session[-1]}F_impro01"
        dialog = root / session / "dialog"
        (dialog / "EmoEvaluation" / "Categorical").mkdir(parents=True)
        (dialog / "transcriptions").mkdir()
        text = evaluation.replace("Ses01", name[:5])
        (dialog / "EmoEvaluation" / f"{name}.txt").write_text(text)
        (dialog / "EmoEvaluation" / f"._{name}.txt").write_bytes(b"\0\5\x16\7")
        (dialog / "transcriptions" / f"{name}.txt").write_bytes(WORDS.replace("Ses01", name[:5]).encode())
    return root


def test_order_is_valence_activation_dominance_on_one_to_five(tmp_path: Path) -> None:
    clips = load_corpus(str(tree(tmp_path))).clips
    # By hand, (x − 1) / 4 of [1, 2, 5].
    row = clips.loc["Ses01F_impro01_F000"]
    assert (row["valence"], row["arousal"], row["dominance"]) == (0.0, 0.25, 1.0)


def test_the_last_letter_says_who_speaks(tmp_path: Path) -> None:
    clips = load_corpus(str(tree(tmp_path))).clips
    assert clips["sex"].tolist() == ["female", "male", "female"] * 2
    assert clips["speaker"].tolist() == ["01F", "01M", "01F", "02F", "02M", "02F"]


def test_turns_have_sound_words_and_session(tmp_path: Path) -> None:
    corpus = load_corpus(str(tree(tmp_path)))
    row = corpus.clips.loc["Ses01F_impro01_M001"]
    assert row["file"] == "Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_M001.wav"
    assert row["transcript"] == "Yeah: it is 10:30."
    assert row["split"] == "session1"
    assert not row["scripted"]
    assert pd.isna(row["emotion"])
    assert len(load_corpus(f"{tmp_path}:session2").clips) == 3
    assert corpus.notes[0].startswith("expected 10039 clips, found 6; expected 10 speakers, found 4")


def test_four_classes_merge_excitement_into_happiness(tmp_path: Path) -> None:
    tree(tmp_path)
    assert load_corpus(str(tmp_path)).clips["emotion"].iloc[2] == "excitement"
    merged = load_corpus(str(tmp_path), label_map={"excitement": "happiness"})
    assert merged.clips["emotion"].iloc[2] == "happiness"


def test_published_four_classes_add_up() -> None:
    four = iemocap.EXPECTED["neutral"] + iemocap.EXPECTED["anger"] + iemocap.EXPECTED["sadness"]
    assert iemocap.EXPECTED["happiness"] + iemocap.EXPECTED["excitement"] == 1636
    assert four + 1636 == 5531


def test_evaluations_without_turns_and_odd_turns_are_refused(tmp_path: Path) -> None:
    tree(tmp_path / "a", "nothing here\n")
    with pytest.raises(CorpusError) as caught:
        load_corpus(str(tmp_path / "a"))
    assert str(caught.value) == (
        f"{tmp_path / 'a'}: the evaluations contain no line [start - end] turn emotion [v, a, d]"
    )
    tree(tmp_path / "b", EVALUATION.replace("_M001", "_001"))
    with pytest.raises(CorpusError) as caught:
        load_corpus(str(tmp_path / "b"))
    assert (
        str(caught.value)
        == "Ses01F_impro01.txt: the turn name 'Ses01F_impro01_001' does not identify the speaker"
    )
