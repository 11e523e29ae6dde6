"""What a study will train, without training it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sertools.errors import ModelError
from sertools.studies.checks import ready
from sertools.studies.run import is_done
from sertools.studies.study import Cell, Study, cells, text_of
from sertools.training.objectives import defaults_of
from sertools.training.recipe import Optimisation, Recipe
from sertools.wording import plural

COLUMNS = ("variant", "at", "method", "init", "trains for", "test", "models", "done")
"""Columns of a plan."""


def plan(study: Study, out: Path | None = None) -> list[list[Any]]:
    """The models of a study, a row for each variant and its grid values, see `COLUMNS`.

    `models` counts seeds and folds, and `done` those of them that are in the folder.

    Args:
        study: to be run
        out: folder of the study; None if there is none yet
    """
    groups: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells(study):
        groups.setdefault((cell.variant, text_of(cell.at)), []).append(cell)
    return [
        [
            variant,
            at,
            every[0].recipe.method,
            every[0].recipe.init,
            length_of(every[0].recipe),
            ", ".join(every[0].tests),
            len(every),
            sum(is_done(cell, out) for cell in every) if out is not None else 0,
        ]
        for (variant, at), every in groups.items()
    ]


def missing(study: Study, out: Path | None = None, data_root: Path | None = None) -> str:
    """What keeps the study from being run here, in a sentence; empty if nothing does."""
    left: Sequence[Cell] = [cell for cell in cells(study) if out is None or not is_done(cell, out)]
    try:
        ready(study, left, data_root, fetch=False)
    except ModelError as error:
        return str(error)
    return ""


def length_of(recipe: Recipe) -> str:
    """How long a recipe trains, such as `20000 updates, then 15 epochs`; empty where it has no steps."""
    if recipe.method == "baseline":
        return ""
    phases: list[Optimisation] = [recipe]
    if "pretrain" in defaults_of(recipe.method):
        phases.insert(0, recipe.pretrain)
    return ", then ".join(
        plural(how.steps, "update") if how.steps else plural(how.epochs, "epoch") for how in phases
    )
