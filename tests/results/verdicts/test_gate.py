import re

import pytest

from sertools.errors import GateError
from sertools.results.result import Finding, Limit, Verdict
from sertools.results.verdicts.gate import CLIPS_ONLY, exit_code, gate, judge, judge_all, verdicts
from sertools.results.verdicts.limits import GateFile, Ignore, Override, read_gate, read_limits
from sertools.results.verdicts.rules import matches, widest_first
from tests.helpers.report_results import small_result

ABOVE = Limit(name="ccc", above=0.5)
BELOW = Limit(name="ccc", below=0.5)
WITHIN = Limit(name="ccc", above=-0.1, below=0.1)


def finding(value=0.7, low=0.6, high=0.8, **changes) -> Finding:
    fields = {"name": "ccc", "target": "arousal", "value": value, "low": low, "high": high}
    return Finding(**{"n": 300, "speakers": 12, **fields, **changes})


def override(**changes) -> Override:
    return Override(**{"audit": "correctness", "name": "ccc", "why": "because", **changes})


# the four verdicts


@pytest.mark.parametrize(
    ("limit", "low", "high", "verdict"),
    [
        (ABOVE, 0.51, 0.8, Verdict.PASS),
        (ABOVE, 0.5, 0.8, Verdict.INCONCLUSIVE),
        (ABOVE, 0.4, 0.5, Verdict.FAIL),
        (ABOVE, 0.4, 0.51, Verdict.INCONCLUSIVE),
        (BELOW, 0.2, 0.49, Verdict.PASS),
        (BELOW, 0.2, 0.5, Verdict.INCONCLUSIVE),
        (BELOW, 0.5, 0.6, Verdict.FAIL),
        (WITHIN, -0.09, 0.09, Verdict.PASS),
        (WITHIN, -0.2, 0.2, Verdict.INCONCLUSIVE),
        (WITHIN, 0.1, 0.2, Verdict.FAIL),
        (WITHIN, -0.2, -0.1, Verdict.FAIL),
    ],
)
def test_the_whole_interval_decides_and_bounds_are_strict(limit, low, high, verdict):
    judged = judge(finding((low + high) / 2, low, high), limit)
    assert judged.verdict is verdict
    assert judged.limit == limit
    assert judged.reason.startswith("the interval crosses the limit") == (verdict is Verdict.INCONCLUSIVE)


def test_a_limit_is_passed_by_the_90_percent_interval_and_failed_by_the_95_percent_interval():
    """TOST at 5 % is the 90 % interval; a failure is no test of equivalence."""
    assert judge(finding(0.6, 0.49, 0.71, low_90=0.51, high_90=0.69), ABOVE).verdict is Verdict.PASS
    assert judge(finding(0.6, 0.49, 0.71, low_90=0.5, high_90=0.7), ABOVE).verdict is Verdict.INCONCLUSIVE
    assert judge(finding(0.4, 0.29, 0.51, low_90=0.31, high_90=0.49), ABOVE).verdict is Verdict.INCONCLUSIVE
    assert judge(finding(0.0, -0.11, 0.11, low_90=-0.09, high_90=0.09), WITHIN).verdict is Verdict.PASS
    assert judge(finding(0.6, 0.49, 0.71), ABOVE).verdict is Verdict.INCONCLUSIVE, "as in files of schema 1"


@pytest.mark.parametrize(
    ("value", "half", "half_90", "limit", "more"),
    [
        (0.6, 0.2, 0.16, ABOVE, 19),  # inside: 12 · (.16 / .1)² = 30.72 speakers for the 90 % interval
        (0.38, 0.2, 0.16, ABOVE, 22),  # outside: 12 · (.2 / .12)² = 33.3 for the 95 % interval
        (0.02, 0.12, 0.1, WITHIN, 7),  # the nearer side decides: 12 · (.1 / .08)² = 18.75
    ],
)
def test_the_reason_says_how_many_speakers_would_decide(value, half, half_90, limit, more):
    bounds = {"low_90": value - half_90, "high_90": value + half_90}
    judged = judge(finding(value, value - half, value + half, **bounds), limit)
    assert judged.verdict is Verdict.INCONCLUSIVE
    assert judged.reason == f"the interval crosses the limit; about {more} more speakers would decide"


