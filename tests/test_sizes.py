"""How large files and functions are.

The lines of a function are counted without its docstring, which describes every parameter and so grows with
them; those of a command also without its parameters, which are its options. In the functions whose keyword
arguments are options of users, those that `sertools` exports and `audit` of every audit, only the other
parameters count: a caller names the few options that it changes.
"""

import ast
from pathlib import Path

import sertools
from tests.helpers.places import ROOT
from tests.helpers.syntax import statements

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 50
MAX_PARAMETERS = 7
MAX_MODULES = 12
MAY_HOLD_MORE = {
    "sertools/cli/commands",
    "sertools/corpora/registered",
    "sertools/metrics",
    "sertools/models/kinds",
    "sertools/training/objectives",
}
"""Folders that grow by a file with each thing of their kind."""

FILES = sorted(
    path for folder in ("sertools", "audits", "examples", "tests") for path in (ROOT / folder).rglob("*.py")
)
PACKAGES = sorted(
    {str(path.parent.relative_to(ROOT)) for path in FILES if path.parts[len(ROOT.parts)] != "tests"}
)
Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(text: str) -> list[Function]:
    """All functions of a file, also those inside classes and functions."""
    return [node for node in statements(text) if isinstance(node, Function)]


def lines(function: Function) -> int:
    """Number of lines of a function, its signature included and its docstring left out."""
    first = function.body[0]
    described = ast.get_docstring(function, clean=False) is not None
    return length(function) - (length(first) if described else 0)


def length(node: ast.stmt) -> int:
    assert node.end_lineno is not None
    return node.end_lineno - node.lineno + 1


def parameters(function: Function, *, options: bool) -> int:
    """Number of parameters besides `self`; keyword-only ones do not count if they are options of users."""
    given = function.args
    named = [each.arg for each in (*given.posonlyargs, *given.args)]
    optional = 0 if options else len(given.kwonlyargs) + (given.kwarg is not None)
    return len(named) - (named[:1] in (["self"], ["cls"])) + (given.vararg is not None) + optional


def takes_options(path: Path, function: Function) -> bool:
    """Whether the keyword arguments of a function are options of users."""
    if path.is_relative_to(ROOT / "sertools" / "api"):
        return function.name in sertools.__all__
    return path.is_relative_to(ROOT / "audits") and function.name == "audit"


def is_command(path: Path, function: Function) -> bool:
    """Whether the parameters of a function are the options of a command, one a line."""
    return path.parent == ROOT / "sertools" / "cli" / "commands" and not function.name.startswith("_")


def length_of_options(function: Function) -> int:
    """Number of lines of the parameters of a command."""
    given = function.args.args
    return (function.body[0].lineno - 1 - given[0].lineno) if given else 0


def too_large(path: Path) -> list[object]:
    """What is too long in a file: the file itself, functions, lists of parameters."""
    text = path.read_text(encoding="utf-8")
    found, length = functions(text), len(text.splitlines())
    counted = [(e.name, lines(e) - (length_of_options(e) if is_command(path, e) else 0)) for e in found]
    faults: list[object] = [length] if length > MAX_FILE_LINES else []
    faults += [each for each in counted if each[1] > MAX_FUNCTION_LINES]
    if not path.is_relative_to(ROOT / "sertools" / "cli"):
        taken = [(each.name, parameters(each, options=takes_options(path, each))) for each in found]
        faults += [each for each in taken if each[1] > MAX_PARAMETERS]
    return faults


def test_files_and_functions_are_small():
    faults = {str(path.relative_to(ROOT)): too_large(path) for path in FILES}
    assert {path: found for path, found in faults.items() if found} == {}


def test_lines_and_parameters_are_counted_as_described():
    plain, method, nested = functions(
        'def plain(a, /, b, *c, d, **e):\n    """One.\n\n    Two.\n    """\n    return a\n'
        "class C:\n    def method(self, a,\n        *, b):\n        pass\n        def nested(): ...\n"
    )
    assert [lines(each) for each in (plain, method, nested)] == [2, 4, 1]
    assert [parameters(each, options=False) for each in (plain, method, nested)] == [5, 2, 0]
    assert [parameters(each, options=True) for each in (plain, method, nested)] == [3, 1, 0]


def test_packages_hold_few_modules():
    held = {
        package: len([path for path in (ROOT / package).glob("*.py") if path.name != "__init__.py"])
        for package in PACKAGES
    }
    large = {each: n for each, n in held.items() if n > MAX_MODULES and each not in MAY_HOLD_MORE}
    assert large == {}, "make folders of what goes together"
