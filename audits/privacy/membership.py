"""Do losses reveal which clips were in the training data of the model?"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sertools.errors import AuditError, nearest
from sertools.metrics.classification import rating_bins
from sertools.metrics.standardised import cells, standardised_difference
from sertools.metrics.verification import auc_within
from sertools.statistics.jackknife import Estimate, estimate
from sertools.tables.condition import CLEAN
from sertools.tables.pairs import Pairs
from sertools.tables.tables import Tables

LEAST = 1e-7
"""Probability below which a loss does not grow any more."""


@dataclass(frozen=True, kw_only=True)
class Membership:
    """How well losses separate training clips from others.

    Attributes:
        auc: how often a clip of the training has a lower loss than another with the same truth
        gap: mean loss of the other clips minus that of clips of the training, with the same truth
        members, others: number of clips
    """

    auc: Estimate
    gap: Estimate
    members: int
    others: int


def members_of(tables: Tables, text: str) -> NDArray[np.bool_]:
    """Which clips were in the training, shape (n,).

    Args:
        tables: clips
        text: `COLUMN=VALUE`, e.g. `split=train`

    Raises:
        AuditError: there is no such column or value
    """
    column, equals, value = text.partition("=")
    if not equals:
        raise AuditError(
            f"members is {text!r}", hint="name the training clips as COLUMN=VALUE, e.g. split=train"
        )
    if column not in tables.clips:
        raise AuditError(
            f"the corpus has no column {column!r}", hint=nearest(column, list(map(str, tables.clips.columns)))
        )
    texts = tables.clips[column].astype(str)
    if value not in set(texts):
        raise AuditError(f"no clip has {column} {value!r}", hint=nearest(value, sorted(set(texts))[:50]))
    return texts.eq(value).to_numpy(dtype=np.bool_)


def membership(tables: Tables, pair: Pairs, member: NDArray[np.bool_]) -> Membership:
    """AUC and gap of the losses of training clips and others, within the classes or quarters of the truth.

    The loss is −log of the probability of the true emotion, or 1 and 0 for answers in words, and |p − t| for
    a dimension. Both values compare only clips with the same truth, so that a training set of easy emotions
    is not taken for memory.

    Args:
        tables: clean predictions
        pair: truth and prediction of one target, of the answered clips
        member: which of these clips were in the training, shape (n,)
    """
    loss = losses(tables, pair)
    truth = pair.truth if pair.classes else rating_bins(pair.truth)
    stratum = np.unique(truth, return_inverse=True)[1]
    strata = int(stratum.max()) + 1 if len(stratum) else 0
    gap = estimate(standardised_difference(strata), cells(stratum, ~member), loss, pair.unit, pair.units)
    return Membership(
        auc=auc_within(-loss, member, stratum, pair.unit),
        gap=gap,
        members=int(member.sum()),
        others=int((~member).sum()),
    )


def losses(tables: Tables, pair: Pairs) -> NDArray[np.float64]:
    """The loss of each clip, shape (n,)."""
    if not pair.classes:
        found: NDArray[np.float64] = np.abs(pair.prediction - pair.truth)
        return found
    if tables.in_words:
        return np.asarray(pair.truth != pair.prediction, dtype=np.float64)
    scores = tables.predictions[CLEAN].loc[pair.clips, list(tables.model_classes)].to_numpy(dtype=np.float64)
    if (scores < 0).any() or not np.allclose(scores.sum(axis=1), 1.0, atol=1e-3):
        scores = np.exp(scores - scores.max(axis=1, keepdims=True))
        scores /= scores.sum(axis=1, keepdims=True)
    logs: NDArray[np.float64] = np.log(np.maximum(scores[np.arange(pair.n), pair.truth], LEAST))
    return -logs