def test_more_speakers_do_not_decide_what_is_of_one_speaker():
    worst = Finding(name="worst_speaker", value=-0.1, low=-0.4, high=0.2, n=52, speakers=1)
    assert judge(worst, Limit(name="worst_speaker", above=0)).reason == "the interval crosses the limit"


def test_no_number_of_speakers_is_given_where_it_would_be_a_guess():
    near = finding(0.501, 0.4, 0.6, low_90=0.42, high_90=0.58)
    assert judge(near, ABOVE).reason == "the interval crosses the limit"
    on_it = finding(0.5, 0.4, 0.6, low_90=0.42, high_90=0.58)
    assert judge(on_it, ABOVE).reason == "the interval crosses the limit"


def test_no_interval_is_inconclusive_with_the_reason():
    assert judge(finding(low=None, reason="fewer than 5 speakers"), ABOVE).reason == "fewer than 5 speakers"
    judged = judge(finding(high=None), ABOVE)
    assert (judged.verdict, judged.reason) == (Verdict.INCONCLUSIVE, "there is no interval")


def test_an_interval_over_clips_passes_nothing():
    judged = judge(finding(speakers=None), ABOVE)
    assert (judged.verdict, judged.reason) == (Verdict.INCONCLUSIVE, CLIPS_ONLY)


def test_what_has_no_value_or_was_withheld_stays_skipped():
    assert judge(finding(None, None, None, reason="no clips"), ABOVE).verdict is Verdict.SKIPPED
    withheld = judge(finding(verdict=Verdict.SKIPPED, reason="useless"), ABOVE)
    assert (withheld.verdict, withheld.reason) == (Verdict.SKIPPED, "useless")


@pytest.mark.parametrize(
    ("value", "verdict"), [(0.51, Verdict.PASS), (0.5, Verdict.FAIL), (0.1, Verdict.FAIL)]
)
def test_in_mode_point_the_value_alone_decides_and_it_is_said(value, verdict):
    judged = judge(finding(value, 0.0, 1.0, reason="a doubt"), ABOVE, "point")
    assert judged.verdict is verdict
    assert judged.reason == "judged by its value alone, not by its interval; a doubt"
    assert judge(finding(value), ABOVE, "point").reason == "judged by its value alone, not by its interval"


def test_mode_point_does_not_judge_what_was_withheld():
    assert judge(finding(verdict=Verdict.SKIPPED, reason="x"), ABOVE, "point").verdict is Verdict.SKIPPED


# which limit counts


def test_patterns_choose_by_name_target_and_slice():
    found = finding(slice="sex=female")
    assert matches(Limit(name="c?c", target="a*", slice="sex=*", above=0), found)
    assert not matches(Limit(name="pcc", above=0), found)
    assert not matches(Limit(name="ccc", target="valence", above=0), found)
    assert not matches(Limit(name="ccc", slice="all", above=0), found)
    assert not matches(Limit(name="CCC", above=0), found)


def test_the_last_limit_that_matches_counts_and_the_rest_stay_unjudged():
    wide = Limit(name="*", above=0)
    judged = judge_all([finding(), finding(name="mae")], [wide, ABOVE])
    assert [f.limit for f in judged] == [ABOVE, wide]
    assert judge_all([finding()], [Limit(name="mae", below=1)])[0].verdict is Verdict.NONE


def test_an_override_stands_in_the_place_of_the_audits_own_limit():
    (judged,) = gate([small_result()], [override(target="valence", below=0.5)], source="mine.toml")
    by_target = {f.target: f for f in judged.findings if f.name == "ccc"}
    assert by_target["valence"].verdict is Verdict.PASS
    assert (by_target["valence"].limit.source, by_target["valence"].limit.why) == ("mine.toml", "because")
    assert by_target["arousal"].verdict is Verdict.PASS
    assert by_target["arousal"].limit.source == "Wagner 2023"


