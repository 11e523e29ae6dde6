"""How many words does a speech recogniser get wrong?"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sertools.errors import AuditError
from sertools.metrics.words import WORD
from sertools.statistics.statistic import Statistic, ratio, unit_sums


def normalised_text(text: str) -> str:
    """Normalise a text for word comparison: lower case, one kind of apostrophe, no punctuation.

    Args:
        text: any text

    >>> normalised_text("Don’t — STOP!")
    "don't stop"
    """
    return " ".join(word.casefold().replace("’", "'") for word in WORD.findall(text))


def word_errors(
    reference: Sequence[str], recognised: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Number of word errors and of reference words in each clip, two arrays of shape (n,).

    Substitutions, deletions and insertions of the best alignment (Levenshtein 1966), computed by the package
    jiwer, ignoring case and punctuation.

    Args:
        reference: reference transcripts, one per clip
        recognised: recognised texts, one per clip

    Raises:
        AuditError: jiwer is not installed

    >>> [counts.tolist() for counts in word_errors(["It is late.", "Yes"], ["it was late now", "yes"])]
    [[2.0, 0.0], [3.0, 1.0]]
    """
    try:
        import jiwer
    except ImportError as error:
        raise AuditError("the word error rate needs the package jiwer", hint="pip install jiwer") from error
    errors, words = np.zeros(len(reference)), np.zeros(len(reference))
    texts = zip(map(normalised_text, reference), map(normalised_text, recognised), strict=True)
    for i, (spoken, found) in enumerate(texts):
        words[i] = len(spoken.split())
        if not spoken or not found:  # every word is an error; jiwer rejects an empty reference
            errors[i] = len(spoken.split()) + len(found.split())
            continue
        aligned = jiwer.process_words(spoken, found)
        errors[i] = aligned.substitutions + aligned.deletions + aligned.insertions
    return errors, words


WORD_ERROR_RATE = Statistic(
    name="word_error_rate",
    sums=lambda words, wrong, unit, units: unit_sums(np.stack([words, wrong], axis=1), unit, units),
    value=lambda sums: ratio(sums[..., 1], sums[..., 0]),
    bounds=(0.0, np.inf),
)
"""Word errors over words, all clips together; pass words as truth and word errors as prediction."""
