"""espeak-ng: offline, deterministic, in more than a hundred languages; sounds robotic.

Formant synthesis: the intonation is the same for all sentences of one form, so a sentence sounds neutral
whatever its words mean. This makes it suitable for testing whether a model responds to words.
"""

import numpy as np
from numpy.typing import NDArray

from sertools.errors import SertoolsError, nearest
from sertools.speech import espeak_ng
from sertools.speech.engines import LANGUAGES, Speaker, three_letters

# base voice of languages whose plain code is not a voice
_BASE = {"eng": "en-us", "fra": "fr-fr"}
_VARIANTS = ("f1", "m1", "f2", "m2", "f3", "m3")


class Espeak:
    """The engine `espeak`; voices are named `language` or `language+variant`."""

    name = "espeak"
    network = False
    licence = "free to use: the program is under GPL-3.0-or-later, whose licence does not apply to its speech"

    def version(self) -> str:
        """Release of espeak-ng."""
        return f"espeak-ng {espeak_ng.version()}"

    def speakers(self, language: str) -> list[Speaker]:
        """Three female and three male voices, by espeak-ng's own variants."""
        base = _BASE.get(language, LANGUAGES.get(language, language))
        return [self.speaker(f"{base}+{variant}") for variant in _VARIANTS]

    def speaker(self, voice: str) -> Speaker:
        """The voice with this name; for an unknown one, the hint suggests one of the same language if any."""
        base = voice.partition("+")[0]
        found = next((known for known in espeak_ng.voices(base) if known.name == voice), None)
        if found is None:
            language = voice.partition("-")[0].partition("+")[0][:2]
            same_language = espeak_ng.voices(language) or espeak_ng.voices("")
            close = [known.name for known in same_language if ("+" in known.name) == ("+" in voice)]
            raise SertoolsError(f"espeak-ng has no voice {voice!r}", hint=nearest(voice, close))
        return Speaker(name=found.name, language=three_letters(found.language), sex=found.sex)

    def speak(self, text: str, voice: str) -> tuple[NDArray[np.float32], int]:
        """The speech of a text; markup is read out."""
        return espeak_ng.speak(text, voice, volume=80)


ENGINE = Espeak
