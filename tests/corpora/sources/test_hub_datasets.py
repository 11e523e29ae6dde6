"""Data sets with the sound inside are unpacked once, their columns named by their features."""

import json
from pathlib import Path

import pytest

from sertools.corpora.load import load_corpus
from sertools.errors import CorpusError
from tests.corpora.registered.trees import SOUND

datasets = pytest.importorskip("datasets", reason="needs the extra datasets")
pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

NAMES = ["angry", "happy", "neutral"]


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "hf"))
    monkeypatch.setattr(datasets.config, "HF_DATASETS_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)


def table(paths: tuple[str, ...] = ("a.wav", "b.wav", "c.wav")) -> "pa.Table":
    sound = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    features = {
        "audio": {"_type": "Audio"},
        "label": {"names": NAMES, "_type": "ClassLabel"},
        "speaker_id": {"dtype": "string", "_type": "Value"},
        "valence": {"dtype": "float64", "_type": "Value"},
    }
    columns = {
        "audio": pa.array([{"bytes": SOUND, "path": path} for path in paths], type=sound),
        "label": pa.array([0, 2, 1], pa.int64()),
        "speaker_id": ["x", "y", "x"],
        "valence": [1.0, 3.0, 5.0],
    }
    about = {"huggingface": json.dumps({"info": {"features": features}})}
    return pa.table(columns).replace_schema_metadata(about)


def test_parquet_is_read_and_the_columns_are_told(tmp_path: Path) -> None:
    pq.write_table(table(), tmp_path / "mine.parquet")
    corpus = load_corpus(f"datasets:{tmp_path / 'mine.parquet'}", scale={"valence": (1, 5)})
    assert corpus.name == "mine"
    assert corpus.clips.index.tolist() == ["a", "b", "c"]
    assert corpus.clips["emotion"].tolist() == ["anger", "neutral", "happiness"]
    assert corpus.clips["valence"].tolist() == [0.0, 0.5, 1.0]
    assert "column 'label' is taken for emotion" in corpus.notes
    assert "column 'speaker_id' is taken for speaker" in corpus.notes
    assert corpus.path("b").read_bytes() == SOUND
    again = load_corpus(f"datasets:{tmp_path / 'mine.parquet'}@loso:1:test", scale={"valence": (1, 5)})
    assert again.clips["speaker"].tolist() == ["x", "x"]


def test_sound_inside_is_found_without_the_scheme(tmp_path: Path) -> None:
    pq.write_table(table(), tmp_path / "mine.parquet")
    (tmp_path / "data").mkdir()
    pq.write_table(table(("c.wav", "d.wav", "e.wav")), tmp_path / "data/test-00000-of-00001.parquet")
    for place, clip in (("mine.parquet", "a"), ("data", "c"), ("data/test-00000-of-00001.parquet", "c")):
        corpus = load_corpus(str(tmp_path / place), scale={"valence": (1, 5)})
        assert corpus.clips["emotion"].tolist() == ["anger", "neutral", "happiness"]
        assert corpus.clips.index[0] == clip
    assert len(load_corpus(f"{tmp_path / 'data'}:test", scale={"valence": (1, 5)}).clips) == 3


def test_splits_are_those_of_the_file_names_and_must_be_chosen(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for split in ("train", "test"):
        pq.write_table(table(), tmp_path / "data" / f"{split}-00000-of-00001.parquet")
    spec = f"datasets:{tmp_path / 'data'}"
    test = load_corpus(f"{spec}:test", scale={"valence": (1, 5)})
    assert set(test.clips["split"]) == {"test"}
    with pytest.raises(CorpusError, match=r"has the splits test, train \(name one"):
        load_corpus(spec)
    with pytest.raises(CorpusError, match=r"has no split 'tset' \(did you mean 'test'\?\)"):
        load_corpus(f"{spec}:tset")


def test_what_save_to_disk_wrote_is_read(tmp_path: Path) -> None:
    datasets.Dataset(table(("a.wav", "a.wav", "a.wav"))).save_to_disk(str(tmp_path / "saved"))
    corpus = load_corpus(f"datasets:{tmp_path / 'saved'}", scale={"valence": (1, 5)})
    assert corpus.clips["speaker"].tolist() == ["x", "y", "x"]
    assert corpus.clips.index[0] == "audio/0000/0000000.wav"  # their names are not unique


def test_bad_data_sets_are_one_sentence(tmp_path: Path) -> None:
    def said(spec: str) -> str:
        with pytest.raises(CorpusError) as caught:
            load_corpus(spec)
        return str(caught.value)

    assert "cannot be read: " in said("datasets:nobody/nothing")
    assert "without a network" in said("datasets:nobody/nothing")
    assert said("datasets:").startswith("datasets: names no data set")
    assert said(f"datasets:{tmp_path}").endswith("has no Parquet or Arrow file")
    pq.write_table(pa.table({"text": ["a"]}), tmp_path / "words.parquet")
    assert "has no column with sound; its columns are text (Value)" in said(
        f"datasets:{tmp_path / 'words.parquet'}"
    )
    sound = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    silent = pa.array([{"bytes": None, "path": "gone.wav"}], type=sound)
    about = {"huggingface": json.dumps({"info": {"features": {"audio": {"_type": "Audio"}}}})}
    pq.write_table(pa.table({"audio": silent}).replace_schema_metadata(about), tmp_path / "silent.parquet")
    assert "row 1 has no audio" in said(f"datasets:{tmp_path / 'silent.parquet'}")
