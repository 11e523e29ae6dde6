"""Computes the share of one of several workers, of all predictions that audits need."""

from collections.abc import Iterator, Sequence

from sertools.auditing.audit import PlannedAudit
from sertools.corpora.corpus import Corpus, fingerprint
from sertools.features import columns
from sertools.inference.jobs import Job, jobs
from sertools.inference.settings import Settings
from sertools.inference.share import OtherSharesMissingError, fill
from sertools.models.model import ClipModel, Model, is_by_clip
from sertools.pipeline.collect import request
from sertools.pipeline.needs import measured_columns
from sertools.tables.condition import Condition


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
