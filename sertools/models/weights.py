"""The tensors in a file of weights, read without running anything that is in it."""

import importlib
import pickle
import struct
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sertools.errors import ModelError

if TYPE_CHECKING:
    import torch

WRAPPERS = ("state_dict", "model_state_dict", "model")
"""Under which name training loops keep the weights beside what else they keep."""

DAMAGE = (RuntimeError, EOFError, OSError, ValueError, LookupError, TypeError, AttributeError, struct.error)
"""What torch raises where a file is no checkpoint, or damaged: it unpickles rubbish step by step."""


def tensors_in(path: Path) -> "dict[str, torch.Tensor]":
    """Tensors by their names, of a safetensors or PyTorch file, out of its wrapper where it has one.

    Raises:
        ModelError: the file is truncated, no checkpoint, or holds more than tensors
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        if path.suffix == ".safetensors":
            return dict(load_file(path))
        # PANNs' training loop also stores the order of its clips, a NumPy array
        with torch.serialization.safe_globals(_arrays()), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Detected pickle protocol")  # what it cannot read fails
            content = torch.load(path, map_location="cpu", weights_only=True)
    except SafetensorError as error:
        raise ModelError(
            f"{path} is no complete safetensors file: {error}", hint="download or copy it again"
        ) from error
    except pickle.UnpicklingError as error:
        raise ModelError(
            f"{path} is damaged or holds more than tensors, and loading it could run its code",
            hint="where you trust it, load it yourself and save its tensors alone, as safetensors",
        ) from error
    except DAMAGE as error:
        told = " ".join(str(error).split()).partition(". ")[0] or "it ends too soon"
        raise ModelError(
            f"cannot read the weights in {path}: {type(error).__name__}: {told}",
            hint="download or copy it again",
        ) from error
    for wrapper in WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(wrapper), dict):
            content = content[wrapper]
    named = isinstance(content, dict) and all(isinstance(key, str) for key in content)
    if not named or not all(isinstance(value, torch.Tensor) for value in content.values()):
        raise ModelError(f"{path} is no checkpoint: it does not hold tensors by name")
    return dict(content)


def _arrays() -> list[Any]:
    """What a pickled array of numbers is made of, under NumPy's names of before and after version 2."""
    make: Any = importlib.import_module("numpy._core.multiarray")._reconstruct
    kinds = [type(np.dtype(kind)) for kind in ("int64", "int32", "float64", "float32")]
    return [
        (make, "numpy.core.multiarray._reconstruct"),
        (make, "numpy._core.multiarray._reconstruct"),
        np.ndarray,
        np.dtype,
        *kinds,
    ]
