import pandas as pd
import pytest

from sertools.corpora.clips import as_clips
from sertools.corpora.load import load_clips, load_corpus
from sertools.corpora.raters.one_row_per_rater import one_row_per_clip
from sertools.errors import CorpusError
from sertools.tables.votes import unpacked, votes_of

ROWS = pd.DataFrame(
    [
        ("a.wav", "s1", "r1", "anger", 1, "10:00"),
        ("a.wav", "s1", "r2", "anger", 3, "10:05"),
        ("a.wav", "s1", "r3", "fear", None, "10:07"),
        ("b.wav", "s2", "r1", "neutral", 2, "10:09"),
    ],
    columns=["file", "speaker", "rater", "emotion", "arousal", "time"],
)


def test_rows_of_raters_become_one_row_per_clip(tmp_path):
    path = tmp_path / "ratings.csv"
    ROWS.to_csv(path, index=False)
    corpus = load_corpus(str(path), scale={"arousal": (1, 5)})
    clips = corpus.clips
    assert clips.index.tolist() == ["a.wav", "b.wav"]
    assert clips["speaker"].tolist() == ["s1", "s2"]
    assert clips["emotion"].tolist() == ["anger", "neutral"]
    assert clips["arousal"].tolist() == [0.25, 0.25]
    assert unpacked(clips["raters"]) == [["r1", "r2", "r3"], ["r1"]]
    assert unpacked(clips["ratings_arousal"]) == [[0, 0.5, None], [0.25]]
    votes = votes_of(clips)
    assert dict(zip(votes.classes, votes.counts[0], strict=True)) == {"anger": 2, "fear": 1, "neutral": 0}
    assert any("4 ratings of 2 clips by 3 raters" in note for note in corpus.notes)
    assert any("left out: time" in note for note in corpus.notes)
    assert "time" not in clips
    # leakage reads the same table without labels
    assert load_clips(str(path)).clips.index.tolist() == ["a.wav", "b.wav"]


def test_a_table_that_repeats_no_clip_stays_as_it_is():
    table = ROWS.drop_duplicates("file")
    assert one_row_per_clip(table, "x.csv")[0] is table
    assert "rater" in as_clips(table.drop(columns="arousal"), source="x.csv")[0]


def test_a_rater_who_rates_a_clip_twice_is_an_error():
    twice = pd.concat([ROWS, ROWS.head(1)])
    with pytest.raises(CorpusError, match="rater 'r1' rates 'a.wav' twice"):
        one_row_per_clip(twice, "x.csv")


def test_a_row_without_a_rater_is_an_error():
    with pytest.raises(CorpusError, match=r"row 3 \('a.wav'\) has no rater"):
        one_row_per_clip(ROWS.assign(rater=["r1", "r2", None, "r1"]), "x.csv")


def test_rows_of_a_clip_that_contradict_each_other_are_an_error():
    with pytest.raises(CorpusError, match="clip 'a.wav' has several values of 'speaker': s1, s9"):
        one_row_per_clip(ROWS.assign(speaker=["s1", "s9", "s1", "s2"]), "x.csv")
