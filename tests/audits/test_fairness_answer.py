"""What the audit of fairness answers in one sentence."""

import pytest
from sertools.audits.fairness.chance import ChanceRow
from sertools.audits.fairness.presentation import answer

from sertools.results.result import Finding
from sertools.statistics.permutation import NullGap


@pytest.mark.parametrize(
    ("p_values", "said"),
    [
        ((0.001, 0.5, 0.6), "the model works better for women, female − male = 0.16 [0.03, 0.28]."),
        ((0.04, 0.5, 0.6), "neither sex is shown to have a better score when all gaps are tested together."),
    ],
)
def test_the_largest_of_several_gaps_is_not_named_on_its_own_interval_alone(p_values, said):
    found = [
        Finding(name="sex_score", target=target, value=value, low=low, high=high, n=288)
        for target, value, low, high in (
            ("arousal", 0.16, 0.03, 0.28), ("dominance", 0.03, -0.1, 0.15), ("valence", 0.06, -0.1, 0.23),
        )
    ]  # fmt: skip
    rows = [
        ChanceRow(column="sex", target=target, test=NullGap(observed=0.1, p_value=p), clips=288, speakers=16)
        for target, p in zip(("arousal", "dominance", "valence"), p_values, strict=True)
    ]
    assert said in answer(found, rows)
