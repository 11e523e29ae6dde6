"""Reads and writes audio files: decode, mix to mono, cut, resample."""

import io
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from sertools.audio.decoding import Sound, opened
from sertools.audio.unfinished import CUT, TOO_LONG
from sertools.errors import AudioError, foreign
from sertools.files import write_bytes

Signal = npt.NDArray[np.float32]
"""Mono audio, shape (samples,), full scale is [-1, 1]."""

END_TOLERANCE_S = 0.01
"""A segment may end this long after the end of its file: manifests round to hundredths of a second."""

MAX_MINUTES = 60.0
"""Longest clip that is read by default; a longer one would fill the memory of small machines."""

SILENCE = 2.0**-15
"""One step of 16-bit audio; nothing louder than that is silence."""


def read_audio(
    path: str | Path,
    rate: int,
    start: float = math.nan,
    end: float = math.nan,
    channel: float = math.nan,
    *,
    max_minutes: float = MAX_MINUTES,
) -> Signal:
    """Read a clip as mono audio at the given rate.

    Channels are averaged, unless one is chosen. Only the segment is decoded, then resampled (soxr, very high
    quality), so its edges do not depend on the audio around it. Both happens in blocks, so that no more
    memory is needed than for the result. A file that ends before the length that its header states, or whose
    header does not know its length, is read as far as it goes (see `unusual`); damage inside it is an error.

    Args:
        path: any file that libsndfile can read, or, if PyAV is installed, AAC, WebM, AMR or WMA
        rate: samples per second of the result
        start: first second of the segment; nan for the beginning of the file
        end: last second of the segment; nan for the end of the file
        channel: number of the channel to read, the first is 1; nan for the mean of all
        max_minutes: longest clip that is read

    Returns:
        shape (samples,), float32

    Raises:
        AudioError: no such file, not decodable, damaged, empty, not finite, too long,
            or a segment that is not inside the file; the message states why the clip is missing
    """
    parts = list(audio_blocks(path, rate, start, end, channel, max_minutes=max_minutes))
    return np.concatenate(parts)


def audio_blocks(
    path: str | Path,
    rate: int,
    start: float = math.nan,
    end: float = math.nan,
    channel: float = math.nan,
    *,
    max_minutes: float = MAX_MINUTES,
) -> Iterator[Signal]:
    """The samples of `read_audio` in blocks, with the same arguments and errors, in memory for one block."""
    path = Path(path)
    with foreign(f"{path.name} cannot be decoded as audio", AudioError):
        yield from _blocks(path, rate, (start, end), channel, max_minutes)


def _blocks(
    path: Path, rate: int, segment: tuple[float, float], channel: float, max_minutes: float
) -> Iterator[Signal]:
    """What `audio_blocks` yields."""
    start, end = segment
    with opened(path) as sound:
        first, last = _segment(sound, path, start, end)
        limit = round(max_minutes * 60 * sound.rate)
        if last is not None and last - first > limit:
            raise _too_long((last - first) / sound.rate, path, max_minutes)
        sound.skip(first)
        frames, samples = 0, 0
        mono = _mono(sound, path, limit + 1 if last is None else last - first, channel)
        for part, read in _resampled(mono, sound.rate, rate):
            frames += read
            samples += len(part)
            if frames > limit:
                raise _too_long(frames / sound.rate, path, max_minutes)
            yield part
    wanted = None if last is None else last - first
    tolerance = 0 if sound.promised is not None else round(END_TOLERANCE_S * sound.rate)
    if wanted is not None and frames < wanted - tolerance:
        found, declared = (first + frames) / sound.rate, (first + wanted) / sound.rate
        if sound.promised is None:
            raise _outside(path, start, end, found)
        raise AudioError(f"{path.name} is truncated after {found:.2f} s of {declared:.2f} s")
    if not samples:
        problem = f"is too short to resample from {sound.rate} Hz to {rate} Hz" if frames else NO_SAMPLES
        raise AudioError(f"{path.name} {problem}")


NO_SAMPLES = "contains no samples"


