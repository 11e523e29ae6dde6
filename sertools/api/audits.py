"""Audit a model on a corpus, estimate what that costs, and predict a corpus, from Python."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from sertools import files
from sertools.api.corpora import CorpusSource, corpus_of
from sertools.api.models import ModelSource, model_of
from sertools.auditing.audit import PlannedAudit
from sertools.auditing.suites import choose
from sertools.corpora.corpus import Corpus
from sertools.corpora.load import load_clips
from sertools.errors import AuditError, GateError, nearest
from sertools.inference import predict as predictions
from sertools.inference.settings import Settings
from sertools.models.model import ClipModel, Model
from sertools.pipeline import export, write
from sertools.pipeline.forecast import forecast
from sertools.pipeline.forecast.predictions import Cost
from sertools.pipeline.needs import checkpoints
from sertools.pipeline.requests.models import model_for
from sertools.pipeline.run import FailedAuditsError, run
from sertools.pipeline.unseen import on_unseen, training_of
from sertools.report.render import render
from sertools.results.collection import Results
from sertools.results.verdicts.limits import Override, read_limits
from sertools.results.verdicts.rules import widest_first
from sertools.store.cache import RESULTS
from sertools.tables.columns import AGAINST
from sertools.tables.condition import CLEAN

EVERY = "*"
"""Key in `options` for all audits that have an option of that name."""

Options = Mapping[str, Mapping[str, Any]]
Limits = str | Path | Sequence[Override]


def audit(
    model: ModelSource,
    data: CorpusSource,
    *audits: str,
    suite: str | Path | None = None,
    options: Options | None = None,
    limits: Limits = (),
    against: ModelSource | None = None,
    random_twin: bool | None = None,
    trained_on: CorpusSource | None = None,
    allow_training_data: bool = False,
    out: str | Path | None = None,
    recordings: int | None = None,
    audit_folders: Sequence[str | Path] = (),
    seed: int = 0,
    settings: Settings | None = None,
) -> Results:
    """Audit a model on a corpus: compute what is not cached yet, run the audits, and judge their findings.

    Args:
        model: a model, or the text that `load_model` takes
        data: a corpus, or what `load_corpus` takes
        audits: names of audits, as in `list_audits()`; all by default. The embedded model on the embedded
            corpus (`"default"`, `"voices"`) gets the suite `demonstration` by default
        suite: name or TOML file of a suite, instead of names of audits
        options: audit → its options; the options of `"*"` go to every audit that has them, e.g.
            `{"*": {"noise_dir": "noises"}, "robustness": {"perturbations": ["white_noise"]}}`
        limits: limits that replace those of the audits: a TOML file as for `gate`, or a list
        against: a second model whose layers are shown for comparison, in audits that read layers
        random_twin: whether an untrained copy of the model is analysed too, in audits that read layers; None
            for where one can be built
        trained_on: what the model was trained on, a corpus or what `load_corpus` takes; None for what is
            recorded beside its weights, if sertools trained it
        allow_training_data: whether clips that were in the training, or whose speakers were, are judged too;
            by default they are only shown apart
        out: folder to write result files, recordings and the report to; None to write nothing
        recordings: maximum number of clips per audit to listen to in the report; None for none if the licence
            of the corpus does not let recordings be passed on, else for 5
        audit_folders: folders with audits of your own
        seed: random seed
        settings: batch size, number of decoding threads, cache folder, label map, progress; its seed is
            replaced by `seed`

    Returns:
        One result for each audit. An audit that lacks something it needs has one skipped finding, which says
        what is missing.

    Raises:
        AuditError: no such audit, suite or option, or a comparison model that no audit reads; or an audit
            failed: then the error has the results of the others as `results`, which are written
        ModelError: the model cannot be loaded, or its outputs cannot be read
        CorpusError: the corpus cannot be read, none of its clips could be scored, or all were in the training
        GateError: the limits cannot be read, or name an audit that is not run
        StoreError: `out` or the cache cannot be written

    Example:
        ```python
        results = sertools.audit("my-checkpoint", "clips.csv", "correctness", "fairness", out="report")
        results.to_pandas()[["audit", "name", "target", "value", "low", "high", "verdict"]]
        ```
    """
    planned = _planned(model, data, audits, suite, options, limits, audit_folders)
    _check_reads_layers(planned, against, random_twin)
    if out is not None:
        files.check_writable(Path(out))
    corpus = corpus_of(data)
    loaded = model_for(planned, model) or model_of(model, corpus)
    settings = replace(settings or Settings(), seed=seed)
    training = training_of(
        loaded, None if trained_on is None else _clips_of(trained_on), allowed=allow_training_data
    )
    call, others = _call(model, data, audits, suite), _others(against, planned)
    about: dict[str, Any] = {"model": loaded, "corpus": corpus, "audits": planned, "settings": settings}

    def kept(results: Results) -> Results:
        if out is not None and results:
            write.write_run(results, Path(out), clips=recordings, **about)
            render(results, Path(out), kept=None if settings.fresh else settings.root / RESULTS)
        return results

    runs = partial(run, loaded, settings=settings, command=call, others=others, random_twin=random_twin)
    try:
        return kept(on_unseen(runs, corpus, planned, training))
    except FailedAuditsError as failed:
        if out is not None:
            write.set_aside(Path(out), failed)
        kept(failed.results)
        raise failed.as_raised from failed.as_raised.__cause__


def plan(
    model: ModelSource,
    data: CorpusSource,
    *audits: str,
    suite: str | Path | None = None,
    options: Options | None = None,
    against: ModelSource | None = None,
    random_twin: bool | None = None,
    audit_folders: Sequence[str | Path] = (),
    seed: int = 0,
    settings: Settings | None = None,
) -> "Plan":
    """Estimate the computing time and disk space of `audit` with the same arguments.

    A few clips are timed; no audit is run.

    Args:
        model: a model, or the text that `load_model` takes
        data: a corpus, or what `load_corpus` takes
        audits: names of audits, as for `audit`
        suite: name or TOML file of a suite, instead of names of audits
        options: audit → its options, as for `audit`
        against: a second model, as for `audit`
        random_twin: whether an untrained copy of the model is analysed too, as for `audit`
        audit_folders: folders with audits of your own
        seed: random seed
        settings: how to compute, as for `audit`

    Returns:
        The costs in clips, minutes and MB, as a table and in one sentence.

    Raises:
        SertoolsError: as `audit`

    Example:
        ```python
        plan = sertools.plan("my-checkpoint", "clips.csv", "robustness")
        print(plan.summary, plan.minutes)
        ```
    """
    planned = _planned(model, data, audits, suite, options, (), audit_folders)
    _check_reads_layers(planned, against, random_twin)
    corpus = corpus_of(data)
    loaded = model_for(planned, model) or model_of(model, corpus)
    costs, timed = forecast.forecast_audit(
        loaded,
        corpus,
        planned,
        settings=replace(settings or Settings(), seed=seed),
        others=_others(against, planned),
        random_twin=random_twin,
    )
    return Plan(
        costs=tuple(costs),
        summary=forecast.sentence(costs, timed),
        warning=forecast.long_clips(loaded, corpus),
    )


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The estimated cost of an audit.

    Attributes:
        costs: one for each condition, pass over frames and set of measured columns
        summary: the same in one sentence
        warning: which clips take longer than estimated, and what to do; empty if none do
    """

    costs: tuple[Cost, ...]
    summary: str
    warning: str = ""

    @property
    def minutes(self) -> float:
        """Estimated computing time, in minutes."""
        return sum(cost.minutes for cost in self.costs)

    @property
    def megabytes(self) -> float:
        """Estimated disk space, in MB."""
        return sum(cost.megabytes for cost in self.costs)

    def to_pandas(self) -> pd.DataFrame:
        """The costs: columns `of`, `condition`, `clips`, `stored`, `to compute`, `minutes`, `MB`."""
        columns, rows = forecast.table(self.costs)
        return pd.DataFrame(rows, columns=columns)

    def _repr_html_(self) -> str:
        """The table of costs, for notebooks."""
        return self.to_pandas().to_html(index=False)


