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
| `task` | `regression`, `single_label` or `multi_label`; by default derived from the labels; or `encoder` |
| `layers` | another function of the same signals and rate, which returns layers for audits of layers |
| `shortest` | minimum number of samples; default 1 |

Layers are one vector per signal, shape (n, d), or one per signal and layer, (n, l, d). A function whose
`task` is `encoder` returns layers itself, and no scores.

The rows are used as scores without any change: probabilities for emotions, values in [0, 1] for dimensions.

A function may also answer in words: one word or sentence per signal, or pairs such as ("angry", 0.8) with a
confidence in [0, 1]; beside ratings, the word stands under the key `emotion`. The classes are `labels`, or
else the emotions of the corpus. An answer that names none of them counts as wrong, and its text is listed.
"""

import hashlib
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from sertools.errors import ModelError
from sertools.models.checks import are_probabilities, check_finite, check_rate, check_steady, trial
from sertools.models.load import LoadOptions
from sertools.models.loaded import LoadedSignalModel, signal_facts
from sertools.models.model import Outputs, Signal, Task
from sertools.models.returned_scores import as_layers, check_steady_layers, in_order, labels_of, rows
from sertools.models.task import task_of
from sertools.models.user_code import FAILURES, described, imported, name_of, source_of
from sertools.models.words.answers import WORDS, scores_of
from sertools.models.words.parse import RULE
from sertools.models.words.returned import classes_of, split
from sertools.wording import plural

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


@dataclass(frozen=True, kw_only=True)
class Answered:
    """Return value of the function for n signals: scores (n, c), labels if it names them, and reasons."""

    scores: NDArray[np.float64]
    labels: tuple[str, ...]
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Call:
    """How the user's function is called, and how its answers are read.

    Attributes:
        function: of the user
        source: its Python file
        content: what decides its answers, as far as it is known: for the fingerprint
        name: of the function, for messages
        rate: sampling rate of the signals, in Hz
        classes: that answers in words may name; empty for a function that returns numbers
        label_map: theirs → ours, for answers in words
    """

    function: Callable[..., Any]
    source: Path
    content: bytes
    name: str
    rate: int
    classes: tuple[str, ...] = ()
    label_map: Mapping[str, str] = field(default_factory=dict)

    def raw(self, signals: Sequence[Signal]) -> Any:
        """What the function returns.

        Raises:
            ModelError: the function fails
        """
        # copies, because a function may modify its input in place
        copies = [signal.copy() for signal in signals]
        try:
            with redirect_stdout(sys.stderr):  # anything it prints must not mix with the data on stdout
                return self.function(copies, self.rate)
        except FAILURES as error:
            what = described(error, self.source)
            raise ModelError(f"{self.name} fails on {len(signals)} signals: {what}") from error

    @property
    def encodes(self) -> bool:
        """Whether the function returns layers instead of scores."""
        return getattr(self.function, "task", None) == "encoder"

    @property
    def has_layers(self) -> bool:
        """Whether there is a function that returns layers."""
        return self.encodes or callable(getattr(self.function, "layers", None))

    def layers(self, signals: Sequence[Signal]) -> NDArray[np.float32]:
        """Layers of signals, shape (n, l, d).

        Raises:
            ModelError: the function fails, or returns another shape, or values that are not finite
        """
        inner = self if self.encodes else replace(self, function=self.function.layers)  # type: ignore[attr-defined]
        return as_layers(inner.raw(signals), len(signals), self.name)

    def __call__(self, signals: Sequence[Signal]) -> Answered:
        """The function's answers as scores; none if it returns layers.

        Raises:
            ModelError: the function fails, or does not return one row or word per signal
        """
        if self.encodes:
            return Answered(scores=np.empty((len(signals), 0)), labels=())
        rest, words = split(self.raw(signals), expected=bool(self.classes))
        if words is None or not self.classes:
            if self.classes or words is not None:
                raise ModelError(f"{self.name} answers in words for some signals and in numbers for others")
            numbers, named = rows(rest, len(signals), self.name)
            return Answered(scores=numbers, labels=named)
        if len(words) != len(signals):
            raise ModelError(f"{self.name} returns {len(words)} words for {plural(len(signals), 'signal')}")
        scores, reasons = scores_of(words, self.classes, self.label_map, self.name)
        labels = self.classes
        if rest is not None:
            numbers, named = rows(rest, len(signals), self.name)
            scores, labels = np.concatenate([scores, numbers], axis=1), (*labels, *named)
        return Answered(scores=scores, labels=labels, reasons=tuple(reasons))


@dataclass(kw_only=True)
class FunctionModel(LoadedSignalModel):
    """A Python function that computes scores from signals; see `Model`.

    Attributes:
        call: how the function is called
        first: the first clip and its scores, for repetition; None before the first call
        since: number of clips since the last repetition
    """

    call: Call
    first: tuple[Signal, NDArray[np.float64]] | None = None
    since: int = 0

    def predict(self, signals: Sequence[Signal], *, layers: bool = False) -> Outputs:
        """Scores of signals, and layers if the function has them.

        The first two clips are predicted twice, and the first one again every `REPEAT` clips; the engine asks
        for it once more before it stores predictions (`check_drift`).

        Raises:
            ModelError: the function fails, returns a wrong number of rows or labels, or is not deterministic
        """
        scores, reasons = self._ordered(signals)
        if self.first is None:
            self._check_steady(signals[:2], scores[:2])
            self.first = signals[0].copy(), scores[:1]
        self.since += len(signals)
        if self.since >= REPEAT:
            self.check_drift()
        found = self.call.layers(signals) if layers and self.call.has_layers else None
        return Outputs(scores=self.rated(scores).astype(np.float32), layers=found, reasons=reasons)

    def _ordered(self, signals: Sequence[Signal]) -> tuple[NDArray[np.float64], tuple[str, ...]]:
        """Scores in the order of the labels, and reasons for those that are absent."""
        answered = self.call(signals)
        return in_order(answered.scores, answered.labels, self.labels, self.name), answered.reasons

    def check_drift(self) -> None:
        """Predicts the first clip again if other clips followed it since it was last predicted.

        Raises:
            ModelError: the prediction differs from the first one
        """
        if self.first is not None and self.since:
            self._check_steady([self.first[0]], self.first[1])
            self.since = 0

    def _check_steady(self, signals: Sequence[Signal], before: NDArray[np.float64]) -> None:
        check_steady(before, self._ordered(signals)[0], self.name)


def load(rest: str, options: LoadOptions) -> FunctionModel:
    """Loads the function from a file or an importable module.

    Raises:
        ModelError: the function does not exist, cannot be imported, or returns unusable predictions for noise
    """
    function, source = imported(rest)
    return _model_of(function, source, source.read_bytes(), rest, options)


def load_callable(function: Callable[..., Any], options: LoadOptions) -> FunctionModel:
    """A model from a function, or an object that can be called, of the running program or notebook.

    Its fingerprint covers its source, and its answers to noise, which change with what it reads elsewhere.

    Raises:
        ModelError: the function returns unusable predictions for noise
    """
    source, code = source_of(function)
    model = _model_of(function, source, code, f"{name_of(function)} of the running program", options)
    digest = hashlib.blake2b(model.fingerprint.encode(), digest_size=16)
    clips = trial(model.sampling_rate)
    digest.update(model.call(clips).scores.tobytes())
    if model.call.has_layers:
        digest.update(model.call.layers(clips).tobytes())
    return replace(model, fingerprint=digest.hexdigest())


def _model_of(
    function: Callable[..., Any], source: Path, content: bytes, where: str, options: LoadOptions
) -> FunctionModel:
    """The model that a function is.

    Args:
        function: of the user
        source: its Python file
        content: what decides its answers, as far as it is known
        where: what its facts give as source
        options: labels, sampling rate and others
    """
    name = name_of(function)
    rate = options.sampling_rate or _positive(function, "sampling_rate", RATE_HZ, name)
    check_rate(rate, name)
    call = _with_classes(
        Call(function=function, source=source, content=content, name=name, rate=rate), options
    )
    first = _answers_to_noise(call)
    if call.has_layers:
        check_steady_layers(call.layers, trial(rate), name)
    given, stated = (() if call.classes else x for x in (options.labels, getattr(function, "labels", ())))
    labels = () if call.encodes else labels_of(given, stated, first.labels, first.scores.shape[1], name)
    task = _task(function, labels, name)
    notes = [NOT_COVERED]
    scores = in_order(first.scores, first.labels, labels, name)
    if task == "single_label" and not call.classes and not are_probabilities(scores):
        notes.append("The function's rows are not probabilities (they do not sum to 1); the highest counts.")
    return FunctionModel(
        name=name,
        labels=labels,
        task=task,
        sampling_rate=rate,
        shortest=_positive(function, "shortest", 1, name),
        fingerprint=_fingerprint(call, labels, task),
        facts=signal_facts(
            "Python function",
            where,
            {
                "architecture": (inspect.getdoc(function) or name).partition("\n")[0],
                "head": "none" if call.encodes else f"function {name}",
                "features": "raw signal",
            },
            labels=labels,
            task=task,
            sampling_rate=rate,
            further={**({"answers": WORDS} if call.classes else {}), "notes": notes},
        ),
        call=call,
        of_corpus=bool(call.classes),
    )


def _with_classes(call: Call, options: LoadOptions) -> Call:
    """The call with the classes that the function's words may name, if it answers in words."""
    if call.encodes:
        return call
    clips = trial(call.rate)
    rest, words = split(call.raw(clips))
    if words is None:
        return call
    numbers = () if rest is None else rows(rest, len(clips), call.name)[1]
    stated = options.labels or getattr(call.function, "labels", ())
    classes = classes_of(stated, options.emotions, numbers, call.name)
    return replace(call, classes=classes, label_map=options.label_map)


