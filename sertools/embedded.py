"""How a layer arranges clips: who is near whom, and how far a map of it can be trusted."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from sertools.metrics import separation
from sertools.metrics.intervals import Estimate, estimate
from sertools.metrics.regress import BIAS
from sertools.metrics.resample import bootstrap
from sertools.seeds import identity_rng
from sertools.tables import speaker_codes

SOME = 4000
"""Clips among which neighbours are looked for, at most; the work grows with their square."""

CELLS = 4_000_000
"""Sums of distances (clips × speakers × kinds) that a silhouette's bootstrap holds in memory, at most."""


@dataclass(frozen=True, kw_only=True)
class Embedded:
    """The embeddings of one model.

    Attributes:
        model: whose they are
        vectors: shape (n, d), finite
        clips: the n clips
    """

    model: str
    vectors: np.ndarray
    clips: pd.DataFrame

    def take(self, mask: np.ndarray) -> "Embedded":
        """The same of the clips where `mask` (n,) is true."""
        return replace(self, vectors=self.vectors[mask], clips=self.clips[mask])


def drawn(of: Embedded, most: int, seed: int) -> Embedded:
    """At most so many of the clips, in their order."""
    n = len(of.clips)
    if n <= most:
        return of
    chosen = identity_rng(seed, "embedded", str(most)).choice(n, most, replace=False)
    return of.take(np.isin(np.arange(n), chosen))


def less(score: Estimate, chance: float) -> Estimate:
    """A score and its interval, less what chance gives."""
    return replace(score, value=score.value - chance, low=score.low - chance, high=score.high - chance)


def purities(of: Embedded, name: str, seed: int) -> dict[str, Estimate]:
    """Purity of the neighbours of clips with a label: less chance, among other speakers, among all clips.

    Where the corpus names no speakers, every other clip may be a neighbour.

    Args:
        of: embeddings
        name: column of the label; clips without it are left out
        seed: of the clips that are drawn where there are more than `SOME`
    """
    part = drawn(of.take(of.clips[name].notna().to_numpy()), SOME, seed)
    codes, _ = speaker_codes(part.clips)
    label = pd.factorize(part.clips[name], sort=True)[0]
    apart = {"purity": codes, "purity_naive": np.arange(len(codes))}
    found = {}
    for measure, unlike in apart.items():
        share = separation.purity(separation.nearest(part.vectors, unlike), label)
        known = np.isfinite(share)
        _, unit = np.unique(codes[known], return_inverse=True)
        # the bias of predictions against a truth of 0 is their mean
        found[measure] = estimate(
            BIAS, np.zeros(known.sum()), share[known], unit, int(unit.max(initial=-1)) + 1
        )
    above = less(found["purity"], separation.chance_of_purity(label, codes))
    return {"purity_above_chance": above, **found}


def silhouette(of: Embedded, name: str, resamples: int, seed: int) -> Estimate:
    """The silhouette of a label, with a bootstrap over speakers.

    Args:
        of: embeddings
        name: column of the label; clips without it are left out
        resamples: draws of speakers
        seed: of what is drawn
    """
    part = of.take(of.clips[name].notna().to_numpy())
    speakers, kinds = int(speaker_codes(part.clips)[0].max()) + 1, part.clips[name].nunique()
    part = drawn(part, min(SOME, max(100, CELLS // (speakers * kinds))), seed)
    _, unit = np.unique(speaker_codes(part.clips)[0], return_inverse=True)
    units = int(unit.max()) + 1
    label = pd.factorize(part.clips[name], sort=True)[0]
    value = separation.weighted_silhouette(part.vectors, label, unit, units)
    rng = identity_rng(seed, "silhouette", name)
    return bootstrap(value, np.eye(units), n=len(part.clips), draws=resamples, rng=rng)


def trust(of: Embedded, points: np.ndarray, seed: int) -> tuple[int, float]:
    """How many clips were asked, and the trustworthiness of a map in [0, 1] (Venna & Kaski 2001).

    1 where the 10 nearest on the map are the nearest in the layer; fewer than 10 where there are few clips.

    Args:
        of: embeddings
        points: the map, shape (n, 2)
        seed: of the clips that are drawn where there are more than `SOME`
    """
    from sklearn.manifold import trustworthiness

    width = of.vectors.shape[1]
    both = drawn(replace(of, vectors=np.column_stack([of.vectors, points])), SOME, seed).vectors
    near = min(10, (len(both) - 1) // 2)
    return len(both), float(trustworthiness(both[:, :width], both[:, width:], n_neighbors=near))
