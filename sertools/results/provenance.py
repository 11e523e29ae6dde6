"""Which model and which corpus a result is from, as far as its file shows."""

from typing import Literal

from sertools.results.result import Result

NOT_OPENED = "the sound was not opened"
"""Stored in place of the fingerprint of a corpus whose audio was not opened."""


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
