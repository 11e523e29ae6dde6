"""Your own Python function, `package.module:function` or `file.py:function`, e.g. to call a remote service.

    def emotions(signals, rate):
        return [{"arousal": 0.4, "valence": 0.6} for signal in signals]

It receives a list of signals, float32 of shape (samples,) in [-1, 1], and the sampling rate in Hz. It returns
one row of numbers per signal, or a dict label → numbers, or one dict label → number per signal. Optional
attributes of the function:

| attribute | meaning |
|---|---|
| `labels` | names of the numbers in a row; or use `--labels` |
| `sampling_rate` | required sampling rate in Hz; default 16000, or `--sampling-rate` |
| `task` | `regression`, `single_label` or `multi_label`; by default derived from the labels |
| `shortest` | minimum number of samples; default 1 |

The rows are used as scores without any change: probabilities for emotions, values in [0, 1] for dimensions.
"""

import hashlib
import inspect
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from sertools.errors import ModelError
from sertools.models.checks import are_probabilities, check_finite, check_rate, check_steady, trial
from sertools.models.load import LoadOptions
from sertools.models.loaded import LoadedSignalModel, signal_facts
from sertools.models.model import Outputs, Signal, Task
from sertools.models.returned_scores import in_order, labels_of, rows
from sertools.models.task import task_of
from sertools.models.user_code import FAILURES, described, imported

SCHEME = "py"
READS = ("labels", "sampling_rate", "model_scale")
RATE_HZ = 16000

REPEAT = 64
"""The first clip is predicted again after this many others, to detect predictions that drift."""

NOT_COVERED = (
    "The fingerprint covers only the file with the function, not what it imports, reads or requests over the "
    "network; after a change there, use a different --cache."
)

FINGERPRINT_VERSION = "py-1"
"""Increased whenever a change of this kind of model changes results; part of the fingerprint."""


@dataclass(kw_only=True)
class FunctionModel(LoadedSignalModel):
    """A Python function that computes scores from signals; see `Model`.

    Attributes:
        function: of the user
        source: its Python file
        first: the first clip and its scores, for repetition; None before the first call
        since: number of clips since the last repetition
    """

    function: Callable[..., Any]
    source: Path
    first: tuple[Signal, NDArray[np.float64]] | None = None
    since: int = 0

    def predict(self, signals: Sequence[Signal], *, layers: bool = False) -> Outputs:
        """Scores of signals; there are no layers.

        The first two clips are predicted twice, and the first one again every `REPEAT` clips; the engine asks
        for it once more before it stores predictions (`check_drift`).

        Raises:
            ModelError: the function fails, returns a wrong number of rows or labels, or is not deterministic
        """
        scores, found = _scores(self.function, signals, self.sampling_rate, self.name, self.source)
        scores = in_order(scores, found, self.labels, self.name)
        if self.first is None:
            self._check_steady(signals[:2], scores[:2])
            self.first = signals[0].copy(), scores[:1]
        self.since += len(signals)
        if self.since >= REPEAT:
            self.check_drift()
        return Outputs(scores=self.rated(scores).astype(np.float32))

    def check_drift(self) -> None:
        """Predicts the first clip again if other clips followed it since it was last predicted.

        Raises:
            ModelError: the prediction differs from the first one
        """
        if self.first is not None and self.since:
            self._check_steady([self.first[0]], self.first[1])
            self.since = 0

    def _check_steady(self, signals: Sequence[Signal], before: NDArray[np.float64]) -> None:
        again, found = _scores(self.function, signals, self.sampling_rate, self.name, self.source)
        check_steady(before, in_order(again, found, self.labels, self.name), self.name)


def load(rest: str, options: LoadOptions) -> FunctionModel:
    """Loads the function from a file or an importable module.

    Raises:
        ModelError: the function does not exist, cannot be imported, or returns unusable predictions for noise
    """
    function, source = imported(rest)
    name = rest.rpartition(":")[2]
    rate = options.sampling_rate or _positive(function, "sampling_rate", RATE_HZ, name)
    check_rate(rate, name)
    first, found = _scores_of_noise(function, rate, name, source)
    labels = labels_of(options.labels, getattr(function, "labels", ()), found, first.shape[1], name)
    task = _task(function, labels, name)
    notes = [NOT_COVERED]
    if task == "single_label" and not are_probabilities(in_order(first, found, labels, name)):
        notes.append("The function's rows are not probabilities (they do not sum to 1); the highest counts.")
    return FunctionModel(
        name=name,
        labels=labels,
        task=task,
        sampling_rate=rate,
        shortest=_positive(function, "shortest", 1, name),
        fingerprint=_fingerprint(source, name, labels, rate, task),
        facts=signal_facts(
            "Python function",
            rest,
            {
                "architecture": (inspect.getdoc(function) or name).partition("\n")[0],
                "head": f"function {name}",
                "features": "raw signal",
            },
            labels=labels,
            task=task,
            sampling_rate=rate,
            further={"notes": notes},
        ),
        function=function,
        source=source,
    )


def _scores_of_noise(
    function: Callable[..., Any], rate: int, name: str, source: Path
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Scores and labels for clips of noise, after checking that the scores are finite and repeatable."""
    clips = trial(rate)
    first, found = _scores(function, clips, rate, name, source)
    check_finite(first, name)
    # in reverse order, to detect predictions that depend on the other clips of the call
    again, _ = _scores(function, clips[::-1], rate, name, source)
    check_steady(first, again[::-1], name)
    return first, found


def _scores(
    function: Callable[..., Any], signals: Sequence[Signal], rate: int, name: str, source: Path
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """The function's scores (n, c), and the labels that it returned with them, if any."""
    # copies, because a function may modify its input in place
    copies = [signal.copy() for signal in signals]
    try:
        with redirect_stdout(sys.stderr):  # anything it prints must not mix with the data on stdout
            answer = function(copies, rate)
    except FAILURES as error:
        raise ModelError(f"{name} fails on {len(signals)} signals: {described(error, source)}") from error
    return rows(answer, len(signals), name)


def _task(function: Any, labels: Sequence[str], name: str) -> Task:
    stated = getattr(function, "task", None)
    if stated is None:
        return task_of(None, labels)
    known = [task for task in get_args(Task) if task != "encoder"]
    if stated not in known:
        raise ModelError(f"{name}.task is {stated!r}", hint=f"it must be one of {', '.join(known)}")
    task: Task = stated
    return task


def _positive(function: Any, attribute: str, default: int, name: str) -> int:
    value = getattr(function, attribute, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ModelError(f"{name}.{attribute} is {value!r}, not a positive integer")
    return value


def _fingerprint(source: Path, name: str, labels: Sequence[str], rate: int, task: str) -> str:
    digest = hashlib.blake2b(f"{FINGERPRINT_VERSION} {name} {labels} {rate} {task}".encode(), digest_size=16)
    digest.update(source.read_bytes())
    return digest.hexdigest()
