"""Imports a function of the user from a file or a module, and describes the errors that it raises."""

import importlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from types import ModuleType
from typing import Any

from sertools.errors import ModelError, nearest

FAILURES = (Exception, SystemExit)
"""User code may raise any exception; its message and line are reported in one sentence."""


def imported(spec: str) -> tuple[Callable[..., Any], Path]:
    """The function named by `package.module:function` or `file.py:function`, and its Python file.

    Raises:
        ModelError: the function does not exist or cannot be imported
    """
    where, colon, name = spec.rpartition(":")
    if not colon or not where or not name:
        raise ModelError(
            f"--model py:{spec} does not name a function",
            hint="use py:package.module:function or py:file.py:function",
        )
    module = _file(Path(where).expanduser()) if where.endswith(".py") else _module(where)
    function = getattr(module, name, None)
    if not callable(function):
        known = [n for n, v in vars(module).items() if inspect.isfunction(v) and not n.startswith("_")]
        raise ModelError(f"{where} has no function {name!r}", hint=nearest(name, known))
    source = Path(getattr(module, "__file__", None) or "")
    if source.suffix != ".py":
        raise ModelError(f"module {where} has no Python source file, so changes to it cannot be detected")
    return function, source


def name_of(function: Callable[..., Any]) -> str:
    """The name of a function; of an object that can be called, that of its class."""
    name = getattr(function, "__name__", type(function).__name__)
    return name if name.isidentifier() else "function"  # <lambda>


def source_of(function: Callable[..., Any]) -> tuple[Path, bytes]:
    """The Python file of a function of the running program, and its source, which decides its answers.

    A function that was typed where no source is kept has its compiled code instead.
    """
    plain: Any = inspect.unwrap(function)
    code = getattr(plain, "__code__", None) or getattr(type(plain).__call__, "__code__", None)
    if code is None:
        return Path(), repr(plain).encode()
    try:
        text = inspect.getsource(code)
    except (OSError, TypeError):
        text = repr((code.co_code, code.co_consts, code.co_names))
    return Path(code.co_filename), text.encode("utf-8", "backslashreplace")


def _file(path: Path) -> ModuleType:
    if not path.is_file():
        raise ModelError(f"no such Python file: {path}")
    spec = importlib.util.spec_from_file_location(f"sertools_model_{path.stem}", path)
    assert spec is not None, "a path that ends with .py has a loader"
    assert spec.loader is not None, "a path that ends with .py has a loader"
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # needed by dataclasses and pickle
    with _importable(path.parent), redirect_stdout(sys.stderr):
        try:
            spec.loader.exec_module(module)
        except FAILURES as error:
            raise ModelError(f"{path} cannot be imported: {described(error, path)}") from error
    return module


def _module(name: str) -> ModuleType:
    with _importable(Path.cwd()), redirect_stdout(sys.stderr):
        try:
            return importlib.import_module(name)
        except FAILURES as error:
            raise ModelError(
                f"module {name} cannot be imported: {type(error).__name__}: {error}",
                hint="name its file instead: py:path/to/file.py:function",
            ) from error


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Makes the modules of a folder importable inside the block, as when Python runs a script there."""
    sys.path.insert(0, str(folder.resolve()))
    try:
        yield
    finally:
        sys.path.remove(str(folder.resolve()))


def described(error: BaseException, path: Path) -> str:
    """Type and message of an exception, with the last line of the user's file in its traceback."""
    own = path.resolve()
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if Path(frame.filename).resolve() == own]
    # the message of a SyntaxError already includes the line
    place = f" (line {lines[-1]} of {path.name})" if lines and not isinstance(error, SyntaxError) else ""
    message = " ".join(str(error).split())
    return f"{type(error).__name__}: {message}{place}" if message else f"{type(error).__name__}{place}"
