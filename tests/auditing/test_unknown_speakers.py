"""Clips of unknown speakers are independent clips, but no further speakers."""

import numpy as np
import pandas as pd
import pytest

from sertools.auditing.audit import load
from sertools.auditing.findings import CLIPS_APART
from sertools.results.result import Verdict
from sertools.tables.tables import Tables
from tests.helpers.audits import run


def tables(known: int, unknown: int, noise: float = 0.1) -> Tables:
    """Clips of known speakers, ten of each, and of unknown ones, with predictions of arousal."""
    rng = np.random.default_rng(0)
    n = 10 * known + unknown
    index = pd.Index([f"c{i}" for i in range(n)])
    speaker = [f"s{i // 10}" if i < 10 * known else None for i in range(n)]
    truth = rng.random(n)
    sex = np.where(np.arange(n) // 10 % 2, "female", "male")
    clips = pd.DataFrame({"speaker": speaker, "sex": sex, "arousal": truth}, index=index)
    clean = pd.DataFrame({"arousal": truth + noise * rng.standard_normal(n)}, index=index)
    return Tables(
        clips=clips, predictions={"clean": clean}, dimensions=("arousal",), classes=(), model_classes=()
    )


@pytest.mark.parametrize(("known", "verdict"), [(6, Verdict.PASS), (4, Verdict.INCONCLUSIVE)])
def test_too_few_speakers_stay_too_few_beside_unknown_ones(known, verdict):
    ccc = next(f for f in run(load("correctness"), tables(known, 60), seed=0).findings if f.name == "ccc")
    assert (ccc.speakers, ccc.verdict) == (known, verdict)
    assert (CLIPS_APART in ccc.reason) == (verdict is Verdict.INCONCLUSIVE)


def test_sentences_count_known_speakers():
    assert any(
        "with 10 speakers, this corpus" in each
        for each in run(load("fairness"), tables(10, 20, 0.4), seed=0).notes
    )
    random = run(load("correctness"), tables(10, 20, 9), seed=0)
    assert any(
        "not shown to beat a constant prediction with 10 speakers" in f.reason for f in random.findings
    )
