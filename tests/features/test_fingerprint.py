"""Fingerprints of sound, on real speech: what is the same recording to them, and what is not."""

import numpy as np
import pandas as pd
import pytest
import soxr

from sertools.audio.files import read_audio
from sertools.features.fingerprint import RATE, SILENT, Prints, frame_words, hash_words
from sertools.metrics.fingerprints import FRAMES, SAME_RECORDING, similar_pairs
from tests.helpers.places import ROOT

EMODB = ROOT.parent / "shared/data/emodb"
real_speech = pytest.mark.skipif(not EMODB.is_dir(), reason="shared/data/emodb is not there")


def columns_of(signals):
    model = Prints()
    scores = pd.DataFrame(model.predict(signals).scores.astype(np.float32), columns=list(model.labels))
    return model.columns(scores)


@pytest.fixture(scope="module")
def speech():
    files = sorted((EMODB / "audio").glob("*.flac"))[::40]
    return [read_audio(file, RATE).astype(np.float64) for file in files]


def noise(signal, snr_db, seed=0):
    rms = np.sqrt(np.mean(signal**2))
    return np.random.default_rng(seed).normal(0, rms * 10 ** (-snr_db / 20), len(signal))


def resampled(signal, rate):
    """To another rate and back, as a copy that was stored there."""
    return soxr.resample(soxr.resample(signal, RATE, rate), rate, RATE)


@real_speech
@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(lambda x: np.round(0.3 * x * 32768) / 32768, id="lower level, 16 bits"),
        pytest.param(lambda x: -2.5 * x, id="higher level, other polarity"),
        pytest.param(lambda x: resampled(x, 5512.5), id="resampled to 5.5 kHz"),
        pytest.param(lambda x: resampled(x, 11025), id="resampled to 11 kHz"),
        pytest.param(lambda x: np.pad(x, (1234, 500)), id="silence around"),
        pytest.param(lambda x: x + noise(x, 30), id="noise at 30 dB"),
    ],
)
def test_a_copy_is_recognised_as_its_original_and_no_other(speech, changed):
    originals = columns_of(speech)["audio_print"].tolist()
    copies = columns_of([changed(signal) for signal in speech])["audio_print"].tolist()
    found = similar_pairs(originals, copies, least=SAME_RECORDING)
    assert sorted((i, j) for i, j, _ in found) == [(i, i) for i in range(len(speech))]


@real_speech
def test_different_takes_of_the_same_sentence_are_different_recordings():
    table = pd.read_csv(EMODB / "metadata.csv")
    takes = table[table["sentence"] == "a01"]
    prints = columns_of([read_audio(EMODB / file, RATE) for file in takes["file"]])["audio_print"].tolist()
    assert len(prints) > 40
    assert similar_pairs(prints) == []


def test_equal_samples_have_one_hash_and_a_changed_one_another():
    signal = np.random.default_rng(0).normal(0, 0.1, 4000)
    other = signal.copy()
    other[7] += 2 / 32768
    hashes = columns_of([signal, signal.copy(), other])["audio_hash"].tolist()
    assert hashes[0] == hashes[1] != hashes[2]
    assert len(hashes[0]) == 18


def test_words_survive_the_float32_of_the_store():
    signal = np.random.default_rng(1).normal(0, 0.1, 9000)
    for words in (hash_words(signal), frame_words(signal)):
        assert (words == words.astype(np.float32)).all()
        assert ((words >= SILENT) & (words < 2**24)).all()


def test_silence_has_no_frames():
    assert frame_words(np.zeros(8000)).tolist() == [SILENT] * FRAMES


@pytest.mark.parametrize("samples", [1, 50, 199, 201])
def test_very_short_clips_have_a_fingerprint_too(samples):
    words = frame_words(np.random.default_rng(0).normal(0, 0.1, samples))
    assert words.shape == (FRAMES,)
    assert (words != SILENT).any()


def test_frames_follow_the_sound_not_the_file():
    signal = np.random.default_rng(2).normal(0, 0.1, 8000)
    later = np.concatenate([np.zeros(3000), signal, np.zeros(10)])
    prints = columns_of([signal, later])["audio_print"]
    ((_, _, agreement),) = similar_pairs(prints.tolist())
    assert agreement > 0.97, "the centre is rounded to a sample, which may turn single bits"


def test_a_clip_that_could_not_be_heard_has_neither():
    model = Prints()
    scores = pd.DataFrame([[np.nan] * len(model.labels)], columns=list(model.labels))
    assert model.columns(scores).isna().all(axis=None)
