"""Collects the data that audits read: predictions, layers, sums over frames, and measured columns."""

import importlib.util
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from sertools.auditing.audit import PlannedAudit
from sertools.auditing.contract import Needs
from sertools.corpora.corpus import Corpus, fingerprint
from sertools.features import columns, text_encoder
from sertools.features.functionals import Functionals
from sertools.inference.build_tables import tables
from sertools.inference.frames import acoustics
from sertools.inference.frames.cells import union
from sertools.inference.frames.compute import frame_sums
from sertools.inference.frames.plan import plan
from sertools.inference.jobs import Job, jobs
from sertools.inference.precision import choose_precision
from sertools.inference.predict import predict, predict_conditions
from sertools.inference.settings import Settings
from sertools.inference.share import OtherSharesMissingError, fill
from sertools.inference.sound_quality import sound_quality
from sertools.labels import canonical
from sertools.models.derived.hidden import WithHead, has_hidden, hidden_reader
from sertools.models.model import ClipModel, Model, is_by_clip, is_prompted
from sertools.models.model import random_twin as build_twin
from sertools.pipeline.attacks import attacks, attacks_needed
from sertools.pipeline.kept.costs import running_cost
from sertools.pipeline.needs import conditions as conditions_of
from sertools.pipeline.needs import measured_columns, quality_needed, with_labels
from sertools.tables.columns import CHECKPOINT, RANDOM_TWIN
from sertools.tables.condition import CLEAN, Condition
from sertools.tables.frame_sums import FrameSums, FrameSumsNeeded
from sertools.tables.layers import Layers
from sertools.tables.running_cost import CostNeeded
from sertools.tables.tables import ModelData


@dataclass(frozen=True, kw_only=True)
class Request:
    """The data that audits request of each model, apart from the conditions.

    Attributes:
        frame_sums: the sums over frames, for each kind of cells
        layers: whether layer means of the clean audio are computed along with the scores
        encoder_layers: the same for a bare encoder, which has no scores, so that its output is the layers
        head: whether what the last layer of the head reads is computed
        scores: whether anything except sums over frames is read, so that a model without frames runs too
    """

    frame_sums: Mapping[tuple[int, str], FrameSumsNeeded]
    layers: bool
    encoder_layers: bool
    scores: bool
    head: bool = False


def request(corpus: Corpus, needs: Sequence[Needs]) -> Request:
    """The data that audits request on a corpus; `collect` computes it, a forecast counts it."""
    sums = [need.frame_sums for need in needs if need.frame_sums and set(need.columns) <= set(corpus.clips)]
    return Request(
        frame_sums=union(sums),
        layers=any(need.layers or need.optional_layers for need in needs),
        encoder_layers=any(need.layers or need.frame_sums for need in needs),
        scores=any(need.conditions or need.layers for need in needs),
        head=any(need.head for need in needs),
    )


def collect(
    model: Model | ClipModel,
    corpus: Corpus,
    requested: Request,
    conditions: Sequence[Condition],
    settings: Settings,
    corpus_fingerprint: str,
) -> ModelData:
    """All data that audits read of a model; frames come first, because that pass also yields clean scores.

    Args:
        model: any model, in the number format in which it runs
        corpus: the corpus that is audited
        requested: what the audits read
        conditions: all conditions that audits read, clean first; none if they read no model
        settings: how to compute
        corpus_fingerprint: the corpus' fingerprint; empty if it is not known
    """
    layers = requested.encoder_layers if model.task == "encoder" else requested.layers
    sums: dict[tuple[int, str], Mapping[str, FrameSums]] = {}
    planned: list[Job] = []
    if not is_by_clip(model):
        corpus_fingerprint = corpus_fingerprint or fingerprint(corpus)
        planned = jobs(model, corpus, conditions, settings, corpus_fingerprint, layers)
        for cells, wanted in requested.frame_sums.items():
            passes = plan(model, corpus, corpus_fingerprint, wanted, settings.root)
            sums[cells], planned[0] = frame_sums(
                passes, model, corpus, corpus_fingerprint, settings, planned[0]
            )
    predicted = {}
    # frames alone need no scores, but the scores show which clips are missing
    if requested.scores or any(sums.values()):
        predicted = predict_conditions(model, corpus, conditions, planned, settings, layers)
    closed = [canonical(name, settings.label_map) for name in settings.classes]
    found = tables(model, corpus, predicted, settings.label_map, classes=closed)
    if requested.head and has_hidden(model):
        found = replace(found, head=_head(model, corpus, settings, corpus_fingerprint))
    return ModelData(tables=found, frame_sums=sums)