def duration_s(path: str | Path) -> float:
    """Duration of a file in seconds, according to its header; if that is unknown, all of it is decoded.

    Raises:
        AudioError: no such file, or not decodable
    """
    with opened(Path(path)) as sound:
        frames = sound.promised
        if frames is None:
            frames = sum(len(block) for block in sound.blocks())
        return float(frames / sound.rate)


def sampling_rate(path: str | Path) -> int:
    """Sampling rate of a file in Hz.

    Raises:
        AudioError: no such file, or not decodable
    """
    with opened(Path(path)) as sound:
        return sound.rate


def unusual(path: str | Path) -> str:
    """A defect of a file that can be read nevertheless, as the end of a sentence; else empty.

    Raises:
        AudioError: no such file, or not decodable
    """
    with opened(Path(path)) as sound:
        if sound.to_check is None:
            return sound.note
        held = sum(len(block) for block in sound.blocks())
        return TOO_LONG if held < sound.to_check else ""


def ends_early(path: str | Path) -> bool:
    """Does the recording end before its header says, or in the middle of a page?

    Raises:
        AudioError: no such file, or not decodable
    """
    return unusual(path) in (TOO_LONG, CUT)


def is_silent(signal: npt.ArrayLike) -> bool:
    """Is the signal digital silence: no sample louder than one step of 16-bit audio?

    >>> is_silent([0.0, 2**-15]), is_silent([0.0, 2**-14])
    (True, False)
    """
    return bool(np.max(np.abs(np.asarray(signal, dtype=float)), initial=0.0) <= SILENCE)


def write_audio(path: str | Path, signal: npt.ArrayLike, rate: int) -> None:
    """Write mono audio so that reading it returns the same samples; nothing is clipped silently.

    WAV stores 32-bit floats: every float32 is restored exactly, also beyond full scale. FLAC stores 24-bit
    integers: samples are restored within 2^-23, and samples beyond full scale are an error. The file appears
    only when it is complete.

    Raises:
        AudioError: not one dimension, empty, not finite, an unsupported suffix, or too loud for FLAC
    """
    path = Path(path)
    samples = np.asarray(signal, dtype=np.float32)
    if samples.ndim != 1 or not len(samples):
        raise AudioError(f"{path.name}: the signal to write has shape {samples.shape}, expected (samples,)")
    if not np.isfinite(samples).all():
        raise AudioError(f"{path.name}: the signal to write contains samples that are not finite")
    kinds = {".wav": ("WAV", "FLOAT"), ".flac": ("FLAC", "PCM_24")}
    if path.suffix.lower() not in kinds:
        raise AudioError(f"cannot write {path.name!r}", hint="use the suffix .wav or .flac")
    kind, subtype = kinds[path.suffix.lower()]
    loudest = float(np.max(np.abs(samples)))
    if kind == "FLAC" and loudest > 1:
        raise AudioError(f"{path.name}: FLAC would clip a peak of {loudest:.3g}", hint="write .wav instead")
    if not path.parent.is_dir():
        raise AudioError(f"cannot write {path}: there is no folder {path.parent}")
    content = io.BytesIO()
    try:
        soundfile.write(content, samples, rate, format=kind, subtype=subtype)
    except soundfile.LibsndfileError as error:
        raise AudioError(f"cannot write {path}: {error.error_string}") from error
    write_bytes(path, _without_time(content.getvalue()), error=AudioError)


def _without_time(content: bytes) -> bytes:
    """A sound file without the time of writing, so that the same samples give the same bytes.

    libsndfile notes that time in the chunk `PEAK` of a WAV file with floats, after the chunk's name, its size
    and its version, 4 bytes each.
    """
    at = content.find(b"PEAK", 0, 128)
    return content if at < 0 else content[: at + 12] + bytes(4) + content[at + 16 :]


