"""Opens an ONNX network with onnxruntime, and finds the signal, the scores and the layers in it."""

import importlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sertools.errors import ModelError, nearest
from sertools.models.checkpoints.onnx.audonnx import SCORES
from sertools.models.checks import noise
from sertools.models.model import Signal

HIDDEN = "hidden_states"
"""Outputs whose names begin with this are used as layers."""


@dataclass(frozen=True, kw_only=True)
class Network:
    """An onnxruntime session with the names of its input and outputs.

    Attributes:
        session: of onnxruntime
        signal: name of the input
        axes: number of axes of the input; all but the last have length 1
        scores: names of the outputs with one number per label
        hidden: names of the outputs that are used as layers, in order
        path: of the file, for error messages
        prepare: what is done to the signal first, such as scaling it to zero mean and unit variance
    """

    session: Any
    signal: str
    axes: int
    scores: tuple[str, ...]
    hidden: tuple[str, ...]
    path: Path
    prepare: Callable[[Signal], Signal]

    def run(self, signal: Signal) -> tuple[NDArray[np.float32], list[NDArray[np.float32]]]:
        """Scores (1, c) and layers as output by the network, with or without axes for clip and time."""
        wanted = [*self.scores, *self.hidden]
        shaped = np.asarray(self.prepare(signal), dtype=np.float32).reshape((1,) * (self.axes - 1) + (-1,))
        try:
            answers = self.session.run(wanted, {self.signal: shaped})
        except _failures() as error:
            raise ModelError(f"{self.path} fails on {len(signal)} samples: {_one_line(error)}") from error
        n = len(self.scores)
        scores = [self._numbers(name, answer) for name, answer in zip(self.scores, answers[:n], strict=True)]
        return np.concatenate(scores, axis=1), [np.asarray(x, dtype=np.float32) for x in answers[n:]]

    def columns(self, signal: Signal) -> list[str]:
        """The name of the output of each column of scores, found by running the network on a clip."""
        if len(self.scores) == 1:
            return list(self.scores) * int(self.run(signal)[0].shape[1])
        single = [replace(self, scores=(name,), hidden=()) for name in self.scores]
        widths = [each.run(signal)[0].shape[1] for each in single]
        return [name for name, width in zip(self.scores, widths, strict=True) for _ in range(width)]

    def _numbers(self, name: str, answer: object) -> NDArray[np.float32]:
        """The numbers of one output for a clip, (1, c)."""
        scores = np.asarray(answer, dtype=np.float32)
        if len(self.scores) > 1 and scores.size == 1:
            return scores.reshape(1, 1)
        if scores.ndim not in {1, 2} or (scores.ndim == 2 and scores.shape[0] != 1):
            raise ModelError(
                f"output {name!r} of {self.path} has shape {scores.shape} for a clip, not (1, labels)",
                hint="select another output with --output",
            )
        return scores.reshape(1, -1)


def open_network(
    path: Path,
    device: str,
    *,
    labelled: Sequence[str],
    output: str,
    prepare: Callable[[Signal], Signal] = lambda signal: signal,
) -> tuple[Network, int | None]:
    """The network, and the number of samples that it accepts if that is fixed.

    Args:
        path: of the ONNX file
        device: `cpu`, `cuda`, `cuda:N` or `auto`
        labelled: names of the outputs for which labels are known
        output: name of the output with the scores, or names separated by commas; empty to find it
        prepare: what is done to each signal first

    Raises:
        ModelError: not ONNX, an input that is not a signal, or no output with scores
    """
    session = _session(path, device)
    signal, length = _signal(session, path)
    outputs = [node.name for node in session.get_outputs()]
    scores = _scores(outputs, labelled, output, path)
    network = Network(
        session=session,
        signal=signal.name,
        axes=len(signal.shape),
        scores=scores,
        hidden=_hidden([name for name in outputs if name not in scores]),
        path=path,
        prepare=prepare,
    )
    return network, length


def shortest(network: Network, rate: int) -> int:
    """Minimum number of samples for finite scores, found by bisection between one sample and one second."""
    sound = noise(rate, 1.0)

    def answers(length: int) -> bool:
        try:
            return bool(np.isfinite(network.run(sound[:length])[0]).all())
        except ModelError:
            return False

    if answers(1):
        return 1
    too_short, enough = 1, rate
    while enough - too_short > 1:
        middle = (too_short + enough) // 2
        too_short, enough = (too_short, middle) if answers(middle) else (middle, enough)
    return enough


