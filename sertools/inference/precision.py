"""Chooses the number format of a model: `--precision auto` uses bf16 only where tests show that it is safe.

Safe means that the hardware multiplies bf16 natively (see `models/device.py`), and that on a random sample of
the corpus no prediction differs by more than TOLERANCE from fp32. The sample grows with the corpus, and the
reason states what it does not exclude: the share of clips that may differ by more. Audits whose verdicts
could change by such differences are computed in fp32, see `pipeline/number_format.py`. The choice is stored,
so that a resumed run uses the same format.
"""

import hashlib
import math
from collections.abc import Iterator, Sequence
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
from sertools.inference.settings import Settings
from sertools.models.model import Model
from sertools.store.store import write_json
from sertools.tables.condition import Condition

TOLERANCE = 0.005
"""Largest allowed difference of bf16 from fp32: a tenth of the change that counts as none (Wagner §3.4)."""

MIN_CLIPS = 32
"""Smallest number of clips to compare; the root of the number of clips in a large corpus. A corpus of fewer
clips is computed in fp32: to compare the formats would take longer than bf16 could save."""

TRIED_PER_CLIP = 8
"""Number of clips to try to decode for each clip to compare."""

BATCH = 8
"""Number of clips that are in memory at once."""

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


def choose_precision(
    model: AnyModel, corpus: Corpus, corpus_fingerprint: str, settings: Settings
) -> AnyModel:
    """Chooses the number format of a model on a corpus; a model that needs no choice is returned unchanged.

    Args:
        model: any model
        corpus: some of its clips are used to compare fp32 and bf16
        corpus_fingerprint: the corpus' fingerprint
        settings: the root folder of the store, where the choice is stored, and how to show the progress

    Raises:
        StoreError: the choice cannot be stored
    """
    if not chooses_precision(model) or not model.needs_precision:
        return model
    # the model's fingerprint includes the device, on which the comparison depends
    key = f"{model.fingerprint}\n{corpus_fingerprint}"
    path = settings.root / "precision" / f"{hashlib.blake2b(key.encode(), digest_size=10).hexdigest()}.json"
    choice = _stored_choice(path)
    if choice is None and len(corpus.clips) < MIN_CLIPS:
        choice = {
            "precision": "fp32",
            "precision_reason": f"with fewer than {MIN_CLIPS} clips, comparing bf16 with fp32 takes longer "
            "than bf16 could save",
        }
    elif choice is None:
        choice = compare(model, corpus, settings)
        write_json(path, choice)
    return cast(AnyModel, model.with_precision(**choice))


def _stored_choice(path: Path) -> dict[str, Any] | None:
    """The choice that an earlier run stored; None if there is none, if it is damaged, or of fewer clips."""
    try:
        choice = read_json(path, error=StoreError, what="the chosen number format")
    except StoreError:
        return None
    if not isinstance(choice, dict) or choice.get("precision") not in {"fp32", "bf16"}:
        return None
    if choice["precision"] == "bf16" and "precision_exceeding" not in choice:
        return None  # of an earlier version, which compared the first eight clips
    return choice


def compare(model: AutoPrecisionModel, corpus: Corpus, settings: Settings) -> dict[str, Any]:
    """Compares bf16 with fp32 on a random sample of clips and chooses one of them.

    Returns:
        `precision`, `precision_reason`, and, if measured, `precision_clips` (n, the number of clips
        compared), `precision_difference` (the largest absolute difference of any score),
        `precision_exceeding` (the share of clips that may differ by more, at most, see `exceeding`),
        `precision_shift` (upper end of the 95 % interval of the largest mean difference of a label) and,
        where bf16 is near enough only with them, `precision_exact_parts` (parts that stay in fp32)
    """
    if not model.labels:
        return {"precision": "fp32", "precision_reason": "a bare encoder has no predictions to compare"}
    signals = _sample_signals(model, corpus)
    if not signals:
        return {"precision": "fp32", "precision_reason": "no clip could be decoded to compare bf16 with fp32"}
    exact = _scores(model.with_precision("fp32"), signals, settings)
    first: dict[str, Any] = {}
    for tried, parts in enumerate(_choices(model), start=1):
        stated = {"precision_exact_parts": list(parts)} if parts else {}
        differences = _scores(model.with_precision("bf16", **stated), signals, settings) - exact
        if not np.isfinite(differences).all():
            return {"precision": "fp32", "precision_reason": "a prediction is not a finite number"}
        choice = _judged(differences, len(corpus.clips), tried) | stated
        if choice["precision"] == "bf16":
            return choice
        first = first or choice
    return first


