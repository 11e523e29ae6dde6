"""Options for files that belong to a corpus: raters, and attributes of clips and speakers."""

from pathlib import Path
from typing import Annotated

import typer

from sertools.cli.options import INPUT

Raters = Annotated[
    str,
    typer.Option(
        "--raters",
        rich_help_panel=INPUT,
        metavar="PREFIX|FILE",
        help="What raters said: voice for columns voice_anger, voice_neutral, …; or a table with one row for "
        "each clip and rater, or with votes for each clip (FILE:PREFIX).",
    ),
]


Attributes = Annotated[
    Path | None,
    typer.Option(
        "--attributes",
        rich_help_panel=INPUT,
        metavar="FILE",
        help="Table whose columns (sex, age, …) are joined to the corpus, by clip or by speaker.",
    ),
]
