import pytest

from sertools.results.keys import FindingKey
from sertools.results.terms import names


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (FindingKey("worst_speaker", "arousal", "speaker=en-us+m1"), "arousal, worst speaker (en-us+m1)"),
        (FindingKey("sex_score", "arousal", "female-male"), "arousal, sex score (female − male)"),
        (FindingKey("ccc", "valence", "age=<30"), "valence, CCC (age <30)"),
        (FindingKey("max_minus_min", "valence", "sex=*"), "valence, max minus min (by sex)"),
        (
            FindingKey("unchanged_ratio", "all", "white_noise@drawn"),
            "unchanged ratio (white noise, drawn level)",
        ),
        (FindingKey("uar"), "UAR"),
        (FindingKey("coverage", "emotion"), "emotion, coverage"),
    ],
)
def test_findings_are_named_in_words(key, words):
    assert names.finding_words(key) == words


def test_names_of_the_data_are_kept_as_they_are():
    assert names.finding_words(FindingKey("ccc", "my_label", "speaker=a_b-1")) == "my_label, CCC (a_b-1)"


def test_minus_signs_are_set_before_numbers_only():
    assert names.with_minus_signs("-0.1 (-.5), a-1, 0-1, x=-1 -b") == "−0.1 (−.5), a-1, 0-1, x=-1 -b"


def test_a_slice_of_another_kind_is_kept_as_it_is():
    assert names.slice_words("worst layer") == "worst layer"
