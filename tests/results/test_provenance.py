import pytest

from sertools.results.provenance import NOT_OPENED, corpora_differ, fingerprint_of
from tests.helpers.comparisons import result


@pytest.mark.parametrize(
    ("one", "other", "differ"),
    [("a", "a", False), ("a", "b", True), ("a", NOT_OPENED, False), (NOT_OPENED, NOT_OPENED, False)],
)
def test_corpora_differ_only_if_both_fingerprints_are_known(one, other, differ):
    assert corpora_differ(result(sound=one), result(sound=other)) == differ


def test_a_fingerprint_that_is_not_stored_is_empty():
    assert fingerprint_of(result(sound="abc")) == "abc"
    assert fingerprint_of(result(sound=NOT_OPENED)) == ""
    assert fingerprint_of(result(), "model_fingerprint") == ""
