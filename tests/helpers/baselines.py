"""Results of a model and of a worse one, for comparisons with a baseline."""

import numpy as np

from sertools.auditing.audit import load
from sertools.tables.condition import CLEAN
from tests.helpers.audits import run


def result_of(tables, name="correctness", corpus="voices", sound="abc"):
    """The result of an audit; `sound` is the fingerprint of the corpus."""
    return run(
        load(name),
        tables,
        seed=0,
        model={"name": "m"},
        data={"name": corpus},
        provenance={"corpus_fingerprint": sound},
    )


def worse(tables, noise, seed=1):
    """The same clips with answers that err more."""
    scores = tables.predictions[CLEAN].copy()
    rng = np.random.default_rng(seed)
    for dimension in tables.dimensions:
        scores[dimension] += rng.normal(0, noise, len(scores))
    return tables.with_predictions({CLEAN: scores})
