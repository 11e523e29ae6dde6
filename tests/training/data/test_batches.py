import numpy as np

from sertools.training.data.batches import Batches, collate, key_of

LENGTHS = np.random.default_rng(0).integers(1000, 9000, 103)


def test_an_epoch_has_every_clip_once_in_an_order_of_its_own():
    batches = Batches(lengths=LENGTHS, size=8, seed=1)
    first = list(batches)
    batches.begin(1)
    second = list(batches)
    for epoch, found in enumerate((first, second)):
        assert sorted(row for batch in found for row, _ in batch) == list(range(103))
        assert {number for batch in found for _, number in batch} == {epoch}
    assert [row for batch in first for row, _ in batch] != [row for batch in second for row, _ in batch]
    assert len(first) == len(batches) == 13
    batches.begin(0)
    assert list(batches) == first


def test_a_last_clip_alone_joins_the_batch_before():
    sizes = [len(batch) for batch in Batches(lengths=LENGTHS[:17], size=8, shuffled=False)]
    assert sizes == [8, 9]


def test_clips_of_a_batch_are_of_similar_length():
    def padded(batches):
        return sum(len(batch) * max(LENGTHS[row] for row, _ in batch) for batch in batches)

    ordered = padded(Batches(lengths=LENGTHS, size=8, shuffled=False))
    assert padded(Batches(lengths=LENGTHS, size=8)) < 1.1 * LENGTHS.sum() < ordered


def test_batches_by_samples_stay_below_their_limit():
    batches = Batches(lengths=LENGTHS, size=8, samples=30_000, seed=2)
    found = list(batches)
    assert all(len(batch) * max(LENGTHS[row] for row, _ in batch) <= 30_000 for batch in found)
    assert sorted(row for batch in found for row, _ in batch) == list(range(103))
    batches.begin(7)
    assert len(list(batches)) == len(found)


def test_shorter_clips_are_followed_by_zeros_or_by_themselves():
    items = [
        {"signal": np.arange(1, n + 1, dtype=np.float32), "key": key_of(str(n)), "epoch": 0} for n in (5, 2)
    ]
    assert collate(items)["signals"].tolist() == [[1, 2, 3, 4, 5], [1, 2, 0, 0, 0]]
    assert collate(items, "repeat")["signals"].tolist() == [[1, 2, 3, 4, 5], [1, 2, 1, 2, 1]]
    assert collate(items)["lengths"].tolist() == [5, 2]
