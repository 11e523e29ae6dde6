"""Acoustic features of a corpus: measured once, whoever measures them."""

import numpy as np
import pytest

from sertools.audio import opensmile
from sertools.audio.files import read_audio
from sertools.corpora.load import load_corpus
from sertools.features import acoustics
from sertools.store.cache import verify
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
    done: list[int] = []
    found = acoustics.measured(corpus, "1", tmp_path, advance=done.append)
    assert list(found) == list(corpus.clips.index)
    assert sum(done) == 6
    for clip, rows in found.items():
        expected = opensmile.features(read_audio(corpus.path(clip), 16000))
        np.testing.assert_array_equal(rows, expected)


def test_worker_processes_measure_the_same(tmp_path, corpus, monkeypatch):
    monkeypatch.setattr(acoustics, "WORTH_IT", 2)
    monkeypatch.setattr(acoustics, "AT_ONCE", 4)
    alone = acoustics.measured(corpus, "1", tmp_path / "alone", workers=1)
    assert same(alone, acoustics.measured(corpus, "1", tmp_path / "together", workers=2))


def test_nothing_is_measured_twice_but_what_is_damaged(tmp_path, corpus, monkeypatch):
    found = acoustics.measured(corpus, "1", tmp_path)
    kept = {clip: np.array(rows) for clip, rows in found.items()}
    assert verify(tmp_path) == []
    measured = []
    measure = acoustics.measure
    monkeypatch.setattr(acoustics, "measure", lambda clips: measured.extend(clips) or measure(clips))
    assert same(kept, acoustics.measured(corpus, "1", tmp_path))
    assert not measured
    (path,) = tmp_path.glob("*/*/*/*.acoustics.npy")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert same(kept, acoustics.measured(corpus, "1", tmp_path))
    assert len(measured) == 6


def test_a_clip_that_cannot_be_heard_has_no_rows(tmp_path):
    voices(tmp_path / "data", 3)
    (tmp_path / "data" / "001.wav").write_bytes(b"no sound")
    corpus = load_corpus(str(tmp_path / "data" / "clips.csv"))
    found = acoustics.measured(corpus, "1", tmp_path / "store")
    assert [len(rows) > 0 for rows in found.values()] == [True, False, True]
