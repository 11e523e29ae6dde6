"""Errors that users can act on: what is wrong, where, and what to do about it."""

import contextlib
from collections.abc import Iterator


class SertoolsError(Exception):
    """An error that a user can act on; the command line shows it without a traceback and exits with code 2.

    Args:
        message: what is wrong and where, with the offending value
        hint: what to do next; may be empty
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class CorpusError(SertoolsError):
    """A corpus, manifest or label that cannot be used."""


class AudioError(SertoolsError):
    """An audio file that cannot be decoded; the engine turns it into a missing clip."""


class ModelError(SertoolsError):
    """A checkpoint that cannot be loaded, or outputs that cannot be read."""


class StoreError(SertoolsError):
    """A store of model outputs that cannot be written or read."""


class AuditError(SertoolsError):
    """An audit that does not exist, violates the interface, or got an invalid option."""


class GateError(SertoolsError):
    """Limits or result files that cannot be read or compared."""


@contextlib.contextmanager
def foreign(what: str, error: type[SertoolsError], *, hint: str = "") -> Iterator[None]:
    """Turns whatever a library raises about bad input into an error of class `error`, in one sentence.

    Libraries that read foreign files raise exceptions of any class, also for lack of memory or depth. So this
    surrounds a call of such a library, and nothing that sertools computes itself.

    >>> with foreign("the file cannot be read", CorpusError):
    ...     raise KeyError("name")
    Traceback (most recent call last):
    ...
    sertools.errors.CorpusError: the file cannot be read: KeyError: 'name'
    """
    try:
        yield
    except SertoolsError:
        raise
    except Exception as problem:
        raise error(f"{what}: {reason(problem)}", hint=hint) from problem


@contextlib.contextmanager
def code_of_user(what: str) -> Iterator[None]:
    """Turns whatever an audit of the user raises into an `AuditError`, in one sentence; only Ctrl-C remains.

    >>> with code_of_user("audits/mine.py failed"):
    ...     raise SystemExit(0)
    Traceback (most recent call last):
    ...
    sertools.errors.AuditError: audits/mine.py failed: SystemExit: 0
    """
    try:
        yield
    except (SertoolsError, KeyboardInterrupt):
        raise
    except BaseException as problem:
        raise AuditError(f"{what}: {type(problem).__name__}: {_text(problem)}".rstrip(": ")) from problem


def reason(problem: BaseException) -> str:
    r"""An exception as the end of a sentence: on one line, and with its class where its text needs it.

    >>> reason(ValueError("no\n number")), reason(KeyError("a")), reason(MemoryError())
    ('no number', "KeyError: 'a'", 'MemoryError')
    """
    text = _text(problem)
    kind = type(problem).__name__
    if not text:
        return kind
    return text if isinstance(problem, ValueError | OSError | RuntimeError) else f"{kind}: {text}"


def _text(problem: BaseException) -> str:
    try:
        return " ".join(str(problem).split())[:300]
    except Exception:  # a class of the user may have any `__str__`
        return ""


def nearest(name: str, known: list[str]) -> str:
    """A hint with the known name closest to this one, or with all known names.

    >>> nearest("robustnes", ["fairness", "robustness"])
    "did you mean 'robustness'?"
    >>> nearest("xyz", ["fairness", "robustness"])
    'known: fairness, robustness'
    """
    import difflib

    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(sorted(known)) or 'none'}"
