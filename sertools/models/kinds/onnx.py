"""An ONNX network on the raw signal: a file, or an audonnx directory with `model.onnx` and `model.yaml`.

    $audonnx.core.model.Model==0.3.2:
      path: model.onnx
      labels:
        logits: [arousal, dominance, valence]
      transform: null

`model.yaml` names the labels of each output. If it does so for several outputs, those that name emotions or
dimensions are read together, as one joint model. Outputs whose names begin with `hidden_states` are used as
layers, numbered ones in numerical order, and averaged over time if they have a time axis (audEERING's
published model has one such output, the mean over time of the last layer). `config.json` and
`preprocessor_config.json` next to the file count as for a checkpoint: labels, kind of task, sampling rate,
normalisation. For other ONNX files, give the labels and the sampling rate in the file's metadata (`labels`,
separated by commas; `sampling_rate` in Hz) or with `--labels` and `--sampling-rate`. Outputs that are already
probabilities are left as they are; `--activation` decides where that is not detected. Clips are processed one
at a time.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sertools.errors import ModelError
from sertools.models.checkpoints.hub.files import commit_of, local_or_downloaded, name_and_source
from sertools.models.checkpoints.onnx import audonnx
from sertools.models.checkpoints.onnx.network import Network, open_network, require, shortest
from sertools.models.checkpoints.onnx.outputs import (
    activated,
    activation_of,
    check_one_choice,
    check_widths,
    declared,
    emotional,
)
from sertools.models.checkpoints.onnx.settings import Settings, settings_of
from sertools.models.checkpoints.onnx.weights import weights
from sertools.models.checks import (
    check_finite,
    check_rate,
    check_steady,
    names,
    noise,
    trial,
)
from sertools.models.load import LoadOptions
from sertools.models.loaded import LoadedSignalModel, signal_facts
from sertools.models.model import Frames, Outputs, Signal
from sertools.models.task import class_columns

SCHEME = "onnx"
READS = ("labels", "output", "sampling_rate", "activation", "model_scale", "device")
ORIGINAL = "equal to the exported network in torch, with random weights"
RATE_HZ = 16000

FILES = ("model.onnx", "model.onnx_data", "model.onnx.data", "*.yaml", "*.json", "README.md")
"""Files that are downloaded of a checkpoint of the hub; another ONNX file is named after its id."""

FINGERPRINT_VERSION = "onnx-4"
"""Increased whenever a change of this kind of model changes results; part of the fingerprint."""


@dataclass(kw_only=True)
class OnnxModel(LoadedSignalModel):
    """An ONNX network whose only input is the signal; see `Model`."""

    longest: int | None
    network: Network
    activation: str

    @property
    def has_frames(self) -> bool:
        """Whether its layers have a time axis: outputs of shape (1, t, d)."""
        axes = {node.name: len(node.shape) for node in self.network.session.get_outputs()}
        return bool(self.network.hidden) and all(axes[name] == 3 for name in self.network.hidden)

    def predict(self, signals: Sequence[Signal], *, layers: bool = False) -> Outputs:
        """Scores of signals (samples,) at `sampling_rate`; layers are `hidden_states…`, shape (n, l, d).

        Layers are zero-padded to the width of the widest one.
        """
        return self._outputs(signals, layers)[0]

    def predict_frames(self, signals: Sequence[Signal]) -> tuple[Outputs, list[Frames]]:
        """Scores, layer means and frames; as ONNX stores no frame times, frames are assumed evenly spaced."""
        outputs, states = self._outputs(signals, True)
        found = []
        for signal, clip in zip(signals, states, strict=True):
            step = tuple(len(signal) / self.sampling_rate / len(layer[0]) for layer in clip)
            first = tuple(one / 2 for one in step)
            found.append(Frames(states=tuple(layer[0] for layer in clip), first_s=first, step_s=step))
        return outputs, found

    def _outputs(
        self, signals: Sequence[Signal], layers: bool
    ) -> tuple[Outputs, list[list[NDArray[np.float32]]]]:
        answers = [self.network.run(signal) for signal in signals]
        raw = np.concatenate([scores for scores, _ in answers])
        states = [clip for _, clip in answers]
        means = np.stack([_layers(clip) for clip in states]) if layers and self.network.hidden else None
        classes = class_columns(self.labels, self.task) if self.task == "joint" else None
        scores = activated(raw, self.activation, classes)
        return Outputs(scores=self.rated(scores), layers=means), states


def load(rest: str, options: LoadOptions) -> OnnxModel:
    """Loads the network from a file, an audonnx directory, or the hub (`owner/name`, `owner/name/file.onnx`).

    Raises:
        ModelError: no such file, not ONNX, an input that is not a signal, outputs or labels that do not fit,
            or onnxruntime is not installed
    """
    path, stated = audonnx.find(local_or_downloaded(rest, FILES))
    require()
    stored, beside = weights(path), settings_of(path, named=bool(options.labels))
    labelled = emotional(stated, options.known)
    network, length = open_network(
        path, options.device, labelled=labelled, output=options.output, prepare=beside.prepare
    )
    rate, notes = _rate(options.sampling_rate, network, beside)
    check_rate(rate, str(path))
    raw = _scores_of_noise(network, rate, length)
    labels, made = _labels(network, stated, beside, options, stored.activations, _noise(rate, length)[0])
    task, activation = activation_of(options.activation, beside.problem_type, labels, made, raw)
    name, source = name_and_source(rest, path.parent if path.name == "model.onnx" else path)
    return OnnxModel(
        name=name,
        labels=labels,
        task=task,
        sampling_rate=rate,
        shortest=length or shortest(network, rate),
        longest=length,
        fingerprint=_fingerprint(
            path,
            (*stored.files, *beside.files),
            f"{','.join(network.scores)} {labels} {rate} {task} {activation}",
        ),
        files=tuple(dict.fromkeys(each.name for each in (path, *stored.files, *beside.files))),
        compared_with=ORIGINAL,
        of_corpus=len(stated) > 1,  # then the labels decide which outputs are read
        facts=signal_facts(
            "ONNX",
            str(path) if source == str(path.parent) else source,
            _network_facts(network, activation),
            labels=labels,
            task=task,
            sampling_rate=rate,
            further={
                "parameters": stored.count,
                "parameter_bytes": stored.bytes,
                "precision": stored.precision,
                "features": beside.features,
                "revision": commit_of(path) or None,
                "device": "cuda" if "CUDA" in network.session.get_providers()[0] else "cpu",
                "notes": notes,
            },
        ),
        network=network,
        activation=activation,
    )


def _labels(
    network: Network,
    stated: Mapping[str, Sequence[str]],
    beside: Settings,
    options: LoadOptions,
    activations: Mapping[str, str],
    signal: Signal,
) -> tuple[tuple[str, ...], list[str]]:
    """The label of each column of scores, and its activation in the graph; they are counted on a signal."""
    metadata = network.session.get_modelmeta().custom_metadata_map
    columns, path = network.columns(signal), network.path
    if not options.labels:
        check_widths(columns, stated, path)
    found = names(options.labels, declared(network, stated, metadata, beside), len(columns), str(path))
    check_one_choice(columns, found, path)
    return found, [activations.get(column, "") for column in columns]


def _network_facts(network: Network, activation: str) -> dict[str, Any]:
    return {
        "architecture": network.session.get_modelmeta().graph_name,
        "head": f"output {', '.join(network.scores)}",
        "outputs": [node.name for node in network.session.get_outputs()],
        "activation": activation,
    }


def _scores_of_noise(network: Network, rate: int, length: int | None) -> NDArray[np.float32]:
    """The network's output for clips of noise, (n, c), after checking that it is finite and repeatable."""
    clips = _noise(rate, length)
    raw = np.concatenate([network.run(clip)[0] for clip in clips])
    check_finite(raw, str(network.path))
    check_steady(raw, np.concatenate([network.run(clip)[0] for clip in clips]), str(network.path))
    return raw


