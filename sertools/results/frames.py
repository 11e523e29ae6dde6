"""Rows as a pandas DataFrame with one nullable type for each column."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sertools.results.display import is_number

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "name", "target", "slice", "value", "low", "high", "n", "speakers", "verdict", "limit", "reason",
)  # fmt: skip
"""Columns of `Result.to_pandas()`; they are stable."""

TYPES = {"value": "Float64", "low": "Float64", "high": "Float64", "n": "Int64", "speakers": "Int64"}
"""Types of the columns that are numbers even if no finding has a value."""


def frame(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> "pd.DataFrame":
    """A DataFrame with unique column names and one type for each column.

    A column is boolean, Int64 or Float64 if all its values are; otherwise it is text.
    """
    import pandas as pd

    names: list[str] = []
    for column in map(storable, columns):
        names.append(column if column not in names else f"{column} ({len(names) + 1})")
    cells = {name: [row[i] for row in rows] for i, name in enumerate(names)}
    return pd.DataFrame({name: _typed(values) for name, values in cells.items()})


def _typed(values: Sequence[Any]) -> "pd.Series[Any]":
    import pandas as pd

    known = [value for value in values if value is not None]
    if known and all(isinstance(value, bool) for value in known):
        return pd.Series(values, dtype="boolean")
    if known and all(is_number(value) for value in known):
        whole = all(isinstance(value, int) for value in known)
        return pd.Series(values, dtype="Int64" if whole else "Float64")
    return pd.Series([None if value is None else storable(value) for value in values], dtype="string")


def storable(value: object) -> str:
    r"""The text with lone surrogates escaped, because UTF-8 cannot encode them.

    >>> storable("a\ud800")
    'a\\ud800'
    """
    return str(value).encode("utf-8", "backslashreplace").decode()
