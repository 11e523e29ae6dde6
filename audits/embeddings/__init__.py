"""What do the model's embeddings group together: emotions, or speakers, sexes and corpora?

A clip's embedding is the mean over time of one layer, the last one by default. t-SNE (scikit-learn,
perplexity 30, initialised with principal components) and UMAP (15 neighbours, minimum distance .1) map the
embeddings of all clips to two dimensions; the same points are coloured by corpus, sex, speaker, emotion and
each dimension (Wagner et al. 2023, figure 8; Ma et al. 2024, figure 3). Comparison models get the same maps.

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

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from sertools.auditing.contract import Needs, Outcome
from sertools.auditing.findings import finding, skipped
from sertools.errors import AuditError, nearest
from sertools.labels import DIMENSIONS
from sertools.probing import probes
from sertools.probing.layers import sharing_folds
from sertools.probing.targets import LABELS, MAX_CLIPS, Target, clips_with_layers, target
from sertools.results.result import Figure, Finding, Limit, Series, Table
from sertools.statistics.jackknife import contrast
from sertools.tables.layers import Layers
from sertools.tables.pairs import speaker_codes
from sertools.tables.tables import Tables

from . import maps as drawing
from .neighbours import SOME, Embedded, less, purities, silhouette, trust

NEEDS = Needs(labels="none", layers=True)

SOURCE = "ours: the layer encodes the label better than chance"
LIMITS = [
    *(Limit(name="above_chance", target=name, above=0.05, source=SOURCE) for name in LABELS),
    Limit(name="purity_above_chance", target="emotion", above=0.05, source=SOURCE),
]

COLOURS = ("corpus", "sex", "speaker", "emotion", *DIMENSIONS)
"""Columns by which a map is coloured, where the corpus has them."""

ASKED = ("corpus", "sex", "emotion", *DIMENSIONS)
"""Columns that probes predict."""

KINDS = ("corpus", "sex", "emotion")
"""Columns for which purity and silhouette are reported."""

THIS = "this model"

READING = (
    "A map shows which clips are near each other. It does not show how far apart groups are, how large or "
    "dense they are, or which classes are not separable: for that, read the numbers, which are computed from "
    "the layer itself."
)


def audit(
    tables: Tables,
    *,
    rng: np.random.Generator,
    layer: int = -1,
    maps: tuple[str, ...] = tuple(drawing.MAPS),
    resamples: int = 2000,
) -> Outcome:
    """Map a layer's embeddings, and measure what the maps can only suggest.

    Args:
        tables: clips and layer means, also those of comparison models
        rng: for maps, draws of clips and of speakers
        layer: index of the layer, from 0; −1 is the last one, −2 the one before it
        maps: t-SNE, UMAP
        resamples: bootstrap draws of speakers for the interval of a silhouette
    """
    for name in maps:
        if name not in drawing.MAPS:
            raise AuditError(f"unknown map {name!r}", hint=nearest(name, list(drawing.MAPS)))
    assert tables.layers is not None
    if not -tables.layers.n_layers <= layer < tables.layers.n_layers:
        raise AuditError(
            f"the model has no layer {layer}", hint=f"it has {tables.layers.n_layers}, counted from 0"
        )
    rows = clips_with_layers(tables)
    every = [name for name in ASKED if name in tables.clips and tables.clips[name].nunique() > 1]
    if not every or not len(rows):
        reason = "no emotion, dimension, sex or corpus differs between clips"
        return Outcome(answer=f"Not measured: {reason}.", findings=[skipped("above_chance", tables, reason)])
    seed = int(rng.integers(2**31))
    models = _embedded(tables, rows, layer)
    findings: list[Finding] = []
    targets: list[Target] = []
    for name in every:
        try:
            targets.append(target(tables, name, rows))
        except AuditError as error:
            findings.append(skipped("above_chance", tables, error.message, target=name))
    said = {each.model: _probed(each, targets, rows) for each in models}
    lines: list[list[str | int | float | bool | None]] = []
    figures: list[Figure] = []
    for each in models:
        own = [f for of in targets for f in _read(of, said[each.model][of.name], tables)]
        charts, trusted = _drawn(each, maps, layer, seed)
        figures += charts
        own += [*_beside(each, resamples, seed), *trusted]
        lines += [[each.model, f.target, f.name, f.value, f.low, f.high, f.n] for f in own]
        if each.model == THIS:
            findings += own
        else:
            answers = said[each.model]
            findings += [
                _gain(of, said[THIS][of.name], answers[of.name], each.model, tables) for of in targets
            ]
    numbers = Table(
        name="numbers",
        title="What the embeddings separate",
        columns=["model", "target", "measure", "value", "low", "high", "clips"],
        rows=lines,
        note="computed from the embeddings; trustworthiness is computed from the maps",
    )
    return Outcome(
        answer=_answer(findings),
        findings=findings,
        tables=[numbers],
        figures=[*_purities(findings), *figures],
        notes=_notes(tables, rows, targets, maps),
    )


def plant(tables: Tables, rng: np.random.Generator) -> Tables:
    """Give every clip the layers of another: the maps look the same, but their colours mean nothing."""
    assert tables.layers is not None
    order = rng.permutation(len(tables.clips))
    means = np.stack([tables.layers.layer(i)[order] for i in range(tables.layers.n_layers)], axis=1)
    return replace(tables, layers=Layers(shards=(means,)))


def _embedded(tables: Tables, rows: np.ndarray, layer: int) -> list[Embedded]:
    """The embeddings of this model and the comparison models, for the clips that all of them processed."""
    found = []
    for model, of in {THIS: tables, **tables.others}.items():
        if of.layers is not None and -of.layers.n_layers <= layer < of.layers.n_layers:
            vectors = of.layers.layer(layer)[rows]
            found.append(Embedded(model=model, vectors=vectors, clips=tables.clips.iloc[rows]))
    return found


def _probed(of: Embedded, targets: Sequence[Target], rows: np.ndarray) -> dict[str, np.ndarray]:
    """Predictions of linear probes for each target's clips: target → predictions."""
    place = pd.Series(np.arange(len(rows)), index=rows)
    said = {}
    for together in sharing_folds(targets):
        first = together[0]
        truth = first.truth if first.classes else np.column_stack([each.truth for each in together])
        vectors = of.vectors[place[first.rows].to_numpy()]
        answers = probes.linear(vectors, truth, first.group, first.fold, len(first.classes))
        for each, answer in zip(together, answers, strict=True):
            said[each.name] = answer.prediction
    return said


