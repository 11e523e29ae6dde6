"""A score for every layer of a model, with its floors: scores that it must exceed to be meaningful."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sertools.statistics.jackknife import Estimate
from sertools.tables.columns import AGAINST, RANDOM_TWIN
from sertools.tables.frame_sums import KINDS, OTHER, OWN, ROLLED

from .scores import Scores, over_groups

OWN_FLOORS = (OTHER, ROLLED)
"""Floors that are computed from the model's own frames; the random twin is the third floor."""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One score of l layers on g groups of unseen speakers; nan where undefined.

    Attributes:
        own: scores of the model, shape (l, g)
        floors: name of floor → its scores, shape (l, g)
        in_sample: scores fitted and computed on all frames, shape (l,)
        floors_in_sample: name of floor → its in-sample scores, shape (l,)
        against: scores of the comparison model, shape (l′, g); None if there is none
        n: number of clips
        speakers: number of speakers in the groups
    """

    own: NDArray[np.float64]
    floors: Mapping[str, NDArray[np.float64]]
    in_sample: NDArray[np.float64]
    floors_in_sample: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    against: NDArray[np.float64] | None = None
    n: int
    speakers: int

    def minus(self, other: "Curve") -> "Curve":
        """This curve minus another one, including the floors."""
        both = self.against is not None and other.against is not None
        return Curve(
            own=self.own - other.own,
            floors={name: floor - other.floors[name] for name, floor in self.floors.items()},
            in_sample=self.in_sample - other.in_sample,
            floors_in_sample={
                name: floor - other.floors_in_sample[name] for name, floor in self.floors_in_sample.items()
            },
            against=self.against - other.against if both else None,  # type: ignore[operator] # not None
            n=self.n,
            speakers=self.speakers,
        )

    def mean(self, values: NDArray[np.float64], level: float = 0.95) -> Estimate:
        """The mean over groups of speakers of one layer's values, shape (g,)."""
        return over_groups(values, n=self.n, speakers=self.speakers, level=level)

    def above(self, layer: int, level: float = 0.95) -> Estimate:
        """How far is a layer above the highest of its floors, paired by group of speakers?

        Value: the smallest of the mean differences to the floors. Interval: from the lowest lower end to the
        lowest upper end of the intervals of these differences, so that it is above a limit only if each of
        them is (intersection-union; Berger 1982). Undefined where a floor is undefined.
        """
        each = [self.mean(self.own[layer] - floor[layer], level) for floor in self.floors.values()]
        undefined = [one for one in each if np.isnan(one.value)]
        if undefined:
            return undefined[0]
        inner = [one.inner for one in each]
        return Estimate(
            value=min(one.value for one in each),
            low=min(one.low for one in each),
            high=min(one.high for one in each),
            n=self.n,
            units=self.speakers,
            reason=next((one.reason for one in each if one.reason), ""),
            inner=None if None in inner else tuple(np.array(inner).min(axis=0).tolist()),
        )

    def best(self) -> int:
        """The layer that is furthest above its floors, the first in case of ties; −1 if none is defined."""
        found = np.array([self.above(layer).value for layer in range(len(self.own))])
        # values that differ only by rounding errors count as ties
        return -1 if np.isnan(found).all() else int(np.nanargmax(np.round(found, 12)))

    def difference(self, layer: int) -> Estimate:
        """How much higher is a layer than the same layer of the comparison model, paired by group?"""
        assert self.against is not None
        return self.mean(self.own[layer] - self.against[layer])

    def shared(self) -> range:
        """Indices of the layers that the comparison model has too."""
        return range(min(len(self.own), 0 if self.against is None else len(self.against)))


def curve(scores: Mapping[str, Scores], measure: int, features: int, *, n: int, speakers: int) -> Curve:
    """The curve of one measure and one group of features.

    Args:
        scores: role → scores: `own`, and those of comparison models
        measure: index of the measure
        features: index of the group of features
        n: number of clips
        speakers: number of speakers in the groups
    """
    own = scores[OWN]

    def held_out(of: Scores, kind: str) -> NDArray[np.float64]:
        found: NDArray[np.float64] = of.held_out[measure, :, KINDS.index(kind), features]
        return found

    def in_sample(of: Scores, kind: str) -> NDArray[np.float64]:
        found: NDArray[np.float64] = of.in_sample[measure, :, KINDS.index(kind), features]
        return found

    floors = {kind: held_out(own, kind) for kind in OWN_FLOORS}
    floors_in_sample = {kind: in_sample(own, kind) for kind in OWN_FLOORS}
    if RANDOM_TWIN in scores:
        floors[RANDOM_TWIN] = held_out(scores[RANDOM_TWIN], OWN)
        floors_in_sample[RANDOM_TWIN] = in_sample(scores[RANDOM_TWIN], OWN)
    return Curve(
        own=held_out(own, OWN),
        floors=floors,
        in_sample=in_sample(own, OWN),
        floors_in_sample=floors_in_sample,
        against=held_out(scores[AGAINST], OWN) if AGAINST in scores else None,
        n=n,
        speakers=speakers,
    )