def test_judging_again_gives_the_same_and_changes_no_input():
    result = small_result()
    once = gate([result])
    assert gate(once) == once
    assert [f.verdict for f in once[0].findings] == [f.verdict for f in result.findings]


def test_a_stored_verdict_is_not_trusted():
    lying = small_result(findings=[finding(0.1, 0.0, 0.2, verdict=Verdict.PASS, limit=ABOVE)])
    assert gate([lying])[0].findings[0].verdict is Verdict.FAIL


def test_an_override_of_another_audit_does_not_apply():
    other = small_result(audit="fairness")
    judged = gate([small_result(), other], [override(above=0.99)])
    assert [f.limit.above for r in judged for f in r.findings[:1]] == [0.99, 0.5]


# what is refused


def test_an_unknown_audit_is_named_with_the_nearest():
    with pytest.raises(GateError, match="no result of the audit 'corectness'") as raised:
        gate([small_result()], [override(audit="corectness", above=0)])
    assert raised.value.hint == "did you mean 'correctness'?"


def test_an_unknown_finding_is_named_with_the_nearest():
    with pytest.raises(GateError, match="correctness has no finding 'cccc'") as raised:
        gate([small_result()], [override(name="cccc", above=0)])
    assert raised.value.hint == "did you mean 'ccc'?"


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ({"target": "arrousal"}, "did you mean 'arousal'?"),
        ({"target": "xyz"}, "known: arousal, dominance, valence"),
        ({"target": "arousal", "slice": "al"}, "did you mean 'all'?"),
    ],
)
def test_an_unknown_target_or_slice_is_answered_with_the_nearest_of_that_finding(given, hint):
    with pytest.raises(GateError, match="has no finding 'ccc'") as raised:
        gate([small_result()], [override(above=0, **given)])
    assert raised.value.hint == hint


def test_parts_that_are_there_but_not_together_are_answered_with_what_there_is():
    with pytest.raises(GateError) as raised:
        gate([small_result()], [override(name="uar", target="arousal", above=0)])
    assert raised.value.hint == "known: all"


def test_two_ranges_for_one_finding_are_refused():
    wanted = [override(target="val*", above=0.5), override(target="*ence", above=0.4)]
    with pytest.raises(
        GateError, match=r"contradict each other for ccc with target 'valence'.*> 0\.5 and > 0\.4"
    ):
        gate([small_result()], wanted)


def test_a_narrower_limit_is_an_exception_to_a_wildcard_in_any_order():
    wanted = [override(above=0.6), override(target="valence", above=-0.2), override(name="c*", above=0.9)]
    for order in (wanted, wanted[::-1]):
        (judged,) = gate([small_result()], order)
        found = {f.target: f.limit.above for f in judged.findings if f.name == "ccc"}
        assert found == {"arousal": 0.6, "dominance": 0.6, "valence": -0.2}
        assert [o.above for o in widest_first(order)] == [0.9, 0.6, -0.2]


def ignore(**changes) -> Ignore:
    return Ignore(**{"audit": "correctness", "name": "ccc", "why": "not used", **changes})


def test_an_ignored_finding_is_not_judged_and_says_why():
    file = GateFile(ignore=[ignore(target="valence")])
    (judged,) = gate([small_result()], file)
    found = {f.target: (f.verdict, f.limit, f.reason) for f in judged.findings if f.name == "ccc"}
    assert found["valence"] == (Verdict.NONE, None, "ignored: not used")
    assert found["arousal"][0] is Verdict.PASS
    assert (exit_code([small_result()]), exit_code([judged])) == (1, 0)


def test_limits_and_findings_to_ignore_are_exceptions_to_each_other():
    wide, narrow = GateFile(limit=[override(target="valence", above=0.5)], ignore=[ignore()]), None
    (judged,) = gate([small_result()], wide)
    assert [f.verdict.value for f in judged.findings if f.name == "ccc"] == ["none", "none", "fail"]
    narrow = GateFile(limit=[override(above=0.5)], ignore=[ignore(target="valence")])
    (judged,) = gate([small_result()], narrow)
    assert [f.verdict.value for f in judged.findings if f.name == "ccc"] == ["pass", "inconclusive", "none"]
    with pytest.raises(GateError, match=r"contradict each other .*: > 0\.5 and ignore"):
        gate([small_result()], GateFile(limit=[override(above=0.5)], ignore=[ignore()]))
    with pytest.raises(GateError, match="correctness has no finding 'cccc'"):
        gate([small_result()], GateFile(ignore=[ignore(name="cccc")]))


