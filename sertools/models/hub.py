"""Where a checkpoint lies: a directory in the hub's layout, or an id of the model hub."""

from pathlib import Path

from sertools.errors import ModelError


def folder_of(rest: str) -> tuple[Path, str]:
    """The directory of a checkpoint, and how it is to be called.

    Raises:
        ModelError: there is none, or the hub does not give it
    """
    path = Path(rest).expanduser()
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise ModelError(
                f"{path} is no checkpoint: it has no config.json",
                hint="name a directory in the layout of the hub, as save_pretrained writes it",
            )
        return path, str(path)
    if path.exists():
        raise ModelError(
            f"{path} is a file, not a checkpoint's directory", hint="name the directory it lies in"
        )
    if rest.startswith((".", "/", "~")) or rest.count("/") != 1:
        raise ModelError(f"no directory {rest}", hint="--model default, a directory, or a hub id owner/name")
    return _hub(rest), rest


def _hub(name: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    wanted = ["*.json", "*.safetensors", "pytorch_model*.bin", "README.md", "*.txt"]
    try:
        return Path(snapshot_download(name, allow_patterns=wanted))
    except HFValidationError as error:
        raise ModelError(f"{name!r} is no id of the model hub: {error}") from error
    except LocalEntryNotFoundError as error:
        raise ModelError(
            f"{name} is not in the local cache of the model hub, and the hub cannot be reached",
            hint="connect once, or copy the checkpoint here and name its directory",
        ) from error
    except HfHubHTTPError as error:
        raise ModelError(f"the model hub does not give {name}: {str(error).splitlines()[0]}") from error
    except OSError as error:
        raise ModelError(
            f"the model hub cannot be reached for {name}",
            hint="connect once, or copy the checkpoint here and name its directory",
        ) from error