def predict(
    model: ModelSource,
    data: CorpusSource,
    *,
    out: str | Path | None = None,
    settings: Settings | None = None,
) -> pd.DataFrame:
    """Predict a corpus; the predictions are cached, and later audits use them.

    Args:
        model: a model, or the text that `load_model` takes
        data: a corpus, or what `load_corpus` takes
        out: CSV or Parquet file to write as well, which `predictions:FILE` reads as a model
        settings: how to compute

    Returns:
        One row per clip, in the order of the corpus, indexed by `clip`: `file`, a column for each label of
        the model, and `reason`. A clip that could not be predicted has no values; `reason` says why.

    Raises:
        ModelError: the model cannot be loaded, or predicts nothing
        CorpusError: the corpus cannot be read, or none of its clips could be scored
        StoreError: the cache or `out` cannot be written

    Example:
        ```python
        table = sertools.predict("my-checkpoint", "clips.csv", out="predictions.csv")
        table[table["reason"] == ""]
        ```
    """
    corpus = corpus_of(data)
    loaded = model_of(model, corpus)
    predicted = predictions.predict(loaded, corpus, settings=settings)[CLEAN]
    if out is not None:
        export.to_table(predicted, corpus, Path(out), loaded)
    table = predicted.scores.copy()
    table.insert(0, "file", corpus.clips["file"])
    reasons = predicted.missing.set_index("clip")["reason"]
    table["reason"] = [str(reasons.get(clip, "")) for clip in table.index]
    return table


