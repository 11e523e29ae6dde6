"""Text-encoder vectors of transcripts as a column of a corpus: its name and its storage format."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class TextVectors:
    """The vectors of a text column from one text encoder.

    Attributes:
        encoder: directory or hub id of a transformers checkpoint
        text: column with the text
    """

    encoder: str
    text: str = "transcript"

    @property
    def column(self) -> str:
        """Name of the column with the vectors."""
        return f"{self.text} by {self.encoder}"


def packed(vectors: NDArray[np.floating], index: pd.Index) -> pd.Series:
    """Vectors (n, d) as a text column: each row's float32 bytes in hexadecimal; rows with nan are missing."""
    rows = np.ascontiguousarray(vectors, dtype=np.float32)
    values = [row.tobytes().hex() if np.isfinite(row).all() else None for row in rows]
    return pd.Series(values, index=index, dtype=object)


def unpacked(column: pd.Series) -> NDArray[np.float32]:
    """The vectors of a column made by `packed`, shape (n, d), float32; missing rows are nan.

    >>> column = packed(np.array([[1.0, 2.0], [np.nan, 0.0]]), pd.Index(["a", "b"]))
    >>> unpacked(column).tolist()
    [[1.0, 2.0], [nan, nan]]
    """
    known = [value for value in column if isinstance(value, str)]
    width = len(known[0]) // 8 if known else 0
    vectors = np.full((len(column), width), np.nan, dtype=np.float32)
    for i, value in enumerate(column):
        if isinstance(value, str):
            vectors[i] = np.frombuffer(bytes.fromhex(value), dtype=np.float32)
    return vectors
