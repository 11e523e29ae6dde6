"""Finds a checkpoint: a directory in the layout of the Hugging Face hub, or a hub id."""

from pathlib import Path

from sertools.errors import ModelError


def folder_of(rest: str) -> tuple[Path, str]:
    """The directory of a checkpoint, and the name to show for it.

    Raises:
        ModelError: the checkpoint does not exist, or cannot be downloaded from the hub
    """
    path = Path(rest).expanduser()
    if path.is_dir():
        if not any((path / name).is_file() for name in ("config.json", "hyperparams.yaml")):
            raise ModelError(
                f"{path} is not a checkpoint: it has no config.json",
                hint="name a directory as written by save_pretrained",
            )
        return path, str(path)
    if path.exists():
        raise ModelError(
            f"{path} is a file, not a checkpoint directory", hint="name the directory that contains it"
        )
    if rest.startswith((".", "/", "~")) or rest.count("/") != 1:
        raise ModelError(
            f"no such directory: {rest}", hint="use --model default, a directory, or a hub id owner/name"
        )
    return _hub(rest), rest


def _hub(name: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    wanted = ["*.json", "*.safetensors", "pytorch_model*.bin", "README.md", "*.txt"]
    wanted += ["hyperparams.yaml", "wav2vec2.ckpt", "model.ckpt"]  # of SpeechBrain
    try:
        return Path(snapshot_download(name, allow_patterns=wanted))
    except HFValidationError as error:
        raise ModelError(f"{name!r} is not a valid id of the model hub: {error}") from error
    except LocalEntryNotFoundError as error:
        raise ModelError(
            f"{name} is not in the local cache of the model hub, and the hub cannot be reached",
            hint="go online once to download it, or copy the checkpoint here and name its directory",
        ) from error
    except HfHubHTTPError as error:
        raise ModelError(
            f"{name} cannot be downloaded from the model hub: {str(error).splitlines()[0]}"
        ) from error
    except OSError as error:
        raise ModelError(
            f"the model hub cannot be reached to download {name}",
            hint="go online once to download it, or copy the checkpoint here and name its directory",
        ) from error
