import numpy as np
import pytest
from cca_zoo import linear
from sklearn.cross_decomposition import CCA

from sertools.metrics import cca
from sertools.metrics.cca import Covariance, projected

TINY = 1e-12
"""A ridge so small that it changes nothing."""


def of_frames(x, y):
    """Covariances from sums over frames, as the engine gives them."""
    return cca.covariance(len(x), x.sum(0), x.T @ x, y.sum(0), y.T @ y, x.T @ y)


def views(n=400, d=6, k=3, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + rng.normal(size=d)
    y = x[:, :k] @ rng.normal(size=(k, k)) + rng.normal(size=(n, k)) * 2 + 5
    return x, y


def naive(x, y):
    """Canonical correlations of frames: cosines of the angles between their column spaces."""
    q, _ = np.linalg.qr(x - x.mean(0))
    r, _ = np.linalg.qr(y - y.mean(0))
    return np.linalg.svd(q.T @ r, compute_uv=False)


def own(x, y, ridge=TINY):
    both = of_frames(x, y)
    return cca.correlations(cca.fit(both, ridge=ridge), both)


def weighted(both):
    along = cca.fit(both, ridge=TINY)
    return cca.pwcca(cca.correlations(along, both), along)


def with_known(correlations, d):
    """Covariances of two white views, d and k dimensions, whose canonical correlations are these."""
    k = len(correlations)
    return cca.Covariance(n=100, xx=np.eye(d), yy=np.eye(k), xy=np.eye(d, k) * np.asarray(correlations))


def test_covariances_are_those_of_the_frames():
    x, y = views()
    found = of_frames(x, y)
    both = np.cov(np.hstack([x, y]).T, bias=True)
    assert found.xx == pytest.approx(both[:6, :6], abs=1e-10)
    assert found.xy == pytest.approx(both[:6, 6:], abs=1e-10)
    assert found.yy == pytest.approx(both[6:, 6:], abs=1e-10)


def test_sums_of_a_union_are_the_sum_of_the_sums():
    x, y = views()
    parts = [(x[:150], y[:150]), (x[150:], y[150:])]
    sums = [[len(a), a.sum(0), a.T @ a, b.sum(0), b.T @ b, a.T @ b] for a, b in parts]
    union = cca.covariance(*(one + other for one, other in zip(*sums, strict=True)))
    whole = of_frames(x, y)
    assert union.xx == pytest.approx(whole.xx, abs=1e-10)
    assert union.xy == pytest.approx(whole.xy, abs=1e-10)


def test_no_frames_have_no_covariance():
    nothing = cca.covariance(
        0, np.zeros(2), np.zeros((2, 2)), np.zeros(1), np.zeros((1, 1)), np.zeros((2, 1))
    )
    assert np.isnan(nothing.xx).all()
    assert cca.fit(nothing) is None


def test_canonical_correlations_are_those_of_the_frames():
    x, y = views()
    assert own(x, y) == pytest.approx(naive(x, y), abs=1e-9)


def test_canonical_correlations_are_those_of_scikit_learn():
    x, y = views()
    u, v = CCA(n_components=3, max_iter=5000, tol=1e-13).fit_transform(x, y)
    theirs = [np.corrcoef(u[:, i], v[:, i])[0, 1] for i in range(3)]
    # theirs iterates until the weights change by less than its tolerance
    assert own(x, y) == pytest.approx(theirs, abs=1e-6)


def test_canonical_correlations_are_those_of_cca_zoo():
    x, y = views()
    x, y = x - x.mean(0), y - y.mean(0)
    u, v = linear.CCA(n_components=3).fit_transform([x, y])
    theirs = [abs(np.corrcoef(u[:, i], v[:, i])[0, 1]) for i in range(3)]
    assert own(x, y) == pytest.approx(theirs, abs=1e-9)


def test_white_views_have_the_correlations_that_were_put_in():
    known = [0.9, 0.5, 0.0]
    both = with_known(known, 5)
    assert cca.correlations(cca.fit(both, ridge=TINY), both) == pytest.approx(known, abs=1e-9)
    assert cca.mean_cca(np.array(known)) == pytest.approx(1.4 / 3, abs=1e-12)


def test_a_ridge_shrinks_only_what_was_to_be_shrunk():
    # among directions of equal variance a ridge has nothing to choose between
    both = with_known([0.9, 0.5], 4)
    assert cca.correlations(cca.fit(both, ridge=0.5), both) == pytest.approx([0.9, 0.5], abs=1e-12)


def test_invertible_maps_change_no_correlation():
    x, y = views()
    rng = np.random.default_rng(1)
    before = own(x, y)
    assert own(x @ rng.normal(size=(6, 6)) + 3, y @ rng.normal(size=(3, 3)) - 7) == pytest.approx(
        before, abs=1e-7
    )


def test_units_of_features_change_no_correlation_whatever_the_ridge():
    x, y = views()
    assert own(x, y * [1e3, 1e-3, 1], ridge=0.1) == pytest.approx(own(x, y, ridge=0.1), abs=1e-9)


def test_what_was_fitted_on_some_frames_is_scored_on_others():
    x, y = views()
    along = cca.fit(of_frames(x[:200], y[:200]), ridge=TINY)
    u, v = x[200:] @ along.x, y[200:] @ along.y
    theirs = [np.corrcoef(u[:, i], v[:, i])[0, 1] for i in range(3)]
    assert cca.correlations(along, of_frames(x[200:], y[200:])) == pytest.approx(theirs, abs=1e-9)


def test_a_layer_that_holds_the_features_correlates_with_them_wholly():
    x, y = views()
    assert own(np.hstack([x, y]), y) == pytest.approx([1, 1, 1], abs=1e-6)


def test_noise_correlates_in_sample_but_not_with_unseen_frames():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(200, 100)), rng.normal(size=(200, 3))
    along = cca.fit(of_frames(x[:120], y[:120]))
    seen, unseen = (cca.correlations(along, of_frames(x[s], y[s])) for s in (slice(120), slice(120, None)))
    assert cca.mean_cca(seen) > 0.9
    assert abs(cca.mean_cca(unseen)) < 0.15


