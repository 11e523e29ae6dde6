"""Audit a speech emotion recognition model before people rely on it."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sertools.corpora.corpus import Corpus as Corpus
    from sertools.corpora.load import load_corpus as load_corpus
    from sertools.models.load import LoadOptions as LoadOptions
    from sertools.models.load import load_model as load_model

__version__ = "0.1.0"

_PUBLIC = {
    "Corpus": "corpora.corpus",
    "load_corpus": "corpora.load",
    "LoadOptions": "models.load",
    "load_model": "models.load",
}


def __getattr__(name: str) -> Any:
    """Import public names on first use, so that `import sertools` is fast."""
    import importlib

    if name in _PUBLIC:
        return getattr(importlib.import_module(f"sertools.{_PUBLIC[name]}"), name)
    raise AttributeError(f"module 'sertools' has no attribute {name!r}")
