"""Checks the JSON files of a transformers checkpoint before any library reads them.

A file of a few bytes can ask for a billion layers, or name code on the model hub. transformers would build
the one and download the other, so both are refused here.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sertools.errors import ModelError
from sertools.files import read_json
from sertools.models.checks import MAX_RATE_HZ

MAX_NUMBER = 2**31
"""Largest integer in a settings file."""

LIMITS = (
    (re.compile(r"(layers|blocks|depths?|_repeats)$"), 1000),
    (re.compile(r"^(num_labels|num_classes)$"), 100_000),
    (re.compile(r"(vocab_size|positions|position_embeddings)$"), 2**24),
    (re.compile(r"^(n_fft|hop_length|win_length|feature_size|num_mel_bins|frame_signal_scale)$"), 2**17),
    (
        re.compile(
            r"(_size|_dims?|num_conv_pos_embeddings|width|heads|groups|kernel|stride|channels|bins|bands|d_model)$"
        ),
        2**20,
    ),
    (re.compile(r"^(chunk_length|max_length|n_samples|nb_max_frames)$"), 2**26),
    (re.compile(r"sampling_rate$"), MAX_RATE_HZ),
)
"""Names of numbers → largest value; the first pattern that fits counts."""

MAX_UNUSED = 8
"""A network may have this many times the parameters of its weight files: encoders share weights, and
transformers builds decoders that are not used."""

FEW_PARAMETERS = 20_000_000
"""A network of this many parameters is always built: it needs no more than 80 MB."""


def check_settings(folder: Path, *, trust_remote_code: bool, may_adapt: bool = False) -> None:
    """Checks config.json, preprocessor_config.json and adapter_config.json of a checkpoint.

    Args:
        folder: of the checkpoint
        trust_remote_code: whether code that comes with it may run
        may_adapt: whether it may be an adapter of another checkpoint, which the caller merges

    Raises:
        ModelError: a file is not a JSON object or too large, a number is absurd, a key loads code although
            `trust_remote_code` is false, or the checkpoint is only an adapter of another one
    """
    if (folder / "adapter_config.json").exists() and not may_adapt:
        raise ModelError(
            f"{folder} is an adapter, whose network is in another checkpoint",
            hint="merge it into that checkpoint, save the whole, and name its directory",
        )
    for name in ("config.json", "preprocessor_config.json"):
        path = folder / name
        if not path.exists():
            continue
        if not path.is_file():
            raise ModelError(f"{path} is not a regular file")
        content = read_json(path, error=ModelError, what="the settings of a checkpoint")
        if not isinstance(content, dict):
            raise ModelError(f"{path} does not contain a JSON object")
        check_numbers(content, str(path))
        named = content.get("architectures") or []
        if not isinstance(named, list) or not all(isinstance(each, str) for each in named):
            raise ModelError(f"{path}: architectures is not a list of names")
        if not trust_remote_code:
            _check_keys(content, path)


def check_numbers(content: Any, where: str) -> None:
    """Refuses numbers that no network can have, such as a billion layers or a stride of 0.

    Args:
        content: parsed JSON or YAML
        where: the file, for the message

    Raises:
        ModelError: a number is too large or too small
    """
    for key, value in _values(content):
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        if key.endswith(("stride", "kernel")) and value < 1:
            raise ModelError(f"{where}: {key} is {_short(value)}, but must be at least 1")
        most = next((limit for pattern, limit in LIMITS if pattern.search(key)), MAX_NUMBER)
        if abs(value) > most and not (isinstance(value, float) and most == MAX_NUMBER):
            raise ModelError(
                f"{where}: {key} is {_short(value)}, but can be at most {most}",
                hint="the file is damaged, or is not the description of a network",
            )


def check_parameters(make: Any, stored: int, tensors: int, config: Any, folder: Path) -> None:
    """Refuses a config.json that describes a far larger network than the weight files hold.

    The network is built without memory for its weights.

    Args:
        make: builds the module of `config`
        stored: number of parameters in the weight files
        tensors: number of tensors in the weight files
        config: of transformers
        folder: of the checkpoint, for messages

    Raises:
        ModelError: the network is far too large
        Exception: of any class, from transformers, if the network cannot be built
    """
    import torch

    for key, value in _values(config.to_dict()):
        deep = LIMITS[0][0].search(key) and isinstance(value, int) and not isinstance(value, bool)
        if deep and value > max(tensors, 100):
            raise ModelError(f"{folder}: config.json requires {value} {key}, but there are {tensors} weights")
    with torch.device("meta"):
        wanted = sum(parameter.numel() for parameter in make(config).parameters())
    if wanted > max(MAX_UNUSED * stored, FEW_PARAMETERS):
        raise ModelError(
            f"the weights in {folder} do not fit its config.json: it describes a network of "
            f"{wanted} parameters, but the weight files hold {stored}"
        )


def _check_keys(content: Any, path: Path) -> None:
    """Refuses keys whose values name code on the model hub."""
    for key, value in _values(content):
        names_code = key.endswith(("_implementation", "_implementation_internal"))
        if (names_code and isinstance(value, str) and set(value) & {"/", ":", "@", "|"}) or (
            key in {"use_kernels", "kernel_config"} and value
        ):
            raise ModelError(
                f"{path}: {key} is {_short(value)}, which loads code from the model hub",
                hint="remove the key, or review that code and add --trust-remote-code",
            )


def _values(content: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """All values with their keys; the values of a list or of a dict also under the key of their container."""
    waiting = [(key, content)]
    while waiting:
        key, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [
                (f"{key}" if key.endswith("_implementation") else str(own), v) for own, v in value.items()
            ]
        elif isinstance(value, list | tuple):
            waiting += [(key, v) for v in value]
        else:
            yield key, value


def _short(value: object) -> str:
    try:
        text = repr(value)
    except ValueError:  # an integer of more digits than Python converts
        return "a number of thousands of digits"
    return text if len(text) <= 60 else f"{text[:57]}…"
