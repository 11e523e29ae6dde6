"""gTTS: the speech of Google Translate, over the network; used by Wagner et al. (2023).

The package gTTS splits a text into parts that the service accepts and builds the requests; this module sends
them, because gTTS does not check the certificate of the server, does not wait and does not detect truncated
files. Speech is cached by text and voice, so that the service is called only once for each.
"""

import base64
import binascii
import hashlib
import http.client
import io
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
from numpy.typing import NDArray

from sertools.errors import AudioError, SertoolsError, nearest
from sertools.files import write_bytes
from sertools.speech.engines import LANGUAGES, Speaker, three_letters

_ACCENTS = {
    "en": ("com", "co.uk", "com.au", "co.in", "ie", "co.za"),
    "es": ("es", "com.mx"),
    "fr": ("fr", "ca"),
}
"""Language → top-level domains with a different accent each (gTTS' documentation)."""

_PATH = "/_/TranslateWebserverUi/data/batchexecute"
_RETRY_LATER = "clips already synthesised are kept: rerun in an hour, or use --engine espeak"
_LONGEST_WAIT_S = 120.0


class _UnfinishedError(Exception):
    """An incomplete answer that another attempt may complete; with the seconds the server asks to wait."""

    def __init__(self, what: str, wait_s: float = 0.0) -> None:
        super().__init__(what)
        self.wait_s = wait_s


@dataclass(kw_only=True)
class GTTS:
    """The engine `gtts`; voices are `language`, or `language@domain` for an accent, e.g. `en@co.uk`.

    Attributes:
        url: address of the service, with `{tld}` for the top-level domain
        cache: folder of cached MP3 files; None for the user's cache directory
        attempts: maximum number of attempts per request
        wait_s: wait before the second attempt, doubled each time
        pause_s: minimum pause between two requests
        timeout_s: timeout of one request
    """

    url: str = "https://translate.google.{tld}"
    cache: Path | None = None
    attempts: int = 5
    wait_s: float = 2.0
    pause_s: float = 0.5
    timeout_s: float = 20.0
    sleep: Callable[[float], None] = time.sleep
    name: str = "gtts"
    network: bool = True
    licence: str = (
        "subject to the terms of service of Google Translate, which do not say that it may be shared"
    )
    _last: float = field(default=float("-inf"), repr=False)

    def version(self) -> str:
        """Release of the package; the service has no release, and its voices change without notice."""
        return f"Google Translate through gTTS {_package().__version__}"

    def speakers(self, language: str) -> list[Speaker]:
        """All accents of a language: six of English, two of French and Spanish, else one."""
        short = LANGUAGES.get(language, language)
        return [self.speaker(f"{short}@{tld}") for tld in _ACCENTS.get(short, ("com",))]

    def speaker(self, voice: str) -> Speaker:
        """The voice with this name; its sex is not declared."""
        import gtts.lang

        _package()
        language, _, tld = voice.partition("@")
        known = gtts.lang.tts_langs()
        if language not in known:
            raise SertoolsError(f"gTTS has no voice {voice!r}", hint=nearest(language, list(known)))
        accents = ["com", *(t for t in _ACCENTS.get(language, ()) if t != "com")]
        if (tld or "com") not in accents:
            hint = f"accents of {language}: {', '.join(f'{language}@{t}' for t in accents)}"
            raise SertoolsError(f"gTTS has no voice {voice!r}", hint=hint)
        return Speaker(name=language if tld in ("", "com") else voice, language=three_letters(language))

    def speak(self, text: str, voice: str) -> tuple[NDArray[np.float32], int]:
        """The speech of a text, from the cache or the service."""
        package = _package()
        language, _, tld = voice.partition("@")
        try:
            request = package.gTTS(text, lang=language, tld=tld or "com", lang_check=False)
            bodies = request.get_bodies()
        except AssertionError as error:  # gTTS raises this if no text is left to speak
            raise AudioError(
                f"{text!r} contains no pronounceable text", hint="add at least one word"
            ) from error
        parts = [self._part(body, language, tld or "com") for body in bodies]
        decoded = [_decoded(part) for part in parts]
        return np.concatenate([signal for signal, _ in decoded]), decoded[0][1]

    def _part(self, body: str, language: str, tld: str) -> bytes:
        """The MP3 of one request, from the cache, or fetched and cached."""
        name = hashlib.blake2b(json.dumps([language, tld, body]).encode(), digest_size=16).hexdigest()
        folder = self.cache or Path(platformdirs.user_cache_dir("sertools")) / "gtts"
        path = folder / f"{name}.mp3"
        try:
            cached = path.read_bytes()
        except OSError:
            cached = b""
        if is_whole_mp3(cached):
            return cached
        fetched = self._fetch(body, tld)
        write_bytes(path, fetched)
        return fetched

    def _fetch(self, body: str, tld: str) -> bytes:
        """Call the service until it returns a complete file.

        Raises:
            SertoolsError: no network, no answer after all attempts, or a rejection that waiting cannot fix
        """
        wait_s = self.wait_s
        for attempt in range(1, self.attempts + 1):
            try:
                return self._ask(body, tld)
            except _UnfinishedError as error:
                if attempt == self.attempts:
                    where = self.url.format(tld=tld)
                    raise SertoolsError(f"{where} {error}, {attempt} times", hint=_RETRY_LATER) from error
                self.sleep(min(max(wait_s, error.wait_s), _LONGEST_WAIT_S))
                wait_s *= 2
        raise SertoolsError("gTTS made no attempt", hint="attempts must be at least 1")

    def _ask(self, body: str, tld: str) -> bytes:
        since = time.monotonic() - self._last
        if since < self.pause_s:
            self.sleep(self.pause_s - since)
        self._last = time.monotonic()
        where = self.url.format(tld=tld)
        headers = _package().gTTS.GOOGLE_TTS_HEADERS
        request = urllib.request.Request(where + _PATH, data=body.encode(), headers=headers)  # noqa: S310 (an address of https)
        try:
            with urllib.request.urlopen(request, timeout=self.timeout_s) as response:  # nosec B310  # noqa: S310 (https)
                answer = response.read()
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 429 or error.code >= 500:
                reason = (
                    "asks for fewer requests (HTTP 429)"
                    if error.code == 429
                    else f"fails (HTTP {error.code})"
                )
                after = error.headers.get("Retry-After") or ""
                raise _UnfinishedError(reason, float(after) if after.isdigit() else 0.0) from error
            raise SertoolsError(
                f"{where} rejected the request: HTTP {error.code} {error.reason}",
                hint="the service may have changed: install a newer gTTS, or use --engine espeak",
            ) from error
        except (http.client.IncompleteRead, TimeoutError, ConnectionResetError) as error:
            raise _UnfinishedError("sent an incomplete answer") from error
        except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
            raise SertoolsError(
                f"cannot reach {where}: {getattr(error, 'reason', None) or error}",
                hint="check the network connection; --engine espeak works offline",
            ) from error
        return _audio_of(answer, _package().gTTS.GOOGLE_TTS_RPC)


