"""Folds have names, no speaker tests and trains unless that is said, and published sizes are checked."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from sertools.corpora.corpus import Corpus, write_corpus
from sertools.corpora.folds.folds import with_fold
from sertools.corpora.folds.named import named, write_folds
from sertools.corpora.folds.published import SIZES
from sertools.corpora.load import load_corpus
from sertools.corpora.seen.sides import load_sides
from sertools.errors import CorpusError
from tests.corpora.registered.trees import make
from tests.corpora.registered.trees_of_names import TREES
from tests.helpers.places import ROOT

LABELS = ROOT.parent / "shared" / "data" / "crema-d_labels" / "crema-d_labels.csv"


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    """Twelve speakers in four sessions of three, five clips each."""
    rows = "".join(
        f"{s}_{i}.wav,{s},{'fm'[s % 2]},{'anger' if i % 2 else 'neutral'},{s // 3}\n"
        for s in range(12)
        for i in range(5)
    )
    (tmp_path / "mine.csv").write_text(f"file,speaker,sex,emotion,session\n{rows}")
    return load_corpus(str(tmp_path / "mine.csv"))


def speakers(corpus: Corpus, side: str) -> set[str]:
    return set(corpus.clips.loc[corpus.clips["split"] == side, "speaker"])


@pytest.mark.parametrize("name", ["loso", "4-speaker-groups"])
def test_each_speaker_tests_once_and_never_trains_then(corpus: Corpus, name: str) -> None:
    folds = named(corpus, name)
    tested: list[str] = []
    for number in folds.sides:
        fold = with_fold(corpus, folds, number)
        sides = [speakers(fold, side) for side in ("train", "dev", "test")]
        assert sum(map(len, sides)) == len(set.union(*sides)) == 12
        assert fold.unjudged == ""
        tested += sorted(sides[2])
    assert sorted(tested) == sorted(corpus.clips["speaker"].unique())


def test_groups_of_speakers_have_equal_shares(corpus: Corpus) -> None:
    folds = named(corpus, "4-speaker-groups")
    for number in folds.sides:
        test = corpus.clips[folds.sides[number] == "test"]
        assert len(test) == 15
        assert {1, 2} == set(test.drop_duplicates("speaker")["sex"].value_counts())
    assert named(corpus, "4-speaker-groups").sides.equals(folds.sides)


def test_session_tests_and_a_fifth_of_the_rest_is_dev(corpus: Corpus) -> None:
    folds = named(corpus, "sessions")
    assert list(folds.sides) == ["1", "2", "3", "4"]
    fold = with_fold(corpus, folds, "2")
    assert speakers(fold, "test") == {"3", "4", "5"}
    assert fold.clips["split"].value_counts().to_dict() == {"train": 36, "dev": 9, "test": 15}
    assert fold.unjudged == ""


def test_random_folds_share_speakers_and_say_so(corpus: Corpus) -> None:
    ten, five = named(corpus, "random-10"), named(corpus, "random-5")
    assert with_fold(corpus, ten, "1").clips["split"].value_counts().to_dict() == {
        "train": 48,
        "dev": 6,
        "test": 6,
    }
    fold = with_fold(corpus, five, "5")
    assert fold.clips["split"].value_counts().to_dict() == {"train": 48, "test": 12}
    n = fold.clips.loc[fold.clips["split"] == "test", "speaker"].nunique()
    assert fold.unjudged == (
        f"{n} of {n} speakers of the test side are also in the training side, so the scores say nothing "
        "about new speakers and are not judged"
    )
    assert fold.unjudged in fold.notes
    tested = [clip for k in five.sides for clip in five.sides.index[five.sides[k] == "test"]]
    assert sorted(tested) == sorted(corpus.clips.index)


def test_text_after_data_names_folds_number_and_side(corpus: Corpus, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    test = load_corpus(f"{path}@loso:3:test")
    assert (test.name, test.clips["speaker"].unique().tolist()) == ("mine@loso:3:test", ["10"])
    assert set(load_corpus(f"{path}@loso:3").clips["split"]) == {"train", "dev", "test"}
    (tmp_path / "a@b.csv").write_text("file\nx.wav\n")
    assert load_corpus(str(tmp_path / "a@b.csv")).name == "a@b"


@pytest.mark.parametrize(
    ("folds", "message"),
    [
        ("@loso", "mine@loso has 12 folds (name one, as in mine@loso:1:test)"),
        ("@loso:13", "mine@loso has no fold '13'"),
        ("@loso:1:tset", "mine@loso:1 has no split 'tset' (did you mean 'test'?)"),
        ("@emo-superb:1", "EMO-SUPERB has no folds of mine (it has those of crema-d"),
        ("@folds", "unknown folds 'folds' (known: 5-speaker-groups, emo-superb"),
        ("@no.csv:1", "no such file or folder: no.csv"),
        ("@99-speaker-groups:1", "mine has 12 speakers, too few for 99 folds"),
        ("@random-61:1", "mine has 60 clips, which makes no folds 'random-61'"),
        ("@", "names no folds"),
    ],
)
def test_wrong_folds_are_one_sentence(corpus: Corpus, tmp_path: Path, folds: str, message: str) -> None:
    with pytest.raises(CorpusError) as caught:
        load_corpus(f"{tmp_path / 'mine.csv'}{folds}")
    assert message in str(caught.value)


def test_stored_folds_are_read_again_by_their_name(corpus: Corpus, tmp_path: Path) -> None:
    other = replace(named(corpus, "4-speaker-groups"), name="loso")
    write_corpus(corpus, tmp_path / "out")
    path = write_folds(corpus, other, tmp_path / "out")
    assert path.name == "loso.csv"
    again = load_corpus(f"{tmp_path / 'out'}@loso:2:test")
    assert len(again.clips) == 15
    assert again.clips.index.tolist() == other.sides.index[other.sides["2"] == "test"].tolist()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("clip,fold_1\n0_0.wav,test\n0_0.wav,train\n", "folds.csv lists '0_0.wav' twice"),
        ("clip,fold_1\n0_0.wav,left\n", "folds.csv: fold_1 of '0_0.wav' is 'left'"),
        ("clip,fold_1\nx.wav,test\n", "folds.csv names no clip of mine; its first is 'x.wav'"),
        ("clip,split\n0_0.wav,test\n", "folds.csv has no column 'fold_1'"),
    ],
)
def test_wrong_tables_of_folds_are_one_sentence(
    corpus: Corpus, tmp_path: Path, table: str, message: str
) -> None:
    (tmp_path / "folds.csv").write_text(table)
    with pytest.raises(CorpusError) as caught:
        named(corpus, str(tmp_path / "folds.csv"))
    assert message in str(caught.value)


def test_clips_outside_the_sides_are_left_out_and_counted(corpus: Corpus, tmp_path: Path) -> None:
    (tmp_path / "folds.csv").write_text("clip,fold_1\n0_0.wav,test\n1_0.wav,Training\n2_0.wav,\nx.wav,dev\n")
    fold = with_fold(corpus, named(corpus, str(tmp_path / "folds.csv")))
    assert fold.clips["split"].to_dict() == {"0_0.wav": "test", "1_0.wav": "train"}
    assert "58 clips are in no side of this fold and left out" in fold.notes
    assert "1 clips of folds.csv are not in mine: x.wav" in fold.notes


def emo_superb(root: Path, sides: dict[str, str]) -> None:
    rows = "".join(f"{name}.wav,0.95,0.05,1001,Male,{side}\n" for name, side in sides.items())
    (root / "Primary").mkdir(exist_ok=True)
    (root / "Primary" / "labels_consensus_1.csv").write_text(
        f"FileName,angry,sad,SpkrID,Gender,Split_Set\n{rows}"
    )


def test_label_files_of_emo_superb_decide(tmp_path: Path) -> None:
    for stem in ("1001_DFA_ANG_XX", "1040_DFA_ANG_XX", "1041_DFA_ANG_XX"):
        (tmp_path / f"{stem}.wav").touch()
    known = load_corpus("crema-d@emo-superb:1", data_root=tmp_path)
    assert known.clips["split"].tolist() == ["test", "train", "train"]
    assert any("the published ones 4509 / 1470 / 1463" in note for note in known.notes)
    whole = load_corpus("crema-d", data_root=tmp_path)
    write_folds(whole, named(whole, "emo-superb"), tmp_path / "kept")
    assert named(whole, "emo-superb", beside=tmp_path / "kept").sizes == {"1": SIZES["crema-d"]}
    emo_superb(
        tmp_path, {"1001_DFA_ANG_XX": "Train", "1040_DFA_ANG_XX": "Test", "1041_DFA_ANG_XX": "Development"}
    )
    read = load_corpus("crema-d@emo-superb:1", data_root=tmp_path)
    assert read.clips["split"].tolist() == ["train", "test", "dev"]
    elsewhere = load_corpus(f"crema-d@{tmp_path / 'Primary'}:1:test", data_root=tmp_path)
    assert elsewhere.clips["speaker"].tolist() == ["1040"]
    emo_superb(tmp_path, {"1001_DFA_ANG_XX": "Left"})
    with pytest.raises(CorpusError, match=r"the Split_Set of '1001_DFA_ANG_XX' is 'left'"):
        load_corpus("crema-d@emo-superb:1", data_root=tmp_path)


def test_label_files_without_a_name_of_their_first_column_are_read(tmp_path: Path) -> None:
    # as those of BIIC-NNIME and BIIC-Podcast begin
    stems = {"angry_01_A_002": "Train", "sad_22_B_010": "Test", "sad_02_B_010": "Development"}
    (tmp_path / "Secondary").mkdir()
    path = tmp_path / "Secondary" / "labels_consensus_1.csv"
    rows = "".join(f"{stem}.wav,0.95,0.05,1,{side}\n" for stem, side in stems.items())
    path.write_text(f",angry,sad,SpkrID,Split_Set\n{rows}")
    for stem in stems:
        (tmp_path / f"{stem}.wav").touch()
    read = load_corpus("biic-nnime@emo-superb:1", data_root=tmp_path)
    assert dict(zip(read.clips["speaker"], read.clips["split"], strict=True)) == {
        "01A": "train", "22B": "test", "02B": "dev",
    }  # fmt: skip
    assert len(load_sides([], [], [str(tmp_path / "Secondary")]).clips) == 3


def test_folds_of_sessions_are_those_of_the_released_files(tmp_path: Path) -> None:
    # the sessions that are dev and test, fold by fold, in the files that EMO-SUPERB released
    clips = pd.DataFrame({"session": list("12345")})
    iemocap = named(Corpus(name="iemocap", clips=clips, root=tmp_path), "emo-superb").sides
    sides = {k: [iemocap[k].tolist().index(side) + 1 for side in ("dev", "test")] for k in iemocap}
    assert sides == {"1": [5, 4], "2": [4, 3], "3": [3, 2], "4": [2, 1], "5": [1, 5]}
    clips = pd.DataFrame({"session": list("123456")})
    improv = named(Corpus(name="msp-improv", clips=clips, root=tmp_path), "emo-superb").sides
    sides = {k: [improv[k].tolist().index(side) + 1 for side in ("dev", "test")] for k in improv}
    assert sides == {"1": [3, 4], "2": [2, 3], "3": [1, 2], "4": [6, 1], "5": [5, 6], "6": [4, 5]}


@pytest.mark.skipif(not LABELS.is_file(), reason="the labels in ../shared/data are not here")
def test_crema_d_has_the_published_sizes(tmp_path: Path) -> None:
    (tmp_path / "metadata.csv").write_bytes(LABELS.read_bytes())
    fold = load_corpus(f"{tmp_path}@emo-superb:1")
    counts = fold.clips["split"].value_counts()
    assert tuple(counts[side] for side in ("train", "dev", "test")) == SIZES["crema-d"]
    assert "train, dev and test of fold 1 have 4509 / 1470 / 1463 clips, as published" in fold.notes


def test_table_of_folds_is_compared_too(tmp_path: Path) -> None:
    make(TREES["emovo"], tmp_path / "emovo")
    clips = load_corpus("emovo", data_root=tmp_path).clips.index
    table = tmp_path / "mine.csv"
    table.write_text(
        "clip,fold_1\n" + "".join(f"{clip},{'train' if i else 'test'}\n" for i, clip in enumerate(clips))
    )
    joined = load_sides([], [], [str(table)], data=["emovo"], data_root=tmp_path)
    assert sorted(set(joined.clips["split"])) == [f"{table}:1/test", f"{table}:1/train"]


def test_folds_by_name_are_sides_that_the_lint_compares(tmp_path: Path) -> None:
    make(TREES["emovo"], tmp_path / "emovo")
    joined = load_sides([], [], ["loso"], data=["emovo"], data_root=tmp_path)
    assert sorted(set(joined.clips["split"])) == [
        f"loso:{k}/{s}" for k in (1, 2, 3) for s in ("dev", "test", "train")
    ]
    with pytest.raises(CorpusError, match="unknown folds 'lozo'"):
        load_sides([], [], ["lozo"], data=["emovo"], data_root=tmp_path)


def test_published_folds_are_sides_too(tmp_path: Path) -> None:
    emo_superb(
        tmp_path, {"1001_DFA_ANG_XX": "Train", "1002_DFA_ANG_XX": "Test", "1003_DFA_ANG_XX": "Development"}
    )
    first = tmp_path / "Primary" / "labels_consensus_1.csv"
    (tmp_path / "Primary" / "labels_consensus_2.csv").write_text(
        first.read_text().replace("Development", "Train")
    )
    joined = load_sides([], [], [str(tmp_path / "Primary")])
    assert joined.clips["split"].value_counts().to_dict() == {
        "fold 1/train": 1, "fold 1/dev": 1, "fold 1/test": 1, "fold 2/train": 2, "fold 2/test": 1,
    }  # fmt: skip
    assert joined.clips["speaker"].unique().tolist() == ["1001"]  # as the table says, whatever the names say
    (tmp_path / "fold_1").mkdir()
    for side, stem in {"train": "03a01Wa", "test": "08a01Wa"}.items():
        row = f'{{"key": "{stem}", "wav": "downloads/{stem}.wav", "emo": "ang", "dataset": "emodb"}}'
        (tmp_path / "fold_1" / f"emodb_{side}_fold_1.jsonl").write_text(row)
    emobox = load_sides([], [], [str(tmp_path / "fold_1")])
    assert emobox.clips[["split", "speaker"]].to_numpy().tolist() == [["test", "08"], ["train", "03"]]
