"""Emotion models of Vox-Profile on WavLM (Feng et al. 2025), read without their code.

Such a checkpoint (tiantiaf/wavlm-large-categorical-emotion, …-msp-podcast-emotion-dim) was saved by
PyTorchModelHubMixin: its config.json holds the arguments of the class `WavLMWrapper`
(github.com/tiantiaf0627/vox-profile-release), and no `model_type`. The states of all layers are added with
softmax weights, passed through three layers frame by frame (ReLU between), averaged over frames, and passed
to two linear layers per output. Adapters (LoRA) of the upper half of the encoder are added to its weights.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sertools.errors import ModelError
from sertools.files import read_json
from sertools.models.checkpoints.foreign_layouts import Parts, encoder_config
from sertools.models.checkpoints.layouts import AUTHORS
from sertools.models.checkpoints.weights.files import weight_files, weight_tensors

if TYPE_CHECKING:
    import torch

LAYOUT = "weighted-layers-mean"
"""Name of pooling and head in the facts of a model."""

ORIGINAL = AUTHORS

ENCODERS = {"wavlm": "microsoft/wavlm-base-plus", "wavlm_large": "microsoft/wavlm-large"}
"""Value of `pretrain_model` → hub id of the encoder; only the large one takes normalised signals."""

BACKBONE = "backbone_model."

FRAME_LAYERS = ("model_seq.0", "model_seq.3", "model_seq.6")
"""Stems of the layers that are applied frame by frame."""

EMOTIONS = ("Anger", "Contempt", "Disgust", "Fear", "Happiness", "Neutral", "Sadness", "Surprise", "Other")
"""The nine classes, in the order of the authors' example; config.json does not name them."""

DIMENSIONS = ("arousal", "valence", "dominance")

UNUSED = ("detailed_out_layer.", "arousal_layer.", "valence_layer.", "dominance_layer.", "gender_layer.")
"""Further outputs, which the authors' example of the emotion classifier does not use."""


@dataclass(frozen=True, kw_only=True)
class WeightedLayers:
    """States of all layers, l times (n, frames, d) → logits, or ratings, (n, c).

    Attributes:
        tensors: of the layers after the encoder, by their keys
        stems: of the branches: one for the emotions, or one for each dimension, whose outputs are sigmoids
        first: number of the first layer that is used: 0, or 1 without the output of the CNN
    """

    tensors: Mapping[str, "torch.Tensor"]
    stems: tuple[str, ...]
    first: int

    reads_all_layers = True

    def __call__(self, states: Sequence["torch.Tensor"], frames: Sequence[int] | None) -> "torch.Tensor":
        """Logits, or ratings, of each clip from its own frames."""
        import torch
        from torch.nn.functional import linear

        used = states[self.first :]
        t = {key: tensor.to(used[0]) for key, tensor in self.tensors.items()}
        found = sum(weight * state for weight, state in zip(t["weights"].softmax(0), used, strict=True))
        assert isinstance(found, torch.Tensor)
        for i, stem in enumerate(FRAME_LAYERS):
            found = linear(found.relu() if i else found, t[f"{stem}.weight"][:, :, 0], t[f"{stem}.bias"])
        own = [found.shape[1]] * len(found) if frames is None else frames
        pooled = torch.stack([clip[:n].mean(dim=0) for clip, n in zip(found, own, strict=True)])
        outputs = []
        for stem in self.stems:
            hidden = linear(pooled, t[f"{stem}.0.weight"], t[f"{stem}.0.bias"]).relu()
            outputs.append(linear(hidden, t[f"{stem}.2.weight"], t[f"{stem}.2.bias"]))
        return torch.cat(outputs, dim=-1).sigmoid() if len(self.stems) > 1 else outputs[0]

    @property
    def outputs(self) -> int:
        """Number of outputs."""
        return sum(len(self.tensors[f"{stem}.2.bias"]) for stem in self.stems)


def recognised(folder: Path) -> bool:
    """Is this a checkpoint of this layout, by its config.json?"""
    content = _content(folder)
    return "pretrain_model" in content and "finetune_method" in content and "model_type" not in content


def files_of(folder: Path) -> list[Path]:
    """The files that decide the predictions."""
    return [folder / "config.json", *weight_files(folder)]


