"""RAVDESS is read by its file names, from either layout, speech only."""

from pathlib import Path

import pandas as pd
import pytest

from sertools.corpora.load import load_corpus
from sertools.corpora.registered import ravdess
from sertools.corpora.registry import verified
from tests.helpers.places import ROOT

DATA = ROOT / ".." / "shared" / "data"
needs_speech = pytest.mark.skipif(not DATA.is_dir(), reason="the speech in ../shared/data is not here")


def test_folders_of_actors_are_read_once_and_without_song_and_video(tmp_path: Path) -> None:
    names = {
        "Actor_12": ["03-01-06-01-02-01-12.wav", "03-02-06-01-02-01-12.wav", "02-01-06-01-02-01-12.mp4"],
        "Actor_21": ["03-01-08-02-01-02-21.wav"],
    }
    for folder in ("", "audio_speech_actors_01-24"):
        for actor, files in names.items():
            (tmp_path / folder / actor).mkdir(parents=True)
            for file in files:
                (tmp_path / folder / actor / file).touch()
    assert ravdess.recognises(tmp_path)
    clips = load_corpus(str(tmp_path)).clips
    assert clips["file"].tolist() == [
        "Actor_12/03-01-06-01-02-01-12.wav",
        "Actor_21/03-01-08-02-01-02-21.wav",
    ]
    columns = ["speaker", "sex", "emotion", "intensity", "transcript", "repetition", "split"]
    assert clips[columns].to_numpy().tolist() == [
        ["12", "female", "fear", "normal", "Dogs are sitting by the door.", 1, "train"],
        ["21", "male", "surprise", "strong", "Kids are talking by the door.", 2, "test"],
    ]


def test_nested_download_alone_is_recognised(tmp_path: Path) -> None:
    (tmp_path / "speech" / "Actor_01").mkdir(parents=True)
    assert not ravdess.recognises(tmp_path)
    (tmp_path / "speech" / "Actor_01" / "03-01-01-01-01-01-01.wav").touch()
    assert ravdess.recognises(tmp_path)
    assert load_corpus(str(tmp_path)).clips["emotion"].tolist() == ["neutral"]


@needs_speech
def test_codes_say_what_the_table_of_the_conversion_says() -> None:
    table = pd.read_csv(DATA / "ravdess" / "metadata.csv", dtype=str)
    read = ravdess.scan(DATA / "ravdess")
    for column in ("speaker", "sex", "emotion", "transcript", "sentence", "split", "intensity", "repetition"):
        assert read[column].astype(str).tolist() == table[column].tolist(), column


@needs_speech
def test_published_counts_are_met() -> None:
    assert len(verified(ravdess.scan(DATA / "ravdess"), ravdess.EXPECTED)) == 1
    assert sum(ravdess.EXPECTED[emotion] for emotion in ravdess.EMOTIONS.values()) == 1440
