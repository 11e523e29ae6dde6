"""Classifiers of SpeechBrain on wav2vec2, read without SpeechBrain and without building what its YAML names.

Such a folder (speechbrain/emotion-recognition-wav2vec2-IEMOCAP) has hyperparams.yaml, wav2vec2.ckpt (the
encoder), model.ckpt (one linear layer) and label_encoder.txt. The states are normalised over all frames and
values of a clip (`output_norm`), averaged over frames and passed to the linear layer. SpeechBrain adds noise
of at most 9e-5 to the average, anew in each call; here it is left out.
"""

import ast
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

LAYOUT = "normalised-mean"
"""Name of pooling and head in the facts of a model."""

ORIGINAL = AUTHORS

FILES = ("hyperparams.yaml", "label_encoder.txt", "model.ckpt", "wav2vec2.ckpt")

MAX_BYTES = 2**20
"""Largest hyperparams.yaml or label_encoder.txt that is read."""

EPSILON = 1e-5
"""Added to variances by torch's layer norm."""

ENCODERS = ("Wav2Vec2", "HuggingFaceWav2Vec2")
"""Names of the class of SpeechBrain that wraps the encoder, in newer and in older versions."""

BUILT = "new:speechbrain."
"""Beginning of the tag of a part that SpeechBrain would build."""

NO_EFFECT = ("freeze", "freeze_feature_extractor", "save_path", "apply_spec_augment")
"""Options of the encoder that change no prediction."""

SEPARATOR, EXTRAS = " => ", "===="
"""Of label and number in label_encoder.txt, and the beginning of the line after the labels."""


@dataclass(frozen=True, kw_only=True)
class ScaledByClip:
    """Scales every signal to zero mean and unit variance, as torch's layer norm does.

    It has what is used of a feature extractor of transformers.
    """

    sampling_rate: int
    model_input_names: tuple[str, ...] = ("input_values",)
    description: str = "every clip scaled to zero mean and unit variance"

    def __call__(self, signal: Signal, **_: object) -> dict[str, np.ndarray[Any, np.dtype[np.float32]]]:
        """The scaled signal, (samples,) → (1, samples)."""
        scaled = (signal - signal.mean()) / np.sqrt(signal.var() + np.float32(EPSILON))
        return {"input_values": scaled[None].astype(np.float32)}

    def to_json_string(self) -> str:
        """All settings, for fingerprints."""
        return json.dumps({"sampling_rate": self.sampling_rate, "epsilon": EPSILON})


@dataclass(frozen=True, kw_only=True)
class NormalisedMean:
    """Mean over frames and one linear layer: states (n, frames, d) → logits (n, c)."""

    weight: "torch.Tensor"
    bias: "torch.Tensor | None"
    normalised: bool

    def __call__(self, states: "torch.Tensor", frames: Sequence[int] | None) -> "torch.Tensor":
        """Logits of each clip, from its own frames."""
        import torch
        from torch.nn.functional import layer_norm, linear

        own = [len(states[0])] * len(states) if frames is None else frames
        found = []
        for clip, n in zip(states, own, strict=True):
            kept = layer_norm(clip[:n], clip[:n].shape) if self.normalised else clip[:n]
            bias = None if self.bias is None else self.bias.to(kept)
            found.append(linear(kept.mean(dim=0), self.weight.to(kept), bias))
        return torch.stack(found)

    @property
    def outputs(self) -> int:
        """Number of outputs."""
        return len(self.weight)


def recognised(folder: Path) -> bool:
    """Is this a folder of SpeechBrain with a classifier on wav2vec2?"""
    return (folder / "hyperparams.yaml").is_file() and (folder / "wav2vec2.ckpt").is_file()


def files_of(folder: Path) -> list[Path]:
    """The files that decide the predictions."""
    return [folder / name for name in FILES]


def parts_of(folder: Path) -> Parts:
    """Reads a folder.

    Raises:
        ModelError: a file is missing or damaged, an option would not be obeyed, or a key or shape does not
            fit
    """
    absent = [path.name for path in files_of(folder) if not path.is_file()]
    if absent:
        raise ModelError(f"{folder} lacks {', '.join(absent)}", hint="download or copy it too")
    path = folder / "hyperparams.yaml"
    options = _options(path)
    encoder = _built(options, "wav2vec2", ENCODERS, path)
    pooling = _built(options, "avg_pool", ("StatisticsPooling",), path)
    _built(options, "output_mlp", ("Linear",), path)
    unknown = sorted(set(encoder) - {"source", "output_norm", "output_all_hiddens", *NO_EFFECT})
    if unknown or encoder.get("output_all_hiddens") or pooling != {"return_std": False}:
        what = (
            f"{unknown[0]} of wav2vec2" if unknown else "output_all_hiddens, or a pooling other than the mean"
        )
        raise ModelError(f"{path} has an option that would not be obeyed: {what}")
    labels = _labels(folder / "label_encoder.txt")
    config = encoder_config(str(encoder.get("source")), path)
    config.id2label = dict(enumerate(labels))
    config.problem_type = "single_label_classification"
    tensors = tensors_in(folder / "wav2vec2.ckpt")
    head = _head(folder / "model.ckpt", len(labels), bool(encoder.get("output_norm", False)), config)
    return Parts(
        layout=LAYOUT,
        config=config,
        extractor=ScaledByClip(sampling_rate=_rate(options, path)),
        encoder={key.removeprefix("model."): tensor for key, tensor in tensors.items()},
        head=head,
        keys=len(tensors) + (1 if head.bias is None else 2),
    )


