"""A table of existing predictions: `predictions:FILE.csv` or `.parquet`, no model needed.

The table has a column `clip` or `file` and one numeric column per label. Columns whose name is neither an
emotion, a dimension nor a label of the corpus are not read, unless `--labels` names them. A row with `start`
and `end` is about this segment of its file only. Clips without a row count as missing; rows that match no
clip are counted and listed in the notes of the model's facts. Instead of class scores, a column `answer`,
`prediction`, `predicted`, `response` or `emotion` (or that of `--output`) may hold answers in words, with a
column `confidence` in [0, 1] if there is one; a word that is no class of the corpus counts as wrong. A row in
which the score of any class is empty
counts as missing, since that class could have had the highest score. With a
column `condition`, the table can also hold predictions for perturbed audio, named as in reports: `clean`,
`white_noise@20dB`.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from sertools.corpora.layouts.manifest import read_table
from sertools.errors import CorpusError, ModelError
from sertools.labels import DIMENSIONS, canonical
from sertools.models.answer_columns import as_written, row_keys, segments
from sertools.models.load import LoadOptions
from sertools.models.loaded import LoadedModel
from sertools.models.model import Task
from sertools.models.words.answers import WORDS
from sertools.models.words.columns import answers, score_columns, word_column
from sertools.models.words.parse import RULE
from sertools.tables.condition import CLEAN
from sertools.wording import plural

SCHEME = "predictions"
READS = ("labels", "model_scale", "output")
EMPTY_CELLS = ("", "nan", "na", "n/a", "none", "null", "<na>")
FINGERPRINT_VERSION = "predictions-2"
"""Increased whenever a change of this kind of model changes results; part of the fingerprint."""

MAX_LISTED = 5
"""Largest number of clips or conditions listed in one message."""

CELL_FORMAT = "write numbers like 0.25, and remove columns that are not scores"


@dataclass(kw_only=True)
class PredictionsModel(LoadedModel):
    """Predictions by clip or file, read from a table.

    Attributes:
        tables: condition → scores, index clips or files
        key: what the tables are indexed by, `clip` or `file`
        notes: on conditions and columns; those on rows depend on the corpus
        unparsed: condition → why the answer in words of a row names no class; empty if there are no words
        whole: the clips of the whole corpus, if the model is asked about a part of them; see `expect`
    """

    tables: Mapping[str, pd.DataFrame]
    key: str
    notes: Sequence[str] = ()
    unparsed: Mapping[str, "pd.Series[str]"] = field(default_factory=dict)
    whole: pd.DataFrame | None = None

    def expect(self, clips: pd.DataFrame) -> None:
        """Sets the clips of the whole corpus, so that rows about clips outside a request match too."""
        self.whole = clips

    def reasons(self, clips: pd.DataFrame, condition: str = CLEAN) -> "pd.Series[str]":
        """Why a text answer names no class, one text per clip; empty for all others."""
        given = self.unparsed.get(condition)
        if given is None:
            return pd.Series("", index=clips.index)
        return pd.Series(given.reindex(self._wanted(clips, given.index)).fillna("").to_numpy(), clips.index)

    @property
    def conditions(self) -> tuple[str, ...]:
        """Conditions for which there are predictions, named as in result files."""
        return tuple(self.tables)

    def scores(self, clips: pd.DataFrame, condition: str = CLEAN) -> pd.DataFrame:
        """The scores for a condition in the order of `clips`; nan for a clip without a row.

        Raises:
            ModelError: no clip of the corpus has a row in the table
        """
        table = self.tables[condition]
        wanted = self._wanted(clips, table.index)
        if not wanted.isin(table.index).any():
            raise ModelError(
                f"no {self.key} of {self.facts['source']} is in the corpus: it has {table.index[0]!r}, "
                f"the corpus has {wanted[0]!r}",
                hint="use the clip names that sertools predict --csv writes; a row with start and end is "
                "about this segment only",
            )
        odd = table.index.difference(wanted)
        if self.whole is not None:
            odd = odd.difference(self._wanted(self.whole, table.index))
        if len(odd):
            more = ", …" if len(odd) > MAX_LISTED else ""
            rows = plural(len(odd), "row matches", "rows match")
            note = f"{rows} no clip of the corpus: {', '.join(odd[:MAX_LISTED])}{more}."
            unmatched = f"{len(odd)} of {len(table)} rows"
            self.facts = {**self.facts, "notes": [*self.notes, note], "unmatched": unmatched}
        scores = table.reindex(wanted)
        return pd.DataFrame(self.rated(scores.to_numpy()), index=clips.index, columns=scores.columns)

    def _wanted(self, clips: pd.DataFrame, rows: "pd.Index[str]") -> "pd.Index[str]":
        """The key of the row of each clip.

        A row about the whole file holds for those of its segments that have no row of their own.
        """
        if self.key == "clip":
            return as_written(clips.index, rows)
        files = pd.Index(clips["file"].astype(str))
        own = segments(list(files), *(self._times(clips, name) for name in ("start", "end")))
        own, files = as_written(own, rows), as_written(files, rows)
        return own.where(own.isin(rows) | ~files.isin(rows), files)

    @staticmethod
    def _times(clips: pd.DataFrame, name: str) -> list[float]:
        return clips[name].astype(float).tolist() if name in clips else [math.nan] * len(clips)


def load(rest: str, options: LoadOptions) -> PredictionsModel:
    """Loads the predictions from a file.

    Raises:
        ModelError: the file is missing or unreadable, has no key or label column, repeats a clip, or contains
            a score that is not a number
    """
    path = Path(rest).expanduser()
    try:
        table = read_table(path)
    except CorpusError as error:
        raise ModelError(f"cannot read predictions: {error.message}", hint=error.hint) from error
    key, keys, condition = _rows(table, path)
    words = word_column(table, options, path)
    labels, left_out = score_columns(table, options, words, path)
    scores = pd.DataFrame(
        {label: _numbers(table[label], keys, f"{path}: {label}") for label in labels}, index=keys
    )
    reasons = None
    if words:
        named, reasons = answers(table, words, options, path)
        scores = pd.concat([named.set_axis(keys), scores], axis=1)
        labels = tuple(map(str, scores.columns))
        left_out = [f"The column {words} is read as answers in words.", *left_out]
    _blank_incomplete(scores)
    notes = [*_conditions_note(tuple(dict.fromkeys(condition))), *left_out]
    digest = hashlib.blake2b(path.read_bytes(), digest_size=16)
    digest.update(f"{FINGERPRINT_VERSION} {labels} {words and (words, RULE, options.label_map)}".encode())
    return PredictionsModel(
        name=path.stem,
        labels=labels,
        task=_task(labels),
        fingerprint=digest.hexdigest(),
        of_corpus=True,
        facts={
            "kind": "predictions file",
            "source": str(path),
            "rows": len(table),
            **({"answers": WORDS} if words else {}),
            "notes": notes,
        },
        notes=notes,
        tables={name: scores[(condition == name).to_numpy()] for name in dict.fromkeys(condition)},
        key=key,
        unparsed={}
        if reasons is None
        else {name: reasons.set_axis(keys)[(condition == name).to_numpy()] for name in set(condition)},
    )


def _task(labels: Sequence[str]) -> Task:
    """Ratings alone, classes alone, or both."""
    rated = [canonical(label) in DIMENSIONS for label in labels]
    if all(rated):
        return "regression"
    return "joint" if any(rated) else "single_label"


def _rows(table: pd.DataFrame, path: Path) -> "tuple[str, pd.Index[str], pd.Series[str]]":
    """The name of the key column, the key of each row, and the condition of each row, after checks."""
    key = "clip" if "clip" in table else "file"
    keys = row_keys(table, key, path)
    condition = (
        table["condition"].astype(str) if "condition" in table else pd.Series(CLEAN, index=table.index)
    )
    if CLEAN not in set(condition):
        others = ", ".join(sorted(set(condition))[:MAX_LISTED])
        raise ModelError(f"{path} has no rows for the condition {CLEAN!r}: it has {others}")
    twice = pd.MultiIndex.from_arrays([keys, condition]).duplicated()
    if twice.any():
        under = f" for condition {condition[twice].iloc[0]!r}" if "condition" in table else ""
        raise ModelError(f"{path} has {keys[twice][0]!r} more than once{under}", hint="keep one row per clip")
    return key, keys, condition


def _blank_incomplete(scores: pd.DataFrame) -> None:
    """Sets all class scores to nan in rows that lack one; completely empty columns are ignored."""
    classes = [c for c in scores if canonical(str(c)) not in DIMENSIONS and scores[c].notna().any()]
    scores.loc[scores[classes].isna().any(axis=1), classes] = math.nan


def _conditions_note(conditions: Sequence[str]) -> list[str]:
    return [f"The table has predictions for {', '.join(conditions)}."] if len(conditions) > 1 else []


def _numbers(written: "pd.Series[Any]", keys: "pd.Index[str]", what: str) -> list[float]:
    """The numbers in table cells, parsed exactly; nan for an empty cell."""
    numbers = []
    for value, key in zip(written.tolist(), keys, strict=True):
        text = "" if value is None or value is pd.NA else str(value).strip()
        try:
            number = math.nan if text.lower() in EMPTY_CELLS else float(text.replace("_", "no number"))
        except ValueError as error:
            raise ModelError(
                f"{what} of {key!r} is {text!r}, which is not a number", hint=CELL_FORMAT
            ) from error
        if math.isinf(number):
            raise ModelError(f"{what} of {key!r} is infinite")
        numbers.append(number)
    return numbers
