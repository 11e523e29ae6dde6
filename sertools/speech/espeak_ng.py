"""Offline speech synthesis with espeak-ng; library and data come from the package espeakng-loader.

The same text, voice and settings give the same samples, whatever was spoken before: espeak-ng carries the
phase of its pitch flutter and its noise over from one utterance to the next, so the library is loaded,
seeded and unloaded again for each utterance, which takes about five milliseconds.
"""

import ctypes
import os
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sertools.errors import AudioError, SertoolsError, nearest

RANGES = {"rate_wpm": (80, 450), "pitch": (0, 99), "pitch_range": (0, 99), "volume": (1, 200)}
"""Lowest and highest value of each setting; espeak-ng would silently change others."""

_PARAMETERS = {"rate_wpm": 1, "volume": 2, "pitch": 3, "pitch_range": 4}  # espeak_PARAMETER in speak_lib.h
_SYNCHRONOUS = 2  # AUDIO_OUTPUT_SYNCHRONOUS: samples come through the callback before espeak_Synth returns
_DONT_EXIT = 0x8000  # espeakINITIALIZE_DONT_EXIT: without it, missing data would end the whole program
_UTF8 = 1  # espeakCHARS_UTF8; without espeakSSML and espeakPHONEMES, markup in the text is ignored
_MALE, _FEMALE = 1, 2
_LONGEST_DATA_PATH = 150  # measured: from 160 characters on, the library searches for its data elsewhere
_LOCK = threading.Lock()  # the library has one global state


