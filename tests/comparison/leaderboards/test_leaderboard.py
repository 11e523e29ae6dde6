"""Who stands above whom, on boards that are made by hand."""

import numpy as np
import pytest

from sertools.comparison.leaderboards.leaderboard import CHECK, Entry, board
from sertools.comparison.leaderboards.places import places_sentence
from sertools.comparison.ranks import Ranks
from sertools.comparison.runs import Measure, run_of
from sertools.results.keys import FindingKey
from sertools.results.result import Finding, LeftOut, Limit, Verdict
from tests.helpers.comparisons import ccc, result


def entry(model, *results, corpus="voices", kind="huggingface") -> Entry:
    marked = [r.model_copy(update={"model": {"name": model, "kind": kind}}) for r in results]
    return Entry(model=model, corpus=corpus, run=run_of(model, marked))


def kept(value=0.1, name="ccc", target="arousal", seed=0, spread=0.001, **more) -> LeftOut:
    """Values without each of eight speakers, close to the value."""
    drawn = np.random.default_rng(seed).normal(value, spread, 8)
    return LeftOut(
        name=name, target=target, values=dict(zip("abcdefgh", drawn.tolist(), strict=True)), **more
    )


def scored(model, value, target="arousal", spread=0.001, **more) -> Entry:
    """A model with one score; its differences from others are sure unless its speakers spread."""
    seed = sum(map(ord, model))
    left = kept(value, target=target, seed=seed, spread=spread)
    return entry(
        model, result([ccc(value, value - 0.1, value + 0.1, target=target)], left_out=[left]), **more
    )


def places(group) -> dict:
    return {standing.entry.model: standing.place for standing in group.standings}


def test_models_that_do_not_differ_share_a_place_and_the_order_is_that_of_the_score():
    spread = {"a": 0.05, "b": 0.05, "c": 0.001}
    (group,) = board([scored(m, v, spread=spread[m]) for m, v in (("b", 0.2), ("a", 0.3), ("c", 0.9))])
    assert [(s.entry.model, str(s.places), s.score) for s in group.standings] == [
        ("c", "1", 0.9),
        ("a", "2–3", 0.3),
        ("b", "2–3", 0.2),
    ]
    assert (group.corpus, group.labels, group.order_by) == ("voices", "dimensions", "CCC of arousal")
    assert group.measures == {Measure("correctness", FindingKey("ccc", "arousal")): "higher"}
    assert group.summary == (
        "c has the highest CCC of arousal, 0.900, and is better beyond chance than all others with a place."
    )


def test_the_summary_names_five_models_and_counts_the_rest():
    (group,) = board([scored(name, 0.5, spread=0.1) for name in "abcdefgh"])
    assert group.summary == ("a, b, c, d, e and 3 more have the highest CCC of arousal, 0.500.")
    assert {s.place for s in group.standings} == {1}
    # b is shown to be better than c, and a is not: c is behind b, but not behind a
    ranks = {"a": Ranks(1, 3), "b": Ranks(1, 2), "c": Ranks(2, 3)}
    said = places_sentence({"a": 0.9, "b": 0.8, "c": 0.7}, ranks, {}, "UAR")
    assert said == "a has the highest UAR, 0.900; it is not shown to be better than b and 1 other model."


def test_corpora_and_kinds_of_labels_are_ranked_apart():
    dimensions = [scored("a", 0.1), scored("b", 0.3)]
    elsewhere = [scored("a", 0.3, corpus="emodb"), scored("b", 0.1, corpus="emodb")]
    uar = [
        entry(
            name,
            result(
                [Finding(name="uar", target="emotion", value=low, low=low, high=low + 0.05, n=9)],
                left_out=[kept(low, "uar", "emotion")],
            ),
        )
        for name, low in (("c", 0.5), ("d", 0.7))
    ]
    groups = board([*dimensions, *elsewhere, *uar])
    assert [(g.corpus, g.labels, places(g)) for g in groups] == [
        ("emodb", "dimensions", {"a": 1, "b": 2}),
        ("voices", "dimensions", {"b": 1, "a": 2}),
        ("voices", "emotion", {"d": 1, "c": 2}),
    ]


def test_a_measure_that_one_model_lacks_counts_for_nobody():
    both = [ccc(0.9, 0.8, 1.0), ccc(0.1, 0.05, 0.15, target="valence")]
    rich = entry("rich", result(both, left_out=[kept(0.9), kept(target="valence")]))
    poor = scored("poor", 0.3, target="valence")
    (group,) = board([rich, poor])
    assert list(group.measures) == [Measure("correctness", FindingKey("ccc", "valence"))]
    assert places(group) == {"poor": 1, "rich": 2}


def test_the_order_is_that_of_the_mean_over_dimensions():
    def two(model, arousal, valence):
        found = [ccc(arousal, 0, 1), ccc(valence, 0, 1, target="valence")]
        return entry(model, result(found, left_out=[kept(arousal), kept(valence, target="valence")]))

    (group,) = board([two("a", 0.9, 0.1), two("b", 0.6, 0.6)])
    assert [(s.entry.model, s.score) for s in group.standings] == [("b", 0.6), ("a", 0.5)]
    assert group.order_by == "mean CCC of arousal and valence"


