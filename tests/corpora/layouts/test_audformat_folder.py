"""A database in audformat becomes clips, with its splits, scales and what it knows of speakers."""

import os
import warnings
from pathlib import Path

import audformat
import numpy as np
import pytest

from sertools.corpora.load import load_corpus
from sertools.errors import CorpusError
from tests.helpers.audformat_databases import database


@pytest.mark.parametrize("storage_format", ["csv", "parquet"])
def test_database_is_read_whole(tmp_path: Path, storage_format: str) -> None:
    corpus = load_corpus(str(database(tmp_path / "db", storage_format)))
    assert (corpus.name, corpus.licence, corpus.citation) == ("mini", "CC0", "a paper")
    clips = corpus.clips
    assert clips.index.tolist() == ["a.wav#0-1", "a.wav#1-2.5", "b.wav#0-1", "b.wav#1-2.5"]
    assert clips["emotion"].tolist() == ["anger", "happiness"] * 2
    assert clips["speaker"].tolist() == ["s1", "s1", "s2", "s2"]
    assert clips["sex"].tolist() == ["female", "female", "male", "male"]
    assert clips["age"].tolist() == [30, 30, 40, 40]
    assert clips["split"].tolist() == ["train", "train", "test", "test"]
    # The scheme declares 1 … 5, so 4 is (4 − 1) / 4.
    np.testing.assert_array_equal(clips["arousal"], [0, 0.75, 0, 0.75])
    assert corpus.notes[0] == "rows from the tables labels.test, labels.train"
    assert corpus.path("b.wav#0-1") == tmp_path / "db" / "b.wav"


def test_split_and_declared_scale_are_obeyed(tmp_path: Path) -> None:
    folder = database(tmp_path / "db")
    corpus = load_corpus(f"{folder}:test", scale={"arousal": (0, 8)})
    assert corpus.clips["arousal"].tolist() == [0.125, 0.5]


def test_labels_of_whole_files_without_segments_are_files(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        db = audformat.Database("files", languages=["de"])
        db.schemes["transcription"] = audformat.Scheme(labels={"t1": "Ja.", "t2": "Nein."})
        db["t"] = audformat.Table(audformat.filewise_index(["x.wav", "y.wav"]))
        db["t"]["valence"] = audformat.Column()
        db["t"]["valence"].set([0.25, 1.0])
        db["t"]["transcription"] = audformat.Column(scheme_id="transcription")
        db["t"]["transcription"].set(["t2", "t1"])
        db.save(str(tmp_path / "db"))
    clips = load_corpus(str(tmp_path / "db")).clips
    assert clips.index.tolist() == ["x.wav", "y.wav"]
    assert clips["valence"].tolist() == [0.25, 1.0]
    assert clips["transcript"].tolist() == ["Nein.", "Ja."]
    assert clips["language"].tolist() == ["deu", "deu"]


def test_pickles_are_never_loaded(tmp_path: Path) -> None:
    folder = database(tmp_path / "db")
    (folder / "db.files.pkl").write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    with pytest.raises(CorpusError) as caught:
        load_corpus(str(folder))
    assert str(caught.value) == (
        "db contains db.files.pkl, and pickles are never loaded "
        "(save the database as CSV or Parquet, or delete the cached pickle next to them)"
    )


MARK = "!!python/object/apply:os.system ['touch {mark}']"


@pytest.mark.parametrize("line", ["description: {}", "{}: a", "meta: [{{a: {}}}]", "x: &y {}"])
def test_a_header_runs_no_code(tmp_path: Path, line: str) -> None:
    folder, mark = database(tmp_path / "db"), tmp_path / "mark"
    header = (folder / "db.yaml").read_text()
    (folder / "db.yaml").write_text(header + line.format(MARK.format(mark=mark)) + "\n")
    with pytest.raises(CorpusError, match="db.yaml is not valid YAML"):
        load_corpus(str(folder))
    assert not mark.exists()


@pytest.mark.parametrize("name", ["sub/evil", "../evil", "a\\\\b"])
def test_a_name_of_a_table_is_no_path(tmp_path: Path, name: str) -> None:
    folder, mark = database(tmp_path / "db"), tmp_path / "mark"
    header = (folder / "db.yaml").read_text().replace("  files:\n", f'  "{name}":\n')
    (folder / "db.yaml").write_text(header)
    for place in ("db.sub/evil.pkl", "../evil.pkl", "db.a/b.pkl"):
        (folder / place).parent.mkdir(exist_ok=True)
        (folder / place).write_bytes(f"cos\nsystem\n(S'touch {mark}'\ntR.".encode())
    with pytest.raises(CorpusError, match="the name of a table cannot contain a path$"):
        load_corpus(str(folder))
    assert not mark.exists()


def test_a_pickle_is_not_opened_whatever_its_age_and_its_companions(tmp_path: Path) -> None:
    folder, mark = database(tmp_path / "db", "csv"), tmp_path / "mark"
    pickled = folder / "db.files.pkl"
    pickled.write_bytes(f"cos\nsystem\n(S'touch {mark}'\ntR.".encode())
    for age in (-100, 100):
        now = (folder / "db.files.csv").stat().st_mtime
        os.utime(pickled, (now - age, now - age))
        with pytest.raises(CorpusError, match="and pickles are never loaded"):
            load_corpus(str(folder))
    pickled.unlink()
    pickled.symlink_to(tmp_path / "none.pkl")
    with pytest.raises(CorpusError, match="and pickles are never loaded"):
        load_corpus(str(folder))
    assert not mark.exists()


def test_a_table_that_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    folder = database(tmp_path / "db", "csv")
    (folder / "db.files.csv").unlink()
    os.mkfifo(folder / "db.files.csv")
    with pytest.raises(CorpusError, match="has no file db.files.parquet or db.files.csv"):
        load_corpus(str(folder))


@pytest.mark.parametrize("header", ["[]", "3", "a", "name: 1", "tables: 3\nname: a\nsource: b\nusage: other"])
def test_a_header_of_another_shape_is_refused(tmp_path: Path, header: str) -> None:
    folder = database(tmp_path / "db")
    (folder / "db.yaml").write_text(header)
    with pytest.raises(CorpusError, match="^db is not a readable audformat database"):
        load_corpus(str(folder))


def test_damaged_and_empty_databases_are_refused(tmp_path: Path) -> None:
    folder = database(tmp_path / "db")
    (folder / "db.yaml").write_text("name: [\n")
    with pytest.raises(CorpusError, match=r"db.yaml is not valid YAML"):
        load_corpus(str(folder))
    (folder / "db.yaml").write_text("name: x\nsource: y\nusage: other\n")
    with pytest.raises(CorpusError, match=r"^db has no table of files$"):
        load_corpus(str(folder))
