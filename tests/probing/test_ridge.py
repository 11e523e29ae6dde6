"""Ridge with its left-out groups, against scikit-learn fitting everything anew."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import LeaveOneGroupOut

from sertools.errors import AuditError
from sertools.probing.ridge import STRENGTHS, fit_ridge


def drawn(n, d, k=2, groups=6, seed=0):
    rng = np.random.default_rng(seed)
    features = rng.normal(3, 2, (n, d)) @ rng.normal(size=(d, d))
    values = features @ rng.normal(size=(d, k)) / d + rng.normal(size=(n, k))
    return features, values, rng.integers(groups, size=n), rng.uniform(0.5, 2, n)


def standardised(features, weight):
    mean = np.average(features, axis=0, weights=weight)
    return (features - mean) / np.sqrt(np.average((features - mean) ** 2, axis=0, weights=weight))


@pytest.mark.parametrize(("n", "d"), [(60, 5), (60, 100), (400, 12)])
@pytest.mark.parametrize("strength", [1e-2, 1.0, 100.0])
def test_it_is_scikit_learns_ridge_with_each_group_left_out(n, d, strength):
    features, values, group, weight = drawn(n, d)
    fitted = fit_ridge(features, values, group, weight=weight, strengths=(strength,))
    z = standardised(features, weight)
    eigenvalues = np.linalg.eigvalsh((z * weight[:, None]).T @ z)
    alpha = strength * eigenvalues[eigenvalues > 1e-10 * eigenvalues.max()].mean()
    theirs = Ridge(alpha=alpha, solver="svd").fit(z, values, sample_weight=weight)
    assert fitted.predict(features) == pytest.approx(theirs.predict(z), abs=1e-7)
    left_out = np.empty_like(values)
    for train, test in LeaveOneGroupOut().split(z, values, group):
        part = Ridge(alpha=alpha, solver="svd").fit(z[train], values[train], sample_weight=weight[train])
        left_out[test] = part.predict(z[test])
    assert fitted.left_out == pytest.approx(left_out, abs=1e-7)
    error = np.average((values - left_out) ** 2, axis=0, weights=weight)
    assert fitted.error == pytest.approx(error, abs=1e-7)


def test_the_strength_is_the_one_with_the_least_error_in_left_out_groups():
    features, values, group, _ = drawn(80, 60)
    chosen = fit_ridge(features, values, group)
    each = np.array([fit_ridge(features, values, group, strengths=(s,)).error for s in STRENGTHS])
    assert chosen.strength.tolist() == [STRENGTHS[i] for i in each.argmin(axis=0)]
    assert chosen.error == pytest.approx(each.min(axis=0))
    together = fit_ridge(features, values, group, together=True)
    assert set(together.strength) == {STRENGTHS[each.sum(axis=1).argmin()]}


def test_noise_gets_the_strongest_and_an_exact_line_the_weakest():
    rng = np.random.default_rng(1)
    features, group = rng.normal(size=(300, 20)), np.arange(300) % 10
    assert fit_ridge(features, rng.normal(size=(300, 1)), group).strength[0] >= 100
    assert fit_ridge(features, features[:, :1] * 2, group).strength[0] == STRENGTHS[-1]


def test_constant_and_doubled_features_change_nothing_but_the_penalty():
    features, values, group, _ = drawn(50, 4)
    plain = fit_ridge(features, values, group)
    constant = np.column_stack([features, np.full(50, np.float32(0.1), dtype=np.float32)])
    padded = fit_ridge(constant, values, group)
    assert padded.left_out == pytest.approx(plain.left_out, abs=1e-9)
    assert padded.coefficients[-1] == pytest.approx(0, abs=1e-12)
    tiny = (1e-12,)
    doubled = fit_ridge(np.column_stack([features, features]), values, group, strengths=tiny)
    alone = fit_ridge(features, values, group, strengths=tiny)
    assert doubled.left_out == pytest.approx(alone.left_out, abs=1e-6)


def test_features_that_are_all_constant_give_the_mean_of_the_other_groups():
    values = np.array([[1.0], [2.0], [3.0], [6.0]])
    fitted = fit_ridge(np.zeros((4, 3)), values, np.array([0, 0, 1, 1]))
    assert fitted.left_out[:, 0].tolist() == pytest.approx([4.5, 4.5, 1.5, 1.5])
    assert fitted.predict(np.ones((1, 3))).tolist() == [[3.0]]


def test_the_order_of_clips_changes_nothing():
    features, values, group, weight = drawn(70, 90)
    order = np.random.default_rng(3).permutation(70)
    one = fit_ridge(features, values, group, weight=weight)
    other = fit_ridge(features[order], values[order], group[order], weight=weight[order])
    assert other.left_out == pytest.approx(one.left_out[order], abs=1e-7)


def test_one_group_cannot_be_left_out():
    with pytest.raises(AuditError, match="one group"):
        fit_ridge(np.ones((3, 1)), np.ones((3, 1)), np.zeros(3))
