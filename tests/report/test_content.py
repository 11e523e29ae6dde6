import pytest

from sertools.report import content, prose
from sertools.report.summary import facts
from sertools.results.result import Finding, Limit, Missing, Table, Verdict
from tests.helpers.report_results import small_result


def of(*verdicts):
    findings = [Finding(name="f", value=1.0, n=1, verdict=verdict) for verdict in verdicts]
    return small_result(findings=findings)


def test_the_most_urgent_findings_come_first():
    order = [finding.verdict for finding in content.judged(small_result())]
    assert order == [Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS, Verdict.SKIPPED]


def test_every_finding_is_either_judged_or_not():
    result = small_result()
    shown = content.judged(result) + content.unjudged(result)
    assert sorted(map(repr, shown)) == sorted(map(repr, result.findings))


@pytest.mark.parametrize("verdict", ["skipped", "inconclusive"])
def test_findings_that_were_stopped_are_grouped_by_reason(verdict):
    findings = [
        Finding(name="ccc", target=t, value=None, n=1, verdict=verdict, reason=r)
        for t, r in [("arousal", "too few"), ("valence", "constant"), ("dominance", "too few")]
    ]
    result = small_result(findings=[*findings, Finding(name="ccc", value=1, n=1, verdict="pass")])
    assert content.findings_by_reason(result, verdict) == [
        ("too few", ["arousal, CCC", "dominance, CCC"]),
        ("constant", ["valence, CCC"]),
    ]


def test_the_most_urgent_verdict_is_that_of_the_audit():
    assert content.verdict_of(of("pass", "fail", "none")) is Verdict.FAIL
    assert content.verdict_of(of("pass", "inconclusive", "skipped")) is Verdict.INCONCLUSIVE
    assert content.verdict_of(of("pass", "skipped")) is Verdict.PASS
    assert content.verdict_of(of("none")) is Verdict.NONE
    assert content.verdict_of(of()) is Verdict.NONE


def test_the_key_number_is_the_most_urgent_that_was_decided_else_the_first_measured():
    assert content.key_finding(small_result()).target == "valence"
    unjudged = [Finding(name=name, value=1, n=1) for name in "ab"]
    skipped = Finding(name="s", value=3, n=1, verdict="skipped", reason="r")
    undefined = Finding(name="u", value=None, n=1, reason="r")
    assert content.key_finding(small_result(findings=[skipped, undefined, *unjudged])).name == "a"
    assert content.key_finding(small_result(findings=[skipped])) is None


def test_every_limit_is_told_once_with_its_origin_and_how_often_it_judged():
    ours = Limit(name="uar", target="emotion", slice="sex=*", below=0.5, why="less is enough")
    findings = [*small_result().findings, Finding(name="uar", value=1, n=1, limit=ours, verdict="fail")]
    assert content.limits(small_result(findings=findings)) == [
        ("CCC > 0.5", "Wagner 2023", 3),
        ("emotion, UAR (by sex) < 0.5", "because: less is enough", 1),
    ]
    bare = Finding(name="x", value=1, n=1, limit=Limit(name="x", below=2), verdict="pass")
    assert content.limits(small_result(findings=[bare])) == [("x < 2", "no source is stated", 1)]
    change = Limit(name="change_of_*", slice="first_seconds@3s", above=-0.05, source="ours")
    both = [
        Finding(name=f"change_of_{measure}", value=0, n=1, limit=change, verdict="pass")
        for measure in ("ccc", "uar")
    ]
    assert content.limits(small_result(findings=both)) == [
        ("change of CCC or change of UAR (first 3 s) > −0.05", "ours", 2)
    ]


def test_the_commands_that_made_results_are_told_once_each():
    results = [small_result(), small_result(), small_result(provenance={"command": "b"})]
    assert content.commands([*results, small_result(provenance={})]) == ["sertools audit", "b"]


def test_missing_clips_are_counted_once_and_the_first_twenty_named():
    missing = [
        Missing(clip=f"c{i}", condition=c, reason="short") for i in range(15) for c in ("clean", "gain@1dB")
    ]
    missing.append(Missing(clip="d", condition="clean", reason="broken"))
    missing += [Missing(clip=f"e{i}", condition="clean", reason=f"{i + 1}.5 s is short") for i in range(2)]
    absent = content.missing_clips(small_result(missing=missing))
    assert absent.reasons == [
        ("short", 15, ["clean", "gain at 1 dB"]),
        ("1.5 … 2.5 s is short", 2, ["clean"]),
        ("broken", 1, ["clean"]),
    ]
    assert absent.first == missing[:20]
    assert absent.more == 13


def test_provenance_that_all_audits_share_is_told_once():
    one = small_result(audit="one", provenance={"seed": 0, "time_s": 1.5}, options={})
    two = small_result(audit="two", provenance={"seed": 0, "time_s": 2.25}, options={"bins": 4})
    assert facts.provenance([one, two]) == [
        ("", [("seed", "0")]),
        ("one", [("time s", "1.5")]),
        ("two", [("time s", "2.25"), ("option bins", "4")]),
    ]