def _head(model: WithHead, corpus: Corpus, settings: Settings, corpus_fingerprint: str) -> Layers | None:
    """What the last layer of a model's head reads of each clip, from the store where it has it."""
    reader = hidden_reader(model)
    planned = jobs(reader, corpus, [Condition()], settings, corpus_fingerprint, True)
    return predict_conditions(reader, corpus, [Condition()], planned, settings, True)[CLEAN].layers


def comparison_models(
    model: Model | ClipModel,
    corpus: Corpus,
    others: Mapping[str, Model | ClipModel],
    random_twin: bool | None,
    settings: Settings,
    corpus_fingerprint: str,
) -> dict[str, Model | ClipModel]:
    """Comparison models for layer audits by role ("against", "random twin"), each in its number format.

    Args:
        model: in the format in which it runs
        corpus: the number formats are compared on it
        others: role → model, for the models that were named
        random_twin: whether the model's untrained copy is included; None for where it can be built
        settings: how to compute
        corpus_fingerprint: the corpus' fingerprint

    Raises:
        ModelError: the model has no random twin
    """
    found = {
        role: choose_precision(other, corpus, corpus_fingerprint, settings)
        for role, other in others.items()
        if not role.startswith(CHECKPOINT)
    }
    if random_twin or (random_twin is None and hasattr(model, "random_twin")):
        # made from the model in its chosen format, so that both have the same number format
        found[RANDOM_TWIN] = build_twin(model, settings.seed)
    return found


SCORES_ALONE = Request(frame_sums={}, layers=False, encoder_layers=False, scores=True)
"""What is requested of further checkpoints of a recipe."""


def checkpoint_models(
    others: Mapping[str, Model | ClipModel], corpus: Corpus, settings: Settings, corpus_fingerprint: str
) -> dict[str, Model | ClipModel]:
    """The further checkpoints among some models, by their roles, each in its number format.

    Args:
        others: role → model
        corpus: the corpus that is audited
        settings: how to compute
        corpus_fingerprint: the corpus' fingerprint
    """
    return {
        role: choose_precision(other, corpus, corpus_fingerprint, settings)
        for role, other in others.items()
        if role.startswith(CHECKPOINT)
    }


def with_further(
    own: ModelData,
    model: Model | ClipModel,
    corpus: Corpus,
    audits: Sequence[PlannedAudit],
    settings: Settings,
) -> ModelData:
    """The data of a model with further data for audits: running cost, audio quality, and attacks.

    Args:
        own: the data of the model
        model: in the format in which it runs
        corpus: the corpus that is audited
        audits: the audits to run
        settings: how to compute
    """
    timed = with_running_cost(own, model, audits, settings)
    found = with_sound_quality(timed, corpus, audits, settings)
    needed = attacks_needed(with_labels(audits, corpus, model, settings))
    if needed is None:
        return found
    tried = attacks(model, corpus, needed, settings)
    return replace(found, tables=replace(found.tables, attacks=tried))


def with_running_cost(
    own: ModelData, model: Model | ClipModel, audits: Sequence[PlannedAudit], settings: Settings
) -> ModelData:
    """The data of a model with its running cost, if an audit reads that and the model takes audio.

    A model that is asked in words is not timed: it may be a service that is paid for each answer.

    Args:
        own: the data of the model
        model: in the format in which it runs
        audits: what reads the cost
        settings: how to show the progress
    """
    lengths = [each.needs.running_cost.lengths_s for each in audits if each.needs.running_cost]
    if not lengths or is_by_clip(model) or is_prompted(model):
        return own
    needed = CostNeeded(lengths_s=tuple(dict.fromkeys(s for each in lengths for s in each)))
    cost = running_cost(model, needed, settings)
    return replace(own, tables=replace(own.tables, running_cost=cost))


