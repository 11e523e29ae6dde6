"""Computes the model data that audits read: predictions, layers, and sums over frames."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sertools import files
from sertools.auditing.contract import Needs
from sertools.corpora.corpus import Corpus, fingerprint
from sertools.inference.build_tables import tables
from sertools.inference.frames.cells import union
from sertools.inference.frames.compute import frame_sums
from sertools.inference.predict import Settings, jobs, predict
from sertools.models.model import ClipModel, Model
from sertools.store import store
from sertools.tables.condition import Condition
from sertools.tables.frame_sums import FrameSums, FrameSumsNeeded
from sertools.tables.tables import Tables


@dataclass(frozen=True, kw_only=True)
class Seen:
    """The data of one model that audits read: tables, and moments by level for each kind of cells."""

    tables: Tables
    frame_sums: Mapping[tuple[int, str], Mapping[str, FrameSums]]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The data that audits request of one model, apart from the conditions.

    Attributes:
        moments: the sums over frames, for each kind of cells
        layers: whether layer means of the clean audio are computed along with the scores
        scores: whether anything except sums over frames is read, so that a model without frames runs too
    """

    frame_sums: Mapping[tuple[int, str], FrameSumsNeeded]
    layers: bool
    scores: bool


def asked(model: Model | ClipModel, corpus: Corpus, needs: Sequence[Needs]) -> Asked:
    """The data that audits request of a model on a corpus; `seen` computes it, a forecast counts it."""
    sums = [need.frame_sums for need in needs if need.frame_sums and set(need.columns) <= set(corpus.clips)]
    return Asked(
        frame_sums={} if isinstance(model, ClipModel) else union(sums),
        # a bare encoder has no scores, so its output is the layers
        layers=any(need.layers or (need.frame_sums and model.task == "encoder") for need in needs),
        scores=any(need.conditions or need.layers for need in needs),
    )


def seen(
    model: Model | ClipModel,
    corpus: Corpus,
    needs: Sequence[Needs],
    under: Sequence[Condition],
    settings: Settings,
    corpus_fingerprint: str,
) -> Seen:
    """All data that audits read of a model; frames come first, because that pass also yields clean scores."""
    summed: dict[tuple[int, str], Mapping[str, FrameSums]] = {}
    read = asked(model, corpus, needs)
    if not isinstance(model, ClipModel):
        corpus_fingerprint, root = (
            corpus_fingerprint or fingerprint(corpus),
            settings.cache or store.default_root(),
        )
        files.check_writable(root)
        for cells, each in read.frame_sums.items():
            (clean,) = jobs(
                model,
                corpus,
                [Condition()],
                settings=settings,
                corpus_fingerprint=corpus_fingerprint,
                layers=read.layers,
            )
            summed[cells] = frame_sums(
                model,
                corpus,
                each,
                corpus_fingerprint=corpus_fingerprint,
                root=root,
                progress=settings.progress,
                batch_size=settings.batch_size,
                workers=settings.workers,
                clean=clean,
            )
    # frames alone need no scores, but the scores show which clips are missing
    if read.scores or any(summed.values()):
        found = predict(
            model,
            corpus,
            conditions=under,
            settings=settings,
            corpus_fingerprint=corpus_fingerprint,
            layers=read.layers,
        )
    else:
        found = {}
    return Seen(tables=tables(model, corpus, found, settings.label_map), frame_sums=summed)


def with_frame_sums(table: Tables, wanted: FrameSumsNeeded, own: Seen, beside: Mapping[str, Seen]) -> Tables:
    """The tables with the moments that one audit needs: only its kind of cells and its levels."""

    def chosen(of: Seen) -> dict[str, FrameSums]:
        found = of.frame_sums.get((wanted.groups, wanted.by), {})
        kept = {level: found[level] for level in wanted.levels if level in found}
        return kept if wanted.between_layers else {k: replace(v, between={}) for k, v in kept.items()}

    others = {role: replace(table.others[role], frame_sums=chosen(of)) for role, of in beside.items()}
    return replace(table, frame_sums=chosen(own), others=others)
