"""Builds the command of each audit: the options of `sertools audit` that apply to it, and its own."""

import inspect
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin

import typer
from typer.core import TyperCommand

from sertools.cli import options as o
from sertools.cli.commands import single
from sertools.errors import AuditError

if TYPE_CHECKING:
    from sertools.auditing.audit import Audit


TrainSide = Annotated[
    list[str] | None,
    typer.Option(
        "--train",
        rich_help_panel=o.INPUT,
        metavar="DATA",
        help="Training side of a split (same syntax as --data), to compare with --test.",
    ),
]


TestSide = Annotated[
    list[str] | None,
    typer.Option(
        "--test",
        rich_help_panel=o.INPUT,
        metavar="DATA",
        help="Test side of a split, to compare with --train.",
    ),
]


Folds = Annotated[
    list[str] | None,
    typer.Option(
        "--folds",
        rich_help_panel=o.INPUT,
        metavar="FILE|NAME",
        help="A published split: a table with a column split, a table for each side, or a folder of them; or "
        "the name of folds of --data, as emo-superb or loso.",
    ),
]


Models = Annotated[
    list[str],
    typer.Option(
        "--model",
        rich_help_panel=o.INPUT,
        help="default, a checkpoint directory, a hub id owner/name, predictions:FILE, …; repeat for several.",
    ),
]


def audit_command(name: str) -> TyperCommand:
    """The command of one audit: the options of `sertools audit` that apply to it, and its own."""
    from sertools.auditing.audit import load
    from sertools.cli.commands import audit

    loaded = load(name)
    general = inspect.signature(audit.audit, eval_str=True).parameters
    left_out = {"names", "suite", "audits", "noise_dir", "rir_dir"}
    if not loaded.plan().reads_layers:
        left_out |= {"against", "random_twin"}
    shared = [parameter for option, parameter in general.items() if option not in left_out]
    if loaded.data:
        shared = [p.replace(default=[loaded.data]) if p.name == "data" else p for p in shared]
    if loaded.models:
        shared = [
            p.replace(annotation=Models, default=["default"]) if p.name == "model" else p for p in shared
        ]
    if loaded.sides:
        shared += inspect.signature(_sides, eval_str=True).parameters.values()
    own = [_option(loaded, parameter) for parameter in loaded.options().values()]
    switches = [_switch(option, other) for option, other in loaded.companions.items()]
    repeatable = {option for option, p in loaded.options().items() if get_origin(p.annotation) is tuple}

    def command(**given: Any) -> None:
        from sertools.cli.run_audits import run_audits

        options = {p.name: given[p.name] for p in own}
        options |= {option: tuple(options[option]) for option in repeatable}
        rest = {p.name: given[p.name] for p in shared}
        if loaded.models:
            twice = next((m for i, m in enumerate(rest["model"]) if m in rest["model"][:i]), "")
            if twice:
                raise AuditError(f"--model names {twice!r} twice", hint="name each checkpoint once")
            rest["model"], *more = rest["model"]
            options[loaded.models] = (*options[loaded.models], *more)
        others = [other for option, other in loaded.companions.items() if given[option]]
        raise typer.Exit(run_audits({**rest, "names": [loaded.name, *others]}, options))

    parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in (*own, *switches, *shared)]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # Typer reads it
    command.__annotations__ = {p.name: p.annotation for p in parameters}
    several = " --model run-1 --model run-2 --model run-3" if loaded.models else ""
    command.__doc__ = (
        f"{loaded.question}\n\n{loaded.method}\n\n"
        f"Example: sertools {name}{several} --data {loaded.data or 'voices'}"
    )
    return single(name, command)


def _sides(train: TrainSide = None, test: TestSide = None, folds: Folds = None) -> None:
    """The options of a command that compares the sides of a split."""


def _option(audit: "Audit", parameter: inspect.Parameter) -> inspect.Parameter:
    """An audit's parameter as an option: a tuple can be repeated, the help text comes from the docstring."""
    annotation: Any = parameter.annotation
    default: Any = parameter.default
    if get_origin(annotation) is tuple:
        annotation, default = list[get_args(annotation)[0]], list(default)  # type: ignore[misc]
    flag = f"--{parameter.name.replace('_', '-')}"
    described = typer.Option(flag, rich_help_panel="Audit options", help=_help(audit, parameter.name))
    return parameter.replace(annotation=Annotated[annotation, described], default=default)


def _switch(name: str, other: str) -> inspect.Parameter:
    """The option that runs another audit into the same report, which is on by default."""
    from sertools.auditing.audit import load

    flag, question = name.replace("_", "-"), load(other).question.rstrip("?")
    described = typer.Option(
        f"--{flag}/--no-{flag}",
        rich_help_panel="Audit options",
        help=f"Also run {other.replace('_', '-')} ({question[0].lower()}{question[1:]}).",
    )
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, annotation=Annotated[bool, described], default=True
    )


def _help(audit: "Audit", name: str) -> str:
    """The description of an argument in the docstring of `audit()`."""
    lines = inspect.getdoc(audit.function) or ""
    words: list[str] = []
    for line in lines.splitlines():
        text = line.strip()
        if text.startswith(f"{name}:"):
            words = [text.partition(":")[2].strip()]
        elif words and line.startswith(" " * 8):
            words.append(text)
        elif words:
            break
    return " ".join(words)
