"""What audits see of a model: its answers, its layers, and the sums over its frames."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sertools import store
from sertools.audit import Needs
from sertools.cells import union
from sertools.condition import Condition
from sertools.corpus import Corpus, fingerprint
from sertools.frame_moments import moments
from sertools.meet import tables
from sertools.model import ClipModel, Model
from sertools.moments import Moments, Wanted
from sertools.predicting import Settings, jobs, predict
from sertools.tables import Tables


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What audits see of one model: tables, and for each kind of cells the moments by level."""

    tables: Tables
    moments: Mapping[tuple[int, str], Mapping[str, Moments]]


def seen(
    model: Model | ClipModel,
    corpus: Corpus,
    needs: Sequence[Needs],
    under: Sequence[Condition],
    settings: Settings,
    sound: str,
) -> Seen:
    """Everything that audits read of a model; the frames first, whose pass brings clean scores with it."""
    summed: dict[tuple[int, str], Mapping[str, Moments]] = {}
    # a bare encoder answers with its layers or not at all
    layers = any(need.layers or (need.moments and model.task == "encoder") for need in needs)
    asked = [need.moments for need in needs if need.moments and set(need.columns) <= set(corpus.clips)]
    if not isinstance(model, ClipModel):
        sound, root = sound or fingerprint(corpus), settings.cache or store.default_root()
        store.check_writable(root)
        for cells, each in union(asked).items():
            (clean,) = jobs(model, corpus, [Condition()], settings=settings, sound=sound, layers=layers)
            summed[cells] = moments(
                model,
                corpus,
                each,
                sound=sound,
                root=root,
                progress=settings.progress,
                batch_size=settings.batch_size,
                workers=settings.workers,
                clean=clean,
            )
    # frames alone need no scores, but which clips are missing is known from these
    if any(need.conditions or need.layers for need in needs) or any(summed.values()):
        found = predict(model, corpus, conditions=under, settings=settings, sound=sound, layers=layers)
    else:
        found = {}
    return Seen(tables=tables(model, corpus, found, settings.label_map), moments=summed)


def with_moments(table: Tables, wanted: Wanted, own: Seen, beside: Mapping[str, Seen]) -> Tables:
    """The tables with the moments that one audit wants, its own kind of cells and its levels only."""

    def chosen(of: Seen) -> dict[str, Moments]:
        found = of.moments.get((wanted.groups, wanted.by), {})
        kept = {level: found[level] for level in wanted.levels if level in found}
        return kept if wanted.between_layers else {k: replace(v, between={}) for k, v in kept.items()}

    others = {role: replace(table.others[role], moments=chosen(of)) for role, of in beside.items()}
    return replace(table, moments=chosen(own), others=others)
