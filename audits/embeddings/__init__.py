"""Do the model's embeddings cluster by emotion, or by speaker, sex or corpus?

A clip's embedding is the mean over time of one layer, the last one by default, or, with `of = "head"`, what
the last layer of the model's trained head reads (Ma et al. 2024, figure 3 and appendix D). t-SNE
(scikit-learn, perplexity 30, initialised with principal components) and UMAP (15 neighbours, minimum distance
.1) map the embeddings of all clips to two dimensions; the same points are coloured by corpus, sex, speaker,
emotion and each dimension (Wagner et al. 2023, figure 8; Ma et al. 2024, figure 3). Comparison models get the
same maps.

A map shows which clips are nearest neighbours. It does not show how far apart groups are, or how large or
dense they are; and classes that overlap on the map may still be separable in the layer. Another seed gives
another map. The audit therefore also reports these numbers; all but the last are computed from the embeddings
themselves, not from the map:

- how well a linear probe (ridge regression) predicts corpus, sex, emotion and dimensions in clips of speakers
  that it was not trained on, compared with chance (see the audit `probe_layers`);
- purity: the share of a clip's 10 nearest neighbours, among clips of other speakers, that have its label,
  compared with the share that random neighbours would have; and the naive purity among all clips, which is
  high wherever a speaker's clips with the same label are close together;
- silhouette (Rousseeuw 1987), from −1 to 1; 0 where classes overlap completely;
- trustworthiness of the map (Venna & Kaski 2001), from 0 to 1: whether neighbours on the map are neighbours
  in the layer.

The limits are ours, and modest: the probe's score is more than .05 above chance, and purity for emotion is
more than .05 above chance. Distances are Euclidean. Intervals are 95 %: leave-one-speaker-out jackknife with
Student's t for probes and purity, a bootstrap over speakers for the silhouette.
"""

from dataclasses import replace

import numpy as np

from sertools.auditing.contract import Needs, Outcome
from sertools.auditing.findings import skipped
from sertools.auditing.tables import Row
from sertools.errors import AuditError, nearest
from sertools.labels import DIMENSIONS
from sertools.probing.targets import LABELS, clips_with_layers
from sertools.results.keys import Asks
from sertools.results.result import Figure, Limit
from sertools.tables.layers import Layers
from sertools.tables.tables import Tables

from . import presentation, projections
from .neighbours import embedded_models, neighbour_findings
from .probes import Predictions, gain_findings, linear_predictions, probe_findings, probed_targets

ASKS = Asks(question="What do its layers encode?", rank=70)

EXPLANATIONS = {
    "above_chance": (
        "Score of a linear probe on speakers that it was not trained on, minus chance: one over the number "
        "of classes, or 0 for a CCC."
    ),
    "probe_uar": (
        "UAR with which a probe predicts an emotion or another class from the layer, on speakers that it was "
        "not trained on; from 0 to 1."
    ),
    "probe_ccc": "The same for a rating: CCC of the probe's predictions, from −1 to 1.",
    "probe_accuracy": "The same for speakers: share of held-out clips whose speaker the probe names.",
    "purity": (
        "Share of a clip's 10 nearest neighbours, among clips of other speakers, that have its label; from 0 "
        "to 1."
    ),
    "purity_above_chance": "Purity minus the share that random neighbours of other speakers would have.",
    "purity_naive": (
        "The same share among all clips: high wherever clips of one speaker with the same label are close "
        "together."
    ),
    "silhouette": (
        "(b − a) / max(a, b), where a is the mean distance of a clip to those with its label and b that to "
        "the nearest other label (Rousseeuw 1987); from −1 to 1, 0 where labels overlap completely."
    ),
    "trustworthiness": (
        "Whether neighbours on the map are neighbours in the layer (Venna & Kaski 2001), from 0 to 1."
    ),
    "probe_uar_gain": "UAR of this model's probe minus that of the other model's, paired by speaker.",
    "probe_ccc_gain": "CCC of this model's probe minus that of the other model's, paired by speaker.",
    "probe_accuracy_gain": "Accuracy of this model's probe minus that of the other's, paired by speaker.",
}

OF = ("layer", "head")
"""What can be mapped."""

