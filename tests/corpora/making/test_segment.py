import itertools
import sys
from dataclasses import replace

import numpy as np
import pytest

from sertools.audio.files import write_audio
from sertools.corpora.corpus import write_corpus
from sertools.corpora.load import load_corpus
from sertools.corpora.making.segment import RATE, Cut, segment, voiced, windows
from sertools.errors import CorpusError


@pytest.fixture(scope="module")
def spoken(tmp_path_factory):
    """A clip with two bursts like a vowel, one that is silent, and one that is broken."""
    folder = tmp_path_factory.mktemp("spoken")
    rng = np.random.default_rng(0)
    time = np.arange(RATE) / RATE
    vowel = sum(np.sin(2 * np.pi * 120 * k * time) / k for k in range(1, 25)) * (
        1 + 0.3 * np.sin(2 * np.pi * 4 * time)
    )
    quiet = rng.normal(0, 1e-4, RATE)
    signal = np.concatenate([quiet, 0.2 * vowel, quiet, quiet, 0.2 * vowel, quiet])
    write_audio(folder / "a.wav", signal.astype(np.float32), RATE)
    write_audio(folder / "b.wav", np.zeros(RATE, np.float32), RATE)
    (folder / "c.wav").write_bytes(b"no sound")
    table = "file,start,end,speaker,emotion\na.wav,0.5,6,s1,anger\nb.wav,,,s2,fear\nc.wav,,,s2,fear\n"
    (folder / "clips.csv").write_text(table)
    return load_corpus(str(folder / "clips.csv"))


def test_segments_with_voice_hold_the_voice_and_keep_the_id_of_their_clip(spoken, tmp_path):
    pytest.importorskip("webrtcvad")
    parts = segment(spoken, Cut(pad_s=0.0)).clips
    assert parts["segment_of"].unique().tolist() == ["a.wav#0.5-6"]
    assert len(parts) == 2
    assert parts["start"].to_numpy() == pytest.approx([1.0, 4.0], abs=0.2)
    assert parts["end"].to_numpy() == pytest.approx([2.0, 5.0], abs=0.3)
    assert parts["emotion"].tolist() == ["anger", "anger"]
    write_corpus(segment(spoken, Cut()), tmp_path / "out")
    again = load_corpus(str(tmp_path / "out"))
    assert again.clips["segment_of"].nunique() == 1
    assert len(again.signal(again.clips.index[0], RATE)) == pytest.approx(1.2 * RATE, rel=0.3)
    assert any("1 clip without voice left out: b.wav" in note for note in again.notes)
    assert any("1 clip that cannot be read left out: c.wav" in note for note in again.notes)


def test_windows_need_no_package_and_are_inside_the_clip(spoken):
    parts = segment(spoken, Cut(by="windows", window_s=2.0)).clips
    of_a = parts[parts["segment_of"] == "a.wav#0.5-6"]
    assert of_a["start"].tolist() == [0.5, 2.5, 4.5]
    assert of_a["end"].tolist() == [2.5, 4.5, 6.0]
    assert of_a.index[0] == "a.wav#0.5-6#0.000-2.000"


def test_words_of_a_clip_are_not_those_of_its_parts(spoken):
    told = replace(spoken, clips=spoken.clips.assign(transcript="oh oh", duration=5.5, room="r"))
    parts = segment(told, Cut(by="windows", window_s=2.0)).clips
    # a.wav has three windows, b.wav of one second is a whole one
    assert parts["transcript"].isna().tolist() == [True, True, True, False]
    assert "duration" not in parts
    assert parts["room"].unique().tolist() == ["r"]
    whole = segment(told, Cut(by="windows", window_s=20.0)).clips
    assert whole["transcript"].tolist() == ["oh oh", "oh oh"]
    assert "duration" not in whole


def test_a_long_segment_with_voice_is_cut_in_equal_parts(spoken):
    pytest.importorskip("webrtcvad")
    parts = segment(spoken, Cut(window_s=0.5, pad_s=0.0)).clips
    lengths = (parts["end"] - parts["start"]).to_numpy()
    assert lengths.max() <= 0.5 + 1e-9
    assert len(parts) >= 4


def test_windows_of_clips_of_all_lengths():
    assert windows(10.0, 5.0, 5.0, 0.3) == [(0.0, 5.0), (5.0, 10.0)]
    assert windows(10.1, 5.0, 5.0, 0.3) == [(0.0, 5.0), (5.0, 10.0)]
    assert windows(2.0, 5.0, 5.0, 0.3) == [(0.0, 2.0)]
    assert windows(0.1, 5.0, 5.0, 0.3) == []
    assert windows(6.0, 4.0, 1.0, 0.3) == [(0.0, 4.0), (1.0, 5.0), (2.0, 6.0)]


def test_pauses_join_and_paddings_never_overlap():
    flags = np.zeros(100, dtype=bool)
    flags[10:20] = flags[30:40] = flags[80:90] = True
    apart = voiced(flags, 3.0, gap_s=0.1, pad_s=0.5, shortest_s=0.1)
    assert len(apart) == 3
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(apart))
    assert apart[0] == pytest.approx((0.0, 0.75))
    joined = voiced(flags, 3.0, gap_s=0.4, pad_s=0.0, shortest_s=0.1)
    assert joined == [pytest.approx((0.3, 1.2)), pytest.approx((2.4, 2.7))]
    assert voiced(flags, 3.0, gap_s=0.1, pad_s=0.0, shortest_s=0.5) == []


@pytest.mark.parametrize(
    ("cut", "said"),
    [
        ({"by": "windows"}, "needs the length of a window"),
        ({"by": "windows", "window_s": 0.0}, "seconds above 0"),
        ({"by": "windows", "window_s": 0.2}, "nothing would be left"),
        ({"hop_s": 1.0}, "only applies to --by windows"),
        ({"shortest_s": -1.0}, "seconds above 0"),
    ],
)
def test_cuts_that_cannot_be_are_an_error(cut, said):
    with pytest.raises(CorpusError, match=said):
        Cut(**cut)


def test_a_missing_package_is_one_sentence_with_the_way_out(spoken, monkeypatch):
    monkeypatch.setitem(sys.modules, "webrtcvad", None)
    with pytest.raises(CorpusError, match="voice activity needs the package webrtcvad-wheels") as raised:
        segment(spoken, Cut())
    assert "'.[vad]'" in raised.value.hint


def test_a_corpus_without_any_segment_is_an_error(spoken):
    with pytest.raises(CorpusError, match=r"no segment of clips is left: 2 clips without 50 s of sound"):
        segment(spoken, Cut(by="windows", window_s=60.0, shortest_s=50.0))