class _VoiceRecord(ctypes.Structure):
    """espeak_VOICE of speak_lib.h."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_void_p),  # a priority byte, then the language, zero-terminated
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("reserved", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)


@dataclass(frozen=True, kw_only=True)
class Voice:
    """A voice that espeak-ng can speak with.

    Attributes:
        name: `language`, or `language+variant`, as `speak` takes it, e.g. `en-us+f1`
        language: the language or accent, e.g. `en-us`
        sex: `female` or `male`, as declared in the voice's file
    """

    name: str
    language: str
    sex: str


def voices(language: str = "en") -> list[Voice]:
    """The voices of a language, including all its accents; `""` returns those of every language.

    Each accent is listed without a variant and with each of espeak-ng's voice variants.

    >>> {voice.name: voice.sex for voice in voices("en-us")}["en-us+f1"]
    'female'
    """
    bases, variants = _catalogue()
    found = []
    for base, (_, sex) in sorted(bases.items()):
        if language and base != language and not base.startswith(language + "-"):
            continue
        found.append(Voice(name=base, language=base, sex=sex))
        found += [
            Voice(name=f"{base}+{variant}", language=base, sex=of_variant)
            for variant, of_variant in sorted(variants.items())
        ]
    return found


def speak(
    text: str,
    voice: str,
    *,
    rate_wpm: int = 175,
    pitch: int = 50,
    pitch_range: int = 50,
    volume: int = 100,
) -> tuple[NDArray[np.float32], int]:
    """Synthesise one utterance: signal (samples,) float32 in [-1, 1], and its rate in Hz.

    The text is spoken literally: markup, phoneme codes and control characters do not affect the voice.

    Args:
        text: what to say
        voice: name from `voices`
        rate_wpm: words per minute, 80 to 450
        pitch: pitch of the voice on espeak-ng's scale, 0 to 99; 50 is the voice's default
        pitch_range: liveliness of the intonation, 0 (monotone) to 99; 50 is the voice's default
        volume: amplitude in % of espeak-ng's default, 1 to 200; the loudest voices clip from about 85 on

    Raises:
        AudioError: the text contains nothing pronounceable
        SertoolsError: unknown voice, a setting out of range, or no library
    """
    settings = {"rate_wpm": rate_wpm, "pitch": pitch, "pitch_range": pitch_range, "volume": volume}
    for name, value in settings.items():
        low, high = RANGES[name]
        if not low <= value <= high:
            raise SertoolsError(f"{name} is {value}", hint=f"espeak-ng accepts {low} to {high}")
    encoded = _plain(text)
    identifier = _identifier(voice)
    # Ctrl-C interrupts the main thread only; in the callback, where no exception can pass through C, it would
    # be lost together with some of the samples
    with ThreadPoolExecutor(1) as pool:
        signal, rate = pool.submit(_utter, encoded, identifier, settings).result()
    if not signal.any():
        raise AudioError(f"{text!r} contains no pronounceable text", hint="add at least one word")
    return signal, rate


def version() -> str:
    """The release of espeak-ng, e.g. `1.52.0`."""
    with _library() as (library, _):
        where = ctypes.c_char_p()
        return str(library.espeak_Info(ctypes.byref(where)).decode())


def _utter(encoded: bytes, identifier: bytes, settings: Mapping[str, int]) -> tuple[NDArray[np.float32], int]:
    """The samples (samples,) of one utterance and their rate in Hz, from a freshly loaded library."""
    pieces: list[bytes] = []

    def keep(samples: int | None, count: int, _events: int | None) -> int:
        if samples and count > 0:
            pieces.append(ctypes.string_at(samples, 2 * count))
        return 0

    callback = _Callback(keep)  # a variable, so that it exists as long as the library uses it
    with _library() as (library, rate):
        library.espeak_SetSynthCallback(callback)
        if library.espeak_SetVoiceByName(identifier):
            raise SertoolsError(f"espeak-ng cannot load the voice {identifier.decode()!r}", hint=_REINSTALL)
        for name, value in settings.items():
            library.espeak_SetParameter(_PARAMETERS[name], value, 0)
        if status := library.espeak_Synth(encoded, len(encoded) + 1, 0, 1, 0, _UTF8, None, None):
            raise SertoolsError(f"espeak-ng failed with error code {status}", hint=_REINSTALL)
    samples = np.frombuffer(b"".join(pieces), dtype=np.int16)
    return samples.astype(np.float32) / np.float32(32768), rate


def _plain(text: str) -> bytes:
    """The text in UTF-8; control characters, which espeak-ng reads as commands, become spaces."""
    spoken = "".join(" " if ord(c) < 32 or 127 <= ord(c) < 160 else c for c in text).strip()
    if not spoken:
        raise AudioError("there is no text to speak", hint="add at least one word")
    try:
        return spoken.encode("utf-8")
    except UnicodeEncodeError as error:
        raise AudioError(f"{text!r} is not valid text: it contains an unpaired surrogate") from error


def _identifier(voice: str) -> bytes:
    """The library's name of a voice; checked here, because the library ignores unknown variants."""
    bases, variants = _catalogue()
    base, plus, variant = voice.partition("+")
    if base not in bases:
        raise SertoolsError(f"espeak-ng has no voice {voice!r}", hint=nearest(base, list(bases)))
    if plus and variant not in variants:
        raise SertoolsError(
            f"espeak-ng has no voice {voice!r}: no variant {variant!r}", hint=nearest(variant, list(variants))
        )
    return (bases[base][0] + plus + variant).encode()


@cache
def _catalogue() -> tuple[dict[str, tuple[str, str]], dict[str, str]]:
    """Language → (identifier, sex), and variant → sex, as declared in the voices' files."""
    bases: dict[str, tuple[str, str]] = {}
    variants: dict[str, str] = {}
    with _library() as (library, _):
        for language, identifier, sex in _voice_records(library, None):
            if not identifier.startswith("mb/"):  # MBROLA voices need a program that is not included
                bases.setdefault(language, (identifier, sex))
        name = ctypes.create_string_buffer(b"variant")
        wanted = _VoiceRecord(languages=ctypes.cast(name, ctypes.c_void_p))
        for _language, identifier, sex in _voice_records(library, ctypes.byref(wanted)):
            variants[identifier.removeprefix("!v/")] = sex
    return bases, variants


def _voice_records(library: ctypes.CDLL, wanted: object) -> Iterator[tuple[str, str, str]]:
    """(language, identifier, sex) of each voice that the library lists."""
    listed = library.espeak_ListVoices(wanted)
    i = 0
    while listed[i]:
        record = listed[i].contents
        language = ctypes.string_at(record.languages + 1).decode()
        sex = (
            "female" if record.gender == _FEMALE else "male"
        )  # undeclared means espeak-ng's default voice, which is male
        yield language, record.identifier.decode(), sex
        i += 1


