"""How values of clips depend on the words in them: means by word, corrected for chance.

The mean over the clips with a word differs from the mean over all clips by chance alone, most for rare words
and for words of few speakers. With between-speaker variance b and within-speaker variance w (analysis of
variance over speakers), N clips, n_s of them by speaker s, n of them with the word, n_ws with the word and by
speaker s,

    v_word = b Σ_s (n_ws / n − n_s / N)² + w (1/n − 1/N)

is the variance of that difference if the word has no effect. The variance of the effects is τ² = mean over
words of (m_word − m)² − v_word (method of moments), and the mean of a word is shrunk towards the mean m of
all clips: its difference from m is multiplied by τ² / (τ² + v_word) (empirical Bayes; Efron & Morris 1975).
Words that occur in every clip cannot be compared with other clips and are not part of τ².
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from sertools.statistics.statistic import Statistic, ratio

WORD = re.compile(r"\w+(?:['’-]\w+)*")
FEWEST_SPEAKERS = 2
"""Fewest speakers of a word: the effect of a word used by one speaker cannot be told from the speaker's."""


def words_of(text: str) -> list[str]:
    """The distinct words of a text in order, in lower case; apostrophes and hyphens within words remain.

    Args:
        text: any text

    >>> words_of("Don't stop: don’t, re-start — the 2nd!")
    ["don't", 'stop', 're-start', 'the', '2nd']
    """
    return list(dict.fromkeys(word.casefold().replace("’", "'") for word in WORD.findall(text)))


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """The words that occur in enough clips.

    Attributes:
        words: in alphabetical order
        inside: which clip contains which word, shape (n, words), 0 and 1
        clips: number of clips with each word, shape (words,)
        speakers: number of speakers who say each word, shape (words,)
    """

    words: tuple[str, ...]
    inside: csr_array
    clips: NDArray[np.integer]
    speakers: NDArray[np.integer]

    @staticmethod
    def of(texts: Sequence[str], unit: NDArray[np.integer], *, min_clips: int) -> "Vocabulary":
        """The words that occur in at least `min_clips` clips of at least two speakers.

        Args:
            texts: one text per clip
            unit: codes of the speakers, shape (n,)
            min_clips: minimum number of clips
        """
        found = [words_of(text) for text in texts]
        names = sorted({word for words in found for word in words})
        column = {word: i for i, word in enumerate(names)}
        rows = np.repeat(np.arange(len(found)), [len(words) for words in found])
        columns = np.array([column[word] for words in found for word in words], dtype=np.int64)
        inside = csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(found), len(names)))
        clips = np.asarray(inside.sum(axis=0)).ravel()
        speakers = np.count_nonzero(_by_unit(inside, unit), axis=0)
        frequent = np.flatnonzero((clips >= min_clips) & (speakers >= FEWEST_SPEAKERS))
        return Vocabulary(
            words=tuple(names[i] for i in frequent),
            inside=csr_array(inside[:, frequent]),
            clips=clips[frequent].astype(np.int64),
            speakers=speakers[frequent],
        )


@dataclass(frozen=True, kw_only=True)
class WordMeans:
    """Means of a value over the clips with each word.

    Attributes:
        mean: plain means, shape (words,)
        shrunk: means shrunk towards the mean of all clips by empirical Bayes, shape (words,)
        effect: τ² of the words, below 0 if they differ less than expected by chance
    """

    mean: NDArray[np.float64]
    shrunk: NDArray[np.float64]
    effect: float


def word_means(
    values: NDArray[np.float64], vocabulary: Vocabulary, unit: NDArray[np.integer], units: int
) -> WordMeans:
    """The plain and the shrunk mean of a value for each word.

    Args:
        values: shape (n,)
        vocabulary: vocabulary of the clips
        unit: codes 0..units−1 of the speakers, shape (n,)
        units: number of codes

    >>> clips = ["good day", "bad day", "good", "bad"]
    >>> unit = np.array([0, 0, 1, 1])
    >>> vocabulary = Vocabulary.of(clips, unit, min_clips=2)
    >>> found = word_means(np.array([0.9, 0.1, 0.7, 0.3]), vocabulary, unit, 2)
    >>> dict(zip(vocabulary.words, found.mean.round(12).tolist(), strict=True))
    {'bad': 0.2, 'good': 0.8}
    """
    totals = _sums(values, vocabulary.inside, unit, units).sum(axis=0)
    mean, overall, chance, whole = _parts(totals)
    effect = float(_effect(totals))
    prior = max(effect, 0.0) if np.isfinite(effect) else 0.0
    # if both variances are 0, all means equal the overall mean, and no shrinkage is needed
    share = np.where(chance > 0, ratio(np.full_like(chance, prior), prior + chance), 1.0)
    shrunk = overall + np.where(whole, 1.0, share) * (mean - overall)
    return WordMeans(mean=mean, shrunk=shrunk, effect=effect)


def word_effect(vocabulary: Vocabulary) -> Statistic:
    """τ², the variance over words of their effect on the predictions, as a statistic; nan without words.

    The truth is ignored. An estimate by the method of moments can be below 0.

    Args:
        vocabulary: vocabulary of the clips

    >>> unit = np.array([0, 0, 1, 1])
    >>> vocabulary = Vocabulary.of(["good day", "bad day", "good", "bad"], unit, min_clips=2)
    >>> statistic, same = word_effect(vocabulary), np.full(4, 0.5)
    >>> float(statistic.value(statistic.sums(same, same, unit, 2).sum(axis=0)))
    0.0
    """
    return Statistic(
        name="word_effect",
        sums=lambda truth, prediction, unit, units: _sums(prediction, vocabulary.inside, unit, units),
        value=_effect,
    )


