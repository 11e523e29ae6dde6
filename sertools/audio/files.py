"""Reads and writes audio files: decode, mix to mono, cut, resample. Only this module opens audio files."""

import io
import math
import re
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from sertools.errors import AudioError
from sertools.files import write_bytes

Signal = npt.NDArray[np.float32]
"""Mono audio, shape (samples,), full scale is [-1, 1]."""

END_TOLERANCE_S = 0.01
"""A segment may end this long after the end of its file: manifests round to hundredths of a second."""

# libsndfile reads a truncated WAV as a shorter one and reports this only here.
_CUT_WAV = re.compile(r"^data : (?P<promised>\d+) \(should be (?P<found>\d+)\)", re.MULTILINE)

_UNKNOWN_LENGTH = 0x7FFF0000
"""Programs that write WAV into a pipe declare this many bytes or more, because the length is unknown."""

SILENCE = 2.0**-15
"""One step of 16-bit audio; nothing louder than that is silence."""


def read_audio(path: str | Path, rate: int, start: float = math.nan, end: float = math.nan) -> Signal:
    """Read a clip as mono audio at the given rate.

    Channels are averaged. Only the segment is decoded, then resampled (soxr, very high quality), so its
    edges do not depend on the audio around it. A truncated file is an error if its format declares the
    length; OGG does not, and is read up to where it ends.

    Args:
        path: any file that libsndfile can read
        rate: samples per second of the result
        start: first second of the segment; nan for the beginning of the file
        end: last second of the segment; nan for the end of the file

    Returns:
        shape (samples,), float32

    Raises:
        AudioError: no such file, not decodable, shorter than its header says, empty, not finite, or a
            segment that is not inside the file; the message states why the clip is missing
    """
    path = Path(path)
    with _opened(path) as sound:
        first, last = _segment(sound, path, start, end)
        try:
            sound.seek(first)
            frames = sound.read(last - first, dtype="float32", always_2d=True)
        except (soundfile.LibsndfileError, RuntimeError) as error:
            raise AudioError(f"{path.name} is truncated or damaged: {error}") from error
        own_rate = sound.samplerate
    if len(frames) < last - first:
        found, wanted = (first + len(frames)) / own_rate, last / own_rate
        raise AudioError(f"{path.name} is truncated after {found:.2f} s of {wanted:.2f} s")
    if not np.isfinite(frames).all():
        raise AudioError(f"{path.name} contains samples that are not finite")
    signal = frames[:, 0] if frames.shape[1] == 1 else frames.mean(axis=1, dtype=np.float64)
    if own_rate != rate:
        signal = soxr.resample(signal, own_rate, rate, quality="VHQ")
    if not len(signal):
        raise AudioError(f"{path.name} is too short to resample from {own_rate} Hz to {rate} Hz")
    return np.ascontiguousarray(signal, dtype=np.float32)


def duration_s(path: str | Path) -> float:
    """Duration of a file in seconds, according to its header.

    Raises:
        AudioError: no such file, or not decodable
    """
    with _opened(Path(path)) as sound:
        return float(sound.frames / sound.samplerate)


def sampling_rate(path: str | Path) -> int:
    """Sampling rate of a file in Hz.

    Raises:
        AudioError: no such file, or not decodable
    """
    with _opened(Path(path)) as sound:
        return int(sound.samplerate)


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
    write_bytes(path, content.getvalue(), error=AudioError)


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


def _opened(path: Path) -> soundfile.SoundFile:
    # libsndfile reports only "System error" for a missing file or a folder.
    if not path.exists():
        raise AudioError(f"no such file: {path}")
    if not path.is_file():
        raise AudioError(f"not a file: {path}")
    if not path.stat().st_size:
        raise AudioError(f"{path.name} is empty (0 bytes)")
    try:
        sound = soundfile.SoundFile(path)
    except soundfile.LibsndfileError as error:
        raise AudioError(f"{path.name} cannot be decoded as audio: {error.error_string}") from error
    if not sound.frames:
        sound.close()
        raise AudioError(f"{path.name} contains no samples")
    cut = _CUT_WAV.search(sound.extra_info)
    if cut and int(cut["found"]) < int(cut["promised"]) < _UNKNOWN_LENGTH:
        sound.close()
        raise AudioError(
            f"{path.name} is truncated: it has {cut['found']} of {cut['promised']} bytes of audio"
        )
    return sound


def _segment(sound: soundfile.SoundFile, path: Path, start: float, end: float) -> tuple[int, int]:
    """First and last+1 frame of a segment, checked against the file."""
    length = sound.frames / sound.samplerate
    first_s = 0.0 if math.isnan(start) else start
    last_s = length if math.isnan(end) else end
    if first_s < 0 or last_s > length + END_TOLERANCE_S or first_s >= length:
        raise AudioError(
            f"{path.name}: segment {first_s:g}–{last_s:g} s is outside the file's {length:.2f} s"
        )
    first = round(first_s * sound.samplerate)
    last = min(round(last_s * sound.samplerate), sound.frames)
    if last <= first:
        raise AudioError(f"{path.name}: segment {first_s:g}–{last_s:g} s contains no samples")
    return first, last
