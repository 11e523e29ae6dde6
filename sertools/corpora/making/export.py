"""Writes a corpus for other programs: a table, audformat, a Hugging Face dataset, or eGeMAPS features."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal, get_args

import pandas as pd

from sertools.corpora.corpus import Corpus
from sertools.corpora.making import audformat_database, egemaps_table, hub_dataset
from sertools.corpora.making.new import Advance, check_new_file
from sertools.errors import CorpusError
from sertools.files import atomic

Format = Literal["audformat", "csv", "parquet", "datasets", "egemaps"]

FORMATS: tuple[str, ...] = get_args(Format)


def export(corpus: Corpus, format: Format, out: Path, advance: Advance = lambda n: None) -> None:
    """Writes a corpus in another format; ids of clips are kept in a column `clip`.

    `csv` and `parquet` are a file with one row per clip and absolute paths, `egemaps` is such a file with the
    88 functionals of eGeMAPSv02 of each clip, `audformat` a folder with the database and its sound, and
    `datasets` a folder of Parquet files with the sound in them, one for each split.

    Args:
        corpus: the corpus
        format: what to write
        out: a new file, for `csv`, `parquet` and `egemaps`; a new folder otherwise
        advance: called after each clip

    Raises:
        CorpusError: `out` exists, cannot be written or has another ending, or the sound that the format
            contains cannot be read
        ModelError: openSMILE is not installed, for `egemaps`
    """
    if format == "audformat":
        audformat_database.write(corpus, out, advance)
    elif format == "datasets":
        hub_dataset.write(corpus, out, advance)
    elif format == "egemaps":
        _write(egemaps_table.table(corpus, advance), out, FILES)
    else:
        _write(rows(corpus), out, {f".{format}": FILES[f".{format}"]})


FILES: dict[str, Callable[[pd.DataFrame, Path], None]] = {
    ".csv": lambda table, path: table.to_csv(path, index=False),
    ".parquet": lambda table, path: table.to_parquet(path, index=False),
}
"""Ending of a file → how a table is written."""


def rows(corpus: Corpus) -> pd.DataFrame:
    """The clips as a table with the column `clip`, and absolute paths."""
    table = corpus.clips.copy()
    table["file"] = [str(corpus.path(clip).resolve()) for clip in table.index]
    return table.reset_index(names="clip")


def _write(table: pd.DataFrame, out: Path, kinds: dict[str, Callable[[pd.DataFrame, Path], None]]) -> None:
    if out.suffix.lower() not in kinds:
        raise CorpusError(f"--out {out}: a file that ends in {' or '.join(kinds)} is needed")
    check_new_file(out)
    with atomic(out, error=CorpusError) as part:
        kinds[out.suffix.lower()](table, part)
