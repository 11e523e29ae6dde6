"""The command `perturb`."""

from pathlib import Path
from typing import Annotated

import typer

from sertools.cli import options as o

CONTEXT_SETTINGS = {"ignore_unknown_options": True}
"""A negative level is no option; a mistyped option is still refused, as a word too many."""


def perturb(
    name: Annotated[str, typer.Argument(help="A name from sertools list perturbations.")],
    level: Annotated[float, typer.Argument(help="Level in the perturbation's unit.")],
    source: Annotated[Path, typer.Argument(metavar="IN", help="Audio file to perturb.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="WAV or FLAC file to write.")],
    max_minutes: o.MaxMinutes = 60.0,
    seed: o.Seed = 0,
) -> None:
    """Apply a perturbation to an audio file, to listen to the result.

    Example: sertools perturb gain -6 clip.wav quieter.wav
    """
    from sertools.api.perturbations import perturb_file
    from sertools.cli import console

    console.message(perturb_file(source, target, name, level, max_minutes=max_minutes, seed=seed))
