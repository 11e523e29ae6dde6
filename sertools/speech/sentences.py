"""English sentences that differ in one word, which is negative, neutral or positive.

Templates times words, in the style of CheckList (Ribeiro et al. 2020, "Beyond Accuracy", ACL). Templates
and words were written for sertools (CC0) and are in `data/sentences.toml`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal

from sertools.errors import SertoolsError, nearest
from sertools.files import read_toml

SENTIMENTS = ("negative", "neutral", "positive")


@dataclass(frozen=True, kw_only=True)
class Template:
    """A sentence with a gap, and the words that fit it.

    Attributes:
        text: the sentence, with `{word}` in place of the word
        words: sentiment → words, the same number for each sentiment
    """

    text: str
    words: Mapping[str, tuple[str, ...]]

    def fill(self, sentiment: str, i: int) -> str:
        """The sentence with word number `i` of a sentiment, modulo the number of words."""
        words = self.words[sentiment]
        return self.text.format(word=words[i % len(words)])


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """A sentence, its sentiment, and its template and word."""

    text: str
    sentiment: str
    template: str
    word: str


@cache
def templates() -> tuple[Template, ...]:
    """All templates with their words, in the order of the file."""
    path = resources.files("sertools.data").joinpath("sentences.toml")
    return tuple(
        Template(text=template, words={name: tuple(group[name]) for name in SENTIMENTS})
        for group in read_toml(path, error=SertoolsError, what="the sentences in")["set"]
        for template in group["templates"]
    )


def sentences() -> list[Sentence]:
    """Every template with each of its words.

    >>> from collections import Counter
    >>> sorted(Counter(sentence.sentiment for sentence in sentences()).items())
    [('negative', 162), ('neutral', 162), ('positive', 162)]
    """
    return [
        Sentence(text=template.text.format(word=word), sentiment=name, template=template.text, word=word)
        for template in templates()
        for name in SENTIMENTS
        for word in template.words[name]
    ]


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
    templates = content["template"]
    if not 1 <= per_word <= len(templates):
        raise SertoolsError(
            f"{per_word} sentences per word are not possible", hint=f"use 1 to {len(templates)} templates"
        )
    found = []
    for kind in (kind for kind in ("plain", "negated", "intense") if kind in kinds):
        for sentiment, words in _words(content, gradable=kind != "plain").items():
            for i in range(len(words)):
                for j in range(per_word):
                    template = templates[(i + j) % len(templates)]
                    found.append(
                        Wording(
                            text=template[kind].format(word=words[i]),
                            language=language,
                            sentiment=OPPOSITE[sentiment] if kind == "negated" else sentiment,
                            kind=kind,
                            template=template["plain"],
                            word=words[i],
                        )
                    )
    if "control" in kinds:
        found += [
            Wording(text=text, language=language, sentiment="neutral", kind="control", template="", word=noun)
            for noun, text in content["control"].items()
        ]
    return found


@cache
def _content(language: str) -> dict[str, Any]:
    path = resources.files("sertools.data").joinpath("sentiment_sentences", f"{language}.toml")
    return read_toml(path, error=SertoolsError, what="the sentences in")


def _words(content: dict[str, Any], *, gradable: bool) -> dict[str, list[str]]:
    """Sentiment → words; if `gradable`, only words that can follow "not" and "very"."""
    of = {name: list(content[f"gradable_{name}"]) for name in ("negative", "positive")}
    if gradable:
        return of
    plain = {name: [*of[name], *content[name]] for name in of}
    return {"negative": plain["negative"], "neutral": content["neutral"], "positive": plain["positive"]}