def test_more_dimensions_than_frames_are_regularised():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 50)), rng.normal(size=(20, 2))
    assert np.isfinite(own(x, y, ridge=1e-3)).all()
    with pytest.raises(np.linalg.LinAlgError):
        own(x, y, ridge=0)


def test_rounding_below_zero_in_a_rank_deficient_layer_is_taken_as_zero():
    turn, _ = np.linalg.qr(np.random.default_rng(3).normal(size=(5, 5)))
    exact, rounded = (turn @ np.diag([4.0, 2, 1, 0, low]) @ turn.T for low in (0.0, -1e-5))
    there, here = cca.factor(exact, 1e-6), cca.factor(rounded, 1e-6)
    assert here.T @ here == pytest.approx(there.T @ there, abs=1e-9)
    with pytest.raises(np.linalg.LinAlgError):
        cca.factor(rounded, 0)


def test_a_copied_dimension_changes_nothing_but_what_the_ridge_changes():
    x, y = views()
    copied = np.hstack([x, x[:, :2]])
    assert own(copied, y, ridge=1e-9) == pytest.approx(own(x, y, ridge=1e-9), abs=1e-6)


def test_a_constant_feature_takes_no_part():
    x, y = views()
    constant = np.hstack([y, np.full((len(y), 1), 0.1)])
    assert own(x, constant) == pytest.approx(own(x, y), abs=1e-9)


def test_a_constant_view_has_no_correlation():
    x, y = views()
    flat = np.full_like(x, 3.3)
    assert own(flat, y).shape == (0,)
    assert np.isnan(cca.mean_cca(own(flat, y)))
    assert np.isnan(cca.pwcca(own(flat, y), None))
    assert np.isnan(cca.cka(of_frames(flat, y)))
    assert cca.fit(of_frames(x, np.full_like(y, 0.1))) is None


def test_a_variate_that_is_constant_in_other_frames_is_undefined_there():
    x, y = views()
    along = cca.fit(of_frames(x, y))
    assert np.isnan(cca.correlations(along, of_frames(np.ones((9, 6)), y[:9]))).all()


def test_fewer_dimensions_than_features_give_as_many_correlations():
    x, y = views()
    assert own(x[:, :2], y) == pytest.approx(naive(x[:, :2], y), abs=1e-9)


def test_pwcca_weighs_directions_by_what_they_stand_for_in_the_layer():
    # dimension 1 of x moves three times as far, and nothing else is alike
    both = cca.Covariance(n=9, xx=np.diag([9.0, 1.0]), yy=np.eye(2), xy=np.diag([3 * 0.2, 0.8]))
    assert weighted(both) == pytest.approx((3 * 0.2 + 1 * 0.8) / 4, abs=1e-9)


def test_pwcca_is_that_of_the_frames():
    x, y = views()
    both = of_frames(x, y)
    along = cca.fit(both, ridge=TINY)
    centred = x - x.mean(0)
    variates = centred @ along.x
    weight = np.abs(variates.T @ centred).sum(axis=1)
    theirs = weight @ naive(x, y) / weight.sum()
    assert weighted(both) == pytest.approx(theirs, abs=1e-9)