SOURCE = "ours: the layer encodes the label better than chance"
LIMITS = [
    *(Limit(name="above_chance", target=name, above=0.05, source=SOURCE) for name in LABELS),
    Limit(name="purity_above_chance", target="emotion", above=0.05, source=SOURCE),
]

PROBED = ("corpus", "sex", "emotion", *DIMENSIONS)
"""Columns that probes predict."""


def needs(*, of: str, layer: int, maps: tuple[str, ...], resamples: int) -> Needs:
    """The inputs of the audit."""
    return Needs(labels="none", layers=True, head=of == "head")


def audit(
    tables: Tables,
    *,
    rng: np.random.Generator,
    of: str = "layer",
    layer: int = -1,
    maps: tuple[str, ...] = tuple(projections.MAPS),
    resamples: int = 2000,
) -> Outcome:
    """Map a layer's embeddings, and measure the structure that the maps suggest.

    Args:
        tables: clips and layer means, also those of comparison models
        rng: for maps, draws of clips and of speakers
        of: what is mapped: layer, or head for what the last layer of the model's head reads
        layer: index of the layer, from 0; −1 is the last one, −2 the one before it
        maps: t-SNE, UMAP
        resamples: bootstrap draws of speakers for the interval of a silhouette
    """
    tables = _read_of(tables, of)
    _check_options(tables, layer, maps)
    rows = clips_with_layers(tables)
    differing = [name for name in PROBED if name in tables.clips and tables.clips[name].nunique() > 1]
    if not differing or not len(rows):
        reason = "no emotion, dimension, sex or corpus differs between clips"
        return Outcome(answer=f"Not measured: {reason}.", findings=[skipped("above_chance", tables, reason)])
    seed = int(rng.integers(2**31))
    targets, findings = probed_targets(tables, differing, rows)
    table_rows: list[Row] = []
    figures: list[Figure] = []
    own_predictions: Predictions = {}
    for each in embedded_models(tables, rows, layer):
        predictions = linear_predictions(each, targets, rows)
        charts, trusted = projections.coloured_maps(each, maps, layer, seed)
        found = probe_findings(targets, predictions, tables)
        found += [*neighbour_findings(each, resamples, seed), *trusted]
        figures += charts
        table_rows += presentation.number_rows(each.model, found)
        if each.is_audited:
            own_predictions = predictions
            findings += found
        else:
            findings += gain_findings(targets, own_predictions, predictions, each.model, tables)
    return Outcome(
        answer=presentation.answer(findings),
        findings=findings,
        tables=[presentation.numbers_table(table_rows)],
        figures=[*presentation.purity_figure(findings), *figures],
        notes=presentation.notes(tables, rows, targets, maps),
    )


def plant(tables: Tables, rng: np.random.Generator) -> Tables:
    """Give every clip the layers of another: the maps look the same, but their colours mean nothing."""
    assert tables.layers is not None
    order = rng.permutation(len(tables.clips))
    means = np.stack([tables.layers.layer(i)[order] for i in range(tables.layers.n_layers)], axis=1)
    return replace(tables, layers=Layers(shards=(means,)))


def _read_of(tables: Tables, of: str) -> Tables:
    """The tables with what is mapped as their layers; comparison models without a head are left out.

    Raises:
        AuditError: there is no such thing, or the model has no head that can be read
    """
    if of not in OF:
        raise AuditError(f"of is {of!r}", hint=f"one of {', '.join(OF)}")
    if of == "layer":
        return tables
    if tables.head is None:
        raise AuditError(
            "the model has no trained head whose hidden layer can be read", hint="use of = layer"
        )
    others = {role: replace(each, layers=each.head) for role, each in tables.others.items() if each.head}
    return replace(tables, layers=tables.head, others=others)


def _check_options(tables: Tables, layer: int, maps: tuple[str, ...]) -> None:
    """Raises AuditError for a map or a layer that does not exist."""
    for name in maps:
        if name not in projections.MAPS:
            raise AuditError(f"unknown map {name!r}", hint=nearest(name, list(projections.MAPS)))
    assert tables.layers is not None
    if not -tables.layers.n_layers <= layer < tables.layers.n_layers:
        raise AuditError(
            f"the model has no layer {layer}", hint=f"it has {tables.layers.n_layers}, counted from 0"
        )
