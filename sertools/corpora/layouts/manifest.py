"""Reads the file of a manifest: CSV, TSV, Parquet or JSON lines."""

import csv
import io
import json
from pathlib import Path

import pandas as pd

from sertools.errors import CorpusError, foreign
from sertools.tables.columns import CORPUS_COLUMNS

MANIFESTS = (".csv", ".tsv", ".parquet", ".jsonl")

MAX_ROWS = 20_000_000
"""Largest number of rows of a manifest; a table of more could fill the memory."""


def read_table(path: Path) -> pd.DataFrame:
    """The rows of a CSV, Parquet or JSON lines file, unchanged; values of a CSV are texts: `03` stays `03`.

    A CSV is UTF-8 (a byte order mark is allowed), quoted or not, separated by commas, semicolons or tabs,
    whichever is most frequent in the header.

    Raises:
        CorpusError: missing, unreadable or empty file, a repeated column, or a row of different length
    """
    if not path.is_file():
        raise CorpusError(f"no such file: {path}")
    if path.suffix.lower() not in MANIFESTS:
        raise CorpusError(f"{path.name} is not a manifest", hint=f"manifests end in {', '.join(MANIFESTS)}")
    readers = {".parquet": _read_parquet, ".jsonl": _read_json_lines}
    table = readers.get(path.suffix.lower(), _read_csv)(path)
    repeated = table.columns[table.columns.duplicated()]
    if len(repeated):
        raise CorpusError(f"{path.name} has the column {repeated[0]!r} twice")
    if table.empty:
        raise CorpusError(f"{path.name} lists no clips")
    return table


def _text(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise CorpusError(
            f"{path.name} is not UTF-8 text (byte {error.start})", hint="save it as CSV, UTF-8"
        ) from error
    except OSError as error:
        raise CorpusError(f"cannot read {path}: {error.strerror}") from error
    if "\0" in text:
        raise CorpusError(f"{path.name} is not a text file", hint="save it as CSV, UTF-8")
    return text


def _read_json_lines(path: Path) -> pd.DataFrame:
    """One object per line, whose values are texts, numbers, truth values or null."""
    rows = []
    for number, line in enumerate(_text(path).splitlines(), 1):
        if not line.strip():
            continue
        with foreign(f"{path.name}, line {number} is not JSON", CorpusError):
            row = json.loads(line)
        if not isinstance(row, dict):
            raise CorpusError(f'{path.name}, line {number}: not an object, as {{"file": "a.wav"}}')
        nested = [name for name, value in row.items() if isinstance(value, dict | list)]
        if nested:
            raise CorpusError(f"{path.name}, line {number}: {nested[0]!r} is not a single value")
        rows.append(row)
    return pd.DataFrame(rows)


def _read_csv(path: Path) -> pd.DataFrame:
    text = _text(path)
    first = next((line for line in text.splitlines() if line.strip()), "")
    separator = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows: list[list[str]] = []
    try:
        for row in reader:
            if not row:
                continue
            if rows and len(row) != len(rows[0]):
                raise CorpusError(
                    f"{path.name}, line {reader.line_num}: {len(row)} values for {len(rows[0])} columns",
                    hint="quote values that contain the separator",
                )
            rows.append(row)
    except csv.Error as error:
        raise CorpusError(f"{path.name}, line {reader.line_num}: {error}") from error
    if not rows:
        raise CorpusError(f"{path.name} is empty")
    return pd.DataFrame(rows[1:], columns=[name.strip() for name in rows[0]])


def _read_parquet(path: Path) -> pd.DataFrame:
    import pyarrow.parquet

    with foreign(f"{path.name} is not a readable Parquet file", CorpusError):
        rows = pyarrow.parquet.read_metadata(path).num_rows
        if rows > MAX_ROWS:
            raise CorpusError(f"{path.name} has {rows} rows, but at most {MAX_ROWS} are read")
        table = pd.read_parquet(path)
        table.columns = table.columns.map(str)
        levels = [table.index.get_level_values(i).to_series() for i in range(table.index.nlevels)]
        for values in [*(column for _, column in table.items()), *levels]:
            if isinstance(values.dtype, pd.StringDtype):
                values.tolist()  # text that is not UTF-8 is only noticed where it is used
    # A table saved with its index, as audformat does, has the clips in the index.
    named = [name for name in table.index.names if name in CORPUS_COLUMNS]
    return table.reset_index(level=named) if named else table
