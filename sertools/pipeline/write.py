"""Writes results, the clips that they name, and predictions to files."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from sertools import files
from sertools.auditing.audit import PlannedAudit
from sertools.corpora.corpus import Corpus
from sertools.corpora.seen.record import path_of
from sertools.errors import StoreError
from sertools.inference.build_tables import Predicted
from sertools.inference.settings import Settings
from sertools.models.model import ClipModel, Model
from sertools.pipeline.attacks import attack_conditions, attacks_needed, with_attacker
from sertools.pipeline.audio_clips import clips_to_write, write_audio_clips
from sertools.pipeline.needs import conditions
from sertools.pipeline.run import FailedAuditsError
from sertools.results.answers import FILE, IN_FP32
from sertools.results.collection import Results
from sertools.results.result import Result

OUTDATED = ".outdated"
"""Ending of files of an earlier run whose audit failed in a later one."""

SEGMENT = ("clip", "file", "start", "end")
"""Columns of a table of predictions that say what a row is about."""

PAGES = ("report.html", "report.md", "report.json")


def write_run(
    results: Sequence[Result],
    folder: Path,
    *,
    model: Model | ClipModel,
    corpus: Corpus,
    audits: Sequence[PlannedAudit],
    settings: Settings,
    clips: int | None = None,
) -> None:
    """Writes the results of a run, and in `sounds` the clips that they name, for listening in the report.

    Args:
        results: from `run`
        folder: folder of the results
        model: the audited model
        corpus: the audited corpus
        audits: the audits that gave the results
        settings: the settings of the run
        clips: maximum number of clips per audit; None for none if the licence of the corpus does not let
            recordings be passed on, else for `DEFAULT_CLIPS`

    Raises:
        StoreError: the folder cannot be written
    """
    write_results(results, folder)
    every = [*conditions(audits, settings.seed), *attack_conditions(audits, settings.seed)]
    write_audio_clips(
        results,
        folder / "sounds",
        corpus=corpus,
        model=_with_attacker(model, results, audits),
        conditions={str(condition): condition for condition in every},
        most=clips_to_write(corpus, clips),
        settings=settings,
    )


def _with_attacker(
    model: Model | ClipModel, results: Sequence[Result], audits: Sequence[PlannedAudit]
) -> Model | ClipModel:
    """The model with the one that attacks it, if results name attacked clips to listen to."""
    needed = attacks_needed(audits)
    attacked = {str(each) for each in attack_conditions(audits, 0)}
    named = {sound.condition for result in results for sound in result.sounds}
    return with_attacker(model, needed) if needed is not None and named & attacked else model


def write_results(results: Sequence[Result], folder: Path) -> list[Path]:
    """Writes `<audit>.json` for each result, and files of answers, each file atomically.

    Returns the paths of the results.

    Raises:
        StoreError: the folder cannot be written
    """
    paths = []
    for result in results:
        path = folder / f"{result.audit}.json"
        files.write_text(path, result.to_json())
        paths.append(path)
    if isinstance(results, Results):
        for answers, file in zip(results.answers.values(), (FILE, IN_FP32), strict=False):
            answers.write(folder, file)
    return paths


def set_aside(folder: Path, failed: FailedAuditsError) -> None:
    """Renames what an earlier run has written for audits that failed now, and says so in the hint.

    Otherwise a later `sertools gate` would judge the older results. A report that shows them is renamed, too,
    unless the other audits of this run are about to replace it.

    Raises:
        StoreError: a file cannot be renamed
    """
    renamed = [f"{name}.json" for name in failed.errors if (folder / f"{name}.json").is_file()]
    if renamed and not failed.results:
        renamed += [name for name in PAGES if (folder / name).is_file()]
    for name in renamed:
        try:
            (folder / name).replace(folder / f"{name}{OUTDATED}")
        except OSError as error:
            raise StoreError(
                f"{folder / name} is of an earlier run and cannot be renamed: {error.strerror}",
                hint="delete it, so that nothing is judged by it",
            ) from error
    if renamed:
        told = f"{', '.join(renamed)} of an earlier run got the ending {OUTDATED}, so that no gate judges it"
        failed.hint = "; ".join(filter(None, [failed.hint, told]))


def export_tracks(table: pd.DataFrame, path: Path) -> None:
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


def export_audformat(table: pd.DataFrame, folder: Path, corpus: Corpus, model: Model | ClipModel) -> None:
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


def export(predicted: Predicted, corpus: Corpus, path: Path, model: Model | ClipModel | None = None) -> None:
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
