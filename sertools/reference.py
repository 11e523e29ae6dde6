"""What have others measured? Published values that stand beside ours where corpus and target match."""

import importlib.resources
from dataclasses import dataclass
from functools import cache

import pandas as pd

SOURCE = "audEERING ser-tests, 455c47c"

CORPORA = {
    "crema-d": "crema-d-",
    "emodb": "emodb-",
    "iemocap": "iemocap-",
    "ravdess": "ravdess-",
    "msp-test1": "msppodcast-2.6.*test-1",
    "msp-test2": "msppodcast-2.6.*test-2",
}
"""Our name of a corpus → a pattern at the beginning of the name of the data in ser-tests."""

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
"""Our conditions that ser-tests defines alike, but for the codec of the telephone, AMR-NB there and GSM here.

Its tilt and rooms are other ones, so they have no range here."""


@dataclass(frozen=True, kw_only=True)
class Range:
    """Lowest and highest value that was published, and of how many models."""

    low: float
    high: float
    models: int

    def __str__(self) -> str:
        """The range in words.

        >>> str(Range(low=0.7, high=1.0, models=11))
        '0.70 to 1.00 (11 models)'
        """
        return f"{self.low:.2f} to {self.high:.2f} ({self.models} models)"


def unchanged_ratio(corpus: str, condition: str, target: str) -> Range | None:
    """The published unchanged ratios under a condition; None where corpus, condition or target do not match.

    The random models of the source do not enter. Values are rounded to two digits at the source.

    Args:
        corpus: its name in sertools, e.g. `iemocap`, `msp-test1`
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
        corpus: its name in sertools
        test: in the words of the source, e.g. `robustness_small_changes`
        metric: in the words of the source, e.g. `concordance-correlation-coeff`
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


@cache
def ser_tests() -> pd.DataFrame:
    """The published table: condition, model, test, metric, data, column, value."""
    path = importlib.resources.files("sertools.data") / "reference" / "ser_tests.csv.gz"
    with path.open("rb") as file:
        return pd.read_csv(file, compression="gzip")
