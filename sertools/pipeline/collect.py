"""Collects the data that audits read: predictions, layers, sums over frames, and measured columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from sertools import files
from sertools.auditing.audit import PlannedAudit
from sertools.auditing.contract import Needs
from sertools.corpora.corpus import Corpus, fingerprint
from sertools.features import columns, text_encoder
from sertools.inference.build_tables import tables
from sertools.inference.frames.cells import union
from sertools.inference.frames.compute import frame_sums
from sertools.inference.predict import Settings, jobs, predict, predict_conditions
from sertools.models.model import ClipModel, Model
from sertools.pipeline.needs import measured_columns
from sertools.tables.condition import CLEAN, Condition
from sertools.tables.frame_sums import FrameSums, FrameSumsNeeded
from sertools.tables.tables import Tables


@dataclass(frozen=True, kw_only=True)
class ModelData:
    """The data of one model that audits read: tables, and sums over frames by kind of cells and level."""

    tables: Tables
    frame_sums: Mapping[tuple[int, str], Mapping[str, FrameSums]]


@dataclass(frozen=True, kw_only=True)
class Request:
    """The data that audits request of one model, apart from the conditions.

    Attributes:
        frame_sums: the sums over frames, for each kind of cells
        layers: whether layer means of the clean audio are computed along with the scores
        scores: whether anything except sums over frames is read, so that a model without frames runs too
    """

    frame_sums: Mapping[tuple[int, str], FrameSumsNeeded]
    layers: bool
    scores: bool


def request(model: Model | ClipModel, corpus: Corpus, needs: Sequence[Needs]) -> Request:
    """The data that audits request of a model on a corpus; `collect` computes it, a forecast counts it."""
    sums = [need.frame_sums for need in needs if need.frame_sums and set(need.columns) <= set(corpus.clips)]
    return Request(
        frame_sums={} if isinstance(model, ClipModel) else union(sums),
        # a bare encoder has no scores, so its output is the layers
        layers=any(need.layers or (need.frame_sums and model.task == "encoder") for need in needs),
        scores=any(need.conditions or need.layers for need in needs),
    )


def collect(
    model: Model | ClipModel,
    corpus: Corpus,
    needs: Sequence[Needs],
    conditions: Sequence[Condition],
    settings: Settings,
    corpus_fingerprint: str,
) -> ModelData:
    """All data that audits read of a model; frames come first, because that pass also yields clean scores.

    Args:
        model: any model, in the number format in which it runs
        corpus: the corpus that is audited
        needs: what each audit reads
        conditions: all conditions that audits read; none if they read no model
        settings: how to compute
        corpus_fingerprint: the corpus' fingerprint; empty if it is not known
    """
    requested = request(model, corpus, needs)
    sums: dict[tuple[int, str], Mapping[str, FrameSums]] = {}
    if not isinstance(model, ClipModel):
        corpus_fingerprint = corpus_fingerprint or fingerprint(corpus)
        for cells, wanted in requested.frame_sums.items():
            files.check_writable(settings.root)
            (clean,) = jobs(
                model,
                corpus,
                [Condition()],
                settings=settings,
                corpus_fingerprint=corpus_fingerprint,
                layers=requested.layers,
            )
            sums[cells] = frame_sums(
                model, corpus, wanted, corpus_fingerprint=corpus_fingerprint, settings=settings, clean=clean
            )
    predicted = {}
    # frames alone need no scores, but the scores show which clips are missing
    if requested.scores or any(sums.values()):
        predicted = predict_conditions(
            model, corpus, conditions, settings, corpus_fingerprint, requested.layers
        )
    return ModelData(tables=tables(model, corpus, predicted, settings.label_map), frame_sums=sums)


def tables_of(planned: PlannedAudit, own: ModelData, comparison: Mapping[str, ModelData]) -> Tables:
    """The tables that one audit reads: of the model and of the models that it is compared with.

    Sums over frames are only those of the audit's kind of cells and levels.

    Args:
        planned: the audit
        own: the data of the audited model
        comparison: role → data of a comparison model
    """

    def chosen(data: ModelData) -> Tables:
        needed = planned.needs.frame_sums
        if needed is None:
            return data.tables
        found = data.frame_sums.get((needed.groups, needed.by), {})
        sums = {level: found[level] for level in needed.levels if level in found}
        if not needed.between_layers:
            sums = {level: replace(each, between={}) for level, each in sums.items()}
        return replace(data.tables, frame_sums=sums)

    return replace(chosen(own), others={role: chosen(data) for role, data in comparison.items()})


def with_measured_columns(corpus: Corpus, audits: Sequence[PlannedAudit], settings: Settings) -> Corpus:
    """The corpus with the columns computed from its audio and the text vectors that audits need.

    Audits that lack other columns, and so cannot run, are left out.

    Raises:
        ModelError: a package that computes a column is not installed
    """

    def scores_of(measure: columns.Measure, clips: Corpus) -> pd.DataFrame:
        named = replace(settings, progress=lambda _, n: settings.progress(measure.name, n))
        return predict(measure, clips, settings=named)[CLEAN].scores

    measured = columns.measured(corpus, measured_columns(corpus, audits), scores_of)
    vectors = [needed for planned in audits for needed in planned.needs.text_vectors]
    return text_encoder.read(measured, vectors, settings.root, settings.progress)
