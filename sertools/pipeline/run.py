"""Runs audits of a model on a corpus."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sertools.auditing.audit import PlannedAudit
from sertools.corpora.corpus import Corpus, fingerprint
from sertools.errors import AuditError, SertoolsError
from sertools.features.quality.measure import quality_measures
from sertools.inference.build_tables import closed_classes, standard_labels
from sertools.inference.over_time import over_time
from sertools.inference.precision import choose_precision
from sertools.inference.settings import Settings
from sertools.models.model import ClipModel, Model, is_by_clip
from sertools.pipeline import number_format
from sertools.pipeline.collect import (
    SCORES_ALONE,
    Request,
    checkpoint_models,
    collect,
    comparison_models,
    fill_share,
    request,
    with_further,
    with_measured_columns,
)
from sertools.pipeline.needs import conditions, conditions_to_predict, measured_columns, quality_needed
from sertools.pipeline.processes.outcomes import outcomes
from sertools.pipeline.provenance import answers, corpus_facts, date, model_facts, provenance
from sertools.results.answers import PROVENANCE
from sertools.results.collection import Results
from sertools.results.provenance import CLASSES, DATE
from sertools.results.verdicts.unjudged import without_verdicts
from sertools.tables.condition import Condition
from sertools.tables.tables import ModelData, Tables
from sertools.wording import plural


class FailedAuditsError(AuditError):
    """Some audits failed; the others have results.

    Attributes:
        results: the results of the audits that did not fail
        errors: audit → what it raised
    """

    def __init__(self, results: Results, errors: Mapping[str, Exception]) -> None:
        first = next(iter(errors.values()))
        more = f", and so did {', '.join(list(errors)[1:])}" if len(errors) > 1 else ""
        kept = f"the results of {plural(len(results), 'other audit')} are kept" if results else ""
        hint = "; ".join(filter(None, [getattr(first, "hint", ""), kept]))
        super().__init__(f"{getattr(first, 'message', first)}{more}", hint=hint)
        self.results = results
        self.errors = errors

    @property
    def as_raised(self) -> Exception:
        """The error to raise: this one, unless sertools itself failed in one of its own audits."""
        ours = (error for error in self.errors.values() if not isinstance(error, SertoolsError))
        return next(ours, self)


def run(
    model: Model | ClipModel,
    corpus: Corpus,
    audits: Sequence[PlannedAudit],
    *,
    settings: Settings | None = None,
    command: str = "",
    others: Mapping[str, Model | ClipModel] | None = None,
    random_twin: bool | None = False,
) -> Results:
    """Audits a model on a corpus: computes the missing predictions, then runs each audit on the tables.

    The results carry what the model answered clip by clip. Audits whose verdicts could depend on the number
    format that `--precision auto` chose are run again in fp32.

    Args:
        model: from `load_model`
        corpus: from `load_corpus`
        audits: from `Audit.plan` or `choose`
        settings: how to compute
        command: what the user typed, for the report
        others: role → another model that layer audits compare it with, or a further checkpoint
        random_twin: whether an untrained copy of the model (same architecture, random weights) is one of
            them; None for where it can be built. Its weights are drawn from the seed

    Raises:
        FailedAuditsError: an audit failed; the error has the results of the others
        OtherSharesMissingError: `settings` name a share of the work, and other shares are not stored yet
        SertoolsError: see `predict` and `build_tables.tables`
    """
    settings = settings or Settings()
    closed = _checked(model, corpus, audits, settings)
    opens = hasattr(model, "predict") or bool(measured_columns(corpus, audits))
    key = fingerprint(corpus) if opens else ""  # a table of answers opens no audio
    wanted = conditions_to_predict(audits, corpus, model, settings)
    if wanted:
        corpus.check_listed_once()
        model = choose_precision(model, corpus, key, settings)
    compared = {}
    if any(planned.reads_layers for planned in audits):
        compared = comparison_models(model, corpus, others or {}, random_twin, settings, key)
    checkpoints = checkpoint_models(others or {}, corpus, settings, key)
    if settings.share:
        fill_share([model, *compared.values(), *checkpoints.values()], corpus, audits, wanted, settings)
        settings = replace(settings, share=None)
    corpus = with_measured_columns(corpus, audits, settings)
    requested = request(corpus, [planned.needs for planned in audits])
    shared = _Shared(
        corpus=corpus,
        settings=settings,
        corpus_fingerprint=key,
        command=command,
        compared=compared,
        closed=closed,
    )
    comparison = _data_of_others(compared, requested, shared)
    comparison |= _data_of_others(checkpoints, SCORES_ALONE, shared)
    own = collect(model, corpus, requested, wanted, settings, key)
    own = with_further(own, model, corpus, audits, settings)
    results = _audited(model, own, comparison, audits, shared)
    doubts = number_format.doubtful_audits(audits, own.tables, results, model.facts, settings)
    if not doubts:
        return results
    again = [audits[i] for i in doubts]
    exact = number_format.in_fp32(model)
    needed = request(corpus, [planned.needs for planned in again])
    data = collect(exact, corpus, needed, conditions(again, settings.seed), settings, key)
    data = replace(data, tables=_with_further_of(data.tables, own.tables))
    return number_format.merged(results, _audited(exact, data, comparison, again, shared), doubts)


def _with_further_of(tables: Tables, other: Tables) -> Tables:
    """Tables with what was measured beside the predictions of other ones, which no number format changes."""
    measured = {name: getattr(other, name) for name in ("running_cost", "sound_quality", "attacks")}
    return replace(tables, **measured)


def _checked(
    model: Model | ClipModel, corpus: Corpus, audits: Sequence[PlannedAudit], settings: Settings
) -> tuple[str, ...]:
    """The closed set of emotions, by standard names, after checking all that needs no computation.

    Raises:
        ModelError: two dimensions of the model have the same name, an option does not apply to it, or a table
            of answers has none for this corpus, or the package of ViSQOL is not installed
    """
    needed = quality_needed(audits)
    if needed:
        quality_measures(needed)
    if is_by_clip(model) and model.labels:
        model.scores(corpus.clips)
    standard_labels(model, settings.label_map)
    if settings.over_time is not None:
        over_time(model, settings.over_time)
    return closed_classes(model, settings.classes, settings.label_map)


def _data_of_others(
    others: Mapping[str, Model | ClipModel], requested: Request, shared: "_Shared"
) -> dict[str, ModelData]:
    """The data of other models on clean audio, by role."""
    of = shared.corpus, requested, [Condition()], shared.settings, shared.corpus_fingerprint
    return {role: collect(other, *of) for role, other in others.items()}


@dataclass(frozen=True, kw_only=True)
class _Shared:
    """What all audits of a run have in common, in whichever number format the model runs.

    Attributes:
        corpus: the audited corpus, with its measured columns
        settings: how to compute
        corpus_fingerprint: the corpus' fingerprint; empty if it is not known
        command: what the user typed
        compared: role → a model that layer audits compare the audited one with
        closed: the closed set of emotions, by standard names; empty for none
    """

    corpus: Corpus
    settings: Settings
    corpus_fingerprint: str
    command: str
    compared: Mapping[str, Model | ClipModel]
    closed: tuple[str, ...] = ()


def _audited(
    model: Model | ClipModel,
    own: ModelData,
    comparison: Mapping[str, ModelData],
    audits: Sequence[PlannedAudit],
    shared: _Shared,
) -> Results:
    """Results of audits of the model in one number format, from its data and those of compared models."""
    facts, settings = model_facts(model), shared.settings
    others = {"others": {role: model_facts(other) for role, other in shared.compared.items()}}
    origin = provenance(model, shared.corpus, shared.corpus_fingerprint, shared.command)
    answered = answers(own.tables)
    if answered:
        origin[PROVENANCE] = answered.digest
    if shared.closed:
        origin[CLASSES] = list(shared.closed)
    results, errors = [], {}
    with settings.progress("audits", len(audits), "audits") as advance:
        found_by_audit = outcomes(audits, own, comparison, settings, advance)
    for planned, result in zip(audits, found_by_audit, strict=True):
        if isinstance(result, Exception):  # it is raised when the other audits have run
            errors[planned.name] = result
            continue
        about = {
            "model": facts | (others if shared.compared and planned.reads_layers else {}),
            "data": corpus_facts(shared.corpus),
            "provenance": {"seed": settings.seed, **origin, DATE: date(result.provenance.get(DATE, ""))},
        }
        results.append(result.model_copy(update=about))
    found = Results(results, {answered.digest: answered} if answered else {})
    if shared.corpus.unjudged:
        asking = {each.name for each in audits if each.needs.conditions or each.reads_layers}
        found = without_verdicts(found, asking, shared.corpus.unjudged)
    if errors:
        raise FailedAuditsError(found, errors)
    return found
