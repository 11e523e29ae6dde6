"""Maps keep apart what lies apart, and their colours stay few enough to be told apart."""

import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from sertools.audits.embeddings import projections

from sertools.metrics import neighbours
from tests.helpers.places import ROOT

UMAP = """
import numpy as np, torch
from sertools.audits.embeddings import projections
before = torch.get_num_threads()
vectors = np.random.default_rng(0).normal(size=(16, 5)).astype(np.float32)
one, again = (projections.umap(vectors, 3) for _ in range(2))
assert one.shape == (16, 2)
assert np.array_equal(one, again)
assert torch.get_num_threads() == before == 1, (before, torch.get_num_threads())
"""


def umap(tmp_path, **settings):
    """Runs the lines above in a process with settings of numba."""
    pytest.importorskip("umap", reason="it draws the map")
    # what is compiled is not left where others would find it
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "NUMBA_CACHE_DIR": str(tmp_path), **settings}
    subprocess.run([sys.executable, "-c", UMAP], cwd=ROOT, check=True, env=environment)


@pytest.mark.acceptance
def test_compiled_umap_is_the_same_for_a_seed_and_leaves_the_number_of_threads_as_it_was(tmp_path):
    """Otherwise the last bits of a model's numbers would depend on whether a map was drawn before."""
    umap(tmp_path, NUMBA_OPT="0")


def test_umap_is_the_same_for_a_seed(tmp_path):
    """Without numba's compiler, which takes half a minute and would also change the number of threads."""
    umap(tmp_path, NUMBA_DISABLE_JIT="1")


def test_a_map_leaves_the_number_of_threads_as_it_was(monkeypatch):
    """Whatever a library does to it, as numba did when it compiled umap-learn."""

    class Reducer:
        def __init__(self, **settings):
            torch.set_num_threads(torch.get_num_threads() + 1)

        def fit_transform(self, vectors):
            return vectors[:, :2]

    monkeypatch.setitem(sys.modules, "umap", SimpleNamespace(UMAP=Reducer))
    before = torch.get_num_threads()
    try:
        projections.umap(np.zeros((40, 5), dtype=np.float32), 3)
        assert torch.get_num_threads() == before
    finally:
        torch.set_num_threads(before)


def test_two_heaps_are_two_heaps_on_the_map():
    rng = np.random.default_rng(0)
    heap = np.repeat([0, 1], 30)
    points = projections.tsne(20 * heap[:, None] + rng.normal(size=(60, 6)), 0)
    assert neighbours.purity(neighbours.nearest(points, np.arange(60), neighbours=5), heap).mean() == 1


def test_of_many_kinds_the_most_frequent_have_a_colour():
    kind = pd.Series([f"s{i:02d}" for i in range(20) for _ in range(20 - i)])
    kind[0] = None
    points = np.zeros((len(kind), 2))
    drawn_map = projections.coloured(points, kind, name="m", title="t", label="speaker")
    assert [s.name for s in drawn_map.series] == ["16 others", "s00", "s01", "s02", "s03", "s04"]
    assert sum(len(s.x) for s in drawn_map.series) == len(kind)
