"""Speech synthesis engines: one module per engine, found by listing this folder.

A module here has a docstring that describes the engine, and `ENGINE`, a class whose instances implement the
protocol `Engine` below and can be created without arguments. To add an engine, add a file.
"""

import importlib
import pkgutil
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sertools.errors import SertoolsError, nearest

LANGUAGES = {"deu": "de", "eng": "en", "fra": "fr", "ita": "it", "spa": "es"}
"""ISO 639-3 → the two-letter code that engines use; other language codes are passed on unchanged."""


@dataclass(frozen=True, kw_only=True)
class Speaker:
    """A voice of an engine.

    Attributes:
        name: name that the engine accepts, e.g. `en-us+f1`
        language: ISO 639-3 if known, e.g. `eng`
        sex: `female` or `male`; empty if not declared
    """

    name: str
    language: str
    sex: str = ""


class Engine(Protocol):
    """Speech synthesis: takes a text and the name of a voice, returns audio.

    Attributes:
        name: name of the engine
        licence: licence of the speech, as the end of the sentence "the speech is …"
        network: whether it is a service called over the network
    """

    name: str
    licence: str
    network: bool

    def version(self) -> str:
        """Release of the engine, or whatever else determines how it sounds."""
        ...

    def speakers(self, language: str) -> list[Speaker]:
        """The default voices of a language."""
        ...

    def speaker(self, voice: str) -> Speaker:
        """The voice with this name.

        Raises:
            SertoolsError: unknown voice; the hint names the nearest, or lists all
        """
        ...

    def speak(self, text: str, voice: str) -> tuple[NDArray[np.float32], int]:
        """The speech of a text, taken literally: signal (samples,) float32 in [-1, 1], and its rate in Hz.

        Raises:
            AudioError: the text contains nothing that the engine can pronounce
            SertoolsError: the engine fails
        """
        ...


def names() -> list[str]:
    """Names of the available engines.

    >>> names()
    ['espeak', 'gtts', 'piper']
    """
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def engine(name: str) -> Engine:
    """The engine with this name.

    Raises:
        SertoolsError: unknown engine
    """
    if name not in names():
        raise SertoolsError(f"unknown speech engine {name!r}", hint=nearest(name, names()))
    made: Engine = importlib.import_module(f"{__name__}.{name}").ENGINE()
    return made


def three_letters(language: str) -> str:
    """ISO 639-3 of an engine's language or accent, `en-us` or `en_US`; unknown codes stay unchanged.

    >>> three_letters("en-us"), three_letters("fr_FR"), three_letters("eng"), three_letters("cy")
    ('eng', 'fra', 'eng', 'cy')
    """
    short = language.replace("_", "-").partition("-")[0].lower()
    return {two: three for three, two in LANGUAGES.items()}.get(short, short)