def flac(signal: npt.ArrayLike, rate: int) -> bytes:
    """Encode mono audio as the bytes of a FLAC file for playback in browsers; only bit depth is lost.

    16 bits: samples are restored within 2^-16, a hundredth of what anybody can hear.

    Args:
        signal: shape (samples,), within [-1, 1]
        rate: samples per second

    Raises:
        AudioError: not one dimension, empty, not finite, or louder than full scale
    """
    samples = np.asarray(signal, dtype=np.float32)
    if samples.ndim != 1 or not len(samples) or not np.isfinite(samples).all():
        raise AudioError(
            "the signal to encode is empty, has several channels, or contains samples that are not finite"
        )
    if float(np.max(np.abs(samples))) > 1:
        raise AudioError(f"FLAC would clip a peak of {float(np.max(np.abs(samples))):.3g}")
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="FLAC", subtype="PCM_16")
    return file.getvalue()


def _mono(sound: Sound, path: Path, most: int, channel: float) -> Iterator[npt.NDArray[np.floating[Any]]]:
    """One channel, or the mean of all, block by block, up to `most` frames."""
    left = most
    for block in sound.blocks():
        frames = block[:left]
        if not math.isnan(channel):
            if channel > frames.shape[1]:
                raise AudioError(f"{path.name} has {frames.shape[1]} channels, and no channel {channel:g}")
            frames = frames[:, int(channel) - 1, np.newaxis]
        if not np.isfinite(frames).all():
            raise AudioError(f"{path.name} contains samples that are not finite")
        if len(frames):
            yield frames[:, 0] if frames.shape[1] == 1 else frames.mean(axis=1, dtype=np.float64)
        left -= len(frames)
        if not left:
            return


def _resampled(
    blocks: Iterator[npt.NDArray[np.floating[Any]]], own_rate: int, rate: int
) -> Iterator[tuple[Signal, int]]:
    """The resampled blocks, each with the number of frames that were read for it.

    The result is that of resampling all at once, to the bit.
    """
    stream = None
    for block in blocks:
        if own_rate == rate:
            yield np.ascontiguousarray(block, dtype=np.float32), len(block)
            continue
        if stream is None:
            stream = soxr.ResampleStream(own_rate, rate, 1, dtype=block.dtype.name, quality="VHQ")
            kind = block.dtype
        yield stream.resample_chunk(np.ascontiguousarray(block)).astype(np.float32), len(block)
    if stream is not None:
        yield stream.resample_chunk(np.zeros(0, dtype=kind), last=True).astype(np.float32), 0


def _too_long(seconds: float, path: Path, max_minutes: float) -> AudioError:
    return AudioError(
        f"{path.name}: {seconds / 60:.2f} minutes or more, longer than the limit of {max_minutes:g} minutes",
        hint="set another limit with --max-minutes",
    )


def _outside(path: Path, start: float, end: float, length: float) -> AudioError:
    first_s = 0.0 if math.isnan(start) else start
    last_s = length if math.isnan(end) else end
    sentence = f"{path.name}: segment {first_s:g}–{last_s:g} s is outside the file's {length:.2f} s"
    if length < last_s <= 1000 * (length + END_TOLERANCE_S) and last_s > 100:
        sentence += "; if these are milliseconds, name the columns start_ms and end_ms"
    return AudioError(sentence)


def _segment(sound: Sound, path: Path, start: float, end: float) -> tuple[int, int | None]:
    """First and last+1 frame of a segment, checked against the file; None for the end of unknown length."""
    first_s = 0.0 if math.isnan(start) else start
    if sound.promised is None:
        last = None if math.isnan(end) else round(end * sound.rate)
        if first_s < 0 or not math.isfinite(first_s):
            raise AudioError(f"{path.name}: segment {first_s:g} s … is outside the file")
        first = round(first_s * sound.rate)
    else:
        length = sound.promised / sound.rate
        last_s = length if math.isnan(end) else end
        if first_s < 0 or last_s > length + END_TOLERANCE_S or first_s >= length:
            raise _outside(path, start, end, length)
        first = round(first_s * sound.rate)
        last = min(round(last_s * sound.rate), sound.promised)
    if last is not None and last <= first:
        raise AudioError(f"{path.name}: segment {first_s:g}–{end:g} s contains no samples")
    return first, last
