"""Model and corpus of a result, and the clips in the training data, as far as its file shows."""

from collections.abc import Sequence
from typing import Any, Literal

from sertools.results.result import Result

NOT_OPENED = "the sound was not opened"
"""Stored in place of the fingerprint of a corpus whose audio was not opened."""

DATE = "date"
"""Key in the provenance of a result: when it was computed, in UTC."""

CLASSES = "classes"
"""Key in the provenance of a result: the closed set of emotions that were judged, if there was one."""

TRAINING = "training"
"""Key in the provenance of a result: how much of the corpus was in the training, and what was judged."""

UNSEEN = "unseen-speakers"
"""Added to the name of a corpus of which only clips of unseen speakers are judged, like a split."""

ON_TRAINING_DATA = "_on_training_data"
"""Suffix of findings on clips that were in the training; no limit judges them."""


def fingerprint_of(
    result: Result, of: Literal["corpus_fingerprint", "model_fingerprint"] = "corpus_fingerprint"
) -> str:
    """The stored fingerprint; empty if the file has none, or if the audio was not opened."""
    known = str(result.provenance.get(of, ""))
    return "" if known == NOT_OPENED else known


def corpora_differ(one: Result, other: Result) -> bool:
    """Whether two results are from different clips, labels or audio; False if a fingerprint is missing."""
    prints = {fingerprint_of(one), fingerprint_of(other)}
    return "" not in prints and len(prints) == 2


def closed_sets_differ(one: Result, other: Result) -> str:
    """Which closed sets of emotions two results have, if they are not the same; empty if they are."""
    found = [result.provenance.get(CLASSES) for result in (one, other)]
    named = [", ".join(map(str, each)) if isinstance(each, list) else "" for each in found]
    if sorted(named[0].split(", ")) == sorted(named[1].split(", ")):
        return ""
    sets = [f"among {names}" if names else "among all classes" for names in named]
    return f"emotions are judged {sets[0]} in one and {sets[1]} in the other"


def training_sentences(results: Sequence[Result]) -> list[str]:
    """The share of the corpora in the training data, and the judged clips, without duplicates; else empty."""
    found: dict[str, None] = {}
    for result in results:
        facts: Any = result.provenance.get(TRAINING)
        sentence = facts.get("sentence") if isinstance(facts, dict) else None
        if isinstance(sentence, str) and sentence:
            found[sentence] = None
    return list(found)
