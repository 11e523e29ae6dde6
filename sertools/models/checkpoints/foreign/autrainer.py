"""Classifiers of autrainer on wav2vec 2.0, read without autrainer and without building what its YAML names.

Such a folder (autrainer/msp-podcast-emo-class-big4-w2v2-l-emo) has model.yaml, inference_transform.yaml,
target_transform.yaml, perhaps preprocess_pipeline.yaml and file handlers, and `_best/model.pt`. The class
`W2V2FFNN` (github.com/autrainer/autrainer) averages the last states over all frames and applies linear layers
with ReLU between. Clips shorter than the `Expand` of the transforms are padded first, and the padding is part
of the average, as in autrainer.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sertools.errors import ModelError, foreign
from sertools.files import check_yaml
from sertools.models.checkpoints.foreign_layouts import Parts, encoder_config
from sertools.models.checkpoints.layouts import AUTHORS
from sertools.models.checkpoints.weights.tensors import tensors_in
from sertools.models.model import Signal

if TYPE_CHECKING:
    import torch

LAYOUT = "mean-feedforward"
"""Name of pooling and head in the facts of a model."""

ORIGINAL = AUTHORS

MODEL, TARGETS, TRANSFORMS = "model.yaml", "target_transform.yaml", "inference_transform.yaml"
PIPELINE = "preprocess_pipeline.yaml"
HANDLERS = ("preprocess_file_handler.yaml", "file_handler.yaml")
WEIGHTS = "_best/model.pt"

MAX_BYTES = 2**20
"""Largest YAML file that is read."""

RATE_HZ = 16000

BACKBONE, HEAD = "backbone.model.", "frontend.Linear"
"""Prefixes of the keys of the encoder and of the linear layers."""

NO_EFFECT = ("AnyToTensor", "NumpyToTensor", "StereoToMono")
"""Transforms that change no number of a clip with one channel."""

NORMALISED = ("audeering/wav2vec2-large-robust-12-ft-emotion-msp-dim", "facebook/wav2vec2-large-robust")
"""Hub ids whose feature extractor scales every signal to zero mean and unit variance."""


@dataclass(frozen=True, kw_only=True)
class Expanded:
    """Makes clips at least `size` samples long, then applies a feature extractor of transformers.

    Attributes:
        inner: scales the signal
        size: fewest samples
        method: `pad` with zeros at the end, or `replicate` the signal
    """

    inner: Any
    size: int = 0
    method: str = "pad"
    sampling_rate: int = RATE_HZ
    model_input_names: tuple[str, ...] = ("input_values",)

    @property
    def description(self) -> str:
        """For the facts of a model."""
        scaled = "scaled to zero mean and unit variance" if self.inner.do_normalize else "as it is"
        longer = f", shorter clips {self.method}ed to {self.size / RATE_HZ:g} s" if self.size else ""
        return f"every clip {scaled}{longer}"

    def __call__(self, signal: Signal, **_: object) -> dict[str, np.ndarray[Any, np.dtype[np.float32]]]:
        """The expanded and scaled signal, (samples,) → (1, samples)."""
        if len(signal) < self.size and self.method == "replicate":
            signal = np.tile(signal, self.size // len(signal) + 1)[: self.size]
        elif len(signal) < self.size:
            signal = np.pad(signal, (0, self.size - len(signal)))
        found = self.inner(signal, sampling_rate=RATE_HZ, return_tensors="np")["input_values"]
        return {"input_values": found.astype(np.float32)}

    def to_json_string(self) -> str:
        """All settings, for fingerprints."""
        return json.dumps({"size": self.size, "method": self.method, "normalise": self.inner.do_normalize})


@dataclass(frozen=True, kw_only=True)
class FeedForward:
    """Mean over frames, and linear layers with ReLU between: states (n, frames, d) → logits (n, c)."""

    layers: tuple[tuple["torch.Tensor", "torch.Tensor"], ...]

    def __call__(self, states: "torch.Tensor", frames: Sequence[int] | None) -> "torch.Tensor":
        """Logits of each clip, from its own frames."""
        import torch
        from torch.nn.functional import linear

        own = [states.shape[1]] * len(states) if frames is None else frames
        found = torch.stack([clip[:n].mean(dim=0) for clip, n in zip(states, own, strict=True)])
        for i, (weight, bias) in enumerate(self.layers):
            found = linear(found.relu() if i else found, weight.to(found), bias.to(found))
        return found

    @property
    def outputs(self) -> int:
        """Number of outputs."""
        return len(self.layers[-1][1])


def recognised(folder: Path) -> bool:
    """Is this a folder of autrainer?"""
    return (folder / MODEL).is_file() and (folder / TARGETS).is_file()


def files_of(folder: Path) -> list[Path]:
    """The files that decide the predictions."""
    optional = [folder / name for name in (PIPELINE, *HANDLERS) if (folder / name).is_file()]
    return [*(folder / name for name in (MODEL, TARGETS, TRANSFORMS, WEIGHTS)), *optional]


def parts_of(folder: Path) -> Parts:
    """Reads a folder.

    Raises:
        ModelError: a file is missing or damaged, the network is of another class, an option would not be
            obeyed, or a key or shape does not fit
    """
    absent = [str(path.relative_to(folder)) for path in files_of(folder) if not path.is_file()]
    if absent:
        raise ModelError(f"{folder} lacks {', '.join(absent)}", hint="download or copy it too")
    kind, options = _object(folder / MODEL)
    if kind != "W2V2FFNN":
        raise ModelError(
            f"{folder / MODEL} names the network {kind}; of autrainer, only W2V2FFNN is read here",
            hint="run autrainer's Inference through --model py:FILE.py:FUNCTION",
        )
    labels, task = _targets(folder / TARGETS)
    config = encoder_config(str(options.get("model_name")), folder / MODEL)
    config.id2label, config.problem_type = dict(enumerate(labels)), task
    tensors = tensors_in(folder / WEIGHTS)
    own = {key: t for key, t in tensors.items() if not key.startswith(BACKBONE)}
    return Parts(
        layout=LAYOUT,
        config=config,
        extractor=_extractor(folder),
        encoder={key.removeprefix(BACKBONE): t for key, t in tensors.items() if key.startswith(BACKBONE)},
        head=_head(own, int(config.hidden_size), len(labels), folder),
        keys=len(tensors),
    )


def _object(path: Path) -> tuple[str, dict[str, Any]]:
    """Class and arguments of the object in a YAML file of audobject, which is not built."""
    import yaml

    with foreign(f"{path} cannot be read", ModelError):
        if path.stat().st_size > MAX_BYTES:
            raise ModelError(f"{path} is larger than {MAX_BYTES >> 20} MB")
        text = path.read_text(encoding="utf-8")
        check_yaml(text)
        return _described(yaml.safe_load(text), path)


def _described(content: Any, path: Path) -> tuple[str, dict[str, Any]]:
    """Class and arguments of an object such as `{$autrainer.models.w2v2.W2V2FFNN==0.4.0: {…}}`."""
    if isinstance(content, str):
        content = {content: {}}
    name, arguments = next(iter(content.items())) if isinstance(content, dict) and content else ("", None)
    if len(content or ()) != 1 or not str(name).startswith("$") or not isinstance(arguments, dict | None):
        raise ModelError(f"{path} does not describe one object of audobject")
    return str(name).partition("==")[0].rpartition(".")[2], arguments or {}


def _targets(path: Path) -> tuple[list[str], str]:
    """The labels in the order of the outputs, and the task.

    Raises:
        ModelError: the targets are ratings, or have no labels
    """
    kind, options = _object(path)
    labels = options.get("labels")
    if kind not in {"LabelEncoder", "MultiLabelEncoder"} or not isinstance(labels, list) or not labels:
        raise ModelError(
            f"{path} names the targets {kind}, which are not read here: whether autrainer activates ratings "
            "depends on its version",
            hint="run autrainer's Inference through --model py:FILE.py:FUNCTION",
        )
    names = [str(label) for label in labels]
    if kind == "LabelEncoder":
        return sorted(names), "single_label_classification"
    return names, "multi_label_classification"


def _transforms(path: Path) -> list[tuple[str, dict[str, Any]]]:
    """The transforms of a file with one SmartCompose, in the order in which they are applied."""
    kind, options = _object(path)
    if kind != "SmartCompose":
        raise ModelError(f"{path} is of a {kind}, not of a SmartCompose")
    found = [_described(each, path) for each in options.get("transforms") or []]
    return sorted(found, key=lambda each: each[1].get("order", 0))


def _extractor(folder: Path) -> Expanded:
    """What is done with a signal before the network.

    Raises:
        ModelError: a transform, or the sampling rate, would not be obeyed
    """
    size, method, scaled = 0, "pad", None
    pipeline = _transforms(folder / PIPELINE) if (folder / PIPELINE).is_file() else []
    for kind, options in [*pipeline, *_transforms(folder / TRANSFORMS)]:
        if kind == "FeatureExtractor" and scaled is None and options.get("sampling_rate", RATE_HZ) == RATE_HZ:
            scaled = _scaling(options, folder / TRANSFORMS)
        elif kind == "Expand" and scaled is None and options.get("axis") in {-1, 1}:
            size, method = int(options["size"]), str(options.get("method", "pad"))
        elif kind not in NO_EFFECT:
            raise ModelError(f"{folder} has a transform that would not be obeyed here: {kind} {options}")
    for name in HANDLERS:
        rate = _object(folder / name)[1].get("target_sample_rate") if (folder / name).is_file() else None
        if rate not in {None, RATE_HZ}:
            raise ModelError(f"{folder / name}: the rate is {rate} Hz, but such encoders take {RATE_HZ} Hz")
    if scaled is None:
        from transformers import Wav2Vec2FeatureExtractor

        scaled = Wav2Vec2FeatureExtractor(do_normalize=False, sampling_rate=RATE_HZ)
    return Expanded(inner=scaled, size=size, method=method)


def _scaling(options: Mapping[str, Any], path: Path) -> Any:
    """The feature extractor of transformers that a transform names."""
    from transformers import Wav2Vec2FeatureExtractor

    name = options.get("fe_transfer")
    if options.get("fe_type") != "W2V2":
        raise ModelError(f"{path} names the feature extractor {options.get('fe_type')}, not W2V2")
    if name is None or name in NORMALISED:
        return Wav2Vec2FeatureExtractor(do_normalize=True, sampling_rate=RATE_HZ)
    try:
        return Wav2Vec2FeatureExtractor.from_pretrained(str(name))
    except Exception as error:  # transformers raises anything for a name that it cannot resolve
        raise ModelError(
            f"{path} names the feature extractor of {str(name)[:100]!r}, which cannot be read",
            hint="go online once",
        ) from error


def _head(tensors: Mapping[str, "torch.Tensor"], width: int, outputs: int, folder: Path) -> FeedForward:
    """The linear layers, with every key and shape checked."""
    n = len(tensors) // 2
    wanted = {f"{HEAD}{i}.{part}" for i in range(n) for part in ("weight", "bias")}
    odd = sorted(wanted ^ set(tensors))
    if odd or not n:
        raise ModelError(f"{folder / WEIGHTS} is not linear layers on an encoder: {', '.join(odd[:3])}")
    layers, size = [], width
    for i in range(n):
        weight, bias = tensors[f"{HEAD}{i}.weight"].float(), tensors[f"{HEAD}{i}.bias"].float()
        shape = (outputs if i == n - 1 else len(bias), size)
        if tuple(weight.shape) != shape or tuple(bias.shape) != shape[:1]:
            raise ModelError(
                f"{folder / WEIGHTS} does not fit: {HEAD}{i} has shape {tuple(weight.shape)}, but must have "
                f"{shape}"
            )
        if not (weight.isfinite().all() and bias.isfinite().all()):
            raise ModelError(f"{folder / WEIGHTS} has weights that are not finite numbers: {HEAD}{i}")
        size = len(bias)
        layers.append((weight, bias))
    return FeedForward(layers=tuple(layers))
