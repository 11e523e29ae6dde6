"""What an audit is, where audits are found, and how one runs: tables in, result out."""

import importlib.util
import inspect
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, get_type_hints

import numpy as np
import pandas as pd
from pydantic import TypeAdapter, ValidationError

from sertools.condition import Condition
from sertools.discovery import discover, embedded_folder
from sertools.errors import AuditError, nearest
from sertools.gate import CLIPS_ONLY, judge_all
from sertools.metrics.intervals import MIN_UNITS, Estimate
from sertools.metrics.sums import Statistic
from sertools.moments import Wanted
from sertools.reading import Reading
from sertools.result import Figure, Finding, LeftOut, Limit, Missing, Result, Sound, Table, Verdict
from sertools.seeds import identity_rng
from sertools.tables import Pairs, Tables


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What an audit reads; the planner takes the union over all that were asked for.

    Attributes:
        columns: columns that the corpus must have, e.g. `sex`
        labels: `dimensions`, `emotion`, or `either`: what corpus and model must share; `none` where the
            audit does not compare with a truth
        conditions: under which sound predictions are read
        layers: whether layer means are read
        moments: which sums over frames are read; None for none
        sound: columns that are measured in the corpus' sound (`sertools.derived`), e.g. `f0_hz`; a clip whose
            sound cannot be opened has none
        readings: columns of vectors that text encoders make of the words of clips
    """

    columns: tuple[str, ...] = ()
    labels: Literal["dimensions", "emotion", "either", "none"] = "either"
    conditions: tuple[Condition, ...] = (Condition(),)
    layers: bool = False
    moments: Wanted | None = None
    sound: tuple[str, ...] = ()
    readings: tuple[Reading, ...] = ()

    @property
    def summary(self) -> str:
        """The needs in a few words."""
        named = {
            "dimensions": "dimensions",
            "emotion": "emotion",
            "either": "dimensions or emotion",
            "none": "",
        }
        return ", ".join(part for part in (named[self.labels], *self.columns) if part) or "predictions"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What `audit()` returns: the answer in one plain sentence, and the evidence."""

    answer: str
    findings: list[Finding]
    tables: list[Table] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    sounds: list[Sound] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Audit:
    """An audit file, loaded.

    Attributes:
        name: file stem
        question: first line of its docstring
        method: the rest of the docstring
        needs: options → what it reads; `NEEDS` of the file, or its function `needs(**options)`
        limits: `LIMITS` of the file
        function: `audit(tables, *, rng, …) -> Outcome`
        plant: `plant(tables, rng) -> Tables`, the defect that the audit exists to catch
        data: `DATA` of the file: the corpus that its command takes by default; empty for the command's own
    """

    name: str
    path: Path
    question: str
    method: str
    needs: Callable[..., Needs]
    limits: tuple[Limit, ...]
    function: Callable[..., Outcome]
    plant: Callable[[Tables, np.random.Generator], Tables]
    data: str = ""

    def settings(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """All options of the audit: those given, and the defaults of the others.

        Raises:
            AuditError: an option that the audit does not have, or a value of another type
        """
        known = self.options()
        chosen = {name: parameter.default for name, parameter in known.items()}
        for name, value in given.items():
            if name not in known:
                raise AuditError(f"audit {self.name} has no option {name!r}", hint=nearest(name, list(known)))
            try:  # from TOML come lists, from signatures tuples
                chosen[name] = TypeAdapter(known[name].annotation).validate_python(value)
            except ValidationError as error:
                reason = error.errors()[0]["msg"]
                raise AuditError(f"audit {self.name}: {name} = {value!r}: {reason}") from error
        return chosen

    def options(self) -> dict[str, inspect.Parameter]:
        """The audit's own options: keyword-only parameters of `audit()` but for `rng`, types resolved."""
        hints = get_type_hints(self.function)
        return {
            name: parameter.replace(annotation=hints.get(name, str))
            for name, parameter in inspect.signature(self.function).parameters.items()
            if parameter.kind is inspect.Parameter.KEYWORD_ONLY and name != "rng"
        }


def load(name: str, folders: Sequence[Path] = ()) -> Audit:
    """An audit by its name, `-` and `_` alike.

    Raises:
        AuditError: there is none of that name, or its file breaks the contract
    """
    found = discover(folders)
    path = found.get(name.replace("-", "_"))
    if path is None:
        raise AuditError(f"no audit named {name!r}", hint=nearest(name.replace("-", "_"), list(found)))
    module = _module(path)
    for wanted in ("audit", "plant", "LIMITS", "NEEDS"):
        if not hasattr(module, wanted) and not (wanted == "NEEDS" and hasattr(module, "needs")):
            raise AuditError(f"{path} is no audit: it has no {wanted}", hint="README: how to add an audit")
    if not module.__doc__:
        raise AuditError(f"{path} is no audit: it has no docstring", hint="its first line is the question")
    if not isinstance(getattr(module, "NEEDS", Needs()), Needs):
        raise AuditError(
            f"{path} is no audit: its NEEDS are not Needs(…)", hint="README: how to add an audit"
        )
    first, _, rest = inspect.cleandoc(module.__doc__).partition("\n")
    audit = Audit(
        name=path.stem,
        path=path,
        question=first,
        method=rest.strip(),
        needs=getattr(module, "needs", lambda **options: module.NEEDS),
        limits=tuple(module.LIMITS),
        function=module.audit,
        plant=module.plant,
        data=getattr(module, "DATA", ""),
    )
    for option, parameter in audit.options().items():
        if parameter.default is inspect.Parameter.empty:
            raise AuditError(f"{path} is no audit: its option {option!r} has no default", hint="give it one")
    return audit


def _module(path: Path) -> ModuleType:
    embedded = path.parent == embedded_folder()
    name = f"sertools.audits.{path.stem}" if embedded else f"sertools_user_audits.{path.stem}"
    if name in sys.modules and sys.modules[name].__file__ == str(path):
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (SyntaxError, ImportError, NameError, AttributeError, TypeError, ValueError) as error:
        del sys.modules[name]
        raise AuditError(f"{path} does not load: {type(error).__name__}: {error}") from error
    return module


def obstacle(needs: Needs, tables: Tables) -> str:
    """Why an audit cannot run on these tables; empty where it can."""
    absent = [c for c in needs.columns if c not in tables.clips or tables.clips[c].isna().all()]
    if absent:
        return f"the corpus has no column {', '.join(map(repr, absent))}"
    absent = [str(c) for c in needs.conditions if str(c) not in tables.predictions]
    if absent:
        more = f" and {len(absent) - 3} more" if len(absent) > 3 else ""
        return f"there are no predictions for {', '.join(absent[:3])}{more}"
    if needs.layers and (tables.layers is None or not tables.layers.n_layers):
        return "the model has no layers"
    if needs.moments and not tables.moments:
        return "the model has no layers whose frames could be read"
    if needs.labels == "dimensions" and not tables.dimensions:
        return "corpus and model share no dimension"
    if needs.labels == "emotion" and not tables.classes:
        return "corpus and model share no emotion"
    if needs.labels == "either" and not tables.dimensions and not tables.classes:
        return "corpus and model share neither a dimension nor an emotion"
    return ""


def run(
    audit: Audit,
    tables: Tables,
    *,
    seed: int,
    options: Mapping[str, Any] | None = None,
    limits: Sequence[Limit] = (),
    model: Mapping[str, Any] | None = None,
    data: Mapping[str, Any] | None = None,
    provenance: Mapping[str, Any] | None = None,
) -> Result:
    """The result of one audit, judged by its limits and then by `limits`.

    What it needs and does not find makes the whole audit one skipped finding with the reason.

    Raises:
        AuditError: an option that the audit does not have, or an audit that changes its tables
    """
    settings = audit.settings(options or {})
    reason = obstacle(audit.needs(**settings), tables)
    if reason:
        outcome: Any = Outcome(
            answer=f"Not measured: {reason}.", findings=[skipped(audit.name, tables, reason)]
        )
    else:
        before = _digest(tables)
        outcome = audit.function(tables, rng=identity_rng(seed, audit.name), **settings)
        if _digest(tables) != before:
            raise AuditError(f"audit {audit.name} changed the tables that it was given")
        if not isinstance(outcome, Outcome):
            raise AuditError(f"audit {audit.name} returned {type(outcome).__name__}, not an Outcome")
    return Result(
        audit=audit.name,
        question=audit.question,
        method=audit.method,
        answer=outcome.answer,
        model=dict(model or {}),
        data=dict(data or {}),
        options={name: list(v) if isinstance(v, tuple) else v for name, v in settings.items()},
        findings=judge_all(outcome.findings, [*audit.limits, *limits]),
        tables=outcome.tables,
        figures=outcome.figures,
        missing=[Missing.model_validate(row) for row in tables.missing.to_dict("records")],
        notes=[*tables.notes, *outcome.notes],
        left_out=outcome.left_out,
        sounds=outcome.sounds,
        provenance={"seed": seed, **(provenance or {})},
    )


def finding(
    name: str,
    estimate: Estimate,
    *,
    by_speaker: bool,
    target: str = "all",
    slice: str = "all",
    withheld: str = "",
) -> Finding:
    """The finding of an estimate.

    Args:
        name: the field's term for what was measured
        target: the label it was measured on
        slice: the clips it was measured on
        estimate: value and interval
        by_speaker: the estimate's units are speakers, not clips
        withheld: why no limit may judge it; empty where one may
    """
    notes = [] if by_speaker else [CLIPS_ONLY]
    reasons = [withheld, estimate.reason, *notes]
    return Finding(
        name=name,
        target=target,
        slice=slice,
        value=estimate.value,
        low=estimate.low,
        high=estimate.high,
        n=estimate.n,
        speakers=estimate.units if by_speaker else None,
        verdict=Verdict.SKIPPED if withheld or math.isnan(estimate.value) else Verdict.NONE,
        reason="; ".join(dict.fromkeys(reason for reason in reasons if reason)),
    )


def left_out(
    statistic: Statistic,
    pairs: Pairs,
    tables: Tables,
    *,
    target: str,
    slice: str = "all",
    better: Literal["higher", "lower"] = "higher",
) -> list[LeftOut]:
    """A statistic without each speaker in turn, for `Outcome.left_out`; empty where that is not defined.

    A clip whose speaker is unknown is a speaker of its own and bears the clip's name. The statistic bears the
    name of the finding.
    """
    if not pairs.by_speaker or pairs.units < MIN_UNITS:
        return []
    sums = statistic.sums(pairs.truth, pairs.prediction, pairs.unit, pairs.units)
    values = statistic.value(sums.sum(axis=0) - sums)
    first = np.unique(pairs.unit, return_index=True)[1]
    speakers = tables.clips.loc[pairs.clips[first], "speaker"]
    names = [f"unknown: {clip}" if pd.isna(s) else str(s) for clip, s in speakers.items()]
    if np.isnan(values).any() or len(set(names)) < len(names):
        return []
    without = dict(zip(names, values.tolist(), strict=True))
    return [LeftOut(name=statistic.name, target=target, slice=slice, better=better, values=without)]


def skipped(name: str, tables: Tables, reason: str, target: str = "all") -> Finding:
    """The finding that stands for what could not be measured."""
    return Finding(
        name=name, target=target, value=None, n=len(tables.clips), verdict=Verdict.SKIPPED, reason=reason
    )


def _digest(tables: Tables) -> tuple[int, ...]:
    frames = [tables.clips, tables.missing, *tables.predictions.values()]
    # lists, which Parquet may hold, have no hash; their text has
    plain = [f.astype({c: str for c in f if f[c].dtype == object}) for f in frames]
    return tuple(int(pd.util.hash_pandas_object(f, index=True).sum()) ^ hash(tuple(f.columns)) for f in plain)
