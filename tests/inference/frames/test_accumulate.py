"""Sums of frames against a naive double loop in float64."""

import itertools

import numpy as np
import pytest

from sertools.inference.frames import accumulate
from sertools.inference.frames.accumulate import CLIPS, K, Shape, Sums
from sertools.inference.frames.rows import rows_of
from sertools.models.model import Frames
from sertools.tables.frame_sums import KINDS, LEVELS
from tests.helpers import naive_frames

STEP_S = 0.02


def clip(rng, seconds, dimensions, mean=0.0):
    """Frames of layers at 50 Hz, and features every 10 ms with gaps."""
    t = int(seconds / STEP_S)
    states = tuple((mean + rng.standard_normal((t, d))).astype(np.float32) for d in dimensions)
    frames = Frames(states=states, first_s=(0.01,) * len(states), step_s=(STEP_S,) * len(states))
    features = rng.standard_normal((int(seconds * 100), K)).astype(np.float32)
    features[rng.random(len(features)) < 0.4] = np.nan
    return frames, features


@pytest.mark.parametrize("mean", [0.0, 100.0])
def test_sums_equal_a_naive_double_loop_over_all_frames(monkeypatch, mean):
    monkeypatch.setattr(accumulate, "ROWS", 50)  # so that several products are added up
    rng = np.random.default_rng(0)
    dimensions = {0: 5, 1: 7}
    clips = [clip(rng, seconds, dimensions.values(), mean) for seconds in (2.0, 0.5, 3.14, 1.0)]
    shape = Shape(levels=tuple(LEVELS), dimensions=dimensions, whole=(0, 1), pairs=((0, 1),))
    sums = Sums(shape=shape, flat=np.zeros(shape.size), products=np.zeros(shape.between_size))
    pairs = [(clips[i], clips[(i + 1) % len(clips)][1]) for i in range(len(clips))]
    for (frames, own), other in pairs:
        sums.add(frames, own, other)
    sums.finish()
    assert sums.sums[CLIPS][0] == 4
    for level, layer in itertools.product(LEVELS, dimensions):
        x, y = [], {kind: [] for kind in KINDS}
        total = 0
        for (frames, own), other in pairs:
            xs, ys = naive_frames.rows(frames, own, other, layer, LEVELS[level])
            x += xs
            for kind in KINDS:
                y[kind] += ys[kind]
            total += -(-len(frames.states[layer]) // LEVELS[level])
        assert len(x) > 3
        found = {name: sums.sums[level, layer, name] for name in ("n", "x", "xx", "y", "yy", "xy")}
        assert found["n"][0] == len(x)
        assert sums.sums[level, layer, "undefined"][0] == total - len(x)
        x = np.array(x)
        # products are taken in float32: 1e-5 of the largest, as promised
        np.testing.assert_allclose(found["x"], x.sum(axis=0), rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(found["xx"], x.T @ x, rtol=1e-5, atol=1e-5 * np.abs(x.T @ x).max())
        for i, kind in enumerate(KINDS):
            part, rows = slice(i * K, (i + 1) * K), np.array(y[kind])
            np.testing.assert_allclose(found["y"][part], rows.sum(axis=0), atol=1e-9)
            np.testing.assert_allclose(found["yy"][i], rows.T @ rows, atol=1e-9)
            products = x.T @ rows
            np.testing.assert_allclose(
                found["xy"][:, part],
                products,
                atol=1e-5 * np.sqrt(np.outer((x**2).sum(0), (rows**2).sum(0))).max(),
            )
        if layer == 0:
            first = x
    np.testing.assert_allclose(sums.between["word", 0, 1], first.T @ x, rtol=1e-5, atol=1e-4)


def test_a_large_mean_costs_the_covariance_nothing():
    # products about zero in float32 would leave nothing of a variance of 1 beside a mean of 3000
    rng = np.random.default_rng(1)
    frames, own = clip(rng, 40.0, [4], mean=3000.0)
    shape = Shape(levels=("frame",), dimensions={0: 4}, whole=(0,))
    sums = Sums(shape=shape, flat=np.zeros(shape.size), products=np.zeros(0))
    sums.add(frames, own, own)
    sums.finish()
    n, x, xx = (sums.sums["frame", 0, name] for name in ("n", "x", "xx"))
    covariance = xx / n - np.outer(x, x) / n**2
    used = rows_of((0.01, STEP_S, 2000), own, own, 1).frames
    expected = np.cov(frames.states[0][used].astype(np.float64).T, bias=True)
    np.testing.assert_allclose(covariance, expected, atol=1e-5)


def test_the_order_of_the_parts_of_a_cell_and_of_the_flushes_changes_next_to_nothing():
    rng = np.random.default_rng(2)
    clips = [clip(rng, 1.0, [6]) for _ in range(5)]
    shape = Shape(levels=("frame",), dimensions={0: 6}, whole=(0,))
    flats = []
    for order, flush in (((0, 1, 2, 3, 4), False), ((4, 2, 0, 1, 3), True)):
        sums = Sums(shape=shape, flat=np.zeros(shape.size), products=np.zeros(0))
        for i in order:
            sums.add(*clips[i], clips[(i + 1) % 5][1])
            if flush:
                sums.flush()
        sums.finish()
        flats.append(sums.flat)
    np.testing.assert_allclose(flats[0], flats[1], atol=1e-4)
    assert np.abs(flats[0]).max() > 100
