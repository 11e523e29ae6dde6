"""What the feature extractor of the wav2vec2 family makes of a signal, without transformers."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sertools.errors import ModelError
from sertools.files import read_json
from sertools.models.checkpoints.feature_extraction import DEFAULT_SETTINGS
from sertools.models.checks import MAX_RATE_HZ
from sertools.models.model import Signal

KIND = "Wav2Vec2FeatureExtractor"
INPUT = "input_values"

HARMLESS = (
    "processor_class",
    "feature_extractor_type",
    "padding_side",
    "padding_value",
    "return_attention_mask",
)
"""Settings that change nothing about a single clip without padding."""

EPSILON = 1e-7
"""Added to the variance of a clip, as in transformers."""


@dataclass(kw_only=True)
class SignalExtractor:
    """The extractor of a checkpoint whose network takes the samples themselves.

    Attributes:
        sampling_rate: in Hz
        do_normalize: whether each clip is scaled to mean 0 and variance 1
        original: makes the extractor of transformers with the same settings
    """

    sampling_rate: int
    do_normalize: bool
    original: Callable[[], Any]
    model_input_names: tuple[str, ...] = (INPUT,)

    def __call__(
        self, signal: Signal, *, sampling_rate: int, return_tensors: str = "np"
    ) -> dict[str, NDArray[np.float32]]:
        """The input of the network for one clip, with the bits of the extractor of transformers.

        Args:
            signal: samples of the clip, shape (samples,)
            sampling_rate: of the signal, which is that of the extractor
            return_tensors: as for transformers; only NumPy's arrays are made

        Returns:
            `input_values` of shape (1, samples)
        """
        assert sampling_rate == self.sampling_rate, "decoded at the rate of the model"
        assert return_tensors == "np", "the only kind that callers ask for"
        samples = np.asarray(signal, dtype=np.float32)
        if self.do_normalize:
            samples = (samples - samples.mean()) / np.sqrt(samples.var() + EPSILON)
        return {INPUT: samples[None]}

    def to_json_string(self) -> str:
        """The settings as transformers writes them."""
        return str(self.original().to_json_string())


def extractor_in(folder: Path, original: Callable[[], Any]) -> tuple[SignalExtractor, list[str]] | None:
    """The extractor of a checkpoint and notes on assumptions; None if its settings are not plain.

    Args:
        folder: of the checkpoint
        original: makes the extractor of transformers with the same settings

    Raises:
        ModelError: preprocessor_config.json is not valid JSON
    """
    path = folder / "preprocessor_config.json"
    if not path.is_file():
        return SignalExtractor(sampling_rate=16000, do_normalize=True, original=original), [DEFAULT_SETTINGS]
    content = read_json(path, error=ModelError, what="the settings of a checkpoint")
    if not isinstance(content, dict) or content.get("feature_extractor_type", KIND) != KIND:
        return None
    if set(content) - {"feature_size", "sampling_rate", "do_normalize", *HARMLESS}:
        return None
    size, rate = content.get("feature_size", 1), content.get("sampling_rate", 16000)
    scaled = content.get("do_normalize", True)
    if size != 1 or not isinstance(scaled, bool) or not isinstance(rate, int) or isinstance(rate, bool):
        return None
    if not 1 <= rate <= MAX_RATE_HZ or not isinstance(content.get("padding_value", 0.0), int | float):
        return None
    return SignalExtractor(sampling_rate=rate, do_normalize=scaled, original=original), []
