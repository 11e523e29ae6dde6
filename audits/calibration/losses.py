"""How surprising are labels and votes to the model? Negative log-likelihood and cross-entropy."""

import numpy as np
from numpy.typing import NDArray

from sertools.auditing.ceilings import asked_for_emotion
from sertools.auditing.findings import finding
from sertools.auditing.tables import Row
from sertools.metrics.soft_labels import cross_entropy_of_clips, mean_statistic
from sertools.results.result import Finding
from sertools.statistics.jackknife import estimate
from sertools.tables.condition import CLEAN
from sertools.tables.pairs import Pairs
from sertools.tables.tables import Tables
from sertools.tables.votes import votes_of

NLL, CROSS_ENTROPY = mean_statistic("nll"), mean_statistic("cross_entropy")


def loss_findings(
    asked: Pairs, scores: NDArray[np.float64], tables: Tables
) -> tuple[list[Finding], list[Row]]:
    """The losses, and their rows compared with a model that always predicts the class frequencies.

    Args:
        asked: the clips that the model was asked
        scores: probabilities of the answered ones, shape (n, c)
        tables: clips and predictions
    """
    pair = asked.of_answered
    wanted = np.eye(scores.shape[1])[pair.truth]
    losses = cross_entropy_of_clips(wanted, scores)
    value = estimate(NLL, losses, losses, pair.unit, pair.units)
    found = [finding("nll", value, target="emotion", by_speaker=pair.by_speaker, coverage=asked.coverage)]
    by_shares = float(cross_entropy_of_clips(wanted, _mean_of(wanted)).mean()) if pair.n else None
    rows: list[Row] = [["nll", value.value, by_shares, "predicting class shares"]]
    of_votes, votes_rows = _of_votes(tables)
    return [*found, *of_votes], [*rows, *votes_rows]


def _of_votes(tables: Tables) -> tuple[list[Finding], list[Row]]:
    """The cross-entropy of the votes of raters; nothing where the corpus has none."""
    votes = votes_of(tables.clips)
    if votes is None:
        return [], []
    votes = votes.of(tables.model_classes)
    pair, asked = asked_for_emotion(tables)
    votes = votes.take(asked)
    answered = np.ones(pair.n, dtype=np.bool_) if pair.answered is None else pair.answered
    rated = votes.raters > 0
    used = rated & answered
    if not used.any():
        return [], []
    chosen = pair.take(used)
    wanted = votes.shares[used]
    scores = (
        tables.predictions[CLEAN].loc[chosen.clips, list(tables.model_classes)].to_numpy(dtype=np.float64)
    )
    padded = np.zeros(wanted.shape)
    padded[:, : scores.shape[1]] = scores
    losses = cross_entropy_of_clips(wanted, padded)
    value = estimate(CROSS_ENTROPY, losses, losses, chosen.unit, chosen.units)
    coverage = float(used.sum() / rated.sum())
    found = finding("cross_entropy", value, target="emotion", by_speaker=pair.by_speaker, coverage=coverage)
    by_shares = float(cross_entropy_of_clips(wanted, _mean_of(wanted)).mean())
    best = float(cross_entropy_of_clips(wanted, wanted).mean())
    rows: list[Row] = [
        ["cross_entropy", value.value, by_shares, "predicting the shares of the votes"],
        ["cross_entropy", value.value, best, "predicting the votes of each clip"],
    ]
    return [found], rows


def _mean_of(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.broadcast_to(shares.mean(axis=0), shares.shape)
