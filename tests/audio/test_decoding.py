"""Any file comes in as far as it goes, in blocks, whatever its header says; or one sentence says why not."""

import os
import resource
import struct
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from sertools.audio.decoding import opened
from sertools.audio.files import duration_s, read_audio, sampling_rate, unusual
from sertools.audio.flac_frames import last_frame, samples_stated
from sertools.audio.unfinished import CUT, NO_LENGTH, TOO_LONG, TOO_SHORT
from sertools.errors import AudioError
from tests.helpers.places import ROOT

CASES = ROOT.parent / "shared" / "cases" / "audio"
shared = pytest.mark.skipif(not CASES.is_dir(), reason="the recordings of shared/cases are not here")


def noise(seconds: float, rate: int, channels: int = 1) -> np.ndarray:
    return np.random.default_rng(0).uniform(-0.5, 0.5, (round(seconds * rate), channels)).astype(np.float32)


@shared
@pytest.mark.parametrize(
    ("name", "note"),
    [("flac_piped.flac", "its header does not state its length"), ("len_zero.wav", NO_LENGTH)],
)
def test_a_header_that_does_not_know_the_length_is_read_to_the_end(name: str, note: str) -> None:
    whole = read_audio(CASES / "plain16.wav", 16000)
    found = read_audio(CASES / name, 16000)
    assert len(found) == len(whole) == 30372
    np.testing.assert_allclose(found, whole, atol=2**-14)  # one step of 16 bits: it was encoded anew
    assert unusual(CASES / name) == note
    assert unusual(CASES / "plain16.wav") == ""
    assert duration_s(CASES / name) == 30372 / 16000
    np.testing.assert_array_equal(read_audio(CASES / name, 16000, 0.5, 1.0), found[8000:16000])
    with pytest.raises(AudioError, match="outside the file"):
        read_audio(CASES / name, 16000, 0.5, 2.5)


@shared
def test_a_file_that_cannot_be_searched_is_read() -> None:
    found = read_audio(CASES / "gsm8k.wav", 8000)
    assert (len(found), sampling_rate(CASES / "gsm8k.wav")) == (15360, 8000)
    np.testing.assert_array_equal(read_audio(CASES / "gsm8k.wav", 8000, 0.5, 1.0), found[4000:8000])


@shared
def test_an_ogg_that_was_cut_in_a_page_is_read_as_far_as_it_goes() -> None:
    found, whole = read_audio(CASES / "half.ogg", 16000), read_audio(CASES / "plain16.wav", 16000)
    assert 8000 < len(found) < 12000
    assert np.corrcoef(found[:8000], whole[:8000])[0, 1] > 0.9
    assert unusual(CASES / "half.ogg") == CUT


def test_an_ogg_that_was_cut_anywhere_is_read_or_refused_in_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "a.ogg"
    soundfile.write(path, noise(4, 16000), 16000)
    whole, lengths = path.read_bytes(), []
    for share in np.linspace(0.02, 1, 40):
        path.write_bytes(whole[: round(share * len(whole))])
        try:
            lengths.append(len(read_audio(path, 16000)))
        except AudioError as error:
            assert "\n" not in error.message  # noqa: PT017 (both are right)
            assert not lengths, "a longer part is not worse than a shorter one"
    assert len(lengths) > 30
    assert lengths == sorted(lengths)
    assert lengths[-1] == 64000


@shared
def test_aac_is_read_where_pyav_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("av", reason="AAC is read by PyAV")
    found, whole = read_audio(CASES / "aac.m4a", 16000), read_audio(CASES / "plain16.wav", 16000)
    assert len(whole) <= len(found) < len(whole) + 2048
    shift = int(np.argmax(np.correlate(found[:9000], whole[:7000], "valid")))
    assert np.corrcoef(found[shift : shift + 20000], whole[:20000])[0, 1] > 0.9
    np.testing.assert_array_equal(read_audio(CASES / "aac.m4a", 16000, 0.5, 1.0), found[8000:16000])
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(
        AudioError, match=r"^aac.m4a is AAC in MP4 \(.m4a\), which needs PyAV: pip install av"
    ):
        read_audio(CASES / "aac.m4a", 16000)


@pytest.mark.parametrize("codec", ["ac3", "wavpack", "tta"])
def test_other_formats_that_libsndfile_lacks_are_read_by_pyav(tmp_path: Path, codec: str) -> None:
    av = pytest.importorskip("av", reason="these formats are read by PyAV")
    path, sent = tmp_path / f"a.{codec}", np.sin(np.arange(32000) / 20)
    with av.open(str(path), "w", format={"wavpack": "wv"}.get(codec, codec)) as file:
        stream = file.add_stream(codec, rate=32000, layout="mono")
        kinds = {"ac3": "fltp", "wavpack": "fltp", "tta": "s16"}
        frame = np.rint(sent * 2**14).astype(np.int16) if codec == "tta" else (sent / 2).astype(np.float32)
        made = av.AudioFrame.from_ndarray(frame[None], format=kinds[codec], layout="mono")
        made.sample_rate = 32000
        for packet in [*stream.encode(made), *stream.encode(None)]:
            file.mux(packet)
    heard = read_audio(path, 32000)
    assert abs(len(heard) - 32000) < 3000
    assert np.abs(np.abs(np.fft.rfft(heard[2000:18000])).argmax() - 32000 / 20 / 2 / np.pi * 0.5) < 2


