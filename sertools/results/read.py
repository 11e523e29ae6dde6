"""Reads result files."""

from pathlib import Path

from pydantic import ValidationError

from sertools.errors import GateError
from sertools.results.result import NON_RESULT_FILES, Result


def read_result(path: Path) -> Result:
    """Read a result file.

    Raises:
        GateError: the file is missing, is not a result, or has another schema
    """
    try:
        return Result.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise GateError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise GateError(f"{path} is not a result file: it is not text") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise GateError(
            f"{path} is not a result file of this sertools version: {where}: {first['msg']}",
            hint="run sertools audit again to rewrite it",
        ) from error


def read_results(folder: Path) -> list[Result]:
    """All results of a folder, sorted by audit name.

    Raises:
        GateError: the folder does not exist, has no results, or has one that cannot be read
    """
    if not folder.is_dir():
        raise GateError(f"no folder {folder}", hint="give the --out folder of an earlier sertools audit")
    # a result is named after its audit; the folder may also contain other files of gates and reports
    paths = [path for path in sorted(folder.glob("*.json")) if path.name not in NON_RESULT_FILES]
    if not paths:
        raise GateError(f"no results in {folder}", hint="give the --out folder of an earlier sertools audit")
    return [read_result(path) for path in paths]
