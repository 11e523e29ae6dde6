import numpy as np
import pandas as pd
import pytest

from sertools.errors import AuditError
from sertools.inference.frames.cells import cells, groups, partners, union
from sertools.tables.frame_sums import FrameSumsNeeded


def clips(speakers, **columns):
    index = pd.Index([f"c{i}" for i in range(len(speakers))], name="clip")
    return pd.DataFrame({"speaker": speakers, **columns}, index=index)


def test_groups_are_balanced_by_clips_and_speakers_stay_together():
    codes = np.repeat(np.arange(5), [10, 7, 5, 4, 2])
    found = groups(codes, 2)
    # by hand: 10 | 7, then 5 to the second, 4 to the first, 2 to the second
    assert [set(found[codes == s].tolist()) for s in range(5)] == [{0}, {1}, {1}, {0}, {1}]
    assert np.bincount(found).tolist() == [14, 14]


def test_there_are_no_more_groups_than_speakers():
    assert groups(np.array([0, 0, 1]), 10).tolist() == [0, 0, 1]


def test_cells_are_groups_crossed_with_the_values_of_a_column():
    table, members = cells(
        clips(["a", "a", "b", "b", "b"], emotion=["anger", "fear", "anger", "anger", None]),
        FrameSumsNeeded(groups=2, by="emotion"),
    )
    rows = [tuple(row) for row in table.astype(object).where(table.notna(), None).to_numpy()]
    assert rows == [(0, 1, 2, "anger"), (0, 1, 1, None), (1, 1, 1, "anger"), (1, 1, 1, "fear")]
    assert [m.tolist() for m in members] == [[2, 3], [4], [0], [1]]


def test_every_clip_is_in_one_cell():
    rng = np.random.default_rng(0)
    of = clips(rng.integers(0, 30, 500).astype(str), emotion=rng.choice(["x", "y", None], 500))
    table, members = cells(of, FrameSumsNeeded(by="emotion"))
    assert sorted(np.concatenate(members).tolist()) == list(range(500))
    assert table["clips"].sum() == 500
    assert table.groupby("group")["speakers"].first().sum() == 30
    assert table["group"].nunique() == 10


def test_a_rating_is_no_category():
    with pytest.raises(AuditError, match="'arousal' has 60 values"):
        cells(clips(["a"] * 60, arousal=np.arange(60) / 60), FrameSumsNeeded(by="arousal"))


def test_the_partner_is_the_next_clip_of_another_speaker():
    codes = np.array([0, 0, 1, 1, 2])
    assert partners(codes, [True] * 5) == [2, 2, 4, 4, 0]
    assert partners(codes, [True, True, False, True, True]) == [3, 3, None, 4, 0]


def test_a_single_speaker_has_the_next_clip_and_a_single_clip_none():
    assert partners(np.zeros(3, dtype=int), [True] * 3) == [1, 2, 0]
    assert partners(np.zeros(3, dtype=int), [False, True, False]) == [None, None, None]
    assert partners(np.zeros(2, dtype=int), [False, False]) == [None, None]


def test_partners_agree_with_a_naive_search():
    rng = np.random.default_rng(0)
    codes, usable = np.sort(rng.integers(0, 6, 80)), rng.random(80) < 0.7
    found = partners(codes, usable.tolist())
    for i in range(80):
        onward = [(i + k) % 80 for k in range(1, 80)]
        wanted = next(j for j in onward if usable[j] and codes[j] != codes[i]) if usable[i] else None
        assert found[i] == wanted


def test_several_audits_share_what_their_cells_have_in_common():
    frame = FrameSumsNeeded(levels=("frame",))
    words = FrameSumsNeeded(levels=("frame", "word"), between_layers=True)
    emotions = FrameSumsNeeded(by="emotion")
    found = union([frame, emotions, words])
    assert list(found) == [(10, ""), (10, "emotion")]
    assert found[10, ""] == FrameSumsNeeded(levels=("frame", "word"), between_layers=True)
    assert found[10, "emotion"] == emotions
