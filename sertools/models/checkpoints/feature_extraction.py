"""A checkpoint's configuration and feature extractor, accepted clip lengths, and the times of its frames."""

import math
import warnings
from pathlib import Path
from typing import Any, NamedTuple

from sertools.errors import ModelError, reason
from sertools.models.checkpoints.hub.own_code import named_code, names_code, own_code
from sertools.models.checks import MAX_RATE_HZ

WHISPER_HOP = 320
"""Hop of Whisper's encoder frames in samples at 16 kHz: two frames of its spectrogram."""

EMPTY_FILTER = "At least one mel filter has all zero values"
"""Warning of transformers about the spectrogram of AST; harmless, as AST was trained on it."""


DEFAULT_SETTINGS = (
    "The checkpoint has no preprocessor_config.json; the architecture's defaults are used: 16 kHz, "
    "every clip scaled to zero mean and unit variance."
)
"""Note about a checkpoint of a convolutional encoder without settings of its feature extractor."""


class Grid(NamedTuple):
    """Times of frames: centre of the first frame and step, both in s; number of frames within the clip."""

    first_s: float
    step_s: float
    n: int


def config_of(folder: Path, *, trust_remote_code: bool) -> Any:
    """The configuration of a checkpoint, as transformers reads it.

    Raises:
        ModelError: config.json cannot be read, or requires untrusted code
    """
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=trust_remote_code)
    except Exception as error:  # transformers raises anything for a config.json that it does not expect
        raise unreadable(folder / "config.json", error, trust_remote_code) from error


def extractor_of(folder: Path, config: Any, *, trust_remote_code: bool) -> tuple[Any, list[str]]:
    """The feature extractor of a checkpoint, and notes on any assumptions made.

    Raises:
        ModelError: its settings cannot be read or require untrusted code, or there are none and the
            architecture has no default
    """
    from transformers import AutoFeatureExtractor, Wav2Vec2FeatureExtractor

    if (folder / "preprocessor_config.json").is_file():
        try:
            # trust_remote_code is given explicitly, because otherwise transformers asks at the terminal
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message=EMPTY_FILTER)
                extractor = AutoFeatureExtractor.from_pretrained(
                    folder, local_files_only=True, trust_remote_code=trust_remote_code
                )
        except Exception as error:  # transformers raises anything for settings that it does not expect
            raise unreadable(folder / "preprocessor_config.json", error, trust_remote_code) from error
        rate = getattr(extractor, "sampling_rate", None)
        if not isinstance(rate, int) or isinstance(rate, bool) or not 1 <= rate <= MAX_RATE_HZ:
            raise ModelError(
                f"{folder / 'preprocessor_config.json'}: sampling_rate is {rate!r}, not a number of Hz"
            )
        return extractor, []
    if not hasattr(config, "conv_stride"):
        raise ModelError(
            f"{folder} has no preprocessor_config.json", hint="copy it from the checkpoint's original source"
        )
    return Wav2Vec2FeatureExtractor(do_normalize=True, sampling_rate=16000), [DEFAULT_SETTINGS]


def features(extractor: Any) -> str:
    """Short description of the features that an extractor computes."""
    if hasattr(extractor, "description"):
        return str(extractor.description)
    if hasattr(extractor, "hop_length"):
        window, hop = getattr(extractor, "n_fft", "unknown"), extractor.hop_length
        return f"log-mel, {extractor.feature_size} bands, window {window}, hop {hop} samples"
    if getattr(extractor, "num_mel_bins", None):
        return f"log-mel, {extractor.num_mel_bins} bands"
    scaled = getattr(extractor, "do_normalize", False)
    return "every clip scaled to zero mean and unit variance" if scaled else "raw signal"


def unreadable(path: Path, error: Exception, trust_remote_code: bool) -> ModelError:
    """The error for a settings file that cannot be read, or that requires untrusted code."""
    if names_code(path) and not trust_remote_code:
        files = own_code(path.parent)
        code = f"{files} in {path.parent}" if files else f"{named_code(path)} on the model hub"
        return ModelError(
            f"{path} requires code that comes with the checkpoint, which is not run by default",
            hint=f"review {code}, then add --trust-remote-code",
        )
    return ModelError(f"cannot read {path}: {reason(error)}")


def shortest(config: Any) -> int:
    """Minimum number of samples, enough for one frame of a convolutional encoder, or for all merged into one.

    It is 400 for wav2vec2's seven layers, and 0 for a network without such an encoder: there, the feature
    extractor decides (`inputs.shortest_of`). SEW averages `squeeze_factor` frames before its first layer.
    """
    if not hasattr(config, "conv_stride"):
        return 0
    merged = int(getattr(config, "squeeze_factor", 1))
    return receptive_field(config) + (merged - 1) * int(math.prod(config.conv_stride))


def receptive_field(config: Any) -> int:
    """Receptive field of one frame of the convolutional encoder, in samples."""
    field, step = 1, 1
    for kernel, stride in zip(config.conv_kernel, config.conv_stride, strict=True):
        field += (kernel - 1) * step
        step *= stride
    return field


def longest(extractor: Any, rate: int) -> int | None:
    """Maximum number of samples for an extractor with a fixed window, which silently cuts longer clips."""
    if getattr(extractor, "n_samples", None):
        return int(extractor.n_samples)
    if getattr(extractor, "num_mel_bins", None) and getattr(extractor, "max_length", None):
        return int((extractor.max_length - 1) * rate * 0.010 + rate * 0.025)
    return None


def follows_time(config: Any) -> bool:
    """Whether the states have a time axis; those of models on spectrogram patches (AST) do not."""
    return hasattr(config, "conv_stride") or config.model_type == "whisper"


def grid(config: Any, rate: int, samples: int, n: int) -> Grid:
    """Times of the n frames that a model returns for a clip, if its architecture `follows_time`.

    The time of a frame of a convolutional encoder is the centre of its receptive field; if the encoder merges
    several frames into one, it is the centre of these. Whisper always processes 30 s; only its frames up to
    the end of the clip are counted.
    """
    if config.model_type == "whisper":
        return Grid(0.0, WHISPER_HOP / rate, min(n, -(-samples // WHISPER_HOP)))
    field, stride = receptive_field(config), math.prod(config.conv_stride)
    squeezed = max(round(((samples - field) // stride + 1) / n), 1)
    first = (field + (squeezed - 1) * stride) / 2
    return Grid(first / rate, stride * squeezed / rate, n)
