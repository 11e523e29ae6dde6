"""Options on what stands beside the table of a corpus: raters, and attributes of clips and speakers."""

from pathlib import Path
from typing import Annotated

import typer

from sertools.cli.options import INPUT

Votes = Annotated[
    str,
    typer.Option(
        "--votes",
        rich_help_panel=INPUT,
        metavar="PREFIX",
        help="What the columns with the votes of raters begin with: voice for voice_anger, voice_neutral, …",
    ),
]


Raters = Annotated[
    Path | None,
    typer.Option(
        "--raters",
        rich_help_panel=INPUT,
        metavar="FILE",
        help="Table with what raters said: one row for each clip and rater, or votes for each clip.",
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
