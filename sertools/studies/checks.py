"""Looks at what a study needs besides its file, corpora and their labels, before anything is trained."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sertools.corpora.corpus import Corpus
from sertools.errors import ModelError, SertoolsError
from sertools.models.checkpoints.hub.files import folder_of, hub_id
from sertools.pipeline.requests.corpora import CorpusRequest
from sertools.pipeline.requests.models import ModelRequest
from sertools.studies.study import AuditOfCells, Cell, Study
from sertools.training.data.measures import measures_of
from sertools.training.data.select import corpus_of
from sertools.training.data.targets import truth_of
from sertools.training.encoders import RANDOM


def ready(
    study: Study, every: Sequence[Cell], data_root: Path | None, *, fetch: bool = True
) -> dict[str, Corpus]:
    """The corpora of cells, by `reading_key`, if everything that these cells read is there.

    Args:
        study: what is trained and scored
        every: cells that are not done yet
        data_root: folder of a registered corpus, or its parent folder
        fetch: whether checkpoints of the hub are downloaded, to know that they are there

    Raises:
        ModelError: a corpus or a checkpoint is missing, or a test corpus lacks the labels of a measure; it
            lists all problems
    """
    shelf = _Shelf(data_root=data_root)
    for cell in every:
        for spec in (*cell.recipe.test, *cell.recipe.corpora, *cell.recipe.dev):
            shelf.corpus(spec, cell)
    problems = [
        *shelf.problems,
        *(_begun(every) if fetch else ()),
        *_audited(study, every, data_root),
        *_unmeasured(study, every, shelf),
    ]
    if problems:
        raise ModelError(
            f"the study cannot be run: {'; '.join(dict.fromkeys(problems))}", hint="nothing was trained"
        )
    return {key: corpus for key, corpus in shelf.corpora.items() if corpus is not None}


def reading_key(spec: str, cell: Cell) -> str:
    """What decides how a corpus of a cell is read."""
    recipe = cell.recipe
    return json.dumps([spec, recipe.label_map, recipe.scale, recipe.raters, recipe.max_minutes])


def applies(wanted: AuditOfCells, cell: Cell) -> bool:
    """Whether an audit is one of a cell's."""
    recipe = cell.recipe.model_dump(mode="json")
    fits = all(recipe.get(key) == value for key, value in wanted.where.items())
    return fits and (not wanted.seeds or cell.seed in wanted.seeds)


@dataclass(frozen=True, kw_only=True)
class _Shelf:
    """Corpora that were read once, and sentences on those that cannot be read."""

    data_root: Path | None
    corpora: dict[str, Corpus | None] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def corpus(self, spec: str, cell: Cell) -> Corpus | None:
        key = reading_key(spec, cell)
        if key not in self.corpora:
            self.corpora[key] = None
            try:
                self.corpora[key] = corpus_of(spec, cell.recipe, self.data_root)
            except SertoolsError as error:
                self.problems.append(str(error))
        return self.corpora[key]


def _begun(every: Sequence[Cell]) -> Iterator[str]:
    """Sentences on checkpoints that trainings begin with, or have the shape of, and that are not there."""
    for init in dict.fromkeys(cell.recipe.init for cell in every):
        name = init.removeprefix(RANDOM).removeprefix("hf:")
        stated = name.startswith((".", "/", "~"))
        if Path(name).expanduser().exists() or not (stated or hub_id(name)):
            continue
        try:
            folder_of(name)
        except SertoolsError as error:
            yield str(error)


def _audited(study: Study, every: Sequence[Cell], data_root: Path | None) -> Iterator[str]:
    """Sentences on corpora of audits that cannot be read, and on their second model."""
    if study.against and any(applies(wanted, cell) for wanted in study.audits for cell in every):
        try:
            ModelRequest(spec=study.against).load()
        except SertoolsError as error:
            yield f"against: {error}"
    for data in dict.fromkeys(a.data for a in study.audits if any(applies(a, cell) for cell in every)):
        try:
            CorpusRequest(specs=(data,), data_root=data_root).load()
        except SertoolsError as error:
            yield f"audits of {data}: {error}"


def _unmeasured(study: Study, every: Sequence[Cell], shelf: _Shelf) -> Iterator[str]:
    """Sentences on test corpora without the labels that the recipe or a measure of the study needs."""
    seen = set()
    for cell in every:
        recipe = cell.recipe
        for test, spec in cell.tests.items():
            corpus = shelf.corpus(spec, cell)
            asked = (reading_key(spec, cell), recipe.target, recipe.norms, *recipe.labels)
            if corpus is None or asked in seen:
                continue
            seen.add(asked)
            try:
                known = measures_of(truth_of(recipe, corpus.clips))
            except SertoolsError as error:
                yield f"{test}: {error}"
                continue
            for measure in study.measures:
                if measure not in known:
                    yield f"{measure!r} is not measured on {test} (one of {', '.join(known)})"
