"""Sums over the frames of one cell of clips, in one flat float64 array that can be stored at any time.

Products of frames are computed in float32 about the mean of the cell's first rows, about a thousand rows at a
time, and added up in float64, to avoid cancellation; at the end they are converted to plain sums.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sertools.inference.frames.rows import Floats, Rows, rows_of
from sertools.models.model import Frames, Grid
from sertools.tables.egemaps import FEATURES
from sertools.tables.frame_sums import KINDS, LEVELS

ROWS = 1024
"""Number of rows of frames that are multiplied at a time."""

K = len(FEATURES)
Y = len(KINDS) * K
"""Numbers of acoustic features (K) and of their columns: all features of each kind (Y)."""


CLIPS = ("", -1, "clips")
"""Key of the number of clips that were added to a cell; it has no level and no layer."""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Defines which sums are computed.

    Attributes:
        levels: names from `LEVELS`
        dimensions: layer → its width, for the layers that are summed
        whole: layers whose products with themselves and with the acoustic features are summed
        pairs: layers (i, j), i < j, whose products with each other are summed
    """

    levels: tuple[str, ...]
    dimensions: Mapping[int, int]
    whole: tuple[int, ...]
    pairs: tuple[tuple[int, int], ...] = ()

    def parts(self) -> dict[tuple[str, int, str], tuple[int, ...]]:
        """(level, layer, name) → shape of every array of sums of a cell, in storage order."""
        found: dict[tuple[str, int, str], tuple[int, ...]] = {CLIPS: (1,)}
        for level in self.levels:
            for layer, d in self.dimensions.items():
                shapes: dict[str, tuple[int, ...]] = {"n": (1,), "about x": (d,), "x": (d,)}
                if layer in self.whole:
                    shapes |= {"xx": (d, d), "xy": (d, Y), "about y": (Y,), "y": (Y,)}
                    shapes |= {"yy": (len(KINDS), K, K), "undefined": (1,)}
                found |= {(level, layer, name): shape for name, shape in shapes.items()}
        return found

    @property
    def size(self) -> int:
        """Number of values in the sums of one cell."""
        return sum(int(np.prod(shape)) for shape in self.parts().values())

    def views(self, flat: NDArray[np.float64]) -> dict[tuple[str, int, str], NDArray[np.float64]]:
        """The arrays of `parts` as views into the last axis of a flat array (…, size)."""
        found, start = {}, 0
        for part, shape in self.parts().items():
            end = start + int(np.prod(shape))
            found[part] = flat[..., start:end].reshape(*flat.shape[:-1], *shape)
            start = end
        return found

    @property
    def between_size(self) -> int:
        """Number of values in the products between layers."""
        width = self.dimensions
        return len(self.levels) * sum(width[i] * width[j] for i, j in self.pairs)

    def between(self, flat: NDArray[np.float64]) -> dict[tuple[str, int, int], NDArray[np.float64]]:
        """(level, i, j) → products between two layers, as views into a flat array of all of them."""
        found, start, width = {}, 0, self.dimensions
        for level in self.levels:
            for i, j in self.pairs:
                end = start + width[i] * width[j]
                found[level, i, j] = flat[start:end].reshape(width[i], width[j])
                start = end
        return found


