import hashlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from sertools.corpora.registered import voices
from sertools.corpora.registry import root_of, verified
from sertools.errors import CorpusError
from sertools.speech.sentences import sentences

MAKE = """
import sys, pathlib
from sertools.cli.interrupts import repeat_lost
from sertools.corpora.registered import voices
repeat_lost()  # as every command does: in a callback of the synthesiser, Python forgets an interrupt
voices.make(pathlib.Path(sys.argv[1]))
"""


def spawn(root: Path) -> subprocess.Popen:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", MAKE, str(root)], stderr=subprocess.PIPE, text=True, env=environment
    )


def digest(root: Path) -> str:
    """Of the names and bytes of all files under root."""
    found = hashlib.sha256()
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        found.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return found.hexdigest()


def f0_hz(signal: np.ndarray) -> float:
    """Median over voiced frames of 40 ms of the lag, 50 to 500 Hz, with the highest autocorrelation."""
    frames = np.lib.stride_tricks.sliding_window_view(signal, 640)[::320]
    frames = frames - frames.mean(axis=1, keepdims=True)
    frames = frames[np.square(frames).mean(axis=1) > 0.1 * np.square(signal).mean()]
    spectrum = np.abs(np.fft.rfft(frames, 2048, axis=1)) ** 2
    correlation = np.fft.irfft(spectrum, axis=1)[:, : 16_000 // 50]
    correlation /= correlation[:, :1]
    lags = np.arange(32, correlation.shape[1])
    # the window shortens as the lag grows, which favours the octave above; a whole number of periods fits
    # as well as one does, so the octave below has to be better by 0.1
    fit = correlation[:, 32:] / (1 - lags / 640) - 0.1 * np.log2(lags / 32)
    lag = lags[fit.argmax(axis=1)]
    voiced = correlation[np.arange(len(lag)), lag] > 0.4
    return float(np.median(16_000 / lag[voiced]))


@pytest.fixture(scope="module")
def root(voices_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The corpus as its name alone has made it in the cache."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_CACHE_HOME", str(voices_cache))
        patched.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        patched.setattr(voices, "make", None)
        made = root_of("voices")
    assert made == voices_cache / "sertools" / "corpora" / f"voices-{voices.VERSION}"
    return made


@pytest.fixture(scope="module")
def clips(root: Path) -> pd.DataFrame:
    clips = voices.scan(root)
    sounds = [soundfile.read(root / file) for file in clips["file"]]
    assert {rate for _, rate in sounds} == {16_000}
    assert {signal.ndim for signal, _ in sounds} == {1}
    clips["duration_s"] = [len(signal) / 16_000 for signal, _ in sounds]
    clips["rms_db"] = [10 * np.log10(np.mean(signal**2)) for signal, _ in sounds]
    clips["peak"] = [np.abs(signal).max() for signal, _ in sounds]
    clips["f0"] = [f0_hz(signal) for signal, _ in sounds]
    return clips


def test_f0_of_a_harmonic_tone_is_its_fundamental():
    time_s = np.arange(16_000) / 16_000
    for hz in (70, 125, 200, 320):
        tone = sum(np.sin(2 * np.pi * hz * k * time_s) / k for k in range(1, 6))
        assert f0_hz(tone) == pytest.approx(hz, rel=0.03)  # whole lags: 1 in 50 at 320 Hz


def test_the_corpus_has_the_published_counts(clips):
    assert len(clips) == voices.EXPECTED["clips"] == 16 * 3 * 3 * 2
    assert clips["speaker"].nunique() == voices.EXPECTED["speakers"] == 16
    assert clips["file"].is_unique
    assert clips.groupby("sex")["speaker"].nunique().to_dict() == {
        sex: voices.EXPECTED[sex] for sex in ("female", "male")
    }
    said = verified(clips, voices.EXPECTED)
    assert len(said) == 1
    assert said[0].startswith("as published: 288 of 288 clips, 16 of 16 speakers, 8 of 8 female")


def test_every_voice_effort_and_sentiment_has_two_clips(clips):
    cells = clips.groupby(["speaker", "effort", "sentiment"]).size()
    assert len(cells) == 16 * 3 * 3
    assert set(cells) == {2}


def test_splits_share_no_voice_and_are_balanced_by_sex(clips):
    per_voice = clips.groupby("speaker")[["split", "sex", "accent"]].nunique()
    assert (per_voice == 1).all(axis=None)
    speakers = clips.drop_duplicates("speaker").groupby(["split", "sex"]).size()
    assert speakers.to_dict() == {
        ("dev", "female"): 2,
        ("dev", "male"): 2,
        ("test", "female"): 2,
        ("test", "male"): 2,
        ("train", "female"): 4,
        ("train", "male"): 4,
    }


def test_no_voice_says_a_sentence_twice_at_one_effort(clips):
    assert not clips.duplicated(["transcript", "effort", "speaker"]).any()


def test_women_and_men_say_the_same_in_the_same_way(clips):
    said = [
        "accent",
        "transcript",
        "effort",
        "rate_wpm",
        "pitch",
        "pitch_range",
        "volume",
        "arousal",
        "dominance",
        "valence",
    ]
    by_sex = {sex: group[said].reset_index(drop=True) for sex, group in clips.groupby("sex")}
    pd.testing.assert_frame_equal(by_sex["female"], by_sex["male"])


def test_the_first_clips_have_the_labels_worked_by_hand(clips):
    # low effort, first sentence, first accent: pace and force are 0.2 + 0.06
    first = clips.iloc[0]
    assert (first["effort"], first["sentiment"], first["speaker"]) == ("low", "negative", "en-us+f1")
    assert (first["arousal"], first["dominance"], first["valence"]) == (0.26, 0.26, 0.2)
    assert first["rate_wpm"] == 153  # 130 + 90 × 0.26 = 153.4
    assert first["pitch"] == 38  # 25 + 50 × 0.26 = 38
    assert first["pitch_range"] == 33  # 15 + 70 × 0.26 = 33.2
    assert first["volume"] == 30  # 10 + 75 × 0.26 = 29.5, to the even neighbour
    assert first["transcript"] == "The dinner at the old hotel was terrible."
    second = clips.iloc[1]
    assert (second["arousal"], second["dominance"], second["volume"]) == (0.14, 0.14, 20)
    # the second accent parts pace from force
    other = clips[clips["speaker"] == "en-gb+f2"].iloc[0]
    assert (other["arousal"], other["dominance"]) == (0.26, 0.14)


def test_labels_follow_from_effort_and_words_by_the_stated_rule(clips):
    level = clips["effort"].map({"low": 0.2, "normal": 0.5, "high": 0.8})
    np.testing.assert_allclose((clips["arousal"] - level).abs(), 0.06, atol=1e-12)
    np.testing.assert_allclose((clips["dominance"] - level).abs(), 0.06, atol=1e-12)
    sentiment_of = {sentence.text: sentence.sentiment for sentence in sentences()}
    assert clips["sentiment"].tolist() == clips["transcript"].map(sentiment_of).tolist()
    valence_of = {"negative": 0.2, "neutral": 0.5, "positive": 0.8}
    assert clips["valence"].tolist() == clips["sentiment"].map(valence_of).tolist()


def test_labels_average_a_half_for_every_voice_and_do_not_mix(clips):
    labels = clips[["arousal", "dominance", "valence"]]
    np.testing.assert_allclose(labels.groupby(clips["speaker"]).mean(), 0.5, atol=1e-12)
    correlation = labels.corr()
    assert correlation.loc["valence", ["arousal", "dominance"]].abs().max() < 1e-9
    # by hand: levels have variance 0.06, nudges 0.0036, and their signs agree in half of the clips
    assert correlation.loc["arousal", "dominance"] == pytest.approx(0.06 / 0.0636, abs=1e-9)


def test_clips_are_short_and_do_not_clip(clips):
    assert clips["duration_s"].between(1, 3).all()
    assert clips["peak"].between(0.02, 0.99).all()


def test_every_voice_gets_louder_higher_and_faster_with_effort(clips):
    by_effort = clips.pivot_table(
        index="speaker", columns="effort", values=["rms_db", "f0", "duration_s"], aggfunc="median"
    )
    for measure, sign in (("rms_db", 1), ("f0", 1), ("duration_s", -1)):
        steps = by_effort[measure][["low", "normal", "high"]].diff(axis=1).iloc[:, 1:] * sign
        assert (steps > 0).all(axis=None), measure
    assert by_effort["rms_db"]["high"].sub(by_effort["rms_db"]["low"]).min() > 6


def test_within_an_effort_force_is_heard_as_level_and_pace_as_pitch(clips):
    for label, measure in (("dominance", "rms_db"), ("arousal", "f0")):
        means = clips.groupby(["effort", label])[measure].mean().unstack("effort")
        for effort in means:
            assert np.all(np.diff(means[effort].dropna()) > 0), (label, effort)


def test_female_voices_are_higher_than_male_voices_at_each_effort(clips):
    per_voice = clips.groupby(["effort", "sex", "speaker"])["f0"].median()
    for effort in ("low", "normal", "high"):
        assert per_voice[effort]["female"].min() > per_voice[effort]["male"].max()
    everyone = clips.groupby(["sex", "speaker"])["f0"].median()
    assert everyone["female"].min() > 150 > 130 > everyone["male"].max()


def test_the_voices_are_told_apart_by_their_spectra(root, clips):
    # nearest clip of another sentence at the same effort, by its mean log spectrum relative to its level
    hits = []
    for _, group in clips.groupby("effort"):
        shapes = []
        for file in group["file"]:
            signal, _ = soundfile.read(root / file)
            frames = np.lib.stride_tricks.sliding_window_view(signal, 512)[::256] * np.hanning(512)
            power = np.square(np.abs(np.fft.rfft(frames))).mean(axis=0)
            bands = np.log([band.mean() for band in np.array_split(power[3:], 40)])
            shapes.append(bands - bands.mean())
        distance = np.square(np.subtract.outer(np.array(shapes), np.array(shapes))).diagonal(axis1=1, axis2=3)
        distance = distance.sum(axis=-1)
        text = group["transcript"].to_numpy()
        distance[text[:, None] == text[None]] = np.inf
        speaker = group["speaker"].to_numpy()
        hits.append(speaker[distance.argmin(axis=1)] == speaker)
    assert np.mean(hits) > 0.6  # chance is 1 in 16


def test_another_process_makes_the_same_bytes_and_two_at_once_agree(root, tmp_path):
    second = tmp_path / "voices-1"
    processes = [spawn(second), spawn(second)]
    for process in processes:
        _, said = process.communicate(timeout=120)
        assert process.returncode == 0, said
    assert digest(second) == digest(root)
    assert [path.name for path in tmp_path.iterdir()] == ["voices-1"]


@pytest.mark.parametrize(("sent", "leaves"), [(signal.SIGINT, 0), (signal.SIGKILL, 1)])
def test_an_interrupted_making_leaves_no_half_corpus(sent, leaves, tmp_path):
    home = tmp_path / "voices-1"
    process = spawn(home)
    started = time.monotonic()
    while len(list(tmp_path.rglob("*.flac"))) < 10:
        assert process.poll() is None
        assert time.monotonic() - started < 60
        time.sleep(0.01)
    process.send_signal(sent)
    process.communicate(timeout=30)
    assert process.returncode != 0
    assert not home.exists()
    assert not voices.recognises(home)
    # a killed process cannot tidy up; what it leaves does not bear the corpus's name
    assert len(list(tmp_path.iterdir())) == leaves


def test_making_it_again_touches_nothing(root):
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    voices.make(root)
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path):
    (tmp_path / "voices-1").mkdir()
    (tmp_path / "voices-1" / "diary.txt").write_text("mine")
    assert not voices.recognises(tmp_path / "voices-1")
    with pytest.raises(CorpusError, match="is not empty and is not the corpus"):
        voices.make(tmp_path / "voices-1")
    assert [path.name for path in tmp_path.rglob("*")] == ["voices-1", "diary.txt"]


