"""Options for the part of a corpus that is used, and for files that belong to it: raters and attributes."""

from pathlib import Path
from typing import Annotated

import typer

from sertools.cli.options import INPUT

Split = Annotated[
    str,
    typer.Option(
        "--split",
        rich_help_panel=INPUT,
        metavar="NAME",
        help="Split of each --data: --data X --split test means --data X:test.",
    ),
]

Limit = Annotated[
    str,
    typer.Option(
        "--limit",
        rich_help_panel=INPUT,
        metavar="N|Nmin",
        help="For a first look: use only N clips, or N minutes of audio (5min), from all speakers.",
    ),
]

Raters = Annotated[
    str,
    typer.Option(
        "--raters",
        rich_help_panel=INPUT,
        metavar="PREFIX|FILE",
        help="Labels of individual raters: voice for columns voice_anger, voice_neutral, …; or a table with "
        "one row for each clip and rater, or with votes for each clip (FILE:PREFIX).",
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
