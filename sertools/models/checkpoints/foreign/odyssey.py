"""The baselines of the Odyssey 2024 challenge on speech emotion recognition, read without their code.

Such a checkpoint (3loi/SER-Odyssey-Baseline-WavLM-…) is an encoder of transformers under `ssl_model`,
attentive statistics pooling (Okabe et al. 2018) under `pool_model` and a network under `ser_model`. Its
config.json names the encoder (`ssl_type`), the mean and standard deviation by which every signal is scaled,
and the outputs. Layers and their order follow the challenge's code
(github.com/msplabresearch/MSP-Podcast_Challenge, net/).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sertools.errors import ModelError
from sertools.files import read_json
from sertools.models.checkpoints.foreign_layouts import Parts, encoder_config
from sertools.models.checkpoints.layouts import AUTHORS
from sertools.models.checkpoints.weights.files import weight_files, weight_tensors
from sertools.models.checks import MAX_RATE_HZ
from sertools.models.model import Signal

if TYPE_CHECKING:
    import torch

LAYOUT = "attentive-statistics"
"""Name of pooling and head in the facts of a model."""

ORIGINAL = AUTHORS

ENCODER, POOLING, HEAD = "ssl_model.", "pool_model.", "ser_model."
"""Prefixes of the keys of the three parts."""

EPSILON = 1e-6
"""Added to the standard deviation by which signals are divided."""

LEAST_VARIANCE = 1e-5
"""Smallest variance of a state over time of which a standard deviation is taken."""


@dataclass(frozen=True, kw_only=True)
class FixedScale:
    """Scales every signal by the mean and standard deviation of the recordings of the training.

    It has what is used of a feature extractor of transformers.
    """

    mean: float
    std: float
    sampling_rate: int
    model_input_names: tuple[str, ...] = ("input_values",)
    description: str = "every signal scaled by the mean and standard deviation of the training"

    def __call__(self, signal: Signal, **_: object) -> dict[str, np.ndarray[Any, np.dtype[np.float32]]]:
        """The scaled signal, (samples,) → (1, samples)."""
        scaled = (signal - np.float32(self.mean)) / np.float32(self.std + EPSILON)
        return {"input_values": scaled[None].astype(np.float32)}

    def to_json_string(self) -> str:
        """All settings, for fingerprints."""
        return json.dumps({"mean": self.mean, "std": self.std, "sampling_rate": self.sampling_rate})


@dataclass(frozen=True, kw_only=True)
class AttentiveHead:
    """Attentive statistics pooling and the layers after it: states (n, frames, d) → logits (n, c)."""

    tensors: Mapping[str, "torch.Tensor"]
    hidden: int

    def __call__(self, states: "torch.Tensor", frames: Sequence[int] | None) -> "torch.Tensor":
        """Logits, or ratings, of each clip.

        Args:
            states: of the encoder's last layer, shape (n, frames, d)
            frames: number of each clip's own frames; None if all are its own
        """
        import torch

        own = [len(states[0])] * len(states) if frames is None else frames
        return torch.stack([self._of_clip(clip[:n]) for clip, n in zip(states, own, strict=True)])

    def _of_clip(self, states: "torch.Tensor") -> "torch.Tensor":
        """Logits (c,) of the states (frames, d) of one clip."""
        import torch
        from torch.nn.functional import layer_norm, linear

        t = {name: tensor.to(states) for name, tensor in self.tensors.items()}
        scored = torch.tanh(linear(states, t[f"{POOLING}sap_linear.weight"], t[f"{POOLING}sap_linear.bias"]))
        weights = (scored @ t[f"{POOLING}attention"]).softmax(dim=0)
        mean = (states * weights).sum(dim=0)
        variance = (states.square() * weights).sum(dim=0) - mean.square()
        found = torch.cat([mean, variance.clamp(min=LEAST_VARIANCE).sqrt()])
        for i in range(self.hidden):
            stem = f"{HEAD}fc.{i}"
            found = linear(found, t[f"{stem}.0.weight"], t[f"{stem}.0.bias"])
            found = layer_norm(found, found.shape, t[f"{stem}.1.weight"], t[f"{stem}.1.bias"]).relu()
        return linear(found, t[f"{HEAD}out.0.weight"], t[f"{HEAD}out.0.bias"])

    @property
    def outputs(self) -> int:
        """Number of outputs."""
        return len(self.tensors[f"{HEAD}out.0.bias"])


def recognised(folder: Path) -> bool:
    """Is this a checkpoint of this layout, by its config.json?"""
    path = folder / "config.json"
    if not path.is_file():
        return False
    content = read_json(path, error=ModelError, what="the settings of a checkpoint")
    return isinstance(content, dict) and content.get("model_type") == "ser" and "ssl_type" in content


def files_of(folder: Path) -> list[Path]:
    """The files that decide the predictions."""
    return [folder / "config.json", *weight_files(folder)]


def parts_of(folder: Path) -> Parts:
    """Reads a checkpoint.

    Raises:
        ModelError: a setting is missing or absurd, the encoder is unknown, a key is missing or would stay
            unread, or a shape does not fit
    """
    path = folder / "config.json"
    content = read_json(path, error=ModelError, what="the settings of a checkpoint")
    tensors = weight_tensors(folder)
    config = encoder_config(str(content["ssl_type"]), path)
    labels = content.get("id2label")
    config.id2label = {int(i): str(name) for i, name in labels.items()} if isinstance(labels, dict) else {}
    config.problem_type = content.get("problem_type")
    return Parts(
        layout=LAYOUT,
        config=config,
        extractor=FixedScale(
            mean=_number(content, "mean", path),
            std=_number(content, "std", path, positive=True),
            sampling_rate=int(
                _number({"sampling_rate": 16000, **content}, "sampling_rate", path, positive=True)
            ),
        ),
        encoder={key.removeprefix(ENCODER): t for key, t in tensors.items() if key.startswith(ENCODER)},
        head=_head({key: t for key, t in tensors.items() if not key.startswith(ENCODER)}, config, folder),
        keys=len(tensors),
    )


def _number(content: Mapping[str, Any], key: str, path: Path, *, positive: bool = False) -> float:
    """A finite number in config.json."""
    value: Any = content.get(key)
    fits = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= MAX_RATE_HZ
    if not fits or (positive and value <= 0):
        kind = "a positive number" if positive else "a number"
        raise ModelError(f"{path}: {key} is {value!r}, which is not {kind}")
    return float(value)


def _head(tensors: Mapping[str, "torch.Tensor"], config: Any, folder: Path) -> AttentiveHead:
    """Pooling and the layers after it, with every key and shape checked."""
    hidden = len({key.split(".")[2] for key in tensors if key.startswith(f"{HEAD}fc.")})
    size = int(config.hidden_size)
    shapes: dict[str, tuple[int | None, ...]] = {
        f"{POOLING}sap_linear.weight": (size, size),
        f"{POOLING}sap_linear.bias": (size,),
        f"{POOLING}attention": (size, 1),
    }
    inputs: int | None = 2 * size
    for i in range(hidden):
        weight = tensors.get(f"{HEAD}fc.{i}.0.weight")
        width = None if weight is None else len(weight)
        shapes |= {f"{HEAD}fc.{i}.0.weight": (width, inputs)}
        shapes |= {f"{HEAD}fc.{i}.{part}": (width,) for part in ("0.bias", "1.weight", "1.bias")}
        inputs = width
    out = tensors.get(f"{HEAD}out.0.weight")
    outputs = None if out is None else len(out)
    shapes |= {f"{HEAD}out.0.weight": (outputs, inputs), f"{HEAD}out.0.bias": (outputs,)}
    absent, unread = sorted(set(shapes) - set(tensors)), sorted(set(tensors) - set(shapes))
    if absent or unread:
        said = f"lacks {', '.join(absent[:3])}" if absent else f"has keys that would not be read: {unread[0]}"
        raise ModelError(f"{folder} is not a complete checkpoint of the Odyssey challenge: it {said}")
    for key, shape in shapes.items():
        if tuple(tensors[key].shape) != shape:
            raise ModelError(
                f"the head in {folder} does not fit: {key} has shape {tuple(tensors[key].shape)}, but must "
                f"have {shape}"
            )
        if not tensors[key].isfinite().all():
            raise ModelError(f"{folder} has weights that are not finite numbers: {key}")
    return AttentiveHead(tensors={key: tensor.float() for key, tensor in tensors.items()}, hidden=hidden)
