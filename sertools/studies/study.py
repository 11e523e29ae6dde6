"""Studies: a recipe that is trained with every combination of some values, and scored on test corpora."""

import hashlib
import importlib.resources
import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sertools.auditing.suites import choose
from sertools.errors import AuditError, ModelError, nearest
from sertools.files import read_toml
from sertools.training.data.measures import measures_for
from sertools.training.recipe import Recipe, changed, joined, recipe_of

SEED = "seed"
"""Key over which results are averaged."""

UNREADABLE = re.compile(r"[^\w=.,-]+")
"""What names of folders do not have."""

PLAIN = "recipe"
"""Name of the only variant, where a study names none."""


class Strict(BaseModel):
    """A table of a study: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AuditOfCells(Strict):
    """Audits of the models of some cells.

    Attributes:
        names: of the audits
        data: corpus, as after `--data`
        where: values of the recipe that a cell must have; empty for all cells
        seeds: of the cells; empty for all
    """

    names: list[str] = Field(min_length=1)
    data: str
    where: dict[str, Any] = {}
    seeds: list[int] = []


class Published(Strict):
    """A value that others published, to compare with ours where the corpus is the same.

    Attributes:
        variant: name of the variant
        at: values of grid keys; empty for all
        test: name of the corpus
        measure: name of the measure
        value: as a share, not as a percentage
        source: paper and table
    """

    variant: str = PLAIN
    at: dict[str, Any] = {}
    test: str
    measure: str
    value: float
    source: str


class Ratio(Strict):
    """How much of one gain another reaches: (a − b) / (c − d) of four variants at the same grid values."""

    name: str
    top: Annotated[list[str], Field(min_length=2, max_length=2)]
    bottom: Annotated[list[str], Field(min_length=2, max_length=2)]


class Folds(Strict):
    """Folds of a corpus: every cell is trained once for each, and scored on all their test sides together.

    Attributes:
        of: corpus and folds, such as `iemocap@sessions`; or a corpus, with groups of speakers
        numbers: of the folds
        train: sides that train
        dev: sides that choose the best weights; empty for none
        speakers: groups of speakers who test in turn while all others train, in place of numbers
    """

    of: str
    numbers: list[int] = []
    train: list[str] = ["train"]
    dev: list[str] = []
    speakers: list[list[str]] = []

    @model_validator(mode="after")
    def _are_named_once(self) -> "Folds":
        if bool(self.numbers) == bool(self.speakers):
            raise ValueError("folds have either numbers or groups of speakers")
        return self

    @property
    def all(self) -> list[int]:
        """Numbers of the folds, from 1 for groups of speakers."""
        return self.numbers or list(range(1, len(self.speakers) + 1))


class Study(Strict):
    """The trainings and test corpora of a study.

    Attributes:
        title: of the page
        question: what it answers
        source: paper that it repeats; empty for none
        test: corpora on which every model is scored; none of their speakers may train
        folds: folds on whose test sides models are scored, each on that of its own fold
        measures: scores, as in the curves of a training; empty for the first of the targets
        recipe: values of the recipe of all cells
        grid: key of the recipe (`pretrain.steps` for one in a table) → its values
        variants: name → values of the recipe that differ
        only: variants that are trained; empty for all
        reference: variant with which others are compared; empty for the first
        audits, published, ratios: see there
        against: second model of audits that show layers
        keep_models: whether models are kept after they are scored
    """

    title: str
    question: str
    source: str = ""
    test: list[str] = []
    folds: Folds | None = None
    measures: list[str] = []
    recipe: dict[str, Any]
    grid: dict[str, list[Any]] = {}
    variants: dict[str, dict[str, Any]] = {}
    only: list[str] = []
    reference: str = ""
    audits: list[AuditOfCells] = []
    published: list[Published] = []
    ratios: list[Ratio] = []
    against: str = ""
    keep_models: bool = False


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One training of a study.

    Attributes:
        variant: its name
        at: grid key → value, without the seed
        seed: of the recipe
        fold: number of its fold; 0 without folds
        tests: name of each test corpus → what is loaded
        recipe: complete
    """

    variant: str
    at: Mapping[str, Any]
    seed: int
    fold: int
    tests: Mapping[str, str]
    recipe: Recipe

    @property
    def name(self) -> str:
        """Its folder: readable, and different for every recipe."""
        digest = hashlib.blake2b(self.recipe.model_dump_json().encode(), digest_size=5).hexdigest()
        parts = [self.variant, *(f"{key}={value}" for key, value in self.at.items()), f"seed={self.seed}"]
        parts += [f"fold={self.fold}"] if self.fold else []
        readable = UNREADABLE.sub("-", ",".join(parts))
        return f"{readable[:80]}-{digest}"


def names() -> list[str]:
    """Names of the studies that come with sertools."""
    folder = importlib.resources.files("sertools.data") / "studies"
    return sorted(file.name.removesuffix(".toml") for file in folder.iterdir() if file.name.endswith(".toml"))


