"""The published table says here what it says at its source."""

import pandas as pd
import pytest

from sertools.perturbations.selection import select
from sertools.results.published import ser_tests
from tests.helpers.places import ROOT

SHARED = ROOT.parent / "shared" / "reference" / "ser_tests_results.csv"


def test_the_range_is_that_of_the_published_rows():
    # read off the table at the source: axlstm has .75, wavlm 1.0
    found = ser_tests.unchanged_ratio("iemocap", "additive_tone@drawn", "arousal")
    assert found == ser_tests.Range(low=0.75, high=1.0, models=11)


def test_white_noise_of_small_changes_is_not_the_background_noise():
    small = ser_tests.unchanged_ratio("msp-test1", "white_noise@drawn", "arousal")
    loud = ser_tests.unchanged_ratio("msp-test1", "white_noise@20dB", "arousal")
    assert small is not None
    assert loud is not None
    assert small.low > loud.low
    assert small.high > loud.high


def test_nothing_is_said_where_nothing_matches():
    assert ser_tests.unchanged_ratio("emodb", "gain@drawn", "arousal") is None
    assert ser_tests.unchanged_ratio("iemocap", "gain@-1dB", "arousal") is None
    assert ser_tests.unchanged_ratio("iemocap", "gain@drawn", "anger") is None
    assert ser_tests.unchanged_ratio("my corpus", "gain@drawn", "arousal") is None


def test_random_models_do_not_widen_a_range():
    found = ser_tests.unchanged_ratio("iemocap", "gain@drawn", "arousal")
    assert found is not None
    assert found.low > 0.5, "the random model's is .18"


@pytest.mark.parametrize("condition", sorted(ser_tests.CHANGES))
def test_every_condition_is_one_that_ser_tests_asks_for_and_that_was_published(condition):
    assert condition in {str(c) for c in select(["ser-tests"]).conditions}
    assert ser_tests.unchanged_ratio("iemocap", condition, "arousal") is not None
    assert ser_tests.unchanged_ratio("crema-d", condition, "emotion") is not None


def test_other_metrics_can_be_looked_up_too():
    # the best CCC of valence on MSP-Podcast test-1 among the 11 models of ser-tests
    found = ser_tests.published(
        "msp-test1", "correctness_regression", "concordance-correlation-coeff", "valence"
    )
    table = ser_tests.ser_tests()
    rows = table[
        (table["test"] == "correctness_regression")
        & (table["data"] == "msppodcast-2.6.1-emotion.dimensions.test-1.gold_standard")
        & (table["metric"] == "concordance-correlation-coeff")
        & (table["condition"] == "valence")
    ]
    assert found is not None
    assert found.high == rows["value"].max()


@pytest.mark.parametrize("model", ser_tests.models())
@pytest.mark.parametrize("corpus", sorted(ser_tests.CORPORA))
def test_no_two_published_values_have_the_same_name(model, corpus):
    found = [(v.audit, v.name, v.target, v.slice) for v in ser_tests.values(model, corpus)]
    assert len(found) == len(set(found))


def test_values_of_one_model_are_its_own_and_only_those():
    table = ser_tests.ser_tests()
    recalls = {v.target: v.value for v in ser_tests.values("wavlm-cat", "emodb") if v.name == "recall"}
    rows = table[
        (table["model"] == "wavlm-cat")
        & (table["metric"] == "recall-per-class")
        & table["data"].str.startswith("emodb")
    ]
    assert recalls == dict(zip(rows["column"], rows["value"], strict=True))
    assert set(recalls) == {"anger", "happiness", "neutral", "sadness"}
    assert ser_tests.values("wavlm-cat", "my corpus") == []


@pytest.mark.skipif(not SHARED.exists(), reason="the whole published table is not at hand")
def test_the_shipped_rows_are_those_of_the_source():
    whole, ours = pd.read_csv(SHARED), ser_tests.ser_tests()
    tests = ours["test"].unique()
    same = whole[whole["test"].isin(tests)].reset_index(drop=True)
    same["value"] = pd.to_numeric(same["value"])
    pd.testing.assert_frame_equal(ours, same)


def test_a_range_and_the_key_of_a_value_are_those_of_sertools():
    assert str(ser_tests.Range(low=0.7, high=1.0, models=11)) == "0.70 to 1.00 (11 models)"
    value = ser_tests.Value(
        audit="correctness", name="ccc", target="arousal", slice="all", value=0.5, data="d"
    )
    assert value.key.label == "ccc of arousal"


def test_the_corpora_of_a_published_model_have_names_of_sertools():
    assert ser_tests.corpora_of("w2v2-L-robust") == ["iemocap", "msp-test1", "msp-test2"]
