import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sertools.audits.layer_acoustics.scores import MEASURES, between, over_groups, scores

from sertools.metrics import cca
from sertools.selftest import toy_corpus
from sertools.selftest.toy_frames import frame_sums
from sertools.tables.egemaps import columns
from sertools.tables.frame_sums import KINDS, FrameSums, FrameSumsNeeded

GROUPS = 4


@pytest.fixture(scope="module")
def frames():
    """x of two layers, y of each kind, and the group of speakers of 400 frames."""
    rng = np.random.default_rng(0)
    y = rng.normal(size=(400, 3)) * [1, 50, 0.01] + [0, 500, 0.03]
    x = (y - y.mean(0)) / y.std(0) @ rng.normal(size=(3, 7)) + 2 * rng.normal(size=(400, 7)) + 1
    kinds = np.stack([y, y[rng.permutation(400)], np.roll(y, 200, axis=0)])
    group = np.repeat(np.arange(GROUPS), [70, 130, 90, 110])
    return [x, x[:, :4] ** 3], kinds, group


def summed(layers, kinds, group, **more) -> FrameSums:
    """Sums of frames by group, one layer and one cell at a time."""
    codes = np.unique(group)
    n = np.array([(group == g).sum() for g in codes], dtype=float)

    def each(of):
        return np.stack([of(group == g) for g in codes])

    cells = pd.DataFrame({"group": codes, "speakers": 2, "clips": 5})
    return FrameSums(
        features=tuple(f"f{i}" for i in range(kinds.shape[2])),
        cells=cells,
        n=np.stack([n] * len(layers)),
        undefined=np.zeros(len(codes)),
        x=tuple(each(lambda at, x=x: x[at].sum(0)) for x in layers),
        xx=tuple(each(lambda at, x=x: x[at].T @ x[at]) for x in layers),
        y=np.stack([np.stack([each(lambda at, y=y: y[at].sum(0)) for y in kinds])] * len(layers)),
        yy=np.stack([np.stack([each(lambda at, y=y: y[at].T @ y[at]) for y in kinds])] * len(layers)),
        xy=tuple(np.stack([each(lambda at, x=x, y=y: x[at].T @ y[at]) for y in kinds]) for x in layers),
        **more,
    )


def fitted_and_scored(x, y, fit, held, ridge):
    """Mean correlation of variates of held-out frames, from the frames themselves."""
    a, b = x[fit] - x[fit].mean(0), y[fit] - y[fit].mean(0)
    xx, yy, xy = a.T @ a / len(a), b.T @ b / len(b), a.T @ b / len(a)
    xx += ridge * np.trace(xx) / len(xx) * np.eye(len(xx))
    yy += ridge * np.diag(np.diag(yy))

    def whitening(s):
        values, vectors = np.linalg.eigh(s)
        return vectors / np.sqrt(values) @ vectors.T

    wx, wy = whitening(xx), whitening(yy)
    u, _, vt = np.linalg.svd(wx @ xy @ wy)
    k = y.shape[1]
    p, q = x[held] @ wx @ u[:, :k], y[held] @ wy @ vt.T[:, :k]
    return np.mean([np.corrcoef(p[:, i], q[:, i])[0, 1] for i in range(k)])


def test_every_group_is_scored_by_a_fit_to_the_others(frames):
    layers, kinds, group = frames
    found = scores(summed(*frames), {"all": [0, 1, 2]}, ridge=0.01)
    everything = np.ones(400, dtype=bool)
    for i, x in enumerate(layers):
        for kind, y in enumerate(kinds):
            for g in range(GROUPS):
                theirs = fitted_and_scored(x, y, group != g, group == g, 0.01)
                assert found.held_out[0, i, kind, 0, g] == pytest.approx(theirs, abs=1e-8)
            theirs = fitted_and_scored(x, y, everything, everything, 0.01)
            assert found.in_sample[0, i, kind, 0] == pytest.approx(theirs, abs=1e-8)


def test_a_group_of_features_is_scored_as_if_there_were_no_others(frames):
    layers, kinds, group = frames
    among = scores(summed(*frames), {"one": [1], "two": [0, 2]})
    alone = scores(summed(layers, kinds[:, :, [0, 2]], group), {"two": [0, 1]})
    assert among.held_out[:, :, :, 1] == pytest.approx(alone.held_out[:, :, :, 0], abs=1e-9)


def test_units_of_features_change_no_score(frames):
    layers, kinds, group = frames
    there = scores(summed(layers, kinds * [1e3, 1e-3, 7], group), {"all": [0, 1, 2]})
    here = scores(summed(*frames), {"all": [0, 1, 2]})
    assert there.held_out == pytest.approx(here.held_out, abs=1e-8)


