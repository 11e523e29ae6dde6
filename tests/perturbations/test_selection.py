"""Names of sets, perturbations and levels become conditions."""

import pytest

from sertools.errors import AuditError
from sertools.perturbations.registry import perturbations
from sertools.perturbations.selection import select
from sertools.tables.condition import Condition


def names(*given, **options):
    return [str(condition) for condition in select(given, **options).conditions]


def test_small_is_the_eight_of_the_paper_with_levels_drawn():
    assert set(names("small")) == {
        "additive_tone@drawn",
        "append_zeros@drawn",
        "clip@drawn",
        "crop_beginning@drawn",
        "gain@drawn",
        "highpass@drawn",
        "lowpass@drawn",
        "white_noise@drawn",
    }


def test_ser_tests_is_ten_small_changes_and_six_larger_without_recordings():
    found = names("ser-tests")
    assert sum(name.endswith("@drawn") for name in found) == 10
    assert set(names("small")) < set(found)
    assert [name for name in found if not name.endswith("@drawn")] == [
        "spectral_tilt_down@3dB/octave",
        "spectral_tilt_up@3dB/octave",
        "babble@20dB",
        "white_noise@20dB",
        "low_quality_phone@25dB",
        "simulated_room@0.6s",
    ]


def test_all_is_every_perturbation_or_says_why_not():
    found = select(["all"])
    assert len(found.conditions) + len(found.absent) == len(perturbations())


@pytest.mark.parametrize("name", ["white_noise@20", "white_noise@20dB", "white_noise@20.0"])
def test_a_level_may_be_written_with_its_unit(name):
    assert select([name]).conditions == (Condition(perturbation="white_noise", level=20.0, unit="dB"),)


def test_what_is_named_twice_is_asked_once():
    assert names("gain", "small").count("gain@drawn") == 1


def test_folders_bring_the_perturbations_that_need_them():
    found = select(["ser-tests"], noise_dir="noises", rir_dir="rooms")
    assert not found.absent
    folders = {str(c): c.folder for c in found.conditions if c.folder}
    assert folders == {"recorded_noise@20dB": "noises", "recorded_room@100%": "rooms"}


def test_only_what_is_random_is_repeated():
    assert names("gain", "gain@2", "white_noise@20", draws=2) == [
        "gain@drawn",
        "gain@drawn#1",
        "gain@2dB",
        "white_noise@20dB",
        "white_noise@20dB#1",
    ]


def test_a_ladder_holds_all_levels_from_mild_to_severe():
    found = select(["gain@2"], ladder=True)
    assert [c.level for c in found.ladders["gain"]] == [-1, -2, -5, -10, -20, -30]
    assert len(found.every) == 7


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["gian"], "unknown set or perturbation 'gian'.*did you mean 'gain'"),
        (["smal"], "did you mean 'small'"),
        (["gain@loud"], "'gain@loud' has no valid level.*levels are in dB"),
        (["clip@200"], "clip accepts levels from 0 to 100"),
        (["nothing@3"], "unknown perturbation 'nothing'"),
        (["recorded_room"], "recorded_room needs impulse responses: give their folder with --rir-dir"),
        ([], "no perturbation was given"),
    ],
)
def test_what_makes_no_sense_is_refused(given, message):
    with pytest.raises(AuditError) as error:
        select(given)
    assert error.match(message)


def test_less_than_one_repeat_is_refused():
    with pytest.raises(AuditError, match="0 random draws"):
        select(["gain"], draws=0)
