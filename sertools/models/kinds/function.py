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
import importlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import numpy as np
import pandas as pd

from sertools.errors import ModelError, nearest
from sertools.models.checks import are_probabilities, check_finite, check_steady, names, trial
from sertools.models.load import LoadOptions
from sertools.models.model import Outputs, Task
from sertools.models.task import task_of

SCHEME = "py"
READS = ("labels", "sampling_rate")
RATE_HZ = 16000
FAILURES = (Exception, SystemExit)
"""User code may raise any exception; its message and line are reported in one sentence."""

REPEAT = 64
"""The first clip is predicted again after this many others, to detect predictions that drift."""

NOT_COVERED = (
    "The fingerprint covers only the file with the function, not what it imports, reads or requests over the "
    "network; after a change there, use a different --cache."
)

ENGINE = "py-1"
"""Increased whenever a change of this file changes results; part of the fingerprint."""


@dataclass(kw_only=True)
class FunctionModel:
    """A Python function that computes scores from signals; see `Model`."""

    name: str
    labels: tuple[str, ...]
    task: Task
    sampling_rate: int
    shortest: int
    fingerprint: str
    facts: Mapping[str, Any]
    function: Callable[..., Any]
    source: Path
    first: tuple[np.ndarray, np.ndarray] | None = None
    since: int = 0

    def predict(self, signals: Sequence[np.ndarray], *, layers: bool = False) -> Outputs:
        """Scores of signals; there are no layers.

        The first two clips are predicted twice, and the first one again every `REPEAT` clips.

        Raises:
            ModelError: the function fails, returns a wrong number of rows or labels, or is not deterministic
        """
        scores, found = _ask(self.function, signals, self.sampling_rate, self.name, self.source)
        scores = _in_order(scores, found, self.labels, self.name)
        if self.first is None:
            self._ask_again(signals[:2], scores[:2])
            self.first = signals[0].copy(), scores[:1]
        self.since += len(signals)
        if self.since >= REPEAT:
            self._ask_again([self.first[0]], self.first[1])
            self.since = 0
        return Outputs(scores=scores.astype(np.float32))

    def _ask_again(self, signals: Sequence[np.ndarray], before: np.ndarray) -> None:
        again, found = _ask(self.function, signals, self.sampling_rate, self.name, self.source)
        check_steady(before, _in_order(again, found, self.labels, self.name), self.name)


def load(rest: str, options: LoadOptions) -> FunctionModel:
    """Loads the function from a file or an importable module.

    Raises:
        ModelError: the function does not exist, cannot be imported, or returns unusable predictions for noise
    """
    where, colon, called = rest.rpartition(":")
    if not colon or not where or not called:
        raise ModelError(
            f"--model py:{rest} does not name a function",
            hint="use py:package.module:function or py:file.py:function",
        )
    module = _file(Path(where).expanduser()) if where.endswith(".py") else _module(where)
    function = getattr(module, called, None)
    if not callable(function):
        known = [n for n, v in vars(module).items() if inspect.isfunction(v) and not n.startswith("_")]
        raise ModelError(f"{where} has no function {called!r}", hint=nearest(called, known))
    rate = options.sampling_rate or _whole(function, "sampling_rate", RATE_HZ, called)
    source = Path(getattr(module, "__file__", None) or "")
    if source.suffix != ".py":
        raise ModelError(f"module {where} has no Python source file, so changes to it cannot be detected")
    clips = trial(rate)
    first, found = _ask(function, clips, rate, called, source)
    check_finite(first, called)
    # in reverse order, to detect predictions that depend on the other clips of the call
    again, _ = _ask(function, clips[::-1], rate, called, source)
    check_steady(first, again[::-1], called)
    labels = _labels(options.labels, getattr(function, "labels", ()), found, first.shape[1], called)
    task = _task(function, labels, called)
    scores = _in_order(first, found, labels, called)
    notes = [NOT_COVERED]
    if task == "single_label" and not are_probabilities(scores):
        notes.append("The function's rows are not probabilities (they do not sum to 1); the highest counts.")
    return FunctionModel(
        name=called,
        labels=labels,
        task=task,
        sampling_rate=rate,
        shortest=_whole(function, "shortest", 1, called),
        fingerprint=_fingerprint(source, called, labels, rate, task),
        facts={
            "kind": "Python function",
            "source": rest,
            "architecture": (inspect.getdoc(function) or called).partition("\n")[0],
            "head": f"function {called}",
            "features": "raw signal",
            "labels": list(labels),
            "task": task,
            "sampling_rate": rate,
            "notes": notes,
        },
        function=function,
        source=source,
    )


def _file(path: Path) -> ModuleType:
    if not path.is_file():
        raise ModelError(f"no such Python file: {path}")
    spec = importlib.util.spec_from_file_location(f"sertools_model_{path.stem}", path)
    assert spec is not None, "a path that ends with .py has a loader"
    assert spec.loader is not None, "a path that ends with .py has a loader"
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # needed by dataclasses and pickle
    with _importable(path.parent), redirect_stdout(sys.stderr):
        try:
            spec.loader.exec_module(module)
        except FAILURES as error:
            raise ModelError(f"{path} cannot be imported: {_told(error, path)}") from error
    return module


