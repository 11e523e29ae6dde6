"""The command `explain`."""

from pathlib import Path
from typing import Annotated

import typer

from sertools.cli import options as o


def explain(
    finding: Annotated[
        str, typer.Argument(help="Measure as in a report or in result files, e.g. fairness.sex_score.")
    ],
    results: Annotated[
        Path | None,
        typer.Argument(help="Folder of results, to show its value; sertools-report by default if it exists."),
    ] = None,
) -> None:
    """Explain a measure: definition, formula, source, limit, and its value in results.

    Example: sertools explain fairness.sex_score sertools-report
    """
    from sertools.api.show import explain as explanation
    from sertools.cli import console

    default = o.OUT if any(o.OUT.glob("*.json")) else None
    console.lines(str(explanation(finding, default if results is None else results)).split("\n"))
