import json

import pytest

import sertools
from sertools.errors import AuditError
from sertools.results.result import Finding, Limit
from tests.helpers.report_results import small_result


@pytest.fixture
def results(tmp_path):
    """A folder with a failed and a skipped finding of one audit."""
    limit = Limit(name="sex_score", above=-0.15, below=0.15, source="a paper")
    findings = [
        Finding(name="sex_score", target="arousal", slice="female-male", value=0.3, low=0.2, high=0.4, n=50,
                speakers=5, limit=limit, verdict="fail"),
        Finding(name="sex_score", target="valence", value=None, n=50, verdict="skipped", reason="no raters"),
    ]  # fmt: skip
    found = small_result(audit="fairness", findings=findings)
    (tmp_path / "fairness.json").write_text(found.to_json(), encoding="utf-8")
    assert json.loads((tmp_path / "fairness.json").read_text())
    return tmp_path


def test_a_measure_has_its_formula_its_source_and_its_limit():
    text = str(sertools.explain("fairness.sex_score"))
    assert "CCC_female − CCC_male" in text
    assert "Wagner et al. 2023, Eq. 1" in text
    assert "Limit: −0.15 … 0.15 (audEERING ser-tests" in text


def test_a_metric_is_explained_by_its_own_documentation():
    found = sertools.explain("correctness.ccc")
    assert "2 s_tp / (s_t² + s_p² + (m_t − m_p)²), moments divided by n." in " ".join(found.meaning)
    assert found.limits == ["> 0.5 (audEERING ser-tests)"]
    assert found.outcomes == []


@pytest.mark.parametrize(
    "words",
    ["sex_score", "fairness.sex_score", "sex score", "sex_score of arousal, female-male",
     "arousal, sex score (female − male)", "arousal, sex score (another)"],
)  # fmt: skip
def test_a_finding_is_named_as_in_results_or_as_in_a_report(results, words):
    found = sertools.explain(words, results)
    assert (found.audit, found.name) == ("fairness", "sex_score")


def test_the_outcome_has_interval_verdict_clips_and_reason(results):
    assert sertools.explain("sex_score", results).outcomes == [
        "default on voices: arousal, sex score (female − male): 0.300 (95 % interval [0.200, 0.400]), "
        "✗ fail. On 50 clips of 5 speakers.",
        "default on voices: valence, sex score: not measured, – skipped. On 50 clips. Reason: no raters.",
    ]
    assert sertools.explain("ccc", results).outcomes == ["These results have no such finding of correctness."]


def test_a_measure_that_no_audit_has_is_one_sentence():
    with pytest.raises(AuditError, match="no audit reports 'fairness.nonsense'"):
        sertools.explain("fairness.nonsense")
