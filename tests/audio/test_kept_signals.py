"""A kept clip is the one in the file, and memory stays within its limit."""

import math
import os

import numpy as np
import pytest

from sertools.audio import kept_signals
from sertools.audio.files import read_audio, write_audio
from sertools.audio.kept_signals import KeptSignals
from sertools.errors import AudioError

RATE = 8000
WHOLE = (math.nan, math.nan, math.nan)


@pytest.fixture
def reads(monkeypatch):
    """The files that were decoded, in order."""
    decoded = []

    def noted(path, *rest, **options):
        decoded.append(path.name)
        return read_audio(path, *rest, **options)

    monkeypatch.setattr(kept_signals, "read_audio", noted)
    return decoded


@pytest.fixture
def clips(tmp_path):
    """Five clips of a second of noise, 32 000 bytes each when decoded."""
    paths = [tmp_path / f"{i}.wav" for i in range(5)]
    for i, path in enumerate(paths):
        write_audio(path, np.random.default_rng(i).uniform(-0.5, 0.5, RATE).astype(np.float32), RATE)
    return paths


def test_a_clip_is_decoded_once_and_a_changed_copy_does_not_change_it(clips, reads):
    kept = KeptSignals()
    first = kept.read(clips[0], RATE, *WHOLE, max_minutes=1)
    first[:] = 0
    again = kept.read(clips[0], RATE, *WHOLE, max_minutes=1)
    again[:] = 0
    np.testing.assert_array_equal(
        kept.read(clips[0], RATE, *WHOLE, max_minutes=1), read_audio(clips[0], RATE)
    )
    assert reads == ["0.wav"]


def test_what_decides_the_samples_tells_clips_apart(clips, reads):
    kept = KeptSignals()
    asked = [(RATE, *WHOLE), (4000, *WHOLE), (RATE, 0.2, 0.7, math.nan), (RATE, 0.2, math.nan, 1.0)]
    for _ in range(2):
        for part in asked:
            np.testing.assert_array_equal(
                kept.read(clips[0], *part, max_minutes=1), read_audio(clips[0], *part)
            )
    assert len(reads) == len(asked)
    with pytest.raises(AudioError, match="minute"):
        kept.read(clips[0], RATE, *WHOLE, max_minutes=0.01)


def test_a_file_that_was_written_again_is_read_again(clips, reads):
    kept = KeptSignals()
    kept.read(clips[0], RATE, *WHOLE, max_minutes=1)
    before = clips[0].stat()
    clips[0].write_bytes(clips[1].read_bytes())
    os.utime(clips[0], ns=(before.st_atime_ns, before.st_mtime_ns))  # as `cp -p` does
    found = kept.read(clips[0], RATE, *WHOLE, max_minutes=1)
    np.testing.assert_array_equal(found, read_audio(clips[1], RATE))
    assert reads == ["0.wav", "0.wav"]


def test_memory_stays_within_the_limit_and_some_of_a_larger_corpus_is_kept(clips, reads):
    kept = KeptSignals(budget=4 * 32_000)
    for _ in range(20):
        for path in clips:
            np.testing.assert_array_equal(
                kept.read(path, RATE, *WHOLE, max_minutes=1), read_audio(path, RATE)
            )
            assert sum(each.nbytes for each in kept._signals.values()) == kept._used <= 4 * 32_000
    assert 5 < len(reads) < 80  # of 100; without drawing which clip leaves it would be all of them


def test_a_broken_clip_is_said_to_be_broken_each_time_and_a_missing_one_to_be_missing(tmp_path, reads):
    (tmp_path / "broken.wav").write_bytes(b"RIFF nothing")
    kept = KeptSignals()
    for name in ("broken.wav", "missing.wav"):
        for _ in range(2):
            with pytest.raises(AudioError, match=name.partition(".")[0]):
                kept.read(tmp_path / name, RATE, *WHOLE, max_minutes=1)
    assert len(reads) == 4
