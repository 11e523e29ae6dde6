"""The command `study`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sertools.cli import options as o

if TYPE_CHECKING:
    from sertools.studies.study import Study


def study(
    spec: Annotated[
        str, typer.Argument(metavar="STUDY", help="TOML file, or the name of a study of sertools.")
    ],
    out: Annotated[Path | None, typer.Option("--out", help="Folder of the study.")] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Value in place of the study's; repeat for more."),
    ] = None,
    on: Annotated[
        str,
        typer.Option(
            "--on", metavar="PLACE", help="Train at local:N, ray, ray:ADDRESS or slurm; here if not given."
        ),
    ] = "",
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Number of workers for --on.")
    ] = None,
    place: Annotated[
        list[str] | None, typer.Option("--place", metavar="NAME=VALUE", help="Setting of Slurm or Ray.")
    ] = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Show what would be trained and what is missing, and stop.")
    ] = False,
    worker: Annotated[
        str, typer.Option("--worker", metavar="I/N", help="Be worker I of N of a study that runs, and stop.")
    ] = "",
    data_root: o.DataRoot = None,
) -> None:
    """Train a recipe with many values, score the models, and write a page on them.

    Repeat an interrupted command to continue it: what is done is not done again.

    Example: sertools study wagner2023_efficiency --set recipe.epochs=3 --out efficiency
    """
    from sertools.studies.study import read_study

    wanted = read_study(spec, changes or [])
    if plan:
        _plan(wanted, out, data_root)
        return
    from functools import partial

    from sertools.cli import arguments, console
    from sertools.errors import AuditError
    from sertools.inference.share import parse
    from sertools.studies.workers import StudyJob, run_study_on
    from sertools.studies.write import study_to

    if out is None:
        raise AuditError("a study needs --out FOLDER", hint="or --plan, to see what it would train")
    job = StudyJob(
        spec=str(Path(spec).absolute()) if Path(spec).is_file() else spec,
        changes=tuple(changes or ()),
        out=out.absolute(),
        data_root=data_root.absolute() if data_root else None,
    )
    if worker:
        share = parse(worker, "--worker")
        job.work(share.number, share.of)
        return
    if (workers or place) and not on:
        raise AuditError("--workers and --place are for --on", hint="--on local:4")
    options = arguments.pairs(place, "--place", "NAME=VALUE")
    train = partial(run_study_on, job, on, workers=workers, options=options) if on else None
    result = study_to(
        wanted, out, data_root=data_root, progress=console.message, warn=console.warn, train=train
    )
    console.message(f"{result.answer} Page: {out / 'study.html'}")


def _plan(study: "Study", out: Path | None, data_root: Path | None) -> None:
    from sertools.cli import console
    from sertools.studies.plan import COLUMNS, missing, plan

    console.table(list(COLUMNS), plan(study, out))
    problem = missing(study, out, data_root)
    if problem:
        console.warn(problem.removesuffix(" (nothing was trained)"))
