"""What a text encoder makes of the words of clips, as a column of a corpus: which one, and how it is kept."""

from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Words read by a text encoder.

    Attributes:
        encoder: directory or hub id of a transformers checkpoint
        text: column that holds the words
    """

    encoder: str
    text: str = "transcript"

    @property
    def column(self) -> str:
        """Where its vectors stand."""
        return f"{self.text} by {self.encoder}"


def packed(vectors: np.ndarray, index: pd.Index) -> pd.Series:
    """Vectors (n, d) as a column of text, the float32 of a row in hexadecimal; one with nan is missing."""
    rows = np.ascontiguousarray(vectors, dtype=np.float32)
    values = [row.tobytes().hex() if np.isfinite(row).all() else None for row in rows]
    return pd.Series(values, index=index, dtype=object)


def unpacked(column: pd.Series) -> np.ndarray:
    """The vectors of such a column, shape (n, d), float32; rows of nan where they are missing.

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
