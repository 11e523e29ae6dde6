"""Sums over frames of one cell of clips, in one flat array of doubles that can be stored at any moment.

Products of frames are taken in float32 about the mean of the cell's first rows, some thousand rows at a time,
and added up in float64, so that nothing large cancels; at the end they become plain sums.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from sertools.acoustics import STEP_S, aligned
from sertools.egemaps import FEATURES
from sertools.model import Frames
from sertools.moments import KINDS, LEVELS, OTHER, OWN, ROLLED

ROWS = 1024
"""Rows of frames that are multiplied at a time."""

K = len(FEATURES)
Y = len(KINDS) * K
"""Acoustic features, and columns of them: one of each kind beside the other."""


CLIPS = ("", -1, "clips")
"""Where the number of clips stands that entered a cell, which has no level and no layer."""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What is summed.

    Attributes:
        levels: of `LEVELS`
        dimensions: layer → its width, for the layers that are summed
        whole: those whose products with themselves and with the acoustic features are summed
        pairs: layers (i, j), i < j, whose products with each other are summed
    """

    levels: tuple[str, ...]
    dimensions: Mapping[int, int]
    whole: tuple[int, ...]
    pairs: tuple[tuple[int, int], ...] = ()

    def parts(self) -> dict[tuple[str, int, str], tuple[int, ...]]:
        """(level, layer, name) → shape of every array of sums of a cell, in the order in which they lie."""
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
        """Numbers in the sums of one cell."""
        return sum(int(np.prod(shape)) for shape in self.parts().values())

    def views(self, flat: np.ndarray) -> dict[tuple[str, int, str], np.ndarray]:
        """The arrays of `parts` in the last axis of a flat array (…, size); no number is copied."""
        found, start = {}, 0
        for part, shape in self.parts().items():
            end = start + int(np.prod(shape))
            found[part] = flat[..., start:end].reshape(*flat.shape[:-1], *shape)
            start = end
        return found


