"""Loads audit files, and combines an audit with its options into a plan."""

import importlib.util
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, get_type_hints

import numpy as np
from pydantic import TypeAdapter, ValidationError

from sertools.auditing.contract import Needs, Outcome
from sertools.auditing.discovery import discover, embedded_folder, name_of
from sertools.errors import AuditError, code_of_user, nearest
from sertools.results.keys import Asks
from sertools.results.result import Limit
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
        companions: `COMPANIONS` of the file: option of the audit command → another audit that it runs too,
            into the same report, unless the option is switched off
        measures: `EXPLANATIONS` of the file: name of a measure → what it is, with formula, range and source
        asks: `ASKS` of the file: the question on the first screen of a report; None if it declares none
        sides: `SIDES` of the file: whether its command also takes the sides of a split
        models: `MODELS` of the file: the option that takes all models but the first, where the audit command
            takes several `--model`; empty for one model
        on_request: `ON_REQUEST` of the file: whether it costs so much that it runs only where it is named, by
            itself or in a suite
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
    companions: Mapping[str, str] = field(default_factory=dict)
    asks: Asks | None = None
    measures: Mapping[str, str] = field(default_factory=dict)
    sides: bool = False
    models: str = ""
    on_request: bool = False

    def plan(self, options: Mapping[str, Any] | None = None, limits: Sequence[Limit] = ()) -> "PlannedAudit":
        """The audit with checked options and what it reads with them.

        Args:
            options: values of some options; the others have their defaults
            limits: limits that replace the audit's own where both match

        Raises:
            AuditError: an option that the audit does not have, or a value of the wrong type
        """
        settings = self.settings(options or {})
        with code_of_user(f"{self.path} cannot be planned"):
            needs = self.needs(**settings)
            if not isinstance(needs, Needs):
                raise AuditError(f"{self.path}: needs() returned {type(needs).__name__}, not Needs(…)")
        return PlannedAudit(audit=self, settings=settings, needs=needs, limits=tuple(limits))

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


@dataclass(frozen=True, kw_only=True)
class PlannedAudit:
    """An audit with the options of one run, made by `Audit.plan`.

    Attributes:
        audit: the audit
        settings: the value of each of its options
        needs: what it reads with these options
        limits: limits that replace the audit's own where both match
    """

    audit: Audit
    settings: Mapping[str, Any]
    needs: Needs
    limits: tuple[Limit, ...] = ()

    @property
    def name(self) -> str:
        """The name of the audit."""
        return self.audit.name

    @property
    def is_of_user(self) -> bool:
        """Whether the audit is not one of sertools, but code of the user."""
        return not self.audit.path.is_relative_to(embedded_folder())

    @property
    def reads_layers(self) -> bool:
        """Whether the audit reads layers, so that other models' layers can be compared."""
        return self.needs.layers or self.needs.frame_sums is not None

    @property
    def asks_a_model(self) -> bool:
        """Whether the audit reads predictions, layers or labels of the model."""
        return bool(self.needs.conditions) or self.reads_layers or self.needs.labels != "none"


def load(name: str, folders: Sequence[Path] = ()) -> Audit:
    """Load an audit by name; `-` and `_` are equivalent.

    Raises:
        AuditError: there is no audit with this name, or its file violates the interface
    """
    found = discover(folders)
    path = found.get(name.replace("-", "_"))
    if path is None:
        raise AuditError(f"no audit named {name!r}", hint=nearest(name.replace("-", "_"), list(found)))
    with code_of_user(f"{path} cannot be loaded"):
        return _read(_module(path), path)


def _read(module: ModuleType, path: Path) -> Audit:
    """The audit in a module.

    Raises:
        AuditError: the module violates the interface
    """
    for wanted in ("audit", "plant", "LIMITS", "NEEDS"):
        if not hasattr(module, wanted) and not (wanted == "NEEDS" and hasattr(module, "needs")):
            raise AuditError(
                f"{path} is not an audit: it has no {wanted}", hint="see README: how to add an audit"
            )
    for wanted in ("audit", "plant"):
        if not callable(getattr(module, wanted)):
            raise AuditError(
                f"{path} is not an audit: {wanted} is not a function", hint="see README: how to add an audit"
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
        limits=_limits(module.LIMITS, path),
        function=module.audit,
        plant=module.plant,
        data=getattr(module, "DATA", ""),
        companions=dict(getattr(module, "COMPANIONS", {})),
        asks=_asks(getattr(module, "ASKS", None), path),
        measures=dict(getattr(module, "EXPLANATIONS", {})),
        sides=bool(getattr(module, "SIDES", False)),
        models=getattr(module, "MODELS", ""),
        on_request=bool(getattr(module, "ON_REQUEST", False)),
    )
    for option, parameter in audit.options().items():
        if parameter.default is inspect.Parameter.empty:
            raise AuditError(
                f"{path} is not an audit: its option {option!r} has no default", hint="add a default value"
            )
        TypeAdapter(parameter.annotation)  # a type that options cannot have is refused here
    return audit


def _limits(given: object, path: Path) -> tuple[Limit, ...]:
    if not isinstance(given, list | tuple) or not all(isinstance(limit, Limit) for limit in given):
        raise AuditError(f"{path} is not an audit: its LIMITS are not a list of Limit(…)")
    return tuple(given)


def _asks(given: object, path: Path) -> Asks | None:
    if given is not None and not isinstance(given, Asks):
        raise AuditError(f"{path} is not an audit: its ASKS is not Asks(…)")
    return given


def _module(path: Path) -> ModuleType:
    folder = path.parent if path.stem == "__init__" else None
    embedded = (folder or path).parent == embedded_folder()
    name = f"{'sertools.audits' if embedded else 'sertools_user_audits'}.{name_of(path)}"
    if embedded and name in sys.modules and sys.modules[name].__file__ == str(path):
        return sys.modules[name]  # those of users are read again, because they may have changed
    for loaded in [each for each in sys.modules if each.startswith(f"{name}.")]:
        del sys.modules[loaded]  # files of another folder with the same name, or of an earlier version
    inside = [str(folder)] if folder else None
    spec = importlib.util.spec_from_file_location(name, path, submodule_search_locations=inside)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module