def with_sound_quality(
    own: ModelData, corpus: Corpus, audits: Sequence[PlannedAudit], settings: Settings
) -> ModelData:
    """The data of a model with the audio quality of clips under the conditions of the audits that read it.

    Args:
        own: the data of the model
        corpus: the corpus that is audited
        audits: the audits to run
        settings: how to compute
    """
    reading = [each for each in audits if each.needs.sound_quality]
    needed = quality_needed(reading)
    if needed is None:
        return own
    under = [c for c in conditions_of(reading, settings.seed) if str(c) in own.tables.predictions]
    found = sound_quality(corpus, needed, under, settings)
    return replace(own, tables=replace(own.tables, sound_quality=found))


def with_measured_columns(corpus: Corpus, audits: Sequence[PlannedAudit], settings: Settings) -> Corpus:
    """The corpus with the columns computed from its audio and the text vectors that audits need.

    Audits that lack other columns, and so cannot run, are left out.

    Raises:
        ModelError: a package that computes a column is not installed
    """

    def scores_of(measure: columns.Measure, clips: Corpus) -> pd.DataFrame:
        named = replace(settings, progress=lambda _, n: settings.progress(measure.name, n))
        return predict(measure, clips, settings=named)[CLEAN].scores

    needed = measured_columns(corpus, audits)
    if any(planned.needs.frame_sums for planned in audits):
        _functionals_with_frames(corpus, needed, settings)
    optional = [column for column, may_be_empty in needed.items() if may_be_empty]
    measured = columns.measured(corpus, needed, scores_of, optional)
    vectors = [needed for planned in audits for needed in planned.needs.text_vectors]
    return text_encoder.read(measured, vectors, settings.root, settings.progress)


def _functionals_with_frames(corpus: Corpus, columns: Iterable[str], settings: Settings) -> None:
    """Measures functionals and acoustic features in one pass, if functionals are read and not stored."""
    measure = Functionals()
    if not set(columns) & set(measure.labels):
        return
    key = fingerprint(corpus)
    (missing,) = jobs(measure, corpus, [Condition()], settings, key)
    if missing.shards and importlib.util.find_spec("opensmile"):
        acoustics.measured(corpus, key, settings)


def fill_share(
    models: Sequence[Model | ClipModel],
    corpus: Corpus,
    audits: Sequence[PlannedAudit],
    conditions: Sequence[Condition],
    settings: Settings,
) -> None:
    """Computes and stores the share that `settings` name: predictions, layer means and measured columns.

    Sums over frames are left to whoever finds all shares stored: they run through the clips in order.

    Args:
        models: the audited model first, then those that it is compared with, in their number formats
        corpus: without columns measured in its audio
        audits: the audits to run
        conditions: all conditions that they read
        settings: with a share

    Raises:
        OtherSharesMissingError: shards of other workers are missing after that
        SertoolsError: see `inference.share.fill`
    """
    if settings.share is None:
        return
    work = _work(models, corpus, audits, conditions, settings)
    missing = fill(work, settings.share, settings)
    if missing:
        raise OtherSharesMissingError(settings.share, missing)


def _work(
    models: Sequence[Model | ClipModel],
    corpus: Corpus,
    audits: Sequence[PlannedAudit],
    conditions: Sequence[Condition],
    settings: Settings,
) -> Iterator[tuple[Model, Corpus, list[Job]]]:
    """Each model with its jobs, and each measure with its job, in an order that all workers have."""
    key = fingerprint(corpus)
    requested = request(corpus, [planned.needs for planned in audits])
    for i, model in enumerate(models):
        if is_by_clip(model):
            continue
        layers = requested.encoder_layers if model.task == "encoder" else requested.layers
        read = conditions if i == 0 else conditions[:1]  # compared models are read on clean audio only
        yield model, corpus, jobs(model, corpus, read, settings, key, layers)
    for measure in columns.measures(corpus, measured_columns(corpus, audits)):
        yield measure, corpus, jobs(measure, corpus, [Condition()], settings, key)