def _options(path: Path) -> dict[str, Any]:
    """The content of hyperparams.yaml; what it asks to build is a mapping with its tag, and is not built."""
    import yaml

    class Described(yaml.SafeLoader):
        pass

    def described(loader: Any, tag: str, node: Any) -> Any:
        if isinstance(node, yaml.MappingNode):
            return {"!": tag, **loader.construct_mapping(node, deep=True)}
        if isinstance(node, yaml.SequenceNode):
            return loader.construct_sequence(node, deep=True)
        return node.value

    Described.add_multi_constructor("!", described)
    with foreign(f"{path} cannot be read", ModelError):
        if path.stat().st_size > MAX_BYTES:
            raise ModelError(f"{path} is larger than {MAX_BYTES >> 20} MB")
        text = path.read_text(encoding="utf-8")
        check_yaml(text, tags=True)
        content = yaml.load(text, Loader=Described)  # nosec B506  # noqa: S506 (a SafeLoader)
    if not isinstance(content, dict):
        raise ModelError(f"{path} does not contain options")
    return content


def _built(options: Mapping[str, Any], name: str, classes: Sequence[str], path: Path) -> dict[str, Any]:
    """The arguments of a part, which must be of one of these classes, with references resolved."""
    part = options.get(name)
    tag = str(part.get("!", "")) if isinstance(part, dict) else ""
    if not isinstance(part, dict) or not tag.startswith(BUILT) or tag.rpartition(".")[2] not in classes:
        raise ModelError(f"{path}: {name} is not a {' or '.join(classes)}, so it cannot be read here")
    return {key: _resolved(value, options) for key, value in part.items() if key != "!"}


def _resolved(value: Any, options: Mapping[str, Any]) -> Any:
    """The value of an option that another one refers to as `<name>`."""
    for _ in range(10):
        if not (isinstance(value, str) and value.startswith("<") and value.endswith(">")):
            break
        value = options.get(value[1:-1])
    return value


def _rate(options: Mapping[str, Any], path: Path) -> int:
    rate = options.get("sample_rate", 16000)
    if rate != 16000 or isinstance(rate, bool):
        raise ModelError(f"{path}: sample_rate is {str(rate)[:60]}, but encoders of this kind take 16000 Hz")
    return 16000


def _labels(path: Path) -> list[str]:
    """The labels in the order of the outputs, from lines such as `'neu' => 0`."""
    found: dict[int, str] = {}
    with foreign(f"{path} cannot be read", ModelError):
        if path.stat().st_size > MAX_BYTES:
            raise ModelError(f"{path} is larger than {MAX_BYTES >> 20} MB")
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith(EXTRAS):
                break
            label, separator, number = line.rpartition(SEPARATOR)
            if not separator:
                raise ModelError(f"{path}: {line[:60]!r} is not of the form 'label' => number")
            found[int(number)] = str(ast.literal_eval(label))
    if sorted(found) != list(range(len(found))) or not found:
        raise ModelError(f"{path}: the numbers of the labels are not 0, 1, 2, …")
    return [found[i] for i in range(len(found))]


def _head(path: Path, labels: int, normalised: bool, config: Any) -> NormalisedMean:
    """The linear layer in model.ckpt, with keys and shapes checked."""
    tensors = tensors_in(path)
    unread = sorted(set(tensors) - {"0.w.weight", "0.w.bias"})
    if "0.w.weight" not in tensors or unread:
        said = f"has keys that would not be read: {unread[0]}" if unread else "lacks 0.w.weight"
        raise ModelError(f"{path} is not one linear layer: it {said}")
    wanted = {"0.w.weight": (labels, int(config.hidden_size)), "0.w.bias": (labels,)}
    for key, tensor in tensors.items():
        if tuple(tensor.shape) != wanted[key]:
            raise ModelError(
                f"{path} does not fit: {key} has shape {tuple(tensor.shape)}, but must have {wanted[key]}"
            )
        if not tensor.isfinite().all():
            raise ModelError(f"{path} has weights that are not finite numbers: {key}")
    bias = tensors.get("0.w.bias")
    return NormalisedMean(
        weight=tensors["0.w.weight"].float(),
        bias=None if bias is None else bias.float(),
        normalised=normalised,
    )
