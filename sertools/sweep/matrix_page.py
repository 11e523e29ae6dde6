"""The page with the matrices of a sweep: scores of models on corpora as figures, everything else as tables.

The figures show what Figures 2 to 4 of Wagner et al. (2023) show: CCC of each dimension and its mean over
dimensions, or UAR, of each model on each corpus, and the mean over corpora.
"""

import math
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from sertools.files import write_text
from sertools.report import figures, pages
from sertools.results.display import ABSENT, fixed
from sertools.results.keys import FindingKey
from sertools.results.result import Figure, Series
from sertools.results.terms.names import audit_words, finding_words
from sertools.sweep.matrix import MEAN, MEAN_OF_DIMENSIONS

MEASURES = ("ccc", "uar")
"""Measures of `correctness` that are drawn."""

MOST_ROWS = 40
"""Maximum number of models in a figure or a table of the page, the best ones; `matrices.csv` has all."""

PAGE = "matrices.html"

KEYS = ["audit", "measure", "target"]


def ordered(table: pd.DataFrame) -> list[str]:
    """All models, best first, by the mean over corpora of their CCC or UAR; those without one come last.

    Args:
        table: result of `matrices`
    """
    main = table[(table["audit"] == "correctness") & table["measure"].isin(MEASURES)]
    means = main.groupby("model", sort=False)[MEAN].mean().to_dict()
    models = list(dict.fromkeys(map(str, table["model"])))
    return sorted(models, key=lambda model: (math.isnan(means.get(model, math.nan)), -means.get(model, 0.0)))


def figure(rows: pd.DataFrame, corpora: Sequence[str], models: Sequence[str]) -> Figure:
    """One measure as a map of models and corpora, with the mean over corpora as the last column.

    Args:
        rows: the rows of `matrices` for one measure and target
        corpora: columns, in their order
        models: names of the models that are shown, in their order
    """
    first = rows.iloc[0]
    words = finding_words(FindingKey(str(first["measure"]), str(first["target"])))
    by_model = rows.set_index("model")
    shown = [model for model in models if model in by_model.index][:MOST_ROWS]
    columns = [*corpora, *([MEAN] if len(corpora) > 1 else [])]
    best = "" if len(shown) == len(by_model) else f", the best {len(shown)} of {len(by_model)} models"
    return Figure(
        name=f"{first['measure']}-{first['target']}",
        kind="heat",
        title=f"{words}{best}",
        alt=f"{words} of {len(shown)} models on {len(corpora)} corpora; the numbers are in matrices.csv.",
        x_label="corpus",
        y_label="model",
        series=[
            Series(name=model, x=[*columns], y=[_number(by_model.loc[model, column]) for column in columns])
            for model in shown
        ],
    )


def write_page(table: pd.DataFrame, out: Path) -> None:
    """Writes `matrices.html` into the folder of a sweep.

    Args:
        table: result of `matrices`, with at least one row
        out: the folder

    Raises:
        StoreError: the folder cannot be written
    """
    corpora = [str(name) for name in table.columns if name not in {*KEYS, "model", MEAN}]
    models = ordered(table)
    drawn, tables = [], []
    for (audit, measure, target), rows in table.groupby(KEYS, sort=False):
        if audit == "correctness" and measure in MEASURES:
            made = figure(rows, corpora, models)
            drawn.append((target == MEAN_OF_DIMENSIONS, made.title, pages.markup(figures.draw(made))))
        words = finding_words(FindingKey(str(measure), str(target)))
        tables.append((audit_words(str(audit)), words, _rows(rows, [*corpora, MEAN], models)))
    drawn.sort(key=lambda each: not each[0])  # the mean of dimensions first
    by_audit: dict[str, list[tuple[str, list[list[str]]]]] = {}
    for audit, words, rows_of in tables:
        by_audit.setdefault(audit, []).append((words, rows_of))
    text = pages.page(
        "matrices.html",
        drawn=drawn,
        by_audit=by_audit,
        columns=[*corpora, MEAN],
        models=len(models),
        most=MOST_ROWS,
    )
    write_text(out / PAGE, text)


def _rows(rows: pd.DataFrame, columns: Sequence[str], models: Sequence[str]) -> list[list[str]]:
    """Model and values of each row of a table, rounded."""
    by_model = rows.set_index("model")
    shown = [model for model in models if model in by_model.index][:MOST_ROWS]
    return [[model, *(_text(by_model.loc[model, column]) for column in columns)] for model in shown]


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, float | int) and math.isfinite(value) else None


def _text(value: object) -> str:
    number = _number(value)
    return ABSENT if number is None else fixed(number, 3)
