"""Rules of a gate file that match nothing."""

import pytest

from sertools.errors import GateError
from sertools.results.verdicts.limits import Override
from sertools.results.verdicts.rules import check_known, unmatched
from tests.helpers.report_results import small_result


def rule(**changes) -> Override:
    return Override(**{"audit": "correctness", "name": "ccc", "above": 0.5, "why": "because", **changes})


@pytest.mark.parametrize(
    ("changes", "near"),
    [
        ({"name": "cc"}, "ccc"),
        ({"target": "arousl"}, "arousal"),
        ({"target": "arousal", "slice": "al"}, "all"),
    ],
)
def test_the_nearest_name_then_target_then_slice_is_offered(changes, near):
    with pytest.raises(GateError) as caught:
        check_known(rule(**changes), [small_result()])
    assert near in caught.value.hint


def test_a_rule_that_applies_to_some_models_only_is_told():
    others = [small_result(model={"name": f"m{i}"}, findings=[]) for i in range(7)]
    (said,) = unmatched([small_result(), *others], [rule()])
    assert said.startswith("the rule for correctness: ")
    assert said.endswith("applies to nothing of m0, m1, m2, m3, m4 and 2 more models")
    (said,) = unmatched([small_result(), *others[:2]], [rule(target="arousal")])
    assert said.endswith("applies to nothing of m0, m1")
    assert unmatched([small_result()], [rule()]) == []
    assert unmatched(others, [rule()]) == []
