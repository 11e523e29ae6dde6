"""Options of the command line, each with the same meaning in every command, and how they are parsed."""

import math
from pathlib import Path
from typing import Annotated, Literal

import typer

OUT = Path("sertools-report")
"""Default output folder of an audit, and default input folder of the commands that read results."""


def _named(what: Literal["audits", "suites", "corpora"], incomplete: str) -> list[str]:
    """Names of what `sertools list` shows that begin like this, for the completion of a shell."""
    from sertools.api import lists

    return [str(row[0]) for row in lists.rows(what)[1] if str(row[0]).startswith(incomplete)]


INPUT, HOW, OUTPUT = "Input", "Computing", "Output"

ModelSpec = Annotated[
    str,
    typer.Option(
        "--model",
        rich_help_panel=INPUT,
        help="default, a checkpoint directory, a hub id owner/name, predictions:FILE, toy:oracle, …",
    ),
]

Against = Annotated[
    str,
    typer.Option(
        "--against",
        rich_help_panel=INPUT,
        metavar="MODEL",
        help="A second model (same syntax as --model) whose layers are shown for comparison.",
    ),
]

RandomTwin = Annotated[
    bool | None,
    typer.Option(
        "--random-twin/--no-random-twin",
        rich_help_panel=INPUT,
        help="Also analyse an untrained copy of the model (random weights) as a reference. On by default "
        "where possible.",
    ),
]

DataSpecs = Annotated[
    list[str],
    typer.Option(
        "--data",
        rich_help_panel=INPUT,
        autocompletion=lambda incomplete: _named("corpora", incomplete),
        help="Corpus name, CSV/Parquet manifest or folder, with optional :split; repeat to join corpora.",
    ),
]

DataRoot = Annotated[
    Path | None,
    typer.Option(
        "--data-root",
        rich_help_panel=INPUT,
        help="Folder of a registered corpus, or its parent folder; for a table, where its paths start.",
    ),
]

ColumnMap = Annotated[
    list[str] | None,
    typer.Option("--map", rich_help_panel=INPUT, help="Rename a column of the manifest: THEIRS=OURS."),
]

ValueMap = Annotated[
    list[str] | None,
    typer.Option(
        "--map-values",
        rich_help_panel=INPUT,
        help="Replace values of a column: COLUMN:THEIRS=OURS, as in sex:0=female,1=male.",
    ),
]

Scales = Annotated[
    list[str] | None,
    typer.Option(
        "--scale", rich_help_panel=INPUT, help="Range of the ratings: 1:7, or valence=1:7 for one dimension."
    ),
]

LabelMap = Annotated[
    list[str] | None,
    typer.Option(
        "--label-map", rich_help_panel=INPUT, help="Rename a label of model or corpus: excited=happiness."
    ),
]

Classes = Annotated[
    str,
    typer.Option(
        "--classes",
        rich_help_panel=INPUT,
        help="A closed set of emotions, as in anger,neutral: only their clips are judged, and only they "
        "compete. correctness also gives the UAR among all classes of the model, where it differs.",
    ),
]

Derive = Annotated[
    bool,
    typer.Option(
        "--derive-dimensions",
        rich_help_panel=INPUT,
        help="Derive the dimensions from the emotion labels with the norms of Russell & Mehrabian 1977.",
    ),
]

NoiseDir = Annotated[
    str,
    typer.Option(
        "--noise-dir",
        rich_help_panel=INPUT,
        metavar="DIR",
        help="Folder of noise recordings, for audits that add them to the clips.",
    ),
]

RirDir = Annotated[
    str,
    typer.Option(
        "--rir-dir",
        rich_help_panel=INPUT,
        metavar="DIR",
        help="Folder of room impulse responses, for audits that use them.",
    ),
]

Prompts = Annotated[
    list[str] | None,
    typer.Option(
        "--prompt",
        rich_help_panel=INPUT,
        metavar="FILE",
        help="Template of the prompt of an audio language model, with {classes}; more for the audit prompts.",
    ),
]

Heads = Annotated[
    list[str] | None,
    typer.Option(
        "--head",
        rich_help_panel=INPUT,
        help="The checkpoint's head: PREFIX=LAYOUT, once for each head of a joint model, or its layers.",
    ),
]

TrustRemoteCode = Annotated[
    bool,
    typer.Option("--trust-remote-code", rich_help_panel=INPUT, help="Allow code from the checkpoint to run."),
]

Labels = Annotated[
    str,
    typer.Option(
        "--labels",
        rich_help_panel=INPUT,
        help="Names of the model's outputs in order, if it does not name them itself: anger,neutral.",
    ),
]

Output = Annotated[
    str,
    typer.Option(
        "--output",
        rich_help_panel=INPUT,
        help="Output of an ONNX model, or several of one number each: arousal,valence; or the column of a "
        "table of predictions with answers in words.",
    ),
]

Activation = Annotated[
    Literal["auto", "none", "softmax", "sigmoid"],
    typer.Option(
        "--activation",
        rich_help_panel=INPUT,
        help="What makes scores of the outputs of an ONNX model; auto leaves probabilities as they are.",
    ),
]

ModelScales = Annotated[
    list[str] | None,
    typer.Option(
        "--model-scale",
        rich_help_panel=INPUT,
        help="Range in which the model predicts ratings, if it is not 0:1: 1:7, or valence=1:7.",
    ),
]

