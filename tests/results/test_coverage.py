"""The share of the clips that a model answered, as results tell it."""

from sertools.results.coverage import coverages
from sertools.results.result import Finding
from tests.helpers.report_results import small_result


def covered(target: str, value: float, part: str = "all") -> Finding:
    return Finding(name="coverage", target=target, slice=part, value=value, n=100, reason="counted")


def test_the_lowest_coverage_of_a_target_on_clean_audio_counts():
    one = small_result(findings=[covered("arousal", 0.9), covered("emotion", 1.0)])
    other = small_result(findings=[covered("arousal", 0.8), covered("arousal", 0.1, "white_noise@20dB")])
    assert {target: f.value for target, f in coverages([one, other]).items()} == {
        "arousal": 0.8,
        "emotion": 1.0,
    }
    assert {target: f.value for target, f in coverages([other, one]).items()} == {
        "arousal": 0.8,
        "emotion": 1.0,
    }
    assert coverages([small_result()]) == {}
