import numpy as np
import pytest

from sertools.metrics import fingerprints
from sertools.metrics.fingerprints import BITS, FRAMES, QUIET_FRAME, codes, similar_pairs


def drawn(n, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.bytes(3 * FRAMES).hex() for _ in range(n)]


def flipped(fingerprint, share, seed=0):
    """The fingerprint with exactly this share of its bits the other way."""
    bits = codes(fingerprint).copy()
    at = np.random.default_rng(seed).permutation(len(bits))[: round(share * len(bits))]
    bits[at] *= -1
    return "".join(f"{word:06x}" for word in (bits.reshape(FRAMES, BITS) > 0) @ (1 << np.arange(BITS)[::-1]))


def test_bits_are_read_from_the_highest_down():
    found = codes("800001" + QUIET_FRAME + "ffffff").reshape(FRAMES, BITS)
    assert found[0].tolist() == [1, *[-1] * 22, 1]
    assert not found[1].any()
    assert (found[2] == 1).all()
    assert not found[3:].any()


def test_a_copy_agrees_fully_and_strangers_hardly():
    prints = drawn(20)
    assert similar_pairs(prints[:10], [prints[3], prints[15]]) == [(3, 0, 1.0)]
    assert similar_pairs(prints, least=0.2) == []


@pytest.mark.parametrize("share", [0.0, 0.05, 0.125, 0.2])
def test_agreement_is_one_minus_twice_the_share_of_different_bits(share):
    (original,) = drawn(1)
    ((_, _, agreement),) = similar_pairs([original], [flipped(original, share)], least=0)
    # tolerance: the share is rounded to a whole number of 3072 bits
    assert agreement == pytest.approx(1 - 2 * share, abs=1 / 3072)


def test_quiet_frames_do_not_count():
    (original,) = drawn(1)
    half = original[: 6 * 64] + QUIET_FRAME * 64
    assert similar_pairs([original], [half]) == [(0, 0, 1.0)]


def test_too_few_frames_say_nothing():
    (original,) = drawn(1)
    assert similar_pairs([original], [original[: 6 * 31]]) == []
    assert similar_pairs([original], [original[: 6 * 32]]) == [(0, 0, 1.0)]
    assert similar_pairs([QUIET_FRAME * FRAMES], [QUIET_FRAME * FRAMES]) == []


def test_pairs_within_are_named_once_and_never_with_themselves():
    prints = drawn(6)
    prints[4] = prints[1]
    assert similar_pairs(prints) == [(1, 4, 1.0)]


def test_blocks_change_nothing(monkeypatch):
    prints = drawn(11)
    prints[2], prints[10] = prints[9], flipped(prints[0], 0.1)
    whole = similar_pairs(prints), similar_pairs(prints[:4], prints[4:])
    assert len(whole[0]) == 2
    monkeypatch.setattr(fingerprints, "BLOCK", 3)
    assert (similar_pairs(prints), similar_pairs(prints[:4], prints[4:])) == whole


def test_nothing_is_like_nothing():
    assert similar_pairs([], drawn(2)) == similar_pairs([]) == []
