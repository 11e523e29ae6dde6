"""The command `audit`."""

from typing import Annotated

import typer

from sertools.cli import options as o
from sertools.cli import rater_options as raters_o

TrainedOn = Annotated[
    str,
    typer.Option(
        "--trained-on",
        rich_help_panel=o.INPUT,
        metavar="DATA",
        help="What the model was trained on (same syntax as --data), if it has no training record.",
    ),
]


AllowTrainingData = Annotated[
    bool,
    typer.Option(
        "--allow-training-data",
        rich_help_panel=o.INPUT,
        help="Judge clips that were in the model's training too, and those of its training speakers.",
    ),
]


Shard = Annotated[
    str,
    typer.Option(
        "--shard",
        rich_help_panel=o.HOW,
        metavar="I/N",
        help="Compute part I of N of the predictions, as one of N workers that share the cache. Tasks of a "
        "Slurm array, and processes with RANK and WORLD_SIZE, find their part themselves.",
    ),
]


def audit(
    names: o.AuditNames = None,
    model: o.ModelSpec = "default",
    data: o.DataSpecs = ["voices"],  # noqa: B006 (Typer copies it)
    suite: o.SuiteName = None,
    audits: o.Audits = None,
    split: raters_o.Split = "",
    limit: raters_o.Limit = "",
    data_root: o.DataRoot = None,
    column_map: o.ColumnMap = None,
    value_map: o.ValueMap = None,
    raters: raters_o.Raters = "",
    attributes: raters_o.Attributes = None,
    scale: o.Scales = None,
    max_minutes: o.MaxMinutes = 60.0,
    label_map: o.LabelMap = None,
    classes: o.Classes = "",
    derive: o.Derive = False,
    noise_dir: o.NoiseDir = "",
    rir_dir: o.RirDir = "",
    trained_on: TrainedOn = "",
    allow_training_data: AllowTrainingData = False,
    against: o.Against = "",
    random_twin: o.RandomTwin = None,
    head: o.Heads = None,
    trust_remote_code: o.TrustRemoteCode = False,
    labels: o.Labels = "",
    node: o.Output = "",
    activation: o.Activation = "auto",
    model_scale: o.ModelScales = None,
    sampling_rate: o.SamplingRate = 0,
    prompt: o.Prompts = None,
    window: o.WindowLength = None,
    hop: o.Hop = None,
    pool: o.Pool = "mean",
    device: o.Device = "auto",
    precision: o.Precision = "auto",
    batch_size: o.BatchSize = 8,
    seed: o.Seed = 0,
    cache: o.Cache = None,
    fresh: o.Fresh = False,
    shard: Shard = "",
    out: o.Out = o.OUT,
    output: o.Format = "table",
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
    strict: o.Strict = False,
    allow_empty: o.AllowEmpty = False,
    audio: o.Audio = "auto",
    over_time: o.OverTime = None,
) -> None:
    """Audit a model on a corpus and write results and a report.

    Predictions that are not in the cache yet are computed first.

    Example: sertools audit correctness fairness --model my-checkpoint --data my-clips.csv:test
    """
    from sertools.cli.run_audits import run_audits

    raise typer.Exit(run_audits(locals()))