def test_a_place_that_cannot_be_written_is_an_error_that_names_the_way_out(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CorpusError, match="XDG_CACHE_HOME"):
        voices.make(tmp_path / "file" / "voices-1")


def test_a_folder_that_is_no_voices_is_an_error(tmp_path):
    with pytest.raises(CorpusError, match="no corpus 'voices'"):
        voices.scan(tmp_path)


def test_a_broken_table_is_an_error(root, tmp_path):
    head, first = (root / "metadata.csv").read_text().splitlines()[:2]
    (tmp_path / "metadata.csv").write_text(f"{head}\n{first.replace('0.26', 'loud')}\n")
    with pytest.raises(CorpusError, match="is broken"):
        voices.scan(tmp_path)


def test_the_name_alone_makes_the_corpus_in_the_cache(root):
    assert len(voices.scan(root)) == voices.EXPECTED["clips"]


def test_the_pages_can_say_that_nobody_rated_the_clips(root):
    assert "no human rated the clips" in voices.SIMULATED
    readme = (root / "README.md").read_text()
    assert voices.SIMULATED in readme
    assert re.search(r"espeak-ng \d+\.\d+", readme)


def test_a_change_of_the_recipe_asks_for_a_new_version():
    # caches are named after the version: who changes a sentence, voice or setting must raise it, and then
    # write the new digest here
    recipe = hashlib.sha256(repr(voices.utterances()).encode()).hexdigest()
    assert {voices.VERSION: recipe[:16]} == {"1": "d5964562decf4e7c"}
