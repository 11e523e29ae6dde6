"""Predictions over time equal those of the windows cut by hand, in files and in the report of a clip."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import sertools
from sertools.audio.files import write_audio
from sertools.cli.app import app
from sertools.corpora.load import load_corpus
from sertools.errors import ModelError
from sertools.inference.over_time import OverTime, over_time, spans, track_of, tracks
from sertools.inference.settings import Settings
from sertools.models.load import load_model
from sertools.results.audio_clips import read_index

RATE = 16000
LEVELS = (0.02, 0.3, 0.05)
"""Amplitude of each second of the clip; every second is louder or softer than the one before."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A clip of three levels, one that starts inside it, a short one, and a file that cannot be read."""
    root = tmp_path_factory.mktemp("over time")
    rng = np.random.default_rng(0)
    sound = np.concatenate([level * rng.standard_normal(RATE) for level in LEVELS]).clip(-1, 1)
    write_audio(root / "long.wav", sound, RATE)
    write_audio(root / "short.wav", sound[: RATE // 2], RATE)
    (root / "broken.wav").write_bytes(b"RIFF")
    table = pd.DataFrame(
        {
            "clip": ["whole", "part", "short", "broken"],
            "file": ["long.wav", "long.wav", "short.wav", "broken.wav"],
            "start": [None, 1.0, None, None],
            "speaker": ["a", "b", "c", "d"],
            "arousal": [0.1, 0.9, 0.5, 0.5],
        }
    )
    table.to_csv(root / "clips.csv", index=False)
    return root


def by_hand(folder, start: float, end: float) -> float:
    """The toy model's prediction for a part of the file: its level, from −48 to −10 dB."""
    import soundfile

    part = soundfile.read(folder / "long.wav")[0][round(start * RATE) : round(end * RATE)]
    return float(np.clip((48 + 20 * np.log10(np.sqrt(np.mean(part**2)))) / 38, 0, 1))


def test_every_row_is_the_prediction_for_its_window(folder, tmp_path):
    model, corpus = load_model("toy:loudness"), load_corpus(str(folder / "clips.csv"))
    table, missing = tracks(model, corpus, OverTime(step_s=0.5, window_s=1.0), Settings(cache=tmp_path))
    assert list(table) == ["clip", "file", "start", "end", "arousal", "dominance", "valence"]
    assert table["clip"].value_counts().to_dict() == {"whole": 5, "part": 3, "short": 1, "broken": 1}
    for row in table[table["file"] == "long.wav"].itertuples():
        assert row.arousal == pytest.approx(by_hand(folder, row.start, row.end), abs=1e-5)
    assert table[table["clip"] == "part"]["start"].tolist() == [1.0, 1.5, 2.0]
    assert missing["clip"].tolist() == ["broken"]
    whole = table[table["clip"] == "whole"]["arousal"]
    assert whole.iloc[2] == whole.max(), "the loudest second is the middle one"


@pytest.mark.parametrize(
    ("duration", "starts"), [(3.0, [0, 0.7]), (2.0, [0]), (2.05, [0]), (2.7, [0, 0.7]), (0.3, [0])]
)
def test_windows_have_one_length_and_end_within_the_clip(duration, starts):
    found = spans(duration, OverTime(step_s=0.7, window_s=2.0))
    assert [start for start, _ in found] == pytest.approx(starts)
    assert all(end <= duration for _, end in found)
    assert len({round(end - start, 9) for start, end in found}) == 1


def test_a_track_of_a_signal_has_the_centres_of_its_windows():
    signal = np.concatenate([np.full(RATE, level, dtype=np.float32) for level in LEVELS])
    times, scores = track_of(load_model("toy:loudness"), signal, OverTime(step_s=1.0, window_s=1.0))
    assert times == [0.5, 1.5, 2.5]
    expected = [np.clip((48 + 20 * math.log10(level)) / 38, 0, 1) for level in LEVELS]
    np.testing.assert_allclose(scores[:, 0], expected, rtol=1e-6)


def test_the_usual_window_fits_the_model():
    model = load_model("toy:loudness")
    assert over_time(model, 0.5) == OverTime(step_s=0.5, window_s=2.0)
    assert over_time(replace(model, shortest=48000), 0.5).window_s == 3.0
    short = replace(model)
    short.longest = 16000
    assert over_time(short, 0.5).window_s == 1.0


@pytest.mark.parametrize(
    ("spec", "step", "window", "said"),
    [
        ("toy:oracle", 0.5, None, "does not take audio"),
        ("fbank", 0.5, None, "a bare encoder without scores"),
        ("toy:loudness", 0.0, None, "is not a step of at least 0.01 s"),
        ("toy:loudness", math.nan, None, "is not a step"),
        ("toy:loudness", 0.5, 0.0, "--window 0 does not fit"),
    ],
)
def test_what_has_no_track_is_one_sentence(spec, step, window, said):
    with pytest.raises(ModelError, match=said):
        over_time(load_model(spec), step, window)


@pytest.fixture(scope="module")
def exported(folder, tmp_path_factory):
    """The files that the command writes."""
    out = tmp_path_factory.mktemp("exported")
    words = ["predict", "--model", "toy:loudness", "--data", str(folder / "clips.csv"), "--over-time", "0.5"]
    words += ["--window", "1", "--cache", str(out / "cache"), "--quiet"]
    outputs = [
        "--csv",
        str(out / "t.csv"),
        "--parquet",
        str(out / "t.parquet"),
        "--audformat",
        str(out / "db"),
    ]
    made = CliRunner().invoke(app, [*words, *outputs])
    assert made.exit_code == 0, made.output
    return out


def test_csv_and_parquet_hold_the_same_tracks(folder, exported):
    csv, parquet = pd.read_csv(exported / "t.csv"), pd.read_parquet(exported / "t.parquet")
    assert csv["clip"].tolist() == parquet["clip"].tolist()
    np.testing.assert_array_equal(csv["arousal"].astype(np.float32), parquet["arousal"])
    assert csv["arousal"].iloc[2] == pytest.approx(by_hand(folder, 1.0, 2.0), abs=1e-5)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")  # of audformat itself
def test_audformat_reads_its_folder(exported):
    audformat = pytest.importorskip("audformat")
    table = audformat.Database.load(exported / "db")["predictions"].get()
    csv = pd.read_csv(exported / "t.csv").drop_duplicates(["file", "start", "end"])  # in two clips
    assert table.index.names == ["file", "start", "end"]
    np.testing.assert_allclose(table["arousal"].to_numpy(dtype=float), csv["arousal"], rtol=1e-6)
    starts = table.index.get_level_values("start").total_seconds()
    np.testing.assert_allclose(starts[:-1], csv["start"][:-1])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["predict", "--over-time", "0.5"], "writes tracks to a file, but none is named"),
        (["predict", "--over-time", "0.5", "--hop", "1", "--csv", "x.csv"], "do not apply with --over-time"),
        (["audit", "--over-time", "0.5", "--audio", "none"], "but --audio none saves none"),
        (["audit", "--over-time", "0.5", "--model", "toy:oracle"], "does not take audio"),
    ],
)
def test_options_that_contradict_each_other_are_refused(words, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = CliRunner().invoke(app, words)
    assert (made.exit_code, said in made.output.replace("\n", " ")) == (2, True), made.output


def test_the_report_of_a_clip_shows_its_track(folder, tmp_path):
    settings = Settings(cache=tmp_path / "cache", over_time=0.5)
    data = load_corpus(str(folder / "clips.csv"))
    data = replace(data, clips=data.clips.drop(index="broken"))
    out = tmp_path / "out"
    sertools.audit("toy:loudness", data, "correctness", out=out, recordings=3, settings=settings)
    recordings = {each.clip: each for each in read_index(out / "sounds")}
    track = recordings["whole"].track
    assert track.times_s == [1.0, 1.5, 2.0]
    assert track.values["arousal"][0] == pytest.approx(by_hand(folder, 0, 2), abs=1e-4)
    page = (out / "report.html").read_text()
    assert page.count('<svg class="track"') == len(recordings)
    assert "Predictions in windows of 2 s over time: arousal from" in page
