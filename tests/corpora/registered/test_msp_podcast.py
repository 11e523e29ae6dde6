"""MSP-Podcast is read from the trees of several releases."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sertools.corpora.load import load_corpus
from sertools.corpora.registered import msp_podcast
from sertools.errors import CorpusError

HEADER = "FileName,EmoClass,EmoAct,EmoVal,EmoDom,SpkrID,Gender,Split_Set\n"
ROWS = (
    "MSP-PODCAST_0001_0001.wav,A,7,1,4,0012,Male,Train\n"
    "MSP-PODCAST_0001_0002.wav,N,4.0,2.5,1,12,Female,{dev}\n"
    "MSP-PODCAST_0002_0001.wav,X,1,7,5.5,Unknown,Unknown,Test1\n"
    "MSP-PODCAST_0002_0002.wav,H,2,6,4,77,Female,Test1\n"
    "MSP-PODCAST_0003_0001.wav,U,2,6,4,Unknown,Male,Test2\n"
)


def tree(root: Path, labels: str, audio: str, dev: str, rows: str = ROWS) -> Path:
    (root / "Labels").mkdir(parents=True)
    (root / audio).mkdir()
    (root / "Labels" / labels).write_text(HEADER + rows.format(dev=dev))
    return root


@pytest.mark.parametrize(
    ("labels", "audio", "dev"),
    [
        ("labels_concensus.csv", "Audios", "Validation"),
        ("labels_consensus.csv", "Audios", "Development"),
        ("labels_consensus.csv", "Audio", "Development"),
    ],
)
def test_releases_differ_in_spelling_only(tmp_path: Path, labels: str, audio: str, dev: str) -> None:
    clips = load_corpus(str(tree(tmp_path / "msp", labels, audio, dev))).clips
    assert clips["file"].iloc[0] == f"{audio}/MSP-PODCAST_0001_0001.wav"
    assert load_corpus(f"{tmp_path / 'msp'}:test1").recordings == "must not be passed on"
    assert clips["split"].tolist() == ["train", "dev", "test1", "test1", "test2"]
    # By hand, (x − 1) / 6; the columns stand in the order activation, valence, dominance.
    np.testing.assert_array_equal(clips["arousal"], [1, 0.5, 0, 1 / 6, 1 / 6])
    np.testing.assert_array_equal(clips["valence"], [0, 0.25, 1, 5 / 6, 5 / 6])
    np.testing.assert_array_equal(clips["dominance"], [0.5, 0, 0.75, 0.5, 0.5])
    assert clips["emotion"].dropna().tolist() == ["anger", "neutral", "happiness", "surprise"]
    assert pd.isna(clips["emotion"].iloc[2])


def test_other_is_no_emotion_of_the_corpus_and_is_counted(tmp_path: Path) -> None:
    rows = ROWS.replace(",A,", ",O,")
    corpus = load_corpus(str(tree(tmp_path / "m", "labels_consensus.csv", "Audios", "Validation", rows)))
    assert corpus.clips["emotion"].isna().tolist() == [True, False, True, False, False]
    assert "emotion of 2 clips is unknown: 'other' (1), 'no agreement' (1)" in corpus.notes
    assert "speaker of 2 clips is unknown: 'Unknown' (2)" in corpus.notes


def test_unknown_speaker_is_no_speaker_and_ids_keep_their_zeros(tmp_path: Path) -> None:
    clips = load_corpus(str(tree(tmp_path / "m", "labels_consensus.csv", "Audios", "Validation"))).clips
    assert clips["speaker"].isna().tolist() == [False, False, True, False, True]
    assert clips["speaker"].dropna().tolist() == ["0012", "12", "77"]
    assert clips["sex"].isna().tolist() == [False, False, True, False, False]


def test_names_stand_for_splits_and_share_one_name(tmp_path: Path) -> None:
    tree(tmp_path / "MSP-Podcast", "labels_consensus.csv", "Audios", "Development")
    for name, clips in {"msp-test1": 2, "msp-test2": 1, "msp-dev": 1, "msp-train": 1}.items():
        corpus = load_corpus(name, data_root=tmp_path)
        assert len(corpus.clips) == clips
        assert corpus.name == f"msp-podcast:{name.removeprefix('msp-')}"
    assert len(load_corpus("msp-podcast", data_root=tmp_path / "MSP-Podcast").clips) == 5


@pytest.mark.parametrize(
    ("written", "split"),
    [("Test1", "test1"), ("test_set_1", "test1"), ("Test 2", "test2"), ("Test3", "test3"),
     ("Validation", "dev"), ("development", "dev"), ("Train", "train"), ("Other", "other")],
)  # fmt: skip
def test_splits_have_one_spelling(tmp_path: Path, written: str, split: str) -> None:
    row = f"a.wav,N,4,4,4,1,Male,{written}\n"
    clips = load_corpus(str(tree(tmp_path / "m", "labels_consensus.csv", "Audio", "", row))).clips
    assert clips["split"].tolist() == [split]


def test_release_is_told_by_the_size_of_test_1(tmp_path: Path) -> None:
    speakers = [(str(i), "female" if i < 30 else "male") for i in range(60)]
    clips = pd.DataFrame(
        [{"split": "test1", "speaker": speakers[i % 60][0], "sex": speakers[i % 60][1], "emotion": "neutral"}
         for i in range(12902)]
    )  # fmt: skip
    assert msp_podcast.expected(clips) == [
        "test1 has 12902 clips, as in release 1.7",
        "test1 has 60 speakers, 30 female, 30 male; as published",
        "0 clips have no agreed emotion, 0 have no known speaker",
    ]
    assert msp_podcast.expected(clips.assign(speaker="1", sex="male"))[1] == (
        "test1 has 1 speakers, 0 female, 1 male; the published numbers are 60, 30, 30"
    )
    assert msp_podcast.expected(clips.iloc[:5]) == [
        "test1 has 5 clips, which matches no known release (12902 in release 1.7, 30647 in release "
        "1.11 and later)"
    ]


def test_splits_of_release_1_11_have_their_published_sizes() -> None:
    sizes = {"train": 84030, "dev": 19815, "test1": 30647, "test2": 14815}
    split = np.repeat(list(sizes), list(sizes.values()))
    clips = pd.DataFrame({"split": split, "speaker": "1", "sex": "male", "emotion": "neutral"})
    assert msp_podcast.expected(clips) == [
        "test1 has 30647 clips, as in release 1.11 and later",
        "0 clips have no agreed emotion, 0 have no known speaker",
    ]
    assert msp_podcast.expected(clips.iloc[1:])[1] == "published: 84030 clips in train, found 84029"


def test_published_rating_off_the_scale_is_clipped_and_told(tmp_path: Path) -> None:
    row = "a.wav,N,8,4,0.5,1,Male,Train\n"
    corpus = load_corpus(str(tree(tmp_path / "m", "labels_consensus.csv", "Audios", "", row)))
    assert corpus.clips[["arousal", "valence", "dominance"]].iloc[0].tolist() == [1.0, 0.5, 0.0]
    assert [note for note in corpus.notes if "outside" in note] == [
        "arousal of 1 clip was published outside its scale 1 … 7 and is set to the nearer end: "
        "Audios/a.wav (8)",
        "dominance of 1 clip was published outside its scale 1 … 7 and is set to the nearer end: "
        "Audios/a.wav (0.5)",
    ]


def test_rating_that_is_no_number_is_named(tmp_path: Path) -> None:
    root = tree(tmp_path / "m", "labels_consensus.csv", "Audios", "", "a.wav,N,4,?,4,1,Male,Train\n")
    with pytest.raises(CorpusError) as caught:
        load_corpus(str(root))
    assert str(caught.value) == "labels_consensus.csv: EmoVal of 'a.wav' is '?', not a number"


def test_table_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "labels_consensus.csv").write_text("FileName,EmoClass\na.wav,N\n")
    with pytest.raises(CorpusError) as caught:
        load_corpus(str(tmp_path))
    assert str(caught.value) == ("labels_consensus.csv has no column 'EmoAct'; it has FileName, EmoClass")


ANSWERS = {
    "WORKER1": {"EmoClass_Major": "Angry", "EmoClass_Second": "Angry,Annoyed", "EmoAct": "7", "EmoVal": "1",
                "EmoDom": "4"},
    "WORKER2": {"EmoClass_Major": "Other-bored", "EmoClass_Second": "", "EmoAct": "5", "EmoVal": "3",
                "EmoDom": "NaN"},
}  # fmt: skip


def test_raters_of_older_releases_are_read_from_json(tmp_path: Path) -> None:
    root = tree(tmp_path / "m", "labels_concensus.csv", "Audios", "Validation")
    path = root / "Labels/labels_detailed.json"
    path.write_text(json.dumps({"MSP-PODCAST_0001_0001.wav": ANSWERS}))
    corpus = load_corpus(str(root))
    clip = corpus.clips.loc["Audios/MSP-PODCAST_0001_0001.wav"]
    assert json.loads(clip["raters"]) == ["WORKER1", "WORKER2"]
    assert json.loads(clip["ratings_emotion"]) == ["anger", "other"]
    assert json.loads(clip["ratings_arousal"]) == [1.0, pytest.approx(4 / 6)]
    assert json.loads(clip["ratings_dominance"]) == [0.5, None]
    path.write_text('{"a.wav": ["WORKER1"]}')
    note = next(note for note in load_corpus(str(root)).notes if note.startswith("no raters"))
    assert note == "no raters: labels_detailed.json does not have the form clip → rater → labels"


def test_rater_without_a_rating_of_one_dimension_is_kept(tmp_path: Path) -> None:
    root = tree(tmp_path / "m", "labels_consensus.csv", "Audios", "Development")
    (root / "Labels/labels_detailed.csv").write_text(
        "FileName,EmoDetail\n"
        'MSP-PODCAST_0001_0001.wav,"WORKER1; Angry; Angry,Annoyed,; A:7.0; V:1.0; D:4.0;"\n'
        'MSP-PODCAST_0001_0001.wav,"WORKER2; Sad; Sad,; A:NaN; V:2.0; D:NaN;"\n'
    )
    rated = msp_podcast.raters(root)
    assert rated["rater"].tolist() == ["WORKER1", "WORKER2"]
    assert rated["valence"].tolist() == [1.0, 2.0]
    assert rated["arousal"].isna().tolist() == [False, True]


def test_alignments_are_named_for_the_clips_that_have_one(tmp_path: Path) -> None:
    root = tree(tmp_path / "m", "labels_consensus.csv", "Audios", "Development")
    (root / "ForceAligned").mkdir()
    (root / "ForceAligned/MSP-PODCAST_0001_0002.TextGrid").touch()
    clips = load_corpus(str(root)).clips
    assert clips["alignment"].dropna().to_dict() == {
        "Audios/MSP-PODCAST_0001_0002.wav": "ForceAligned/MSP-PODCAST_0001_0002.TextGrid"
    }
