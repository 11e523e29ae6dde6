"""Loads frozen transformers checkpoints: every weight must be present, and no code of the checkpoint runs."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sertools.errors import ModelError, foreign
from sertools.models.checkpoints.settings import check_parameters, check_settings
from sertools.models.checkpoints.weights.files import weight_files
from sertools.models.checkpoints.weights.tensors import tensors_in
from sertools.models.checkpoints.weights.unread import NEVER_USED


def config_of(folder: Path) -> Any:
    """The configuration of a checkpoint, by transformers, after `check_settings`.

    Raises:
        ModelError: config.json is missing or not valid, or requires code of the checkpoint
    """
    from transformers import AutoConfig

    check_settings(folder, trust_remote_code=False)
    with foreign(f"cannot read {folder / 'config.json'}", ModelError):
        return AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)


def frozen(loader: Any, folder: Path, *, unread: Sequence[str] = ()) -> Any:
    """The module of a checkpoint in evaluation mode, fp32, on the CPU.

    Args:
        loader: class of transformers with `from_pretrained`
        folder: of the checkpoint
        unread: prefixes of keys that the caller does not use and that may be missing

    Raises:
        ModelError: a weight is missing, has the wrong shape or is not finite, or the file is damaged
    """
    from transformers.utils import logging

    logging.set_verbosity_error()  # missing weights are reported below, as an error
    logging.disable_progress_bar()
    # also for readable error messages; below, torch's own would appear
    tensors = [tensor for path in weight_files(folder) for tensor in tensors_in(path).values()]
    stored = sum(tensor.numel() for tensor in tensors)
    make = getattr(loader, "from_config", None) or loader
    config = config_of(folder)
    with foreign(f"the checkpoint {folder} cannot be read", ModelError):
        check_parameters(make, stored, len(tensors), config, folder)
        module, info = loader.from_pretrained(
            folder,
            dtype="float32",
            output_loading_info=True,
            local_files_only=True,
            weights_only=True,
            trust_remote_code=False,
        )
    missing = [
        key
        for key in sorted(info["missing_keys"])
        if not key.endswith(NEVER_USED) and not key.startswith(tuple(unread))
    ]
    if missing:
        raise ModelError(
            f"{folder} lacks these weights of {type(module).__name__}: {', '.join(missing[:3])}",
            hint="they would be filled with random numbers; use a complete checkpoint",
        )
    if not all(value.isfinite().all() for value in module.parameters()):
        raise ModelError(
            f"{folder} has weights that are not finite numbers",
            hint="the file may be damaged; download or copy it again",
        )
    return module.eval()


def content(folder: Path) -> str:
    """Hash of a checkpoint's weights, settings and vocabulary, as 32 hex digits."""
    digest = hashlib.blake2b(digest_size=16)
    settings = [path for suffix in ("*.json", "*.txt", "*.model") for path in folder.glob(suffix)]
    for path in [*sorted(settings), *weight_files(folder)]:
        digest.update(path.name.encode())
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "blake2b").digest())
    return digest.hexdigest()