def _module(name: str) -> ModuleType:
    with _importable(Path.cwd()), redirect_stdout(sys.stderr):
        try:
            return importlib.import_module(name)
        except FAILURES as error:
            raise ModelError(
                f"module {name} cannot be imported: {type(error).__name__}: {error}",
                hint="name its file instead: py:path/to/file.py:function",
            ) from error


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Makes the modules of a folder importable inside the block, as when Python runs a script there."""
    sys.path.insert(0, str(folder.resolve()))
    try:
        yield
    finally:
        sys.path.remove(str(folder.resolve()))


def _ask(
    function: Callable[..., Any], signals: Sequence[np.ndarray], rate: int, who: str, source: Path
) -> tuple[np.ndarray, tuple[str, ...]]:
    """The function's scores (n, c), and the labels that it returned with them, if any."""
    # copies, because a function may modify its input in place
    copies = [signal.copy() for signal in signals]
    try:
        with redirect_stdout(sys.stderr):  # anything it prints must not mix with the data on stdout
            answer = function(copies, rate)
    except FAILURES as error:
        raise ModelError(f"{who} fails on {len(signals)} signals: {_told(error, source)}") from error
    return rows(answer, len(signals), who)


def rows(answer: Any, n: int, who: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Converts a function's return value for n signals to scores (n, c) and the labels in it, if any.

    Raises:
        ModelError: the return value is not one row of numbers per signal

    >>> rows([{"arousal": 0.1, "valence": 0.2}], 1, "mine")
    (array([[0.1, 0.2]]), ('arousal', 'valence'))
    >>> rows({"arousal": [0.1, 0.3]}, 2, "mine")
    (array([[0.1],
           [0.3]]), ('arousal',))
    >>> rows([0.1, 0.3], 2, "mine")
    (array([[0.1],
           [0.3]]), ())
    """
    named: tuple[str, ...] = ()
    try:
        if isinstance(answer, pd.DataFrame):
            named, answer = tuple(map(str, answer.columns)), answer.to_numpy()
        elif isinstance(answer, Mapping):
            named = tuple(map(str, answer))
            columns = [np.atleast_1d(np.asarray(column, dtype=float)) for column in answer.values()]
            lengths = {len(column) for column in columns}
            if len(lengths) > 1:
                raise ModelError(f"{who} returns columns of different lengths: {sorted(lengths)}")
            answer = np.stack(columns, axis=1) if columns else np.empty((0, 0))
        elif isinstance(answer, list | tuple) and answer and isinstance(answer[0], Mapping):
            named = tuple(map(str, answer[0]))
            odd = [i for i, row in enumerate(answer) if set(row) != set(answer[0])]
            if odd:
                raise ModelError(
                    f"{who} returns different labels for signal {odd[0]} than for signal 0: "
                    f"{', '.join(map(str, answer[odd[0]]))} instead of {', '.join(named)}"
                )
            answer = [[row[name] for name in answer[0]] for row in answer]
        scores = np.asarray(answer, dtype=float)
    except (TypeError, ValueError, RuntimeError) as error:  # RuntimeError: torch tensors with gradients
        raise ModelError(f"{who} does not return a table of numbers: {error}") from error
    if scores.ndim == 1 and len(scores) == n:
        scores = scores[:, None]
    if scores.ndim != 2 or len(scores) != n or scores.shape[1] == 0:
        raise ModelError(
            f"{who} returns an array of shape {scores.shape} for {n} signals",
            hint=f"return {n} rows with one number per label",
        )
    return scores, named


def _labels(
    asked: Sequence[str], stated: Any, found: tuple[str, ...], count: int, who: str
) -> tuple[str, ...]:
    if isinstance(stated, str):
        raise ModelError(f"{who}.labels is the string {stated!r}, not a list of names")
    wanted = tuple(map(str, asked or stated or ()))
    if found and wanted:
        absent = [name for name in wanted if name not in found]
        if absent:
            raise ModelError(f"{who} returns no {', '.join(absent)}: it returns {', '.join(found)}")
        return wanted
    return names(wanted, found, count, who)


def _in_order(scores: np.ndarray, found: tuple[str, ...], labels: tuple[str, ...], who: str) -> np.ndarray:
    """The columns of scores in the order of the labels, matched by name if the function returns names."""
    if not found:
        if scores.shape[1] != len(labels):
            raise ModelError(
                f"{who} returns {scores.shape[1]} numbers per signal, but there are {len(labels)} labels"
            )
        return scores
    absent = [name for name in labels if name not in found]
    if absent:
        raise ModelError(f"{who} returns no {', '.join(absent)}: it returns {', '.join(found)}")
    return scores[:, [found.index(name) for name in labels]]


def _task(function: Any, labels: Sequence[str], who: str) -> Task:
    stated = getattr(function, "task", None)
    if stated is None:
        return task_of(None, labels)
    known = [task for task in get_args(Task) if task != "encoder"]
    if stated not in known:
        raise ModelError(f"{who}.task is {stated!r}", hint=f"it must be one of {', '.join(known)}")
    task: Task = stated
    return task


def _whole(function: Any, attribute: str, default: int, who: str) -> int:
    value = getattr(function, attribute, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ModelError(f"{who}.{attribute} is {value!r}, not a positive integer")
    return value


def _told(error: BaseException, path: Path) -> str:
    """Type and message of an exception, with the last line of the user's file in its traceback."""
    own = path.resolve()
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if Path(frame.filename).resolve() == own]
    # the message of a SyntaxError already includes the line
    place = f" (line {lines[-1]} of {path.name})" if lines and not isinstance(error, SyntaxError) else ""
    told = " ".join(str(error).split())
    return f"{type(error).__name__}: {told}{place}" if told else f"{type(error).__name__}{place}"


def _fingerprint(source: Path, called: str, labels: Sequence[str], rate: int, task: str) -> str:
    digest = hashlib.blake2b(f"{ENGINE} {called} {labels} {rate} {task}".encode(), digest_size=16)
    digest.update(source.read_bytes())
    return digest.hexdigest()
