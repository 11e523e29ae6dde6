"""The commands of sertools: one file for each command or group of commands, and this folder is the list.

A file with a function of its own name (`predict.py` with `predict`, `list.py` with `list_`) is a command. Any
other file is a group, such as `corpus.py`: its public functions are the commands of the group, and its first
line is the help of the group. `CONTEXT_SETTINGS` of a file, if it has them, say how the words of its command
are parsed.
"""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable
from functools import cache
from types import ModuleType
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup


def names() -> list[str]:
    """Names of all commands and groups, without importing them."""
    return [info.name for info in pkgutil.iter_modules(__path__)]


@cache
def build(name: str) -> TyperCommand | TyperGroup:
    """The command or group with this name; only its own file is imported."""
    module = importlib.import_module(f"{__name__}.{name}")
    functions = _public_functions(module)
    if name in functions:
        return single(name, functions[name], getattr(module, "CONTEXT_SETTINGS", None))
    help_text = (module.__doc__ or "").partition("\n")[0]
    group = typer.Typer(add_completion=False, no_args_is_help=True, help=help_text)
    for own, function in functions.items():
        group.command(own, help=reflowed(inspect.getdoc(function) or ""))(function)
    made = typer.main.get_group(group)
    made.name = name
    return made


def single(name: str, function: Callable[..., Any], settings: dict[str, Any] | None = None) -> TyperCommand:
    """A command from an annotated function; `settings` say how its words are parsed."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    described = reflowed(inspect.getdoc(function) or "")
    app.command(name, context_settings=settings, help=described)(function)
    made = typer.main.get_command(app)
    assert isinstance(made, TyperCommand)
    return made


def reflowed(text: str) -> str:
    r"""A docstring with each paragraph and each list item on one line, so that Typer wraps it.

    >>> reflowed("one\ntwo:\n- a\n  b\n- c\n\nthree")
    'one two:\n- a b\n- c\n\nthree'
    """
    return re.sub(r"(?<=\S)\n[ ]*(?=[^\s-])", " ", text)


def _public_functions(module: ModuleType) -> dict[str, Callable[..., Any]]:
    return {
        name.rstrip("_"): function
        for name, function in vars(module).items()
        if inspect.isfunction(function)
        and function.__module__ == module.__name__
        and not name.startswith("_")
    }
