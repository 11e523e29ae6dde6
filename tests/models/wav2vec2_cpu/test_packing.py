from itertools import chain

import pytest
import torch

from sertools.models.wav2vec2_cpu.packing import LARGEST, SIZES, blocks, filled, packs, same_bits


def test_each_clip_is_in_one_pack_and_no_pack_is_larger_than_its_room():
    frames = [int(n) for n in torch.randint(1, 400, (200,), generator=torch.Generator().manual_seed(0))]
    for threads in (1, 2, 8):
        found = packs(frames, SIZES, threads)
        assert sorted(chain(*found)) == list(range(200))
        assert max(sum(frames[i] for i in pack) for pack in found) <= LARGEST * SIZES[0]
        assert len(found) >= min(threads, sum(frames) // SIZES[0])


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_packs_are_few_and_the_threads_have_as_much_to_do(threads):
    frames = [1 + (37 * i) % 280 for i in range(100)]
    found = packs(frames, SIZES, threads)
    assert len(found) % threads == 0
    assert len(found) < sum(frames) / (LARGEST * SIZES[0]) + threads
    rows = [sum(frames[i] for i in pack) for pack in found]
    assert max(rows) - min(rows) <= 20  # the shortest clips come last and fill what is left


def test_a_clip_that_is_longer_than_a_pack_is_alone():
    assert packs([5000, 10, 20], SIZES, 1) == [[0], [2, 1]]


def test_where_clips_do_not_fit_together_there_are_more_packs():
    assert packs([1600] * 3, SIZES, 2) == [[0], [1], [2]]
    assert len(packs([1100] * 11, SIZES, 4)) == 6
    assert [len(pack) for pack in packs([50] * 200 + [15_000], SIZES, 2)] == [1, 50, 50, 50, 50]
    assert packs([], SIZES, 2) == []


def test_few_clips_are_shared_by_the_threads():
    assert len(packs([200] * 4, SIZES, 2)) == 2
    assert len(packs([150] * 4, (768,), 2)) == 1, "where blocks are large, half a block is no use"


def test_blocks_cover_all_rows_with_allowed_sizes_only():
    for rows in (1, 63, 64, 65, 768, 769, 1023, 3000):
        for sizes in (SIZES, (768,)):
            found = list(blocks(rows, sizes))
            assert [stop - start for start, stop in found if stop - start not in sizes] == []
            assert [start for start, _ in found] == [0, *(stop for _, stop in found[:-1])]
            assert rows <= found[-1][1] == filled(rows, sizes) < rows + sizes[-1]


def test_a_product_whose_rows_keep_their_bits_is_found_at_every_size():
    assert same_bits(lambda states: states * 3, 8) == SIZES


def test_a_product_that_depends_on_the_place_of_a_row_has_no_size():
    def placed(states):
        return states + torch.arange(len(states))[:, None] * 1e-3

    assert same_bits(placed, 8) == ()


def test_a_product_that_depends_on_a_neighbour_has_no_size():
    assert same_bits(lambda states: states + 1e-3 * states.roll(1, 0), 8) == ()


def test_sizes_at_which_a_product_rounds_otherwise_are_left_out():
    def rounded(states):
        return states.bfloat16().float() if len(states) == 64 else states

    assert same_bits(rounded, 8) == tuple(size for size in SIZES if size != 64)
