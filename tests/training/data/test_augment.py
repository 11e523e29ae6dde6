import numpy as np
import pytest

from sertools.errors import AuditError, CorpusError
from sertools.training.data.augment import augmenter

SIGNAL = np.random.default_rng(0).normal(0, 0.1, 4000).astype(np.float32)


def drawn(names, share=1.0, *, seed=0, shortest=1):
    found = augmenter(names, share, seed=seed, shortest=shortest)
    assert found is not None
    return found


def test_a_clip_is_changed_by_its_name_its_epoch_and_the_seed_alone():
    change = drawn(["white_noise@20"])
    first = change(SIGNAL, 16000, "a", 0)
    np.testing.assert_array_equal(first, change(SIGNAL, 16000, "a", 0))
    for other in (change(SIGNAL, 16000, "b", 0), change(SIGNAL, 16000, "a", 1)):
        assert not np.array_equal(first, other)
    assert not np.array_equal(first, drawn(["white_noise@20"], seed=1)(SIGNAL, 16000, "a", 0))
    noise = (first - SIGNAL).astype(float)
    assert 10 * np.log10(np.mean(SIGNAL**2) / np.mean(noise**2)) == pytest.approx(20, abs=0.1)


def test_the_share_of_the_clips_is_changed_and_each_perturbation_is_drawn():
    change = drawn(["gain@3", "gain@-3"], 0.4)
    gains = [float(change(SIGNAL, 16000, f"clip {i}", 0)[0] / SIGNAL[0]) for i in range(1000)]
    unchanged = np.isclose(gains, 1)
    # 1000 draws: a share differs from .4 by .015 (one standard error)
    assert unchanged.mean() == pytest.approx(0.6, abs=0.05)
    louder = np.isclose(gains, 10 ** (3 / 20), rtol=1e-4)
    assert louder.mean() == pytest.approx(0.2, abs=0.05)
    assert (unchanged | louder | np.isclose(gains, 10 ** (-3 / 20), rtol=1e-4)).all()


def test_a_clip_that_would_become_too_short_stays_as_it_is():
    change = drawn(["crop_beginning@500"], shortest=3999)
    np.testing.assert_array_equal(change(SIGNAL, 16000, "a", 0), SIGNAL)


def test_nothing_changes_without_perturbations():
    assert augmenter([], 0.5, seed=0, shortest=1) is None
    assert augmenter(["gain"], 0.0, seed=0, shortest=1) is None


def test_unknown_perturbations_and_those_that_need_recordings_are_refused():
    with pytest.raises(AuditError, match="did you mean 'gain'"):
        augmenter(["gian"], 0.5, seed=0, shortest=1)
    with pytest.raises(CorpusError, match="babble needs other clips, which training does not provide"):
        augmenter(["babble"], 0.5, seed=0, shortest=1)
