"""Which clips are near each other in a layer's embeddings, and how far can a map of them be trusted?"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.auditing.findings import finding
from sertools.metrics import neighbours
from sertools.metrics.regression import BIAS
from sertools.randomness import identity_rng
from sertools.results.result import Finding
from sertools.statistics.bootstrap import bootstrap
from sertools.statistics.jackknife import Estimate, estimate
from sertools.tables.pairs import speaker_codes
from sertools.tables.tables import Tables

THIS = "this model"

CLASS_COLUMNS = ("corpus", "sex", "emotion")
"""Columns for which purity and silhouette are reported."""

MAX_NEIGHBOUR_CLIPS = 4000
"""Maximum number of clips for neighbour searches; the work grows with its square."""

MAX_DISTANCE_SUMS = 4_000_000
"""Maximum number of distance sums (clips × speakers × labels) in memory for the bootstrap of a silhouette."""


@dataclass(frozen=True, kw_only=True)
class Embedded:
    """The embeddings of one model.

    Attributes:
        model: name of the model
        vectors: embeddings, shape (n, d), finite
        clips: table of the n clips
    """

    model: str
    vectors: NDArray[np.floating]
    clips: pd.DataFrame

    @property
    def is_audited(self) -> bool:
        """These are the embeddings of the audited model, not of a comparison model."""
        return self.model == THIS

    def take(self, mask: NDArray[np.bool_]) -> "Embedded":
        """The embeddings of the clips where `mask` (n,) is true."""
        return replace(self, vectors=self.vectors[mask], clips=self.clips[mask])


def embedded_models(tables: Tables, rows: NDArray[np.integer], layer: int) -> list[Embedded]:
    """The embeddings of this model and the comparison models, for the clips that all of them processed."""
    found = []
    for model, each in {THIS: tables, **tables.others}.items():
        if each.layers is not None and -each.layers.n_layers <= layer < each.layers.n_layers:
            vectors = each.layers.layer(layer)[rows]
            found.append(Embedded(model=model, vectors=vectors, clips=tables.clips.iloc[rows]))
    return found


def sampled(of: Embedded, most: int, seed: int) -> Embedded:
    """A random sample of at most `most` clips, in their original order."""
    n = len(of.clips)
    if n <= most:
        return of
    chosen = identity_rng(seed, "embedded", str(most)).choice(n, most, replace=False)
    return of.take(np.isin(np.arange(n), chosen))


def minus_chance(score: Estimate, chance: float) -> Estimate:
    """A score and its interval, minus the score expected by chance."""
    return score.minus(chance)


def purities(of: Embedded, name: str, seed: int) -> dict[str, Estimate]:
    """Purity of the nearest neighbours for a label: minus chance, among other speakers, among all clips.

    If the corpus has no speaker labels, every other clip may be a neighbour.

    Args:
        of: embeddings
        name: column of the label; clips without a label are left out
        seed: of the random sample of clips where there are more than `MAX_NEIGHBOUR_CLIPS`
    """
    part = sampled(of.take(of.clips[name].notna().to_numpy()), MAX_NEIGHBOUR_CLIPS, seed)
    codes, _ = speaker_codes(part.clips)
    label = pd.factorize(part.clips[name], sort=True)[0]
    apart = {"purity": codes, "purity_naive": np.arange(len(codes))}
    found = {}
    for measure, unlike in apart.items():
        share = neighbours.purity(neighbours.nearest(part.vectors, unlike), label)
        known = np.isfinite(share)
        _, unit = np.unique(codes[known], return_inverse=True)
        # the bias of predictions against a truth of 0 is their mean
        found[measure] = estimate(
            BIAS, np.zeros(known.sum()), share[known], unit, int(unit.max(initial=-1)) + 1
        )
    above = minus_chance(found["purity"], neighbours.chance_of_purity(label, codes))
    return {"purity_above_chance": above, **found}


def silhouette(of: Embedded, name: str, resamples: int, seed: int) -> Estimate:
    """The silhouette of a label, with an interval by a bootstrap over speakers.

    Args:
        of: embeddings
        name: column of the label; clips without a label are left out
        resamples: bootstrap draws of speakers
        seed: of the sample of clips and of the bootstrap
    """
    part = of.take(of.clips[name].notna().to_numpy())
    speakers, kinds = int(speaker_codes(part.clips)[0].max()) + 1, part.clips[name].nunique()
    part = sampled(part, min(MAX_NEIGHBOUR_CLIPS, max(100, MAX_DISTANCE_SUMS // (speakers * kinds))), seed)
    _, unit = np.unique(speaker_codes(part.clips)[0], return_inverse=True)
    units = int(unit.max()) + 1
    label = pd.factorize(part.clips[name], sort=True)[0]
    value = neighbours.weighted_silhouette(part.vectors, label, unit, units)
    rng = identity_rng(seed, "silhouette", name)
    return bootstrap(value, np.eye(units), n=len(part.clips), draws=resamples, rng=rng)


def trust(of: Embedded, points: NDArray[np.floating], seed: int) -> tuple[int, float]:
    """The number of clips used, and the trustworthiness of a map in [0, 1] (Venna & Kaski 2001).

    1 means that the 10 nearest clips on the map are also the nearest in the layer. With fewer than 21 clips,
    fewer than 10 neighbours are used.

    Args:
        of: embeddings
        points: the map, shape (n, 2)
        seed: of the random sample of clips where there are more than `MAX_NEIGHBOUR_CLIPS`
    """
    from sklearn.manifold import trustworthiness

    width = of.vectors.shape[1]
    both = sampled(
        replace(of, vectors=np.column_stack([of.vectors, points])), MAX_NEIGHBOUR_CLIPS, seed
    ).vectors
    near = min(10, (len(both) - 1) // 2)
    return len(both), float(trustworthiness(both[:, :width], both[:, width:], n_neighbors=near))


def neighbour_findings(embedded: Embedded, resamples: int, seed: int) -> list[Finding]:
    """Purity among other speakers and among all clips, and silhouette, of each column with classes."""
    found = []
    for name in CLASS_COLUMNS:
        if name not in embedded.clips or embedded.clips[name].nunique() < 2:
            continue
        by_speaker = speaker_codes(embedded.clips)[1]
        measured = {
            **purities(embedded, name, seed),
            "silhouette": silhouette(embedded, name, resamples, seed),
        }
        found += [finding(m, value, target=name, by_speaker=by_speaker) for m, value in measured.items()]
    return found