def _read(of: Target, prediction: np.ndarray, tables: Tables) -> list[Finding]:
    """The score of a probe, and its difference to chance."""
    score = of.score(prediction, tables.clips.index)
    above = less(score, of.chance)
    return [
        finding("above_chance", above, target=of.name, by_speaker=of.by_speaker),
        finding(f"probe_{of.metric}", score, target=of.name, by_speaker=of.by_speaker),
    ]


def _gain(of: Target, prediction: np.ndarray, other: np.ndarray, model: str, tables: Tables) -> Finding:
    """How much better a probe of this model is than a probe of another model, paired by speaker."""
    a, b = (of.pairs(p, tables.clips.index) for p in (other, prediction))
    difference = contrast(of.statistic, a.truth, a.prediction, b.prediction, a.unit)
    return finding(
        f"probe_{of.metric}_gain",
        difference,
        target=of.name,
        slice=f"minus {model}",
        by_speaker=of.by_speaker,
    )


def _beside(of: Embedded, resamples: int, seed: int) -> list[Finding]:
    """Purity among other speakers and among all clips, and silhouette, of each column with classes."""
    found = []
    for name in (k for k in KINDS if k in of.clips and of.clips[k].nunique() > 1):
        by_speaker = speaker_codes(of.clips)[1]
        measured = {**purities(of, name, seed), "silhouette": silhouette(of, name, resamples, seed)}
        found += [finding(m, value, target=name, by_speaker=by_speaker) for m, value in measured.items()]
    return found


