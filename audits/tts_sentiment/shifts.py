"""How far words shift the predictions: by sentiment, by form of the word, and by language."""

import numpy as np
import pandas as pd

from sertools.auditing.findings import doubted, finding, skipped
from sertools.metrics.better_than_chance import not_better_than_constant
from sertools.results.result import Finding
from sertools.statistics.crossed import Crossed, contrast, systematic
from sertools.statistics.jackknife import Estimate
from sertools.tables.pairs import pairs
from sertools.tables.tables import Tables

from .sentences import POLARITY, SENTIMENTS, WordPredictions, changes

MAX_P_VALUE = 1e-4
"""Predictions vary between voices or words if the F test's p-value is below this."""

MIN_SPAN = 0.1
"""Least width of the central 90 % of predictions for all sentences and voices: that of the limit of the
shift, because predictions that differ by less could hardly leave it."""

NO_EVIDENCE = "so finding no effect of the words is not evidence"
NOT_RESPONSIVE = f"predictions do not vary between voices or sentences beyond chance, {NO_EVIDENCE}"


def reason_withheld(tables: Tables, plain: WordPredictions, target: str) -> str:
    """Why the absence of a shift would not be evidence; empty if it would be."""
    low, high = np.quantile(plain.frame["prediction"], [0.05, 0.95])
    if high - low < MIN_SPAN:
        return f"predictions hardly differ (the central 90 % span {high - low:.2g}), {NO_EVIDENCE}"
    if systematic(plain.data) < MAX_P_VALUE:
        return ""
    if target in tables.dimensions:
        return NOT_RESPONSIVE if not_better_than_constant(pairs(tables, target)) else ""
    if target in tables.classes:
        emotion = pairs(tables, "emotion")
        return NOT_RESPONSIVE if not_better_than_constant(emotion, emotion.classes) else ""
    return NOT_RESPONSIVE


def shift_findings(plain: WordPredictions, target: str, withheld: str, *, with_halves: bool) -> list[Finding]:
    """The sentiment shift and, if `with_halves`, its two halves and the neutral point."""
    contrasts = [("sentiment_shift", (-1.0, 0.0, 1.0), withheld)]
    if with_halves:
        contrasts += [
            ("positive_minus_neutral", (0.0, -1.0, 1.0), ""),
            ("negative_minus_neutral", (1.0, -1.0, 0.0), ""),
            ("neutral_point", (0.0, 1.0, 0.0), ""),
        ]
    return [
        _finding(name, plain.mean_over_languages(signs), target, reason) for name, signs, reason in contrasts
    ]


def form_findings(
    tables: Tables, plain: WordPredictions, kinds: dict[str, WordPredictions], target: str
) -> list[Finding]:
    """Findings on negation, intensity ("very") and controls, where the corpus has such sentences.

    Args:
        tables: clips and clean predictions
        plain: predictions of the target for plain sentences
        kinds: kind of sentence → predictions of the target
        target: the predicted label
    """
    found: list[Finding] = []
    if "negated" in kinds:
        found += _negation_findings(tables, plain, kinds["negated"], target)
    if "intense" in kinds:
        found.append(_intensity_finding(tables, plain, kinds["intense"], target))
    if "control" in kinds:
        found += _control_findings(plain, kinds["control"], target)
    return found


def _negation_findings(
    tables: Tables, plain: WordPredictions, negated: WordPredictions, target: str
) -> list[Finding]:
    """The shift of negated words, and how often a negation moves the prediction against the word."""
    # the sentiment of "not bad" is positive but its word is negative; the shift refers to the words
    shift = _finding("negated_shift", negated.mean_over_languages((1.0, 0.0, -1.0)), target)
    moved = changes(plain, negated, reverse=True)
    if moved.empty:
        reason = "no negated sentence has a plain counterpart"
        return [shift, skipped("negation_consistency", tables, reason, target)]
    sign = moved["sentiment"].map(POLARITY).to_numpy(dtype=float)
    against = (moved["prediction"].to_numpy(dtype=float) * sign < 0).astype(float)
    share = WordPredictions(frame=moved.assign(prediction=against), languages=plain.languages)
    value = contrast(share.data, np.zeros(len(moved), dtype=np.int64), [1.0])
    return [shift, _finding("negation_consistency", value, target)]


def _intensity_finding(
    tables: Tables, plain: WordPredictions, intense: WordPredictions, target: str
) -> Finding:
    """How much further "very" moves the prediction in the direction of the word."""
    moved = changes(plain, intense, reverse=False)
    if moved.empty:
        return skipped("intensity_shift", tables, "no intense sentence has a plain counterpart", target)
    further = WordPredictions(frame=moved, languages=plain.languages)
    return _finding("intensity_shift", further.mean_over_languages((-0.5, 0.0, 0.5)), target)


def _control_findings(plain: WordPredictions, control: WordPredictions, target: str) -> list[Finding]:
    """Control sentences minus neutral ones, over the languages that have both; empty if none has."""
    both = pd.concat([plain.frame[plain.frame["sentiment"] == "neutral"], control.frame])
    is_control = (both["kind"] == "control").to_numpy()
    language = WordPredictions(frame=both, languages=plain.languages).language
    weights = np.tile([-1.0, 1.0], len(plain.languages))
    code = language * 2 + is_control
    has_both = (np.bincount(code, minlength=len(weights)).reshape(-1, 2) > 0).all(axis=1)
    if not has_both.any():
        return []
    weights = np.repeat(has_both, 2) * weights / max(int(has_both.sum()), 1)
    item = both["item"] + "\n" + both["kind"]
    data = Crossed.of(both["prediction"], item, both["voice"], both["language"])
    return [_finding("control_minus_neutral", contrast(data, code, weights), target)]


def language_findings(plain: WordPredictions, target: str, withheld: str) -> list[Finding]:
    """Each language's shift, and shift(l, s) minus its mean over languages."""
    if len(plain.languages) < 2:
        return []
    found = []
    for language in plain.languages:
        own = plain.only(plain.frame["language"] == language)
        value = own.mean_over_languages((-1.0, 0.0, 1.0))
        found.append(_finding("sentiment_shift", value, target, withheld, f"language={language}"))
    counts = plain.counts().astype(float)
    totals = counts.sum(axis=1, keepdims=True)
    mean = np.divide(counts, totals, where=totals > 0, out=np.zeros_like(counts))
    for s, sentiment in enumerate(SENTIMENTS):
        has = counts[:, s] > 0
        if has.sum() < 2:
            continue
        # one row per language: the weights of m(p | l, s) − m(p | l) on the language's three groups
        shift = np.where(has[:, None], np.eye(3)[s] - mean, 0.0)
        for i in np.flatnonzero(has):
            own_row = np.arange(len(counts)) == i
            weights = shift * (own_row[:, None] - 1 / has.sum())
            value = contrast(plain.data, plain.group, weights.ravel())
            where = f"language={plain.languages[i]}, sentiment={sentiment}"
            found.append(_finding("language_shift", value, target, withheld, where))
    return found


def _finding(name: str, value: Estimate, target: str, withheld: str = "", where: str = "all") -> Finding:
    undefined = value.reason if np.isnan(value.value) else ""
    made = finding(name, value, target=target, slice=where, by_speaker=True, withheld=undefined)
    return doubted(made, withheld)
