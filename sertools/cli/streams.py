"""Standard output and error that are closed, full, or read only in part, as in `sertools list | head -1`."""

import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from typing import Any, TextIO

from sertools.errors import SertoolsError

BROKEN_PIPE = 128 + 13
"""Exit code of a program that is ended by SIGPIPE, by the convention of shells."""


IN_ASCII = str.maketrans(
    {
        "✓": "+", "✗": "x", "–": "-", "−": "-", "—": "-", "·": ".", "…": "...", "×": "x", "→": "->",
        "≤": "<=", "≥": ">=", "±": "+-", "’": "'", "‘": "'", "“": '"', "”": '"', "─": "-", "━": "-",
        "│": "|", "\u00a0": " ", "²": "2", "Δ": "Delta", "α": "alpha",
    }
)  # fmt: skip
"""Characters of our own texts → ASCII."""


class PipeClosed(SystemExit):
    """The reader of standard output has gone, so the program ends quietly."""

    def __init__(self) -> None:
        super().__init__(BROKEN_PIPE)


class Guarded:
    """A text stream whose failures end the program quietly, or in one sentence.

    Without a reader of standard output the program ends; without one of standard error it goes on, because
    messages decide nothing.
    """

    def __init__(self, stream: TextIO, *, messages: bool) -> None:
        self._stream = stream
        self._messages = messages
        self._ascii = only_ascii(stream)

    @property
    def encoding(self) -> str:
        """The encoding that programs should write, `ascii` where the user asks for that."""
        return "ascii" if self._ascii else self._stream.encoding

    def write(self, text: str) -> int:
        """Writes text, as `TextIO.write`; in ASCII, where the user asks for that."""
        with self._failing_quietly():
            self._stream.write(encodable(self._stream, text) if self._ascii else text)
        return len(text)

    def flush(self) -> None:
        """Writes what is buffered."""
        with self._failing_quietly():
            self._stream.flush()

    @contextlib.contextmanager
    def _failing_quietly(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as error:  # ValueError: the stream was closed
            _into_nothing(self._stream)
            if self._messages:
                return
            code = getattr(error, "errno", None)
            if code in {errno.EPIPE, errno.ESHUTDOWN}:
                raise PipeClosed from error
            said = getattr(error, "strerror", None) or str(error)
            raise SertoolsError(f"cannot write to standard output: {said}") from error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def guard() -> None:
    """Replaces standard output and error by guarded ones, and closed ones by nothing.

    A closed stream also gets its number back: otherwise the next file that is opened would get it, and
    libraries that write to standard error would write into that file.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name) or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 (for good)
        setattr(sys, name, Guarded(stream, messages=name == "stderr"))


def encodable(stream: TextIO, text: str) -> str:
    """The text with characters that the stream cannot encode replaced by others, or escaped."""
    encoding = "ascii" if only_ascii(stream) else stream.encoding or "utf-8"
    if encoding.lower().replace("-", "") != "utf8":
        text = text.translate(IN_ASCII)
    return text.encode(encoding, "backslashreplace").decode(encoding)


def only_ascii(stream: TextIO) -> bool:
    """Whether the user asked for ASCII, as with LC_ALL=C, although Python then writes UTF-8 nevertheless."""
    wanted = os.environ.get("LC_ALL") or os.environ.get("LC_CTYPE") or ""
    asked = wanted in {"C", "POSIX"} and not {"PYTHONIOENCODING", "PYTHONUTF8"} & set(os.environ)
    return asked or (stream.encoding or "utf-8").lower() in {"ascii", "us-ascii", "ansi_x3.4-1968"}


def _into_nothing(stream: TextIO) -> None:
    """Lets a stream write into nothing from now on, also what Python flushes at its end."""
    with contextlib.suppress(OSError, ValueError):
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, stream.fileno())
        os.close(nothing)
