"""Which number format a model runs in: `--precision auto` takes bf16 only where it was seen to be safe.

Safe means that the hardware multiplies bf16 natively (see `models/device.py`), and that on the first clips of
the corpus no prediction is further than TOLERANCE from fp32. What was chosen is kept in the store, so that a
resumed run chooses alike.
"""

import hashlib
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar, cast, runtime_checkable

import numpy as np

from sertools.condition import Condition
from sertools.corpus import Corpus
from sertools.engine import hear
from sertools.model import Model
from sertools.store import write_text

TOLERANCE = 0.005
"""How far a prediction in bf16 may lie from fp32: a tenth of the change that counts as none (Wagner §3.4)."""

CLIPS = 8
"""Clips that are compared: the first of the corpus that can be heard …"""

TRIED = 64
"""… among this many."""

AnyModel = TypeVar("AnyModel")


@runtime_checkable
class Undecided(Model, Protocol):
    """A model that can run in either format and was asked to choose.

    Attributes:
        undecided: whether `--precision auto` still stands open
    """

    undecided: bool

    def at(self, precision: str, **facts: Any) -> Self:
        """The same model in a format, with its own fingerprint and with facts on the choice."""
        ...


def settle(model: AnyModel, corpus: Corpus, sound: str, root: Path) -> AnyModel:
    """The model in the format that suits it and this corpus; one that is not undecided comes back as it is.

    Args:
        model: any model
        corpus: on whose first clips fp32 and bf16 are compared
        sound: the corpus' fingerprint
        root: of the store, where the choice is kept

    Raises:
        StoreError: the choice cannot be kept
    """
    if not isinstance(model, Undecided) or not model.undecided:
        return model
    known = settled(model, sound, root)
    if not (isinstance(known, Undecided) and known.undecided):
        return known
    choice = compare(model, corpus)
    write_text(_path(model, sound, root), json.dumps(choice, indent=1) + "\n")
    return cast(AnyModel, _chosen(model, choice))


def settled(model: AnyModel, sound: str, root: Path) -> AnyModel:
    """The model in the format that was chosen before for this corpus; as it is where nothing was."""
    if not isinstance(model, Undecided) or not model.undecided:
        return model
    try:
        choice = json.loads(_path(model, sound, root).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return model
    if not isinstance(choice, dict) or choice.get("precision") not in {"fp32", "bf16"}:
        return model
    return cast(AnyModel, _chosen(model, choice))


def compare(model: Undecided, corpus: Corpus) -> dict[str, Any]:
    """How far bf16 is from fp32 on the first clips, and which of them that speaks for.

    Returns:
        `precision`, `precision_reason`, and where it was measured `precision_difference` (the largest
        absolute difference of any score) and `precision_clips` (how many were compared)
    """
    signals = list(islice(_signals(model, corpus), CLIPS))
    if not signals:
        return {"precision": "fp32", "precision_reason": "no clip to compare bf16 on could be heard"}
    if not model.labels:
        return {"precision": "fp32", "precision_reason": "a bare encoder has no predictions to compare"}
    exact, quick = (model.at(name).predict(signals).scores for name in ("fp32", "bf16"))
    if not (np.isfinite(exact).all() and np.isfinite(quick).all()):
        return {"precision": "fp32", "precision_reason": "a prediction is not a finite number"}
    difference = float(np.abs(exact.astype(np.float64) - quick).max())
    close = difference <= TOLERANCE
    found = "no" if close else "a"
    return {
        "precision": "bf16" if close else "fp32",
        "precision_reason": f"{found} prediction in bf16 is further than {TOLERANCE:g} from fp32",
        "precision_difference": difference,
        "precision_clips": len(signals),
    }


def _signals(model: Model, corpus: Corpus) -> Iterator[np.ndarray]:
    for clip in corpus.clips.index[:TRIED]:
        heard = hear(corpus, clip, model, Condition())
        if heard.signal is not None:
            yield heard.signal


def _path(model: Model, sound: str, root: Path) -> Path:
    # the model's fingerprint names the device too, and so what was compared
    name = hashlib.blake2b(f"{model.fingerprint}\n{sound}".encode(), digest_size=10).hexdigest()
    return root / "precision" / f"{name}.json"


def _chosen(model: Undecided, choice: dict[str, Any]) -> Undecided:
    return model.at(**choice)