@contextmanager
def _library() -> Iterator[tuple[ctypes.CDLL, int]]:
    """The library, freshly loaded, and its rate in Hz; it is unloaded afterwards."""
    import espeakng_loader

    path = espeakng_loader.get_library_path()
    try:
        data = espeakng_loader.get_data_path()
    except RuntimeError as error:
        raise SertoolsError(f"espeak-ng cannot speak: {error}", hint=_REINSTALL) from error
    with _LOCK, _short(data) as short:
        _refuse_if_loaded(path)
        try:
            library = _declare(ctypes.CDLL(path))
        except OSError as error:
            raise SertoolsError(f"espeak-ng cannot be loaded: {error}", hint=_REINSTALL) from error
        try:
            rate = library.espeak_Initialize(_SYNCHRONOUS, 0, os.fsencode(short), _DONT_EXIT)
            # if data is missing, the library searches default places, which may hold another release's data
            used = ctypes.c_char_p()
            library.espeak_Info(ctypes.byref(used))
            if rate <= 0 or used.value != os.fsencode(short):
                raise SertoolsError(f"espeak-ng cannot read its data in {data}", hint=_REINSTALL)
            # initialising seeds the noise from the clock; the value of this fixed seed is arbitrary
            library.espeak_ng_SetRandSeed(1)
            yield library, rate
        finally:
            library.espeak_Terminate()
            _unload(library)


_REINSTALL = "install it again: pip install --force-reinstall espeakng-loader"


@contextmanager
def _short(data: str) -> Iterator[str]:
    """A path to the data that fits the library's buffer: a symbolic link if the real path is too long."""
    if len(os.fsencode(data)) <= _LONGEST_DATA_PATH:
        yield data
        return
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder) / "data"
        link.symlink_to(data, target_is_directory=True)
        yield str(link)


def _declare(library: ctypes.CDLL) -> ctypes.CDLL:
    """The library with the types of the functions used here, from speak_lib.h."""
    text, number, pointer = ctypes.c_char_p, ctypes.c_int, ctypes.c_void_p
    unsigned, record = ctypes.c_uint, ctypes.POINTER(_VoiceRecord)
    of: dict[str, tuple[object, list[object]]] = {
        "espeak_Info": (text, [ctypes.POINTER(text)]),
        "espeak_Initialize": (number, [number, number, text, number]),
        "espeak_ListVoices": (ctypes.POINTER(record), [record]),
        "espeak_SetParameter": (number, [number, number, number]),
        "espeak_SetSynthCallback": (None, [_Callback]),
        "espeak_SetVoiceByName": (number, [text]),
        "espeak_Synth": (
            number,
            [text, ctypes.c_size_t, unsigned, number, unsigned, unsigned, ctypes.POINTER(unsigned), pointer],
        ),
        "espeak_Terminate": (number, []),
        "espeak_ng_SetRandSeed": (number, [ctypes.c_long]),
    }
    for name, (result, arguments) in of.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


def _refuse_if_loaded(path: str) -> None:
    """Raise an error if other code in this process uses the library: its state would affect our speech."""
    if sys.platform == "win32":
        loaded = ctypes.windll.kernel32.GetModuleHandleW(path) != 0
    else:
        try:
            held = ctypes.CDLL(path, mode=os.RTLD_NOLOAD | os.RTLD_NOW)
        except OSError:
            loaded = False
        else:
            loaded = True
            _unload(held)
    if loaded:
        raise SertoolsError(
            "another part of this program uses espeak-ng, so the speech would not be reproducible",
            hint="run the speech synthesis in a separate process",
        )


def _unload(library: ctypes.CDLL) -> None:
    """Unload the library, so that the next utterance starts from the library's initial state."""
    import _ctypes

    if sys.platform == "win32":
        _ctypes.FreeLibrary(library._handle)
    else:
        _ctypes.dlclose(library._handle)
