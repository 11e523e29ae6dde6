"""Replaces a clip by synthetic speech of its transcript: the same words, without how they were spoken.

A voice is written `ENGINE:NUMBER`, the engine's voice with this number for the language of each clip
(`espeak:1` is female, `espeak:2` male), or `ENGINE:NAME`, one voice for the clips in its language.
"""

import functools
import hashlib
import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.errors import AudioError, SertoolsError
from sertools.speech.engines import Engine, Speaker, engine, three_letters
from sertools.speech.synthesis import Line, check_lines

_SPEAKING = threading.Lock()
"""Only one thread at a time calls a service, and no text is synthesised twice in parallel."""


def has_transcripts(clips: pd.DataFrame) -> bool:
    """Does any clip have a transcript?"""
    return "transcript" in clips and bool(clips["transcript"].notna().any())


def offline(voice: str) -> bool:
    """Does a voice run on this machine, without calling a service over the network?

    Raises:
        SertoolsError: no such engine
    """
    return not _engine_and_voice(voice)[0].network


def count_texts(clips: pd.DataFrame) -> int:
    """Number of different texts to synthesise for the clips; a text counts once per language."""
    return len({words for row in clips.to_dict("records") if (words := _words(row))[0]})


def fingerprint(clips: pd.DataFrame, voice: str) -> str:
    """Hash of all that a voice's speech depends on, 16 hex digits: engine, voice, words and languages.

    Raises:
        SertoolsError: unknown engine or voice, or it is not installed
    """
    speaker, name = _engine_and_voice(voice)
    named = "" if name.isdigit() else speaker.speaker(name).name
    file = Path(name).expanduser()
    voice_file = hashlib.blake2b(file.read_bytes()).hexdigest() if file.is_file() else ""
    texts = [_words(row) for row in clips.to_dict("records")]
    ids = list(map(str, clips.index))
    content = json.dumps([speaker.version(), named or int(name), voice_file, ids, texts])
    return hashlib.blake2b(content.encode(errors="surrogatepass"), digest_size=8).hexdigest()


def speech(row: Any, voice: str, rate: int) -> NDArray[np.float32]:
    """A clip's transcript, spoken by a voice: signal (samples,), float32 in [-1, 1], at `rate` Hz.

    Args:
        row: row of the clip, with `transcript` and, if known, `language`
        voice: `ENGINE:NUMBER` or `ENGINE:NAME`
        rate: samples per second

    Raises:
        AudioError: no transcript, an unpronounceable one, or no such voice for its language
        SertoolsError: the engine fails, so that no clip can be spoken
    """
    text, language = _words(row)
    if not text:
        raise AudioError("the clip has no transcript")
    try:
        check_lines([Line(text=text, where="the transcript")])
    except SertoolsError as error:
        raise AudioError(error.message, hint=error.hint) from error
    with _SPEAKING:
        return _spoken(text, language, voice, rate)


@functools.lru_cache(maxsize=64)
def _spoken(text: str, language: str, voice: str, rate: int) -> NDArray[np.float32]:
    """Speech of a text, cached because corpora repeat their sentences; the array is read-only."""
    import soxr

    speaker, name = _engine_and_voice(voice)
    signal, own = speaker.speak(text, _voice(speaker, name, language).name)
    if own != rate:
        signal = soxr.resample(signal, own, rate)
    spoken: NDArray[np.float32] = np.clip(signal, -1, 1).astype(np.float32)
    spoken.flags.writeable = False
    return spoken


def _voice(speaker: Engine, name: str, language: str) -> Speaker:
    """The voice for clips in this language."""
    if not name.isdigit():
        named = speaker.speaker(name)
        if language and named.language != language:
            raise AudioError(f"the voice {named.name} speaks {named.language}, not {language}")
        return named
    if not language:
        raise AudioError(
            "the clip's language is unknown", hint="add a column 'language', or choose a voice by its name"
        )
    try:
        known = speaker.speakers(language)
    except SertoolsError as error:
        raise AudioError(error.message, hint=error.hint) from error
    if int(name) > len(known):
        raise AudioError(
            f"{speaker.name} has {len(known)} voices for {language}, so there is no voice {name}"
        )
    return known[int(name) - 1]


def _words(row: Any) -> tuple[str, str]:
    """Transcript and language (ISO 639-3) of a clip, empty where unknown."""
    text, language = row.get("transcript"), row.get("language")
    return (
        text.strip() if isinstance(text, str) else "",
        three_letters(language) if isinstance(language, str) else "",
    )


@functools.cache
def _engine_and_voice(voice: str) -> tuple[Engine, str]:
    """Engine and voice from `ENGINE:VOICE`."""
    name, _, rest = voice.partition(":")
    if not rest or rest == "0":
        raise SertoolsError(
            f"{voice!r} is not a voice", hint="use ENGINE:NUMBER or ENGINE:NAME, e.g. espeak:1"
        )
    return engine(name), rest
