import pytest

from sertools.tables import egemaps


def test_the_groups_hold_the_22_features_of_the_paper_once_each():
    assert [len(names) for names in egemaps.GROUPS.values()] == [2, 5, 9, 2, 4]
    assert len(set(egemaps.FEATURES)) == len(egemaps.FEATURES) == 25


def test_opensmile_has_every_feature():
    opensmile = pytest.importorskip("opensmile", reason="opensmile is not installed: pip install opensmile")
    smile = opensmile.Smile(
        feature_set=opensmile.FeatureSet.eGeMAPSv02,
        feature_level=opensmile.FeatureLevel.LowLevelDescriptors,
    )
    assert set(egemaps.FEATURES) == set(smile.feature_names)


def test_a_group_is_found_wherever_its_features_stand():
    features = egemaps.FEATURES[::-1]
    at = egemaps.columns(features)
    assert [features[i] for i in at["voice quality"]] == ["shimmerLocaldB_sma3nz", "jitterLocal_sma3nz"]
    assert len(at[egemaps.PARALINGUISTIC]) == 18
    assert not set(at[egemaps.PARALINGUISTIC]) & set(at["MFCC"])
    assert at[egemaps.ALL] == list(range(25))


def test_unknown_features_are_in_no_group():
    assert egemaps.columns(["something else"]) == {}
