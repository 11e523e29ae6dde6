"""Text answers in a table of predictions: the column that contains them, and the corresponding scores."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from sertools.errors import ModelError, nearest
from sertools.labels import DIMENSIONS, SYNONYMS, canonical
from sertools.models.answer_columns import KEYS, answer_columns
from sertools.models.words.answers import scores_of, text_of

if TYPE_CHECKING:
    from sertools.models.load import LoadOptions

NAMES = (
    "answer", "response", "prediction", "predicted", "predicted_emotion", "predicted_label", "pred",
)  # fmt: skip
"""Columns that are read as answers in words, in this order, if they hold text."""

ALONE = ("emotion", "label")
"""Columns that are read as answers in words only if the table has no other column than `KEYS` and a
confidence: in many tables they are the truth, on which every model would be right."""

CONFIDENCE = "confidence"
"""The column with the confidence of each answer."""


def word_column(table: pd.DataFrame, options: "LoadOptions", path: Path) -> str:
    """The column with text answers: that of `--output`, or else one of `NAMES` or `ALONE`; empty if none.

    A table with class scores is not read for words unless `--output` names the column.

    Raises:
        ModelError: `--output` names a column that does not exist, or has no text
    """
    if options.output:
        if options.output not in table or options.output in KEYS:
            columns = [str(column) for column in table.columns if column not in KEYS]
            raise ModelError(
                f"{path} has no column {options.output!r}", hint=nearest(options.output, columns)
            )
        return options.output
    scored = [
        name
        for name in map(str, table.columns)
        if name not in KEYS
        and canonical(name) not in DIMENSIONS
        and _is_score(table[name], name, options.known)
    ]
    if scored or any(label in table and canonical(label) not in DIMENSIONS for label in options.labels):
        return ""
    others = {name for name in map(str, table.columns) if name not in {*KEYS, CONFIDENCE} and name.strip()}
    names = [*NAMES, *(name for name in ALONE if others == {name})]
    return next((name for name in names if name in table and _has_text(table[name])), "")


def score_columns(
    table: pd.DataFrame, options: "LoadOptions", words: str, path: Path
) -> tuple[tuple[str, ...], list[str]]:
    """The columns with numbers, and notes on the columns that are left out; with text answers, ratings only.

    Raises:
        ModelError: see `answer_columns`
    """
    if not words:
        return answer_columns(table, options.labels, options.known, path)
    rated = [
        str(column)
        for column in table.columns
        if canonical(str(column)) in DIMENSIONS and (not options.labels or str(column) in options.labels)
    ]
    return tuple(rated), []


def answers(
    table: pd.DataFrame, words: str, options: "LoadOptions", path: Path
) -> tuple[pd.DataFrame, "pd.Series[str]"]:
    """The scores of the text answers, one column per class, and why an answer names no class.

    The classes are those of `--labels`, or else those of the corpus, or else all emotions that are named.

    Raises:
        ModelError: there are no classes, or a confidence is not between 0 and 1
    """
    given = [text_of(value) for value in table[words]]
    stated = [label for label in options.labels if canonical(label) not in DIMENSIONS]
    classes = list(dict.fromkeys(stated or options.emotions or _emotions_in(given, options)))
    if not classes:
        raise ModelError(
            f"the words in the column {words} of {path} name no emotion",
            hint="name the classes: --labels anger,happiness,neutral,sadness",
        )
    sure = table[CONFIDENCE].tolist() if CONFIDENCE in table else [None] * len(table)
    known = [None if value is None or value == "" or _is_nan(value) else value for value in sure]
    pairs = list(zip(given, known, strict=True))
    scores, reasons = scores_of(pairs, classes, options.label_map, f"{path}: {words}")
    return pd.DataFrame(scores, columns=classes), pd.Series(reasons, dtype=object)


def _emotions_in(given: Sequence[str | None], options: "LoadOptions") -> list[str]:
    """The emotions that the words themselves are, sorted."""
    named = {canonical(text, options.label_map) for text in given if text}
    return sorted(named & {*SYNONYMS} - {*DIMENSIONS})


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _is_score(column: "pd.Series[float]", name: str, known: Sequence[str]) -> bool:
    """Whether a column holds the scores of a class: its name is an emotion or a label, and it has numbers."""
    named = (
        canonical(name) in {*SYNONYMS, *map(canonical, known)} or name in known or name.startswith("LABEL_")
    )
    return bool(named and pd.to_numeric(column, errors="coerce").notna().any())


def _has_text(column: "pd.Series[str]") -> bool:
    """Whether some cells are texts and not numbers."""
    texts = column.dropna().astype(str).str.strip()
    texts = texts[texts != ""]
    return bool(len(texts) and pd.to_numeric(texts, errors="coerce").isna().any())
