"""Writes predictions to CSV, Parquet and audformat."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from sertools import files
from sertools.corpora.corpus import Corpus
from sertools.corpora.seen.record import path_of
from sertools.errors import StoreError
from sertools.inference.build_tables import Predicted
from sertools.models.model import ClipModel, Model

SEGMENT = ("clip", "file", "start", "end")
"""Columns of a table of predictions that say what a row is about."""


def tracks_to_table(table: pd.DataFrame, path: Path) -> None:
    """Writes tracks: columns `clip`, `file`, `start`, `end`, one per label; full float32 precision.

    Args:
        table: from `over_time.tracks`
        path: CSV file, or Parquet if it ends in `.parquet`

    Raises:
        StoreError: the file cannot be written
    """
    with files.atomic(path) as part:
        if path.suffix == ".parquet":
            table.to_parquet(part, index=False)
        else:
            scores = [name for name in table if str(name) not in SEGMENT]
            table.astype(dict.fromkeys(scores, float)).to_csv(part, index=False)


def to_audformat(table: pd.DataFrame, folder: Path, corpus: Corpus, model: Model | ClipModel) -> None:
    """Writes predictions as a database in audformat with one table `predictions`.

    Args:
        table: columns `file`, `start` and `end` in s (nan for whole files), one per label, and perhaps `clip`
        folder: must not exist, or be empty
        corpus: whose licence and citation the database carries
        model: the model, for the description

    Raises:
        StoreError: two clips are the same segment with different predictions, as those of two channels are;
            or the folder is not empty or cannot be written
    """
    import audformat

    labels = [str(name) for name in table if str(name) not in SEGMENT]
    table = _one_row_per_segment(table, labels)
    database = audformat.Database(
        corpus.name.replace(":", "-").replace("/", "-"),
        source=corpus.citation or corpus.name,
        usage="unrestricted" if not corpus.recordings else "restricted",
        license=corpus.licence or None,
        description=f"Predictions of {model.name} by sertools; start and end are those of the windows.",
    )
    times = [pd.to_timedelta(table[name], unit="s") for name in ("start", "end")]
    index = audformat.segmented_index(table["file"].astype(str).tolist(), *(each.tolist() for each in times))
    database["predictions"] = audformat.Table(index, description="One row per clip, or per window of a clip")
    for label in labels:
        database.schemes[label] = audformat.Scheme("float", description=f"Score of {label}")
        database["predictions"][label] = audformat.Column(scheme_id=label)
        database["predictions"][label].set(table[label].astype(float).to_numpy())
    with files.atomic_folder(folder) as part:
        database.save(str(part), storage_format="csv")


def _one_row_per_segment(table: pd.DataFrame, labels: Sequence[str]) -> pd.DataFrame:
    """The table without rows that repeat a segment, as audformat requires."""
    segment = ["file", "start", "end"]
    kept = table.drop_duplicates([*segment, *labels])
    twice = kept[kept.duplicated(segment)]
    if len(twice):
        raise StoreError(
            f"two clips are the same part of {twice['file'].iloc[0]} with different predictions, which "
            "audformat cannot hold",
            hint="write --csv or --parquet",
        )
    return kept


def to_table(
    predicted: Predicted, corpus: Corpus, path: Path, model: Model | ClipModel | None = None
) -> None:
    """Writes predictions: columns `clip`, `file`, one per label; corpus order, full float32 precision.

    A clip without a prediction has empty cells. The training record of the model, if it has one, is written
    beside the file, so that an audit of these predictions knows it too.

    Raises:
        StoreError: the file cannot be written
    """
    frame = predicted.scores.copy()
    frame.insert(0, "file", corpus.clips["file"])
    with files.atomic(path) as part:
        if path.suffix == ".parquet":
            frame.reset_index(names="clip").to_parquet(part, index=False)
        else:
            # as the doubles that audits compute with, so that results from this table are bit-identical
            frame.astype(dict.fromkeys(predicted.scores, float)).to_csv(part, index_label="clip")
    record = getattr(model, "training", None)
    if record is not None:
        files.write_text(path_of(path), record.to_json())
    else:
        path_of(path).unlink(missing_ok=True)  # that of predictions that were replaced
