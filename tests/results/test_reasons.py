"""Reasons that programs act on are recognised by their code, in old files by the sentences of that time."""

import json

import pytest

from sertools.auditing.findings import finding
from sertools.metrics.better_than_chance import NOT_BETTER
from sertools.results.reasons import IGNORED, WITHOUT_CODE, is_ignored, not_better_than_constant
from sertools.results.result import Finding, Limit
from sertools.statistics.jackknife import Estimate

VALUE = Estimate(value=0.1, low=0.0, high=0.2, n=9, units=5, reason="")


@pytest.mark.parametrize(
    ("withheld", "code"),
    [
        (NOT_BETTER, "not_better_than_constant"),
        (f"predictions do not vary: {NOT_BETTER}", "not_better_than_constant"),
        ("fewer than 5 speakers", None),
        ("", None),
    ],
)
def test_a_finding_that_is_withheld_from_a_useless_model_has_the_code(withheld, code):
    found = finding("spread", VALUE, by_speaker=True, withheld=withheld)
    assert found.reason_code == code
    assert not_better_than_constant(found) == (code is not None)


def test_the_code_counts_whatever_the_sentence_is():
    said = Finding(
        name="a", value=None, n=0, reason="another sentence", reason_code="not_better_than_constant"
    )
    assert not_better_than_constant(Finding.model_validate_json(said.model_dump_json()))


@pytest.mark.parametrize("sentence", WITHOUT_CODE)
def test_a_file_without_codes_is_read_and_recognised_by_the_sentence_of_its_time(sentence):
    stored = json.loads(Finding(name="a", value=0.1, n=2, reason=f"{sentence}; and more").model_dump_json())
    del stored["reason_code"]
    assert not_better_than_constant(Finding.model_validate(stored))
    stored["reason"] = "the interval crosses the limit"
    assert not not_better_than_constant(Finding.model_validate(stored))


def test_a_finding_that_a_gate_file_ignores_is_known_by_its_reason():
    ignored = Finding(name="a", value=0.1, n=2, reason=f"{IGNORED}because")
    assert is_ignored(ignored)
    assert not is_ignored(ignored.model_copy(update={"limit": Limit(name="a", above=0.5)}))
    assert not is_ignored(Finding(name="a", value=0.1, n=2, reason="because"))
