"""Perturb signals and audio files from Python."""

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sertools.audio.files import MAX_MINUTES, read_audio, sampling_rate, write_audio
from sertools.errors import AudioError, CorpusError
from sertools.perturbations import registry
from sertools.randomness import identity_rng


def perturb(
    signal: ArrayLike, rate: int, name: str, level: float, *, seed: int = 0, clip: str = ""
) -> NDArray[np.float32]:
    """Apply a perturbation to a signal, as the audit `robustness` does.

    Args:
        signal: one channel, shape (samples,), floats with full scale ±1; it is not modified
        rate: sampling rate of the signal in Hz
        name: a name of `list_perturbations()`
        level: in the perturbation's own unit, such as a signal-to-noise ratio in dB
        seed: random seed
        clip: name of the clip; each clip and perturbation has random numbers of its own

    Returns:
        The perturbed signal, float32, shape (samples,); some perturbations change the number of samples.

    Raises:
        AuditError: no such perturbation, a level that is not valid, or a package that is not installed
        AudioError: this signal cannot be changed in this way

    Example:
        ```python
        import numpy as np

        tone = 0.1 * np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
        noisy = sertools.perturb(tone, 16000, "white_noise", 20)
        ```
    """
    perturbation = registry.get(name)
    return perturbation.apply(np.asarray(signal), rate, level, identity_rng(seed, clip, name))


def perturb_file(
    source: str | Path,
    target: str | Path,
    name: str,
    level: float,
    *,
    max_minutes: float = MAX_MINUTES,
    seed: int = 0,
) -> str:
    """Write a perturbed copy of an audio file, at its own sampling rate, to listen to the result.

    Args:
        source: audio file
        target: WAV or FLAC file to write
        name: a name of `list_perturbations()`
        level: in the perturbation's own unit
        max_minutes: longest file that is read
        seed: random seed

    Returns:
        A sentence on the change: length in s, and by how many dB the difference is below the signal.

    Raises:
        AuditError: no such perturbation, or an invalid level
        CorpusError: the file cannot be read, perturbed or written

    Example:
        ```python
        print(sertools.perturb_file("clip.wav", "noisy.wav", "white_noise", 20))
        ```
    """
    source, target = Path(source), Path(target)
    perturbation = registry.get(name)
    try:
        rate = sampling_rate(source)
        signal = read_audio(source, rate, max_minutes=max_minutes)
        changed = perturb(signal, rate, name, level, seed=seed, clip=source.name)
    except AudioError as error:
        raise CorpusError(f"{source}: {error.message}", hint=error.hint) from error
    write_audio(target, changed, rate)
    change = ""
    if len(changed) == len(signal) and np.any(difference := changed.astype(np.float64) - signal):
        ratio = np.sum(np.square(signal, dtype=np.float64)) / np.sum(np.square(difference))
        if ratio > 0:
            change = f"; the difference is {10 * np.log10(ratio):.1f} dB below the signal"
    return f"{name} at {level:g} {perturbation.unit}: {len(changed) / rate:.2f} s in {target}{change}"