def _answers_to_noise(call: Call) -> Answered:
    """Answers to clips of noise, after checking that they are repeatable and, if numbers, finite."""
    clips = trial(call.rate)
    first = call(clips)
    if not call.classes:
        check_finite(first.scores, call.name)
    # in reverse order, to detect predictions that depend on the other clips of the call
    again = call(clips[::-1])
    check_steady(first.scores, again.scores[::-1], call.name)
    return first


def _task(function: Any, labels: Sequence[str], name: str) -> Task:
    stated = getattr(function, "task", None)
    if stated is None:
        return task_of(None, labels)
    known = list(get_args(Task))
    if stated not in known:
        raise ModelError(f"{name}.task is {stated!r}", hint=f"it must be one of {', '.join(known)}")
    task: Task = stated
    return task


def _positive(function: Any, attribute: str, default: int, name: str) -> int:
    value = getattr(function, attribute, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ModelError(f"{name}.{attribute} is {value!r}, not a positive integer")
    return value


def _fingerprint(call: Call, labels: Sequence[str], task: str) -> str:
    settings = f"{FINGERPRINT_VERSION} {call.name} {labels} {call.rate} {task}"
    if call.classes:
        settings += f" {call.classes} {sorted(call.label_map.items())} {RULE}"
    digest = hashlib.blake2b(settings.encode(), digest_size=16)
    digest.update(call.content)
    return digest.hexdigest()
