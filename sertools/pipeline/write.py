"""Writes results, and the clips that they name, to files."""

from collections.abc import Sequence
from pathlib import Path

from sertools import files
from sertools.auditing.audit import PlannedAudit
from sertools.corpora.corpus import Corpus
from sertools.errors import StoreError
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