def _choices(model: AutoPrecisionModel) -> list[tuple[str, ...]]:
    """Parts of a model that may stay in fp32 while the rest is computed in bf16: none, each of them, all."""
    parts = tuple(getattr(model, "parts", ()))
    return [(), *((part,) for part in parts), *([parts] if len(parts) > 1 else [])]


def _judged(differences: NDArray[np.float64], total: int, tried: int) -> dict[str, Any]:
    """The choice of a number format by the differences (n, labels) on clips of a corpus.

    Args:
        differences: of bf16 from fp32
        total: clips of the corpus
        tried: how many sets of parts in fp32 have been compared on these clips, for the bound of the share
    """
    n, difference = len(differences), float(np.abs(differences).max())
    share = exceeding(n, total, tried)
    compared = f"on all {n} clips" if n == total else f"on {n} of {total} clips, drawn at random"
    if difference > TOLERANCE:
        precision = "fp32"
        reason = f"a prediction in bf16 differs by {difference:.4f} from fp32, more than {TOLERANCE:g}"
    else:
        most = math.ceil(difference * 1e4 - 1e-3) / 1e4  # rounded up but for the error of fp32
        precision, reason = "bf16", f"no prediction in bf16 differs by more than {most:.4f} from fp32"
        if share:
            reason += f"; with 95 % confidence, fewer than {100 * share:.1f} % of the clips differ by more"
    return {
        "precision": precision,
        "precision_reason": f"{compared}, {reason}",
        "precision_difference": difference,
        "precision_clips": n,
        "precision_exceeding": share,
        "precision_shift": _shift(differences),
    }


def exceeding(n: int, total: int, tried: int = 1) -> float:
    """Upper 95 % bound of the share of clips that differ by more than the largest of n drawn differences.

    1 − (.05 / tried)^(1/n): if a larger share did, the chance that none of them is drawn would be below
    5 % (Wilks 1941), shared by all ways that were tried on these clips (Bonferroni). 0 if all clips were
    compared.

    >>> round(exceeding(59, 10_000), 4), exceeding(12, 12), round(exceeding(59, 10_000, 2), 4)
    (0.0495, 0.0, 0.0606)
    """
    return 0.0 if n >= total else 1 - (0.05 / tried) ** (1 / n)


def _shift(differences: NDArray[np.float64]) -> float:
    """Upper end of the 95 % interval of the mean difference, (n, labels), the largest of all labels."""
    from scipy.special import stdtrit  # slow to import

    n, mean = len(differences), np.abs(differences.mean(axis=0))
    if n < 2:
        return float(np.abs(differences).max())
    half = stdtrit(n - 1, 0.975) * differences.std(axis=0, ddof=1) / math.sqrt(n)
    return float((mean + half).max())


def sample(clips: Sequence[str]) -> list[str]:
    """Clips in a random order that depends on their ids alone, so that no order of rows changes the sample.

    >>> sample(["a", "b", "c"]) == sample(["c", "b", "a"])
    True
    """
    return sorted(clips, key=lambda clip: hashlib.blake2b(clip.encode(), digest_size=16).digest())


def _sample_signals(model: Model, corpus: Corpus) -> list[NDArray[np.float32]]:
    """The signals of the clips of the sample."""
    wanted = max(MIN_CLIPS, math.ceil(math.sqrt(len(corpus.clips))))
    return list(islice(_signals(model, corpus, wanted), wanted))


def _scores(model: Model, signals: Sequence[NDArray[np.float32]], settings: Settings) -> NDArray[np.float64]:
    """Scores of signals, shape (n, labels), a few at a time."""
    rows = []
    with settings.progress("comparison of bf16 with fp32", len(signals)) as advance:
        for i in range(0, len(signals), BATCH):
            some = signals[i : i + BATCH]
            rows.append(model.predict(some).scores.astype(np.float64))
            advance(len(some))
    return np.concatenate(rows)


def _signals(model: Model, corpus: Corpus, wanted: int) -> Iterator[NDArray[np.float32]]:
    for clip in sample(list(map(str, corpus.clips.index)))[: TRIED_PER_CLIP * wanted]:
        decoded = decode(corpus, clip, model, Condition())
        if decoded.signal is not None:
            yield decoded.signal
