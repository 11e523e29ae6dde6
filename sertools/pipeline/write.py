"""Writes results and predictions to files."""

from collections.abc import Sequence
from pathlib import Path

from sertools import files
from sertools.corpora.corpus import Corpus
from sertools.inference.build_tables import Predicted
from sertools.inference.predict import Progress as Progress
from sertools.inference.predict import Settings as Settings
from sertools.inference.predict import jobs as jobs
from sertools.inference.predict import predict as predict
from sertools.results.result import Result


def write_results(results: Sequence[Result], folder: Path) -> list[Path]:
    """Writes `<audit>.json` for each result, each file atomically; returns the paths.

    Raises:
        StoreError: the folder cannot be written
    """
    paths = []
    for result in results:
        path = folder / f"{result.audit}.json"
        files.write_text(path, result.to_json())
        paths.append(path)
    return paths


def export(predicted: Predicted, corpus: Corpus, path: Path) -> None:
    """Writes predictions: columns `clip`, `file`, one per label; corpus order, full float32 precision.

    A clip without a prediction has empty cells.

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
