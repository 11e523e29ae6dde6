import numpy as np
import pandas as pd
import pytest

from sertools.selftest import toy_corpus
from sertools.selftest.toy_frames import DIMENSIONS, FRAMES, frame_sums
from sertools.tables.egemaps import FEATURES
from sertools.tables.frame_sums import KINDS, LEVELS, OWN, FrameSumsNeeded


@pytest.fixture(scope="module")
def clips():
    return toy_corpus.clips(speakers=6, per_speaker=4)


def correlation(of, layer, kind=OWN):
    """Correlation of the first feature with the first dimension of a layer, over all frames."""
    at = KINDS.index(kind)
    n, x, y = of.n[layer].sum(), of.x[layer].sum(0)[0], of.y[layer, at].sum(0)[0]
    xx, yy = of.xx[layer].sum(0)[0, 0], of.yy[layer, at].sum(0)[0, 0]
    both = of.xy[layer][at].sum(0)[0, 0]
    return (both / n - x * y / n**2) / np.sqrt((xx / n - (x / n) ** 2) * (yy / n - (y / n) ** 2))


def test_the_oracle_carries_the_features_less_with_depth(clips):
    found = frame_sums("oracle", clips, FrameSumsNeeded())["frame"]
    # share w of features of variance 1.25, noise 1
    for layer, share in enumerate([1, 0.75, 0.5, 0.25]):
        expected = np.sqrt(1.25 * share**2 / (1.25 * share**2 + 1))
        assert correlation(found, layer) == pytest.approx(expected, abs=0.07)
        assert abs(correlation(found, layer, "other clip")) < 0.1


def test_nobody_else_does(clips):
    assert abs(correlation(frame_sums("random", clips, FrameSumsNeeded())["frame"], 0)) < 0.1
    constant = frame_sums("constant", clips, FrameSumsNeeded())["frame"]
    assert constant.xx[0][0, 0, 0] == constant.n[0, 0] / 4


def test_every_frame_is_in_one_cell(clips):
    found = frame_sums("oracle", clips, FrameSumsNeeded(by="emotion", groups=3))["frame"]
    assert list(found.cells) == ["group", "speakers", "emotion", "clips"]
    assert found.cells["clips"].sum() == len(clips)
    assert found.n[0].tolist() == (found.cells["clips"] * FRAMES).tolist()
    assert found.cells.groupby("group")["speakers"].first().tolist() == [2, 2, 2]
    whole = frame_sums("oracle", clips, FrameSumsNeeded(groups=1))["frame"]
    assert found.xx[2].sum(axis=0) == pytest.approx(whole.xx[2].sum(axis=0), abs=1e-9)


def test_cells_do_not_follow_from_the_order_of_the_clips(clips):
    turned = clips.iloc[::-1]
    there, back = (frame_sums("oracle", c, FrameSumsNeeded(groups=3))["frame"] for c in (clips, turned))
    pd.testing.assert_frame_equal(there.cells, back.cells)
    assert there.xx[0] == pytest.approx(back.xx[0], abs=1e-9)


def test_levels_are_means_of_consecutive_frames(clips):
    found = frame_sums("oracle", clips, FrameSumsNeeded(levels=tuple(LEVELS)))
    assert [found[level].n[0].sum() for level in LEVELS] == [
        len(clips) * FRAMES // n for n in LEVELS.values()
    ]
    # means of equally many frames have the sum of the frames, divided by how many
    assert found["word"].x[1] * 25 == pytest.approx(found["frame"].x[1], abs=1e-9)


def test_products_between_layers_are_there_where_they_are_wanted(clips):
    assert frame_sums("random", clips, FrameSumsNeeded())["frame"].between == {}
    found = frame_sums("random", clips, FrameSumsNeeded(between_layers=True))["frame"]
    assert set(found.between) == {(i, j) for i in range(4) for j in range(i + 1, 4)}
    assert found.between[0, 3].shape == (DIMENSIONS, DIMENSIONS)


def test_a_toy_model_has_a_random_twin_where_sums_are_wanted(clips):
    tables = toy_corpus.answers("oracle", clips, wanted=FrameSumsNeeded())
    assert tables.frame_sums["frame"].features == FEATURES
    assert abs(correlation(tables.others["random twin"].frame_sums["frame"], 0)) < 0.1
    assert toy_corpus.answers("oracle", clips).others == {}


def test_clips_without_speakers_are_dealt_out_too(clips):
    found = frame_sums("random", clips.drop(columns="speaker"), FrameSumsNeeded())["frame"]
    assert found.cells["clips"].sum() == len(clips)
    assert len(found.cells) == 10
