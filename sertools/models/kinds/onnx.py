"""An ONNX network on the raw signal: a file, or an audonnx directory with `model.onnx` and `model.yaml`.

    $audonnx.core.model.Model==0.3.2:
      path: model.onnx
      labels:
        logits: [arousal, dominance, valence]
      transform: null

`model.yaml` names the labels of each output. Outputs whose names begin with `hidden_states` are used as
layers, numbered ones in numerical order, and averaged over time if they have a time axis (audEERING's
published model has one such output, the mean over time of the last layer). For other ONNX files, give the
labels and the sampling rate in the file's metadata (`labels`, separated by commas; `sampling_rate` in Hz) or
with `--labels` and `--sampling-rate`. Clips are processed one at a time.
"""

import hashlib
import importlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sertools.errors import ModelError, nearest
from sertools.files import read_yaml
from sertools.models.checkpoints.onnx_weights import weights
from sertools.models.checks import are_probabilities, check_finite, check_steady, names, noise, trial
from sertools.models.device import only_fp32
from sertools.models.load import LoadOptions
from sertools.models.model import Frames, Outputs, Task
from sertools.models.task import task_of

SCHEME = "onnx"
READS = ("labels", "output", "sampling_rate")
SCORES, HIDDEN = "logits", "hidden_states"
RATE_HZ = 16000

ENGINE = "onnx-3"
"""Increased whenever a change of this file changes results; part of the fingerprint."""


@dataclass(kw_only=True)
class OnnxModel:
    """An ONNX network whose only input is the signal; see `Model`."""

    name: str
    labels: tuple[str, ...]
    task: Task
    sampling_rate: int
    shortest: int
    longest: int | None
    fingerprint: str
    facts: Mapping[str, Any]
    network: "Network"
    activation: str

    @property
    def has_frames(self) -> bool:
        """Whether its layers have a time axis: outputs of shape (1, t, d)."""
        axes = {node.name: len(node.shape) for node in self.network.session.get_outputs()}
        return bool(self.network.hidden) and all(axes[name] == 3 for name in self.network.hidden)

    def predict(self, signals: Sequence[np.ndarray], *, layers: bool = False) -> Outputs:
        """Scores of signals (samples,) at `sampling_rate`; layers are `hidden_states…`, shape (n, l, d).

        Layers are zero-padded to the width of the widest one.
        """
        return self._outputs(signals, layers)[0]

    def predict_frames(self, signals: Sequence[np.ndarray]) -> tuple[Outputs, list[Frames]]:
        """Scores, layer means and frames; as ONNX stores no frame times, frames are assumed evenly spaced."""
        outputs, states = self._outputs(signals, True)
        found = []
        for signal, clip in zip(signals, states, strict=True):
            step = tuple(len(signal) / self.sampling_rate / len(layer[0]) for layer in clip)
            first = tuple(one / 2 for one in step)
            found.append(Frames(states=tuple(layer[0] for layer in clip), first_s=first, step_s=step))
        return outputs, found

    def _outputs(self, signals: Sequence[np.ndarray], layers: bool) -> tuple[Outputs, list[list[np.ndarray]]]:
        answers = [self.network.run(signal) for signal in signals]
        raw = np.concatenate([scores for scores, _ in answers])
        states = [clip for _, clip in answers]
        means = np.stack([_layers(clip) for clip in states]) if layers and self.network.hidden else None
        return Outputs(scores=_activate(raw, self.activation), layers=means), states


