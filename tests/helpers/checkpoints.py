"""Small checkpoints with random weights in the true layouts, written to disk for the tests."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import (
    ASTConfig,
    ASTFeatureExtractor,
    ASTForAudioClassification,
    AutoConfig,
    AutoModelForAudioClassification,
    Wav2Vec2Config,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2Model,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForAudioClassification,
)

SMALL = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "conv_dim": [16] * 7,
    "classifier_proj_size": 16,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
}
EMOTIONS = ["angry", "happy", "neu", "sad"]
DIMENSIONS = ["arousal", "dominance", "valence"]


def speech(lengths: list[int], seed: int = 0) -> list[np.ndarray]:
    """Signals of the given numbers of samples."""
    rng = np.random.default_rng(seed)
    return [(0.1 * rng.standard_normal(length)).astype(np.float32) for length in lengths]


def write_checkpoint(
    folder: Path,
    model_type: str = "wav2vec2",
    labels: list[str] | None = None,
    window_s: int = 30,
    **settings: Any,
) -> Path:
    """A transformers audio-classification checkpoint of one architecture; only Whisper's has a window."""
    labels = labels or EMOTIONS
    torch.manual_seed(0)
    names = {"id2label": dict(enumerate(labels)), "label2id": {name: i for i, name in enumerate(labels)}}
    if model_type == "whisper":
        config: Any = WhisperConfig(
            d_model=32, encoder_layers=2, encoder_attention_heads=2, encoder_ffn_dim=64, decoder_layers=1,
            decoder_attention_heads=2, decoder_ffn_dim=64, classifier_proj_size=16,
            max_source_positions=50 * window_s, **names,
        )  # fmt: skip
        model: Any = WhisperForAudioClassification(config)
        WhisperFeatureExtractor(chunk_length=window_s).save_pretrained(folder)
    elif model_type == "audio-spectrogram-transformer":
        config = ASTConfig(
            hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, **names
        )
        model = ASTForAudioClassification(config)
        ASTFeatureExtractor().save_pretrained(folder)
    else:
        config = AutoConfig.for_model(model_type, **{**SMALL, **names, **settings})
        model = AutoModelForAudioClassification.from_config(config)
        Wav2Vec2FeatureExtractor(do_normalize=True).save_pretrained(folder)
    with torch.no_grad():  # so that clips differ by far more than rounding
        for name, parameter in model.named_parameters():
            if name.startswith(("classifier", "projector")) and model_type != "audio-spectrogram-transformer":
                parameter.mul_(20)
    model.eval().save_pretrained(folder)
    return folder


def write_audeering_checkpoint(
    folder: Path, **settings: Any
) -> tuple[Path, Wav2Vec2Model, dict[str, torch.Tensor]]:
    """The layout of audEERING's public checkpoints, with the encoder and head tensors it holds."""
    from safetensors.torch import save_file

    torch.manual_seed(0)
    config = Wav2Vec2Config(
        **{
            **SMALL,
            "feat_extract_norm": "layer",
            "do_stable_layer_norm": True,
            "conv_bias": True,
            **settings,
        },
        id2label=dict(enumerate(DIMENSIONS)),
        label2id={name: i for i, name in enumerate(DIMENSIONS)},
    )
    encoder = Wav2Vec2Model(config).eval()
    size = config.hidden_size
    head = {
        "classifier.dense.weight": torch.randn(size, size) / size**0.5,
        "classifier.dense.bias": torch.randn(size) / 10,
        "classifier.out_proj.weight": torch.randn(3, size) / size**0.5,
        "classifier.out_proj.bias": torch.full((3,), 0.5),
    }
    old_names = {
        "parametrizations.weight.original0": "weight_g",
        "parametrizations.weight.original1": "weight_v",
    }
    tensors = {}
    for key, tensor in encoder.state_dict().items():
        for new, old in old_names.items():
            key = key.replace(new, old)
        tensors[f"wav2vec2.{key}"] = tensor.contiguous()
    config.architectures = ["Wav2Vec2ForSpeechClassification"]
    config.save_pretrained(folder)
    Wav2Vec2FeatureExtractor(do_normalize=True).save_pretrained(folder)
    save_file({**tensors, **head}, folder / "model.safetensors", metadata={"format": "pt"})
    return folder, encoder, head
