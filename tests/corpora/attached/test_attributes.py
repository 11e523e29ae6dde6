from pathlib import Path

import pytest

from sertools.corpora.attached.beside import Beside
from sertools.corpora.load import load_corpus
from sertools.errors import CorpusError


@pytest.fixture
def manifest(tmp_path) -> Path:
    path = tmp_path / "clips.csv"
    path.write_text(
        "file,speaker,emotion,sex\nwav/a.wav,01,anger,\nwav/b.wav,02,fear,f\nwav/c.wav,01,fear,\n"
    )
    return path


def loaded(manifest, text, **given):
    path = manifest.with_name("people.csv")
    path.write_text(text)
    return load_corpus(str(manifest), beside=Beside(attributes=path), **given)


def test_attributes_of_speakers_reach_each_of_their_clips_and_fill_gaps(manifest):
    corpus = loaded(manifest, "speaker,sex,age\n01,m,30\n03,f,40\n")
    assert corpus.clips["sex"].tolist() == ["male", "female", "male"]
    assert corpus.clips["age"].tolist()[0] == 30
    assert corpus.clips["age"].isna().tolist() == [False, True, False]
    assert "people.csv adds sex, age for 2 of 3 clips, by 1 of 2 speakers" in corpus.notes


def test_attributes_of_clips_are_matched_by_name_and_renamed(manifest):
    corpus = loaded(manifest, "id,room\na,kitchen\nc,hall\n", column_map={"id": "clip"})
    assert corpus.clips["room"].fillna("").tolist() == ["kitchen", "", "hall"]
    assert "people.csv adds room for 2 of 3 clips" in corpus.notes


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name,sex\n01,m\n", "has no column 'clip', 'file' or 'speaker'"),
        ("speaker,sex\n77,m\n", "lists no speaker of the corpus: 77; the corpus has 01, 02"),
        ("speaker,sex\n01,m\n01,f\n", "lists speaker '01' twice"),
        ("speaker\n01\n", "has no column besides 'speaker'"),
        ("speaker,sex\n02,m\n", "sex of clip 'wav/b.wav' is 'm', but 'f' in the corpus"),
    ],
)
def test_what_cannot_be_joined_is_an_error(manifest, text, said):
    with pytest.raises(CorpusError, match=said):
        loaded(manifest, text)


def test_speakers_for_a_corpus_without_speakers_are_an_error(tmp_path):
    path = tmp_path / "clips.csv"
    path.write_text("file,emotion\na.wav,anger\n")
    with pytest.raises(CorpusError, match="the corpus names none"):
        loaded(path, "speaker,sex\n01,m\n")
