"""Chooses the number format of a model: `--precision auto` uses bf16 only where tests show that it is safe.

Safe means that the hardware multiplies bf16 natively (see `models/device.py`), and that on the first clips of
the corpus no prediction differs by more than TOLERANCE from fp32. The choice is stored, so that a resumed run
uses the same format.
"""

import hashlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar, cast

import numpy as np
from numpy.typing import NDArray
from typing_extensions import TypeIs

from sertools.corpora.corpus import Corpus
from sertools.errors import StoreError
from sertools.files import read_json
from sertools.inference.decode import decode
from sertools.models.model import Model
from sertools.store.store import write_json
from sertools.tables.condition import Condition

TOLERANCE = 0.005
"""Largest allowed difference of bf16 from fp32: a tenth of the change that counts as none (Wagner §3.4)."""

CLIPS = 8
"""Number of clips to compare: the first clips of the corpus that can be decoded."""

TRIED = 64
"""Number of clips at the start of the corpus to try to decode for this."""

AnyModel = TypeVar("AnyModel")


class AutoPrecisionModel(Model, Protocol):
    """A model that can run in either number format under `--precision auto`.

    Attributes:
        needs_precision: whether the number format still has to be chosen
    """

    needs_precision: bool

    def with_precision(self, precision: str, **facts: Any) -> Self:
        """The same model in this number format, with a fingerprint for it and with facts about the choice."""
        ...


def chooses_precision(model: object) -> TypeIs[AutoPrecisionModel]:
    """Whether a model can run in either number format; asked by its methods, see `sertools.models.model`."""
    return callable(getattr(model, "with_precision", None)) and hasattr(model, "needs_precision")


def choose_precision(model: AnyModel, corpus: Corpus, corpus_fingerprint: str, root: Path) -> AnyModel:
    """Chooses the number format of a model on a corpus; a model that needs no choice is returned unchanged.

    Args:
        model: any model
        corpus: its first clips are used to compare fp32 and bf16
        corpus_fingerprint: the corpus' fingerprint
        root: root folder of the store, where the choice is stored

    Raises:
        StoreError: the choice cannot be stored
    """
    if not chooses_precision(model) or not model.needs_precision:
        return model
    # the model's fingerprint includes the device, on which the comparison depends
    key = f"{model.fingerprint}\n{corpus_fingerprint}"
    path = root / "precision" / f"{hashlib.blake2b(key.encode(), digest_size=10).hexdigest()}.json"
    choice = _stored_choice(path)
    if choice is None:
        choice = compare(model, corpus)
        write_json(path, choice)
    return cast(AnyModel, model.with_precision(**choice))


def _stored_choice(path: Path) -> dict[str, Any] | None:
    """The choice that an earlier run stored; None if there is none, or if the file is damaged."""
    try:
        choice = read_json(path, error=StoreError, what="the chosen number format")
    except StoreError:
        return None
    if not isinstance(choice, dict) or choice.get("precision") not in {"fp32", "bf16"}:
        return None
    return choice


def compare(model: AutoPrecisionModel, corpus: Corpus) -> dict[str, Any]:
    """Compares bf16 with fp32 on the first clips and chooses one of them.

    Returns:
        `precision`, `precision_reason`, and, if measured, `precision_difference` (the largest absolute
        difference of any score) and `precision_clips` (number of clips compared)
    """
    signals = list(islice(_signals(model, corpus), CLIPS))
    if not signals:
        return {"precision": "fp32", "precision_reason": "no clip could be decoded to compare bf16 with fp32"}
    if not model.labels:
        return {"precision": "fp32", "precision_reason": "a bare encoder has no predictions to compare"}
    exact, quick = (model.with_precision(name).predict(signals).scores for name in ("fp32", "bf16"))
    if not (np.isfinite(exact).all() and np.isfinite(quick).all()):
        return {"precision": "fp32", "precision_reason": "a prediction is not a finite number"}
    difference = float(np.abs(exact.astype(np.float64) - quick).max())
    close = difference <= TOLERANCE
    found = "no" if close else "a"
    return {
        "precision": "bf16" if close else "fp32",
        "precision_reason": f"{found} prediction in bf16 differs by more than {TOLERANCE:g} from fp32",
        "precision_difference": difference,
        "precision_clips": len(signals),
    }


def _signals(model: Model, corpus: Corpus) -> Iterator[NDArray[np.float32]]:
    for clip in corpus.clips.index[:TRIED]:
        decoded = decode(corpus, clip, model, Condition())
        if decoded.signal is not None:
            yield decoded.signal