def test_svcca_and_cka_in_sample_are_those_of_the_frames(frames):
    layers, kinds, _ = frames
    found = scores(summed(*frames), {"all": [0, 1, 2]}, ridge=1e-9)
    x, y = (v - v.mean(0) for v in (layers[1], kinds[0] / kinds[0].std(0)))
    u, s, _ = np.linalg.svd(x, full_matrices=False)
    u = u[:, : np.searchsorted(np.cumsum(s**2) / (s**2).sum(), 0.99) + 1]
    v = np.linalg.svd(y, full_matrices=False)[0]
    svcca = np.linalg.svd(u.T @ v, compute_uv=False).mean()
    cka = np.linalg.norm(x.T @ y) ** 2 / np.linalg.norm(x.T @ x) / np.linalg.norm(y.T @ y)
    assert found.in_sample[MEASURES.index("svcca"), 1, 0, 0] == pytest.approx(svcca, abs=1e-6)
    assert found.in_sample[MEASURES.index("cka"), 1, 0, 0] == pytest.approx(cka, abs=1e-10)


def test_a_measure_is_the_same_whether_or_not_others_are_asked_for(frames):
    whole = scores(summed(*frames), {"all": [0, 1, 2]})
    for i, measure in enumerate(MEASURES):
        alone = scores(summed(*frames), {"all": [0, 1, 2]}, measures=[measure])
        assert alone.held_out[0] == pytest.approx(whole.held_out[i], abs=1e-12)


def test_cells_that_do_not_take_part_might_as_well_not_be_there(frames):
    layers, kinds, group = frames
    inside = group != 2
    chosen = scores(summed(*frames), {"all": [0, 1, 2]}, cells=np.arange(GROUPS) != 2)
    alone = scores(summed([x[inside] for x in layers], kinds[:, inside], group[inside]), {"all": [0, 1, 2]})
    assert chosen.held_out[..., [0, 1, 3]] == pytest.approx(alone.held_out, abs=1e-9)
    assert np.isnan(chosen.held_out[..., 2]).all()
    assert chosen.frames.tolist() == [310, 310]


def test_a_group_with_few_frames_has_no_score(frames):
    layers, kinds, _ = frames
    group = np.repeat([0, 1, 2], [200, 191, 9])
    found = scores(summed(layers, kinds, group), {"all": [0, 1, 2]})
    assert np.isnan(found.held_out[..., 2]).all()
    assert np.isfinite(found.held_out[..., :2]).all()


def test_no_more_frames_than_features_are_no_fit(frames):
    layers, kinds, group = frames
    few = np.flatnonzero(group == 0)[:4]
    found = scores(summed([x[few] for x in layers], kinds[:, few], group[few]), {"all": [0, 1, 2]})
    assert np.isnan(found.in_sample).all()


def test_one_group_of_speakers_has_in_sample_values_alone(frames):
    layers, kinds, group = frames
    found = scores(summed(layers, kinds, group * 0), {"all": [0, 1, 2]})
    assert np.isfinite(found.in_sample).all()
    assert np.isnan(found.held_out).all()


def test_a_layer_that_does_not_move_has_no_score_and_is_named(frames):
    layers, kinds, group = frames
    found = scores(summed([np.full_like(layers[0], 0.3), layers[1]], kinds, group), {"all": [0, 1, 2]})
    assert found.constant == (0,)
    assert np.isnan(found.held_out[:, 0]).all()
    assert np.isnan(found.in_sample[:, 0]).all()
    assert np.isfinite(found.held_out[:, 1]).all()


def test_no_frames_at_all_have_no_score(frames):
    found = scores(summed(*frames), {"all": [0, 1, 2]}, cells=np.zeros(GROUPS, dtype=bool))
    assert np.isnan(found.in_sample).all()
    assert found.constant == ()


def test_the_oracle_has_the_correlation_that_was_put_in():
    found = scores(
        (of := frame_sums("oracle", toy_corpus.clips(speakers=10), FrameSumsNeeded())["frame"]),
        columns(of.features),
        ridge=1e-6,
    )
    share = 1 - np.arange(4) / 4
    expected = np.sqrt(1.25 * share**2 / (1.25 * share**2 + 1))
    own, other, rolled = (found.held_out[0, :, kind].mean(axis=-1) for kind in range(len(KINDS)))
    # 10 000 frames: the standard error of a correlation is .01 at most
    assert own.mean(axis=1) == pytest.approx(expected, abs=0.02)
    assert other == pytest.approx(0, abs=0.05)
    # what is rolled shares the clip's mean, a fifth of the variance of the features
    assert rolled.mean(axis=1) == pytest.approx(expected / 5, abs=0.06)


