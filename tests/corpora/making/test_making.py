"""Corpora made of others: resampled, merged, and written for other programs."""

import errno
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sertools.audio.files import read_audio, write_audio
from sertools.corpora.load import load_corpus
from sertools.corpora.making import export as exports
from sertools.corpora.making.export import export
from sertools.corpora.making.merge import merge
from sertools.corpora.making.new import file_name
from sertools.corpora.making.resample import resample
from sertools.errors import CorpusError

RATE = 16000


@pytest.fixture
def corpus(tmp_path):
    folder = tmp_path / "own"
    folder.mkdir()
    time = np.arange(RATE) / RATE
    for name, frequency in (("a", 200), ("b", 300)):
        write_audio(
            folder / f"{name}.wav", (0.3 * np.sin(2 * np.pi * frequency * time)).astype(np.float32), RATE
        )
    table = (
        "file,start,end,speaker,sex,age,emotion,arousal,split,votes_anger,votes_fear\n"
        "a.wav,0,0.5,01,f,30,anger,0.25,train,2,1\n"
        "a.wav,0.5,1,01,f,30,fear,0.5,test,0,3\n"
        "b.wav,,,02,m,40,,,test,,\n"
    )
    (folder / "clips.csv").write_text(table)
    return load_corpus(str(folder / "clips.csv"))


def cells(column):
    """The values of a column as text, a dash where there is none."""
    return column.astype(object).where(column.notna(), "-").astype(str).tolist()


def same_labels(found, corpus, columns=("speaker", "sex", "emotion", "arousal")):
    for column in columns:
        assert cells(found[column]) == cells(corpus.clips[column])


def test_resampled_clips_have_files_of_their_own_and_their_old_ids(corpus, tmp_path):
    made = resample(corpus, 8000, tmp_path / "r8")
    again = load_corpus(str(tmp_path / "r8"))
    assert again.clips.index.tolist() == corpus.clips.index.tolist()
    assert again.clips["original_file"].tolist() == ["a.wav", "a.wav", "b.wav"]
    same_labels(again.clips, corpus)
    assert again.clips["votes_anger"].tolist()[:2] == [2, 0]
    for clip in corpus.clips.index:
        np.testing.assert_allclose(again.signal(clip, 8000), corpus.signal(clip, 8000), atol=2**-23)
    assert made.root == tmp_path / "r8"
    assert {path.suffix for path in (tmp_path / "r8/audio").iterdir()} == {".flac"}


def test_a_clip_louder_than_full_scale_is_kept_as_it_is(tmp_path):
    write_audio(tmp_path / "a.wav", 1.5 * np.ones(800, np.float32), 8000)
    (tmp_path / "clips.csv").write_text("file\na.wav\n")
    resample(load_corpus(str(tmp_path / "clips.csv")), 8000, tmp_path / "out")
    (path,) = (tmp_path / "out/audio").iterdir()
    assert read_audio(path, 8000).max() == 1.5


@pytest.mark.parametrize("rate", [0, 10**7])
def test_rates_that_cannot_be_are_an_error(corpus, tmp_path, rate):
    with pytest.raises(CorpusError, match="a sampling rate is between"):
        resample(corpus, rate, tmp_path / "out")


def test_nothing_is_overwritten(corpus, tmp_path):
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine.txt").write_text("mine")
    file = tmp_path / "clips.parquet"
    file.write_text("mine")
    for act in (
        lambda: resample(corpus, 8000, full),
        lambda: merge([corpus, corpus], full),
        lambda: export(corpus, "audformat", full),
        lambda: export(corpus, "datasets", full),
        lambda: export(corpus, "parquet", file),
        lambda: resample(corpus, 8000, file),
    ):
        with pytest.raises(CorpusError, match="nothing is overwritten"):
            act()
    assert [path.name for path in full.iterdir()] == ["mine.txt"]
    assert file.read_text() == "mine"