def _drawn(of: Embedded, maps: Sequence[str], layer: int, seed: int) -> tuple[list[Figure], list[Finding]]:
    """The maps coloured by every column, and the trustworthiness of each map."""
    figures: list[Figure] = []
    findings = []
    where = "last layer" if layer == -1 else f"layer {layer}"
    whose = "" if of.model == THIS else f"{of.model}, "
    columns = [c for c in COLOURS if c in of.clips and of.clips[c].nunique() > 1]
    for name in maps:
        if len(of.clips) < drawing.FEWEST or drawing.lacking(name):
            continue
        points = drawing.MAPS[name](of.vectors, seed)
        figures += [
            drawing.coloured(
                points,
                of.clips[column],
                name=f"{name}_{column}_{of.model}".replace(" ", "_").lower(),
                title=f"{name}, {whose}{where}",
                of=column,
            )
            for column in columns
        ]
        n, value = trust(of, points, seed)
        reason = "computed from one map, so it has no interval"
        findings.append(Finding(name="trustworthiness", target=name, value=value, n=n, reason=reason))
    return figures, findings


def _purities(findings: Sequence[Finding]) -> list[Figure]:
    """Purity, naive purity and chance, for this model."""
    own = {(f.name, f.target): f for f in findings if f.slice == "all" and f.value is not None}
    names = [t for n, t in own if n == "purity" and ("purity_above_chance", t) in own]
    if not names:
        return []
    series = []
    for measure, told in (("purity", "among other speakers"), ("purity_naive", "among all clips")):
        some = [own[measure, name] for name in names]
        series.append(
            Series(
                name=told,
                x=list(names),
                y=[f.value for f in some],
                low=[f.low for f in some],
                high=[f.high for f in some],
            )
        )
    blind = [(own["purity", t].value or 0) - (own["purity_above_chance", t].value or 0) for t in names]
    series.append(Series(name="random neighbours", x=list(names), y=list(blind)))
    return [
        Figure(
            name="purity",
            kind="interval",
            title="Nearest neighbours with the same label",
            alt="Share of a clip's 10 nearest neighbours that have its label, among clips of other speakers "
            "and among all clips, with 95 % intervals, and the share for random neighbours.",
            x_label="share of neighbours",
            series=series,
        )
    ]


def _answer(findings: Sequence[Finding]) -> str:
    own = [f for f in findings if f.slice == "all" and f.value is not None]
    probed = [f for f in own if f.name.startswith("probe_")]
    pure = {f.target: f for f in own if f.name == "purity"}
    told = []
    for f in probed:
        above = next(g.value for g in own if (g.name, g.target) == ("above_chance", f.target))
        chance = (f.value or 0) - (above or 0)
        also = f", purity {pure[f.target].value:.2f}" if f.target in pure else ""
        told.append(f"{f.target} {f.name[6:].upper()} {f.value:.2f} (chance {chance:.2f}){also}")
    if not told:
        reasons = dict.fromkeys(f.reason for f in findings if f.name == "above_chance")
        return f"No probe could be trained: {'; '.join(reasons)}."
    return f"Scores of linear probes on unseen speakers: {'; '.join(told)}."


def _notes(tables: Tables, rows: np.ndarray, targets: Sequence[Target], maps: Sequence[str]) -> list[str]:
    notes = [note for of in targets for note in of.notes]
    if maps:
        notes.insert(0, READING)
    without = len(tables.clips) - len(rows)
    if len(rows) == MAX_CLIPS and without:
        notes.append(f"{MAX_CLIPS} of {len(tables.clips)} clips were drawn at random.")
    elif without:
        notes.append(f"{without} clips have no layers and are left out.")
    if len(rows) > SOME:
        notes.append(f"Neighbours and trustworthiness are those of a random sample of {SOME} clips.")
    if len(rows) < drawing.FEWEST and maps:
        notes.append(f"{len(rows)} clips are too few for a map.")
    absent = {name: drawing.lacking(name) for name in maps if drawing.lacking(name)}
    return [*notes, *(f"There is no {name} map: {what} is not installed." for name, what in absent.items())]
