"""Precomputed layer embeddings: `features:DIR`, a .npy array and a table that names its rows.

    layers.npy   shape (rows, layers, dimensions), or (rows, dimensions) for one layer
    layers.csv   one row for each row of the array, with a column `clip` or `file`; or .parquet
    predictions.csv   optional: scores, in the format of `predictions:`

`features:FILE.csv` reads the .npy file of the same name in the same folder. Clips without a row are missing.
"""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.corpora.layouts.manifest import MANIFESTS, read_table
from sertools.corpora.values import texts
from sertools.errors import CorpusError, ModelError, foreign
from sertools.models.kinds import predictions
from sertools.models.load import LoadOptions
from sertools.models.loaded import LoadedModel
from sertools.tables.condition import CLEAN
from sertools.wording import plural

SCHEME = "features"
PREDICTIONS = "predictions"
"""Stem of the optional table with scores in the folder."""


@dataclass(kw_only=True)
class FeaturesModel(LoadedModel):
    """Layer embeddings by clip or file, read from an array; with scores if a table of predictions is given.

    Attributes:
        array: shape (rows, l, d), on disk
        rows: clip or file → row of the array
        key: what `rows` is indexed by, `clip` or `file`
        answers: the predictions; None if there are none
    """

    array: NDArray[np.number[Any]] = field(repr=False)
    rows: "pd.Series[int]" = field(repr=False)
    key: str
    answers: predictions.PredictionsModel | None = None

    @property
    def conditions(self) -> tuple[str, ...]:
        """Conditions for which there are predictions; layers are available for clean audio only."""
        return self.answers.conditions if self.answers else (CLEAN,)

    def scores(self, clips: pd.DataFrame, condition: str = CLEAN) -> pd.DataFrame:
        """The predictions for clips; a table without columns if there are none."""
        return self.answers.scores(clips, condition) if self.answers else pd.DataFrame(index=clips.index)

    def layers(self, clips: pd.DataFrame) -> NDArray[np.float32]:
        """Layers of clips, shape (n, l, d), float32; nan for a clip that has no row.

        Raises:
            ModelError: no clip has a row, or a row contains nan or infinite values
        """
        wanted = clips.index.astype(str) if self.key == "clip" else pd.Index(clips["file"].astype(str))
        place = self.rows.reindex(wanted).to_numpy(dtype=float)
        known = np.isfinite(place)
        if not known.any():
            raise ModelError(
                f"no {self.key} of {self.facts['source']} is in the corpus: it has {self.rows.index[0]!r}, "
                f"the corpus has {wanted[0]!r}",
                hint=f"its column {self.key!r} must match that of the corpus exactly",
            )
        found = np.full((len(clips), *self.array.shape[1:]), np.nan, dtype=np.float32)
        found[known] = self.array[place[known].astype(np.int64)]
        wrong = known & ~np.isfinite(found).all(axis=(1, 2))
        if wrong.any():
            first = int(np.argmax(wrong))
            rows = plural(int(wrong.sum()), "row contains", "rows contain")
            raise ModelError(
                f"{self.facts['source']}: {rows} nan or infinite values, the first one for "
                f"{wanted[first]!r} (row {int(place[first])}, counted from 0)",
                hint="remove clips without features from the array and the table",
            )
        return found


def load(rest: str, options: LoadOptions) -> FeaturesModel:
    """Loads the features from a folder, or from a table and its array.

    Raises:
        ModelError: the array or the table is missing, cannot be read, or they do not match
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
            f"{table_path} has {plural(len(table), 'row')}, but {array_path.name} has {len(array)}",
            hint="the table needs one row for each row of the array, in the same order",
        )
    names = texts(table[key], missing=set()).astype(str)
    if names.duplicated().any():
        raise ModelError(
            f"{table_path} has {names[names.duplicated()].iloc[0]!r} more than once",
            hint="keep one row per clip",
        )
    answers = predictions.load(str(scores_path), options) if scores_path else None
    digest = hashlib.blake2b(digest_size=16)
    for path in (array_path, table_path, *([scores_path] if scores_path else [])):
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "blake2b").digest())
    return FeaturesModel(
        name=array_path.parent.resolve().name if Path(rest).expanduser().is_dir() else array_path.stem,
        labels=answers.labels if answers else (),
        task=answers.task if answers else "encoder",
        fingerprint=digest.hexdigest(),
        of_corpus=True,
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
    """Paths of the array, of the table of its rows, and of the predictions (or None)."""
    if given.is_dir():
        arrays = sorted(given.glob("*.npy"))
        tables = sorted(p for suffix in MANIFESTS for p in given.glob(f"*{suffix}"))
        scores = [p for p in tables if p.stem == PREDICTIONS]
        tables = [p for p in tables if p.stem != PREDICTIONS]
        for what, paths in (("file .npy", arrays), (f"table ({', '.join(MANIFESTS)})", tables)):
            if len(paths) != 1:
                named = f": {', '.join(p.name for p in paths)}" if paths else ""
                raise ModelError(
                    f"{given} has {len(paths)} candidates for the {what}{named}",
                    hint="provide one layers.npy and one layers.csv, or name the table: features:FILE.csv",
                )
        return arrays[0], tables[0], scores[0] if scores else None
    candidates = [given] if given.suffix != ".npy" else [given.with_suffix(suffix) for suffix in MANIFESTS]
    table = next((path for path in candidates if path.is_file()), candidates[0])
    array = given.with_suffix(".npy")
    for path in (table, array):
        if not path.is_file():
            raise ModelError(
                f"no such file: {path}",
                hint="use features:DIR, or features:FILE.csv with FILE.npy in the same folder",
            )
    return array, table, None


def _array(path: Path) -> NDArray[np.number[Any]]:
    if not path.is_file():
        raise ModelError(f"{path} is not a regular file")
    with foreign(f"{path} cannot be read as a numeric array", ModelError):
        array: NDArray[np.number[Any]] = np.lib.format.open_memmap(path, mode="r")
    if not (np.issubdtype(array.dtype, np.floating) or np.issubdtype(array.dtype, np.integer)):
        raise ModelError(f"{path} is not numeric: its data type is {array.dtype}")
    if array.ndim not in {2, 3} or 0 in array.shape:
        raise ModelError(
            f"{path} has shape {array.shape}",
            hint="the shape must be (rows, layers, dimensions), or (rows, dimensions) for one layer",
        )
    return array if array.ndim == 3 else array[:, None, :]