def _planned(
    model: ModelSource,
    data: CorpusSource,
    audits: Sequence[str],
    suite: str | Path | None,
    options: Options | None,
    limits: Limits,
    audit_folders: Sequence[str | Path],
) -> list[PlannedAudit]:
    """The audits to run, with their options and limits; checked before anything is loaded or computed."""
    if suite is None and not audits and not audit_folders and _is(model, "default") and _is(data, "voices"):
        suite = "demonstration"
    planned = choose(
        audits,
        None if suite is None else str(suite),
        [Path(folder) for folder in audit_folders],
        shared=(options or {}).get(EVERY, {}),
    )
    own = {name.replace("-", "_"): each for name, each in (options or {}).items() if name != EVERY}
    overrides = read_limits(Path(limits)) if isinstance(limits, str | Path) else limits
    names = [each.name for each in planned]
    for name in own:
        if name not in names:
            raise AuditError(f"options are given for {name!r}, which is not run", hint=nearest(name, names))
    for override in overrides:
        if override.audit not in names:
            raise GateError(
                f"a limit is given for {override.audit!r}, which is not run",
                hint=nearest(override.audit, names),
            )
    source = str(limits) if isinstance(limits, str | Path) else "limits"
    return [
        each.audit.plan(
            {**each.settings, **own.get(each.name, {})},
            [*each.limits, *(o.limit(source) for o in widest_first(overrides) if o.audit == each.name)],
        )
        for each in planned
    ]


def _is(given: object, name: str) -> bool:
    """Whether an argument is this name; a table has no truth value when compared."""
    return isinstance(given, str) and given == name


def _check_reads_layers(
    planned: Sequence[PlannedAudit], against: ModelSource | None, random_twin: bool | None
) -> None:
    """Checks that an audit reads layers if a second model or a random twin is requested.

    Raises:
        AuditError: no audit reads layers
    """
    if (against is not None or random_twin) and not any(each.reads_layers for each in planned):
        raise AuditError(
            f"{'against' if against is not None else 'random_twin'} only applies to audits that read layers "
            f"(probe_layers, embeddings, …), not to {', '.join(each.name for each in planned)}",
            hint="to compare the predictions of two models, audit both and call compare",
        )


def _clips_of(trained_on: CorpusSource) -> Corpus:
    """The clips of a training corpus; its labels are not read."""
    return load_clips(str(trained_on)) if isinstance(trained_on, str | Path) else corpus_of(trained_on)


def _others(against: ModelSource | None, planned: Sequence[PlannedAudit]) -> dict[str, Model | ClipModel]:
    """The comparison model and the further checkpoints that audits name, by their roles."""
    found = {} if against is None else {AGAINST: model_of(against)}
    return found | {role: model_of(spec) for role, spec in checkpoints(planned).items()}


def _call(model: ModelSource, data: CorpusSource, audits: Sequence[str], suite: str | Path | None) -> str:
    """The call as Python, for the report; objects appear as `model` and `corpus`."""
    words = [repr(str(model)) if isinstance(model, str | Path) else "model"]
    if isinstance(data, Corpus | pd.DataFrame):
        words.append("corpus")
    else:
        words.append(repr(str(data) if isinstance(data, str | Path) else [str(each) for each in data]))
    words += [repr(name) for name in audits]
    words += [] if suite is None else [f"suite={str(suite)!r}"]
    return f"sertools.audit({', '.join(words)})"
