"""Acoustic features of a corpus: measured once, whoever measures them."""

import numpy as np
import pandas as pd
import pytest

from sertools.audio import opensmile
from sertools.audio.files import read_audio
from sertools.corpora.load import load_corpus
from sertools.features.functionals import Functionals
from sertools.inference.frames import acoustics
from sertools.inference.jobs import jobs
from sertools.inference.predict import predict
from sertools.inference.settings import Settings
from sertools.store.cache import verify
from sertools.tables.condition import Condition
from sertools.tables.egemaps import FUNCTIONAL_COLUMNS
from tests.helpers.voices import voices

pytest.importorskip("opensmile", reason="opensmile is not installed: pip install opensmile")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return voices(tmp_path_factory.mktemp("voices"), 6)


def same(found, again):
    return list(found) == list(again) and all(
        np.array_equal(found[clip], again[clip], equal_nan=True) for clip in found
    )


def test_every_clip_has_the_features_of_its_sound(tmp_path, corpus):
    found = acoustics.measured(corpus, "1", Settings(cache=tmp_path))
    assert list(found) == list(corpus.clips.index)
    for clip, rows in found.items():
        expected = opensmile.features(read_audio(corpus.path(clip), 16000))
        np.testing.assert_array_equal(rows, expected)


def measured_signals(monkeypatch):
    """The signals that openSMILE gets from now on."""
    signals = []
    analyses = opensmile.analyses
    monkeypatch.setattr(opensmile, "analyses", lambda some: signals.extend(some) or analyses(some))
    return signals


def test_nothing_is_measured_twice_but_what_is_damaged(tmp_path, corpus, monkeypatch):
    settings = Settings(cache=tmp_path)
    found = acoustics.measured(corpus, "1", settings)
    kept = {clip: np.array(rows) for clip, rows in found.items()}
    assert verify(tmp_path) == []
    measured = measured_signals(monkeypatch)
    assert same(kept, acoustics.measured(corpus, "1", settings))
    assert not measured
    (path,) = tmp_path.glob("*/*/*/*.acoustics.npy")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert same(kept, acoustics.measured(corpus, "1", settings))
    assert len(measured) == 6


def test_features_and_functionals_come_from_one_pass(tmp_path, corpus, monkeypatch):
    both, alone = Settings(cache=tmp_path / "both"), Settings(cache=tmp_path / "alone")
    measured = measured_signals(monkeypatch)
    acoustics.measured(corpus, "1", both)
    assert len(measured) == 6
    found = predict(Functionals(), corpus, settings=both, corpus_fingerprint="1")["clean"]
    assert len(measured) == 6, "the functionals are there"
    expected = predict(Functionals(), corpus, settings=alone, corpus_fingerprint="1")["clean"]
    pd.testing.assert_frame_equal(found.scores, expected.scores)
    shards = [
        (jobs(Functionals(), corpus, [Condition()], each, "1")[0].folder / "00000.parquet").read_bytes()
        for each in (both, alone)
    ]
    assert shards[0] == shards[1]


def test_a_part_of_a_corpus_measures_its_shards_only(tmp_path, corpus, monkeypatch):
    settings = Settings(cache=tmp_path)
    monkeypatch.setattr("sertools.inference.jobs.SHARD", 2)
    measured = measured_signals(monkeypatch)
    clips = corpus.clips.index[[4, 1]]
    found = acoustics.functionals_of(corpus, clips, settings)
    assert list(found.index) == list(clips)
    assert len(measured) == 4, "two shards of two clips"
    signals = [read_audio(corpus.path(clip), 16000) for clip in clips]
    np.testing.assert_array_equal(found[list(FUNCTIONAL_COLUMNS)], opensmile.functionals(signals))
    acoustics.functionals_of(corpus, corpus.clips.index[[0, 5]], settings)
    assert len(measured) == 4 + 2, "the two of the test itself, and no more"


def test_a_clip_that_cannot_be_heard_has_no_rows(tmp_path):
    voices(tmp_path / "data", 3)
    (tmp_path / "data" / "001.wav").write_bytes(b"no sound")
    corpus = load_corpus(str(tmp_path / "data" / "clips.csv"))
    found = acoustics.measured(corpus, "1", Settings(cache=tmp_path / "store"))
    assert [len(rows) > 0 for rows in found.values()] == [True, False, True]