def require() -> Any:
    """The package onnxruntime.

    Raises:
        ModelError: onnxruntime or onnx, which reads the weights, is not installed
    """
    try:
        importlib.import_module("onnx")
        return importlib.import_module("onnxruntime")
    except ImportError as error:
        raise ModelError(
            f"ONNX models need {error.name}, which is not installed", hint="pip install onnxruntime onnx"
        ) from error


def _session(path: Path, device: str) -> Any:
    onnxruntime = require()
    cuda = "CUDAExecutionProvider" in onnxruntime.get_available_providers()
    if device == "mps":
        raise ModelError("ONNX models cannot run on device 'mps'", hint="use --device cpu or cuda")
    if device.startswith("cuda") and not cuda:
        raise ModelError(
            f"ONNX models cannot run on device {device!r}: this onnxruntime has no CUDA support",
            hint="use --device cpu, or pip install onnxruntime-gpu",
        )
    provider: Any = "CPUExecutionProvider"
    if cuda and (device == "auto" or device.startswith("cuda")):
        provider = ("CUDAExecutionProvider", {"device_id": device.partition(":")[2] or "0"})
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 4  # sertools reports errors itself; onnxruntime would print them again
    try:
        return onnxruntime.InferenceSession(path, settings, providers=[provider])
    except _failures() as error:
        raise ModelError(
            f"{path} is not an ONNX network that onnxruntime can run: {_one_line(error)}"
        ) from error


def _signal(session: Any, path: Path) -> tuple[Any, int | None]:
    """The input for the signal, and its length if that is fixed."""
    nodes = session.get_inputs()
    shapes = ", ".join(f"{node.name} {node.type}{node.shape}" for node in nodes)
    if len(nodes) != 1:
        raise ModelError(
            f"{path} has {len(nodes)} inputs ({shapes}), but must have exactly one, the signal",
            hint="write a function that provides all inputs: --model py:FILE.py:FUNCTION",
        )
    node = nodes[0]
    leading = node.shape[:-1]
    fits = 1 <= len(node.shape) <= 3 and all(not isinstance(n, int) or n in {-1, 1} for n in leading)
    if node.type != "tensor(float)" or not fits:
        raise ModelError(
            f"{path} does not accept a signal of shape (1, samples), float32: its input is {shapes}",
            hint="write a function that computes its features: --model py:FILE.py:FUNCTION",
        )
    length = node.shape[-1]
    return node, length if isinstance(length, int) and length > 0 else None


def _scores(outputs: list[str], labelled: Sequence[str], wanted: str, path: Path) -> tuple[str, ...]:
    """Names of the outputs with the scores: the requested ones, those labelled, `logits`, or the only one."""
    listed = ", ".join(outputs)
    if wanted:
        asked = (wanted,) if wanted in outputs else tuple(name.strip() for name in wanted.split(","))
        for name in asked:
            if name not in outputs or asked.count(name) > 1:
                wrong = "has no output" if name not in outputs else "is asked twice for output"
                raise ModelError(f"{path} {wrong} {name!r}: it has {listed}", hint=nearest(name, outputs))
        return asked
    if len(labelled) > 1 and set(labelled) <= set(outputs):
        return tuple(labelled)
    if SCORES in outputs:
        return (SCORES,)
    other = [name for name in outputs if not name.startswith(HIDDEN)]
    known = [name for name in labelled if name in other]
    for candidates in (known, other):
        if len(candidates) == 1:
            return (candidates[0],)
    raise ModelError(
        f"{path} has {len(outputs)} outputs and none is called {SCORES}: {listed}",
        hint="select the output with the scores: --output NAME; or several, one with emotions and one with "
        "ratings, or of one number each: --output arousal,valence",
    )


def _hidden(outputs: list[str]) -> tuple[str, ...]:
    """The outputs that contain layers, in numerical order (sorted as text, 10 would come before 2)."""
    found = [name for name in outputs if name.startswith(HIDDEN)]
    return tuple(sorted(found, key=lambda name: ([int(n) for n in re.findall(r"\d+", name)], name)))


def _failures() -> tuple[type[Exception], ...]:
    """Exceptions of onnxruntime for a network it cannot read or run; they share no base class."""
    state: Any = importlib.import_module("onnxruntime.capi.onnxruntime_pybind11_state")
    kinds = ("Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf", "NoSuchFile", "NotImplemented")
    return tuple(getattr(state, name) for name in (*kinds, "RuntimeException", "EPFail", "NoModel"))


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