def test_what_is_known_of_the_training_is_a_sentence():
    known = {"record": "next to the weights", "clips": 3, "of_clips": 9, "complete": True, "judged_clips": 6}
    one = small_result(audit="one", provenance={"training": known}, options={})
    sentence = (
        "3 of 9 clips were in the training of the model (record: next to the weights, complete); "
        "6 clips judged"
    )
    assert facts.provenance([one, small_result(audit="two", provenance={}, options={}), one]) == [
        ("", [("training data", sentence)])
    ]


def test_notes_that_all_audits_have_are_told_once():
    one, two = small_result(notes=["a", "b"]), small_result(notes=["b", "c"])
    assert content.common_notes([one, two]) == ["b"]
    assert content.common_notes([one]) == []


def test_a_model_that_is_compared_is_told_by_what_differs():
    about = {"name": "a", "kind": "x", "others": {"twin": {"name": "b", "kind": "x", "source": "random"}}}
    assert facts.facts(about, []) == [
        ("name", "a"),
        ("kind", "x"),
        ("compared with", "b (source: random)"),
    ]


def test_facts_that_should_be_known_and_are_not_are_said_to_be_missing():
    rows = facts.facts({"clips": 3, "license": "MIT", "simulated": "x"}, ["name", "licence", "clips"])
    assert rows == [("name", "not stated"), ("license", "MIT"), ("clips", "3")]


def test_the_origin_of_labels_is_told_or_said_to_be_unknown():
    assert facts.origin_of_labels({"simulated": "by rule"}) == "by rule"
    assert facts.origin_of_labels({"simulated": ""}) == "as provided by the corpus"
    assert facts.origin_of_labels({}) == "not stated"


def test_findings_are_shown_first_by_urgency_and_what_was_skipped_is_not_in_the_table():
    first, others = content.first_findings(small_result())
    assert [f.verdict for f in first] == [Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS]
    assert [f.name for f in others] == ["mae"]
    many = [Finding(name=f"m{i}", value=i, n=1) for i in range(9)]
    first, others = content.first_findings(small_result(findings=many))
    assert [f.name for f in first + others] == [f"m{i}" for i in range(9)]
    assert len(first) == content.MOST_FIRST


def test_clips_are_named_once_where_all_findings_have_the_same():
    two = [Finding(name=name, value=1, n=9, speakers=3) for name in "ab"]
    assert content.same_clips(two) == "On 9 clips of 3 speakers."
    assert content.same_clips([*two, Finding(name="c", value=1, n=8, speakers=3)]) == ""
    assert content.same_clips([]) == ""


def test_columns_without_content_are_left_out():
    table = Table(name="t", title="T", columns=["a", "b", "c"], rows=[[1, None, ""], [2, None, "x"]])
    assert [name for name, _, _ in content.columns(table)] == ["a", "c"]
    bare = [Finding(name="a", value=1, n=1)]
    assert not any(content.columns_of(bare).values())


def test_a_docstring_becomes_paragraphs_lists_and_passages():
    method = "Formula:\n- one\n- two\n  lines\n\nText\ngoes on.\n\n    x = 1\n      y = 2\n\n1. first"
    assert prose.blocks(method) == [
        ("paragraph", ["Formula:"]),
        ("list", ["one", "two lines"]),
        ("paragraph", ["Text goes on."]),
        ("code", ["x = 1", "  y = 2"]),
        ("list", ["first"]),
    ]
    assert prose.blocks("") == []


def test_anchors_are_distinct_even_where_names_imitate_them():
    anchors = prose.slugs(["a b", "a-b", "a_b", "a b 2", "<>", "עברית"])
    assert len(set(anchors)) == 6


def test_unanswered_and_missing_clips_are_warned_of():
    coverage = Finding(name="coverage", target="emotion", value=0.75, n=8, exact=True, reason="counted")
    missing = [
        Missing(clip="a", condition="clean", reason="no such file"),
        Missing(clip="b", condition="clean", reason="no such file"),
        Missing(clip="c", condition="clean", reason="too short"),
        Missing(clip="d", condition="clean", reason="no row", asked=True),
        Missing(clip="e", condition="gain@drawn", reason="clipped"),
    ]
    model = {"name": "m", "unmatched": "3 of 9 rows"}
    result = small_result(findings=[coverage], missing=missing, model=model)
    assert content.warnings([result, result]) == [
        "2 of 8 clips were not answered (emotion); they count against the model",
        "3 clips missing, most often because: 2 clips: no such file",
        "3 of 9 rows of the predictions match no clip of the corpus",
    ]
    part = result.model_copy(
        update={"dropped": ["The scores of emotion are on 8 of 9 clips (1 is left out)."]}
    )
    assert content.warnings([part, part])[0] == "The scores of emotion are on 8 of 9 clips (1 is left out)"
    whole = coverage.model_copy(update={"value": 1.0})
    assert content.warnings([small_result(findings=[whole], missing=[])]) == []


def test_a_model_in_two_number_formats_is_one_model():
    plain = {"name": "m", "layers": 3}
    results = [
        small_result(model={**plain, "precision": "bf16"}),
        small_result(model={**plain, "precision": "fp32", "others": {"random twin": {"name": "t"}}}),
        small_result(model={**plain, "layers": 4, "precision": "fp32"}),
    ]
    (one, _), (other, _) = content.subjects(results)
    assert one == {**plain, "precision": "bf16; fp32", "others": {"random twin": {"name": "t"}}}
    assert other["layers"] == 4
    assert results[0].model == {**plain, "precision": "bf16"}
