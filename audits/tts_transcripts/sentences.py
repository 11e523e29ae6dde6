"""How well the sentence alone predicts the label."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sertools.auditing.findings import finding, skipped
from sertools.metrics.better_than_chance import not_better_than_constant
from sertools.metrics.classification import uar_statistic
from sertools.metrics.regression import CCC
from sertools.results.result import Finding
from sertools.statistics.crossed import codes
from sertools.statistics.jackknife import estimate
from sertools.statistics.statistic import ratio, unit_sums
from sertools.tables.pairs import pairs
from sertools.tables.tables import Tables

MIN_SHARE_REPEATED = 0.5
"""Least share of clips with a sentence that another speaker says, needed to score the sentence alone."""


@dataclass(frozen=True, kw_only=True)
class SentenceScore:
    """How well the sentence alone predicts a target.

    Attributes:
        finding: the score
        may_inform: the score is better than that of a constant, or could not be measured
    """

    finding: Finding
    may_inform: bool


def score_of_sentences(tables: Tables, target: str) -> SentenceScore:
    """Score the sentence alone as a predictor, on the clips whose sentence another speaker says too."""
    pair = pairs(tables, target)
    classes = len(tables.model_classes) if target == "emotion" else 0
    transcript = tables.clips["transcript"].loc[pair.clips]
    pair, transcript = pair.take(transcript.notna().to_numpy()), transcript.dropna()
    sentence = transcript.astype(str).str.casefold().str.split().str.join(" ").to_numpy()
    prediction = predicted_from_sentence(pair.truth, sentence, pair.unit, classes)
    known = np.isfinite(prediction)
    name = "sentence_uar" if classes else "sentence_ccc"
    if not pair.by_speaker or known.sum() < max(MIN_SHARE_REPEATED * pair.n, 2):
        reason = (
            f"only {int(known.sum())} of {pair.n} clips have a sentence that another speaker says"
            if pair.by_speaker
            else "the corpus has no speakers, so sentences of other speakers are unknown"
        )
        return SentenceScore(finding=skipped(name, tables, reason, target), may_inform=True)
    repeated = replace(pair.take(known), prediction=prediction[known], deviation=np.nan)
    statistic = uar_statistic(classes) if classes else CCC
    score = estimate(statistic, repeated.truth, repeated.prediction, repeated.unit, repeated.units)
    return SentenceScore(
        finding=finding(name, score, target=target, by_speaker=True),
        may_inform=not not_better_than_constant(repeated, classes),
    )


def predicted_from_sentence(
    truth: ArrayLike, sentence: ArrayLike, unit: ArrayLike, classes: int = 0
) -> NDArray[np.float64]:
    """Predict each clip from its sentence alone, shape (n,); nan if no other speaker says the sentence.

    The prediction is the mean truth of the same sentence by all other speakers; for emotions it is their
    most frequent class (the lowest code if several are tied).

    Args:
        truth: ratings, or class codes, shape (n,)
        sentence: labels of the sentences, shape (n,)
        unit: codes of the speakers, shape (n,)
        classes: number of class codes; 0 for ratings

    >>> predicted_from_sentence([0.2, 0.6, 1.0, 0.4], ["a", "a", "a", "b"], [0, 1, 2, 0]).round(9).tolist()
    [0.8, 0.6, 0.4, nan]
    """
    t, text, speaker = np.asarray(truth), codes(sentence), codes(unit)
    values = (t[:, None] == np.arange(classes)) if classes else np.asarray(t, dtype=np.float64)[:, None]
    counted = np.concatenate([np.ones((len(t), 1)), values], axis=1).astype(np.float64)
    sentences = int(text.max(initial=-1)) + 1
    cell = text * (int(speaker.max(initial=-1)) + 1) + speaker
    total = unit_sums(counted, text, sentences)[text]
    own = unit_sums(counted, codes(cell), len(np.unique(cell)))[codes(cell)]
    others = total - own
    prediction = others[:, 1:].argmax(axis=1) if classes else ratio(others[:, 1], others[:, 0])
    return np.where(others[:, 0] > 0, prediction, np.nan)
