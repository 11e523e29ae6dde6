"""Test the audits themselves from Python."""

import pandas as pd

from sertools.api.corpora import CorpusSource, corpus_of
from sertools.selftest import power, selftest


def check_audits(*audits: str, seed: int = 0) -> pd.DataFrame:
    """Test the audits on toy models with known defects: the defects must be found, and the oracle must pass.

    Args:
        audits: names of the audits to test, as in `list_audits()`; all by default
        seed: random seed of the toy corpus and of all draws

    Returns:
        One row per check: `model`, `audit`, `expected`, `found`, and `kept`, which is `yes` or `NO`.

    Raises:
        AuditError: no such audit

    Example:
        ```python
        assert set(sertools.check_audits("calibration")["kept"]) == {"yes"}
        ```
    """
    return pd.DataFrame(selftest.rows(list(selftest.checks(seed, audits))), columns=list(selftest.CHECKS))


def audit_power(data: CorpusSource, *audits: str, plants: int = 5, seed: int = 0) -> pd.DataFrame:
    """Measure how often each audit finds its planted defect in a corpus of this size; opens no audio.

    Args:
        data: a corpus, or what `load_corpus` takes
        audits: names of the audits to test, as in `list_audits()`; all that read predictions by default
        plants: number of planted defects for each strength, at least 1
        seed: random seed of plants and errors

    Returns:
        One row per audit and strength: `audit`, `clips with the defect` and `defects found` (shares in
        [0, 1]), and `reason`, if the audit cannot run on the corpus.

    Raises:
        AuditError: no such audit
        CorpusError: the corpus cannot be read

    Example:
        ```python
        sertools.audit_power("clips.csv", "correctness", "fairness", plants=1)
        ```
    """
    rows = power.power(corpus_of(data).clips, audits, plants=plants, seed=seed)
    return pd.DataFrame(rows, columns=list(power.POWER))