def _noise(rate: int, length: int | None) -> list[Signal]:
    """Clips of noise of a length that the network accepts."""
    return [noise(rate, 1.0)[:length].copy()] if length else trial(rate)


def _rate(wanted: int, network: Network, beside: Settings) -> tuple[int, list[str]]:
    path, metadata = network.path, network.session.get_modelmeta().custom_metadata_map
    stated = metadata.get("sampling_rate", "")
    if wanted:
        return wanted, []
    if stated:
        if not (stated.isascii() and stated.isdigit() and len(stated) < 20) or int(stated) == 0:
            raise ModelError(
                f"{path}: sampling_rate {stated!r} in its metadata is not a positive integer (Hz)"
            )
        if beside.rate and int(stated) != beside.rate:
            raise ModelError(
                f"{path} states a sampling rate of {stated} Hz, but "
                f"{beside.files[-1]} states {beside.rate} Hz",
                hint="say which one is right with --sampling-rate",
            )
        return int(stated), []
    if beside.rate:
        return beside.rate, []
    return RATE_HZ, ["The ONNX file does not state a sampling rate; 16 kHz is assumed."]


def _layers(states: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """The means of a clip's layers, zero-padded to the widest, shape (l, d)."""
    means = [_layer(layer) for layer in states]
    found = np.zeros((len(means), max(map(len, means))), dtype=np.float32)
    for row, mean in zip(found, means, strict=True):
        row[: len(mean)] = mean
    return found


def _layer(array: NDArray[np.float32]) -> NDArray[np.float32]:
    """The states of one clip, averaged over time if they have a time axis, shape (d,)."""
    mean: NDArray[np.float32] = array.reshape(-1, array.shape[-1]).mean(axis=0)
    return mean


def _fingerprint(path: Path, weight_files: Sequence[Path], settings: str) -> str:
    """Fingerprint of the file, of its external weight files, and of the settings used to read it."""
    digest = hashlib.blake2b(f"{FINGERPRINT_VERSION} {settings}".encode(), digest_size=16)
    for each in (path, *weight_files):
        with each.open("rb") as file:
            digest.update(hashlib.file_digest(file, "blake2b").digest())
    return digest.hexdigest()
