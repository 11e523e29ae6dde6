"""The command `sweep`."""

from pathlib import Path
from typing import Annotated

import typer

from sertools.cli import options as o


def sweep(
    file: Annotated[Path, typer.Argument(metavar="SWEEP.toml", help="Models, corpora and suites.")],
    out: Annotated[
        Path,
        typer.Option(
            "--out", rich_help_panel=o.OUTPUT, help="Folder or URL for cells, leaderboard, matrices."
        ),
    ] = Path("sertools-sweep"),
    on: Annotated[
        str,
        typer.Option(
            "--on", rich_help_panel=o.HOW, metavar="PLACE", help="local, local:N, ray, ray:ADDRESS or slurm."
        ),
    ] = "local",
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers", rich_help_panel=o.HOW, min=1, help="Number of workers; by default one a core."
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", rich_help_panel=o.HOW, metavar="NAME=VALUE", help="Setting of Slurm or Ray."),
    ] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Show what would be computed, and stop.")] = False,
    status: Annotated[bool, typer.Option("--status", help="Show how far the sweep is, and stop.")] = False,
    worker: Annotated[
        str, typer.Option("--worker", metavar="I/N", help="Be worker I of N of a sweep that runs, and stop.")
    ] = "",
    cache: o.Cache = None,
    quiet: o.Quiet = False,
) -> None:
    """Audit many models on many corpora.

    Each model is audited on each corpus by each suite; such a cell that fails never stops the others. The
    same command continues an interrupted sweep. At the end there are a leaderboard, a report for each cell,
    and each measure as a matrix of models and corpora. Exit code 1 if some cells are not done.

    Example: sertools sweep sweep.toml --on local:4
    """
    from sertools.cli import arguments, console
    from sertools.cli.show_sweep import Watcher, show_plan, show_status
    from sertools.sweep.run import run_sweep

    if worker:
        _work(file, out, worker, cache)
    elif plan:
        show_plan(file, out, cache, quiet)
    elif status:
        show_status(file, out)
    else:
        options = arguments.pairs(settings, "--set", "NAME=VALUE")
        with Watcher(quiet) as watch:
            swept = run_sweep(
                file, out=out, on=on, workers=workers, options=options, cache=cache, watch=watch
            )
        if not quiet:
            show_status(file, out)
            console.message(f"Leaderboard: {swept.board}" if swept.board else "No cell is done.")
        raise typer.Exit(0 if swept.complete else 1)


def _work(file: Path, out: Path, worker: str, cache: Path | None) -> None:
    from sertools.inference.share import parse
    from sertools.store.remote import name_of
    from sertools.sweep.cells import current_run, has_begun
    from sertools.sweep.executors import SweepJob
    from sertools.sweep.shared import folder
    from sertools.sweep.shared import name_of as name_of_out
    from sertools.sweep.spec import read_sweep

    share, place = parse(worker, "--worker"), folder(out)
    if not has_begun(place):  # by hand
        read_sweep(file)
    job = SweepJob(file=file.absolute(), out=name_of_out(place), run=current_run(place), cache=name_of(cache))
    job.work(share.number, share.of)
