"""The answers of a model by clip, stored next to its results to compare models on the same clips."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from sertools import files
from sertools.errors import GateError

if TYPE_CHECKING:
    import pandas as pd

FILE, IN_FP32 = "answers.parquet", "answers-fp32.parquet"
"""Names of the files in a folder of results; the second is of audits that were computed again in fp32."""

COLUMNS = ("clip", "speaker", "target", "truth", "answer")

PROVENANCE = "answers"
"""Key in the provenance of a result; its value is the digest of the answers that it was computed from."""


@dataclass(frozen=True, eq=False)
class Answers:
    """One row for each clip and target that the model was asked, on clean audio.

    Attributes:
        table: columns clip, speaker, target, truth, answer, all text; a number is written exactly; an unknown
            speaker and an answer that was not given are missing values
    """

    table: "pd.DataFrame"

    @cached_property
    def digest(self) -> str:
        """A hash of the table; results name it in their provenance."""
        text = self.table.sort_values(["target", "clip"]).to_csv(index=False, columns=list(COLUMNS))
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    @cached_property
    def by_target(self) -> "Mapping[str, pd.DataFrame]":
        """Target → its rows, indexed by clip and sorted."""
        groups = self.table.groupby("target")
        return {str(target): rows.set_index("clip").sort_index() for target, rows in groups}

    def of(self, target: str) -> "pd.DataFrame":
        """The rows of a target, indexed by clip; without rows if it was not asked."""
        return self.by_target.get(target, self.table.iloc[:0].set_index("clip"))

    @cached_property
    def _clips(self) -> dict[str, int]:
        return {
            target: hash((tuple(rows.index), tuple(rows["answer"].notna())))
            for target, rows in self.by_target.items()
        }

    def clips(self, target: str) -> int | None:
        """A hash of the clips that the model was asked for a target, and which of them it answered."""
        return self._clips.get(target)

    def same_clips(self, other: "Answers", target: str) -> bool:
        """Whether two models were asked the same clips for a target and answered the same ones."""
        return self._clips.get(target) == other._clips.get(target)

    def write(self, folder: Path, file: str = FILE) -> None:
        """Writes `answers.parquet`, or a file of another name.

        Raises:
            StoreError: the file cannot be written
        """
        with files.atomic(folder / file) as part:
            self.table.to_parquet(part, index=False)


def unreadable(folder: Path, file: str = FILE) -> str:
    """Why a file of answers cannot be read, as far as its end shows; empty if it can, or is absent."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = folder / file
    try:
        names = pq.read_schema(path).names if path.is_file() else list(COLUMNS)
    except (OSError, ValueError, pa.ArrowException):
        return f"{path} cannot be read as Parquet"
    return "" if names == list(COLUMNS) else f"{path} has the columns {', '.join(names)}"


def read_answers(folder: Path, file: str = FILE) -> Answers | None:
    """The answers in a file of a folder of results; None if the file is absent.

    Raises:
        GateError: the file cannot be read, or has other columns
    """
    import pandas as pd

    path = folder / file
    if not path.is_file():
        return None
    hint = "run sertools audit again to rewrite it"
    try:
        table = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise GateError(f"{path} cannot be read as Parquet", hint=hint) from error
    if list(table.columns) != list(COLUMNS):
        raise GateError(f"{path} has the columns {', '.join(map(str, table.columns))}", hint=hint)
    return Answers(table)
