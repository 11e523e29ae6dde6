"""Soft labels, ranks and steps: agreement with the votes of raters, AUC, and weighted kappa."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sertools.auditing.ceilings import asked_for_emotion, soft_ceiling
from sertools.auditing.findings import finding
from sertools.metrics import soft_labels
from sertools.metrics.ordinal import WEIGHTED_KAPPA, levels_of, rounded
from sertools.metrics.ranking import AUC, auc_without_each
from sertools.metrics.soft_labels import SOFT_MACRO_F1
from sertools.results.result import Finding
from sertools.statistics.jackknife import (
    Estimate,
    estimate,
    estimate_from_left_out,
    estimate_from_sums,
)
from sertools.tables.condition import CLEAN
from sertools.tables.pairs import Pairs
from sertools.tables.tables import Tables
from sertools.tables.votes import votes_of

BATCHES = f"batches={soft_labels.BATCH}"
"""Slice of the score that is the mean over batches of clips, as EMO-SUPERB publishes it."""

DISTANCE = soft_labels.mean_statistic("soft_jensen_shannon", 1.0)


def soft_label_findings(tables: Tables) -> list[Finding]:
    """Agreement with the distribution of the raters' votes; nothing where the corpus has no votes.

    All clips with votes count, also those whose votes tie. The classes are those that raters could choose; a
    clip without an answer has none of them.
    """
    every = votes_of(tables.clips)
    if every is None or not tables.classes:
        return []
    pair, asked = asked_for_emotion(tables)
    rated = every.raters[asked] > 0
    if not rated.any():
        return []
    pair, votes = pair.take(rated), every.take(asked).take(rated)
    scores = tables.predictions[CLEAN].loc[pair.clips]
    columns = [scores[name].to_numpy(float) if name in scores else np.zeros(pair.n) for name in votes.classes]
    answered = pair.prediction < len(tables.model_classes)
    predicted = np.where(answered[:, None], np.stack(columns, axis=1), 0.0)
    truth, above = votes.shares, soft_labels.above_equal_share(predicted)
    sums = soft_labels.f1_sums(
        soft_labels.above_equal_share(truth), above, np.ones(pair.n), pair.unit, pair.units
    )
    pooled = _finding("soft_macro_f1", estimate_from_sums(SOFT_MACRO_F1, sums, pair.n), pair)
    order = np.argsort(tables.clips.loc[pair.clips, "file"].astype(str).to_numpy(), kind="stable")
    in_order = truth[order], predicted[order]
    left_out = soft_labels.in_batches_without_each(*in_order, pair.unit[order], pair.units)
    value = soft_labels.soft_macro_f1_in_batches(*in_order)
    batches = estimate_from_left_out(SOFT_MACRO_F1, value, left_out, pair.n)
    return [
        pooled.model_copy(update={"ceiling": soft_ceiling(votes, above, pair)}),
        _finding("soft_macro_f1", batches, pair, slice=BATCHES),
        _distance(truth, predicted, pair, answered),
    ]


def _distance(
    truth: NDArray[np.float64], predicted: NDArray[np.float64], pair: Pairs, answered: NDArray[np.bool_]
) -> Finding:
    """The mean Jensen-Shannon distance of the answered clips between votes and prediction.

    What the model gives to classes that no rater could choose is a further class without votes.
    """
    chosen = pair.take(answered)
    t, p = truth[answered], predicted[answered]
    rest = np.maximum(1 - p.sum(axis=1, keepdims=True), 0.0)
    distances = soft_labels.jensen_shannon_of_clips(
        np.concatenate([t, np.zeros_like(rest)], axis=1), np.concatenate([p, rest], axis=1)
    )
    value = estimate(DISTANCE, distances, distances, chosen.unit, chosen.units)
    return _finding("soft_jensen_shannon", value, pair, coverage=float(answered.mean()))


def auc_findings(pair: Pairs, tables: Tables) -> list[Finding]:
    """The AUC of the answered clips; nothing for answers in words, which have no scores."""
    if tables.in_words:
        return []
    answered = pair.of_answered
    scores = tables.predictions[CLEAN].loc[answered.clips, list(tables.model_classes)]
    value, left_out = auc_without_each(
        answered.truth, scores.to_numpy(dtype=np.float64), answered.unit, answered.units
    )
    found = estimate_from_left_out(AUC, value, left_out, answered.n)
    return [_finding("auc", found, pair, coverage=pair.coverage)]


def kappa_findings(pair: Pairs, dimension: str) -> list[Finding]:
    """The weighted kappa of a dimension whose ratings are steps of a scale; nothing for other ratings."""
    levels = levels_of(pair.truth)
    if not levels:
        return []
    steps = replace(pair, prediction=rounded(pair.prediction, levels))
    value = estimate(WEIGHTED_KAPPA, steps.truth, steps.prediction, steps.unit, steps.units)
    return [finding("weighted_kappa", value, target=dimension, by_speaker=pair.by_speaker)]


def _finding(
    name: str, value: Estimate, pair: Pairs, *, slice: str = "all", coverage: float = 1.0
) -> Finding:
    return finding(name, value, target="emotion", slice=slice, by_speaker=pair.by_speaker, coverage=coverage)
