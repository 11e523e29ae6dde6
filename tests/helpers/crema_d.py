"""The labels and the crowd's votes of CREMA-D, which are not part of the repository."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tests.helpers.places import ROOT

TABLE = ROOT.parent / "shared/data/crema-d_labels/crema-d_labels.csv"
HERE = TABLE.is_file()
EMOTIONS = ("anger", "disgust", "fear", "happiness", "neutral", "sadness")


@dataclass(frozen=True)
class CremaD:
    """Votes on the voice (n, 6), the intended emotion and the actor as codes (n,), and ids of clips."""

    counts: NDArray[np.float64]
    intended: NDArray[np.int64]
    speaker: NDArray[np.int64]
    clips: list[str]


def crema_d() -> CremaD:
    """The table, read without any code of sertools."""
    table = pd.read_csv(TABLE)
    return CremaD(
        counts=table[[f"voice_{name}" for name in EMOTIONS]].to_numpy(dtype=float),
        intended=table["emotion"].map(EMOTIONS.index).to_numpy(),
        speaker=pd.factorize(table["speaker"])[0],
        clips=table["file"].tolist(),
    )
