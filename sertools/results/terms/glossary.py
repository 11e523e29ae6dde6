"""The abbreviations and terms of reports, with explanations for tooltips and the glossary."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True, kw_only=True)
class Term:
    """A term of the field.

    Attributes:
        short: as it is written in sentences, e.g. `CCC`
        long: what the abbreviation stands for
        meaning: what it says, in one sentence
    """

    short: str
    long: str
    meaning: str

    @property
    def on_hover(self) -> str:
        """The text that appears over the abbreviation."""
        return f"{self.long}: {self.meaning}"


def _term(short: str, long: str, meaning: str) -> Term:
    return Term(short=short, long=long, meaning=meaning)


TERMS = (
    _term("AUC", "area under the ROC curve", "how often a clip of an emotion gets a higher score for it than "
          "another clip; 1 is perfect, 0.5 is chance"),
    _term("CCA", "canonical correlation analysis", "how strongly directions in a layer and acoustic features "
          "correlate; 0 is none, 1 is perfectly"),
    _term("CCC", "concordance correlation coefficient", "agreement of predictions and ratings, which drops "
          "with a wrong level or spread, too; 1 is perfect, 0 is no agreement (Lin 1989)"),
    _term("ECE", "expected calibration error", "the mean distance between confidence and accuracy; 0 is "
          "perfectly calibrated"),
    _term("EER", "equal error rate", "the rate at which as many pairs of one speaker are rejected as "
          "pairs of two speakers are accepted; .5 is chance, 0 is perfect"),
    _term("F0", "fundamental frequency", "the pitch of the voice, in Hz"),
    _term("F1", "F1 score", "the harmonic mean of precision and recall of a class; 1 is perfect"),
    _term("MAE", "mean absolute error", "the mean distance between prediction and rating, on a scale from 0 "
          "to 1; 0 is perfect"),
    _term("MFCC", "mel-frequency cepstral coefficients", "a summary of the shape of the spectrum"),
    _term("PCC", "Pearson's correlation coefficient", "how well predictions and ratings rise together, "
          "whatever their level and spread; 1 is perfect"),
    _term("PWCCA", "projection-weighted CCA", "a canonical correlation in which each direction counts by its "
          "share of the layer (Morcos et al. 2018)"),
    _term("RMSE", "root mean squared error", "an error in which large deviations count more; 0 is perfect"),
    _term("SNR", "signal-to-noise ratio", "how much louder the speech is than the noise, in dB"),
    _term("SVCCA", "singular-vector CCA", "a canonical correlation on the principal components "
          "(Raghu et al. 2017)"),
    _term("TTS", "text-to-speech synthesis", "a synthetic voice that speaks a text"),
    _term("UA", "unweighted accuracy", "another name of UAR"),
    _term("UAP", "unweighted average precision", "the mean over classes of the share of a class's "
          "predictions that are right; 1 is perfect"),
    _term("UAR", "unweighted average recall", "the mean over classes of the share of a class's clips "
          "that are recognised; 1 is perfect, one divided by the number of classes is chance"),
    _term("UMAP", "uniform manifold approximation and projection", "a map that shows which clips are near "
          "each other"),
    _term("WER", "word error rate", "the share of words that speech recognition gets wrong"),
    _term("t-SNE", "t-distributed stochastic neighbour embedding", "a map that shows which clips are near "
          "each other"),
)  # fmt: skip
"""Abbreviations, in alphabetical order."""

CONCEPTS = (
    ("95 % interval", "The range in which the value would be expected with other speakers of the same kind, "
     "written as [low, high]. It accounts for several clips by the same speaker."),
    ("arousal, valence, dominance", "How activated, how pleasant and how much in control a speaker sounds, "
     "each on a scale from 0 to 1."),
    ("clip", "One recording with its label."),
    ("limit", "The range in which a value should be, with its source."),
    ("pass", "The 90 % interval is within the limit."),
    ("fail", "The 95 % interval is outside the limit."),
    ("inconclusive", "Neither: the corpus is too small to decide, or the model is not shown to be better "
     "than one that always gives the same answer."),
    ("skipped", "The value could not be measured, and the reason is given."),
)  # fmt: skip
"""Words that reports use in a particular sense."""


@cache
def _by_name() -> dict[str, Term]:
    return {term.short: term for term in TERMS}


_FOUND = re.compile(rf"(?<![\w-])({'|'.join(re.escape(t.short) for t in TERMS)})(?![\w-]|\.\w)")


def marked(text: str) -> list[tuple[str, Term | None]]:
    """Splits a text into pieces, each with the term that it is, or with None.

    >>> [(piece, term and term.long) for piece, term in marked("a CCC of 1")]
    [('a ', None), ('CCC', 'concordance correlation coefficient'), (' of 1', None)]
    """
    pieces = _FOUND.split(text)
    return [(piece, _by_name()[piece] if i % 2 else None) for i, piece in enumerate(pieces) if piece]


def used(texts: Iterable[str]) -> list[Term]:
    """The terms that occur in some texts, in alphabetical order."""
    found = {match for text in texts for match in _FOUND.findall(text)}
    return [term for term in TERMS if term.short in found]
