"""Layer vectors extracted elsewhere: `features:DIR`, a .npy file and a table that names its rows.

    layers.npy   shape (rows, layers, numbers), or (rows, numbers) for one layer
    layers.csv   one row for each row of the array, with `clip` or `file`; or .parquet
    predictions.csv   if there is one: scores, as `predictions:` reads them

`features:FILE.csv` takes the .npy file of the same name beside it. Clips without a row are missing.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sertools.errors import CorpusError, ModelError
from sertools.manifest import MANIFESTS, read_table
from sertools.model import LoadOptions, Task
from sertools.models import predictions
from sertools.tables import CLEAN

SCHEME = "features"
PREDICTIONS = "predictions"
"""Stem of the table with scores, where there is one in the folder."""


@dataclass(kw_only=True)
class FeaturesModel:
    """Layers by clip or file, read from an array; with scores where a table of predictions lies beside it.

    Attributes:
        array: shape (rows, l, d), on disk
        rows: clip or file → row of the array
        key: what `rows` is indexed by, `clip` or `file`
        answers: the predictions; None where there are none
    """

    name: str
    fingerprint: str
    facts: Mapping[str, Any]
    array: np.ndarray = field(repr=False)
    rows: pd.Series = field(repr=False)
    key: str
    answers: predictions.PredictionsModel | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """Those of the predictions."""
        return self.answers.labels if self.answers else ()

    @property
    def task(self) -> Task:
        """That of the predictions; an encoder where there are none."""
        return self.answers.task if self.answers else "encoder"

    @property
    def conditions(self) -> tuple[str, ...]:
        """Under which sound there are answers: layers are of clean sound."""
        return self.answers.conditions if self.answers else (CLEAN,)

    def scores(self, clips: pd.DataFrame, condition: str = CLEAN) -> pd.DataFrame:
        """The predictions for clips; no column where there are none."""
        return self.answers.scores(clips, condition) if self.answers else pd.DataFrame(index=clips.index)

    def layers(self, clips: pd.DataFrame) -> np.ndarray:
        """Layers of clips, shape (n, l, d), float32; nan for a clip that has no row.

        Raises:
            ModelError: no clip has a row, or a row holds what is no finite number
        """
        wanted = clips.index.astype(str) if self.key == "clip" else pd.Index(clips["file"].astype(str))
        place = self.rows.reindex(wanted).to_numpy(dtype=float)
        known = np.isfinite(place)
        if not known.any():
            raise ModelError(
                f"no {self.key} of {self.facts['source']} is in the corpus: it has {self.rows.index[0]!r}, "
                f"the corpus has {wanted[0]!r}",
                hint=f"its column {self.key!r} and the corpus' are compared as they are written",
            )
        found = np.full((len(clips), *self.array.shape[1:]), np.nan, dtype=np.float32)
        found[known] = self.array[place[known].astype(np.int64)]
        wrong = known & ~np.isfinite(found).all(axis=(1, 2))
        if wrong.any():
            first = int(np.argmax(wrong))
            raise ModelError(
                f"{self.facts['source']}: {int(wrong.sum())} rows hold nan or infinite numbers, first "
                f"that of {wanted[first]!r} (row {int(place[first])}, counted from 0)",
                hint="leave clips without features out of the array and the table",
            )
        return found


def load(rest: str, options: LoadOptions) -> FeaturesModel:
    """The features in a folder, or beside a table.

    Raises:
        ModelError: array or table are missing, cannot be read, or do not fit each other
    """
    array_path, table_path, scores_path = _find(Path(rest).expanduser())
    array = _array(array_path)
    try:
        table = read_table(table_path)
    except CorpusError as error:
        raise ModelError(f"cannot read the rows of {array_path}: {error.message}", hint=error.hint) from error
    key = "clip" if "clip" in table else "file"
    if key not in table:
        raise ModelError(
            f"{table_path} has neither a column 'clip' nor 'file': it has {', '.join(table.columns)}"
        )
    if len(table) != len(array):
        raise ModelError(
            f"{table_path} names {len(table)} rows, but {array_path.name} has {len(array)}",
            hint="one row of the table for each row of the array, in the same order",
        )
    names = table[key].astype(str)
    if names.duplicated().any():
        raise ModelError(
            f"{table_path} has {names[names.duplicated()].iloc[0]!r} more than once", hint="one row per clip"
        )
    answers = predictions.load(str(scores_path), options) if scores_path else None
    digest = hashlib.blake2b(digest_size=16)
    for path in (array_path, table_path, *([scores_path] if scores_path else [])):
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "blake2b").digest())
    return FeaturesModel(
        name=array_path.parent.resolve().name if Path(rest).expanduser().is_dir() else array_path.stem,
        fingerprint=digest.hexdigest(),
        facts={
            "kind": "features file",
            "source": str(array_path),
            "rows": len(array),
            "layers": array.shape[1],
            "dimensions": array.shape[2],
        },
        array=array,
        rows=pd.Series(np.arange(len(array)), index=pd.Index(names)),
        key=key,
        answers=answers,
    )


def _find(given: Path) -> tuple[Path, Path, Path | None]:
    """The array, the table of its rows, and the predictions, if there are any."""
    if given.is_dir():
        arrays = sorted(given.glob("*.npy"))
        tables = sorted(p for suffix in MANIFESTS for p in given.glob(f"*{suffix}"))
        scores = [p for p in tables if p.stem == PREDICTIONS]
        tables = [p for p in tables if p.stem != PREDICTIONS]
        for what, paths in (("file .npy", arrays), (f"table ({', '.join(MANIFESTS)})", tables)):
            if len(paths) != 1:
                named = f": {', '.join(p.name for p in paths)}" if paths else ""
                raise ModelError(
                    f"{given} has {len(paths)} files that could be the {what}{named}",
                    hint="one layers.npy and one layers.csv; or name the table: features:FILE.csv",
                )
        return arrays[0], tables[0], scores[0] if scores else None
    beside = [given] if given.suffix != ".npy" else [given.with_suffix(suffix) for suffix in MANIFESTS]
    table = next((path for path in beside if path.is_file()), beside[0])
    array = given.with_suffix(".npy")
    for path in (table, array):
        if not path.is_file():
            raise ModelError(
                f"no such file: {path}", hint="features:DIR, or features:FILE.csv beside FILE.npy"
            )
    return array, table, None


def _array(path: Path) -> np.ndarray:
    try:
        array: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ModelError(f"{path} cannot be read as an array of numbers: {error}") from error
    if not (np.issubdtype(array.dtype, np.floating) or np.issubdtype(array.dtype, np.integer)):
        raise ModelError(f"{path} holds {array.dtype}, no numbers")
    if array.ndim not in {2, 3} or 0 in array.shape:
        raise ModelError(
            f"{path} has shape {array.shape}",
            hint="(rows, layers, numbers), or (rows, numbers) for one layer",
        )
    return array if array.ndim == 3 else array[:, None, :]
