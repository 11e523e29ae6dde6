"""Published scores of other models, for comparison with ours where corpus and target match."""

import importlib.resources
from dataclasses import dataclass
from functools import cache

import pandas as pd

from sertools.results.keys import FindingKey

SOURCE = "audEERING ser-tests, 455c47c"

CORPORA = {
    "crema-d": "crema-d-",
    "emodb": "emodb-",
    "iemocap": "iemocap-",
    "ravdess": "ravdess-",
    "msp-test1": "msppodcast-2.6.*test-1",
    "msp-test2": "msppodcast-2.6.*test-2",
}
"""Name of a corpus in sertools → pattern for the beginning of its name in ser-tests."""

CHANGES = {
    "highpass@drawn": ("robustness_small_changes", "highpass-filter"),
    "lowpass@drawn": ("robustness_small_changes", "lowpass-filter"),
    "clip@drawn": ("robustness_small_changes", "clip"),
    "gain@drawn": ("robustness_small_changes", "gain"),
    "additive_tone@drawn": ("robustness_small_changes", "additive-tone"),
    "white_noise@drawn": ("robustness_small_changes", "white-noise"),
    "append_zeros@drawn": ("robustness_small_changes", "append-zeros"),
    "prepend_zeros@drawn": ("robustness_small_changes", "prepend-zeros"),
    "crop_beginning@drawn": ("robustness_small_changes", "crop-beginning"),
    "crop_end@drawn": ("robustness_small_changes", "crop-end"),
    "white_noise@20dB": ("robustness_background_noise", "white-noise"),
    "babble@20dB": ("robustness_background_noise", "babble-noise"),
    "low_quality_phone@25dB": ("robustness_low_quality_phone", "low-quality-phone"),
}
"""Condition in sertools → test and perturbation that ser-tests defines in the same way.

Only the telephone codec differs: AMR-NB in ser-tests, GSM in sertools. The tilt and rooms of ser-tests differ
from ours, so they have no range here."""


MEASURES = {
    ("correctness", "ccc"): ("correctness_regression", "concordance-correlation-coeff"),
    ("correctness", "pcc"): ("correctness_regression", "pearson-correlation-coeff"),
    ("correctness", "mae"): ("correctness_regression", "mean-absolute-error"),
    ("correctness", "uar"): ("correctness_classification", "unweighted-average-recall"),
    ("correctness", "uap"): ("correctness_classification", "unweighted-average-precision"),
    ("correctness", "recall"): ("correctness_classification", "recall-per-class"),
    ("correctness", "precision"): ("correctness_classification", "precision-per-class"),
}
"""Audit and measure in sertools → test and metric of ser-tests with the same definition, on all clips."""

OF_SEXES = {
    "group_minus_all": ("concordance-correlation-coeff", "unweighted-average-recall"),
    "recall_gap": ("recall-per-class",),
    "precision_gap": ("precision-per-class",),
}
"""Measure of the audit `fairness` → metrics of the test `fairness_sex`, whose names end in the sex."""


@dataclass(frozen=True, kw_only=True)
class Value:
    """One published value, with the audit, measure, target and slice that it has in sertools.

    Attributes:
        data: name of the data in the source, with version and split
    """

    audit: str
    name: str
    target: str
    slice: str
    value: float
    data: str

    @property
    def key(self) -> FindingKey:
        """The key of the corresponding finding."""
        return FindingKey(self.name, self.target, self.slice)


@dataclass(frozen=True, kw_only=True)
class Range:
    """Lowest and highest published value, and the number of models."""

    low: float
    high: float
    models: int

    def __str__(self) -> str:
        """The range as text.

        >>> str(Range(low=0.7, high=1.0, models=11))
        '0.70 to 1.00 (11 models)'
        """
        return f"{self.low:.2f} to {self.high:.2f} ({self.models} models)"