def is_whole_mp3(content: bytes) -> bool:
    """Does an MP3 file end at the end of its last frame? A file truncated within a frame does not.

    Frames are walked from header to header (ISO 11172-3, 13818-3; layer III); tags at both ends are skipped.
    """
    at, frames, end = 0, 0, len(content)
    if content[:3] == b"ID3" and end >= 10:
        size = content[6:10]
        at = 10 + (size[0] << 21 | size[1] << 14 | size[2] << 7 | size[3])
    if content[-128:-125] == b"TAG":
        end -= 128
    while at + 4 <= end:
        length = _frame_length(content[at : at + 4])
        if not length:
            return False
        at, frames = at + length, frames + 1
    return frames > 0 and at == end


_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_KBIT = {
    True: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}


def _frame_length(header: bytes) -> int:
    """Bytes of the layer III frame with this header; 0 if it is not a frame header."""
    version, layer = header[1] >> 3 & 3, header[1] >> 1 & 3
    bits, rate, padding = header[2] >> 4, header[2] >> 2 & 3, header[2] >> 1 & 1
    if header[0] != 0xFF or header[1] >> 5 != 7 or layer != 1 or version == 1 or bits in (0, 15) or rate == 3:
        return 0
    first = version == 3
    return (144 if first else 72) * 1000 * _KBIT[first][bits - 1] // _RATES[version][rate] + padding


def _audio_of(answer: bytes, call: str) -> bytes:
    """The MP3 in the service's answer: JSON in a line of its own, and in it JSON with the file in base64."""
    for line in answer.decode("utf-8", "replace").splitlines():
        if call not in line:
            continue
        try:
            entry = next(e for e in json.loads(line) if isinstance(e, list) and e[1:2] == [call])
            if entry[2] is None:
                raise AudioError(
                    "Google Translate has no speech for this text", hint="check the language of the voice"
                )
            audio = base64.b64decode(json.loads(entry[2])[0], validate=True)
        except (
            json.JSONDecodeError,
            StopIteration,
            TypeError,
            IndexError,
            KeyError,
            binascii.Error,
        ) as error:
            raise _UnfinishedError("sent an incomplete answer") from error
        if not is_whole_mp3(audio):
            raise _UnfinishedError("sent an incomplete file")
        return audio
    raise _UnfinishedError("sent an answer without speech")


def _decoded(mp3: bytes) -> tuple[NDArray[np.float32], int]:
    import soundfile

    try:
        signal, rate = soundfile.read(io.BytesIO(mp3), dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise SertoolsError(f"the speech cannot be decoded: {error.error_string}") from error
    return signal.mean(axis=1), int(rate)


def _package() -> Any:
    try:
        import gtts
    except ImportError as error:
        raise SertoolsError("the engine gtts needs the package gTTS", hint="pip install gTTS") from error
    return gtts


ENGINE = GTTS
