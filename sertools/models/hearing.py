"""How a checkpoint hears: its feature extractor, the clips that it takes, and when its frames are."""

import math
import warnings
from pathlib import Path
from typing import Any, NamedTuple

from sertools.errors import ModelError

WHISPER_HOP = 320
"""Samples at 16 kHz from one frame of Whisper's encoder to the next: two frames of its spectrogram."""

EMPTY_FILTER = "At least one mel filter has all zero values"
"""What transformers warns of for the spectrogram of AST, which was trained on just that."""


class Grid(NamedTuple):
    """When frames are: the centre of the first and the step in s, and how many are of the clip."""

    first_s: float
    step_s: float
    n: int


def extractor_of(folder: Path, config: Any, *, trust_remote_code: bool) -> tuple[Any, list[str]]:
    """The feature extractor of a checkpoint, and sentences about what was assumed of it.

    Raises:
        ModelError: its settings cannot be read or name code that is not trusted, or there are none and the
            architecture has no default
    """
    from transformers import AutoFeatureExtractor, Wav2Vec2FeatureExtractor

    if (folder / "preprocessor_config.json").is_file():
        try:
            # said outright, because transformers asks at the terminal where nothing is said
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message=EMPTY_FILTER)
                extractor = AutoFeatureExtractor.from_pretrained(
                    folder, local_files_only=True, trust_remote_code=trust_remote_code
                )
        except (ValueError, KeyError, OSError, TypeError, AttributeError) as error:
            raise unreadable(folder / "preprocessor_config.json", error, trust_remote_code) from error
        rate = getattr(extractor, "sampling_rate", None)
        if not isinstance(rate, int) or rate < 1:
            raise ModelError(
                f"{folder / 'preprocessor_config.json'}: sampling_rate is {rate!r}, not a number of Hz"
            )
        return extractor, []
    if not hasattr(config, "conv_stride"):
        raise ModelError(
            f"{folder} has no preprocessor_config.json", hint="copy it from where the checkpoint comes from"
        )
    note = (
        "The checkpoint has no preprocessor_config.json; the architecture's defaults were taken: 16 kHz, "
        "every clip scaled to zero mean and unit variance."
    )
    return Wav2Vec2FeatureExtractor(do_normalize=True, sampling_rate=16000), [note]


def features(extractor: Any) -> str:
    """What a feature extractor makes of the signal, in a few words."""
    if hasattr(extractor, "hop_length"):
        window, hop = getattr(extractor, "n_fft", "unknown"), extractor.hop_length
        return f"log-mel, {extractor.feature_size} bands, window {window}, hop {hop} samples"
    if getattr(extractor, "num_mel_bins", None):
        return f"log-mel, {extractor.num_mel_bins} bands"
    scaled = getattr(extractor, "do_normalize", False)
    return "every clip scaled to zero mean and unit variance" if scaled else "the signal as it is"


def unreadable(path: Path, error: Exception, trust_remote_code: bool) -> ModelError:
    """What is wrong with a settings file of a checkpoint; code of its own, where it may not run."""
    own = path.is_file() and '"auto_map"' in path.read_text(encoding="utf-8", errors="replace")
    if own and not trust_remote_code:
        return ModelError(
            f"{path} asks for code of its own, which runs only where you trust it",
            hint=f"read the .py files in {path.parent}, then add --trust-remote-code",
        )
    return ModelError(f"cannot read {path}: {' '.join(str(error).split())[:300]}")


def shortest(config: Any) -> int:
    """Fewest samples that give one frame: the receptive field of the convolutional encoder.

    For wav2vec2's seven layers that is 400.
    """
    if not hasattr(config, "conv_stride"):
        return 1
    field, step = 1, 1
    for kernel, stride in zip(config.conv_kernel, config.conv_stride, strict=True):
        field += (kernel - 1) * step
        step *= stride
    return field


def longest(extractor: Any, rate: int) -> int | None:
    """Most samples that an extractor with a fixed window sees; it would cut longer clips silently."""
    if getattr(extractor, "n_samples", None):
        return int(extractor.n_samples)
    if getattr(extractor, "num_mel_bins", None) and getattr(extractor, "max_length", None):
        return int((extractor.max_length - 1) * rate * 0.010 + rate * 0.025)
    return None


def follows_time(config: Any) -> bool:
    """Whether states follow the clip in time; those of a spectrogram cut into patches do not."""
    return hasattr(config, "conv_stride") or config.model_type == "whisper"


def grid(config: Any, rate: int, samples: int, n: int) -> Grid:
    """When the n frames are that an architecture that `follows_time` answers a clip with.

    A frame of a convolutional encoder is about the middle of its receptive field. Where the encoder squeezes
    several into one, it is about the middle of these. Whisper hears 30 s, whatever the clip's length; its
    frames end with the clip.
    """
    if config.model_type == "whisper":
        return Grid(0.0, WHISPER_HOP / rate, min(n, -(-samples // WHISPER_HOP)))
    field, stride = shortest(config), math.prod(config.conv_stride)
    squeezed = max(round(((samples - field) // stride + 1) / n), 1)
    first = (field + (squeezed - 1) * stride) / 2
    return Grid(first / rate, stride * squeezed / rate, n)
