import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sertools.audits.slices import first_half, losses_of
from sertools.audits.slices.conditions import Condition, conditions, searched, with_predicted_sex
from sertools.audits.slices.confirm import excess
from sertools.audits.slices.search import Losses, search

from sertools.auditing.audit import load
from sertools.errors import AuditError
from sertools.randomness import identity_rng
from sertools.results.result import Verdict
from sertools.selftest import toy_corpus
from sertools.tables.pairs import pairs
from tests.helpers.audits import run

AUDIT = load("slices")


@pytest.fixture(scope="module")
def oracle():
    return toy_corpus.answers("oracle", toy_corpus.clips(speakers=16, per_speaker=30))


def drawn(rng, n=400, units=10, strata=3):
    loss = rng.integers(0, 2, n).astype(float)
    return Losses(loss=loss, stratum=rng.integers(0, strata, n), unit=np.arange(n) % units)


def naive_excess(losses, inside):
    total = weight = 0.0
    for k in np.unique(losses.stratum):
        here = losses.stratum == k
        a, b = here & inside, here & ~inside
        if a.any() and b.any():
            total += a.sum() * (losses.loss[a].mean() - losses.loss[b].mean())
            weight += a.sum()
    return total / weight


def test_excess_is_that_of_a_naive_implementation_and_its_jackknife_too():
    rng = np.random.default_rng(1)
    losses = replace(drawn(rng), loss=rng.random(400))
    inside = rng.random(400) < 0.2
    found, _ = excess(losses, inside)
    assert found.value == pytest.approx(naive_excess(losses, inside), abs=1e-12)
    without = [
        naive_excess(
            replace(losses.take(losses.unit != u), unit=losses.unit[losses.unit != u]),
            inside[losses.unit != u],
        )
        for u in range(10)
    ]
    half = 2.262157162740992 * np.sqrt(9 * np.var(without))  # t.975 with 9 degrees of freedom
    assert (found.low, found.high) == pytest.approx((found.value - half, found.value + half), abs=1e-9)


