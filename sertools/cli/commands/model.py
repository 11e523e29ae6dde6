"""Inspect a model, and how far corpora are from its pre-training."""

from typing import Annotated

import typer

from sertools.cli import arguments
from sertools.cli import options as o


def inspect(
    spec: Annotated[str, typer.Argument(metavar="MODEL", help="Same syntax as --model.")] = "default",
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
    output: o.Format = "table",
    as_json: Annotated[
        bool, typer.Option("--json", rich_help_panel=o.OUTPUT, help="Same as --format json.")
    ] = False,
) -> None:
    """Show a model's architecture, labels, head, layers, sampling rate, size and speed.

    Example: sertools model inspect my-checkpoint
    """
    request = arguments.model_request({**locals(), "model": spec})

    from sertools.cli import console
    from sertools.models.describe import inspect_model

    console.table(*inspect_model(request.load()), "json" if as_json else output)


def shift(
    spec: Annotated[str, typer.Argument(metavar="MODEL", help="Checkpoint of wav2vec 2.0 as pre-trained.")],
    data: o.DataSpecs,
    data_root: o.DataRoot = None,
    seed: o.Seed = 0,
    output: o.Format = "table",
) -> None:
    """Show the pre-training loss of a checkpoint of wav2vec 2.0 on corpora: how far they are from its speech.

    Example: sertools model shift facebook/wav2vec2-base --data emodb --data ravdess
    """
    from sertools.cli import console, progress
    from sertools.corpora.load import load_corpus
    from sertools.studies.domain_shift import COLUMNS, domain_shift

    corpora = [load_corpus(each, data_root=data_root) for each in data]
    with progress.progress("clips", sum(len(corpus.clips) for corpus in corpora)) as advance:
        rows = domain_shift(spec, corpora, seed=seed, progress=advance)
    console.table(list(COLUMNS), rows, output)
