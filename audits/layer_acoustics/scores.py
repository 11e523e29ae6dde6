"""How much of the acoustic features do a model's layers encode, on unseen speakers?

Scores are computed from sums over frames (`sertools.tables.frame_sums`): for every layer, kind of features
and group of features, directions are fitted on all groups of speakers but one and scored on that one, each in
turn.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sertools.metrics import cca
from sertools.metrics.cca import RIDGE, Covariance
from sertools.statistics.jackknife import MIN_UNITS, Estimate, estimate
from sertools.statistics.statistic import Statistic, ratio, unit_sums
from sertools.tables.frame_sums import KINDS, FrameSums

from .fits import MEASURES, Fit, scored

MIN_FRAMES = 10
"""A group of speakers with fewer frames has no score."""

MEAN = Statistic(
    name="mean",
    sums=lambda t, p, unit, units: unit_sums(np.stack([np.ones(len(p)), p], axis=1), unit, units),
    value=lambda s: ratio(s[..., 1], s[..., 0]),
)
"""The mean over groups of speakers, with equal weights."""


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Scores of layers by kind of features (`KINDS`) and group of features; nan where undefined.

    Attributes:
        measures: names, m of them
        features: names of the f groups of features
        held_out: scores on each of g groups of speakers, fitted on the others, shape (m, l, kinds, f, g)
        in_sample: scores fitted and computed on all frames, as in the papers, shape (m, l, kinds, f)
        frames: number of frames of each layer, shape (l,)
        dimensions: number of dimensions of each layer, shape (l,)
        constant: indices of layers that are constant
    """

    measures: tuple[str, ...]
    features: tuple[str, ...]
    held_out: NDArray[np.float64]
    in_sample: NDArray[np.float64]
    frames: NDArray[np.float64]
    dimensions: NDArray[np.integer]
    constant: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class _Sums:
    """The sums over some cells of one layer, with y for every kind of features."""

    n: float
    x: NDArray[np.float64]
    xx: NDArray[np.float64]
    y: NDArray[np.float64]
    yy: NDArray[np.float64]
    xy: NDArray[np.float64]

    def minus(self, other: "_Sums") -> "_Sums":
        """The sums without the frames of `other`."""
        pairs = {name: getattr(self, name) - getattr(other, name) for name in self.__dataclass_fields__}
        return _Sums(**pairs)

    def covariances(self) -> list[Covariance]:
        """One covariance for each kind of features; all share xx."""
        first = cca.covariance(self.n, self.x, self.xx, self.y[0], self.yy[0], self.xy[0])
        rest = [
            cca.covariance(self.n, self.x, self.xx, y, yy, xy)
            for y, yy, xy in zip(self.y[1:], self.yy[1:], self.xy[1:], strict=True)
        ]
        return [first, *(Covariance(n=c.n, xx=first.xx, yy=c.yy, xy=c.xy) for c in rest)]


def _sums(of: FrameSums, layer: int, cells: NDArray[np.integer]) -> _Sums:
    """The sums over these cells; xx is read cell by cell, because all cells may not fit into memory."""
    xx = np.zeros(of.xx[layer].shape[1:])
    for cell in cells:
        xx += of.xx[layer][cell]
    return _Sums(
        n=float(of.n[layer, cells].sum()),
        x=of.x[layer][cells].sum(axis=0),
        xx=xx,
        y=of.y[layer][:, cells].sum(axis=1),
        yy=of.yy[layer][:, cells].sum(axis=1),
        xy=of.xy[layer][:, cells].sum(axis=1),
    )


