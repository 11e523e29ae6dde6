"""A sweep: models × corpora × suites, read from a TOML file and checked before anything starts."""

import re
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from sertools.auditing.audit import PlannedAudit
from sertools.auditing.suites import choose
from sertools.errors import AuditError, SertoolsError
from sertools.files import read_toml
from sertools.models.load import LoadOptions, check_on_hub, check_spec
from sertools.models.model import ClipModel, Model
from sertools.pipeline.requests.corpora import CorpusRequest
from sertools.pipeline.requests.models import ModelRequest

AUDITS = "audits"
"""Name of the suite that a list of audits in the file makes up."""

Range = tuple[float, float]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _of_text(value: Any) -> Any:
    """An entry that is a text alone is its `spec`."""
    return {"spec": value} if isinstance(value, str) else value


class _Named(_Strict):
    spec: str = Field(min_length=1)
    name: str = ""

    @property
    def label(self) -> str:
        """The name of the entry in tables: its own, or its spec."""
        return self.name or self.spec


class ModelEntry(_Named):
    """A model of a sweep; the keys are those of the command line.

    Attributes:
        spec: the text after `--model`
        name: its name in the tables of the sweep; the spec by default
        device, precision, head, labels, output, activation, model_scale, trust_remote_code: as the options
    """

    device: str = "auto"
    precision: str = "auto"
    head: dict[str, str] = {}
    labels: tuple[str, ...] = ()
    output: str = ""
    activation: str = ""
    model_scale: Range | dict[str, Range] = {}
    trust_remote_code: bool = False

    def request(self) -> ModelRequest:
        """The model to load."""
        return ModelRequest(
            spec=self.spec,
            options=LoadOptions(
                device=self.device,
                precision=self.precision,
                head=self.head,
                labels=self.labels,
                output=self.output,
                activation=self.activation,
                model_scale=_by_dimension(self.model_scale),
                trust_remote_code=self.trust_remote_code,
            ),
        )


class CorpusEntry(_Named):
    """A corpus of a sweep; the keys are those of the command line.

    Attributes:
        spec: the text after `--data`
        name: its name in the tables of the sweep; the spec by default
        map, map_values, scale, label_map, derive_dimensions, max_minutes: as the options
    """

    map: dict[str, str] = {}
    map_values: dict[str, dict[str, str]] = {}
    scale: Range | dict[str, Range] = {}
    label_map: dict[str, str] = {}
    derive_dimensions: bool = False
    max_minutes: float = Field(default=60.0, gt=0, allow_inf_nan=False)

    def request(self, data_root: Path | None) -> CorpusRequest:
        """The corpus to load."""
        return CorpusRequest(
            specs=(self.spec,),
            data_root=data_root,
            column_map=self.map,
            value_map=self.map_values,
            scale=_by_dimension(self.scale),
            label_map=self.label_map,
            derive=self.derive_dimensions,
            max_minutes=self.max_minutes,
        )


def _by_dimension(scale: Range | dict[str, Range]) -> Mapping[str, Range]:
    return {"*": scale} if isinstance(scale, tuple) else scale


class Sweep(_Strict):
    """Everything that a sweep computes: each model on each corpus, by each suite.

    Attributes:
        models: texts as after `--model`, or tables, see `ModelEntry`
        data: texts as after `--data`, or tables, see `CorpusEntry`
        suites: names or TOML files of suites
        audits: names of audits, as one more suite; all audits if neither is given
        data_root: folder below which corpora are, as `--data-root`
        seed: random seed
        batch_size: maximum number of clips in one forward pass
        pages: whether each cell has a report page; if not, `sertools report CELL` writes it when it is wanted
    """

    models: list[Annotated[ModelEntry, BeforeValidator(_of_text)]] = Field(min_length=1)
    data: list[Annotated[CorpusEntry, BeforeValidator(_of_text)]] = Field(min_length=1)
    suites: list[str] = []
    audits: list[str] = []
    data_root: Path | None = None
    seed: int = 0
    batch_size: int = Field(default=8, ge=1)
    pages: bool = True

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        for what, labels in (
            ("models", [m.label for m in self.models]),
            ("data", [d.label for d in self.data]),
        ):
            twice = sorted({label for label in labels if labels.count(label) > 1})
            if twice:
                raise ValueError(f"{what}: {twice[0]!r} is there twice; give one of them another name")
        return self

    def suite_names(self) -> list[str]:
        """The suites, and `audits` for the listed audits or, if there is neither, for all."""
        return [*self.suites, *([AUDITS] if self.audits or not self.suites else [])]

    def planned(self, suite: str) -> list[PlannedAudit]:
        """The audits of a suite.

        Raises:
            AuditError: there is no such suite or audit
        """
        return choose(self.audits, None, []) if suite == AUDITS else choose([], suite, [])


def read_sweep(path: Path) -> Sweep:
    """Reads a sweep; relative paths in it start at the working directory, as on the command line.

    Raises:
        AuditError: the file is missing or not valid, or names what does not exist; it lists all such problems
    """
    sweep = read_checked_sweep(path)
    problems = list(_problems(sweep))
    if problems:
        raise AuditError(f"{path} cannot be run: {'; '.join(problems)}", hint="nothing was started")
    return sweep


def read_checked_sweep(path: Path) -> Sweep:
    """Reads a sweep of which it is known already that all that it names exists, as workers do.

    Raises:
        AuditError: the file is missing or not valid
    """
    try:
        return Sweep.model_validate(read_toml(path, error=AuditError, what="the sweep"))
    except ValidationError as error:
        problems = [
            f"{'.'.join(map(str, each['loc']))}: {each['msg']}".lstrip(": ") for each in error.errors()
        ]
        raise AuditError(f"{path}: {'; '.join(problems)}") from error


def _problems(sweep: Sweep) -> Iterable[str]:
    """What the file names and cannot be found, a sentence each; no weights are loaded."""
    with ThreadPoolExecutor(8) as pool:  # each id that is not in the cache is a question to the hub
        for model, problem in zip(sweep.models, pool.map(_problem_of_model, sweep.models), strict=True):
            if problem:
                yield f"model {model.label}: {problem}"
    for corpus in sweep.data:
        try:
            corpus.request(sweep.data_root).load()
        except SertoolsError as error:
            yield f"data {corpus.label}: {error.message}"
    for suite in sweep.suite_names():
        try:
            sweep.planned(suite)
        except SertoolsError as error:
            yield error.message


def _problem_of_model(model: ModelEntry) -> str:
    try:
        check_spec(model.spec)
        check_on_hub(model.spec)
    except SertoolsError as error:
        return error.message
    return ""


def slug(text: str) -> str:
    """A text as part of a file name.

    >>> slug("owner/My model@main")
    'owner-My-model-main'
    """
    return re.sub(r"[^A-Za-z0-9._]+", "-", text).strip("-.")[-60:] or "x"


AnyModel = Model | ClipModel
