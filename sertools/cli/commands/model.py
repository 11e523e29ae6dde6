"""Inspect a model before auditing it."""

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
) -> None:
    """Show a model's architecture, labels, head, layers, sampling rate, size and speed.

    Example: sertools model inspect my-checkpoint
    """
    request = arguments.model_request({**locals(), "model": spec})

    from sertools.cli import console
    from sertools.models.describe import inspect_model

    console.table(*inspect_model(request.load()), output)
