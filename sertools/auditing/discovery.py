"""Finds audits by listing folders, without importing them, so that the command line's help is fast."""

import ast
import importlib.util
import re
from collections.abc import Sequence
from pathlib import Path

from sertools.errors import AuditError

_FIRST_LINE = re.compile(r'"""([^"\\\n]+)(?:"""|\n)')
"""The first line of a docstring that begins a file."""

_SIGNATURE = re.compile(r"^def audit\((.*?)\)\s*->", re.DOTALL | re.MULTILINE)
"""The parameters of an audit."""


def embedded_folder() -> Path:
    """The folder of the audits included in sertools, in a checkout or an installation."""
    spec = importlib.util.find_spec("sertools.audits")
    if spec is None or not spec.submodule_search_locations:
        raise AuditError("sertools is installed without its audits", hint="reinstall sertools")
    return Path(next(iter(spec.submodule_search_locations)))


def discover(folders: Sequence[Path] = ()) -> dict[str, Path]:
    """All available audits, name → file: those of sertools, then those of `folders`, without loading them.

    Raises:
        AuditError: a folder does not exist, or two audits have the same name
    """
    found: dict[str, Path] = {}
    for folder in (embedded_folder(), *folders):
        if not folder.is_dir():
            raise AuditError(f"no folder of audits at {folder}")
        for path in sorted([*folder.glob("[a-z]*.py"), *folder.glob("[a-z]*/__init__.py")], key=name_of):
            name = name_of(path)
            if name in found:
                raise AuditError(f"two audits are named {name!r}: {found[name]} and {path}")
            found[name] = path
    return found


def name_of(path: Path) -> str:
    """The name of an audit from its file, or from its folder where it has more than one file.

    >>> name_of(Path("audits/leakage.py")), name_of(Path("audits/fairness/__init__.py"))
    ('leakage', 'fairness')
    """
    return path.parent.name if path.stem == "__init__" else path.stem


def question(path: Path) -> str:
    """The first line of an audit's docstring, read without executing the file."""
    text = path.read_text(encoding="utf-8")
    usual = _FIRST_LINE.match(text)
    if usual:  # to parse the files of all audits takes a fifth of the time of `sertools --help`
        return usual[1].strip()
    return (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0]


def may_have_option(path: Path, name: str) -> bool:
    """Whether the source of an audit has a parameter of this name, read without executing it.

    True if its parameters are not found, because they are written in an unusual way.
    """
    signature = _SIGNATURE.search(path.read_text(encoding="utf-8"))
    return signature is None or re.search(rf"\b{re.escape(name)}\s*:", signature[1]) is not None