def scores(
    of: FrameSums,
    features: Mapping[str, Sequence[int]],
    *,
    measures: Sequence[str] = MEASURES,
    cells: NDArray[np.bool_] | None = None,
    ridge: float = RIDGE,
) -> Scores:
    """What is the score of every layer with every group of features, in-sample and on unseen speakers?

    The score is nan for a group of speakers with fewer than `MIN_FRAMES` frames, and where all other groups
    together have too few frames (at most one more than the features have dimensions).

    Args:
        of: the sums over frames
        features: group of features → columns of y
        measures: names from `MEASURES`
        cells: which cells to use, booleans of shape (c,); all if None
        ridge: see `cca.fit`
    """
    chosen = np.ones(len(of.cells), dtype=bool) if cells is None else np.asarray(cells, dtype=bool)
    groups, group = np.unique(of.cells["group"].to_numpy(), return_inverse=True)
    shape = (len(measures), of.layers, len(KINDS), len(features))
    held_out, in_sample = np.full((*shape, len(groups)), np.nan), np.full(shape, np.nan)
    largest = max((len(columns) for columns in features.values()), default=0)
    constant = []
    for layer in range(of.layers):
        total = _sums(of, layer, np.flatnonzero(chosen))
        if total.n <= 1:
            continue
        everything = total.covariances()
        if not np.trace(everything[0].xx) > 0:
            constant.append(layer)
            continue
        # computed from x alone, so using all frames here leaks nothing about the features into the fit
        directions = cca.basis(everything[0].xx) if "svcca" in measures else None
        fits, places = [], []
        for i in range(-1, len(groups)):
            part = _sums(of, layer, np.flatnonzero(chosen & (group == i))) if i >= 0 else total
            rest = total.minus(part) if i >= 0 else total
            if rest.n > largest + 1 and (i < 0 or part.n >= MIN_FRAMES):
                fits.append(Fit.of(rest.covariances(), part.covariances(), directions, ridge))
                places.append(i)
        found = scored(fits, list(features.values()), measures, ridge)
        for i, values in zip(places, found, strict=True):
            (in_sample if i < 0 else held_out[..., i])[:, layer] = values
    return Scores(
        measures=tuple(measures),
        features=tuple(features),
        held_out=held_out,
        in_sample=in_sample,
        frames=of.n[:, chosen].sum(axis=1),
        dimensions=np.array([x.shape[1] for x in of.x]),
        constant=tuple(constant),
    )


def over_groups(values: NDArray[np.float64], *, n: int, speakers: int, level: float = 0.95) -> Estimate:
    """The mean over groups of speakers, with an interval by Student's t over groups; nan without a score.

    The directions for any two groups were fitted on mostly the same speakers, so the interval is for the
    scores of these fits, not of fits to other corpora.

    Args:
        values: one score for each group of speakers, shape (g,), nan for a group without a score
        n: number of clips
        speakers: number of speakers in the groups
        level: coverage of the interval
    """
    known = np.asarray(values, dtype=np.float64)
    known = known[~np.isnan(known)]
    if not len(known):
        return Estimate(value=np.nan, low=np.nan, high=np.nan, n=n, units=speakers, reason="no score")
    group = np.arange(len(known))
    noun = "speaker" if speakers < MIN_UNITS else "speaker group"
    found = estimate(MEAN, known, known, group, len(known), level=level, unit_noun=noun)
    return replace(found, n=n, units=speakers)


def between(of: FrameSums, *, ridge: float = RIDGE) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How similar is every layer to every other: mean CCA and linear CKA, each of shape (l, l)?

    Computed in-sample over all frames. nan where the sums of two layers are missing, or a layer is constant.

    Args:
        of: the sums over frames, with `between`
        ridge: see `cca.factor`
    """
    everything = np.arange(len(of.cells))
    totals = [_sums(of, layer, everything) for layer in range(of.layers)]
    own = [t.covariances()[0].xx if t.n > 1 else np.zeros_like(t.xx) for t in totals]
    uppers = [cca.factor(xx, ridge) for xx in own]
    similar, aligned = np.full((2, of.layers, of.layers), np.nan)
    for i in range(of.layers):
        for j in range(i, of.layers):
            products = totals[i].xx if i == j else of.between.get((i, j))
            if products is None or totals[i].n != totals[j].n:
                continue
            a, b = totals[i], totals[j]
            both = cca.covariance(a.n, a.x, a.xx, b.x, b.xx, products)
            similar[i, j] = similar[j, i] = cca.cca_of_large(both, uppers[i], uppers[j])
            aligned[i, j] = aligned[j, i] = cca.cka(both)
    return similar, aligned
