"""MOSI is read from its table of labels, sentiment as valence."""

from pathlib import Path

import pandas as pd
import pytest

from sertools.corpora.load import load_corpus
from sertools.corpora.registered import mosi
from sertools.errors import CorpusError

HEADER = "video_id,clip_id,text,label,label_T,label_A,label_V,annotation,mode\n"
ROWS = (
    '03bSnISJMiM,1,"A LOT OF SAD, PARTS",-3.0,,,,Negative,train\n'
    "03bSnISJMiM,2,THERE IS,0.6,,,,Positive,valid\n"
    "_dI--eQ6qVU,1,GREAT,3,,,,Positive,test\n"
)


def tree(root: Path, rows: str = ROWS) -> Path:
    for name in ("03bSnISJMiM/1.mp4", "03bSnISJMiM/1.wav", "03bSnISJMiM/2.mp4", "_dI--eQ6qVU/1.flac"):
        (root / "Raw" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "Raw" / name).touch()
    (root / "label.csv").write_text(HEADER + rows)
    return root


def test_sentiment_is_valence_and_the_video_is_the_speaker(tmp_path: Path) -> None:
    corpus = load_corpus(str(tree(tmp_path)))
    assert corpus.name == "mosi"
    assert corpus.clips.index.tolist() == ["03bSnISJMiM/1", "03bSnISJMiM/2", "_dI--eQ6qVU/1"]
    # By hand, (x + 3) / 6.
    assert corpus.clips["valence"].tolist() == pytest.approx([0.0, 0.6, 1.0], abs=1e-15)
    assert corpus.clips["speaker"].tolist() == ["03bSnISJMiM", "03bSnISJMiM", "_dI--eQ6qVU"]
    assert corpus.clips["split"].tolist() == ["train", "dev", "test"]
    assert corpus.clips["transcript"].iloc[0] == "A LOT OF SAD, PARTS"
    assert "sex" not in corpus.clips


def test_sound_beside_the_video_is_preferred(tmp_path: Path) -> None:
    clips = load_corpus(str(tree(tmp_path))).clips
    assert clips["file"].tolist() == [
        "Raw/03bSnISJMiM/1.wav",
        "Raw/03bSnISJMiM/2.mp4",
        "Raw/_dI--eQ6qVU/1.flac",
    ]


def test_test_set_has_the_published_size_or_the_report_says_not() -> None:
    for n in (685, 686):
        clips = pd.DataFrame({"split": ["test"] * n, "speaker": [f"v{i % 93}" for i in range(n)]})
        assert mosi.expected(clips) == [f"{n} test segments, as published"]
    assert mosi.expected(pd.DataFrame({"split": ["test", "dev"], "speaker": ["a", "b"]})) == [
        "published: 685 or 686 test segments, found 1",
        "published: 93 videos, found 2",
    ]


def test_labels_off_the_scale_are_clipped_and_those_that_are_no_numbers_refused(tmp_path: Path) -> None:
    corpus = load_corpus(str(tree(tmp_path, ROWS.replace(",0.6,", ",3.5,"))))
    assert corpus.clips.at["03bSnISJMiM/2", "valence"] == 1.0
    assert corpus.notes[-1] == (
        "valence of 1 clip was published outside its scale -3 … 3 and is set to the nearer end: "
        "03bSnISJMiM/2 (3.5)"
    )
    with pytest.raises(CorpusError) as caught:
        load_corpus(str(tree(tmp_path, ROWS.replace(",0.6,", ",good,"))))
    assert str(caught.value) == "label.csv: label of '03bSnISJMiM/2' is 'good', not a number"


def test_other_folders_are_not_mosi(tmp_path: Path) -> None:
    tree(tmp_path)
    (tmp_path / "label.csv").write_text("file,label\na,1\n")
    assert not mosi.recognises(tmp_path)
    (tmp_path / "label.csv").write_bytes(b"\xff\xfe")
    assert not mosi.recognises(tmp_path)
