"""Sentences in five languages that differ in one word, their negated and intensified forms, and controls.

Words times templates, in the style of CheckList (Ribeiro et al. 2020, "Beyond Accuracy", ACL). They were
written for sertools (CC0) and are in `data/sentiment_sentences`, one file for each language.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal

from sertools.errors import SertoolsError, nearest
from sertools.files import read_toml

Kind = Literal["plain", "negated", "intense", "control"]

KINDS: tuple[Kind, ...] = ("plain", "negated", "intense", "control")

OPPOSITE = {"negative": "positive", "neutral": "neutral", "positive": "negative"}
"""Sentiment → its negation; "not bad" counts as positive, however weakly."""


@dataclass(frozen=True, kw_only=True)
class Wording:
    """A sentence to speak, with its labels.

    Attributes:
        text: the sentence
        language: ISO 639-3 code, e.g. `eng`
        sentiment: of the whole sentence: `negative`, `neutral` or `positive`
        kind: how the word is used: `plain`, `negated`, `intense`, or in a `control`
        template: the plain sentence with `{word}` for the word; that of a control is empty
        word: the word that differs; the noun of a control
    """

    text: str
    language: str
    sentiment: str
    kind: Kind
    template: str
    word: str


def languages() -> list[str]:
    """ISO 639-3 codes of the languages with built-in sentences.

    >>> languages()
    ['deu', 'eng', 'fra', 'ita', 'spa']
    """
    folder = resources.files("sertools.data").joinpath("sentiment_sentences")
    return sorted(
        entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name[-5:] == ".toml"
    )


def wordings(language: str, *, per_word: int = 8, kinds: Sequence[Kind] = KINDS) -> list[Wording]:
    """The sentences of a language: words × templates, gradable words also negated and intensified.

    The templates rotate from word to word, so that all are used equally, even if each word gets only a few.

    Args:
        language: one of `languages()`
        per_word: number of templates for each word, 1 to 8
        kinds: which kinds of sentences

    Raises:
        SertoolsError: unknown language, or invalid number of templates

    >>> [w.text for w in wordings("eng", per_word=1, kinds=["negated"])][:2]
    ['The dinner was not bad.', 'Our trip was not ugly.']
    """
    if language not in languages():
        raise SertoolsError(
            f"there are no built-in sentences in {language!r}", hint=nearest(language, languages())
        )
    content = _content(language)
    n = len(content["template"])
    if not 1 <= per_word <= n:
        raise SertoolsError(f"{per_word} sentences per word are not possible", hint=f"use 1 to {n} templates")
    found = [
        each
        for kind in KINDS
        if kind in kinds and kind != "control"
        for each in _with_words(content, language, kind, per_word)
    ]
    if "control" in kinds:
        found += [
            Wording(text=text, language=language, sentiment="neutral", kind="control", template="", word=noun)
            for noun, text in content["control"].items()
        ]
    return found


def _with_words(content: Mapping[str, Any], language: str, kind: Kind, per_word: int) -> Iterator[Wording]:
    """The sentences of one kind: each word in `per_word` templates."""
    templates = content["template"]
    for sentiment, words in _words(content, gradable=kind != "plain").items():
        for i, word in enumerate(words):
            for j in range(per_word):
                template = templates[(i + j) % len(templates)]
                yield Wording(
                    text=template[kind].format(word=word),
                    language=language,
                    sentiment=OPPOSITE[sentiment] if kind == "negated" else sentiment,
                    kind=kind,
                    template=template["plain"],
                    word=word,
                )


@cache
def _content(language: str) -> dict[str, Any]:
    path = resources.files("sertools.data").joinpath("sentiment_sentences", f"{language}.toml")
    return read_toml(path, error=SertoolsError, what="the sentences in")


def _words(content: Mapping[str, Any], *, gradable: bool) -> dict[str, list[str]]:
    """Sentiment → words; if `gradable`, only words that can follow "not" and "very"."""
    negative, positive = content["gradable_negative"], content["gradable_positive"]
    if gradable:
        return {"negative": list(negative), "positive": list(positive)}
    return {
        "negative": [*negative, *content["negative"]],
        "neutral": list(content["neutral"]),
        "positive": [*positive, *content["positive"]],
    }
