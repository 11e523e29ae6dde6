"""Reads the tensors in a weight file without running any code from it."""

import contextlib
import importlib
import pickle
import struct
import warnings
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sertools.errors import ModelError

if TYPE_CHECKING:
    import torch

WRAPPERS = ("state_dict", "model_state_dict", "model")
"""Keys under which training loops store the weights when a checkpoint also holds other data."""

DAMAGE = (RuntimeError, EOFError, OSError, ValueError, LookupError, TypeError, AttributeError, struct.error)
"""Exceptions that torch may raise when a file is damaged or is not a checkpoint."""


def tensors_in(path: Path) -> "dict[str, torch.Tensor]":
    """The named tensors in a safetensors or PyTorch file, unwrapped if they are nested (see `WRAPPERS`).

    Raises:
        ModelError: the file is truncated, is not a checkpoint, or contains more than tensors
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        if path.suffix == ".safetensors":
            return dict(load_file(path))
        _check_size(path)
        # PANNs' training loop also stores the order of its clips, a NumPy array
        with torch.serialization.safe_globals(_arrays()), warnings.catch_warnings():
            warnings.filterwarnings(
                "ignore", message="Detected pickle protocol"
            )  # unreadable files fail anyway
            warnings.filterwarnings("ignore", message=".*looks like a TorchScript archive")  # refused below
            content = torch.load(path, map_location="cpu", weights_only=True)
    except SafetensorError as error:
        raise ModelError(
            f"{path} is not a complete safetensors file: {error}", hint="download or copy it again"
        ) from error
    except pickle.UnpicklingError as error:
        raise ModelError(
            f"{path} is damaged or contains more than tensors, and loading it could run code",
            hint="if you trust it, load it yourself and save only its tensors, as safetensors",
        ) from error
    except DAMAGE as error:
        reason = " ".join(str(error).split()).partition(". ")[0] or "it ends too soon"
        raise ModelError(
            f"cannot read the weights in {path}: {type(error).__name__}: {reason}",
            hint="download or copy it again",
        ) from error
    for wrapper in WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(wrapper), dict):
            content = content[wrapper]
    named = isinstance(content, dict) and all(isinstance(key, str) for key in content)
    if not named or not all(isinstance(value, torch.Tensor) for value in content.values()):
        raise ModelError(f"{path} is not a checkpoint: it does not contain named tensors")
    return dict(content)


def _check_size(path: Path) -> None:
    """Checks that an archive unpacks to no more than it takes on disk, as PyTorch writes them.

    Raises:
        ModelError: it is compressed, so that a few bytes could fill the memory
    """
    with contextlib.suppress(zipfile.BadZipFile), zipfile.ZipFile(path) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > path.stat().st_size:
            raise ModelError(
                f"{path} is compressed, and would take {unpacked / 1e9:.1f} GB of memory",
                hint="PyTorch writes weights uncompressed; download the file again from its source",
            )


def _arrays() -> list[Any]:
    """Types needed to unpickle a numeric NumPy array, with the module names before and after NumPy 2."""
    make: Any = importlib.import_module("numpy._core.multiarray")._reconstruct
    kinds = [type(np.dtype(kind)) for kind in ("int64", "int32", "float64", "float32")]
    return [
        (make, "numpy.core.multiarray._reconstruct"),
        (make, "numpy._core.multiarray._reconstruct"),
        np.ndarray,
        np.dtype,
        *kinds,
    ]