def test_the_mean_over_groups_has_students_interval():
    values = np.array([0.5, 0.6, 0.4, 0.7, 0.55, np.nan])
    found = over_groups(values, n=60, speakers=12)
    known = values[:5]
    low, high = stats.t.interval(0.95, 4, known.mean(), stats.sem(known))
    assert (found.value, found.low, found.high) == pytest.approx((known.mean(), low, high), abs=1e-12)
    assert (found.n, found.units) == (60, 12)


def test_fewer_than_five_groups_have_no_interval():
    few = over_groups(np.array([0.5, 0.6, 0.4, 0.7]), n=60, speakers=4)
    assert (np.isnan(few.low), few.reason) == (True, "fewer than 5 speakers")
    gaps = over_groups(np.array([0.5, 0.6, 0.4, np.nan, np.nan]), n=60, speakers=12)
    assert (np.isnan(gaps.low), gaps.reason) == (True, "fewer than 5 speaker groups")
    assert np.isnan(over_groups(np.full(5, np.nan), n=60, speakers=12).value)


def test_layers_are_as_similar_as_their_frames(frames):
    layers, kinds, group = frames
    products = {(0, 1): layers[0].T @ layers[1]}
    similar, aligned = between(summed(layers, kinds, group, between=products), ridge=1e-9)
    x, z = (v - v.mean(0) for v in layers)
    q, r = np.linalg.qr(x)[0], np.linalg.qr(z)[0]
    assert (
        similar[0, 1]
        == similar[1, 0]
        == pytest.approx(np.linalg.svd(q.T @ r, compute_uv=False).mean(), abs=1e-6)
    )
    assert similar.diagonal() == pytest.approx(1, abs=1e-6)
    assert aligned.diagonal() == pytest.approx(1, abs=1e-12)
    theirs = np.linalg.norm(x.T @ z) ** 2 / np.linalg.norm(x.T @ x) / np.linalg.norm(z.T @ z)
    assert aligned[0, 1] == pytest.approx(theirs, abs=1e-10)


def test_layers_whose_products_are_absent_have_no_similarity(frames):
    similar, aligned = between(summed(*frames))
    assert np.isnan([similar[0, 1], aligned[0, 1]]).all()
    assert np.isfinite(similar.diagonal()).all()


def test_layers_of_different_frame_rates_have_no_similarity(frames):
    layers, kinds, group = frames
    of = summed(layers, kinds, group, between={(0, 1): layers[0].T @ layers[1]})
    n = of.n.copy()
    n[1] /= 2
    assert np.isnan(between(dataclasses.replace(of, n=n))[0][0, 1])


def test_ridge_decides_little_of_what_is_held_out():
    of = frame_sums("oracle", toy_corpus.clips(speakers=10), FrameSumsNeeded())["frame"]
    small, large = (scores(of, {"all": [0, 1, 2]}, measures=["cca"], ridge=r).held_out for r in (1e-6, 0.1))
    assert large == pytest.approx(small, abs=0.01)
    assert cca.RIDGE == 1e-3


def speakers_of(rng, speakers, loadings):
    """Frames of speakers who differ in how their features stand in the layer, and the speaker of each."""
    x, y, unit = [], [], []
    for speaker in range(speakers):
        own = rng.normal(size=(rng.integers(75, 225), 2)) * np.exp(rng.normal(0, 0.3, 2)) + rng.normal(size=2)
        turned = loadings + 0.5 * rng.normal(size=loadings.shape)
        x.append(own @ turned + 2 * rng.normal(size=(len(own), 12)) + rng.normal(size=12))
        y.append(own)
        unit += [speaker] * len(own)
    return np.concatenate(x), np.concatenate(y), np.array(unit)


@pytest.mark.parametrize(
    ("speakers", "corpora"),
    [(10, 60), *(pytest.param(speakers, 200, marks=pytest.mark.acceptance) for speakers in (10, 24))],
)
def test_the_interval_holds_the_expected_score_in_nine_of_ten_corpora(speakers, corpora):
    rng = np.random.default_rng(0)
    loadings = rng.normal(0, 0.5, (2, 12))
    found = []
    for _ in range(corpora):
        x, y, unit = speakers_of(rng, speakers, loadings)
        of = summed([x], np.stack([y] * len(KINDS)), unit % 10)
        held_out = scores(of, {"all": [0, 1]}, measures=["cca"]).held_out[0, 0, 0, 0]
        found.append(over_groups(held_out, n=1, speakers=speakers))
    expected = np.mean([one.value for one in found])
    inside = np.mean([one.low <= expected <= one.high for one in found])
    # nominal .95: the fits of two groups share most of their speakers. Standard error of a share of 200: .02
    assert 0.86 < inside < (0.97 if corpora == 200 else 1)
