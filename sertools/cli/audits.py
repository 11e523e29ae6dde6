"""Builds the command of each audit: the options that all audits share, and the audit's own."""

import inspect
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin

import typer
from typer.core import TyperCommand

from sertools.cli import arguments
from sertools.cli import options as o
from sertools.cli.app import app
from sertools.cli.outputs import OUT
from sertools.errors import AuditError

if TYPE_CHECKING:
    from sertools.auditing.audit import Audit
    from sertools.auditing.suites import Chosen
    from sertools.corpora.corpus import Corpus
    from sertools.models.model import ClipModel, Model


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
    from sertools.cli.audits import run_audits

    code = run_audits(
        names or [],
        suite=_suite(suite, names, model, data, audits),
        folders=audits or [],
        corpus=lambda: arguments.read_data(data, data_root, column_map, scale, label_map, derive),
        model=lambda: arguments.read_model(
            model, device, precision, head, trust_remote_code, labels, node, sampling_rate
        ),
        label_map=arguments.pairs(label_map, "--label-map", "THEIRS=OURS"),
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
        against=arguments.read_against(against, device, precision),
        random_twin=random_twin,
    )
    raise typer.Exit(code)


def _suite(
    suite: str | None, names: list[str] | None, model: str, data: list[str], audits: list[Path] | None
) -> str | None:
    """The suite to run: quick if no audit, suite, model or corpus is named (embedded model and corpus)."""
    nothing_named = not names and model == "default" and data == ["voices"] and not audits
    return suite or ("quick" if nothing_named else None)


def run_audits(
    names: Sequence[str],
    *,
    suite: str | None,
    folders: Sequence[Path],
    corpus: "Callable[[], Corpus]",
    model: "Callable[[], Model | ClipModel]",
    label_map: Mapping[str, str],
    batch_size: int,
    seed: int,
    cache: Path | None,
    out: Path,
    output: Literal["table", "json"],
    quiet: bool,
    verbose: bool,
    strict: bool,
    audio: str,
    options: Mapping[str, Any] | None = None,
    folders_of: Mapping[str, str] | None = None,
    against: "Callable[[], Model | ClipModel] | None" = None,
    random_twin: bool | None = None,
) -> int:
    """Runs audits by name or suite, writes results and report, shows the summary; returns the exit code.

    The folders in `folders_of` (option → folder) are passed to the audits that have such an option. Audits
    that read layers compare the model with a second one (`against`) and with an untrained copy of it with
    random weights (`random_twin`; None: where one can be built).

    Raises:
        SertoolsError: any error that the user can fix
    """
    from sertools import files
    from sertools.auditing.suites import choose
    from sertools.cli import console
    from sertools.inference import predict
    from sertools.pipeline import needs, run, write
    from sertools.pipeline.audio_clips import write_sounds
    from sertools.report.render import render
    from sertools.results.gate import exit_code
    from sertools.store import store
    from sertools.tables.columns import AGAINST

    arguments.check_loudness(quiet, verbose)
    most = arguments.clips_to_hear(audio)
    asked = choose(names, suite, folders, options=options, shared=folders_of)
    chosen, settings_of = asked.audits, asked.options
    check_beside(asked, against=against, random_twin=random_twin)
    files.check_writable(out)
    data, loaded = corpus(), model()
    if verbose:
        _tell_what_is_read(data, loaded, cache or store.default_root(), [each.name for each in chosen])
    results = run.run(
        loaded,
        data,
        chosen,
        others={AGAINST: against()} if against else None,
        random_twin=random_twin,
        options=settings_of,
        overrides=asked.limits,
        settings=predict.Settings(
            seed=seed,
            batch_size=batch_size,
            cache=cache,
            label_map=label_map,
            progress=o.progress(quiet),
        ),
        command=typed(),
    )
    write.write_results(results, out)
    known = {str(condition): condition for condition in needs.conditions(chosen, settings_of, seed)}
    write_sounds(
        results,
        out / "sounds",
        corpus=data,
        model=loaded,
        conditions=known,
        most=most,
        progress=o.progress(quiet),
    )
    render(results, out)
    console.show_summary(results, format=output, quiet=quiet, verbose=verbose)
    if not quiet:
        console.message(f"Report: {out / 'report.html'}")
    return exit_code(results, strict=strict)


def check_beside(
    asked: "Chosen", *, against: "Callable[[], Model | ClipModel] | None", random_twin: bool | None
) -> None:
    """Checks that an audit reads layers if a second model or a random twin is requested.

    Raises:
        AuditError: no audit reads layers
    """
    from sertools.pipeline import needs

    inside = any(needs.looks_inside(each, asked.options[each.name]) for each in asked.audits)
    if (against or random_twin) and not inside:
        raise AuditError(
            f"--{'against' if against else 'random-twin'} only applies to audits that read layers "
            f"(probe-layers, embeddings, …), not to {', '.join(each.name for each in asked.audits)}",
            hint="to compare the predictions of two models, audit both and run: sertools compare",
        )


