"""Reads data sets of the Hugging Face hub, and local Parquet or Arrow that contain the audio, through
`datasets`.

`datasets:OWNER/NAME`, with `#CONFIG` and `:SPLIT` where there are several, or `datasets:PATH` of a Parquet
file, a folder of them, or a folder that `save_to_disk` wrote. The rows are streamed; the sound of each is
written to the cache once, and read from there without a network. Data sets that need code of their own are
not loaded.
"""

import os
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from sertools.corpora.columns import is_emotion, suggestions
from sertools.corpora.sources.unpacked import Row, place, unpacked
from sertools.errors import CorpusError, nearest

SPEC = re.compile(r"(?P<name>[^#:]+?)(?:#(?P<config>[^#:]+))?(?::(?P<split>[^#:]+))?")
INSTALL = "pip install datasets"
EMOTIONS = 0.5
"""Share of the names of a class label that must be emotions for it to be the emotion."""


class Stream(NamedTuple):
    """Rows of one split.

    Attributes:
        rows: the rows, as dicts; drawn anew by each call
        audio: column with the sound
        labels: column → names of its classes
    """

    rows: Callable[[], Iterator[Mapping[str, Any]]]
    audio: str
    labels: Mapping[str, list[str]]


def read_dataset(text: str) -> tuple[pd.DataFrame, Path, dict[str, str], list[str]]:
    """The rows of a data set as a table with a column `file`, their folder, its licence and citation, and
    notes.

    Columns are named by their features: the sound, a class label of emotions, and the usual names of others.

    Args:
        text: what stands after `datasets:`

    Raises:
        CorpusError: `datasets` is not installed, there is no such data set, split or sound, or it cannot be
            reached
    """
    match = SPEC.fullmatch(text)
    if match is None:
        raise CorpusError(f"datasets:{text} names no data set", hint="for instance datasets:OWNER/NAME:test")
    name, config, split = match["name"], match["config"] or "", match["split"] or ""
    what = f"datasets {text} {_version(name, config)}"
    facts: dict[str, str] = {}
    if (place(what) / "clips.parquet").is_file():
        table, folder, told = unpacked(what, lambda: iter(()), dict)
    else:
        split, data, facts = _opened(name, config, split)
        stream = _stream(data, text)
        table, folder, told = unpacked(what, lambda: _rows(stream, text), lambda: {"split": split, **facts})
    renamed = guessed(list(map(str, table.columns)), table)
    notes = [f"column {theirs!r} is taken for {ours}" for theirs, ours in renamed.items()]
    table = table.rename(columns=renamed)
    if "split" not in table:
        table["split"] = str(told.get("split", split))
    return table, folder, {key: str(told.get(key, "")) for key in ("licence", "citation")}, notes


def guessed(columns: list[str], table: pd.DataFrame) -> dict[str, str]:
    """Column → the column that its name and values suggest; nothing for those that already have such a
    name.
    """
    found = {theirs: ours for theirs, ours in suggestions(columns).items() if ours not in ("file", "emotion")}
    if "emotion" not in columns:
        texts = [c for c in columns if c not in found and _are_emotions(table[c])]
        found |= {texts[0]: "emotion"} if texts else {}
    return found


def _are_emotions(column: pd.Series) -> bool:
    values = column.dropna().unique()[:100]
    words = [value for value in values if isinstance(value, str)]
    return bool(words) and len(words) == len(values) and sum(map(is_emotion, words)) >= EMOTIONS * len(words)


def _opened(name: str, config: str, split: str) -> tuple[str, Any, dict[str, str]]:
    """Name and rows of a split, and facts of the data set."""
    import_datasets()
    with _said(name):
        found, facts = _local(Path(name)) if _is_local(name) else _from_hub(name, config)
    known = sorted(map(str, found))
    if not split and len(known) > 1:
        raise CorpusError(
            f"datasets:{name} has the splits {', '.join(known)}", hint=f"name one: datasets:{name}:{known[0]}"
        )
    split = split or known[0]
    if split not in known:
        raise CorpusError(f"datasets:{name} has no split {split!r}", hint=nearest(split, known))
    return split, found[split], facts


def import_datasets() -> Any:
    """The library.

    Raises:
        CorpusError: it is not installed
    """
    try:
        import datasets
    except ImportError as error:
        raise CorpusError("datasets: needs the package datasets", hint=f"install it: {INSTALL}") from error
    datasets.disable_progress_bars()
    return datasets


def _from_hub(name: str, config: str) -> tuple[Mapping[str, Any], dict[str, str]]:
    datasets = import_datasets()
    found = datasets.load_dataset(name, config or None, streaming=True)
    info = next(iter(found.values())).info
    return found, {"licence": str(info.license or ""), "citation": str(info.citation or "")}


