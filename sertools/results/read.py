"""Reads the JSON files of results."""

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from sertools.errors import GateError, reason
from sertools.results.answers import FILE, IN_FP32, Answers, read_answers
from sertools.results.collection import Results
from sertools.results.result import NON_RESULT_FILES, Result

MAX_BYTES = 2**30
"""Largest result file that is read."""

Stored = TypeVar("Stored", bound=BaseModel)


def read_result(path: Path) -> Result:
    """Read a result file.

    Raises:
        GateError: the file is missing, is not a result, or has another schema
    """
    return read_json(
        path, Result, "a result file of this sertools version", hint="run sertools audit again to rewrite it"
    )


def read_json(path: Path, model: type[Stored], what: str, *, hint: str) -> Stored:
    """Read a JSON file with a schema.

    Args:
        path: the file
        model: its schema
        what: what the file should be, for messages
        hint: what to do if it is not

    Raises:
        GateError: the file cannot be read, is not text, or does not fit the schema
    """
    try:
        size = path.stat().st_size
        if not path.is_file():  # a pipe or a device could be waited for, or read, for ever
            raise GateError(f"{path} is not {what}: it is not a file", hint=hint)
        if size > MAX_BYTES:
            raise GateError(f"{path} is larger than {MAX_BYTES >> 30} GB, too large for {what}", hint=hint)
        return model.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise GateError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise GateError(f"{path} is not {what}: it is not text", hint=hint) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise GateError(f"{path} is not {what}: {where}: {first['msg']}", hint=hint) from error
    except (TypeError, OverflowError, RecursionError, MemoryError) as error:
        raise GateError(f"{path} is not {what}: {reason(error)}", hint=hint) from error


def read_results(folder: Path) -> Results:
    """All results of a folder, sorted by audit name, with what the model answered.

    Raises:
        GateError: the folder does not exist, has no results, or has one that cannot be read
    """
    return Results(results_in(folder), answers_in(folder))


def results_in(folder: Path) -> list[Result]:
    """All results of a folder, sorted by audit name, without what the model answered.

    Raises:
        GateError: as `read_results`
    """
    if not folder.is_dir():
        raise GateError(f"no folder {folder}", hint="give the --out folder of an earlier sertools audit")
    # a result is named after its audit; the folder may also contain other files of gates and reports
    paths = [path for path in sorted(folder.glob("*.json")) if path.name not in NON_RESULT_FILES]
    if not paths:
        raise GateError(f"no results in {folder}", hint="give the --out folder of an earlier sertools audit")
    return [read_result(path) for path in paths]


def answers_in(folder: Path) -> dict[str, Answers]:
    """The answers of models in the results of a folder: digest → answers.

    Raises:
        GateError: a file of answers cannot be read, or has other columns
    """
    answers = [found for file in (FILE, IN_FP32) if (found := read_answers(folder, file))]
    return {found.digest: found for found in answers}