def _tell_what_is_read(data: "Corpus", model: "Model | ClipModel", kept: Path, audits: Sequence[str]) -> None:
    from sertools.cli import console
    from sertools.report.text import plural

    speakers = f" of {plural(data.clips['speaker'].nunique(), 'speaker')}" if "speaker" in data.clips else ""
    console.message(f"Audits: {', '.join(audits)}")
    console.message(f"Corpus {data.name}: {plural(len(data.clips), 'clip')}{speakers}")
    console.message(f"Model {model.name}: {', '.join(model.labels)}")
    for name, fact in model.facts.items():
        console.message(f"  {name}: {fact}")
    console.message(f"Predictions are cached in {kept}")


def typed() -> str:
    """The command as the user typed it, for the report; the path of the program is left out."""
    import shlex

    return shlex.join(["sertools", *sys.argv[1:]])


def audit_command(name: str) -> TyperCommand:
    """The command of one audit: the options of `sertools audit` that apply to it, and its own."""
    from sertools.auditing import audit as audits
    from sertools.cli import audits as audits_module
    from sertools.pipeline.needs import looks_inside

    loaded = audits.load(name)
    shared = inspect.signature(audits_module.audit, eval_str=True).parameters
    general = {"names", "suite", "audits", "noise_dir", "rir_dir"}
    if not looks_inside(loaded, {}):
        general |= {"against", "random_twin"}
    kept = [p for n, p in shared.items() if n not in general]
    if loaded.data:
        kept = [p.replace(default=[loaded.data]) if p.name == "data" else p for p in kept]
    own = [_option(loaded, parameter) for parameter in loaded.options().values()]

    def command(**given: Any) -> None:
        options = {
            parameter.name: tuple(given[parameter.name])
            if isinstance(given[parameter.name], list)
            else given[parameter.name]
            for parameter in own
        }
        code = run_audits(
            [loaded.name],
            suite=None,
            folders=[],
            corpus=lambda: arguments.read_data(
                *(given[k] for k in ("data", "data_root", "column_map", "scale", "label_map", "derive"))
            ),
            model=lambda: arguments.read_model(
                *(given[k] for k in ("model", "device", "precision", "head", "trust_remote_code")),
                *(given[k] for k in ("labels", "node", "sampling_rate")),
            ),
            label_map=arguments.pairs(given["label_map"], "--label-map", "THEIRS=OURS"),
            options=options,
            against=arguments.read_against(given.get("against", ""), given["device"], given["precision"]),
            random_twin=given.get("random_twin"),
            **{
                k: given[k]
                for k in (
                    "batch_size",
                    "seed",
                    "cache",
                    "out",
                    "output",
                    "quiet",
                    "verbose",
                    "strict",
                    "audio",
                )
            },
        )
        raise typer.Exit(code)

    parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in (*own, *kept)]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # Typer reads it
    command.__annotations__ = {p.name: p.annotation for p in parameters}
    command.__doc__ = (
        f"{loaded.question}\n\n{_rewrapped(loaded.method)}\n\n"
        f"Example: sertools {name} --data {loaded.data or 'voices'}"
    )
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command(name)(command)
    made = typer.main.get_command(app)
    assert isinstance(made, TyperCommand)
    return made


def _option(audit: "Audit", parameter: inspect.Parameter) -> inspect.Parameter:
    """An audit's parameter as an option: a tuple can be repeated, the help text comes from the docstring."""
    annotation: Any = parameter.annotation
    default: Any = parameter.default
    if get_origin(annotation) is tuple:
        annotation, default = list[get_args(annotation)[0]], list(default)  # type: ignore[misc]
    flag = f"--{parameter.name.replace('_', '-')}"
    described = typer.Option(flag, rich_help_panel="Audit options", help=_help(audit, parameter.name))
    return parameter.replace(annotation=Annotated[annotation, described], default=default)


def _rewrapped(text: str) -> str:
    r"""A docstring's text with each paragraph and each list item on one line, so that Typer wraps it.

    >>> _rewrapped("one\ntwo:\n- a\n  b\n- c\n\nthree")
    'one two:\n- a b\n- c\n\nthree'
    """
    return re.sub(r"(?<=\S)\n[ ]*(?=[^\s-])", " ", text)


def _help(audit: "Audit", name: str) -> str:
    """The description of an argument in the docstring of `audit()`."""
    lines = inspect.getdoc(audit.function) or ""
    words: list[str] = []
    for line in lines.splitlines():
        text = line.strip()
        if text.startswith(f"{name}:"):
            words = [text.partition(":")[2].strip()]
        elif words and line.startswith(" " * 8):
            words.append(text)
        elif words:
            break
    return " ".join(words)
