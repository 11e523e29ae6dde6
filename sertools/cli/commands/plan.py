"""The command `plan`."""

from typing import TYPE_CHECKING, Any, Literal

from sertools.cli import arguments
from sertools.cli import options as o
from sertools.cli import rater_options as raters_o

if TYPE_CHECKING:
    from sertools.pipeline.requests.audits import AuditRequest


def plan(
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
    derive: o.Derive = False,
    noise_dir: o.NoiseDir = "",
    rir_dir: o.RirDir = "",
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
    output: o.Format = "table",
) -> None:
    """Estimate the computing time and disk space of an audit.

    A few clips are timed; no audit is run.

    Example: sertools plan robustness --model my-checkpoint --data msp-test1
    """
    _show(arguments.audit_request(locals()), output)


def _show(request: "AuditRequest", output: Literal["table", "json"]) -> None:
    """Prints what a request would cost."""
    from sertools.cli import console
    from sertools.pipeline.forecast import forecast

    loaded = request.load()
    how: dict[str, Any] = {
        "settings": request.settings,
        "others": loaded.others,
        "random_twin": request.random_twin,
    }
    costs, timed = forecast.forecast_audit(loaded.model, loaded.corpus, request.audits, **how)
    console.table(*forecast.table(costs), output)
    console.message(forecast.sentence(costs, timed))
    planned = [each.audit for each in request.audits]
    for audit in planned:
        absent = sorted(set(audit.companions.values()) - {each.name for each in planned})
        if absent:
            words = " ".join(name.replace("_", "-") for name in (audit.name, *absent))
            command, others = words.split(" ", 1)
            console.message(
                f"The command sertools {command} also runs {others}, which is not counted here; for both: "
                f"sertools plan {words}"
            )
    if warning := forecast.long_clips(loaded.model, loaded.corpus):
        console.warn(warning)
