"""Long recordings read window by window have the samples and predictions of the whole, in little memory."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sertools.audio.files import audio_blocks, read_audio, write_audio
from sertools.audio.long_signal import LongSignal
from sertools.corpora.load import load_corpus
from sertools.errors import AudioError
from sertools.inference import decode
from sertools.inference.predict import predict
from sertools.inference.settings import Settings
from sertools.models.derived.windowed import Window, windowed
from sertools.models.load import load_model

RATE = 16000


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    """Ten seconds at 22.05 kHz."""
    path = tmp_path_factory.mktemp("long") / "long.wav"
    sound = np.random.default_rng(0).standard_normal(220500) * np.linspace(0.01, 0.2, 220500)
    write_audio(path, sound.clip(-1, 1), 22050)
    return path


@pytest.mark.parametrize("rate", [22050, RATE])
def test_windows_have_the_samples_of_the_whole(recording, rate):
    whole = read_audio(recording, rate)
    long = LongSignal(lambda: audio_blocks(recording, rate))
    assert len(long) == len(whole)
    for start in (*range(0, len(whole), rate // 3), 0, rate):
        np.testing.assert_array_equal(long[start : start + rate], whole[start : start + rate])
    np.testing.assert_array_equal(long[:], whole)


def test_only_the_window_is_held(recording):
    long = LongSignal(lambda: audio_blocks(recording, RATE))
    blocks = max(len(block) for block in audio_blocks(recording, RATE))
    for start in range(0, len(long) - 100, 100):
        long[start : start + 100]
        assert len(long._held) <= 100 + 2 * blocks


def test_silence_is_seen_and_a_damaged_file_is_an_error(tmp_path, recording):
    write_audio(tmp_path / "silent.wav", np.zeros(1000), RATE)
    assert LongSignal(lambda: audio_blocks(tmp_path / "silent.wav", RATE)).silent
    assert not LongSignal(lambda: audio_blocks(recording, RATE)).silent
    with pytest.raises(AudioError):
        LongSignal(lambda: audio_blocks(tmp_path / "none.wav", RATE))


def test_predictions_do_not_depend_on_how_a_clip_is_read(recording, tmp_path, monkeypatch):
    pd.DataFrame(
        {"clip": ["all", "part"], "file": "long.wav", "start": [None, 2.5], "end": [None, 9.0]}
    ).to_csv(recording.with_name("clips.csv"), index=False)
    corpus = load_corpus(str(recording.with_name("clips.csv")))
    assert corpus.duration_s("part") == 6.5
    model = windowed(load_model("toy:loudness"), Window(length_s=1.0, hop_s=0.4))
    whole = predict(model, corpus, settings=Settings(cache=tmp_path / "a"))["clean"]
    monkeypatch.setattr(decode, "LONG_S", 1.0)
    read = []
    monkeypatch.setattr(
        decode,
        "_checked",
        lambda signal, *a, check=decode._checked, **k: read.append(type(signal)) or check(signal, *a, **k),
    )
    streamed = predict(model, corpus, settings=Settings(cache=tmp_path / "b"))["clean"]
    assert read == [LongSignal, LongSignal]
    pd.testing.assert_frame_equal(streamed.scores, whole.scores, check_exact=True)
    again = predict(replace(model, name="other"), corpus, settings=Settings(cache=tmp_path / "c"))["clean"]
    pd.testing.assert_frame_equal(again.scores, whole.scores, check_exact=True)
