"""Small trees in the published layout of corpora that are not here, and what must be read from them.

The layouts come from public descriptions and from what other public readers do with the released files; no
tree holds anything of a release.
"""

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import soundfile


@dataclass(frozen=True, kw_only=True)
class Tree:
    """A corpus in miniature.

    Attributes:
        sounds: paths of sound files
        texts: path of a table → its content
        clips: file → what must be read of it
        flat: name of each sound where all lie in one folder; empty if names alone do not tell the labels
        raters: rows of clip, rater and emotion; those of `raters(root)`
    """

    sounds: tuple[str, ...]
    texts: dict[str, str | bytes] = field(default_factory=dict)
    clips: dict[str, dict[str, Any]]
    flat: tuple[str, ...] = ()
    raters: tuple[tuple[str, str, str], ...] = ()


def make(tree: Tree, root: Path, sounds: tuple[str, ...] | None = None) -> Path:
    """The tree below `root`."""
    for path in tree.sounds if sounds is None else sounds:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(SOUND)
    for path, content in tree.texts.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def _sound() -> bytes:
    stream = io.BytesIO()
    soundfile.write(stream, np.zeros(16), 16000, format="WAV")
    return stream.getvalue()


SOUND = _sound()
"""A WAV file of one millisecond."""
