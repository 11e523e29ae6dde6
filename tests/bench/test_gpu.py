import pytest

from tests.bench.gpu import rounds, timed


def test_signals_are_grouped_in_order():
    assert rounds([1, 2, 3, 4, 5], 2) == [[1, 2], [3, 4], [5]]


@pytest.mark.parametrize("limit_s", [0.0, 0.02])
def test_time_is_measured_until_it_is_over_and_counts_the_samples_computed_in_it(limit_s):
    seen = []
    seconds, samples = timed(seen.append, [[[0] * 10], [[0] * 30, [0] * 2]], "cpu", limit_s)
    assert seconds > limit_s
    computed = seen[1:]  # the first one is not measured
    assert samples == sum(len(signal) for group in computed for signal in group)
    assert [len(group) for group in seen[:3]] == [1, 1, 2][: len(seen)]
