"""Finds a checkpoint: a directory or file, or `owner/name@revision` of the Hugging Face hub."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from sertools.errors import ModelError

OF_TRANSFORMERS = (
    "*.json", "*.safetensors", "pytorch_model*.bin", "adapter_model.bin", "README.md", "*.txt",
    "hyperparams.yaml", "wav2vec2.ckpt", "model.ckpt",  # of SpeechBrain
    "model.yaml", "*_transform.yaml", "preprocess_*.yaml", "file_handler.yaml",  # of autrainer
    "_best/model.pt",
)  # fmt: skip
"""Files that are downloaded for a checkpoint of transformers or of a toolkit that is read as data."""

CODE = "*.py"
"""Downloaded only where the user trusts the code of a checkpoint."""

ANSWER_S = 10.0
"""Longest wait for an answer of the hub on whether it has a checkpoint, in s."""

_ID = re.compile(r"(?P<name>[\w.-]+/[\w.-]+)(?P<inside>(/[^/@]+)*)(@(?P<revision>[^@\s]+))?", re.ASCII)


class HubId(NamedTuple):
    """A checkpoint on the hub: `owner/name`, a file inside it (or ""), and a revision (or "")."""

    name: str
    inside: str
    revision: str


def hub_id(text: str) -> HubId | None:
    """The checkpoint named `owner/name`, `owner/name@revision` or `owner/name/file@revision`; else None.

    >>> hub_id("owner/name/onnx/model.onnx@v1.0")
    HubId(name='owner/name', inside='onnx/model.onnx', revision='v1.0')
    >>> hub_id("./folder/name") is None
    True
    """
    found = None if text.startswith((".", "/", "~")) else _ID.fullmatch(text)
    if found is None:
        return None
    return HubId(found["name"], found["inside"].lstrip("/"), found["revision"] or "")


def commit_of(path: Path) -> str:
    """The commit of a checkpoint in the cache of the hub, from its path; empty for other paths."""
    found = re.search(r"/models--[^/]+/snapshots/([0-9a-f]{7,64})(/|$)", path.absolute().as_posix())
    return found[1] if found else ""


def name_and_source(rest: str, path: Path) -> tuple[str, str]:
    """The name of a model and where it comes from: its id on the hub, or its path on this machine.

    Args:
        rest: what follows the scheme in `--model`
        path: folder or file that `rest` names
    """
    if not Path(rest).expanduser().exists() and hub_id(rest):
        return rest.replace("/", "--"), rest
    return (path.resolve().name if path.is_dir() else path.stem), str(path)


def local_or_downloaded(rest: str, files: Sequence[str]) -> Path:
    """A local path unchanged, or that of a checkpoint of the hub, downloaded if necessary.

    Args:
        rest: what follows the scheme in `--model`
        files: patterns of the files to download; of a checkpoint whose id names a file, that file too

    Raises:
        ModelError: the checkpoint cannot be downloaded
    """
    path = Path(rest).expanduser()
    wanted = None if path.exists() else hub_id(rest)
    if wanted is None:
        return path
    if ".." in PurePosixPath(wanted.inside).parts:
        raise ModelError(f"{rest} names a file outside its checkpoint")
    inside = [wanted.inside, f"{wanted.inside}_data", f"{wanted.inside}.data"] if wanted.inside else []
    folder = _downloaded(wanted, [*files, *inside])
    if wanted.inside and not (folder / wanted.inside).exists():
        raise ModelError(f"the checkpoint {wanted.name} has no file {wanted.inside}")
    return folder / wanted.inside


def folder_of(rest: str, *, trust_remote_code: bool = False) -> tuple[Path, str]:
    """The directory of a checkpoint of transformers, and the name to show for it.

    Args:
        rest: a directory, or `owner/name` or `owner/name@revision` of the hub
        trust_remote_code: whether Python files of the checkpoint are downloaded too

    Raises:
        ModelError: the checkpoint does not exist, or cannot be downloaded from the hub
    """
    path = Path(rest).expanduser()
    if path.is_dir():
        known = ("config.json", "hyperparams.yaml", "adapter_config.json", "model.yaml")
        if not any((path / name).is_file() for name in known):
            raise ModelError(
                f"{path} is not a checkpoint: it has no config.json",
                hint="name a directory as written by save_pretrained",
            )
        return path, str(path)
    if path.exists():
        raise ModelError(
            f"{path} is a file, not a checkpoint directory", hint="name the directory that contains it"
        )
    wanted = hub_id(rest)
    if wanted is None or wanted.inside:
        raise ModelError(
            f"no such directory: {rest}",
            hint="give a directory, or a hub id owner/name or owner/name@revision",
        )
    return _downloaded(wanted, [*OF_TRANSFORMERS, *([CODE] if trust_remote_code else [])]), rest


def _downloaded(wanted: HubId, files: Sequence[str]) -> Path:
    """The folder of a checkpoint in the cache of the hub, with these files.

    Raises:
        ModelError: there is no such checkpoint or revision, access to it has not been granted, or the hub
            cannot be reached and the checkpoint is not in its cache
    """
    from huggingface_hub import snapshot_download

    with _explained(wanted):
        return Path(
            snapshot_download(wanted.name, revision=wanted.revision or None, allow_patterns=list(files))
        )


def check_known(rest: str) -> None:
    """Checks that a checkpoint is in the cache of the hub, or that the hub has it; nothing is downloaded.

    Args:
        rest: what follows the scheme in `--model`; a path that exists, or that is no id, is not looked up

    Raises:
        ModelError: as for downloading it
    """
    wanted = None if Path(rest).expanduser().exists() else hub_id(rest)
    if wanted is None:
        return
    from huggingface_hub import HfApi, errors, snapshot_download

    revision = wanted.revision or None
    with _explained(wanted):
        try:
            snapshot_download(wanted.name, revision=revision, local_files_only=True)
        except errors.LocalEntryNotFoundError:
            HfApi().model_info(wanted.name, revision=revision, timeout=ANSWER_S)


@contextmanager
def _explained(wanted: HubId) -> Iterator[None]:
    """Turns what the library of the hub raises into one sentence."""
    from huggingface_hub import errors

    name, revision = wanted.name, wanted.revision
    shown = f"{name}@{revision}" if revision else name
    try:
        yield
    except errors.HFValidationError as error:
        raise ModelError(f"{name!r} is not a valid id of the model hub: {error}") from error
    except errors.LocalEntryNotFoundError as error:
        raise ModelError(
            f"{shown} is not in the local cache of the model hub, and the hub cannot be reached",
            hint="go online once to download it, or copy the checkpoint here and name its directory",
        ) from error
    except errors.GatedRepoError as error:
        raise ModelError(
            f"access to {name} has to be granted by its owners",
            hint=f"accept its conditions on the page of {name}, then log in with `hf auth login`",
        ) from error
    except errors.RevisionNotFoundError as error:
        raise ModelError(
            f"{name} has no revision {revision or 'main'!r} on the model hub",
            hint=f"use a branch, a tag or a commit of it, or {name} for its newest version",
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise ModelError(
            f"the model hub has no checkpoint {name}, or does not show it to you",
            hint="check the spelling; for a private checkpoint, log in with `hf auth login`",
        ) from error
    except errors.HfHubHTTPError as error:
        raise ModelError(
            f"{shown} cannot be downloaded from the model hub: {str(error).splitlines()[0]}"
        ) from error
    except OSError as error:
        raise ModelError(
            f"the model hub cannot be reached to download {shown}",
            hint="go online once to download it, or copy the checkpoint here and name its directory",
        ) from error
    except Exception as error:  # of httpx or httpx2, whichever the library uses
        if not type(error).__module__.startswith("httpx"):
            raise
        raise ModelError(
            f"{shown} is not in the local cache of the model hub, and the hub cannot be reached",
            hint="go online once to download it, or copy the checkpoint here and name its directory",
        ) from error
