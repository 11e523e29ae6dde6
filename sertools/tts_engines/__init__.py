"""Programs that speak: one file each, and this folder is the list.

A module here has a docstring that says what the engine is, and `ENGINE`, a class whose instances keep the
protocol `Engine` below and can be made without arguments. Adding an engine is adding a file.
"""

import importlib
import pkgutil
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from sertools.errors import SertoolsError, nearest

LANGUAGES = {"deu": "de", "eng": "en", "fra": "fr", "ita": "it", "spa": "es"}
"""ISO 639-3 → the two letters that engines use; other languages go by the code that they are given."""


@dataclass(frozen=True, kw_only=True)
class Speaker:
    """A voice of an engine.

    Attributes:
        name: as the engine takes it, e.g. `en-us+f1`
        language: ISO 639-3 where known, e.g. `eng`
        sex: `female` or `male`; empty where nobody declares it
    """

    name: str
    language: str
    sex: str = ""


class Engine(Protocol):
    """What speaks: text and the name of a voice in, sound out.

    Attributes:
        name: of the engine
        licence: of what it speaks, in a sentence
        network: whether it is a service that is asked over the network
    """

    name: str
    licence: str
    network: bool

    def version(self) -> str:
        """Release of the engine, or what else decides how it sounds."""
        ...

    def speakers(self, language: str) -> list[Speaker]:
        """The voices to take for a language where nobody names any."""
        ...

    def speaker(self, voice: str) -> Speaker:
        """The voice of that name.

        Raises:
            SertoolsError: there is none; the hint names the nearest, or lists them
        """
        ...

    def speak(self, text: str, voice: str) -> tuple[np.ndarray, int]:
        """The speech of a text as it stands: signal (samples,) float32 in [-1, 1], and its rate in Hz.

        Raises:
            AudioError: there is nothing in it that the engine can say
            SertoolsError: the engine fails
        """
        ...


def names() -> list[str]:
    """The engines there are.

    >>> names()
    ['espeak', 'gtts', 'piper']
    """
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def engine(name: str) -> Engine:
    """The engine of that name.

    Raises:
        SertoolsError: there is none
    """
    if name not in names():
        raise SertoolsError(f"no engine {name!r} to speak", hint=nearest(name, names()))
    made: Engine = importlib.import_module(f"{__name__}.{name}").ENGINE()
    return made


def three_letters(language: str) -> str:
    """ISO 639-3 of an engine's language or accent, `en-us` or `en_US`; itself where it is not known.

    >>> three_letters("en-us"), three_letters("fr_FR"), three_letters("eng"), three_letters("cy")
    ('eng', 'fra', 'eng', 'cy')
    """
    short = language.replace("_", "-").partition("-")[0].lower()
    return {two: three for three, two in LANGUAGES.items()}.get(short, short)
