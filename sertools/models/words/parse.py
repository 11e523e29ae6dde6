"""The class that a text answer names.

The rule, in this order:

1. An empty answer, `None`, and words for "unknown" (`<unk>`, `n/a`) name no class.
2. Of a JSON object, the text under `emotion`, `label`, `class` or `answer` counts, and the number under
   `confidence`; a code fence around it is ignored.
3. An answer that is a class or a synonym of it (`angry`, `ANG`, `Anger.`), after `--label-map`, names this
   class.
4. A sentence with one of the phrases of `REFUSALS` declines, whatever else it says (`I cannot tell whether
   she is angry`).
5. Otherwise the classes and synonyms that stand in the answer as whole words are sought; abbreviations such
   as `con` are not. If they all mean one class, it is the answer. An answer that names several classes, or
   that negates one (`not angry`), is unparsed.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sertools.labels import SYNONYMS, canonical, is_unknown

NO_ANSWER = "no usable answer"
"""Beginning of the reason why an answer in words names no class."""

REFUSALS = (
    "i can't", "i cannot", "i can not", "i'm sorry", "i am sorry", "i'm unable", "i am unable", "unable to",
    "not able to", "as an ai", "cannot determine", "can't determine", "i don't know", "i do not know",
    "cannot process", "can't process", "cannot listen", "can't listen", "not possible to",
)  # fmt: skip
"""Phrases of an answer that declines, in lower case."""

NEGATIONS = ("not", "no", "never", "neither", "nor", "without", "isn't", "non", "than", "nothing")
"""Words before a class, with at most two words between, that say the opposite."""

CODES = frozenset({
    "act", "aro", "dom", "val", "ang", "bor", "con", "dis", "fea", "fru", "hap", "neu", "sur", "ps", "exc",
    "oth", "power", "control", "evaluation",
})  # fmt: skip
"""Synonyms that are ordinary words or fragments, so that they count only as a whole answer."""

RULE = "words-1"
"""Increased whenever a change of this rule changes which class an answer names; part of fingerprints."""

EXCERPT = 60
"""Largest number of characters of an answer in a reason."""


@dataclass(frozen=True, kw_only=True)
class Parsed:
    """The content of an answer.

    Attributes:
        name: one of the classes, or None
        confidence: between 0 and 1, or None if the answer states none
        reason: why there is no class; empty if there is one
    """

    name: str | None
    confidence: float | None = None
    reason: str = ""


def parse(answer: Any, classes: Sequence[str], label_map: Mapping[str, str] | None = None) -> Parsed:
    """The class that an answer names, by the rule of this module.

    Args:
        answer: a text, or None
        classes: the classes that may be named
        label_map: theirs → ours

    >>> parse("Anger.", ["anger", "neutral"]).name, parse("The speaker sounds happy!", ["happiness"]).name
    ('anger', 'happiness')
    >>> parse("not angry", ["anger"]).reason
    'no usable answer (negates a class): "not angry"'
    """
    if answer is None or is_unknown(str(answer)):
        return Parsed(
            name=None, reason=f"{NO_ANSWER} (empty)" if not answer else _reason("says unknown", str(answer))
        )
    text, confidence = _unwrapped(str(answer))
    of = {canonical(name, label_map): name for name in reversed(classes)}
    whole = _plain(text)
    named = of.get(canonical(whole, label_map)) or of.get(canonical(text.strip(), label_map))
    if named is not None:
        return Parsed(name=named, confidence=confidence)
    if any(phrase in text.lower().replace("’", "'") for phrase in REFUSALS):
        return Parsed(name=None, reason=_reason("declines", str(answer)))
    found, negated = _named_in(text, of, label_map or {})
    if len(found) == 1 and not negated:
        return Parsed(name=next(iter(found)), confidence=confidence)
    kind = "negates a class" if negated else "names several classes" if found else "names no class"
    return Parsed(name=None, reason=_reason(kind, str(answer)))


def _reason(kind: str, answer: str) -> str:
    shown = " ".join(answer.split())
    shown = shown if len(shown) <= EXCERPT else f"{shown[: EXCERPT - 1]}…"
    return f'{NO_ANSWER} ({kind}): "{shown}"'


def kind_of(reason: str) -> str:
    """The kind of a reason: `declines`, `names no class` …; empty for another reason.

    >>> kind_of('no usable answer (declines): "I am sorry"')
    'declines'
    """
    found = re.match(rf"{NO_ANSWER} \(([^)]*)\)", reason)
    return found.group(1) if found else ""


def _unwrapped(text: str) -> tuple[str, float | None]:
    """The text of an answer, taken out of a JSON object if it is one, and the confidence in it."""
    inner = re.sub(r"^\s*```\w*\s*|\s*```\s*$", "", text)
    try:
        content = json.loads(inner)
    except ValueError:
        return text, None
    if isinstance(content, str):
        return content, None
    if not isinstance(content, dict):
        return text, None
    by_name = {str(name).lower(): value for name, value in content.items()}
    named = [
        by_name[key] for key in ("emotion", "label", "class", "answer") if isinstance(by_name.get(key), str)
    ]
    sure = by_name.get("confidence")
    known = isinstance(sure, int | float) and not isinstance(sure, bool) and 0 <= sure <= 1
    return (named[0] if named else text), float(sure) if known and named and sure is not None else None


def _plain(text: str) -> str:
    """A text without quotes, markup and punctuation around it."""
    return text.strip().strip("\"'`*_.,:;!?()[]{}<>“”‘’#| \n\t")


def _named_in(text: str, of: Mapping[str, str], label_map: Mapping[str, str]) -> tuple[set[str], bool]:
    """The classes that stand in a sentence, and whether one of them is negated."""
    lower = text.lower().replace("’", "'")
    found, negated = set(), False
    for word, name in _words(tuple(of.items()), tuple(label_map.items())):
        for match in re.finditer(rf"(?<![\w-]){re.escape(word)}(?![\w-])", lower):
            found.add(name)
            before = re.findall(r"[\w']+", lower[: match.start()])[-3:]
            negated |= any(each in NEGATIONS or each.endswith("n't") for each in before)
    return found, negated


@lru_cache(maxsize=64)
def _words(of: tuple[tuple[str, str], ...], label_map: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    """Each word that means a class, with the class, in lower case."""
    meant = []
    for standard, name in of:
        theirs = [word for word, _ in label_map if canonical(word, dict(label_map)) == standard]
        words = [word.lower() for word in (standard, name, *SYNONYMS.get(standard, ()), *theirs)]
        meant += [(word, name) for word in words if word not in CODES]
    return list(dict.fromkeys(meant))
