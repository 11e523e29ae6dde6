"""Rows of frames with their acoustic features, by hand."""

import numpy as np

from sertools.inference.frames.accumulate import K
from sertools.inference.frames.rows import rows_of
from sertools.tables.frame_sums import KINDS


def test_rows_by_hand():
    # seven frames of 20 ms; features of 14 rows count up, and frames 2 and 6 lack one
    own = np.arange(14, dtype=np.float32)[:, None].repeat(K, axis=1)
    # frame k reaches from 20 k to 20 k + 20 ms, rows are about 10, 20, 30 … ms
    own[3:5, 3] = own[11:13, 3] = np.nan
    other = 100 + np.arange(4, dtype=np.float32)[:, None].repeat(K, axis=1)
    rows = rows_of((0.01, 0.02, 7), own, other, 1)
    at = {kind: rows.features[:, i * K].tolist() for i, kind in enumerate(KINDS)}
    assert rows.frames.tolist() == [0, 1, 3, 4, 5]
    assert rows.undefined == 2
    assert at["own"] == [0, 1.5, 5.5, 7.5, 9.5]
    assert at["rolled"] == [7.5, 9.5, 0, 1.5, 5.5]
    assert at["other clip"] == [100, 101.5, 103, 100, 101.5]
    phonemes = rows_of((0.01, 0.02, 7), own, other, 5)
    assert phonemes.features[:, 0].tolist() == [(0 + 1.5 + 5.5 + 7.5) / 4, 9.5]
    assert phonemes.undefined == 0
    states = np.arange(7, dtype=np.float32)[:, None]
    assert phonemes.pooled(states)[:, 0].tolist() == [(0 + 1 + 3 + 4) / 4, 5]


def test_a_clip_without_a_voice_adds_nothing_and_is_counted():
    silent = np.full((50, K), np.nan, dtype=np.float32)
    rows = rows_of((0.01, 0.02, 25), silent, silent, 1)
    assert len(rows.features) == 0
    assert rows.undefined == 25


def test_without_another_clip_its_features_are_undefined():
    own = np.ones((50, K), dtype=np.float32)
    rows = rows_of((0.01, 0.02, 25), own, None, 1)
    other = KINDS.index("other clip")
    assert np.isnan(rows.features[:, other * K : (other + 1) * K]).all()
    assert np.isfinite(rows.features[:, :K]).all()
