"""Checkpoints of the widespread template `Wav2Vec2ForSpeechClassification`, and its own forward pass."""

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModel, Wav2Vec2FeatureExtractor

from tests.helpers.checkpoints import EMOTIONS, SMALL

LENGTHS = [16000, 9000, 24321, 5000]


class Head(torch.nn.Module):
    """`ClassificationHead` of the templates: dropout, dense, tanh, dropout, last layer (named by `last`)."""

    def __init__(self, size: int, outputs: int, last: str) -> None:
        super().__init__()
        self.dense = torch.nn.Linear(size, size)
        self.dropout = torch.nn.Dropout(0.1)
        setattr(self, last, torch.nn.Linear(size, outputs))
        self.last = last

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        states = torch.tanh(self.dense(self.dropout(features)))
        return getattr(self, self.last)(self.dropout(states))


class Template(torch.nn.Module):
    """`Wav2Vec2ForSpeechClassification`: encoder, merged strategy over all frames, head."""

    def __init__(self, name: str, encoder: torch.nn.Module, heads: dict[str, Head], mode: str) -> None:
        super().__init__()
        self.encoder_name, self.mode = name, mode
        setattr(self, name, encoder)
        for key, head in heads.items():
            setattr(self, key, head)
        self.heads = list(heads)

    def merged_strategy(self, states: torch.Tensor) -> torch.Tensor:
        if self.mode == "mean":
            return torch.mean(states, dim=1)
        if self.mode == "sum":
            return torch.sum(states, dim=1)
        return torch.max(states, dim=1)[0]

    def forward(self, signal: torch.Tensor) -> list[torch.Tensor]:
        pooled = self.merged_strategy(getattr(self, self.encoder_name)(signal)[0])
        return [getattr(self, key)(pooled) for key in self.heads]


def write_template(
    folder: Path,
    heads: dict[str, tuple[int, str]],
    *,
    model_type: str = "wav2vec2",
    mode: str = "mean",
    labels: list[str] | None = None,
    **settings: object,
) -> Template:
    """A checkpoint of a template; heads are prefix → number of outputs and name of the last layer."""
    torch.manual_seed(1)
    labels = labels or EMOTIONS
    config = AutoConfig.for_model(
        model_type,
        **SMALL,
        **settings,
        id2label=dict(enumerate(labels)),
        label2id={name: i for i, name in enumerate(labels)},
    )
    config.architectures = ["Wav2Vec2ForSpeechClassification"]
    encoder = AutoModel.from_config(config)
    name = encoder.base_model_prefix
    built = {key: Head(config.hidden_size, outputs, last) for key, (outputs, last) in heads.items()}
    model = Template(name, encoder, built, mode).eval()
    config.save_pretrained(folder)
    Wav2Vec2FeatureExtractor(do_normalize=True).save_pretrained(folder)
    save_file(
        {key: tensor.contiguous() for key, tensor in model.state_dict().items()},
        folder / "model.safetensors",
        metadata={"format": "pt"},
    )
    return model


def original(model: Template, signals: list[np.ndarray]) -> list[list[torch.Tensor]]:
    """Outputs of each head, clip by clip: no clip is padded."""
    rows = []
    for signal in signals:
        normalised = (signal - signal.mean()) / np.sqrt(signal.var() + 1e-7)
        with torch.no_grad():
            rows.append([output[0] for output in model(torch.from_numpy(normalised)[None])])
    return rows


def change(folder: Path, **changed: torch.Tensor | None) -> None:
    path = folder / "model.safetensors"
    tensors = load_file(path) | {key.replace("__", "."): value for key, value in changed.items()}
    kept = {key: value for key, value in tensors.items() if value is not None}
    save_file(kept, path, metadata={"format": "pt"})
