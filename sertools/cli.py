"""The command line: each command parses its options, makes one library call, shows the result and exits.

Exit codes: 0 pass · 1 a limit failed · 2 usage or input error · 3 (`--strict`) nothing failed, but something
was skipped or inconclusive · 4 sertools itself failed. Data goes to stdout, messages and progress to stderr.
"""

import sys
import traceback
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperCommand, TyperGroup

from sertools import options as o
from sertools.cli_inputs import inputs
from sertools.cli_outputs import OUT, outputs
from sertools.errors import SertoolsError, nearest

OUR_FAULT = 4
"""Exit code of an unexpected internal error; it differs from that of a failed limit, which is 1."""

INTERRUPTED = "interrupted; finished work is saved: run the same command again to continue"


class Commands(TyperGroup):
    """The built-in commands and one per audit in the folder; an error becomes a sentence and exit code 2."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names of all commands; the audits come last."""
        return [*super().list_commands(ctx), *_audit_names()]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command with this name; an audit's own options are only loaded when it is called."""
        known = super().get_command(ctx, cmd_name)
        if known is not None or cmd_name not in _audit_names():
            return known
        from sertools.auditing.discovery import discover, question

        text = question(discover()[cmd_name.replace("-", "_")])
        return TyperCommand(cmd_name, help=text, rich_help_panel="Audits")

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Same as in Typer, but loads all options of an audit, and suggests a name for an unknown command."""
        if args and args[0] not in (known := self.list_commands(ctx)):
            raise SertoolsError(f"no command named {args[0]!r}", hint=nearest(args[0], known))
        name, command, rest = super().resolve_command(ctx, args)
        if name in _audit_names():
            from sertools.audit_commands import audit_command

            command = audit_command(str(name))
        return name, command, rest

    def invoke(self, ctx: Any) -> Any:
        """Runs a command; shows tracebacks only with --debug."""
        try:
            return super().invoke(ctx)
        except SertoolsError as error:
            if ctx.params.get("debug"):
                raise
            from sertools import console

            console.fail(error)
            raise typer.Exit(2) from error
        except KeyboardInterrupt as error:
            from sertools import console

            console.warn(INTERRUPTED)
            raise typer.Exit(2) from error


def _audit_names() -> list[str]:
    from sertools.auditing.discovery import discover

    return [name.replace("_", "-") for name in discover()]


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        import sertools

        typer.echo(f"sertools {sertools.__version__}")
        raise typer.Exit


@app.callback()
def root(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version and exit."),
    ] = False,
) -> None:
    """Audit a speech emotion recognition model before people rely on it.

    Example: sertools audit --model default --data voices
    """


@app.command("audit")
def audit(
    names: o.AuditNames = None,
    model: o.ModelSpec = "default",
    data: o.DataSpecs = ["voices"],  # noqa: B006 (Typer copies it)
    suite: o.SuiteName = None,
    audits: o.Audits = None,
    data_root: o.DataRoot = None,
    column_map: o.ColumnMap = None,
    scale: o.Scales = None,
    label_map: o.LabelMap = None,
    derive: o.Derive = False,
    noise_dir: o.NoiseDir = "",
    rir_dir: o.RirDir = "",
    against: o.Against = "",
    random_twin: o.RandomTwin = None,
    head: o.Heads = None,
    trust_remote_code: o.TrustRemoteCode = False,
    labels: o.Labels = "",
    node: o.Output = "",
    sampling_rate: o.SamplingRate = 0,
    device: o.Device = "auto",
    precision: o.Precision = "auto",
    batch_size: o.BatchSize = 8,
    seed: o.Seed = 0,
    cache: o.Cache = None,
    out: o.Out = OUT,
    output: o.Format = "table",
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
    strict: o.Strict = False,
    audio: o.Audio = "5",
) -> None:
    """Audit a model on a corpus and write results and a report.

    Predictions that are not in the cache yet are computed first.

    Example: sertools audit correctness fairness --model my-checkpoint --data my-clips.csv:test
    """
    from sertools.audit_commands import run_audits

    code = run_audits(
        names or [],
        suite=_suite(suite, names, model, data, audits),
        folders=audits or [],
        corpus=lambda: o.read_data(data, data_root, column_map, scale, label_map, derive),
        model=lambda: o.read_model(
            model, device, precision, head, trust_remote_code, labels, node, sampling_rate
        ),
        label_map=o.pairs(label_map, "--label-map", "THEIRS=OURS"),
        batch_size=batch_size,
        seed=seed,
        cache=cache,
        out=out,
        output=output,
        quiet=quiet,
        verbose=verbose,
        strict=strict,
        audio=audio,
        folders_of={"noise_dir": noise_dir, "rir_dir": rir_dir},
        against=o.read_against(against, device, precision),
        random_twin=random_twin,
    )
    raise typer.Exit(code)


def _suite(
    suite: str | None, names: list[str] | None, model: str, data: list[str], audits: list[Path] | None
) -> str | None:
    """The suite to run: quick if no audit, suite, model or corpus is named (embedded model and corpus)."""
    nothing_named = not names and model == "default" and data == ["voices"] and not audits
    return suite or ("quick" if nothing_named else None)


@app.command("predict")
def predict(
    model: o.ModelSpec = "default",
    data: o.DataSpecs = ["voices"],  # noqa: B006 (Typer copies it)
    csv: Annotated[
        Path | None, typer.Option("--csv", rich_help_panel=o.OUTPUT, help="Write predictions as CSV.")
    ] = None,
    parquet: Annotated[
        Path | None, typer.Option("--parquet", rich_help_panel=o.OUTPUT, help="Write predictions as Parquet.")
    ] = None,
    data_root: o.DataRoot = None,
    column_map: o.ColumnMap = None,
    scale: o.Scales = None,
    head: o.Heads = None,
    trust_remote_code: o.TrustRemoteCode = False,
    labels: o.Labels = "",
    node: o.Output = "",
    sampling_rate: o.SamplingRate = 0,
    device: o.Device = "auto",
    precision: o.Precision = "auto",
    batch_size: o.BatchSize = 8,
    cache: o.Cache = None,
    quiet: o.Quiet = False,
) -> None:
    """Predict a corpus and store the predictions in the cache.

    With --csv or --parquet they are exported as well.

    Example: sertools predict --model default --data voices --csv predictions.csv
    """
    from sertools import console
    from sertools.inference import predict as predict_module
    from sertools.pipeline import write

    settings = predict_module.Settings(batch_size=batch_size, cache=cache, progress=o.progress(quiet))
    corpus = o.read_data(data, data_root, column_map, scale, None)
    loaded = o.read_model(model, device, precision, head, trust_remote_code, labels, node, sampling_rate)
    predicted = predict_module.predict(loaded, corpus, settings=settings)["clean"]
    for path in (path for path in (csv, parquet) if path is not None):
        write.export(predicted, corpus, path)
        console.message(f"{len(predicted.scores)} predictions written to {path}")
    for row in predicted.missing.head(10).itertuples():
        console.warn(f"missing: {row.clip}: {row.reason}")
    if len(predicted.missing) > 10:
        console.warn(f"missing: {len(predicted.missing)} clips in total")


@app.command("plan")
def plan(
    names: o.AuditNames = None,
    model: o.ModelSpec = "default",
    data: o.DataSpecs = ["voices"],  # noqa: B006 (Typer copies it)
    suite: o.SuiteName = None,
    audits: o.Audits = None,
    data_root: o.DataRoot = None,
    column_map: o.ColumnMap = None,
    scale: o.Scales = None,
    derive: o.Derive = False,
    noise_dir: o.NoiseDir = "",
    rir_dir: o.RirDir = "",
    against: o.Against = "",
    random_twin: o.RandomTwin = None,
    head: o.Heads = None,
    trust_remote_code: o.TrustRemoteCode = False,
    labels: o.Labels = "",
    node: o.Output = "",
    sampling_rate: o.SamplingRate = 0,
    device: o.Device = "auto",
    precision: o.Precision = "auto",
    batch_size: o.BatchSize = 8,
    seed: o.Seed = 0,
    cache: o.Cache = None,
    output: o.Format = "table",
) -> None:
    """Estimate the computing time and disk space of an audit.

    A few clips are timed; no audit is run.

    Example: sertools plan robustness --model my-checkpoint --data msp-test1
    """
    from sertools import console
    from sertools.audit_commands import check_beside
    from sertools.auditing.suites import choose
    from sertools.inference import predict as predict_module
    from sertools.pipeline.forecast import forecast
    from sertools.tables.columns import AGAINST

    suite = _suite(suite, names, model, data, audits)
    asked = choose(names or [], suite, audits or [], shared={"noise_dir": noise_dir, "rir_dir": rir_dir})
    other = o.read_against(against, device, precision)
    check_beside(asked, against=other, random_twin=random_twin)
    corpus = o.read_data(data, data_root, column_map, scale, None, derive)
    loaded = o.read_model(model, device, precision, head, trust_remote_code, labels, node, sampling_rate)
    settings = predict_module.Settings(seed=seed, batch_size=batch_size, cache=cache)
    costs, timed = forecast.forecast(
        loaded,
        corpus,
        asked.audits,
        options=asked.options,
        settings=settings,
        others={AGAINST: other()} if other else None,
        random_twin=random_twin,
    )
    console.table(*forecast.table(costs), output)
    console.message(forecast.sentence(costs, timed))


@app.command("list")
def list_(
    what: Annotated[
        Literal["audits", "models", "corpora", "perturbations", "suites"] | None,
        typer.Argument(help="List to show; all lists by default."),
    ] = None,
    output: Annotated[Literal["table", "json", "csv"], typer.Option("--format")] = "table",
) -> None:
    """List the available audits, models, corpora, perturbations and suites.

    Example: sertools list corpora
    """
    from sertools import console, listing

    if what is None and output == "json":
        console.lists({name: listing.rows(name) for name in listing.LISTS})
        return
    for name in [what] if what else listing.LISTS:
        console.table(*listing.rows(name), output)


app.add_typer(outputs)
app.add_typer(inputs)


def main() -> None:
    """Entry point of the console script."""
    try:
        app(prog_name="sertools")
    except Exception as error:  # the outermost level: nothing is computed here, and nothing runs after it
        from sertools import console

        if "--debug" in sys.argv:
            traceback.print_exception(error)
        where = traceback.extract_tb(error.__traceback__)[-1]
        at = f"{Path(where.filename).name}, line {where.lineno}"
        hint = (
            "finished work is saved; please report this, with the output of the same command run with --debug"
        )
        console.fail(
            SertoolsError(f"sertools itself failed ({at}): {type(error).__name__}: {error}", hint=hint)
        )
        sys.exit(OUR_FAULT)
