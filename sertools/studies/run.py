"""Trains and scores the cells of a study, each once: a repeated command does what is missing."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sertools.auditing.suites import choose
from sertools.corpora.corpus import Corpus
from sertools.corpora.seen.record import identities
from sertools.errors import ModelError, SertoolsError
from sertools.files import atomic, check_writable, read_json, write_text
from sertools.pipeline.requests.audits import AuditRequest
from sertools.pipeline.requests.corpora import CorpusRequest
from sertools.pipeline.requests.models import ModelRequest
from sertools.report.render import render
from sertools.studies.checks import applies, reading_key, ready
from sertools.studies.scores import answers, write_answers
from sertools.studies.study import UNREADABLE, Cell, Study, cells
from sertools.training.train import no_progress, train_recipe

DONE = "cell.json"
"""File in the folder of a cell with its recipe, curves and audits; it is written last."""

MODEL = "model"


@dataclass(frozen=True, kw_only=True)
class DoneCell:
    """A cell that was trained and scored.

    Attributes:
        cell: what it is
        folder: with its answers
        curves: by phase, as in `train.json`
        audits: rows of what its audits answer
    """

    cell: Cell
    folder: Path
    curves: dict[str, Any]
    audits: list[dict[str, Any]]

    def answers(self, test: str) -> Path:
        """The file with its answers on a test corpus."""
        return self.folder / f"answers-{UNREADABLE.sub('-', Path(test).name)}.parquet"


def run_study(
    study: Study,
    out: Path,
    *,
    data_root: Path | None = None,
    progress: Callable[[str], None] = lambda sentence: None,
    warn: Callable[[str], None] = lambda sentence: None,
) -> list[DoneCell]:
    """Trains and scores the missing cells, and returns the cells that are done.

    A cell that cannot be trained is reported and left out; the others are done.

    Args:
        study: what is trained and scored
        out: folder, in which `cells/` has a folder for each cell
        data_root: folder of a registered corpus, or its parent folder
        progress: called with a sentence before each cell
        warn: called with sentences on clips that were left out, and on cells that failed

    Raises:
        ModelError: the folder cannot be written, something that cells need is missing, which is told before
            anything is trained, or no cell can be trained
    """
    every = cells(study)
    check_writable(out, error=ModelError)
    tests = ready(study, [cell for cell in every if not is_done(cell, out)], data_root)
    done: list[DoneCell] = []
    reasons: dict[str, None] = {}
    said: dict[str, None] = {}

    def once(sentence: str) -> None:
        if sentence not in said:
            said[sentence] = None
            warn(sentence)

    for i, cell in enumerate(every):
        folder = out / "cells" / cell.name
        if not is_done(cell, out):
            progress(f"cell {i + 1} of {len(every)}: {cell.name}")
            try:
                train_cell(cell, study, tests, folder, data_root, once)
            except SertoolsError as error:
                reasons[str(error)] = None
                warn(f"{cell.name} failed: {error}")
                continue
        done.append(done_cell(cell, folder))
    if not done:
        raise ModelError(f"no cell of the study could be trained: {next(iter(reasons))}")
    return done


def is_done(cell: Cell, out: Path) -> bool:
    """Whether a cell of the study in a folder was trained and scored."""
    return (out / "cells" / cell.name / DONE).is_file()


def done_cell(cell: Cell, folder: Path) -> DoneCell:
    """A cell that was trained and scored, from its folder.

    Raises:
        ModelError: it cannot be read
    """
    stored = read_json(folder / DONE, error=ModelError, what="the result of a cell")
    return DoneCell(cell=cell, folder=folder, curves=stored["curves"], audits=stored["audits"])


def train_cell(
    cell: Cell,
    study: Study,
    tests: dict[str, Corpus],
    folder: Path,
    data_root: Path | None,
    warn: Callable[[str], None],
) -> None:
    """Trains, scores and audits one cell, and writes the results."""
    place = folder / MODEL
    spec_file = folder / "model.json"
    if place.exists() and spec_file.is_file():
        spec = str(read_json(spec_file, error=ModelError, what="the place of a model"))
    else:
        shutil.rmtree(place, ignore_errors=True)
        spec = train_recipe(cell.recipe, place, data_root=data_root, progress=no_progress, warn=warn)
        write_text(spec_file, json.dumps(spec) + "\n", error=ModelError)
    curves = place / "train.json"
    found = {
        "recipe": cell.recipe.model_dump(mode="json"),
        "curves": json.loads(curves.read_text(encoding="utf-8")) if curves.is_file() else {},
        "audits": _audit(cell, study, spec, folder, data_root),
    }
    done = DoneCell(cell=cell, folder=folder, curves=found["curves"], audits=found["audits"])
    for name, test in cell.tests.items():
        with atomic(done.answers(name), error=ModelError) as part:
            write_answers(answers(spec, cell.recipe, _asked(tests[reading_key(test, cell)], cell)), part)
    write_text(folder / DONE, json.dumps(found, indent=1) + "\n", error=ModelError)
    if not study.keep_models:
        shutil.rmtree(place, ignore_errors=True)


def _asked(corpus: Corpus, cell: Cell) -> Corpus:
    """The clips of a test corpus that a cell is scored on: those of its test speakers, if it names any."""
    if not cell.recipe.test_speakers:
        return corpus
    who = identities(corpus)["speaker"]
    return replace(corpus, clips=corpus.clips[who.isin(cell.recipe.test_speakers).to_numpy()])


def _audit(cell: Cell, study: Study, spec: str, folder: Path, data_root: Path | None) -> list[dict[str, Any]]:
    """Runs the audits that the study names for this cell, and returns where they are and what they answer."""
    found = []
    for i, wanted in enumerate(study.audits):
        if not applies(wanted, cell):
            continue
        place = folder / f"audits-{i}"
        shutil.rmtree(place, ignore_errors=True)
        request = AuditRequest(
            model=ModelRequest(spec=spec),
            corpus=CorpusRequest(specs=(wanted.data,), data_root=data_root),
            audits=tuple(choose(wanted.names, None, ())),
            against=ModelRequest(spec=study.against) if study.against else None,
            out=place,
        )
        results = request.load().run()
        render(results, place)
        for result in results:
            row = {"audit": result.audit, "data": wanted.data, "answer": result.answer}
            found.append({**row, "report": f"cells/{cell.name}/{place.name}/report.html"})
    return found
