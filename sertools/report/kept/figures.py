"""Stores drawn figures, so that no figure is drawn twice: drawing takes most of the time of a page.

A drawing is kept under a fingerprint of everything that decides it: the figure, the prefix of its ids, the
code that draws, and the versions of the libraries that do.
"""

import functools
import hashlib
import importlib.metadata
from pathlib import Path

from sertools import files
from sertools.report import figure_axes, figure_kinds, figures, word_cloud
from sertools.results import display
from sertools.results.result import Figure
from sertools.results.terms import names

CODE = (figures, figure_axes, figure_kinds, word_cloud, display, names)
"""Modules whose code decides how a figure looks."""


def draw(figure: Figure, salt: str, folder: Path | None) -> str:
    """The figure as one `<svg>` element; see `figures.draw`.

    Args:
        figure: what to draw
        salt: prefix of ids; letters, digits and hyphens
        folder: where drawings are kept; None to draw anew and keep nothing
    """
    if folder is None:
        return figures.draw(figure, salt)
    path = _path(figure, salt, folder)
    known = files.read_sealed(path)
    if known is None:
        known = figures.draw(figure, salt)
        files.write_sealed(path, known)
    return known


def is_kept(figure: Figure, salt: str, folder: Path) -> bool:
    """Whether there is a drawing of the figure, which may turn out to be damaged."""
    return _path(figure, salt, folder).is_file()


def _path(figure: Figure, salt: str, folder: Path) -> Path:
    """Where the drawing of a figure is kept."""
    hashed = hashlib.blake2b(f"{_code()} {salt} {figure.model_dump_json()}".encode(), digest_size=20)
    return folder / f"figure-{hashed.hexdigest()}.svg"


@functools.cache
def _code() -> str:
    """A fingerprint of the code that draws, and the versions of the libraries that do."""
    hashed = hashlib.blake2b(digest_size=20)
    for module in CODE:
        hashed.update(Path(str(module.__file__)).read_bytes())
    versions = " ".join(importlib.metadata.version(name) for name in ("matplotlib", "pillow"))
    return f"{hashed.hexdigest()} {versions}"
