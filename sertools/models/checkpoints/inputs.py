"""The inputs of a forward pass, as a feature extractor computes them from a clip."""

import inspect
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sertools.errors import ModelError, reason
from sertools.models.checkpoints.hub.own_code import is_own
from sertools.models.checks import noise
from sertools.models.device import moved
from sertools.models.model import Signal

if TYPE_CHECKING:
    import torch

Inputs = dict[str, "torch.Tensor"]
"""Name of an argument of the forward pass → tensor with a leading axis for clips."""

MASK, SAMPLES = "attention_mask", "input_values"


def main_input(module: Any, extractor: Any) -> str:
    """Name of the input with the signal or its spectrogram, which the forward pass takes first.

    It is the model's name for it, or for a model of the checkpoint's own code, which may have none, the
    extractor's.
    """
    stated = str(getattr(module, "main_input_name", ""))
    known = stated in inspect.signature(module.forward).parameters
    return stated if known else str(extractor.model_input_names[0])


def first_of(inputs: Inputs) -> "torch.Tensor":
    """The signal or its spectrogram, which is the first input."""
    return next(iter(inputs.values()))


def inputs_of(
    extractor: Any, signal: Signal, *, rate: int, module: Any, device: "torch.device", masked: bool
) -> Inputs:
    """The output of the extractor for one clip: the features, and with `masked` also the other inputs.

    Clip by clip, because normalisation must not include the padding that is added for longer clips.

    Args:
        extractor: feature extractor of transformers
        signal: samples of the clip, shape (samples,)
        rate: sampling rate in Hz
        module: whose forward pass takes the inputs
        device: of the result
        masked: False if the caller pads the clips itself, and makes the mask for it
    """
    import torch

    features = extractor(signal, sampling_rate=rate, return_tensors="np")
    accepted = inspect.signature(module.forward).parameters
    main = main_input(module, extractor)
    further = [name for name in extractor.model_input_names if name in accepted and name != main]
    wanted = [main, *(further if masked else [])]
    return {
        name: moved(torch.from_numpy(np.ascontiguousarray(features[name])), device)
        for name in wanted
        if name in features
    }


def signal_input(extractor: Any, signal: Signal, *, rate: int, device: "torch.device") -> Inputs:
    """The same without a mask, for a network of the wav2vec2 family, whose input is a signal."""
    import torch

    samples = extractor(signal, sampling_rate=rate, return_tensors="np")[SAMPLES]
    return {SAMPLES: moved(torch.from_numpy(np.ascontiguousarray(samples)), device)}


def joined(inputs: Sequence[Inputs]) -> Inputs:
    """The inputs of several clips, which have equal shapes, as one batch."""
    import torch

    return {name: torch.cat([x[name] for x in inputs]) for name in inputs[0]}


def shapes(inputs: Inputs) -> tuple[tuple[int, ...], ...]:
    """Shape of each input, to find clips that can share a forward pass."""
    return tuple(tuple(tensor.shape) for tensor in inputs.values())


def shortest_of(extractor: Any, rate: int, forward: Callable[[Any], Any] | None = None) -> int:
    """Minimum number of samples for which an extractor yields at least one unmasked frame, by bisection.

    Returns 1 s if there is no such number below.

    Args:
        extractor: feature extractor of transformers
        rate: sampling rate in Hz
        forward: a pass that has to be possible too, of a network about which nothing else is known
    """
    sound = noise(rate, 1.0)

    def fits(length: int) -> bool:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about the variance of a single frame
                features = extractor(sound[:length], sampling_rate=rate, return_tensors="np")
                if forward is not None:
                    forward(sound[:length])
        except Exception:  # transformers raises anything for a signal that is shorter than one window
            return False
        return all(np.size(value) and np.any(value) for name, value in features.items() if name == MASK)

    if fits(1):
        return 1
    too_short, enough = 1, rate
    while enough - too_short > 1:
        middle = (too_short + enough) // 2
        too_short, enough = (too_short, middle) if fits(middle) else (middle, enough)
    return enough


def check_extractor(extractor: Any, module: Any, folder: Path) -> None:
    """Refuses a feature extractor whose features do not fit the input of the model.

    Compared are the name of the input, its number of axes (a signal or a spectrogram) and its bands, on one
    second of noise.

    Raises:
        ModelError: they differ, or the extractor cannot process a signal
    """
    path, kind = folder / "preprocessor_config.json", type(extractor).__name__
    config, wanted = module.config, main_input(module, extractor)
    rate = int(extractor.sampling_rate)
    try:
        features = extractor(noise(rate, 1.0), sampling_rate=rate, return_tensors="np")
    except Exception as error:  # transformers raises anything for settings that do not fit together
        raise ModelError(f"the {kind} of {path} fails on a signal: {reason(error)}") from error
    of_signal = hasattr(config, "conv_stride")
    shape = tuple(features[wanted].shape) if wanted in features else ()
    if shape and is_own(module):
        return  # nothing states what code that comes with a checkpoint takes
    fits = len(shape) == (2 if of_signal else 3)
    bands = getattr(config, "feature_projection_input_dim", None) or getattr(config, "num_mel_bins", None)
    if fits and not of_signal and isinstance(bands, int):
        fits = bands in shape[1:]
    if fits and not of_signal and config.model_type == "audio-spectrogram-transformer":
        fits = shape[1:] == (config.max_length, config.num_mel_bins)
    if not fits:
        made = ", ".join(
            f"{name} of shape {np.shape(features[name])}"
            for name in features
            if name in {wanted, *_main(extractor)}
        )
        needed = f"{wanted}, " + ("a signal" if of_signal else "a spectrogram")
        needed += f" of {bands} bands" if bands and not of_signal else ""
        raise ModelError(
            f"{path} is of a {kind}, which makes {made or 'no features'} of one second, but the model "
            f"({config.model_type}) takes {needed}",
            hint="copy preprocessor_config.json from the checkpoint's original source",
        )


def _main(extractor: Any) -> list[str]:
    return [str(name) for name in extractor.model_input_names[:1]]