WindowLength = Annotated[
    float | None,
    typer.Option(
        "--window",
        rich_help_panel=HOW,
        metavar="SECONDS",
        help="Cut longer clips into windows of this length, and pool the predictions of the windows.",
    ),
]

Hop = Annotated[
    float | None,
    typer.Option(
        "--hop",
        rich_help_panel=HOW,
        metavar="SECONDS",
        help="With --window: time from one window to the next; half a window by default.",
    ),
]

Pool = Annotated[
    Literal["mean", "median", "max"],
    typer.Option(
        "--pool",
        rich_help_panel=HOW,
        help="With --window: how the windows' predictions become one.",
    ),
]

OverTime = Annotated[
    float | None,
    typer.Option(
        "--over-time",
        rich_help_panel=OUTPUT,
        metavar="SECONDS",
        help="Step of predictions over time: windows of 2 s, each so much later than the one before.",
    ),
]

SamplingRate = Annotated[
    int,
    typer.Option(
        "--sampling-rate",
        rich_help_panel=INPUT,
        min=0,
        help="Input sampling rate of the model in Hz, if it does not specify one; 0 uses the model's own.",
    ),
]


def _finite(value: float | None) -> float | None:
    """Refuses `nan` and `inf`, which Click takes for numbers within any range."""
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(f"{value} is not a finite number.")
    return value


MaxMinutes = Annotated[
    float,
    typer.Option(
        "--max-minutes",
        rich_help_panel=INPUT,
        min=0.001,
        callback=_finite,
        help="Longest clip that is read, in minutes; a longer one counts as missing.",
    ),
]

Device = Annotated[str, typer.Option("--device", rich_help_panel=HOW, help="cpu, cuda, cuda:N, mps or auto.")]

Precision = Annotated[
    Literal["auto", "fp32", "bf16"],
    typer.Option("--precision", rich_help_panel=HOW, help="Number format of the forward pass."),
]

BatchSize = Annotated[
    int,
    typer.Option(
        "--batch-size",
        rich_help_panel=HOW,
        min=1,
        help="Maximum number of clips in one forward pass; models of the wav2vec2 family on a CPU "
        "pack frames instead.",
    ),
]

Seed = Annotated[int, typer.Option("--seed", rich_help_panel=HOW, help="Random seed.")]


def _files_of_libraries(cache: Path | None) -> Path | None:
    """Lets libraries keep their own files in the cache folder too, if one is given.

    If the folder can only be read, they go into a temporary one, which is removed at the end.
    """
    if cache is not None:
        import os

        from sertools.store.remote import local

        cache = local(cache)

        folder = cache.absolute()  # the libraries read these later, perhaps from another folder
        if folder.exists() and not os.access(folder, os.W_OK):
            import atexit
            import shutil
            import tempfile

            folder = Path(tempfile.mkdtemp(prefix="sertools-"))
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
        os.environ.setdefault("MPLCONFIGDIR", str(folder / "matplotlib"))
        os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(folder / "torch"))
        os.environ.setdefault("NUMBA_CACHE_DIR", str(folder / "numba"))
    return cache


Fresh = Annotated[
    bool,
    typer.Option(
        "--fresh",
        rich_help_panel=HOW,
        help="Compute results again that are kept from a run with the same tables, code and options.",
    ),
]

Cache = Annotated[
    Path | None,
    typer.Option(
        "--cache",
        rich_help_panel=HOW,
        callback=_files_of_libraries,
        help="Cache folder or URL (s3://…) for predictions; the user cache by default.",
    ),
]

Out = Annotated[Path, typer.Option("--out", rich_help_panel=OUTPUT, help="Folder for results and report.")]

Format = Annotated[
    Literal["table", "json"],
    typer.Option("--format", rich_help_panel=OUTPUT, help="Format of the output; json is stable."),
]

Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", rich_help_panel=OUTPUT, help="Show no progress and no summary.")
]

Verbose = Annotated[
    bool,
    typer.Option(
        "--verbose",
        "-v",
        rich_help_panel=OUTPUT,
        help="Also show the inputs, the cache folder, and every finding with its interval.",
    ),
]

Strict = Annotated[
    bool,
    typer.Option(
        "--strict", rich_help_panel=OUTPUT, help="Exit with 3 if anything is skipped or inconclusive."
    ),
]

AllowEmpty = Annotated[
    bool,
    typer.Option(
        "--allow-empty", rich_help_panel=OUTPUT, help="Exit with 0 even if nothing could be measured."
    ),
]

Audio = Annotated[
    str,
    typer.Option(
        "--audio",
        rich_help_panel=OUTPUT,
        metavar="N|none|auto",
        help="Maximum number of clips per audit to listen to in the report; none for no recordings. auto is "
        "5, or none if the licence of the corpus does not let recordings be passed on.",
    ),
]

AuditNames = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[AUDIT]…",
        autocompletion=lambda incomplete: _named("audits", incomplete),
        help="All by default; the suite demonstration on the embedded model and corpus.",
    ),
]

SuiteName = Annotated[
    str | None,
    typer.Option(
        "--suite",
        rich_help_panel=INPUT,
        autocompletion=lambda incomplete: _named("suites", incomplete),
        help="Named set of audits, or a TOML file.",
    ),
]

Audits = Annotated[
    list[Path] | None,
    typer.Option("--audits", rich_help_panel=INPUT, help="Folder with your own audits."),
]