@dataclass(kw_only=True)
class Sums:
    """The sums of one cell while its clips come in.

    Attributes:
        shape: what is summed
        flat: the sums, shape (shape.size,), float64
        between: (level, i, j) → sums of products of two layers, over this and the cells before
        waiting: (level, layer) → rows that are not yet multiplied: frames, and features beside them
    """

    shape: Shape
    flat: np.ndarray
    between: dict[tuple[str, int, int], np.ndarray]
    waiting: dict[tuple[str, int], list[tuple[np.ndarray, np.ndarray]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.sums = self.shape.views(self.flat)

    def add(self, frames: Frames, own: np.ndarray, other: np.ndarray | None) -> None:
        """Adds the frames of a clip; see `rows_of`.

        Args:
            frames: of every layer
            own: acoustic features of the clip every 10 ms, shape (rows, k)
            other: those of another clip; None where there is no other
        """
        self.sums[CLIPS] += 1
        beside: dict[Grid, dict[str, Rows]] = {}
        when = grids(frames)
        for layer in self.shape.dimensions:
            states, grid = frames.states[layer], when[layer]
            if grid not in beside:  # in most architectures all layers have one
                beside[grid] = {
                    level: rows_of(grid, own, other, LEVELS[level]) for level in self.shape.levels
                }
            for level, rows in beside[grid].items():
                if layer in self.shape.whole:
                    self.sums[level, layer, "undefined"] += rows.undefined
                if len(rows.features):
                    kept = rows.pooled(states)
                    self.waiting.setdefault((level, layer), []).append((kept, rows.features))
        for level in self.shape.levels:
            layers = [layer for layer in self.shape.dimensions if (level, layer) in self.waiting]
            if layers and sum(len(x) for x, _ in self.waiting[level, layers[0]]) >= ROWS:
                self._multiply(level)

    def flush(self) -> None:
        """Multiplies what is still waiting."""
        for level in self.shape.levels:
            self._multiply(level)

    def _multiply(self, level: str) -> None:
        centred: dict[int, np.ndarray] = {}
        for layer in self.shape.dimensions:
            waiting = self.waiting.pop((level, layer), [])
            if not waiting:
                continue
            x, y = (np.concatenate(parts) for parts in zip(*waiting, strict=True))
            n, about, total = (self.sums[level, layer, name] for name in ("n", "about x", "x"))
            if not n[0]:
                # rounded to float32, so that the same number is subtracted there
                about[:] = x.mean(axis=0, dtype=np.float64).astype(np.float32)
            x = centred[layer] = x - about.astype(np.float32)
            if layer in self.shape.whole:
                self._whole(level, layer, x, y)
            n += len(x)
            total += x.sum(axis=0, dtype=np.float64)
        for i, j in self.shape.pairs:
            if i in centred and j in centred:
                self.between[level, i, j] += centred[i].T @ centred[j]

    def _whole(self, level: str, layer: int, x: np.ndarray, y: np.ndarray) -> None:
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
        """Turns sums about the first rows into plain sums, of the cell and of its share between layers."""
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


About = tuple[float, np.ndarray, np.ndarray]
"""Number of rows, what was subtracted from each, and their sum after that."""


def _shifted(one: About, other: About) -> np.ndarray:
    """What the products of two columns of rows lack for being taken about other points than 0."""
    n, a, x = one
    _, b, y = other
    shifted: np.ndarray = np.outer(a, y + n * b) + np.outer(x, b)
    return shifted


@dataclass(frozen=True, kw_only=True)
class Rows:
    """The frames of a clip at one level that have all features.

    Attributes:
        kept: which frames of the clip they are made of
        starts: where in `kept` each one begins
        features: own, another clip's and rolled ones side by side, shape (rows, kinds · k), float64
        undefined: how many are left out
    """

    kept: np.ndarray
    starts: np.ndarray
    features: np.ndarray
    undefined: int

    def pooled(self, states: np.ndarray) -> np.ndarray:
        """The frames of a layer (t, d) at this level, shape (rows, d)."""
        return _pooled(states[self.kept], self.starts)


def rows_of(grid: "Grid", own: np.ndarray, other: np.ndarray | None, frames: int) -> Rows:
    """Which frames of a clip enter, and the features beside them.

    A frame enters where every feature of the clip is defined. A phoneme or a word is the mean of those of 5
    or 25 consecutive frames that are defined, of the layer's states and of the features alike; the last one
    of a clip may be shorter, and one without a defined frame is left out. Rolled features are the clip's own,
    half their number later; those of another clip are repeated or cut to the length.

    Args:
        grid: when the layer's frames are
        own: features of the clip every 10 ms, shape (rows, k)
        other: those of another clip; None where there is no other, and its features are nan
        frames: of the level
    """
    first_s, step_s, n = grid
    kept, starts, mine = _level(aligned(own, first_s, step_s, n), frames)
    if other is None:
        theirs = np.full_like(mine, np.nan)
    else:
        long_enough = round(len(other) * STEP_S / step_s) + 1
        _, _, theirs = _level(aligned(other, first_s, step_s, long_enough), frames)
        if not len(theirs):  # it has a voice only where this layer has no frame
            kept, starts, mine = kept[:0], starts[:0], mine[:0]
        theirs = theirs[np.arange(len(mine)) % max(len(theirs), 1)]
    by_kind = {OWN: mine, OTHER: theirs, ROLLED: np.roll(mine, len(mine) // 2, axis=0)}
    return Rows(
        kept=kept,
        starts=starts,
        features=np.concatenate([by_kind[kind] for kind in KINDS], axis=1),
        undefined=-(-n // frames) - len(mine),
    )


def _level(features: np.ndarray, frames: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Defined frames, where among them each row begins, and the rows' features."""
    kept = np.flatnonzero(np.isfinite(features).all(axis=1))
    starts = np.flatnonzero(np.diff(kept // frames, prepend=-1))
    return kept, starts, _pooled(features[kept], starts)


def _pooled(rows: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Means of consecutive rows (n, d) that begin at `starts`, in the rows' own precision."""
    if len(starts) in {0, len(rows)}:
        return rows[: len(starts)]
    counts = np.diff(starts, append=len(rows)).astype(rows.dtype)
    means: np.ndarray = np.add.reduceat(rows, starts, axis=0) / counts[:, None]
    return means


Grid = tuple[float, float, int]
"""When frames are: the centre of the first and the step in s, and their number."""


def grids(frames: Frames) -> list[Grid]:
    """When the frames of each layer are."""
    return [
        (first, step, len(states))
        for first, step, states in zip(frames.first_s, frames.step_s, frames.states, strict=True)
    ]