def test_only_own_limits_count_without_those_of_the_audits():
    file = GateFile(builtin="none", limit=[override(target="arousal", above=0.9)])
    (judged,) = gate([small_result()], file)
    assert [f.name for f in judged.findings if f.limit] == ["ccc"]
    assert {f.verdict for f in judged.findings} == {Verdict.NONE, Verdict.FAIL}
    with pytest.raises(GateError, match="nothing would be judged"):
        gate([small_result()], GateFile(builtin="none"))
    # a comparison with a baseline is asked for by its own option
    change = finding(name="ccc_against_baseline", value=-0.2, low=-0.3, high=-0.1)
    limited = change.model_copy(update={"limit": Limit(name=change.name, above=-0.02)})
    (judged,) = gate([small_result(findings=[limited])], GateFile(builtin="none"))
    assert judged.findings[0].verdict is Verdict.FAIL


def test_a_gate_file_of_rules_is_read_and_only_for_the_gate(tmp_path):
    path = tmp_path / "gate.toml"
    text = '[[ignore]]\naudit="a"\nname="b"\nwhy="c"\n'
    path.write_text(f'builtin = "none"\n{text}', encoding="utf-8")
    assert read_gate(path) == GateFile(builtin="none", ignore=[Ignore(audit="a", name="b", why="c")])
    for only_for_the_gate in ('builtin = "none"', text):
        path.write_text(only_for_the_gate, encoding="utf-8")
        with pytest.raises(GateError, match="only apply to sertools gate"):
            read_limits(path)


def test_one_range_said_twice_is_no_contradiction():
    judged = gate(
        [small_result()], [override(above=0.6, why="a"), override(target="arousal", above=0.6, why="b")]
    )
    assert judged[0].findings[0].limit.above == 0.6


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('[[limit]]\naudit="a"\nname="b"\nabove=1', r"limit 1 \(a, b\) has no 'why'"),
        ('[[limit]]\naudit="a"\nname="b"\nabove=1\nwhy=""', r"limit 1 \(a, b\) has no 'why'"),
        ('[[limit]]\naudit="a"\nname="b"\nabove=1\nwhy=" \t"', r"limit 1 \(a, b\) has no 'why'"),
        ('[[limit]]\nname="b"\nabove=1\nwhy="c"', r"limit 1 \(b\) has no 'audit'"),
        ('[[limit]]\naudit="a"\nname="b"\nwhy="c"', "limit 'b' needs 'above' or 'below'"),
        ('[[limit]]\naudit="a"\nname="b"\nwhy="c"\nabove=2\nbelow=1', "contradicts itself"),
        ('[[limit]]\naudit="a"\nname="b"\nwhy="c"\nabove=nan', "above is nan: .*finite"),
        ('[[limit]]\naudit="a"\nname="b"\nwhy="c"\nabove="x"', "above is 'x': .*valid number"),
        (
            '[[limit]]\naudit="a"\nname="b"\nwhy="c"\nabov=1',
            r"limit 1 \(a, b\) has an unknown key 'abov'.*'above'",
        ),
        ('[[limits]]\naudit="a"', "unknown key 'limits'.*did you mean 'limit'"),
        ('[[ignore]]\naudit="a"\nname="b"', r"ignore 1 \(a, b\) has no 'why'.*reason for this ignore"),
        ('[[ignore]]\naudit="a"\nname="b"\nwhy="c"\nabove=1', "ignore 1 .*unknown key 'above'"),
        ('builtin = "off"', r"builtin is 'off'.*it must be .none"),
        ("builtin = []", r"builtin is \[\].*it must be .none"),
        ("limit = 3", r"'limit': .*must begin with \[\[limit\]\]"),
        ("limit = [3]", r"'limit': .*must begin with \[\[limit\]\]"),
        ("[[limit", "is not valid TOML"),
    ],
)
def test_a_gate_file_that_says_nothing_clear_is_refused(tmp_path, text, what):
    path = tmp_path / "gate.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(GateError) as raised:
        read_limits(path)
    assert re.search(what, f"{raised.value.message} ({raised.value.hint})")
    assert str(path) in raised.value.message


