"""Phrases for sentences of several packages."""

from collections.abc import Sequence

NO_MODEL = "no model"
"""Name of what is audited where no audit asks a model anything."""


def plural(n: int, one: str, several: str = "") -> str:
    """A count with its noun, and with the words after it that depend on the count.

    Args:
        n: the count
        one: the words after 1
        several: the words after any other count; `one` with an s by default

    >>> plural(1, "clip"), plural(0, "clip"), plural(2, "clip is", "clips are")
    ('1 clip', '0 clips', '2 clips are')
    """
    return f"{n} {one if n == 1 else several or one + 's'}"


def are(n: int) -> str:
    """The verb after or before a count.

    >>> are(1), are(0)
    ('is', 'are')
    """
    return "is" if n == 1 else "are"


def listed(words: Sequence[str]) -> str:
    """Words as a list in a sentence.

    >>> listed(["a", "b", "c"]), listed(["a", "b"]), listed(["a"]), listed([])
    ('a, b and c', 'a and b', 'a', '')
    """
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
