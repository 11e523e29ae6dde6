"""Reads config.json and preprocessor_config.json next to an ONNX file, which apply as for a checkpoint."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from sertools.errors import ModelError, reason
from sertools.files import read_json
from sertools.models.checkpoints import feature_extraction
from sertools.models.checkpoints.label_names import check_label_names, names_in_order
from sertools.models.checkpoints.settings import check_settings
from sertools.models.checks import noise
from sertools.models.model import Signal

CONFIG, PREPROCESSOR = "config.json", "preprocessor_config.json"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of a network in the files next to it.

    Attributes:
        labels: names of the outputs in order; empty if they are not named
        problem_type: of config.json; None if it is not stated
        rate: sampling rate in Hz; None if it is not stated
        features: description of what is done to the signal
        prepare: does it
        files: the files that were read
    """

    labels: tuple[str, ...] = ()
    problem_type: str | None = None
    rate: int | None = None
    features: str = "raw signal"
    prepare: Callable[[Signal], Signal] = lambda signal: signal
    files: tuple[Path, ...] = ()


def settings_of(path: Path, *, named: bool) -> Settings:
    """The settings next to an ONNX file, or above it if its folder is called `onnx`.

    Args:
        path: of the ONNX file
        named: whether the user names the outputs, so that names in config.json do not count

    Raises:
        ModelError: a file is damaged, contradicts itself, or describes features that are not a signal
    """
    folder = path.parent
    if folder.name == "onnx" and not any((folder / name).exists() for name in (CONFIG, PREPROCESSOR)):
        folder = folder.parent
    present = tuple(folder / name for name in (CONFIG, PREPROCESSOR) if (folder / name).exists())
    if not present:
        return Settings()
    check_settings(folder, trust_remote_code=False)
    content: Mapping[str, Any] = {}
    labels: list[str] = []
    if (folder / CONFIG).is_file():
        content = read_json(folder / CONFIG, error=ModelError, what="the settings of a checkpoint")
        if not named:
            check_label_names(content, folder / CONFIG)
            labels = names_in_order(content, folder / CONFIG)
    problem = content.get("problem_type")
    found = Settings(labels=tuple(labels), problem_type=str(problem) if problem else None, files=present)
    return _with_features(found, folder) if (folder / PREPROCESSOR).is_file() else found


def _with_features(found: Settings, folder: Path) -> Settings:
    """The settings together with those of the feature extractor, which must leave a signal a signal."""
    extractor, _ = feature_extraction.extractor_of(folder, SimpleNamespace(), trust_remote_code=False)
    rate, name = int(extractor.sampling_rate), str(extractor.model_input_names[0])

    def prepare(signal: Signal) -> Signal:
        features = extractor(signal, sampling_rate=rate, return_tensors="np")[name]
        return np.asarray(features[0], dtype=np.float32)

    try:
        shape = prepare(noise(rate, 1.0)).shape
    except Exception as error:  # transformers raises anything for settings that do not fit together
        raise ModelError(f"the feature extractor of {folder} fails on a signal: {reason(error)}") from error
    if shape != (rate,):
        raise ModelError(
            f"{folder / PREPROCESSOR} is of a {type(extractor).__name__}, which makes {name} of "
            f"shape {shape} of one second, but the network takes a signal",
            hint="write a function that computes its features: --model py:FILE.py:FUNCTION",
        )
    return Settings(
        labels=found.labels,
        problem_type=found.problem_type,
        rate=rate,
        features=feature_extraction.features(extractor),
        prepare=prepare,
        files=found.files,
    )
