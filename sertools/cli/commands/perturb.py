"""The command `perturb`."""

from pathlib import Path
from typing import Annotated

import typer

from sertools.cli import options as o
from sertools.errors import AudioError, CorpusError


def perturb(
    name: Annotated[str, typer.Argument(help="A name from sertools list perturbations.")],
    level: Annotated[float, typer.Argument(help="Level in the perturbation's unit.")],
    source: Annotated[Path, typer.Argument(metavar="IN", help="Audio file to perturb.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="WAV or FLAC file to write.")],
    seed: o.Seed = 0,
) -> None:
    """Apply a perturbation to an audio file, to listen to the result.

    Put -- before a negative level.

    Example: sertools perturb white_noise 20 clip.wav noisy.wav
    """
    from sertools.cli import console

    console.message(_perturb_file(name, level, source, target, seed))


def _perturb_file(name: str, level: float, source: Path, target: Path, seed: int) -> str:
    """Writes a perturbed copy of an audio file, at its sampling rate; returns a sentence about the change.

    Raises:
        AuditError: no such perturbation, or an invalid level
        CorpusError: the file cannot be read, perturbed or written
    """
    import numpy as np

    from sertools.audio.files import read_audio, sampling_rate, write_audio
    from sertools.perturbations.registry import get
    from sertools.randomness import identity_rng

    perturbation = get(name)
    try:
        rate = sampling_rate(source)
        signal = read_audio(source, rate)
        changed = perturbation.apply(signal, rate, level, identity_rng(seed, source.name, name))
    except AudioError as error:
        raise CorpusError(f"{source}: {error.message}", hint=error.hint) from error
    write_audio(target, changed, rate)
    change = ""
    if len(changed) == len(signal) and np.any(difference := changed.astype(np.float64) - signal):
        ratio = np.sum(np.square(signal, dtype=np.float64)) / np.sum(np.square(difference))
        if ratio > 0:
            change = f"; the difference is {10 * np.log10(ratio):.1f} dB below the signal"
    return f"{name} at {level:g} {perturbation.unit}: {len(changed) / rate:.2f} s in {target}{change}"
