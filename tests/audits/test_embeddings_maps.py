"""Maps keep apart what lies apart, and their colours stay few enough to be told apart."""

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sertools.audits.embeddings import maps

from sertools.metrics import neighbours
from tests.helpers.places import ROOT


def test_umap_is_the_same_for_a_seed():
    pytest.importorskip("umap", reason="it draws the map")
    vectors = np.random.default_rng(0).normal(size=(40, 5)).astype(np.float32)
    one, again = (maps.umap(vectors, 3) for _ in range(2))
    assert one.shape == (40, 2)
    assert np.array_equal(one, again)


THREADS = """
import numpy as np
import torch
from sertools.audits.embeddings import maps

before = torch.get_num_threads()
maps.umap(np.random.default_rng(0).normal(size=(40, 5)).astype(np.float32), 3)
print(before, torch.get_num_threads())
"""


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one core has one thread anyway")
def test_umap_leaves_the_number_of_threads_of_later_predictions_alone():
    pytest.importorskip("umap", reason="it draws the map")
    # in a new process, because the threads are started only once
    done = subprocess.run(
        [sys.executable, "-c", THREADS],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert done.stdout.split() == ["1", "1"]


def test_two_heaps_are_two_heaps_on_the_map():
    rng = np.random.default_rng(0)
    heap = np.repeat([0, 1], 30)
    points = maps.tsne(20 * heap[:, None] + rng.normal(size=(60, 6)), 0)
    assert neighbours.purity(neighbours.nearest(points, np.arange(60), neighbours=5), heap).mean() == 1


def test_of_many_kinds_the_most_frequent_have_a_colour():
    kind = pd.Series([f"s{i:02d}" for i in range(20) for _ in range(20 - i)])
    kind[0] = None
    points = np.zeros((len(kind), 2))
    drawn_map = maps.coloured(points, kind, name="m", title="t", label="speaker")
    assert [s.name for s in drawn_map.series] == ["16 others", "s00", "s01", "s02", "s03", "s04"]
    assert sum(len(s.x) for s in drawn_map.series) == len(kind)
