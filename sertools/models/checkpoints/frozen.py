"""Loads frozen transformers checkpoints: every weight must be present, and no code of the checkpoint runs."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sertools.errors import ModelError
from sertools.models.checkpoints.heads import NEVER_USED, weight_files
from sertools.models.checkpoints.weights import DAMAGE, tensors_in


def frozen(loader: Any, folder: Path, *, unread: Sequence[str] = ()) -> Any:
    """The module of a checkpoint in evaluation mode, fp32, on the CPU.

    Args:
        loader: class of transformers with `from_pretrained`
        folder: of the checkpoint
        unread: prefixes of keys that the caller does not use and that may be missing

    Raises:
        ModelError: a weight is missing, has the wrong shape or is not finite, or the file is damaged
    """
    from safetensors import SafetensorError
    from transformers.utils import logging

    logging.set_verbosity_error()  # missing weights are reported below, as an error
    logging.disable_progress_bar()
    for path in weight_files(folder):
        if path.suffix != ".safetensors":
            tensors_in(path)  # for its readable error message; below, torch's own would appear
    try:
        module, info = loader.from_pretrained(
            folder,
            dtype="float32",
            output_loading_info=True,
            local_files_only=True,
            weights_only=True,
            trust_remote_code=False,
        )
    except (*DAMAGE, SafetensorError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(f"the checkpoint {folder} cannot be read: {reason}") from error
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
