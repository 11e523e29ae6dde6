"""Transformers checkpoints that are only read: all weights are there, and no code of theirs runs."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sertools.errors import ModelError
from sertools.models.heads import NEVER_USED, weight_files
from sertools.models.weights import DAMAGE, tensors_in


def frozen(loader: Any, folder: Path, *, unread: Sequence[str] = ()) -> Any:
    """A module of a checkpoint in evaluation mode, fp32, on the CPU.

    Args:
        loader: class of transformers with `from_pretrained`
        folder: of the checkpoint
        unread: first parts of keys that the caller does not read, which may be missing

    Raises:
        ModelError: a weight is missing, of another shape, not finite, or the file is damaged
    """
    from safetensors import SafetensorError
    from transformers.utils import logging

    logging.set_verbosity_error()  # what is missing is said below, as an error
    logging.disable_progress_bar()
    for path in weight_files(folder):
        if path.suffix != ".safetensors":
            tensors_in(path)  # for its sentence: what fails below fails in torch's words
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
            f"{folder} lacks {', '.join(missing[:3])} of {type(module).__name__}",
            hint="it would be filled with random numbers: name a checkpoint that has them",
        )
    if not all(value.isfinite().all() for value in module.parameters()):
        raise ModelError(f"{folder} has weights that are not finite numbers", hint="is the file damaged?")
    return module.eval()


def content(folder: Path) -> str:
    """What a checkpoint is, as 32 hex digits: its weights, its settings and its vocabulary."""
    digest = hashlib.blake2b(digest_size=16)
    settings = [path for suffix in ("*.json", "*.txt", "*.model") for path in folder.glob(suffix)]
    for path in [*sorted(settings), *weight_files(folder)]:
        digest.update(path.name.encode())
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "blake2b").digest())
    return digest.hexdigest()
