"""English sentences that differ in one word, which is negative, neutral or positive, for the corpus `voices`.

Templates times words, in the style of CheckList (Ribeiro et al. 2020, "Beyond Accuracy", ACL). Templates
and words were written for sertools (CC0) and are in `data/sentences.toml`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from sertools.errors import SertoolsError
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
