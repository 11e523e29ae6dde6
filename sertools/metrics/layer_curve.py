"""A score over the layers of a model, with the floors that it must lie above to mean anything."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from sertools.metrics.intervals import Estimate
from sertools.metrics.layer_cca import Scores, over_groups
from sertools.moments import KINDS, OTHER, OWN, ROLLED
from sertools.tables import AGAINST, RANDOM_TWIN

OF_THE_MODEL = (OTHER, ROLLED)
"""Floors that the model's own frames give; the random twin is the third."""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One score of l layers on g groups of speakers that the fit has not seen; nan where undefined.

    Attributes:
        own: shape (l, g)
        floors: name of floor → the same, shape (l, g)
        in_sample: fitted and scored on all frames, shape (l,)
        floors_in_sample: name of floor → the same, shape (l,)
        against: of the model that is compared with, shape (l′, g); None for none
        n: clips
        speakers: speakers in the groups
    """

    own: np.ndarray
    floors: Mapping[str, np.ndarray]
    in_sample: np.ndarray
    floors_in_sample: Mapping[str, np.ndarray] = field(default_factory=dict)
    against: np.ndarray | None = None
    n: int
    speakers: int

    def minus(self, other: "Curve") -> "Curve":
        """How much higher is this score than another one, floors and all?"""
        both = self.against is not None and other.against is not None
        return Curve(
            own=self.own - other.own,
            floors={name: floor - other.floors[name] for name, floor in self.floors.items()},
            in_sample=self.in_sample - other.in_sample,
            floors_in_sample={
                name: floor - other.floors_in_sample[name] for name, floor in self.floors_in_sample.items()
            },
            against=self.against - other.against if both else None,  # type: ignore[operator] # asked for
            n=self.n,
            speakers=self.speakers,
        )

    def mean(self, values: np.ndarray, level: float = 0.95) -> Estimate:
        """The mean over groups of speakers of values of one layer, shape (g,)."""
        return over_groups(values, n=self.n, speakers=self.speakers, level=level)

    def above(self, layer: int, level: float = 0.95) -> Estimate:
        """How far does a layer lie above the highest of its floors, paired by group of speakers?

        Value: the smallest of the mean differences. Interval: from the lowest lower to the lowest upper end
        of their intervals, so that it lies above a limit only where each of them does (intersection-union;
        Berger 1982). Undefined where a floor is.
        """
        each = [self.mean(self.own[layer] - floor[layer], level) for floor in self.floors.values()]
        undefined = [one for one in each if np.isnan(one.value)]
        if undefined:
            return undefined[0]
        return Estimate(
            value=min(one.value for one in each),
            low=min(one.low for one in each),
            high=min(one.high for one in each),
            n=self.n,
            units=self.speakers,
            reason=next((one.reason for one in each if one.reason), ""),
        )

    def best(self) -> int:
        """The layer that lies furthest above its floors, the first of equals; −1 where none is defined."""
        found = np.array([self.above(layer).value for layer in range(len(self.own))])
        # equal but for rounding is equal
        return -1 if np.isnan(found).all() else int(np.nanargmax(np.round(found, 12)))

    def difference(self, layer: int) -> Estimate:
        """How much higher is a layer than the same layer of the model compared with, paired by group?"""
        assert self.against is not None
        return self.mean(self.own[layer] - self.against[layer])

    def shared(self) -> range:
        """Layers that the model compared with has too."""
        return range(min(len(self.own), 0 if self.against is None else len(self.against)))


def curve(scores: Mapping[str, Scores], measure: int, features: int, *, n: int, speakers: int) -> Curve:
    """The curve of one measure and one group of features.

    Args:
        scores: `own`, and by role the scores of other models
        measure: which of the measures
        features: which of the groups of features
        n: clips
        speakers: speakers in the groups
    """
    own = scores[OWN]

    def held_out(of: Scores, kind: str) -> np.ndarray:
        found: np.ndarray = of.held_out[measure, :, KINDS.index(kind), features]
        return found

    def in_sample(of: Scores, kind: str) -> np.ndarray:
        found: np.ndarray = of.in_sample[measure, :, KINDS.index(kind), features]
        return found

    floors = {kind: held_out(own, kind) for kind in OF_THE_MODEL}
    floors_in_sample = {kind: in_sample(own, kind) for kind in OF_THE_MODEL}
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