@dataclass(frozen=True, kw_only=True)
class Network:
    """An onnxruntime session with the names of its input and outputs.

    Attributes:
        session: of onnxruntime
        signal: name of the input
        axes: number of axes of the input; all but the last have length 1
        scores: name of the output with one number per label
        hidden: names of the outputs that are used as layers, in order
        path: of the file, for error messages
    """

    session: Any
    signal: str
    axes: int
    scores: str
    hidden: tuple[str, ...]
    path: Path

    def run(self, signal: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
        """Scores (1, c) and layers as output by the network, with or without axes for clip and time."""
        wanted = [self.scores, *self.hidden]
        shaped = np.asarray(signal, dtype=np.float32).reshape((1,) * (self.axes - 1) + (-1,))
        try:
            found = self.session.run(wanted, {self.signal: shaped})
        except _failures() as error:
            raise ModelError(f"{self.path} fails on {len(signal)} samples: {_line(error)}") from error
        scores = np.asarray(found[0], dtype=np.float32)
        if scores.ndim not in {1, 2} or (scores.ndim == 2 and scores.shape[0] != 1):
            raise ModelError(
                f"output {self.scores!r} of {self.path} has shape {scores.shape} for a clip, not (1, labels)",
                hint="select another output with --output",
            )
        return scores.reshape(1, -1), [np.asarray(states, dtype=np.float32) for states in found[1:]]


def load(rest: str, options: LoadOptions) -> OnnxModel:
    """Loads the network from a file or an audonnx directory.

    Raises:
        ModelError: no such file, not ONNX, an input that is not a signal, outputs or labels that do not fit,
            or onnxruntime is not installed
    """
    only_fp32(options.precision, SCHEME)
    path, stated = _find(Path(rest).expanduser())
    session = _session(path, options.device)
    signal, length = _signal(session, path)
    outputs = [node.name for node in session.get_outputs()]
    network = Network(
        session=session,
        signal=signal.name,
        axes=len(signal.shape),
        scores=_scores(outputs, list(stated), options.output, path),
        hidden=_hidden([name for name in outputs if name != options.output]),
        path=path,
    )
    metadata = session.get_modelmeta().custom_metadata_map
    rate, notes = _rate(options.sampling_rate, metadata, path)
    clips = [noise(rate, 1.0)[:length].copy()] if length else trial(rate)
    raw = np.concatenate([network.run(clip)[0] for clip in clips])
    check_finite(raw, str(path))
    check_steady(raw, np.concatenate([network.run(clip)[0] for clip in clips]), str(path))
    in_file = [name.strip() for name in metadata.get("labels", "").split(",") if name.strip()]
    labels = names(options.labels, stated.get(network.scores) or in_file, raw.shape[1], str(path))
    task = task_of(None, labels)
    activation = "softmax" if task == "single_label" and not are_probabilities(raw) else "none"
    held = weights(path)
    return OnnxModel(
        name=path.parent.resolve().name if path.name == "model.onnx" else path.stem,
        labels=labels,
        task=task,
        sampling_rate=rate,
        shortest=length or _shortest(network, rate),
        longest=length,
        fingerprint=_fingerprint(path, held.files, network.scores, labels, rate, activation),
        facts={
            "kind": "ONNX",
            "source": str(path),
            "architecture": session.get_modelmeta().graph_name,
            "head": f"output {network.scores}",
            "outputs": outputs,
            "activation": activation,
            "labels": list(labels),
            "task": task,
            "sampling_rate": rate,
            "parameters": held.count,
            "parameter_bytes": held.bytes,
            "precision": held.precision,
            "features": "raw signal",
            "device": "cuda" if "CUDA" in session.get_providers()[0] else "cpu",
            "notes": notes,
        },
        network=network,
        activation=activation,
    )


def _find(given: Path) -> tuple[Path, dict[str, list[str]]]:
    """The ONNX file, and output → labels from the YAML files in the same folder."""
    folder = given if given.is_dir() else given.parent
    described = _described(folder) if given.is_dir() or given.name == "model.onnx" else {}
    path = given / str(described.get("path", "model.onnx")) if given.is_dir() else given
    if not path.is_file():
        raise ModelError(f"no ONNX file {path}", hint="name a file, or a directory with model.onnx")
    if described.get("transform"):
        transform = described["transform"]
        kind = next(iter(transform), "?") if isinstance(transform, dict) else transform
        raise ModelError(
            f"{folder / 'model.yaml'} requires features computed by audonnx ({kind}), which is not supported",
            hint="write a function that calls audonnx: --model py:FILE.py:FUNCTION",
        )
    labels = described.get("labels") or {}
    if isinstance(labels, list):
        labels = {SCORES: labels}
    return path, {str(node): [str(name) for name in found] for node, found in labels.items() if found}


def _described(folder: Path) -> dict[str, Any]:
    """The contents of `model.yaml`, or of the older pair labels.yaml and transform.yaml."""
    found: dict[str, Any] = {}
    for path in (folder / "labels.yaml", folder / "transform.yaml", folder / "model.yaml"):
        if not path.is_file():
            continue
        content = read_yaml(path, error=ModelError, what="the description of the network")
        if path.name != "model.yaml":
            found[path.stem] = content
            continue
        inner = next(iter(content.values()), None) if isinstance(content, dict) else None
        if not isinstance(inner, dict) or not next(iter(content)).startswith("$audonnx"):
            raise ModelError(f"{path} does not describe an audonnx model: its first key is not $audonnx…")
        found |= inner
    return found


def _session(path: Path, device: str) -> Any:
    try:
        onnxruntime: Any = importlib.import_module("onnxruntime")
        importlib.import_module("onnx")  # needed to read the weights
    except ImportError as error:
        raise ModelError(
            f"ONNX models need {error.name}, which is not installed", hint='pip install "sertools[onnx]"'
        ) from error
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
        raise ModelError(f"{path} is not an ONNX network that onnxruntime can run: {_line(error)}") from error


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


def _scores(outputs: list[str], labelled: list[str], asked: str, path: Path) -> str:
    """Name of the output with the scores: the requested one, `logits`, or the only candidate."""
    listed = ", ".join(outputs)
    if asked:
        if asked not in outputs:
            raise ModelError(f"{path} has no output {asked!r}: it has {listed}", hint=nearest(asked, outputs))
        return asked
    if SCORES in outputs:
        return SCORES
    other = [name for name in outputs if not name.startswith(HIDDEN)]
    known = [name for name in labelled if name in other]
    for candidates in (known, other):
        if len(candidates) == 1:
            return candidates[0]
    raise ModelError(
        f"{path} has {len(outputs)} outputs and none is called {SCORES}: {listed}",
        hint="select the output with the scores: --output NAME",
    )


def _hidden(outputs: list[str]) -> tuple[str, ...]:
    """The outputs that contain layers, in numerical order (sorted as text, 10 would come before 2)."""
    found = [name for name in outputs if name.startswith(HIDDEN)]
    return tuple(sorted(found, key=lambda name: ([int(n) for n in re.findall(r"\d+", name)], name)))


def _rate(asked: int, metadata: Mapping[str, str], path: Path) -> tuple[int, list[str]]:
    stated = metadata.get("sampling_rate", "")
    if asked:
        return asked, []
    if stated:
        if not stated.isdigit() or int(stated) == 0:
            raise ModelError(
                f"{path}: sampling_rate {stated!r} in its metadata is not a positive integer (Hz)"
            )
        return int(stated), []
    return RATE_HZ, ["The ONNX file does not state a sampling rate; 16 kHz is assumed."]


def _shortest(network: Network, rate: int) -> int:
    """Fewest samples that yield finite scores, found by bisection between one sample and one second."""
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


def _layers(states: Sequence[np.ndarray]) -> np.ndarray:
    """The means of a clip's layers, zero-padded to the widest, shape (l, d)."""
    means = [_layer(layer) for layer in states]
    found = np.zeros((len(means), max(map(len, means))), dtype=np.float32)
    for row, mean in zip(found, means, strict=True):
        row[: len(mean)] = mean
    return found


def _layer(array: np.ndarray) -> np.ndarray:
    """The states of one clip, averaged over time if they have a time axis, shape (d,)."""
    mean: np.ndarray = array.reshape(-1, array.shape[-1]).mean(axis=0)
    return mean


def _activate(raw: np.ndarray, activation: str) -> np.ndarray:
    if activation == "none":
        return raw
    powers = np.exp(raw - raw.max(axis=1, keepdims=True))
    shares: np.ndarray = powers / powers.sum(axis=1, keepdims=True)
    return shares


def _fingerprint(
    path: Path, files: Sequence[Path], output: str, labels: Sequence[str], rate: int, activation: str
) -> str:
    """Fingerprint of the file, of its external weight files, and of the settings used to read it."""
    digest = hashlib.blake2b(f"{ENGINE} {output} {labels} {rate} {activation}".encode(), digest_size=16)
    for each in (path, *files):
        with each.open("rb") as file:
            digest.update(hashlib.file_digest(file, "blake2b").digest())
    return digest.hexdigest()


def _failures() -> tuple[type[Exception], ...]:
    """Exceptions of onnxruntime for a network it cannot read or run; they share no base class."""
    state: Any = importlib.import_module("onnxruntime.capi.onnxruntime_pybind11_state")
    kinds = ("Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf", "NoSuchFile", "NotImplemented")
    return tuple(getattr(state, name) for name in (*kinds, "RuntimeException", "EPFail", "NoModel"))


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
