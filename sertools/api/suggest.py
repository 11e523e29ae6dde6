"""Look at tables, folders and checkpoints, and suggest the options with which they can be audited."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from sertools.corpora import registry
from sertools.corpora.columns import emotion_in_names, is_emotion, suggestions, suggestions_by_values
from sertools.corpora.corpus import Corpus
from sertools.corpora.layouts.class_folders import SUFFIXES, read_class_folders
from sertools.corpora.layouts.manifest import MANIFESTS, read_table
from sertools.corpora.layouts.recordings import read_recordings
from sertools.corpora.load import load_corpus
from sertools.corpora.values import USUAL_SCALES, counted, some
from sertools.errors import CorpusError, ModelError
from sertools.labels import DIMENSIONS
from sertools.wording import listed

MODEL_FILES = {
    "onnx:": ("model.onnx", "model.yaml"),
    "emotion2vec:": ("config.yaml", "model.pt"),
    "": ("config.json",),
}
"""Beginning of `--model` → files of a folder that is such a model."""

MODEL_SUFFIXES = {".onnx": "onnx:", ".skops": "sklearn:"}

WANTED = ("speaker", "sex", "emotion", *DIMENSIONS, "transcript")
"""Columns that most audits read."""

CORPUS_FILES = ("corpus.toml", "db.yaml", "metadata.csv")

NO_GROUPS = {
    "file", "start", "end", "duration", "channel", "speaker", "split", "emotion", "transcript", "sentence",
    *DIMENSIONS,
}  # fmt: skip
"""Columns that are no groups of speakers, whatever their values."""

MOST_GROUPS = 8
"""Largest number of values of a column that is suggested as groups of speakers."""


@dataclass
class Suggestion:
    """Suggested options for an audit of the inspected files.

    Attributes:
        model: text for `--model`; empty if there is none
        data: texts for `--data`
        column_map: column in the table → sertools' name
        scale: lowest and highest rating; None if the ratings are in [0, 1], or there are none
        groups: columns of which each speaker has one value, which several speakers share
        notes: sentences on what was found, and on what is missing
        described: folders with recordings of the corpora that were found
    """

    model: str = ""
    data: list[str] = field(default_factory=list)
    column_map: dict[str, str] = field(default_factory=dict)
    scale: tuple[float, float] | None = None
    groups: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    described: set[Path] = field(default_factory=set, repr=False)


def suggest(*places: str | Path) -> Suggestion:
    """Look at tables, folders and checkpoints, and suggest the options to audit them with.

    Args:
        places: tables, folders, names of corpora, or models as after `--model`; a folder that is neither a
            corpus nor a model is searched for them, without the folders in it. The working directory by
            default.

    Returns:
        What `sertools init` writes into `sertools.toml`.

    Raises:
        CorpusError: there is no such file or folder, or a table that cannot be read
        ModelError: several models were named

    Example:
        ```python
        sertools.suggest("clips.csv").column_map
        ```
    """
    found = Suggestion()
    for place in map(str, places or (".",)):
        kind = _kind(place)
        if kind is not None:
            _add(found, place, *kind, named=True)
            continue
        paths = sorted(Path(place).expanduser().iterdir())
        inside = [(str(path), kind) for path in paths if (kind := _kind(str(path))) is not None]
        inside.sort(key=lambda each: Path(each[0]).is_dir() and each[1][0] == "corpus")
        for path, kind in inside:  # tables come before the folders of recordings that they describe
            _add(found, path, *kind, named=False)
    if not found.data:
        found.notes.append("No corpus was found; name a table with a column file, or a folder of recordings.")
    if not found.model:
        found.notes.append("No model was found, so audits use the embedded one unless --model names another.")
    return found


def _kind(place: str) -> tuple[str, str] | None:
    """Whether a place is a `corpus` or a `model`, and the text that names it; None for neither.

    Raises:
        CorpusError: there is nothing of this name, or it cannot be read
    """
    path = Path(place).expanduser()
    if place.rpartition(":")[0] in registry.names() or place in registry.names():
        return "corpus", place
    if not path.exists():
        if place == "default" or ":" in place or place.count("/") == 1:
            return "model", place
        raise CorpusError(f"no such file or folder: {place}")
    if path.is_file():
        if path.suffix.lower() in MANIFESTS:
            return ("model", f"predictions:{place}") if _is_predictions(path) else ("corpus", place)
        scheme = MODEL_SUFFIXES.get(path.suffix.lower())
        return None if scheme is None else ("model", f"{scheme}{place}")
    for scheme, files in MODEL_FILES.items():
        if all((path / name).is_file() for name in files):
            return "model", f"{scheme}{place}"
    if any((path / name).is_file() for name in CORPUS_FILES) or registry.recognised(path):
        return "corpus", place
    is_corpus = read_class_folders(path) is not None or read_recordings(path) is not None
    return ("corpus", place) if is_corpus else None


def _is_predictions(path: Path) -> bool:
    """Does a table hold scores of a model: columns named like emotions, or a file name that says so?"""
    columns = [str(column) for column in read_table(path).columns]
    named = {"clip", "file"} & set(columns)
    return bool(named) and (sum(map(is_emotion, columns)) >= 2 or path.stem.lower().startswith("pred"))


def _add(found: Suggestion, place: str, kind: str, text: str, *, named: bool) -> None:
    """Adds a corpus or a model; a second one only if it was named.

    Raises:
        ModelError: a second model was named
    """
    if kind == "model":
        if found.model and named:
            raise ModelError(f"{found.model} and {text} are two models", hint="name one of them")
        if found.model:
            found.notes.append(f"{place} is a model too; audit it with --model {text}.")
        found.model = found.model or text
    elif found.data and not named:
        if Path(place).resolve() in found.described:
            return
        found.notes.append(f"{place} seems to be a corpus too; audit it with --data {text}.")
    else:
        found.data.append(text)
        _look_at(found, Path(place).expanduser(), text)


def _look_at(found: Suggestion, path: Path, text: str) -> None:
    """Suggests how the columns of a corpus are read, and tries it."""
    metadata = path / "metadata.csv"
    source = metadata if metadata.is_file() else path
    if source.is_file():
        table = read_table(source)
        found.column_map |= suggestions([str(column) for column in table.columns])
        named = table.rename(columns=found.column_map)
        found.column_map |= suggestions_by_values(named, SUFFIXES)
        named = named.rename(columns=found.column_map)
        found.scale = found.scale or _scale(named)
    scale = None if found.scale is None else dict.fromkeys("*", found.scale)
    try:
        corpus = load_corpus(text, column_map=found.column_map, scale=scale)
    except CorpusError as error:
        found.notes.append(f"{text} cannot be read yet: {error}" + (f" ({error.hint})" if error.hint else ""))
        return
    found.groups += [column for column in _groups(corpus) if column not in found.groups]
    found.notes += [_described(corpus), *map(_sentence, corpus.notes)]
    if path.exists():
        found.notes += _unnamed(corpus, found.groups)
    found.described |= {corpus.path(clip).resolve().parent for clip in corpus.clips.index}


def _unnamed(corpus: Corpus, groups: Sequence[str]) -> list[str]:
    """Sentences on what a corpus lacks and may hold under a name that was not recognised."""
    lacks = [name for name in WANTED if name not in corpus.clips]
    if "speaker" in corpus.clips and not corpus.has_speakers:
        lacks = ["speaker", *lacks]
    known = {*NO_GROUPS, *groups, "sex", "age", "language"}
    others = [str(name) for name in corpus.clips if name not in known]
    notes = []
    if others and lacks:
        which = listed(lacks).replace(" and ", " or ")
        notes.append(
            f"Not recognised: {some(others)}. If one of them is {which}, add it to map in sertools.toml, as "
            f'"{others[0]}={lacks[0]}".'
        )
    if "emotion" in lacks and (example := emotion_in_names([str(file) for file in corpus.clips["file"]])):
        notes.append(
            f"Names of files contain emotions ({Path(example).name}), and are not read. To use them, put the "
            "files into one folder per emotion, or write a table with the columns file, emotion and speaker."
        )
    return notes


def _sentence(note: str) -> str:
    """A note of a corpus as a sentence of its own."""
    return f"{note[:1].upper()}{note[1:]}" + ("" if note.endswith(".") else ".")


def _scale(table: pd.DataFrame) -> tuple[float, float] | None:
    """The first usual scale that contains all ratings of a table; None for [0, 1] or without ratings."""
    ratings = [pd.to_numeric(table[name], errors="coerce") for name in DIMENSIONS if name in table]
    values = pd.concat(ratings).dropna() if ratings else pd.Series(dtype=float)
    if values.empty:
        return None
    fits = [scale for scale in USUAL_SCALES if scale[0] <= values.min() and values.max() <= scale[1]]
    return None if not fits or fits[0] == (0, 1) else fits[0]


def _groups(corpus: Corpus) -> list[str]:
    """Columns in which every speaker has one value, and every value several speakers."""
    if not corpus.has_speakers:
        return []
    found = []
    for name in (str(column) for column in corpus.clips if column not in NO_GROUPS):
        known = corpus.clips[["speaker", name]].dropna().drop_duplicates()
        sizes = known.groupby(name)["speaker"].nunique()
        if known["speaker"].is_unique and 2 <= len(sizes) <= MOST_GROUPS and sizes.min() >= 2:
            found.append(name)
    return found


def _described(corpus: Corpus) -> str:
    """A sentence on what a corpus holds."""
    parts = [counted(len(corpus.clips), "clip")]
    if corpus.has_speakers:
        parts.append(counted(corpus.clips["speaker"].nunique(), "speaker"))
    if "emotion" in corpus.clips:
        emotions = corpus.clips["emotion"].dropna().unique()
        parts.append(f"{counted(len(emotions), 'emotion')} ({some(sorted(map(str, emotions)))})")
    parts += [name for name in DIMENSIONS if name in corpus.clips]
    return f"{corpus.name}: {', '.join(parts)}."