def test_a_damaged_file_of_a_video_player_is_one_sentence(tmp_path: Path) -> None:
    pytest.importorskip("av", reason="AAC is read by PyAV")
    for i, start in enumerate(
        (b"\0\0\0\x18ftypM4A ", b"\x1a\x45\xdf\xa3", b"\xff\xf1", b"#!AMR\n", b"\x30\x26\xb2\x75")
    ):
        path = tmp_path / f"{i}.m4a"
        path.write_bytes(start + bytes(range(256)) * 20)
        with pytest.raises(AudioError, match=path.name) as told:
            read_audio(path, 16000)
        assert "\n" not in told.value.message


def test_a_list_of_other_files_opens_none_of_them(tmp_path: Path) -> None:
    secret = tmp_path / "secret.wav"
    soundfile.write(secret, noise(1, 16000), 16000)
    for text in (
        f"#EXTM3U\n#EXTINF:1,\n{secret}\n",
        f"ffconcat version 1.0\nfile {secret}\n",
        f"[playlist]\nFile1={secret}\n",
    ):
        (tmp_path / "a.m4a").write_text(text)
        with pytest.raises(AudioError, match="cannot be decoded as audio"):
            read_audio(tmp_path / "a.m4a", 16000)


def test_a_pointer_of_git_lfs_is_named_as_such(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_text(
        "version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 12345\n"
    )
    with pytest.raises(
        AudioError, match=r"^a.wav is a git-lfs pointer, not the audio itself: run git lfs pull$"
    ):
        read_audio(tmp_path / "a.wav", 16000)


def test_pipes_and_devices_are_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.wav")
    (tmp_path / "b.wav").symlink_to("/dev/zero")
    (tmp_path / "c.wav").symlink_to("c.wav")
    (tmp_path / "d.wav").mkdir()
    for name in "abd":
        with pytest.raises(AudioError, match=f"^not a file: .*{name}.wav$"):
            read_audio(tmp_path / f"{name}.wav", 16000)
    for path in (tmp_path / "c.wav", Path("a\0b"), tmp_path / ("x" * 300)):
        with pytest.raises(AudioError):
            read_audio(path, 16000)


@pytest.mark.parametrize(("rate", "channels"), [(16000, 2), (44100, 1), (44100, 2), (8000, 6), (192000, 8)])
def test_reading_in_blocks_is_reading_at_once(tmp_path: Path, rate: int, channels: int) -> None:
    frames = noise(5, rate, channels)
    soundfile.write(tmp_path / "a.wav", frames, rate, subtype="FLOAT")
    whole = frames[:, 0] if channels == 1 else frames.mean(axis=1, dtype=np.float64)
    whole = soxr.resample(whole, rate, 16000, quality="VHQ") if rate != 16000 else whole
    np.testing.assert_array_equal(read_audio(tmp_path / "a.wav", 16000), whole.astype(np.float32))


def test_a_clip_that_is_too_long_is_missing_with_the_reason(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", noise(7, 16000), 16000)
    said = (
        r"^a.wav: 0.1\d minutes or more, longer than the limit of 0.1 minutes \(set another limit with --max"
    )
    with pytest.raises(AudioError, match=said):
        read_audio(tmp_path / "a.wav", 16000, max_minutes=0.1)
    assert len(read_audio(tmp_path / "a.wav", 16000, 1, 5, max_minutes=0.1)) == 64000
    data = (tmp_path / "a.wav").read_bytes()
    (tmp_path / "a.wav").write_bytes(data[:40] + bytes(4) + data[44:])
    with pytest.raises(AudioError, match=said):
        read_audio(tmp_path / "a.wav", 16000, max_minutes=0.1)


@pytest.mark.parametrize("rate", [1, 2**31 - 1])
def test_a_header_with_an_absurd_rate_takes_no_memory(tmp_path: Path, rate: int) -> None:
    soundfile.write(tmp_path / "a.wav", noise(25, 16000), 16000)
    data = (tmp_path / "a.wav").read_bytes()
    (tmp_path / "a.wav").write_bytes(data[:24] + struct.pack("<I", rate) + data[28:])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(AudioError, match=f"a.wav states a sampling rate of {rate} Hz|cannot be decoded"):
        read_audio(tmp_path / "a.wav", 16000)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kB


SECONDS = 90
"""Of eight channels at 192 kHz: 550 MB as numbers of four bytes."""


@pytest.mark.slow
def test_minutes_of_eight_channels_at_192_khz_take_little_memory(tmp_path: Path) -> None:
    block = np.zeros((192000, 8), dtype=np.int16)
    with soundfile.SoundFile(tmp_path / "a.flac", "w", 192000, 8, "PCM_16") as file:
        for _ in range(SECONDS):
            file.write(block)
    code = (
        "import re; from pathlib import Path; from sertools.audio.files import read_audio;"
        f"print(len(read_audio({str(tmp_path / 'a.flac')!r}, 16000)));"
        # not getrusage, whose peak begins with that of the process which started this one
        "print(re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    samples, peak_kb = map(int, found.stdout.split())
    assert samples == SECONDS * 16000
    assert peak_kb < 400_000


def test_many_threads_read_at_once(tmp_path: Path) -> None:
    frames = noise(2, 44100, 2)
    soundfile.write(tmp_path / "a.flac", frames, 44100)
    expected, wrong = read_audio(tmp_path / "a.flac", 16000), []

    def read() -> None:
        wrong.extend([1] * (not np.array_equal(read_audio(tmp_path / "a.flac", 16000), expected)))

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_damage_at_any_place_is_one_sentence(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    for suffix in ("wav", "flac", "ogg", "mp3", "aiff"):
        soundfile.write(tmp_path / f"whole.{suffix}", noise(0.5, 16000, 2), 16000)
        whole = (tmp_path / f"whole.{suffix}").read_bytes()
        for _ in range(40):
            data = bytearray(whole)
            for _ in range(rng.integers(1, 8)):
                data[rng.integers(min(len(data), 200) if rng.random() < 0.7 else len(data))] = rng.integers(
                    256
                )
            path = tmp_path / f"a.{suffix}"
            path.write_bytes(data[: rng.integers(len(data))] if rng.random() < 0.3 else data)
            try:
                assert np.isfinite(read_audio(path, 16000)).all()
            except AudioError as error:
                assert "\n" not in error.message  # noqa: PT017 (both are right)


def test_an_open_file_tells_its_note_and_its_rate(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", noise(1, 8000), 8000)
    with opened(tmp_path / "a.wav") as sound:
        assert (sound.rate, sound.promised, sound.note) == (8000, 8000, "")


@pytest.mark.parametrize("length", [100, 4096, 4097, 16000])
@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_a_header_that_states_too_little_does_not_end_a_recording(tmp_path: Path, suffix: str, length: int):
    noise = np.random.default_rng(length).uniform(-0.5, 0.5, 20000)
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, noise, 16000, subtype="PCM_16")
    whole = read_audio(path, 16000)
    assert unusual(path) == ""
    content = bytearray(path.read_bytes())
    if suffix == "wav":
        at = content.find(b"data") + 4
        content[at : at + 4] = (2 * length).to_bytes(4, "little")
    else:
        content[22:26] = length.to_bytes(4, "big")
    path.write_bytes(content)
    np.testing.assert_array_equal(read_audio(path, 16000), whole)
    assert unusual(path) == TOO_SHORT


@pytest.mark.parametrize("after", [b"LIST\x04\0\0\0INFO", b"ID3\x03\0\0\0\0\0\0", bytes(300), b"\0", b"TAGx"])
def test_what_may_follow_the_samples_of_a_wav_is_no_sound(tmp_path: Path, after: bytes):
    soundfile.write(tmp_path / "a.wav", np.full(1000, 0.5), 16000, subtype="PCM_16")
    (tmp_path / "a.wav").write_bytes((tmp_path / "a.wav").read_bytes() + after)
    assert (len(read_audio(tmp_path / "a.wav", 16000)), unusual(tmp_path / "a.wav")) == (1000, "")


@pytest.mark.parametrize("samples", [1, 4095, 4096, 4097, 30000])
def test_the_last_frames_of_a_flac_file_say_how_long_it_is(tmp_path: Path, samples: int):
    soundfile.write(tmp_path / "a.flac", np.random.default_rng(1).uniform(-1, 1, samples), 16000)
    start = (tmp_path / "a.flac").read_bytes()[:64]
    assert samples_stated(start) == samples
    # a single frame is not sure to be one
    last = last_frame(tmp_path / "a.flac", start)
    assert (last.end if last else 0) == (samples if samples > 4096 else 0)


@pytest.mark.parametrize("share", [0.6, 0.9])
@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3", "ogg", "aiff", "au", "w64"])
def test_a_file_that_was_cut_is_read_as_far_as_it_goes(tmp_path: Path, suffix: str, share: float):
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, np.random.default_rng(5).uniform(-0.5, 0.5, 64000), 16000)
    whole = read_audio(path, 16000)
    assert unusual(path) == ""
    content = path.read_bytes()
    path.write_bytes(content[: round(share * len(content))])
    part = read_audio(path, 16000)
    assert abs(len(part) / len(whole) - share) < 0.1
    assert duration_s(path) == len(part) / 16000
    assert unusual(path) in (TOO_LONG, CUT)
    if suffix in ("wav", "flac"):
        np.testing.assert_array_equal(part, whole[: len(part)])