def test_a_model_that_answered_too_little_has_no_place_and_affects_no_other():
    def answering(model, value, share):
        told = Finding(name="coverage", target="arousal", value=share, n=9, exact=True, reason="counted")
        base = scored(model, value).run.results["correctness"]
        return entry(model, base.model_copy(update={"findings": [*base.findings, told]}))

    (group,) = board([answering("a", 0.9, 0.94), answering("b", 0.5, 0.95), answering("c", 0.3, 1.0)])
    assert [(s.entry.model, s.place, s.reason) for s in group.standings] == [
        ("b", 1, ""),
        ("c", 2, ""),
        ("a", None, "it answered less than 95 % of the clips"),
    ]
    assert group.summary.endswith(" 1 model without a place.")
    assert {m for s in group.standings if s.entry.model == "a" for m in s.ranks} == set()


def test_many_passed_limits_lift_nobody():
    limit = Limit(name="*", above=-1, below=1)
    gaps = [
        Finding(
            name=f"gap{i}", target="arousal", value=0, low=-0.1, high=0.1, n=9, limit=limit, verdict="pass"
        )
        for i in range(50)
    ]
    fails = [gap.model_copy(update={"verdict": Verdict.FAIL}) for gap in gaps]
    constant = entry("constant", scored("x", 0.0).run.results["correctness"], result(gaps, audit="fairness"))
    useful = entry("useful", scored("y", 0.5).run.results["correctness"], result(fails, audit="fairness"))
    (group,) = board([constant, useful])
    assert places(group) == {"useful": 1, "constant": 2}
    assert group.audits == ["correctness"], "a gap with two bounds has no better side"


def test_a_model_that_an_audit_skips_stands_behind_all_that_it_judges():
    limit = Limit(name="unchanged_ratio", above=0.9)
    measure = Measure("robustness", FindingKey("unchanged_ratio", "arousal"))

    def robust(model, value, verdict):
        found = Finding(
            name="unchanged_ratio", target="arousal", value=value, n=9, verdict=verdict, limit=limit
        )
        left = kept(value, "unchanged_ratio", seed=sum(map(ord, model)))
        return entry(model, result([found], audit="robustness", left_out=[left]))

    # a constant answers the same whatever the sound: it would be first if it were judged
    (group,) = board([robust("constant", 1, "skipped"), robust("a", 0.85, "fail"), robust("b", 0.55, "fail")])
    ranks = {s.entry.model: str(s.ranks[measure]) for s in group.standings}
    assert ranks == {"a": "1", "b": "2", "constant": "3"}
    assert {s.place for s in group.standings} == {None}, "no model has the measure that decides the order"


def test_a_gap_that_no_limit_judges_lifts_no_useless_model():
    measure = Measure("fairness", FindingKey("max_minus_min", "arousal", "sex=*"))

    def fair(model, value, *more):
        extent = Finding(name="max_minus_min", target="arousal", slice="sex=*", value=value, n=9)
        left = kept(value, "max_minus_min", slice="sex=*", better="lower", seed=sum(map(ord, model)))
        return entry(model, result([extent, *more], audit="fairness", left_out=[left]))

    useless = "the model does not beat a constant prediction, so this metric is not meaningful"
    withheld = Finding(name="sex_score", target="arousal", value=0, n=9, verdict="skipped", reason=useless)
    (group,) = board([fair("constant", 0, withheld), fair("a", 0.1), fair("b", 0.2)])
    assert {s.entry.model: s.ranks[measure].best for s in group.standings} == {"a": 1, "b": 2, "constant": 3}


def test_other_audits_do_not_change_the_order():
    """Once, calibration weighed as much as ten measures of correctness, and the best UAR stood 20th."""

    def two_audits(model, correct, brier):
        base = scored(model, correct).run.results["correctness"]
        loss = Finding(name="brier", target="arousal", value=brier, n=9)
        return entry(
            model, base, result([loss], audit="calibration", left_out=[kept(brier, "brier", better="lower")])
        )

    (group,) = board([two_audits("right", 0.9, 1.5), two_audits("calibrated", 0.2, 0.1)])
    assert places(group) == {"right": 1, "calibrated": 2}
    assert [dict(s.by_audit) for s in group.standings] == [
        {"calibration": 2, "correctness": 1},
        {"calibration": 1, "correctness": 2},
    ]


@pytest.mark.parametrize(("models", "reason"), [("a", "no other model"), ("ab", "no differences paired")])
def test_without_paired_differences_nobody_has_a_place(models, reason):
    made = [entry(name, result([ccc(0.5, 0.4, 0.6)])) for name in models]
    (group,) = board(made)
    assert {s.place for s in group.standings} == {None}
    assert reason in group.summary
    assert group.measures == {}


def test_toy_models_are_listed_outside_of_the_ranking():
    made = [scored("toy-oracle", 0.95, kind="toy"), scored("mine", 0.45), scored("yours", 0.3)]
    (group,) = board(made)
    assert [(s.entry.model, s.place, s.reason) for s in group.standings] == [
        ("mine", 1, ""),
        ("yours", 2, ""),
        ("toy-oracle", None, CHECK),
    ]
    assert group.standings[2].score == 0.95
    assert group.standings[2].ranks == {}
    assert "toy-oracle" not in group.summary
    assert "without a place" not in group.summary
    # the others have the places that they have without it
    (alone,) = board(made[1:])
    without, beside = ([(s.places, s.ranks) for s in g.standings[:2]] for g in (alone, group))
    assert without == beside


def test_toy_models_are_ranked_where_there_are_no_others():
    (group,) = board([scored("toy-a", 0.95, kind="toy"), scored("toy-b", 0.45, kind="toy")])
    assert [(s.entry.model, s.place) for s in group.standings] == [("toy-a", 1), ("toy-b", 2)]


def test_an_empty_board_has_no_group():
    assert board([]) == []