def read_study(spec: str, changes: Sequence[str] = ()) -> Study:
    """Reads a study from its TOML file, or one that comes with sertools by its name.

    Args:
        spec: path or name
        changes: `key=value`, which replace values of the file, such as `recipe.epochs=3`

    Raises:
        ModelError: there is no such study, or keys, values, names or recipes in it are not valid; it lists
            all problems
    """
    path = Path(spec).expanduser()
    file: Any = path
    if not path.exists() and path.suffix != ".toml":
        if spec not in names():
            raise ModelError(f"no study named {spec!r}", hint=f"{nearest(spec, names())}; or a TOML file")
        file = importlib.resources.files("sertools.data") / "studies" / f"{spec}.toml"
    table = changed(read_toml(file, error=ModelError, what="the study"), changes)
    fields = list(Study.model_fields)
    problems = [f"unknown key {key!r} ({nearest(key, fields)})" for key in table if key not in fields]
    try:
        study = Study.model_validate({key: table[key] for key in table if key in fields})
    except ValidationError as error:
        found = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
        raise ModelError(f"{spec}: {'; '.join([*problems, *found])}") from error
    problems += [*_unknown_variants(study), *_unusable(study), *_unknown_in_audits(study)]
    every, invalid = _made(study)
    problems += [*invalid, *_unmeasured(study, every)]
    if problems:
        raise ModelError(f"{spec}: {'; '.join(dict.fromkeys(problems))}")
    return study


def _unknown_variants(study: Study) -> Iterator[str]:
    """Sentences on variants that the study does not have."""
    known = list(study.variants or {PLAIN: {}})
    used = [study.reference or known[0], *study.only, *(each.variant for each in study.published)]
    used += [name for ratio in study.ratios for name in (*ratio.top, *ratio.bottom)]
    yield from (f"unknown variant {name!r} ({nearest(name, known)})" for name in used if name not in known)


def _unusable(study: Study) -> Iterator[str]:
    """Sentences on what keeps a study from having cells and scores."""
    yield from (f"grid.{key} has no values" for key, values in study.grid.items() if not values)
    if not study.test and study.folds is None:
        yield 'it names neither test corpora nor folds (such as test = ["emodb:test"])'


def _unknown_in_audits(study: Study) -> Iterator[str]:
    """Sentences on audits that do not exist, and on keys that no recipe has."""
    for wanted in study.audits:
        try:
            choose(wanted.names, None, ())
        except AuditError as error:
            yield str(error)
        known = list(Recipe.model_fields)
        for key in wanted.where:
            if key not in known:
                yield f"audits.where has the unknown key {key!r} ({nearest(key, known)})"


def _unmeasured(study: Study, every: Sequence[Cell]) -> Iterator[str]:
    """Sentences on measures that the targets of a cell never have."""
    for cell in every:
        known = measures_for(cell.recipe)
        for measure in study.measures:
            if measure not in known:
                yield (
                    f"{measure!r} is not measured with target = {cell.recipe.target!r} "
                    f"({nearest(measure, known)})"
                )


def cells(study: Study, spec: str = "the study") -> list[Cell]:
    """All trainings of a study, variant by variant.

    Raises:
        ModelError: recipes are not valid; it lists all problems
    """
    every, problems = _made(study)
    if problems:
        raise ModelError(f"{spec}: {'; '.join(problems)}")
    return every


def _made(study: Study) -> tuple[list[Cell], list[str]]:
    """The cells whose recipes are valid, and a sentence on each problem of the others."""
    found: list[Cell] = []
    problems: dict[str, None] = {}
    for variant, at, seed, fold in _combinations(study):
        table = joined(study.recipe, study.variants.get(variant, {}))
        for key, value in (*at.items(), (SEED, seed)):
            table = joined(table, _nested(key, value))
        tests = {test: test for test in study.test}
        if study.folds is not None:
            sides = _sides(study.folds, fold)
            tests[study.folds.of] = sides.pop("test")[0]
            table |= sides
        table["test"] = list(dict.fromkeys([*table.get("test", []), *tests.values()]))
        try:
            recipe = recipe_of(table, source=f"variants.{variant}" if study.variants else "its recipe")
        except ModelError as error:
            problems[str(error)] = None
            continue
        found.append(Cell(variant=variant, at=at, seed=seed, fold=fold, tests=tests, recipe=recipe))
    return found, list(problems)


def _combinations(study: Study) -> Iterator[tuple[str, dict[str, Any], int, int]]:
    """Variant, grid values, seed and fold of each cell."""
    keys = [key for key in study.grid if key != SEED]
    seeds = study.grid.get(SEED, [study.recipe.get(SEED, 0)])
    folds = study.folds.all if study.folds else [0]
    for variant in study.only or study.variants or [PLAIN]:
        for values in itertools.product(*(study.grid[key] for key in keys)):
            for seed, fold in itertools.product(seeds, folds):
                yield variant, dict(zip(keys, values, strict=True)), seed, fold


def _sides(folds: Folds, number: int) -> dict[str, list[str]]:
    """Corpora of a recipe for one fold, and its test corpus."""
    if folds.speakers:
        named = folds.speakers[number - 1]
        return {"corpora": [folds.of], "test": [folds.of], "test_speakers": named}
    return {
        "corpora": [f"{folds.of}:{number}:{side}" for side in folds.train],
        "dev": [f"{folds.of}:{number}:{side}" for side in folds.dev],
        "test": [f"{folds.of}:{number}:test"],
    }


def _nested(key: str, value: Any) -> dict[str, Any]:
    for name in reversed(key.split(".")):
        value = {name: value}
    found: dict[str, Any] = value
    return found


def text_of(at: Mapping[str, Any]) -> str:
    """Grid values in a few words; empty for none.

    >>> text_of({"share": 0.5, "pretrain.steps": 10})
    'share 0.5, pretrain.steps 10'
    """
    return ", ".join(
        f"{key} {value if isinstance(value, str) else json.dumps(value)}" for key, value in at.items()
    )