def test_a_slice_of_hard_emotions_has_no_excess():
    # every clip of stratum 1 is wrong, none of stratum 0, in and outside the slice
    stratum = np.arange(200) % 2
    losses = Losses(loss=stratum.astype(float), stratum=stratum, unit=np.arange(200) // 20)
    found, p_value = excess(losses, (stratum == 1) | (np.arange(200) % 20 < 4))
    assert found.value == 0
    assert p_value == pytest.approx(0.5)


def test_no_errors_do_not_give_an_interval_of_width_0():
    losses = Losses(loss=np.zeros(100), stratum=np.zeros(100, dtype=int), unit=np.arange(100) // 10)
    found, _ = excess(losses, np.arange(100) % 10 < 3)
    assert found.value == 0
    assert found.low < 0 < found.high


def test_intervals_that_hold_together_are_wider():
    rng = np.random.default_rng(0)
    losses, inside = drawn(rng), rng.random(400) < 0.2
    alone, together = excess(losses, inside)[0], excess(losses, inside, tests=5)[0]
    assert together.low < alone.low
    assert together.high > alone.high


def test_search_gives_the_excess_of_every_slice_as_a_loop_does():
    rng = np.random.default_rng(2)
    losses = drawn(rng, strata=1)
    named = [Condition("a", "=", "x"), Condition("b", "=", "y"), Condition("c", "=", "z")]
    holds = rng.random((400, 3)) < 0.5
    found = search(losses, named, holds, wanted=6, depth=2)
    assert found.searched == 6
    for each in found.slices:
        mask = holds[:, [named.index(c) for c in each.conditions]].all(axis=1)
        expected = losses.loss[mask].mean() - losses.loss[~mask].mean()
        assert each.excess == pytest.approx(expected, abs=1e-12)
        assert each.clips == mask.sum()
    assert len(found.slices[0].conditions) == 1
    assert len(search(losses, named, holds, wanted=6, depth=1).slices) <= 3


def test_tested_slices_hardly_overlap(oracle):
    pair = pairs(AUDIT.plant(oracle, identity_rng(0)), "arousal")
    known = searched(oracle.clips, ())
    every = np.ones(pair.n, dtype=bool)
    named = conditions(known, every)
    holds = np.column_stack([each.holds(known) for each in named])
    found = search(losses_of(pair), named, holds, wanted=5, depth=2)
    masks = [holds[:, [named.index(c) for c in each.conditions]].all(axis=1) for each in found.slices]
    for a, b in itertools.combinations(masks, 2):
        assert (a & b).sum() <= 0.5 * min(a.sum(), b.sum())


def test_halves_share_no_speaker_have_equal_sexes_and_do_not_depend_on_the_order(oracle):
    pair = pairs(oracle, "emotion")
    half = first_half(pair, oracle, 3)
    rows = oracle.clips.loc[pair.clips]
    inside = rows[half].groupby("sex")["speaker"].nunique()
    assert inside.tolist() == [4, 4]
    assert not set(rows[half]["speaker"]) & set(rows[~half]["speaker"])
    order = np.random.default_rng(0).permutation(pair.n)
    moved = replace(pair, unit=pair.unit[order], clips=pair.clips[order], truth=pair.truth[order])
    assert set(moved.clips[first_half(moved, oracle, 3)]) == set(pair.clips[half])


def test_the_planted_slice_is_found_and_named(oracle):
    planted = AUDIT.plant(oracle, identity_rng(0, "plant"))
    result = run(AUDIT, planted, seed=0)
    worst = [f for f in result.findings if f.name == "worst_slice"]
    assert {f.verdict for f in worst} == {Verdict.FAIL}
    assert all(f.slice.startswith("level_dbfs<") for f in worst)
    assert "Emotion is worst where level_dbfs<" in result.answer
    assert {s.clip for s in result.sounds} <= set(
        oracle.clips.index[oracle.clips["level_dbfs"] < oracle.clips["level_dbfs"].quantile(0.35)]
    )


def test_conditions_cut_numbers_by_the_chosen_clips_and_text_by_value():
    clips = pd.DataFrame(
        {
            "measure": np.arange(100.0),
            "sex": ["female", "male"] * 50,
            "grade": [1, 2, 3, 4] * 25,
            "file": [f"{i}.wav" for i in range(100)],
            "transcript": ["go home"] * 99 + [None],
            "one": "same",
        }
    )
    known = searched(clips, ())
    assert (set(known.numbers), set(known.text), len(known.words)) == ({"measure"}, {"sex", "grade"}, 100)
    found = conditions(known, clips["measure"].to_numpy() < 50)
    texts = [str(each) for each in found]
    assert "sex=male" in texts
    assert "grade=3" in texts
    assert "word=home" in texts
    assert "measure<4.9" in texts
    assert next(c for c in found if str(c) == "measure<4.9").holds(known).sum() == 5
    assert next(c for c in found if str(c) == "word=home").holds(known).sum() == 99


def test_only_named_columns_are_searched_and_unknown_ones_are_refused(oracle):
    result = run(AUDIT, oracle, seed=0, options={"columns": ("sex", "language"), "depth": 1})
    slices = {row[1] for table in result.tables for row in table.rows}
    assert slices <= {"sex=female", "sex=male", "language=deu", "language=eng"}
    with pytest.raises(AuditError, match="no column 'sexx' to search"):
        run(AUDIT, oracle, seed=0, options={"columns": ("sexx",)})


@pytest.mark.parametrize(
    ("option", "message"), [({"slices": 0}, "at least one slice"), ({"depth": 3}, "one or two")]
)
def test_impossible_options_are_refused(option, message):
    with pytest.raises(AuditError, match=message):
        AUDIT.plan(option)


def test_sex_is_predicted_from_the_pitch_of_speakers_where_the_corpus_tells_none():
    clips = pd.DataFrame({"pitch_hz": [100.0, 200.0, 210.0, np.nan], "speaker": ["a", "a", "b", None]})
    predicted = with_predicted_sex(clips)["predicted_sex"]
    assert predicted[:3].tolist() == ["male", "male", "female"]
    assert predicted.isna().tolist() == [False, False, False, True]
    assert "predicted_sex" not in with_predicted_sex(clips.assign(sex="female"))


def test_a_corpus_without_columns_to_search_says_so():
    clips = toy_corpus.clips(speakers=12, per_speaker=10)[["file", "start", "end", "speaker", "emotion"]]
    result = run(AUDIT, toy_corpus.answers("oracle", clips), seed=0)
    assert result.answer.startswith("Not searched: no column divides the clips")
