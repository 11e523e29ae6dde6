"""Comparisons on request: levels of the hierarchy, values of a column, and layers with each other."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sertools.results.result import Figure, Table
from sertools.tables.egemaps import ALL
from sertools.tables.frame_sums import LEVELS, OWN

from . import presentation
from .curves import Curve, curve
from .models import Models, clips_and_speakers
from .scores import Scores, between, scores

Shown = tuple[list[Table], list[Figure]]


@dataclass(frozen=True, kw_only=True)
class Scored:
    """The score of a comparison: all descriptors of eGeMAPS, by one measure.

    Attributes:
        models: role → level → sums over frames
        columns: columns of all descriptors
        measure: name of the score
        ridge: added to the diagonals of both covariances, in units of the mean variance
    """

    models: Models
    columns: list[int]
    measure: str
    ridge: float

    def scores(self, role: str, level: str, cells: NDArray[np.bool_] | None = None) -> Scores:
        """Scores of the layers of one model at one level, on some cells."""
        features = {ALL: self.columns}
        sums = self.models[role][level]
        return scores(sums, features, measures=[self.measure], cells=cells, ridge=self.ridge)


def requested(scored: Scored, hierarchy: bool, by: str, between_layers: bool) -> Iterator[Shown]:
    """Tables and figures of the comparisons that the options select.

    Args:
        scored: what is scored
        hierarchy: compare phonemes with frames, and words with phonemes
        by: column with a separate curve for each value; empty for none
        between_layers: compare every layer with every other layer
    """
    if hierarchy:
        yield _hierarchy(scored)
    if by:
        yield _by_value(scored, by)
    for role, sums in scored.models.items() if between_layers else ():
        grids = dict(zip(("CCA", "CKA"), between(sums["frame"], ridge=scored.ridge), strict=True))
        yield presentation.between_layers(grids, role=role)


def _hierarchy(scored: Scored) -> Shown:
    """How much higher phonemes score than frames, and words than phonemes."""
    size = clips_and_speakers(scored.models[OWN]["frame"])
    curves = {}
    for level in LEVELS:
        curves[level] = curve({role: scored.scores(role, level) for role in scored.models}, 0, 0, **size)
    steps = {(low, high): curves[high].minus(curves[low]) for low, high in itertools.pairwise(curves)}
    shown = scored.measure.upper()
    table = presentation.floors_table(
        {f"{high} − {low}": step for (low, high), step in steps.items()},
        name="hierarchy",
        title=f"What longer units add to {shown} with all descriptors of eGeMAPS",
        heading="units",
        note="phoneme: mean of 5 consecutive frames; word: mean of 5 phonemes. Longer units are smoother, "
        "so the floors rise too: interpret only the distance to the floors",
    )
    figures = [
        presentation.lines(
            step,
            name=f"{scored.measure}_{high}_minus_{low}",
            title=f"{shown} of {high}s minus {shown} of {low}s, all descriptors of eGeMAPS",
            score=f"{shown}: {high} − {low}",
        )
        for (low, high), step in steps.items()
    ]
    return [table], figures


def _by_value(scored: Scored, by: str) -> Shown:
    """Curves of all descriptors of eGeMAPS, one for each value of a column."""
    own = scored.models[OWN]["frame"]
    curves: dict[str, Curve] = {}
    frames = []
    for value in sorted(own.cells[by].dropna().unique()):
        inside = {role: (sums["frame"].cells[by] == value).to_numpy() for role, sums in scored.models.items()}
        found = {role: scored.scores(role, "frame", inside[role]) for role in scored.models}
        curves[str(value)] = curve(found, 0, 0, **clips_and_speakers(own, inside[OWN]))
        frames.append(f"{value} {found[OWN].frames.max():.0f}")
    title = f"{scored.measure.upper()} with all descriptors of eGeMAPS, by {by}"
    table = presentation.floors_table(
        curves,
        name=f"by_{by}",
        title=title,
        heading=by,
        note=f"fitted and scored within each {by}; with fewer frames the fit is worse and the score lower. "
        f"Frames: {', '.join(frames)}",
    )
    name = f"{scored.measure}_by_{by}"
    return [table], [presentation.above_floors(curves, name=name, title=f"{title}: above the highest floor")]
