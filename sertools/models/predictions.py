"""A table of predictions made elsewhere: `predictions:FILE.csv` or `.parquet`, no model needed.

The table has `clip` or `file` and one numeric column per label. Clips that it lacks are missing; rows
that match no clip are listed.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sertools.errors import ModelError
from sertools.labels import DIMENSIONS, canonical
from sertools.model import LoadOptions, Task

SCHEME = "predictions"
NOT_LABELS = ("clip", "file", "start", "end", "condition")


@dataclass(kw_only=True)
class PredictionsModel:
    """Predictions by clip or file, read from a table."""

    name: str
    labels: tuple[str, ...]
    task: Task
    fingerprint: str
    facts: Mapping[str, Any]
    table: pd.DataFrame
    key: str

    def scores(self, clips: pd.DataFrame) -> pd.DataFrame:
        """The table's rows in the order of `clips`; nan where it has none.

        Raises:
            ModelError: the table has nothing for any clip
        """
        wanted = clips.index if self.key == "clip" else pd.Index(clips["file"].astype(str))
        if not wanted.isin(self.table.index).any():
            raise ModelError(
                f"no {self.key} of {self.facts['source']} is in the corpus: it has {self.table.index[0]!r}, "
                f"the corpus has {wanted[0]!r}",
                hint="name the clips as sertools predict --csv does",
            )
        scores = self.table.reindex(wanted)
        scores.index = clips.index
        return scores


def load(rest: str, options: LoadOptions) -> PredictionsModel:
    """The predictions in a file.

    Raises:
        ModelError: the file is missing or unreadable, has no key or label column, repeats a clip, or a
            score is no number
    """
    path = Path(rest).expanduser()
    table = _read(path)
    key = "clip" if "clip" in table else "file"
    if key not in table:
        raise ModelError(f"{path} has neither a column 'clip' nor 'file': it has {', '.join(table.columns)}")
    if table.empty:
        raise ModelError(f"{path} has no rows")
    repeated = table[key][table[key].duplicated()]
    if len(repeated):
        raise ModelError(f"{path} has {repeated.iloc[0]!r} more than once", hint="keep one row per clip")
    labels = tuple(str(column) for column in table.columns if column not in NOT_LABELS)
    scores = table.set_index(table[key].astype(str))[list(labels)]
    for label in labels:
        numbers = pd.to_numeric(scores[label], errors="coerce")
        wrong = numbers.isna() & scores[label].notna()
        if wrong.any():
            raise ModelError(
                f"{path}: {label} of {scores.index[wrong][0]!r} is no number", hint="drop the column"
            )
        if np.isinf(numbers).any():
            raise ModelError(f"{path}: {label} of {scores.index[np.isinf(numbers)][0]!r} is infinite")
        scores[label] = numbers.astype(float)
    if not labels:
        raise ModelError(f"{path} has no column of scores besides {', '.join(table.columns)}")
    only_dimensions = all(canonical(label) in DIMENSIONS for label in labels)
    return PredictionsModel(
        name=path.stem,
        labels=labels,
        task="regression" if only_dimensions else "single_label",
        fingerprint=hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest(),
        facts={"kind": "predictions file", "source": str(path), "rows": len(table)},
        table=scores,
        key=key,
    )


def _read(path: Path) -> pd.DataFrame:
    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        return pd.read_csv(path, dtype={"clip": str, "file": str}, float_precision="round_trip")
    except FileNotFoundError as error:
        raise ModelError(f"no predictions file {path}") from error
    except (OSError, ValueError, pd.errors.ParserError) as error:
        raise ModelError(f"cannot read predictions from {path}: {str(error).splitlines()[0]}") from error