def test_a_gate_file_that_is_no_text_or_not_there_is_refused(tmp_path):
    path = tmp_path / "gate.toml"
    with pytest.raises(GateError, match="cannot read the limits in .*No such file"):
        read_limits(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(GateError, match="is not valid TOML"):
        read_limits(path)


def test_an_empty_gate_file_changes_nothing(tmp_path):
    path = tmp_path / "gate.toml"
    path.write_text("", encoding="utf-8")
    assert read_limits(path) == []


# exit codes


def judged_as(*chosen: Verdict):
    return small_result(findings=[finding(verdict=verdict, reason="r") for verdict in chosen])


@pytest.mark.parametrize(
    ("chosen", "lenient", "strict"),
    [
        ((Verdict.PASS, Verdict.NONE), 0, 0),
        ((Verdict.PASS, Verdict.INCONCLUSIVE), 0, 3),
        ((Verdict.PASS, Verdict.SKIPPED), 0, 3),
        ((Verdict.FAIL, Verdict.SKIPPED), 1, 1),
        ((), 2, 2),
    ],
)
def test_exit_codes(chosen, lenient, strict):
    results = [judged_as(*chosen)]
    assert (exit_code(results), exit_code(results, strict=True)) == (lenient, strict)


def test_nothing_measured_is_no_success():
    nothing = small_result(findings=[finding(value=None, verdict=Verdict.SKIPPED, reason="r")])
    told = finding(name="coverage", value=1.0, low=None, high=None, exact=True, reason="counted")
    count = finding(name="shared_clips", value=0.0, low=0.0, high=0.0, exact=True)
    counting = small_result(audit="leakage", findings=[count, *nothing.findings])
    alone = small_result(findings=[*nothing.findings, told])
    for results, code in [
        ([nothing], 2),
        ([alone], 2),
        (
            [nothing, counting],
            2,
        ),  # beside an audit that should have measured something, counts are not enough
        ([counting], 0),
        ([counting, judged_as(Verdict.PASS)], 0),
        ([nothing, judged_as(Verdict.FAIL)], 1),
    ]:
        assert exit_code(results) == code
        assert exit_code(results, allow_empty=True) == (1 if code == 1 else 0)


def test_the_score_of_the_answered_clips_has_no_limit():
    alone = finding(name="ccc_of_answered")
    assert not matches(Limit(name="*", above=0.5), alone)
    assert matches(Limit(name="*", above=0.5), finding(name="ccc"))


def test_a_value_of_too_few_answers_is_inconclusive_in_every_mode():
    few = finding(value=0.9, low=0.8, high=0.95, reason="too few answers", reason_code="low_coverage")
    for mode in ("interval", "point"):
        judged = judge(few, Limit(name="ccc", above=0.5), mode)
        assert (judged.verdict, judged.reason) == (Verdict.INCONCLUSIVE, "too few answers")


def test_an_exact_count_is_judged_without_an_interval():
    count = finding(name="coverage", value=0.8, low=None, high=None, exact=True, reason="counted")
    assert judge(count, Limit(name="coverage", above=0.95)).verdict is Verdict.FAIL
    assert judge(count, Limit(name="coverage", above=0.7)).verdict is Verdict.PASS
    nobody = count.model_copy(update={"speakers": None})
    assert judge(nobody, Limit(name="coverage", above=0.95)).verdict is Verdict.FAIL
    assert '"exact": true' in small_result(findings=[count]).to_json()
    assert '"exact"' not in small_result(findings=[finding()]).to_json()


def test_verdicts_are_counted_over_all_results():
    counted = verdicts([judged_as(Verdict.PASS), judged_as(Verdict.PASS, Verdict.FAIL)])
    assert dict(counted) == {Verdict.PASS: 2, Verdict.FAIL: 1}
