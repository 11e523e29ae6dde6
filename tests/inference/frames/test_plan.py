"""How sums over frames are divided over passes."""

from sertools.inference.frames.plan import BUDGET, passes
from sertools.tables.frame_sums import FrameSumsNeeded


def test_the_passes_hold_every_sum_once_and_keep_to_the_budget():
    wanted = FrameSumsNeeded(levels=("frame", "word"), between_layers=True)
    shapes = passes(wanted, [(0.0, 0.02, 50)] * 25, [1024] * 25, 3 * 2**29)
    assert sorted(i for shape in shapes for i in shape.whole) == list(range(25))
    pairs = [pair for shape in shapes for pair in shape.pairs]
    assert len(pairs) == len(set(pairs)) == 25 * 24 // 2
    for shape in shapes:
        between = 8 * len(shape.levels) * 1024**2 * len(shape.pairs)
        assert 8 * shape.size + between < 1.02 * 3 * 2**29  # what is beside the products is small
    # 25 layers of 1024 dimensions without products between them take one pass, whatever the corpus
    (one,) = passes(FrameSumsNeeded(), [(0.0, 0.02, 50)] * 25, [1024] * 25, BUDGET)
    assert 8 * one.size < 0.25 * 2**30
