"""Who stands above whom, on boards that are made by hand."""

import pytest

from sertools.comparison.leaderboard import Entry, board
from sertools.comparison.runs import Measure, run_of
from sertools.results.keys import FindingKey
from sertools.results.result import Finding, LeftOut, Limit, Verdict
from tests.helpers.comparisons import ccc, result


def entry(model, *results, corpus="voices", kind="huggingface") -> Entry:
    marked = [r.model_copy(update={"model": {"name": model, "kind": kind}}) for r in results]
    return Entry(model=model, corpus=corpus, run=run_of(model, marked))


def kept(name="ccc", target="arousal") -> LeftOut:
    return LeftOut(name=name, target=target, values={"v": 0.1})


def scored(model, low, high, target="arousal", **more) -> Entry:
    """A model with one score, of which it is known that higher is better."""
    middle = (low + high) / 2
    return entry(
        model, result([ccc(middle, low, high, target=target)], left_out=[kept(target=target)]), **more
    )


def places(group) -> dict:
    return {standing.entry.model: standing.place for standing in group.standings}


def test_models_that_overlap_share_a_place_and_the_best_comes_first():
    (group,) = board([scored("b", 0.1, 0.3), scored("a", 0.2, 0.4), scored("c", 0.6, 0.8)])
    assert [(s.entry.model, s.place, s.mean_rank) for s in group.standings] == [
        ("c", 1, 1.0),
        ("a", 2, 2.0),
        ("b", 2, 2.0),
    ]
    assert (group.corpus, group.labels, group.measures) == (
        "voices",
        "dimensions",
        {Measure("correctness", FindingKey("ccc", "arousal")): "higher"},
    )


def test_corpora_and_kinds_of_labels_are_ranked_apart():
    dimensions = [scored("a", 0.1, 0.2), scored("b", 0.3, 0.4)]
    elsewhere = [scored("a", 0.3, 0.4, corpus="emodb"), scored("b", 0.1, 0.2, corpus="emodb")]
    uar = [
        entry(
            name,
            result(
                [Finding(name="uar", target="emotion", value=low, low=low, high=low + 0.05, n=9)],
                left_out=[kept("uar", "emotion")],
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
    rich = entry("rich", result(both, left_out=[kept(), kept(target="valence")]))
    poor = scored("poor", 0.3, 0.4, target="valence")
    (group,) = board([rich, poor])
    assert list(group.measures) == [Measure("correctness", FindingKey("ccc", "valence"))]
    assert places(group) == {"poor": 1, "rich": 2}


def test_many_passed_limits_lift_nobody():
    limit = Limit(name="*", above=-1, below=1)
    gaps = [
        Finding(
            name=f"gap{i}", target="arousal", value=0, low=-0.1, high=0.1, n=9, limit=limit, verdict="pass"
        )
        for i in range(50)
    ]
    fails = [gap.model_copy(update={"verdict": Verdict.FAIL}) for gap in gaps]
    constant = entry("constant", scored("x", 0, 0).run.results["correctness"], result(gaps, audit="fairness"))
    useful = entry(
        "useful", scored("x", 0.5, 0.6).run.results["correctness"], result(fails, audit="fairness")
    )
    (group,) = board([constant, useful])
    assert places(group) == {"useful": 1, "constant": 2}
    assert group.audits == ["correctness"], "a gap with two bounds has no better side"


def test_a_model_that_an_audit_skips_stands_behind_all_that_it_judges():
    limit = Limit(name="unchanged_ratio", above=0.9)

    def robust(model, low, high, verdict):
        found = Finding(name="unchanged_ratio", target="arousal", value=high, low=low, high=high, n=9,
                        verdict=verdict, limit=limit)  # fmt: skip
        return entry(model, result([found], audit="robustness"))

    # a constant answers the same whatever the sound: it would be first if it were judged
    entries = [
        robust("constant", 1, 1, "skipped"),
        robust("a", 0.8, 0.9, "fail"),
        robust("b", 0.5, 0.6, "fail"),
    ]
    (group,) = board(entries)
    assert places(group) == {"a": 1, "b": 2, "constant": 3}


def test_a_gap_that_no_limit_judges_lifts_no_useless_model():
    def fair(model, value, *more):
        extent = Finding(name="max_minus_min", target="arousal", slice="sex=*", value=value, low=value,
                         high=value, n=9)  # fmt: skip
        left = LeftOut(name="max_minus_min", target="arousal", slice="sex=*", better="lower", values={"v": 0})
        return entry(model, result([extent, *more], audit="fairness", left_out=[left]))

    useless = "the model does not beat a constant prediction, so this metric is not meaningful"
    withheld = Finding(name="sex_score", target="arousal", value=0, n=9, verdict="skipped", reason=useless)
    (group,) = board([fair("constant", 0, withheld), fair("a", 0.1), fair("b", 0.2)])
    assert places(group) == {"a": 1, "b": 2, "constant": 3}


def test_an_audit_with_many_findings_counts_no_more_than_one_with_few():
    def two_audits(model, correct, speakers):
        many = [ccc(v, v, v, target=t) for t in ("arousal", "valence", "dominance") for v in [correct]]
        few = [
            Finding(name="worst_speaker", target="arousal", slice=f"speaker={model}", value=speakers,
                    low=speakers, high=speakers, n=9, limit=Limit(name="worst_speaker", above=0.2))
        ]  # fmt: skip
        left = [kept(target=t) for t in ("arousal", "valence", "dominance")]
        return entry(model, result(many, left_out=left), result(few, audit="speakers"))

    (group,) = board([two_audits("a", 0.9, 0.1), two_audits("b", 0.1, 0.9)])
    assert [s.mean_rank for s in group.standings] == [1.5, 1.5]
    assert places(group) == {"a": 1, "b": 1}


def test_only_audits_that_all_models_have_enter_the_mean_rank():
    limit = Limit(name="x", above=0)
    more = [
        result([Finding(name="x", target="arousal", value=v, low=v, high=v, n=9, limit=limit)], audit="extra")
        for v in (0.9, 0.1)
    ]
    entries = [
        entry("a", scored("x", 0.1, 0.2).run.results["correctness"], more[0]),
        entry("b", scored("x", 0.3, 0.4).run.results["correctness"], more[1]),
        scored("c", 0.5, 0.6),
    ]
    (group,) = board(entries)
    assert group.counted == ["correctness"]
    assert places(group) == {"c": 1, "b": 2, "a": 3}
    assert {s.entry.model: dict(s.by_audit) for s in group.standings} == {
        "a": {"correctness": 3, "extra": 1},
        "b": {"correctness": 2, "extra": 2},
        "c": {"correctness": 1},
    }


@pytest.mark.parametrize("entries", [[("a", 0.1, 0.2)], [("a", None, None), ("b", 0.1, 0.2)]])
def test_where_fewer_than_two_have_an_interval_nobody_has_a_place(entries):
    made = [
        entry(name, result([ccc(0.5, low, high)], left_out=[kept()])) for name, low, high in entries
    ]  # fmt: skip
    (group,) = board(made)
    assert {s.place for s in group.standings} == {None}
    assert {s.mean_rank for s in group.standings} == {None}
    assert group.measures == {}


def test_toy_models_are_marked_and_ranked_like_all_others():
    (group,) = board([scored("toy-oracle", 0.9, 1.0, kind="toy"), scored("mine", 0.4, 0.5)])
    assert [(s.entry.model, s.place, s.entry.is_check) for s in group.standings] == [
        ("toy-oracle", 1, True),
        ("mine", 2, False),
    ]


def test_an_empty_board_has_no_group():
    assert board([]) == []
