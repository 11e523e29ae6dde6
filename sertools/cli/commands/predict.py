"""The command `predict`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sertools.cli import arguments
from sertools.cli import options as o
from sertools.cli import rater_options as raters_o
from sertools.cli.commands.audit import Shard
from sertools.errors import AuditError
from sertools.wording import plural

if TYPE_CHECKING:
    import pandas as pd

    from sertools.corpora.corpus import Corpus
    from sertools.inference.settings import Settings
    from sertools.models.model import ClipModel, Model


def predict(
    model: o.ModelSpec = "default",
    data: o.DataSpecs = ["voices"],  # noqa: B006 (Typer copies it)
    csv: Annotated[
        Path | None, typer.Option("--csv", rich_help_panel=o.OUTPUT, help="Write predictions as CSV.")
    ] = None,
    parquet: Annotated[
        Path | None, typer.Option("--parquet", rich_help_panel=o.OUTPUT, help="Write predictions as Parquet.")
    ] = None,
    audformat: Annotated[
        Path | None,
        typer.Option("--audformat", rich_help_panel=o.OUTPUT, help="Write a new folder in audformat."),
    ] = None,
    over_time: o.OverTime = None,
    split: raters_o.Split = "",
    limit: raters_o.Limit = "",
    data_root: o.DataRoot = None,
    column_map: o.ColumnMap = None,
    value_map: o.ValueMap = None,
    scale: o.Scales = None,
    max_minutes: o.MaxMinutes = 60.0,
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
    cache: o.Cache = None,
    shard: Shard = "",
    quiet: o.Quiet = False,
) -> None:
    """Predict a corpus and store the predictions in the cache.

    With --csv, --parquet or --audformat they are exported as well. With --over-time these files hold a track
    for each clip: one row per window, of the length --window (2 s by default).

    Example: sertools predict --model default --data voices --csv predictions.csv
    """
    _predict(locals())


def _predict(given: Mapping[str, Any]) -> None:
    """Predicts, exports and shows what is missing; `given` are the options by their names."""
    from sertools.cli import console
    from sertools.inference.settings import Settings
    from sertools.inference.share import OtherSharesMissingError

    outputs = [given[name] for name in ("csv", "parquet", "audformat")]
    arguments.check_outputs(outputs, [*given["data"], given["model"].partition(":")[2]])
    step = given["over_time"]
    if step is not None and not any(outputs):
        raise AuditError("--over-time writes tracks to a file, but none is named", hint="add --csv FILE")
    if step is not None and (given["hop"] is not None or given["pool"] != "mean"):
        raise AuditError("--hop and --pool do not apply with --over-time, which is the step itself")
    request = arguments.model_request({**given, "window": None} if step is not None else given)
    corpus = arguments.corpus_request(given).load()
    settings = Settings(
        batch_size=given["batch_size"],
        cache=given["cache"],
        progress=arguments.progress(given["quiet"]),
        share=arguments.share(given["shard"]),
    )
    loaded = request.load(corpus, settings=settings)
    try:
        if step is None:
            missing = _whole(loaded, corpus, settings, outputs)
        else:
            missing = _tracks(loaded, corpus, settings, outputs, (step, given["window"]))
    except OtherSharesMissingError as stored:
        console.message(f"{stored.message} {stored.hint}")
        return
    _warn_of_missing(missing)


def _warn_of_missing(missing: "pd.DataFrame") -> None:
    """Shows the first ten clips without a prediction, and how many there are."""
    from sertools.cli import console

    for row in missing.head(10).itertuples():
        console.warn(f"missing: {row.clip}: {row.reason}")
    if len(missing) > 10:
        console.warn(f"missing: {len(missing)} clips in total")


def _whole(
    model: "Model | ClipModel", corpus: "Corpus", settings: "Settings", outputs: Sequence[Path | None]
) -> "pd.DataFrame":
    """Predicts each clip as a whole and writes the files; returns the missing clips."""
    from sertools.cli import console
    from sertools.inference import predict
    from sertools.pipeline import export

    predicted = predict.predict(model, corpus, settings=settings)["clean"]
    for path in (path for path in outputs if path is not None):
        if path == outputs[-1]:
            table = corpus.clips[["file", "start", "end"]].join(predicted.scores)
            export.to_audformat(table, path, corpus, model)
        else:
            export.to_table(predicted, corpus, path, model)
        console.message(f"{plural(len(predicted.scores), 'prediction')} written to {path}")
    return predicted.missing


def _tracks(
    model: "Model | ClipModel",
    corpus: "Corpus",
    settings: "Settings",
    outputs: Sequence[Path | None],
    times: tuple[float, float | None],
) -> "pd.DataFrame":
    """Predicts each clip in windows and writes the tracks; returns the missing windows.

    Args:
        model: computes scores from audio
        corpus: whose clips are cut
        settings: how to compute
        outputs: CSV, Parquet and audformat, each a path or None
        times: step and length of the windows in s, None for the usual length
    """
    from sertools.cli import console
    from sertools.inference.over_time import over_time, tracks
    from sertools.pipeline import export

    cut = over_time(model, *times)
    table, missing = tracks(model, corpus, cut, settings)
    for path in (path for path in outputs if path is not None):
        if path == outputs[-1]:
            export.to_audformat(table, path, corpus, model)
        else:
            export.tracks_to_table(table, path)
        windows = f"{plural(len(table), 'window')} of {cut.window_s:g} s every {cut.step_s:g} s"
        console.message(f"{windows} written to {path}")
    return missing