def test_merged_corpora_keep_the_ids_of_each(corpus, tmp_path):
    other = load_corpus(str(shutil.copytree(corpus.root, tmp_path / "other") / "clips.csv"))
    other = type(other)(**{**vars(other), "name": "other"})
    joined = merge([corpus, other], tmp_path / "both")
    again = load_corpus(str(tmp_path / "both"))
    assert len(again.clips) == 6
    assert again.clips["original_clip"].tolist() == [*corpus.clips.index, *corpus.clips.index]
    assert again.clips.index.tolist() == joined.clips.index.tolist()
    assert set(again.clips["corpus"]) == {"clips", "other"}
    with pytest.raises(CorpusError, match="at least two corpora"):
        merge([corpus], tmp_path / "one")


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_table_leads_back_to_the_same_clips(corpus, tmp_path, kind):
    path = tmp_path / "elsewhere" / f"clips.{kind}"
    export(corpus, kind, path)
    again = load_corpus(str(path))
    assert again.clips.index.tolist() == corpus.clips.index.tolist()
    same_labels(again.clips, corpus)
    assert again.path(again.clips.index[0]) == corpus.path(corpus.clips.index[0]).resolve()
    assert again.clips["votes_fear"].tolist()[:2] == [1, 3]


def test_audformat_leads_back_to_the_same_clips_and_speakers(corpus, tmp_path):
    export(corpus, "audformat", tmp_path / "db")
    again = load_corpus(str(tmp_path / "db"))
    same_labels(again.clips, corpus)
    assert again.clips["age"].tolist() == [30, 30, 40]
    assert again.clips["start"].tolist()[:2] == [0, 0.5]
    for own, clip in zip(corpus.clips.index, again.clips.index, strict=True):
        np.testing.assert_array_equal(again.signal(clip, RATE), corpus.signal(own, RATE))


def test_a_dataset_holds_the_sound_of_each_split(corpus, tmp_path):
    datasets = pytest.importorskip("datasets")
    export(corpus, "datasets", tmp_path / "ds")
    names = sorted(path.name for path in (tmp_path / "ds/data").iterdir())
    assert names == ["test-00000-of-00001.parquet", "train-00000-of-00001.parquet"]
    again = load_corpus(f"datasets:{tmp_path / 'ds'}:test")
    assert cells(again.clips["emotion"]) == ["fear", "-"]
    np.testing.assert_allclose(
        again.signal(again.clips.index[0], RATE), corpus.signal(corpus.clips.index[1], RATE), atol=2**-23
    )
    read = datasets.Features.from_arrow_schema(
        __import__("pyarrow.parquet").parquet.read_schema(tmp_path / "ds/data" / names[0])
    )
    assert read["audio"] == datasets.Audio()
    assert "licence" in (tmp_path / "ds/README.md").read_text().lower()


def test_egemaps_has_a_row_for_every_clip_and_empty_ones_without_sound(corpus, tmp_path):
    pytest.importorskip("opensmile")
    corpus.path(corpus.clips.index[2]).unlink()
    export(corpus, "egemaps", tmp_path / "features.csv")
    table = pd.read_csv(tmp_path / "features.csv")
    assert len(table) == 3
    features = table.filter(regex="_sma3|loudness|Slope")
    assert features.iloc[:2].notna().any(axis=1).all()
    assert features.iloc[2].isna().all()
    assert table["clip"].tolist() == corpus.clips.index.tolist()


def test_formats_with_sound_need_it(corpus, tmp_path):
    corpus.path(corpus.clips.index[2]).unlink()
    with pytest.raises(CorpusError, match=r"1 of 2 files of clips are missing, such as b.wav"):
        export(corpus, "audformat", tmp_path / "db")
    with pytest.raises(CorpusError, match="clip 'b.wav' cannot be written"):
        export(corpus, "datasets", tmp_path / "ds")
    assert not (tmp_path / "db").exists()
    assert not (tmp_path / "ds").exists()


def test_another_ending_is_an_error(corpus, tmp_path):
    with pytest.raises(CorpusError, match="a file that ends in .csv is needed"):
        export(corpus, "csv", tmp_path / "clips.xlsx")


def test_a_full_disk_is_one_sentence_and_leaves_nothing(corpus, tmp_path, monkeypatch):
    def full(table, path):
        Path(path).write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setitem(exports.FILES, ".csv", full)
    with pytest.raises(CorpusError, match="the disk is full"):
        export(corpus, "csv", tmp_path / "out" / "clips.csv")
    assert list((tmp_path / "out").iterdir()) == []


def test_file_names_are_harmless_and_unique_by_their_number():
    assert file_name(3, "../x/ä b;c.wav", ".flac") == "00003-b_c_wav.flac"