@dataclass(kw_only=True)
class Sums:
    """The sums of one cell, to which clips are added.

    Attributes:
        shape: defines the sums
        flat: the sums, shape (shape.size,), float64
        products: sums of products of two layers, over this cell and the cells before, shape
            (shape.between_size,), float64
        waiting: (level, layer) → rows that are not multiplied yet: frames and their features
    """

    shape: Shape
    flat: NDArray[np.float64]
    products: NDArray[np.float64]
    waiting: dict[tuple[str, int], list[tuple[Floats, Floats]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.sums = self.shape.views(self.flat)
        self.between = self.shape.between(self.products)

    def add(self, frames: Frames, own: NDArray[np.float32], other: NDArray[np.float32] | None) -> None:
        """Adds the frames of a clip; see `rows_of`.

        Args:
            frames: frames of every layer
            own: acoustic features of the clip every 10 ms, shape (rows, k)
            other: acoustic features of another clip; None if there is no other clip
        """
        self.sums[CLIPS] += 1
        rows_by_grid: dict[Grid, dict[str, Rows]] = {}
        when = frames.grids
        for layer in self.shape.dimensions:
            states, grid = frames.states[layer], when[layer]
            if grid not in rows_by_grid:  # in most architectures all layers share one grid
                rows_by_grid[grid] = {
                    level: rows_of(grid, own, other, LEVELS[level]) for level in self.shape.levels
                }
            for level, rows in rows_by_grid[grid].items():
                if layer in self.shape.whole:
                    self.sums[level, layer, "undefined"] += rows.undefined
                if len(rows.features):
                    self.waiting.setdefault((level, layer), []).append((rows.pooled(states), rows.features))
        for level in self.shape.levels:
            layers = [layer for layer in self.shape.dimensions if (level, layer) in self.waiting]
            if layers and sum(len(x) for x, _ in self.waiting[level, layers[0]]) >= ROWS:
                self._multiply(level)

    def flush(self) -> None:
        """Multiplies the rows that are still waiting."""
        for level in self.shape.levels:
            self._multiply(level)

    def _multiply(self, level: str) -> None:
        centred: dict[int, Floats] = {}
        for layer in self.shape.dimensions:
            waiting = self.waiting.pop((level, layer), [])
            if not waiting:
                continue
            x, y = (np.concatenate(parts) for parts in zip(*waiting, strict=True))
            n, about, total = (self.sums[level, layer, name] for name in ("n", "about x", "x"))
            if not n[0]:
                # rounded to float32, so that the float32 subtraction below uses the same number
                about[:] = x.mean(axis=0, dtype=np.float64).astype(np.float32)
            x = centred[layer] = x - about.astype(np.float32)
            if layer in self.shape.whole:
                self._whole(level, layer, x, y)
            n += len(x)
            total += x.sum(axis=0, dtype=np.float64)
        for i, j in self.shape.pairs:
            if i in centred and j in centred:
                self.between[level, i, j] += centred[i].T @ centred[j]

    def _whole(self, level: str, layer: int, x: Floats, y: Floats) -> None:
        xx, xy, about, total, yy = (
            self.sums[level, layer, name] for name in ("xx", "xy", "about y", "y", "yy")
        )
        if not self.sums[level, layer, "n"][0]:
            about[:] = y.mean(axis=0)
        y = y - about
        xx += x.T @ x
        xy += x.T @ y.astype(np.float32)
        total += y.sum(axis=0)
        for kind, sums in enumerate(yy):
            one = y[:, kind * K : (kind + 1) * K]
            sums += one.T @ one

    def finish(self) -> None:
        """Converts sums about the mean of the first rows to plain sums, also those between layers."""
        self.flush()
        for level in self.shape.levels:
            of = {layer: self._about(level, layer, "x") for layer in self.shape.dimensions}
            for i, j in self.shape.pairs:
                self.between[level, i, j] += _shifted(of[i], of[j])
            for layer in self.shape.whole:
                n, a, y = self._about(level, layer, "y")
                self.sums[level, layer, "xx"] += _shifted(of[layer], of[layer])
                self.sums[level, layer, "xy"] += _shifted(of[layer], (n, a, y))
                for kind, sums in enumerate(self.sums[level, layer, "yy"]):
                    part = slice(kind * K, (kind + 1) * K)
                    sums += _shifted((n, a[part], y[part]), (n, a[part], y[part]))
                self._plain(level, layer, "y")
            for layer in self.shape.dimensions:
                self._plain(level, layer, "x")

    def _about(self, level: str, layer: int, name: str) -> "About":
        n = float(self.sums[level, layer, "n"][0])
        return n, self.sums[level, layer, f"about {name}"].copy(), self.sums[level, layer, name].copy()

    def _plain(self, level: str, layer: int, name: str) -> None:
        about = self.sums[level, layer, f"about {name}"]
        self.sums[level, layer, name] += self.sums[level, layer, "n"] * about
        about[:] = 0


About = tuple[float, NDArray[np.float64], NDArray[np.float64]]
"""Number of rows, the vector subtracted from each row, and the sum of the rows after subtraction."""


def _shifted(one: About, other: About) -> NDArray[np.float64]:
    """The correction that turns products of rows about `a` and `b` into products about 0."""
    n, a, x = one
    _, b, y = other
    shifted: NDArray[np.float64] = np.outer(a, y + n * b) + np.outer(x, b)
    return shifted
