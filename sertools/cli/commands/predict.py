"""The command `predict`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sertools.cli import arguments
from sertools.cli import options as o
from sertools.cli.commands.audit import Shard
from sertools.wording import plural

if TYPE_CHECKING:
    from collections.abc import Sequence

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

    With --csv or --parquet they are exported as well.

    Example: sertools predict --model default --data voices --csv predictions.csv
    """
    arguments.check_outputs([csv, parquet], [*data, model.partition(":")[2]])
    request = arguments.model_request(locals())
    corpus = arguments.corpus_request(locals()).load()

    from sertools.inference.settings import Settings

    settings = Settings(
        batch_size=batch_size,
        cache=cache,
        progress=arguments.progress(quiet),
        share=arguments.share(shard),
    )
    _predict(request.load(corpus), corpus, settings, [path for path in (csv, parquet) if path is not None])


def _predict(
    model: "Model | ClipModel", corpus: "Corpus", settings: "Settings", paths: "Sequence[Path]"
) -> None:
    """Predicts the corpus, exports the predictions to the paths, and warns of clips that have none."""
    from sertools.cli import console
    from sertools.inference import predict
    from sertools.inference.share import OtherSharesMissingError
    from sertools.pipeline import write

    try:
        predicted = predict.predict(model, corpus, settings=settings)["clean"]
    except OtherSharesMissingError as stored:
        console.message(f"{stored.message} {stored.hint}")
        return
    for path in paths:
        write.export(predicted, corpus, path, model)
        console.message(f"{plural(len(predicted.scores), 'prediction')} written to {path}")
    _warn_of_missing(predicted.missing)


def _warn_of_missing(missing: "pd.DataFrame") -> None:
    """Shows the first ten clips without a prediction, and how many there are."""
    from sertools.cli import console

    for row in missing.head(10).itertuples():
        console.warn(f"missing: {row.clip}: {row.reason}")
    if len(missing) > 10:
        console.warn(f"missing: {len(missing)} clips in total")