def parts_of(folder: Path) -> Parts:
    """Reads a checkpoint.

    Raises:
        ModelError: the encoder is of another kind, an option would not be obeyed, a key is missing or would
            stay unread, or a shape does not fit
    """
    from transformers import Wav2Vec2FeatureExtractor

    path, content = folder / "config.json", _content(folder)
    kind = content["pretrain_model"]
    if kind not in ENCODERS:
        raise ModelError(
            f"{path}: pretrain_model is {str(kind)[:60]!r}; of Vox-Profile, only WavLM is read here",
            hint="run its authors' class through --model py:FILE.py:FUNCTION",
        )
    if content["finetune_method"] == "adapter":
        raise ModelError(
            f"{path}: finetune_method is 'adapter', which is not read here; lora and finetune are"
        )
    tensors = weight_tensors(folder)
    config = encoder_config(ENCODERS[kind], path)
    head = _head(tensors, content, config, folder)
    emotions = head.stems == ("emotion_layer",)
    labels = EMOTIONS if emotions and head.outputs == len(EMOTIONS) else () if emotions else DIMENSIONS
    config.id2label = dict(enumerate(labels))
    config.problem_type = "single_label_classification" if emotions else "regression"
    return Parts(
        layout=LAYOUT,
        config=config,
        extractor=Wav2Vec2FeatureExtractor(do_normalize=kind == "wavlm_large", sampling_rate=16000),
        encoder=_encoder(tensors, int(content.get("lora_rank", 16)), folder),
        head=head,
        keys=len(tensors),
        notes=(_further(tensors),) if emotions and _further(tensors) else (),
    )


def _content(folder: Path) -> dict[str, Any]:
    path = folder / "config.json"
    if not path.is_file():
        return {}
    content = read_json(path, error=ModelError, what="the settings of a checkpoint")
    return content if isinstance(content, dict) else {}


def _further(tensors: Mapping[str, "torch.Tensor"]) -> str:
    """A sentence on outputs that are not read; empty if there are none."""
    found = [name for name in UNUSED if any(key.startswith(name) for key in tensors)]
    if not found:
        return ""
    named = ", ".join(name.rstrip(".") for name in found)
    return f"The checkpoint has further outputs that its authors' example does not use: {named} (not read)."


def _encoder(tensors: Mapping[str, "torch.Tensor"], rank: int, folder: Path) -> dict[str, "torch.Tensor"]:
    """The encoder's tensors, in which weights with an adapter are W + B A / r, as loralib merges them."""
    own = {key.removeprefix(BACKBONE): t for key, t in tensors.items() if key.startswith(BACKBONE)}
    found = {key: tensor for key, tensor in own.items() if ".lora_" not in key}
    for key in (key for key in own if key.endswith(".lora_A")):
        stem = key.removesuffix(".lora_A")
        down, up, weight = own[key], own.get(f"{stem}.lora_B"), found.get(f"{stem}.weight")
        if up is None or weight is None or len(down) != rank or (up @ down).shape != weight.shape:
            raise ModelError(f"{folder} has an adapter that does not fit its weights: {stem}")
        found[f"{stem}.weight"] = weight + up @ down / rank
    return found


def _head(
    tensors: Mapping[str, "torch.Tensor"], content: Mapping[str, Any], config: Any, folder: Path
) -> WeightedLayers:
    """The layers after the encoder, with every key and shape checked."""
    emotions = any(key.startswith("emotion_layer.") for key in tensors)
    stems = ("emotion_layer",) if emotions else tuple(f"{name}_layer" for name in DIMENSIONS)
    unused = UNUSED if emotions else ("gender_layer.",)
    own = {
        key: tensor
        for key, tensor in tensors.items()
        if not key.startswith(BACKBONE) and not key.startswith(unused)
    }
    first = 0 if content.get("use_conv_output", True) else 1
    width = len(own["model_seq.0.bias"]) if "model_seq.0.bias" in own else 0
    shapes: dict[str, tuple[int, ...]] = {"weights": (int(config.num_hidden_layers) + 1 - first,)}
    for i, stem in enumerate(FRAME_LAYERS):
        shapes[f"{stem}.weight"] = (width, width if i else int(config.hidden_size), 1)
        shapes[f"{stem}.bias"] = (width,)
    for stem in stems:
        outputs = len(own[f"{stem}.2.bias"]) if f"{stem}.2.bias" in own else 1
        shapes |= {f"{stem}.0.weight": (width, width), f"{stem}.0.bias": (width,)}
        shapes |= {f"{stem}.2.weight": (outputs, width), f"{stem}.2.bias": (outputs,)}
    _check(own, shapes, folder)
    return WeightedLayers(
        tensors={key: tensor.float() for key, tensor in own.items()}, stems=stems, first=first
    )


def _check(
    tensors: Mapping[str, "torch.Tensor"], shapes: Mapping[str, tuple[int, ...]], folder: Path
) -> None:
    """Refuses a head with a key that is missing or unread, a shape that does not fit, or nan."""
    absent, unread = sorted(set(shapes) - set(tensors)), sorted(set(tensors) - set(shapes))
    if absent or unread:
        said = f"lacks {', '.join(absent[:3])}" if absent else f"has keys that would not be read: {unread[0]}"
        raise ModelError(f"{folder} is not a complete emotion model of Vox-Profile: it {said}")
    for key, shape in shapes.items():
        if tuple(tensors[key].shape) != shape:
            raise ModelError(
                f"the head in {folder} does not fit: {key} has shape {tuple(tensors[key].shape)}, but must "
                f"have {shape}"
            )
        if not tensors[key].isfinite().all():
            raise ModelError(f"{folder} has weights that are not finite numbers: {key}")
