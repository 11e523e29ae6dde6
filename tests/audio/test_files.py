"""Sound comes in as it was written, cut and resampled as asked, or with the reason why not."""

import math
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sertools.audio.files import duration_s, is_silent, read_audio, sampling_rate, write_audio
from sertools.errors import AudioError


def tone(hz: float, seconds: float, rate: int) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)


def test_wav_comes_back_sample_for_sample_even_above_full_scale(tmp_path: Path) -> None:
    signal = np.array([0.0, 0.1, -1.7, 2.5, 1e-9], dtype=np.float32)
    write_audio(tmp_path / "a.wav", signal, 16000)
    back = read_audio(tmp_path / "a.wav", 16000)
    assert back.dtype == np.float32
    np.testing.assert_array_equal(back, signal)
    assert [p.name for p in tmp_path.iterdir()] == ["a.wav"]


def test_flac_comes_back_within_one_step_of_24_bits(tmp_path: Path) -> None:
    signal = tone(440, 0.1, 16000).astype(np.float32)
    write_audio(tmp_path / "a.flac", signal, 16000)
    np.testing.assert_allclose(read_audio(tmp_path / "a.flac", 16000), signal, atol=2.0**-23, rtol=0)


def test_flac_refuses_to_clip(tmp_path: Path) -> None:
    with pytest.raises(AudioError) as caught:
        write_audio(tmp_path / "a.flac", [0.0, 1.5], 16000)
    assert str(caught.value) == "a.flac: FLAC would clip a peak of 1.5 (write .wav instead)"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "signal", "sentence"),
    [
        ("a.mp3", [0.1], "cannot write 'a.mp3' (use the suffix .wav or .flac)"),
        ("a.wav", [], "a.wav: the signal to write has shape (0,), expected (samples,)"),
        ("a.wav", [[0.1, 0.2]], "a.wav: the signal to write has shape (1, 2), expected (samples,)"),
        ("a.wav", [0.1, math.nan], "a.wav: the signal to write contains samples that are not finite"),
    ],
)
def test_sound_that_cannot_be_written_is_refused(
    tmp_path: Path, name: str, signal: list, sentence: str
) -> None:
    with pytest.raises(AudioError) as caught:
        write_audio(tmp_path / name, signal, 16000)
    assert str(caught.value) == sentence


def test_writing_into_a_folder_that_is_not_there_is_an_audio_error(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="cannot write"):
        write_audio(tmp_path / "no" / "a.wav", [0.1], 16000)


def test_channels_are_averaged(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.array([[0.5, 0.1], [-0.5, 0.3]]), 8000, subtype="DOUBLE")
    np.testing.assert_allclose(read_audio(tmp_path / "a.wav", 8000), [0.3, -0.1], rtol=1e-7)


def test_resampling_keeps_a_tone_where_it_was(tmp_path: Path) -> None:
    write_audio(tmp_path / "a.wav", tone(1000, 1, 44100), 44100)
    back = read_audio(tmp_path / "a.wav", 16000)
    assert len(back) == 16000
    # The middle only: the filter has no sound to look at beyond the ends. 1e-4 is soxr's ripple and float32.
    np.testing.assert_allclose(back[2000:-2000], tone(1000, 1, 16000)[2000:-2000], atol=1e-4)


def test_resampling_removes_what_the_new_rate_cannot_hold(tmp_path: Path) -> None:
    write_audio(tmp_path / "a.wav", tone(12000, 1, 44100), 44100)
    assert np.abs(read_audio(tmp_path / "a.wav", 16000)[2000:-2000]).max() < 1e-4


def test_segment_is_the_same_as_cutting_the_whole_file(tmp_path: Path) -> None:
    signal = np.arange(16000, dtype=np.float32) / 16000
    write_audio(tmp_path / "a.wav", signal, 16000)
    np.testing.assert_array_equal(read_audio(tmp_path / "a.wav", 16000, 0.25, 0.5), signal[4000:8000])
    np.testing.assert_array_equal(read_audio(tmp_path / "a.wav", 16000, start=0.75), signal[12000:])
    np.testing.assert_array_equal(read_audio(tmp_path / "a.wav", 16000, end=0.25), signal[:4000])


def test_segment_may_end_a_rounding_error_after_the_file(tmp_path: Path) -> None:
    write_audio(tmp_path / "a.wav", np.ones(1000), 16000)  # 62.5 ms
    assert len(read_audio(tmp_path / "a.wav", 16000, 0, 0.07)) == 1000