def _local(path: Path) -> tuple[Mapping[str, Any], dict[str, str]]:
    datasets = import_datasets()
    if (path / "state.json").is_file() or (path / "dataset_dict.json").is_file():
        saved = datasets.load_from_disk(str(path))
        return (saved if isinstance(saved, dict) else {str(saved.split or "all"): saved}), {}
    for kind in ("parquet", "arrow"):
        files = [path] if path.suffix == f".{kind}" else sorted(path.rglob(f"*.{kind}"))
        if files:
            splits: dict[str, list[str]] = {}
            for file in files:
                splits.setdefault(_split_of(file), []).append(str(file))
            return datasets.load_dataset(kind, data_files=splits, streaming=True), {}
    raise CorpusError(f"{path} has no Parquet or Arrow file")


def _split_of(file: Path) -> str:
    """The split in a name like `train-00000-of-00001.parquet`; `all` for other names."""
    match = re.match(r"(?P<split>[A-Za-z_]+?)-\d{5}-of-\d{5}", file.stem)
    return match["split"] if match else "all"


def _stream(data: Any, text: str) -> Stream:
    """How the rows of a split are read; the sound stays undecoded."""
    datasets = import_datasets()
    features = data.features or {}
    sounds = [column for column, feature in features.items() if isinstance(feature, datasets.Audio)]
    sounds = sounds or [c for c, feature in features.items() if _holds_bytes(feature)]
    if len(sounds) != 1:
        have = ", ".join(f"{column} ({type(feature).__name__})" for column, feature in features.items())
        several = "several columns" if sounds else "no column"
        raise CorpusError(f"datasets:{text} has {several} with sound; its columns are {have or 'unknown'}")
    labels = {c: list(f.names) for c, f in features.items() if isinstance(f, datasets.ClassLabel)}
    audio = sounds[0]
    undecoded = data.cast_column(audio, datasets.Audio(decode=False))
    return Stream(rows=lambda: iter(undecoded), audio=audio, labels=labels)


def holds_sound(path: Path) -> bool:
    """Does a Parquet or Arrow file have a column with the bytes of audio files? False for other files."""
    import pyarrow
    import pyarrow.parquet

    try:
        if path.suffix.lower() == ".parquet":
            schema = pyarrow.parquet.read_schema(path)
        elif path.suffix.lower() == ".arrow":
            with path.open("rb") as stream:
                schema = pyarrow.ipc.open_stream(stream).schema
        else:
            return False
    except (OSError, pyarrow.ArrowException):
        return False
    return any(
        pyarrow.types.is_struct(field.type)
        and {"bytes", "path"} <= {inner.name for inner in field.type.fields}
        for field in schema
    )


def _holds_bytes(feature: Any) -> bool:
    return isinstance(feature, dict) and {"bytes", "path"} <= set(feature)


def _rows(stream: Stream, text: str) -> Iterator[Row]:
    """The clips: sound, and the other columns with names for the numbers of classes."""
    with _said(text):
        for number, row in enumerate(stream.rows()):
            sound = row[stream.audio] or {}
            content, path = sound.get("bytes"), str(sound.get("path") or "")
            if content is None and path and Path(path).is_file():
                content = Path(path).read_bytes()
            if content is None:
                raise CorpusError(f"datasets:{text}: row {number + 1} has no audio")
            columns = {c: _cell(value, stream.labels.get(c)) for c, value in row.items() if c != stream.audio}
            yield Row(bytes(content), path, columns)


def _cell(value: Any, names: list[str] | None) -> Any:
    """A value of a table: the name of a class, and a text for what is no single value."""
    if names is not None and isinstance(value, int):
        return names[value] if 0 <= value < len(names) else None
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def _is_local(name: str) -> bool:
    return os.path.exists(Path(name).expanduser())


def _version(name: str, config: str) -> str:
    """What changes when a data set does: the commit on the hub, or the files; empty where nobody can tell."""
    if _is_local(name):
        path = Path(name).expanduser().resolve()
        files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
        return " ".join(f"{p.name} {p.stat().st_size} {p.stat().st_mtime_ns}" for p in files) + f" {path}"
    return config


@contextmanager
def _said(text: str) -> Iterator[None]:
    """Whatever the library raises, as one sentence."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except CorpusError:
            raise
        except Exception as error:  # the library and the servers raise exceptions of any class
            first = next(
                (line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__
            )
            raise CorpusError(
                f"datasets:{text} cannot be read: {first}",
                hint="without a network, only data sets that were read before can be read; one with a script "
                "is never loaded",
            ) from error
