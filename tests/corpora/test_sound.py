"""Properties of recordings are described, and those that go with a label are told as confounds."""

from pathlib import Path

import numpy as np
import pandas as pd
import soundfile

from sertools.audio.files import read_audio
from sertools.audio.recording import Recording
from sertools.corpora.check import check
from sertools.corpora.corpus import fingerprint
from sertools.corpora.load import load_corpus
from sertools.corpora.sound import description

PLAIN = Recording(
    rate=16000,
    channels=1,
    opposed=False,
    polarity=1,
    peak=0.5,
    clipped=0,
    offset=0,
    bandwidth_hz=8000,
    silence=0,
)


def test_nothing_is_said_about_sound_that_could_not_be_read() -> None:
    assert description(pd.DataFrame({"emotion": []}), {}) == []


def test_rate_that_goes_with_a_label_is_a_confound(tmp_path: Path) -> None:
    rows = []
    for i in range(24):
        emotion = "anger" if i < 8 else "sadness" if i < 16 else "neutral"
        rate = 8000 if emotion == "anger" else 16000
        noise = np.random.default_rng(i).normal(0, 0.1, rate)
        soundfile.write(tmp_path / f"{i}.wav", noise, rate)
        rows.append(f"{i}.wav,{'fm'[i % 2]},{emotion}")
    (tmp_path / "mine.csv").write_text("file,sex,emotion\n" + "\n".join(rows) + "\n")
    found = check(load_corpus(str(tmp_path / "mine.csv"))).sentences
    assert "sampling rate: 16000 Hz (16), 8000 Hz (8)" in found
    assert (
        "8 of 8 clips with emotion anger have sampling rate 8000 Hz, of all others 0 of 16: "
        "a model may predict emotion from the recording"
    ) in found
    assert not [sentence for sentence in found if "clips with sex" in sentence]


def test_a_difference_that_few_clips_show_is_no_confound() -> None:
    clips = pd.DataFrame({"emotion": ["anger", "sadness", "sadness", "sadness"]}, index=list("abcd"))
    recordings = {"a": Recording(**{**vars(PLAIN), "rate": 8000}), **dict.fromkeys("bcd", PLAIN)}
    assert not [sentence for sentence in description(clips, recordings) if "may predict" in sentence]


def test_rate_that_goes_with_a_rating_is_a_confound() -> None:
    arousal = [0.1 + 0.01 * i for i in range(12)] + [0.7 + 0.01 * i for i in range(12)]
    clips = pd.DataFrame({"arousal": arousal, "valence": [0.2, 0.8] * 12}, index=[f"{i}" for i in range(24)])
    narrow = Recording(**{**vars(PLAIN), "rate": 8000})
    recordings = {clip: PLAIN if int(clip) < 12 else narrow for clip in clips.index}
    told = [sentence for sentence in description(clips, recordings) if "may predict" in sentence]
    # by hand: the mean of 0.10 … 0.21 is 0.155, that of 0.70 … 0.81 is 0.755
    assert told == [
        "12 clips with sampling rate 16000 Hz have a mean arousal of 0.15, all others 0.76: "
        "a model may predict arousal from the recording",
        "12 clips with sampling rate 8000 Hz have a mean arousal of 0.76, all others 0.15: "
        "a model may predict arousal from the recording",
    ]


def test_unusual_clips_are_named() -> None:
    odd = {"peak": 1.2, "clipped": 0.01, "offset": -0.4, "silence": 0.8, "channels": 2, "opposed": True}
    clips = pd.DataFrame(index=["a", "b"])
    found = description(clips, {"a": PLAIN, "b": Recording(**{**vars(PLAIN), **odd})})
    assert found[1:] == [
        "number of channels: 1 (1), 2 (1)",
        "effective bandwidth: up to 8 kHz (2)",
        "polarity of the voice: positive (2)",
        "1 clip with channels of opposite polarity, whose mean cancels the speech; "
        "choose one in a column channel: b",
        "1 clip with peak above full scale: b",
        "1 clip with clipping: b",
        "1 clip with constant offset: b",
        "1 clip with mostly silence: b",
    ]


def test_channel_column_chooses_what_is_read_and_changes_the_fingerprint(tmp_path: Path) -> None:
    left, right = np.random.default_rng(0).normal(0, 0.1, (2, 16000))
    soundfile.write(tmp_path / "a.wav", np.stack([left, right], axis=1), 16000, subtype="FLOAT")
    (tmp_path / "mine.csv").write_text("file,channel,speaker\na.wav,1,x\na.wav,2,y\n")
    corpus = load_corpus(str(tmp_path / "mine.csv"))
    assert corpus.clips.index.tolist() == ["a.wav#channel1", "a.wav#channel2"]
    second = corpus.clips.index[1]
    signal = read_audio(corpus.path(second), 16000, channel=corpus.channel(second))
    np.testing.assert_array_equal(signal, right.astype(np.float32))
    (tmp_path / "other.csv").write_text("clip,file,channel\na,a.wav,1\n")
    (tmp_path / "third.csv").write_text("clip,file,channel\na,a.wav,\n")
    prints = {fingerprint(load_corpus(str(tmp_path / f"{name}.csv"))) for name in ("other", "third")}
    assert len(prints) == 2


def test_channel_that_is_no_number_stays_an_attribute(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("file,channel\na.wav,close\nb.wav,far\n")
    corpus = load_corpus(str(tmp_path / "mine.csv"))
    assert corpus.clips["channel"].tolist() == ["close", "far"]
    assert np.isnan(corpus.channel("a.wav"))
    assert corpus.notes[0] == (
        "column 'channel' is kept as an attribute, since a channel of a file is a whole number from 1"
    )