@pytest.mark.parametrize(
    ("start", "end", "sentence"),
    [
        (0.0, 2.0, "a.wav: segment 0–2 s is outside the file's 1.00 s"),
        (1.0, 1.005, "a.wav: segment 1–1.005 s is outside the file's 1.00 s"),
        (-0.1, 0.5, "a.wav: segment -0.1–0.5 s is outside the file's 1.00 s"),
        (0.5, 0.50001, "a.wav: segment 0.5–0.50001 s contains no samples"),
    ],
)
def test_segment_outside_the_file_is_a_reason(
    tmp_path: Path, start: float, end: float, sentence: str
) -> None:
    write_audio(tmp_path / "a.wav", np.ones(16000), 16000)
    with pytest.raises(AudioError) as caught:
        read_audio(tmp_path / "a.wav", 16000, start, end)
    assert str(caught.value) == sentence


def test_missing_file_folder_empty_file_and_rubbish_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "empty.wav").touch()
    (tmp_path / "text.wav").write_text("this is not sound " * 20)
    soundfile.write(tmp_path / "header.wav", np.zeros(0), 16000)
    reasons = {}
    for name in ("none.wav", ".", "empty.wav", "text.wav", "header.wav"):
        with pytest.raises(AudioError) as caught:
            read_audio(tmp_path / name, 16000)
        reasons[name] = caught.value.message
    assert reasons == {
        "none.wav": f"no such file: {tmp_path / 'none.wav'}",
        ".": f"not a file: {tmp_path}",
        "empty.wav": "empty.wav is empty (0 bytes)",
        "text.wav": "text.wav cannot be decoded as audio: Format not recognised.",
        "header.wav": "header.wav contains no samples",
    }


def test_samples_that_are_not_numbers_are_a_reason(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.array([0.0, np.nan]), 16000, subtype="FLOAT")
    with pytest.raises(AudioError, match=r"^a.wav contains samples that are not finite$"):
        read_audio(tmp_path / "a.wav", 16000)


def test_damage_inside_a_file_is_a_reason(tmp_path: Path) -> None:
    write_audio(tmp_path / "a.flac", np.random.default_rng(0).uniform(-0.5, 0.5, 64000), 16000)
    data = bytearray((tmp_path / "a.flac").read_bytes())
    data[len(data) // 2 : len(data) // 2 + 3000] = bytes(3000)
    (tmp_path / "a.flac").write_bytes(data)
    with pytest.raises(AudioError, match=r"^a.flac is truncated or damaged: "):
        read_audio(tmp_path / "a.flac", 16000)


def test_a_single_sample_may_be_too_short_to_resample(tmp_path: Path) -> None:
    write_audio(tmp_path / "a.wav", [0.5], 44100)
    assert read_audio(tmp_path / "a.wav", 44100).tolist() == [0.5]
    with pytest.raises(AudioError, match=r"^a.wav is too short to resample from 44100 Hz to 16000 Hz$"):
        read_audio(tmp_path / "a.wav", 16000)


def test_wav_out_of_a_pipe_is_read_although_it_does_not_know_its_length(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(440, 1, 16000), 16000, subtype="PCM_16")
    whole = (tmp_path / "a.wav").read_bytes()
    assert whole[36:40] == b"data"
    (tmp_path / "a.wav").write_bytes(whole[:40] + b"\xff" * 4 + whole[44:])
    assert len(read_audio(tmp_path / "a.wav", 16000)) == 16000


def test_duration_is_frames_over_rate(tmp_path: Path) -> None:
    write_audio(tmp_path / "a.wav", np.ones(1234), 8000)
    assert duration_s(tmp_path / "a.wav") == 1234 / 8000
    assert sampling_rate(tmp_path / "a.wav") == 8000
    with pytest.raises(AudioError, match="no such file"):
        duration_s(tmp_path / "b.wav")


def test_silence_is_at_most_one_step_of_16_bits() -> None:
    assert is_silent(np.zeros(10))
    assert is_silent(np.full(10, -(2.0**-15)))
    assert is_silent([])
    assert not is_silent([0.0, 0.001])


@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_the_same_samples_give_the_same_bytes_at_another_time(tmp_path: Path, suffix: str) -> None:
    signal = np.sin(np.arange(100, dtype=np.float32))
    written = []
    for _ in range(2):
        write_audio(tmp_path / f"a.{suffix}", signal, 16000)
        written.append((tmp_path / f"a.{suffix}").read_bytes())
        time.sleep(1.01)
    assert written[0] == written[1]
    assert np.allclose(read_audio(tmp_path / f"a.{suffix}", 16000), signal, atol=2**-23)
