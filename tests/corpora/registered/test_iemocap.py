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
    assert corpus.notes[0].startswith("published: 10039 clips, found 6; published: 10 speakers, found 4")


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


ODD = {
    **dict.fromkeys((f"Ses03M_impro07_M{n}" for n in ("003", "010", "013", "021")), ("valence", 5.5)),
    "Ses01M_script03_1_F026": ("dominance", 0.5),
    "Ses02M_script02_2_F046": ("dominance", 0.5),
    "Ses04M_script03_2_M009": ("dominance", 0.5),
}
"""The turns of the release that are rated outside 1 … 5."""

COUNTS = {
    "neu": 1708, "ang": 1103, "sad": 1084, "hap": 595, "exc": 1041, "fru": 1849, "sur": 107, "fea": 40,
    "dis": 2, "oth": 3, "xxx": 2507,
}  # fmt: skip


def release(root: Path) -> Path:
    """Evaluations with as many turns, speakers and labels as the release, and its odd ratings."""
    labels = iter([label for label, n in COUNTS.items() for _ in range(n)])
    dialogs: dict[str, list[str]] = {}
    for turn, (name, value) in ODD.items():
        v, d = (value, 3.5) if name == "valence" else (3.5, value)
        line = f"[1.0000 - 2.0000]\t{turn}\t{next(labels)}\t[{v:.4f}, 3.0000, {d:.4f}]\n"
        dialogs.setdefault(turn.rpartition("_")[0], []).append(line)
    for i, label in enumerate(labels):
        dialog = f"Ses0{i % 5 + 1}F_script01_1b"
        line = f"[1.0000 - 2.0000]\t{dialog}_{'FM'[i // 5 % 2]}{i:03}\t{label}\t[2.5000, 3.0000, 3.5000]\n"
        dialogs.setdefault(dialog, []).append(line)
    for dialog, lines in dialogs.items():
        folder = root / f"Session{dialog[4]}" / "dialog" / "EmoEvaluation"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{dialog}.txt").write_text("".join(lines))
    return root


def test_release_is_read_with_its_sizes_and_its_ratings_off_the_scale(tmp_path: Path) -> None:
    corpus = load_corpus(str(release(tmp_path)))
    assert corpus.notes[0].startswith(
        "as published: 10039 of 10039 clips, 10 of 10 speakers, 5 of 5 female speakers"
    )
    assert not [note for note in corpus.notes if note.startswith("expected")]
    assert [corpus.clips.at[turn, name] for turn, (name, _) in ODD.items()] == [1.0] * 4 + [0.0] * 3
    off = [note for note in corpus.notes if "outside" in note]
    assert [note.partition(" is set")[0] for note in off] == [
        "dominance of 3 clips was published outside its scale 1 … 5 and",
        "valence of 4 clips was published outside its scale 1 … 5 and",
    ]
    assert "Ses03M_impro07_M010 (5.5)" in off[1]


def test_folder_of_the_release_is_found_below_the_data_root(tmp_path: Path) -> None:
    tree(tmp_path / "IEMOCAP_full_release")
    assert load_corpus("iemocap", data_root=tmp_path).root == tmp_path / "IEMOCAP_full_release"


def test_published_counts_are_those_before_labels_are_merged(tmp_path: Path) -> None:
    corpus = load_corpus(str(release(tmp_path)), label_map={"excitement": "happiness"})
    assert (corpus.clips["emotion"] == "happiness").sum() == 1636
    assert not [note for note in corpus.notes if note.startswith("expected")]


def test_raters_stand_below_their_turn_and_actors_do_not_count(tmp_path: Path) -> None:
    rated = EVALUATION.replace(
        "A-E3:\tval 3; act 2; dom  2;\t()",
        "C-F1:\tHappiness;\t(x)\nC-E4:\tAnger; Other;\t()\nA-E4:\tval 3; act 1;\t()",
    )
    root = tree(tmp_path, rated)
    table = iemocap.raters(root)
    first = table[table["clip"] == "Ses01F_impro01_F000"].astype(object).fillna("").to_numpy().tolist()
    assert first == [
        ["Ses01F_impro01_F000", "E2", "Neutral", "", "", ""],
        ["Ses01F_impro01_F000", "E4", "Anger", 1.0, "", 3.0],
    ]
    assert len(table) == 6
    assert len(iemocap.raters(root, themselves=True)) == 8
