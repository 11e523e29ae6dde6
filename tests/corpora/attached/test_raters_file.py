from pathlib import Path

import pandas as pd
import pytest

from sertools.corpora.attached.beside import Beside
from sertools.corpora.load import load_corpus
from sertools.errors import CorpusError
from sertools.tables.votes import unpacked, votes_of


@pytest.fixture
def manifest(tmp_path) -> Path:
    path = tmp_path / "clips.csv"
    path.write_text("file,speaker,emotion\nwav/a.wav,1,anger\nwav/b.wav,2,fear\n")
    return path


def loaded(manifest, text, **given):
    path = manifest.with_name("raters.csv")
    path.write_text(text)
    votes = given.pop("votes", "votes")
    return load_corpus(str(manifest), beside=Beside(raters=path, votes=votes), **given)


@pytest.mark.parametrize("names", [("wav/a.wav", "wav/b.wav"), ("a", "b"), ("a.wav", "b.wav")])
def test_rows_of_raters_are_matched_by_id_path_or_name(manifest, names):
    a, b = names
    corpus = loaded(manifest, f"clip,rater,emotion\n{a},r1,anger\n{a},r2,fear\n{b},r1,fear\n")
    assert votes_of(corpus.clips).counts.tolist() == [[1, 1], [0, 1]]
    assert unpacked(corpus.clips["raters"]) == [["r1", "r2"], ["r1"]]
    assert corpus.clips["emotion"].tolist() == ["anger", "fear"]
    assert any("raters.csv has labels of individual raters for 2 of 2 clips" in note for note in corpus.notes)


def test_columns_of_the_file_are_renamed_with_the_same_option(manifest):
    text = "name,worker,emo\na,r1,anger\na,r2,anger\n"
    names = {"name": "clip", "worker": "rater", "emo": "emotion"}
    corpus = loaded(manifest, text, column_map=names)
    assert votes_of(corpus.clips).raters.tolist() == [2, 0]


def test_votes_per_clip_are_read_under_their_prefix(manifest):
    corpus = loaded(manifest, "clip,voice_anger,voice_fear,voice_n\na,2,1,3\nb,0,2,2\n", votes="voice")
    assert votes_of(corpus.clips).counts.tolist() == [[2, 1], [0, 2]]


def test_raters_of_unknown_clips_are_an_error_that_names_them(manifest):
    with pytest.raises(CorpusError, match="1 of 2 rated clips is not in the corpus: zzz"):
        loaded(manifest, "clip,rater,emotion\na,r1,anger\na,r2,fear\nzzz,r1,fear\n")


def test_a_file_that_says_nothing_of_raters_is_an_error(manifest):
    with pytest.raises(CorpusError, match="names no raters") as raised:
        loaded(manifest, "clip,worker\na,1\nb,2\n")
    assert "--map THEIRS=rater" in raised.value.hint


def test_a_file_without_clips_is_an_error(manifest):
    with pytest.raises(CorpusError, match="has no column 'clip' or 'file'"):
        loaded(manifest, "id,votes_anger\na,1\n")


def test_several_rows_of_a_clip_without_raters_are_an_error(manifest):
    with pytest.raises(CorpusError, match=r"several rows of clip 'wav/a.wav' and no column 'rater'"):
        loaded(manifest, "clip,votes_anger,votes_fear\na,1,0\na,0,1\n")


def test_votes_in_both_tables_are_an_error(manifest):
    table = pd.read_csv(manifest).assign(votes_anger=1, votes_fear=0)
    table.to_csv(manifest, index=False)
    with pytest.raises(CorpusError, match="both the corpus and raters.csv have a column 'votes_anger'"):
        loaded(manifest, "clip,votes_anger,votes_fear\na,1,0\n")


@pytest.mark.parametrize(
    ("text", "votes", "path"),
    [
        ("", "votes", None),
        ("voice", "voice", None),
        ("voice_", "voice", None),
        ("raters.csv", "votes", "raters.csv"),
        ("raters.parquet:voice", "voice", "raters.parquet"),
        ("some/raters", "votes", "some/raters"),
    ],
)
def test_one_option_names_columns_or_a_file(text, votes, path):
    beside = Beside.of(text)
    assert (beside.votes, beside.raters) == (votes, None if path is None else Path(path))
