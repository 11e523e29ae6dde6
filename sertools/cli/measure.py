"""The commands `predict` and `plan`."""

from pathlib import Path
from typing import Annotated

import typer

from sertools.cli import arguments
from sertools.cli import options as o
from sertools.cli.app import app
from sertools.cli.audits import _suite


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
    from sertools.cli import console
    from sertools.inference import predict as predict_module
    from sertools.pipeline import write

    settings = predict_module.Settings(batch_size=batch_size, cache=cache, progress=o.progress(quiet))
    corpus = arguments.read_data(data, data_root, column_map, scale, None)
    loaded = arguments.read_model(
        model, device, precision, head, trust_remote_code, labels, node, sampling_rate
    )
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
    from sertools.auditing.suites import choose
    from sertools.cli import console
    from sertools.cli.audits import check_beside
    from sertools.inference import predict as predict_module
    from sertools.pipeline.forecast import forecast
    from sertools.tables.columns import AGAINST

    suite = _suite(suite, names, model, data, audits)
    asked = choose(names or [], suite, audits or [], shared={"noise_dir": noise_dir, "rir_dir": rir_dir})
    other = arguments.read_against(against, device, precision)
    check_beside(asked, against=other, random_twin=random_twin)
    corpus = arguments.read_data(data, data_root, column_map, scale, None, derive)
    loaded = arguments.read_model(
        model, device, precision, head, trust_remote_code, labels, node, sampling_rate
    )
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
