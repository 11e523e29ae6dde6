"""The command `selftest`."""

from typing import Annotated

import typer

from sertools.cli import arguments
from sertools.cli import options as o


def selftest(
    audits: Annotated[
        list[str] | None, typer.Argument(help="Audits to test; all by default.", show_default=False)
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(
            "--data", rich_help_panel=o.INPUT, help="Measure the power of each audit on this corpus instead."
        ),
    ] = None,
    data_root: o.DataRoot = None,
    column_map: o.ColumnMap = None,
    value_map: o.ValueMap = None,
    scale: o.Scales = None,
    label_map: o.LabelMap = None,
    derive: o.Derive = False,
    plants: Annotated[
        int,
        typer.Option(
            "--plants", rich_help_panel=o.HOW, min=1, help="Number of planted defects for each strength."
        ),
    ] = 5,
    seed: o.Seed = 0,
    output: o.Format = "table",
) -> None:
    """Test the audits on toy models with known defects.

    The defects must be found, and the oracle must pass. The exit code is 1 if any check fails.

    With --data, measures instead how often each audit finds its planted defect
    in a corpus of this size; no audio is opened.

    Example: sertools selftest --data my-clips.csv
    """
    from sertools.cli import console
    from sertools.selftest import power, selftest

    if data:
        corpus = arguments.read_data(data, data_root, column_map, scale, label_map, derive, value_map)
        found = power.power(corpus.clips, audits or (), plants=plants, seed=seed)
        console.table(power.POWER, found, output)
        return
    checks = list(selftest.checks(seed, audits or ()))
    console.table(selftest.CHECKS, selftest.rows(checks), output)
    raise typer.Exit(0 if all(check.met for check in checks) else 1)