def test_pwcca_of_equal_correlations_is_that_correlation():
    both = with_known([0.4, 0.4], 5)
    assert weighted(both) == pytest.approx(0.4, abs=1e-9)


def test_svcca_is_cca_of_the_principal_components():
    x, y = views()
    x[:, 5] *= 1e-4
    both = of_frames(x, y)
    directions, features = cca.basis(both.xx), cca.standard_basis(both.yy)
    fewer = cca.projected(both, directions, features)
    u, s, _ = np.linalg.svd(x - x.mean(0), full_matrices=False)
    keep = np.searchsorted(np.cumsum(s**2) / (s**2).sum(), 0.99) + 1
    standard = (y - y.mean(0)) / y.std(0)
    v, t, _ = np.linalg.svd(standard, full_matrices=False)
    kept = np.searchsorted(np.cumsum(t**2) / (t**2).sum(), 0.99) + 1
    assert directions.shape[1] == keep < 6
    assert features.shape[1] == kept
    theirs = np.linalg.svd(u[:, :keep].T @ v[:, :kept], compute_uv=False)
    assert cca.correlations(cca.fit(fewer, ridge=TINY), fewer) == pytest.approx(theirs, abs=1e-9)


def test_nothing_that_moves_has_no_principal_direction():
    assert cca.basis(np.zeros((3, 3))).shape == (3, 0)
    assert cca.standard_basis(np.diag([4.0, 0.0])).shape == (2, 1)


def test_cka_is_that_of_the_gram_matrices():
    x, y = views(n=50)
    x, y = x - x.mean(0), y - y.mean(0)
    of_x, of_y = x @ x.T, y @ y.T
    theirs = (of_x * of_y).sum() / np.linalg.norm(of_x) / np.linalg.norm(of_y)
    assert cca.cka(of_frames(x, y)) == pytest.approx(theirs, abs=1e-10)


def test_cka_is_one_for_a_view_turned_and_stretched_as_a_whole():
    x, _ = views()
    turn, _ = np.linalg.qr(np.random.default_rng(2).normal(size=(6, 6)))
    assert cca.cka(of_frames(x, 3 * x @ turn + 1)) == pytest.approx(1, abs=1e-10)


def test_cka_is_not_blind_to_the_scale_of_dimensions_unless_told_to_be():
    x, y = views()
    stretched = y * [100, 1, 1]
    assert cca.cka(of_frames(x, stretched)) != pytest.approx(cca.cka(of_frames(x, y)), abs=1e-3)
    scaled = [cca.cka(of_frames(x, z), z.std(0)) for z in (y, stretched)]
    assert scaled[0] == pytest.approx(scaled[1], abs=1e-10)


def test_cka_of_views_that_share_nothing_is_zero():
    assert cca.cka(with_known([0.0, 0.0], 3)) == 0


def test_two_layers_are_as_similar_as_their_frames():
    x, y = views(k=5)
    both = of_frames(x, y)
    found = cca.cca_of_large(both, cca.factor(both.xx, TINY), cca.factor(both.yy, TINY))
    assert found == pytest.approx(naive(x, y).mean(), abs=1e-7)


def test_a_layer_is_as_similar_to_itself_as_the_ridge_allows():
    x, _ = views()
    both = of_frames(x, x)
    values = np.linalg.eigvalsh(both.xx)
    expected = (values / (values + 0.01 * values.mean())).mean()
    upper = cca.factor(both.xx, 0.01)
    assert cca.cca_of_large(both, upper, upper) == pytest.approx(expected, abs=1e-10)


def test_a_constant_layer_is_similar_to_none():
    x, y = views()
    assert np.isnan(cca.cca_of_large(of_frames(x, y), cca.factor(np.zeros((6, 6))), None))


def test_some_columns_of_y_and_no_projection_leave_the_rest_as_it_is():
    xy = np.arange(6.0).reshape(2, 3)
    whole = Covariance(n=5, xx=np.eye(2), yy=np.diag([1.0, 2.0, 3.0]), xy=xy)
    part = whole.take([2, 0])
    assert part.yy.tolist() == [[3.0, 0.0], [0.0, 1.0]]
    assert part.xy.tolist() == [[2.0, 0.0], [5.0, 3.0]]
    same = projected(whole, None, None)
    assert (same.xx == whole.xx).all()
    assert (same.yy == whole.yy).all()
    assert (same.xy == whole.xy).all()
