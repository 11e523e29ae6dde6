"""The interface of audits: loads an audit file, checks its needs, and runs it on tables to give a result."""

import importlib.util
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, get_type_hints

import numpy as np
import pandas as pd
from pydantic import TypeAdapter, ValidationError

from sertools.auditing.contract import Needs, Outcome
from sertools.auditing.discovery import discover, embedded_folder, name_of
from sertools.auditing.findings import skipped
from sertools.errors import AuditError, nearest
from sertools.randomness import identity_rng
from sertools.results.gate import judge_all
from sertools.results.result import (
    Limit,
    Missing,
    Result,
)
from sertools.tables.tables import Tables


@dataclass(frozen=True, kw_only=True)
class Audit:
    """A loaded audit file.

    Attributes:
        name: file stem
        question: first line of its docstring
        method: the rest of the docstring
        needs: options → what the audit reads; `NEEDS` of the file, or its function `needs(**options)`
        limits: `LIMITS` of the file
        function: `audit(tables, *, rng, …) -> Outcome`
        plant: `plant(tables, rng) -> Tables`, adds the defect that the audit exists to detect
        data: `DATA` of the file: the audit command's default corpus; empty for the general default
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
        """All options of the audit: the given values, and defaults for the rest.

        Raises:
            AuditError: an option that the audit does not have, or a value of the wrong type
        """
        known = self.options()
        chosen = {name: parameter.default for name, parameter in known.items()}
        for name, value in given.items():
            if name not in known:
                raise AuditError(f"audit {self.name} has no option {name!r}", hint=nearest(name, list(known)))
            try:  # TOML gives lists where signatures have tuples
                chosen[name] = TypeAdapter(known[name].annotation).validate_python(value)
            except ValidationError as error:
                reason = error.errors()[0]["msg"]
                raise AuditError(f"audit {self.name}: {name} = {value!r}: {reason}") from error
        return chosen

    def options(self) -> dict[str, inspect.Parameter]:
        """The audit's own options: keyword-only parameters of `audit()` except `rng`, with resolved types."""
        hints = get_type_hints(self.function)
        return {
            name: parameter.replace(annotation=hints.get(name, str))
            for name, parameter in inspect.signature(self.function).parameters.items()
            if parameter.kind is inspect.Parameter.KEYWORD_ONLY and name != "rng"
        }


def load(name: str, folders: Sequence[Path] = ()) -> Audit:
    """Load an audit by name; `-` and `_` are equivalent.

    Raises:
        AuditError: there is no audit with this name, or its file violates the interface
    """
    found = discover(folders)
    path = found.get(name.replace("-", "_"))
    if path is None:
        raise AuditError(f"no audit named {name!r}", hint=nearest(name.replace("-", "_"), list(found)))
    module = _module(path)
    for wanted in ("audit", "plant", "LIMITS", "NEEDS"):
        if not hasattr(module, wanted) and not (wanted == "NEEDS" and hasattr(module, "needs")):
            raise AuditError(
                f"{path} is not an audit: it has no {wanted}", hint="see README: how to add an audit"
            )
    if not module.__doc__:
        raise AuditError(
            f"{path} is not an audit: it has no docstring", hint="add one; its first line is the question"
        )
    if not isinstance(getattr(module, "NEEDS", Needs()), Needs):
        raise AuditError(
            f"{path} is not an audit: its NEEDS are not Needs(…)", hint="see README: how to add an audit"
        )
    first, _, rest = inspect.cleandoc(module.__doc__).partition("\n")
    audit = Audit(
        name=name_of(path),
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
            raise AuditError(
                f"{path} is not an audit: its option {option!r} has no default", hint="add a default value"
            )
    return audit


def _module(path: Path) -> ModuleType:
    folder = path.parent if path.stem == "__init__" else None
    embedded = (folder or path).parent == embedded_folder()
    name = f"{'sertools.audits' if embedded else 'sertools_user_audits'}.{name_of(path)}"
    if name in sys.modules and sys.modules[name].__file__ == str(path):
        return sys.modules[name]
    for loaded in [each for each in sys.modules if each.startswith(f"{name}.")]:
        del sys.modules[loaded]  # files of another folder with the same name
    inside = [str(folder)] if folder else None
    spec = importlib.util.spec_from_file_location(name, path, submodule_search_locations=inside)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (SyntaxError, ImportError, NameError, AttributeError, TypeError, ValueError) as error:
        del sys.modules[name]
        raise AuditError(f"{path} cannot be loaded: {type(error).__name__}: {error}") from error
    return module


def obstacle(needs: Needs, tables: Tables) -> str:
    """Why an audit cannot run on these tables; empty if it can."""
    absent = [c for c in needs.columns if c not in tables.clips or tables.clips[c].isna().all()]
    if absent:
        return f"the corpus has no column {', '.join(map(repr, absent))}"
    absent = [str(c) for c in needs.conditions if str(c) not in tables.predictions]
    if absent:
        more = f" and {len(absent) - 3} more" if len(absent) > 3 else ""
        return f"there are no predictions for {', '.join(absent[:3])}{more}"
    if needs.layers and (tables.layers is None or not tables.layers.n_layers):
        return "the model has no layers"
    if needs.frame_sums and not tables.frame_sums:
        return "the model has no layers with readable frames"
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
    """Run one audit; its findings are judged by its own limits and then by `limits`.

    If something that the audit needs is missing, the result is a single skipped finding with the reason.

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
            raise AuditError(f"audit {audit.name} changed its input tables")
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


def _digest(tables: Tables) -> tuple[int, ...]:
    frames = [tables.clips, tables.missing, *tables.predictions.values()]
    # Parquet columns may hold lists, which are not hashable: hash their text
    plain = [f.astype({c: str for c in f if f[c].dtype == object}) for f in frames]
    return tuple(int(pd.util.hash_pandas_object(f, index=True).sum()) ^ hash(tuple(f.columns)) for f in plain)
