"""CREMA-D is read by its file names and its tables of actors and votes."""

from pathlib import Path

import pandas as pd
import pytest

from sertools.corpora.load import load_corpus
from sertools.corpora.registered import crema_d
from sertools.corpora.registry import verified
from sertools.errors import CorpusError
from tests.helpers.places import ROOT

DATA = ROOT / ".." / "shared" / "data"
needs_speech = pytest.mark.skipif(not DATA.is_dir(), reason="the speech in ../shared/data is not here")

ACTORS = (
    "ActorID,Age,Sex,Race,Ethnicity\n1001,51,Male,Caucasian,Not Hispanic\n1002,21,Female,Asian,Hispanic\n"
)
VOTES = """"","FileName","VoiceVote","VoiceLevel"
"1","1001_DFA_ANG_XX","A","54"
"2","1002_IEO_HAP_HI","F:H","54:61"
"""


def tree(root: Path) -> None:
    (root / "AudioWAV").mkdir()
    for stem in ("1001_DFA_ANG_XX", "1002_IEO_HAP_HI", "1002_ITH_SAD_X"):
        (root / "AudioWAV" / f"{stem}.wav").touch()
    (root / "VideoDemographics.csv").write_text(ACTORS)
    (root / "processedResults").mkdir()
    (root / "processedResults" / "summaryTable.csv").write_text(VOTES)


def test_race_that_is_unknown_is_missing(tmp_path: Path) -> None:
    tree(tmp_path)
    (tmp_path / "VideoDemographics.csv").write_text(ACTORS.replace("Asian", "Unknown"))
    assert load_corpus(str(tmp_path)).clips["race"].isna().tolist() == [False, True, True]


def test_original_tree_gives_labels_actors_and_votes(tmp_path: Path) -> None:
    tree(tmp_path)
    clips = load_corpus(str(tmp_path)).clips
    columns = ["file", "speaker", "sex", "age", "race", "emotion", "level"]
    assert clips[columns].to_numpy().tolist() == [
        ["AudioWAV/1001_DFA_ANG_XX.wav", "1001", "male", 51, "Caucasian", "anger", "XX"],
        ["AudioWAV/1002_IEO_HAP_HI.wav", "1002", "female", 21, "Asian", "happiness", "HI"],
        ["AudioWAV/1002_ITH_SAD_X.wav", "1002", "female", 21, "Asian", "sadness", "XX"],
    ]
    assert clips["transcript"].tolist() == [
        "Don't forget a jacket.",
        "It's eleven o'clock.",
        "I think I have a doctor's appointment.",
    ]
    assert clips["voice_vote"].tolist()[:2] == ["anger", "fear|happiness"]
    assert pd.isna(clips["voice_vote"].iloc[2])


def test_actors_that_are_missing_are_asked_for(tmp_path: Path) -> None:
    tree(tmp_path)
    (tmp_path / "VideoDemographics.csv").unlink()
    with pytest.raises(CorpusError) as caught:
        load_corpus(str(tmp_path))
    assert str(caught.value) == (
        f"{tmp_path} has no VideoDemographics.csv, so the sex of the speakers is unknown "
        "(it is next to AudioWAV in the corpus' repository)"
    )


@needs_speech
def test_codes_say_what_the_full_table_of_labels_says() -> None:
    table = pd.read_csv(DATA / "crema-d_labels" / "crema-d_labels.csv", dtype=str)
    codes = [crema_d.CODE.fullmatch(file) for file in table["file"]]
    assert [crema_d.EMOTIONS[code["emotion"]] for code in codes if code] == table["emotion"].tolist()
    assert [crema_d.SENTENCES[code["sentence"]] for code in codes if code] == table["transcript"].tolist()
    said = (
        "as published: 7442 of 7442 clips, 91 of 91 speakers, 43 of 43 female speakers, "
        "48 of 48 male speakers"
    )
    assert verified(table, crema_d.EXPECTED)[0].startswith(said)
    assert len(verified(table, crema_d.EXPECTED)) == 1


@needs_speech
def test_sample_says_that_it_is_one() -> None:
    corpus = load_corpus(str(DATA / "crema-d_sample"))
    assert corpus.name == "crema-d"
    assert corpus.notes[0].startswith("published: 7442 clips, found 11; published: 91 speakers, found 8; ")
    assert corpus.clips["sex"].isin(["female", "male"]).all()


def test_raters_of_the_voice_alone_count_once(tmp_path: Path) -> None:
    tree(tmp_path)
    with pytest.raises(CorpusError, match=r"has no finishedResponses\.csv"):
        crema_d.raters(tmp_path)
    (tmp_path / "finishedResponses.csv").write_text(
        '"","localid","sessionNums","queryType","clipName","respEmo"\n'
        '"1","7","1","1","1001_DFA_ANG_XX","A"\n"2","7","2","1","1001_DFA_ANG_XX","A"\n'
        '"3","7","1","2","1001_DFA_ANG_XX","D"\n"4","9","1","1","1001_DFA_ANG_XX","N"\n'
    )
    assert crema_d.raters(tmp_path).to_numpy().tolist() == [
        ["AudioWAV/1001_DFA_ANG_XX.wav", "7", "anger"],
        ["AudioWAV/1001_DFA_ANG_XX.wav", "9", "neutral"],
    ]


def test_flat_folder_is_read_without_the_table_of_actors(tmp_path: Path) -> None:
    (tmp_path / "1001_DFA_ANG_XX.wav").touch()
    corpus = load_corpus(str(tmp_path))
    assert corpus.name == "crema-d"
    assert corpus.clips["emotion"].tolist() == ["anger"]
    assert corpus.clips["sex"].isna().all()