def word_agreement(vocabulary: Vocabulary) -> Statistic:
    """Do the words with high ratings get high predictions? A statistic, in [-1, 1].

    The Pearson correlation, over words, between the mean truth and the mean prediction of the clips with the
    word; nan for fewer than two words, or if either mean is the same for all.

    Args:
        vocabulary: vocabulary of the clips

    >>> clips = ["good day", "bad day", "good", "bad"]
    >>> vocabulary = Vocabulary.of(clips, np.array([0, 0, 1, 1]), min_clips=2)
    >>> statistic = word_agreement(vocabulary)
    >>> truth, prediction = np.array([0.9, 0.1, 0.7, 0.3]), np.array([0.6, 0.4, 0.6, 0.4])
    >>> sums = statistic.sums(truth, prediction, np.zeros(4, int), 1)
    >>> vocabulary.words, round(float(statistic.value(sums)[0]), 12)
    (('bad', 'good'), 1.0)
    """

    def sums(
        truth: NDArray[Any], prediction: NDArray[Any], unit: NDArray[np.integer], units: int
    ) -> NDArray[np.float64]:
        ones = np.ones_like(truth, dtype=np.float64)
        of = (
            _by_unit(vocabulary.inside.multiply(x[:, None]), unit, units) for x in (ones, truth, prediction)
        )
        return np.concatenate(list(of), axis=1)

    def value(totals: NDArray[np.float64]) -> NDArray[np.float64]:
        n, t, p = np.split(totals, 3, axis=-1)
        t, p = ratio(t, n), ratio(p, n)
        if not t.shape[-1]:
            return np.full(totals.shape[:-1], np.nan)
        t, p = (x - x.mean(axis=-1, keepdims=True) for x in (t, p))
        spread = np.sqrt((t * t).sum(axis=-1) * (p * p).sum(axis=-1))
        # means that differ only by rounding count as constant
        found = ratio((t * p).sum(axis=-1), np.where(spread > 1e-12 * t.shape[-1], spread, 0.0))
        within: NDArray[np.float64] = np.clip(found, -1.0, 1.0)
        return within

    return Statistic(name="word_agreement", sums=sums, value=value, scale="fisher", bounds=(-1.0, 1.0))


def _by_unit(inside: csr_array, unit: NDArray[np.integer], units: int = 0) -> NDArray[np.float64]:
    """Sums of the rows of each unit, shape (units, words)."""
    rows = max(units, int(unit.max(initial=-1)) + 1)
    of = csr_array((np.ones(len(unit)), (unit, np.arange(len(unit)))), shape=(rows, len(unit)))
    summed: NDArray[np.float64] = (of @ inside).toarray()
    return summed


def _sums(
    values: NDArray[np.float64], inside: csr_array, unit: NDArray[np.integer], units: int
) -> NDArray[np.float64]:
    """Sums per speaker: by word n_ws, Σ y, n_ws², n_ws n_s; and n_s, Σ y, Σ y², (Σ y)² / n_s, n_s², 1."""
    y = np.asarray(values, dtype=np.float64)
    count, total = _by_unit(inside, unit, units), _by_unit(inside.multiply(y[:, None]), unit, units)
    n = np.bincount(unit, minlength=units).astype(np.float64)
    s, ss = (np.bincount(unit, weights=x, minlength=units) for x in (y, y * y))
    of_all = np.stack([n, s, ss, np.nan_to_num(ratio(s * s, n)), n * n, (n > 0).astype(float)], axis=1)
    return np.concatenate([count, total, count**2, count * n[:, None], of_all], axis=1)


def _parts(
    sums: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Mean of each word, mean of all clips, v of each word, and whether all clips have it; (..., words)."""
    count, total, squares, products = np.split(sums[..., :-6], 4, axis=-1)
    n, s, ss, a, b, g = (sums[..., i, None] for i in range(-6, 0))
    within, between = _variances(n, s, ss, a, b, g)
    mean, overall = ratio(total, count), ratio(s, n)
    apart = ratio(squares, count**2) - 2 * ratio(products, count * n) + ratio(b, n**2)
    chance = between * np.maximum(apart, 0.0) + within * np.maximum(ratio(n - count, count * n), 0.0)
    return mean, overall, chance, count >= n


def _variances(*sums: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Within- and between-speaker variance by one-way analysis of variance."""
    n, s, ss, a, b, g = sums
    alone = n <= g  # one clip per speaker: the two variances cannot be separated
    within = np.where(alone, ratio(ss - ratio(s * s, n), n - 1), ratio(ss - a, n - g))
    size = ratio(n - ratio(b, n), g - 1)
    between = ratio(ratio(a - ratio(s * s, n), g - 1) - within, size)
    return np.maximum(within, 0.0), np.where(alone, 0.0, np.maximum(np.nan_to_num(between), 0.0))


def _effect(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    mean, overall, chance, whole = _parts(sums)
    apart = np.where(whole, 0.0, (mean - overall) ** 2 - chance)
    return ratio(apart.sum(axis=-1), (~whole).sum(axis=-1).astype(np.float64))
