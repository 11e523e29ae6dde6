"""The small network that `finetune` trains: filter bank, encoder, head."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sertools.training.small_network.recipe import Recipe

if TYPE_CHECKING:
    import torch


RATE_HZ = 16_000
"""Sampling rate of all models trained here, in Hz."""


def filter_bank(channels: int, width: int, *, rate: int = RATE_HZ) -> NDArray[np.float64]:
    """Pairs of cosine and sine filters at mel-spaced frequencies, shape (channels, width).

    Centre frequencies run from 60 Hz to 95 % of half the rate. Each filter is a Hann-windowed sinusoid about
    six periods long (at most `width` samples), with a gain of √(1 + f / 500 Hz) at its centre, which partly
    compensates for the falling spectrum of speech. If `channels` is odd, the last channel is zero.
    """
    low_mel, high_mel = (2595 * math.log10(1 + hz / 700) for hz in (60.0, 0.475 * rate))
    filters = np.zeros((channels, width))
    time_s = (np.arange(width) - (width - 1) / 2) / rate
    for i, mel in enumerate(np.linspace(low_mel, high_mel, channels // 2)):
        hz = 700 * (10 ** (mel / 2595) - 1)
        length_s = min(width / rate, max(6 / hz, 0.004))
        window = np.where(abs(time_s) < length_s / 2, 0.5 + 0.5 * np.cos(2 * np.pi * time_s / length_s), 0)
        window *= 2 * math.sqrt(1 + hz / 500) / window.sum()
        filters[2 * i] = window * np.cos(2 * np.pi * hz * time_s)
        filters[2 * i + 1] = window * np.sin(2 * np.pi * hz * time_s)
    return filters


def normalised(signal: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """The signal scaled to mean 0 and variance 1, as by transformers' feature extractor."""
    return np.asarray((signal - signal.mean()) / np.sqrt(signal.var() + 1e-7), dtype=np.float32)


def untrained(recipe: Recipe) -> Any:
    """An untrained `Wav2Vec2ForSequenceClassification` of the recipe's shape.

    Its first layer is a filter bank. The layer norm after it divides by the standard deviation over channels.
    Two constant channels prevent it from amplifying silence: quiet inputs stay small and loud ones saturate,
    as on a log scale.
    """
    from transformers import Wav2Vec2ForSequenceClassification

    model = Wav2Vec2ForSequenceClassification(_config(recipe))
    _set_first_layers(model, recipe.labels)
    # the filter bank is frozen: training it on little data would only blur it, and training is a third faster
    encoder = model.wav2vec2.feature_extractor
    encoder.conv_layers[0].requires_grad_(False)
    encoder._requires_grad = False  # otherwise transformers requests gradients with respect to the signal
    return model


def _config(recipe: Recipe) -> Any:
    from transformers import Wav2Vec2Config

    shape = recipe.shape
    return Wav2Vec2Config(
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        intermediate_size=shape.feed_forward,
        conv_dim=shape.conv_dim,
        conv_kernel=shape.conv_kernel,
        conv_stride=shape.conv_stride,
        conv_bias=True,
        feat_extract_norm="layer",
        do_stable_layer_norm=True,
        num_conv_pos_embeddings=shape.position_kernel,
        num_conv_pos_embedding_groups=shape.position_groups,
        classifier_proj_size=shape.pooled,
        hidden_dropout=shape.dropout,
        attention_dropout=0.0,
        activation_dropout=0.0,
        feat_proj_dropout=shape.dropout,
        layerdrop=0.0,
        apply_spec_augment=False,
        problem_type=None if recipe.emotions else "regression",  # with both, sertools goes by the names
        id2label=dict(enumerate(recipe.outputs)),
        label2id={name: i for i, name in enumerate(recipe.outputs)},
    )


def _set_first_layers(model: Any, ratings: Sequence[str]) -> None:
    """Sets the filter bank, the smoothing of its envelopes, and the bias of the outputs that are ratings."""
    import torch

    first, second = (layer.conv for layer in model.wav2vec2.feature_extractor.conv_layers[:2])
    channels, _, width = first.weight.shape
    with torch.no_grad():
        bank = np.zeros((channels, width))
        bank[2:] = filter_bank(channels - 2, width)
        first.weight.copy_(torch.from_numpy(bank).unsqueeze(1))
        first.bias.zero_()
        first.bias[:2] = torch.tensor([0.5, -0.5])
        # at first each envelope is smoothed separately; how to mix them is learnt
        second.weight.mul_(0.3)
        smoothing = torch.hann_window(second.kernel_size[0] + 2, periodic=False)[1:-1]
        same = range(min(second.weight.shape[:2]))
        second.weight[same, same] += 2 * smoothing / smoothing.sum()
        model.classifier.bias[: len(ratings)].fill_(0.5)


def _padded(signals: Sequence[NDArray[np.float32]]) -> tuple["torch.Tensor", "torch.Tensor"]:
    """Zero-padded signals (n, longest), and the mask (n, longest) that is 1 for samples of the signal."""
    import torch

    longest = max(map(len, signals))
    batch = np.zeros((len(signals), longest), np.float32)
    mask = np.zeros((len(signals), longest), np.int64)
    for row, signal in enumerate(signals):
        batch[row, : len(signal)] = signal
        mask[row, : len(signal)] = 1
    return torch.from_numpy(batch), torch.from_numpy(mask)


def pooled(model: Any, signals: Sequence[NDArray[np.float32]]) -> "torch.Tensor":
    """Input of the classifier, shape (n, pooled): the mean over frames of the projected last layer."""
    batch, mask = _padded(signals)
    states = model.projector(model.wav2vec2(batch, attention_mask=mask).last_hidden_state)
    frames = model._get_feature_vector_attention_mask(states.shape[1], mask).unsqueeze(-1)
    mean: torch.Tensor = (states * frames).sum(1) / frames.sum(1)
    return mean


def predictions(model: Any, signals: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """The model's predictions, computed clip by clip, shape (n, c)."""
    import torch

    model.eval()
    with torch.no_grad():
        answers = [model(torch.from_numpy(normalised(signal))[None]).logits[0].numpy() for signal in signals]
    return np.stack(answers)