def unchanged_ratio(corpus: str, condition: str, target: str) -> Range | None:
    """The range of published unchanged ratios under a condition; None where nothing matches.

    The random models of the source are left out. The source rounds values to two digits.

    Args:
        corpus: name of the corpus in sertools, e.g. `iemocap`, `msp-test1`
        condition: as `str(Condition)`, e.g. `gain@drawn`
        target: `arousal`, `dominance`, `valence` or `emotion`
    """
    if condition not in CHANGES:
        return None
    test, change = CHANGES[condition]
    return published(corpus, test, f"percentage-unchanged-predictions-{change}", target)


def published(corpus: str, test: str, metric: str, target: str) -> Range | None:
    """Lowest and highest value of one metric over the published models; None where nothing matches.

    Args:
        corpus: name of the corpus in sertools
        test: name of the test in the source, e.g. `robustness_small_changes`
        metric: name of the metric in the source, e.g. `concordance-correlation-coeff`
        target: `arousal`, `dominance`, `valence` or `emotion`
    """
    if corpus not in CORPORA:
        return None
    table = ser_tests()
    rows = table[
        (table["test"] == test)
        & (table["metric"] == metric)
        & (table["condition"] == target)
        & table["data"].str.match(CORPORA[corpus])
        & ~table["model"].str.startswith("random")
    ]
    values = rows.dropna(subset="value")
    if values.empty:
        return None
    return Range(
        low=float(values["value"].min()),
        high=float(values["value"].max()),
        models=int(values["model"].nunique()),
    )


def models() -> list[str]:
    """Names of the published models, without the random models of the source.

    >>> "w2v2-L-robust" in models(), "random-gaussian" in models()
    (True, False)
    """
    names = ser_tests()["model"].unique()
    return sorted(str(name) for name in names if not name.startswith("random"))


def corpora_of(model: str) -> list[str]:
    """Names in sertools of the corpora with published values of a model.

    >>> corpora_of("w2v2-L-robust")
    ['iemocap', 'msp-test1', 'msp-test2']
    """
    return sorted(corpus for corpus in CORPORA if values(model, corpus))


def values(model: str, corpus: str) -> list[Value]:
    """Published values of one model on one corpus, with their names in sertools; empty if there are none.

    The source rounds values to two digits, CCC, PCC and MAE to three.

    Args:
        model: name of the model in the source, e.g. `w2v2-L-robust`
        corpus: name of the corpus in sertools, e.g. `iemocap`
    """
    if corpus not in CORPORA:
        return []
    table = ser_tests()
    rows = table[(table["model"] == model) & table["data"].str.match(CORPORA[corpus])].dropna(subset="value")
    return [
        Value(
            audit=audit,
            name=name,
            target=row["column"] if row["metric"].startswith(("recall", "precision")) else row["condition"],
            slice=part,
            value=row["value"],
            data=row["data"],
        )
        for row in rows.to_dict("records")
        for audit, name, part in _ours(row["test"], row["metric"])
    ]


@cache
def _ours(test: str, metric: str) -> list[tuple[str, str, str]]:
    """Audit, measure and slice in sertools with the same definition as a test and metric of the source."""
    found = [(audit, name, "all") for (audit, name), theirs in MEASURES.items() if theirs == (test, metric)]
    if test == "fairness_sex":
        stem, _, sex = metric.rpartition("-")
        found += [("fairness", name, f"sex={sex}") for name, stems in OF_SEXES.items() if stem in stems]
    for condition, (where, change) in CHANGES.items():
        if test == where:
            names = {
                f"percentage-unchanged-predictions-{change}": "unchanged_ratio",
                f"change-ccc-{change}": "change_of_ccc",
                f"change-uar-{change}": "change_of_uar",
            }
            found += [("robustness", names[metric], condition)] if metric in names else []
    return found


@cache
def ser_tests() -> pd.DataFrame:
    """The published table: condition, model, test, metric, data, column, value."""
    path = importlib.resources.files("sertools.data") / "reference" / "ser_tests.csv.gz"
    with path.open("rb") as file:
        return pd.read_csv(file, compression="gzip")
