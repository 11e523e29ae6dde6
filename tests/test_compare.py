"""Models side by side, from results that are made by hand or by two real audits of toy models."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from typer.testing import CliRunner

from sertools.audit import load, run
from sertools.cli import app
from sertools.compare import compare
from sertools.compare_files import read_runs, short, write_comparison
from sertools.errors import GateError
from sertools.metrics.intervals import contrast
from sertools.metrics.regress import CCC
from sertools.result import Finding, LeftOut, Limit, Result, Table, Verdict, read_result
from sertools.tables import CLEAN, speaker_codes
from tests.audits.examples import made
from tests.report.examples import HOSTILE
from tests.small import write_noises

WITHOUT = {"a": [0.5, 0.6, 0.7, 0.8, 0.9], "b": [0.5] * 5}


def ccc(value, low=None, high=None, target="arousal", **more) -> Finding:
    return Finding(name="ccc", target=target, value=value, low=low, high=high, n=50, speakers=5, **more)


def kept(values, better="higher", names="vwxyz", name="ccc") -> LeftOut:
    return LeftOut(name=name, target="arousal", better=better, values=dict(zip(names, values, strict=True)))


def result(findings=(), *, audit="correctness", corpus="voices", sound="abc", model="m", **more) -> Result:
    return Result(
        audit=audit,
        question="q",
        method="m",
        answer="a",
        model={"name": model},
        data={"name": corpus, "simulated": "made up" if corpus == "voices" else ""},
        findings=list(findings),
        provenance={"corpus_fingerprint": sound, "date": "today"},
        **more,
    )


def rows(comparison: Result, table: str) -> list[list]:
    return next((t.rows for t in comparison.tables if t.name == table), [])


def difference(comparison: Result, name="correctness.ccc", target="arousal") -> Finding:
    (found,) = [f for f in comparison.findings if (f.name, f.target) == (name, target)]
    return found


def against(new: Result, old: Result) -> Result:
    return compare([("old", [old]), ("new", [new])])


# differences


def test_a_difference_is_the_value_minus_that_of_the_first_and_its_interval_the_paired_jackknifes():
    old = result([ccc(0.5)], left_out=[kept(WITHOUT["b"])])
    new = result([ccc(0.7)], left_out=[kept(WITHOUT["a"])])
    found = difference(against(new, old))
    # leaving one out changes the difference by 0, .1, .2, .3, .4: variance .02, and (G − 1) of it
    half = stats.t.ppf(0.975, 4) * math.sqrt(4 * 0.02)
    assert (found.value, found.low, found.high) == pytest.approx((0.2, 0.2 - half, 0.2 + half), abs=1e-12)
    assert (found.slice, found.n, found.speakers, found.reason) == ("new − old", 50, 5, "")
    assert found.verdict is Verdict.NONE
    back = difference(compare([("new", [new]), ("old", [old])]))
    assert (back.value, back.low, back.high) == (-found.value, -found.high, -found.low)


def audited(tables, names=("correctness", "speakers")) -> list[Result]:
    return [
        run(
            load(name),
            tables,
            seed=0,
            data={"name": "voices"},
            provenance={"corpus_fingerprint": "abc"},
        )
        for name in names
    ]


def worse(tables, noise=0.1):
    scores = tables.predictions[CLEAN].copy()
    scores["arousal"] += np.random.default_rng(1).normal(0, noise, len(scores))
    return tables.with_predictions({CLEAN: scores})


MODEL = made([20] * 12, noise=0.1)
GOOD, BAD = audited(MODEL), audited(worse(MODEL))


def test_the_difference_of_two_audits_is_the_paired_contrast_of_their_predictions():
    found = difference(compare([("good", GOOD), ("bad", BAD)]))
    truth, before, after = (
        x["arousal"].to_numpy()
        for x in (MODEL.clips, MODEL.predictions[CLEAN], worse(MODEL).predictions[CLEAN])
    )
    by_hand = contrast(CCC, truth, before, after, speaker_codes(MODEL.clips)[0])
    assert (found.value, found.low, found.high) == pytest.approx(
        (by_hand.value, by_hand.low, by_hand.high), abs=1e-12
    )
    assert found.high < 0


def test_a_model_against_itself_differs_in_nothing_and_agrees_in_everything():
    same = compare([("one", GOOD), ("two", GOOD)])
    differences = [f for f in same.findings if f.name != "speakers.agreement" and f.value is not None]
    assert len(differences) == len(same.findings) - 1
    assert {f.value for f in differences} == {0.0}
    assert (difference(same).low, difference(same).high) == (0.0, 0.0)
    agreement = difference(same, "speakers.agreement")
    assert (agreement.value, agreement.low, agreement.high) == pytest.approx((1, 1, 1), abs=1e-12)
    assert [row[2:] for row in rows(same, "agreement")] == [pytest.approx([1, 1], abs=1e-12)] * 2
    assert rows(same, "verdicts") == []
    assert {tuple(row[5:]) for row in rows(same, "ranks")} == {(1, 1)}
    assert same.answer == (
        "two against one, scores paired by speaker: 0 better, 0 worse, 1 not told apart. 0 verdicts differ."
    )


OTHER = {
    "speakers": (
        result([ccc(0.7)], left_out=[kept(WITHOUT["a"], names="uwxyz")]),
        "2 speakers are in one of the two results only, such as 'u'",
    ),
    "corpus": (
        result([ccc(0.7)], corpus="emodb", left_out=[kept(WITHOUT["a"])]),
        "the corpora are not the same: emodb and voices",
    ),
    "sound": (
        result([ccc(0.7)], sound="xyz", left_out=[kept(WITHOUT["a"])]),
        "the two corpora named voices differ in clips, labels or sound",
    ),
    "nothing kept": (result([ccc(0.7)]), "the result files keep no values by speaker of it"),
}


@pytest.mark.parametrize("kind", OTHER)
def test_a_difference_that_cannot_be_paired_stands_without_interval_and_says_why(kind):
    new, reason = OTHER[kind]
    found = difference(against(new, result([ccc(0.5)], left_out=[kept(WITHOUT["b"])])))
    assert (found.value, found.low, found.high) == (pytest.approx(0.2, abs=1e-12), None, None)
    assert found.reason == reason
    assert compare([("old", [result([ccc(0.5)])]), ("new", [new])]).answer == (
        "new against old, scores paired by speaker: none. 0 verdicts differ."
    )


def test_fewer_than_five_speakers_are_the_reason_where_they_are():
    four = ccc(0.5).model_copy(update={"speakers": 4})
    assert difference(against(result([four]), result([ccc(0.7)]))).reason == "fewer than 5 speakers"
    unknown = ccc(0.5).model_copy(update={"speakers": None})
    assert "no values by speaker" in difference(against(result([unknown]), result([ccc(0.7)]))).reason


def test_sound_that_was_not_opened_is_paired_by_the_name_of_the_corpus():
    old = result([ccc(0.5)], left_out=[kept(WITHOUT["b"])], sound="the sound was not opened")
    new = result([ccc(0.7)], left_out=[kept(WITHOUT["a"])])
    assert difference(against(new, old)).low is not None


def test_what_one_run_lacks_or_has_undefined_has_no_difference():
    undefined = Finding(name="ccc", target="valence", value=None, n=9, reason="constant")
    old = result([ccc(0.5), ccc(0.1, target="valence"), undefined.model_copy(update={"target": "anger"})])
    new = result([undefined, ccc(0.2, target="dominance"), ccc(0.3, target="anger")])
    found = {f.target: f for f in against(new, old).findings}
    assert {target: (f.value, f.verdict.value, f.reason) for target, f in found.items()} == {
        "arousal": (None, "skipped", "new does not have it"),
        "valence": (None, "skipped", "it is undefined in new"),
        "anger": (None, "skipped", "it is undefined in old"),
        "dominance": (None, "skipped", "old does not have it"),
    }
    assert (found["valence"].n, found["valence"].speakers) == (9, None)


def test_what_neither_the_first_nor_this_run_has_is_no_difference_of_it():
    third = result([ccc(0.3), ccc(0.4, target="valence")])
    three = compare([("a", [result([ccc(0.1)])]), ("b", [result([ccc(0.2)])]), ("c", [third])])
    assert [(f.target, f.slice) for f in three.findings] == [
        ("arousal", "b − a"),
        ("arousal", "c − a"),
        ("valence", "c − a"),
    ]
    assert [row[4:] for row in rows(three, "values")] == [
        [0.1, 0.2, 0.3, pytest.approx(0.1), None, None, pytest.approx(0.2), None, None],
        [None, None, 0.4, None, None, None, None, None, None],
    ]


def test_slices_stay_and_worst_speakers_meet_whoever_they_are():
    old = [ccc(0.5, slice="sex=female"), Finding(name="worst_speaker", slice="speaker=v", value=0.1, n=9)]
    new = [ccc(0.6, slice="sex=female"), Finding(name="worst_speaker", slice="speaker=w", value=0.4, n=9)]
    found = against(result(new), result(old))
    assert [(f.slice, pytest.approx(f.value, abs=1e-12)) for f in found.findings] == [
        ("new − old, sex=female", 0.1),
        ("new − old, speaker=*", 0.3),
    ]


def test_of_findings_that_repeat_the_first_counts():
    assert difference(against(result([ccc(0.7), ccc(0.9)]), result([ccc(0.5)]))).value == pytest.approx(0.2)


# verdicts, ranks, the answer


def test_only_verdicts_that_differ_are_listed_with_their_limits():
    limits = [Limit(name="ccc", above=above) for above in (0.5, 0.6)]
    old = [
        ccc(0.7, limit=limits[0], verdict="pass"),
        ccc(0.1, target="valence", limit=limits[0], verdict="fail"),
    ]
    new = [
        ccc(0.4, limit=limits[1], verdict="fail"),
        ccc(0.2, target="valence", limit=limits[0], verdict="fail"),
    ]
    lone = [ccc(0.2, target="valence")]
    found = compare([("old", [result(old)]), ("new", [result(new)]), ("lone", [result(lone)])])
    assert rows(found, "verdicts") == [
        ["correctness", "ccc", "arousal", "all", "> 0.5 or > 0.6", "pass", "fail", None],
        ["correctness", "ccc", "valence", "all", "> 0.5", "fail", "fail", "none"],
    ]
    assert found.answer.endswith("2 verdicts differ.")
    assert rows(against(result([ccc(0.1, verdict="skipped")]), result([ccc(0.1)])), "verdicts") == []


RANKED = [(0.5, 0.4, 0.6), (0.65, 0.55, 0.75), (0.9, 0.8, 1.0), (0.7, None, None)]


@pytest.mark.parametrize(("better", "ranks"), [("higher", [2, 2, 1, None]), ("lower", [1, 1, 3, None])])
def test_ranks_count_the_intervals_that_lie_wholly_on_the_better_side(better, ranks):
    named = [
        (name, [result([ccc(*values)], left_out=[kept(WITHOUT["b"], better)])])
        for name, values in zip("abcd", RANKED, strict=True)
    ]
    assert rows(compare(named), "ranks") == [["correctness", "ccc", "arousal", "all", better, *ranks]]


@pytest.mark.parametrize(
    ("bounds", "better"),
    [({"above": 0.5}, "higher"), ({"below": 0.5}, "lower"), ({"above": 0.1, "below": 0.5}, "")],
)
def test_a_limit_with_one_bound_says_which_side_is_better(bounds, better):
    limit = Limit(name="ccc", **bounds)
    two = against(result([ccc(0.9, 0.8, 1.0, limit=limit)]), result([ccc(0.5, 0.4, 0.6)]))
    ranks = {"higher": [2, 1], "lower": [1, 2]}
    assert [row[4:] for row in rows(two, "ranks")] == ([[better, *ranks[better]]] if better else [])


def test_runs_on_different_corpora_are_not_ranked_and_the_notes_say_so():
    limit = Limit(name="ccc", above=0)
    two = against(result([ccc(0.9, 0.8, 1, limit=limit)], corpus="emodb"), result([ccc(0.5, 0.4, 0.6)]))
    assert rows(two, "ranks") == []
    assert "correctness of old and new: the corpora are not the same: voices and emodb." in two.notes
    assert two.data == {"name": "voices and emodb", "simulated": "made up"}


@pytest.mark.parametrize(
    ("better", "told"), [("higher", "1 better, 0 worse"), ("lower", "0 better, 1 worse")]
)
def test_the_answer_counts_what_is_shown_better_and_worse(better, told):
    values = np.linspace(0.5, 0.51, 5)
    old = result([ccc(0.5)], left_out=[kept(WITHOUT["b"], better)])
    new = result([ccc(0.7)], left_out=[kept(values, better)])
    assert told in against(new, old).answer


def test_one_verdict_that_differs_is_one():
    limit = Limit(name="ccc", above=0.5)
    two = against(
        result([ccc(0.4, limit=limit, verdict="fail")]), result([ccc(0.6, limit=limit, verdict="pass")])
    )
    assert two.answer.endswith(" 1 verdict differs.")


def test_notes_name_other_options_and_audits_that_a_run_lacks():
    old = result([ccc(0.5)], options={"bins": 4, "draws": 10})
    new = [result([ccc(0.5)], options={"bins": 5, "draws": 10}), result([], audit="fairness")]
    assert compare([("old", [old]), ("new", new)]).notes == [
        "correctness of old and new: other options, bins.",
        "old has no results of fairness.",
    ]


def test_provenance_says_once_how_each_run_was_made():
    two = compare([("old", [result(), result(audit="fairness")]), ("new", [result(sound="xyz")])])
    assert two.provenance["old"] == {"date": ["today"], "corpus_fingerprint": ["abc"]}
    assert two.model == {"name": "old and new", "licence": "old: not stated; new: not stated"}


# speakers

COLUMNS = ["target", "speaker", "clips", "score", "low", "high"]
COLUMNS += ["mean of draws", "2.5 % of draws", "97.5 % of draws"]


def heard(scores, *, draws=None, target="arousal", **more) -> Result:
    """The audit `speakers` with these scores, by speaker; draws where its protocol judges them."""
    listed = [
        [target, name, 20, score, None, None, *([d, d, d] if (d := (draws or {}).get(name)) else [None] * 3)]
        for name, score in scores.items()
    ]
    table = Table(name="speakers", title="t", columns=COLUMNS, rows=listed)
    return result(audit="speakers", tables=[table], **more)


X = {"v": 0.1, "w": 0.2, "x": 0.3, "y": 0.4, "z": 0.5}
Y = {"v": 0.2, "w": 0.1, "x": 0.3, "y": 0.5, "z": 0.4}


def test_agreement_is_spearmans_correlation_of_the_common_speakers():
    found = against(heard({**Y, "t": 0.9, "u": None}), heard({**X, "u": 0.7}))
    agreement = difference(found, "speakers.agreement")
    expected = stats.spearmanr(list(X.values()), list(Y.values())).statistic
    assert agreement.value == pytest.approx(expected, abs=1e-12)
    assert agreement.value == pytest.approx(0.8, abs=1e-12)  # 1 − 6 · 4 / (5 · 24)
    assert agreement.low <= agreement.value <= agreement.high
    assert (agreement.slice, agreement.n, agreement.speakers) == ("old and new", 100, 5)
    assert rows(found, "agreement") == [
        ["arousal", "old", pytest.approx(1, abs=1e-12), pytest.approx(0.8, abs=1e-12)],
        ["arousal", "new", pytest.approx(0.8, abs=1e-12), pytest.approx(1, abs=1e-12)],
    ]


def test_speakers_stand_in_the_order_of_the_first_run():
    found = against(heard({**Y, "t": 0.9}), heard(X))
    assert rows(found, "speakers")[0] == ["arousal", "v", 0.1, 0.2]
    dots = next(f for f in found.figures if f.name == "speakers_arousal")
    assert [(s.name, s.x, s.y) for s in dots.series] == [
        ("old", [*"vwxyzt"], [0.1, 0.2, 0.3, 0.4, 0.5, None]),
        ("new", [*"vwxyzt"], [0.2, 0.1, 0.3, 0.5, 0.4, 0.9]),
    ]
    assert "CCC" in dots.title
    assert "score over all clips" in dots.alt


def test_models_that_rank_speakers_the_other_way_round_disagree():
    found = against(heard(dict(zip("vwxyz", (5, 4, 3, 2, 1), strict=True))), heard(X))
    assert difference(found, "speakers.agreement").value == pytest.approx(-1, abs=1e-12)


@pytest.mark.parametrize(
    ("scores", "reason"),
    [
        ({k: Y[k] for k in "vwxy"}, "fewer than 5 speakers in common"),
        (dict.fromkeys("vwxyz", 0.3), "all common speakers have the same score in one of the two"),
    ],
)
def test_agreement_is_undefined_with_the_reason(scores, reason):
    found = against(heard(scores), heard(X))
    agreement = difference(found, "speakers.agreement")
    assert (agreement.value, agreement.verdict, agreement.reason) == (None, Verdict.SKIPPED, reason)
    assert [row[2:] for row in rows(found, "agreement")] == [[pytest.approx(1), None], [None, None]]


def test_draws_count_where_the_protocol_judges_five_speakers_of_every_run():
    draws = dict(zip("vwxyz", (0.5, 0.4, 0.3, 0.2, 0.1), strict=True))
    both = against(heard(X, draws=draws), heard(Y, draws=X, target="arousal"))
    assert rows(both, "speakers")[0] == ["arousal", "v", 0.1, 0.5]
    assert "draws" in next(f.alt for f in both.figures if f.name == "speakers_arousal")
    one = against(heard(X, draws=draws), heard(Y))
    assert rows(one, "speakers")[0] == ["arousal", "w", 0.1, 0.2]


def test_of_many_speakers_the_figure_shows_both_ends():
    many = {f"s{i:02d}": i / 50 for i in range(50)}
    dots = next(f for f in against(heard(many), heard(many)).figures if f.name == "speakers_arousal")
    assert dots.series[0].x == [f"s{i:02d}" for i in (*range(20), *range(30, 50))]
    assert "the 20 worst and the 20 best of 50" in dots.title
    emotion = against(heard(many, target="emotion"), heard(many, target="emotion"))
    assert "UAR" in next(f.title for f in emotion.figures if f.name == "speakers_emotion")


def test_speakers_of_another_corpus_are_not_compared_even_where_they_have_the_same_names():
    assert difference(against(heard(Y), heard(X)), "speakers.agreement").value is not None
    found = against(heard(Y, corpus="emodb"), heard(X))
    assert (found.findings, [t.name for t in found.tables], found.figures) == ([], ["values"], [])
    without = against(result(audit="speakers"), result(audit="speakers"))
    assert (without.findings, [t.name for t in without.tables]) == ([], ["values"])


# what cannot be compared


@pytest.mark.parametrize(
    ("runs", "message"),
    [
        ([("a", [result()])], "one run is nothing to compare"),
        ([("a", [result()]), ("a", [result()])], "no names to tell them apart: a, a"),
        ([("a", [result()]), ("target", [result()])], "no names to tell them apart"),
        ([("a", [result(), result()]), ("b", [result()])], "a has two results of one audit"),
        ([("a", [result(audit="compare")]), ("b", [result()])], "a holds a comparison"),
        ([("a", [result()]), ("b", [result(audit="speakers")])], "no two of a and b have an audit in common"),
    ],
)
def test_what_cannot_be_compared_is_one_sentence(runs, message):
    with pytest.raises(GateError, match=message):
        compare(runs)


# folders


def folder(path: Path, *results: Result) -> Path:
    path.mkdir(parents=True)
    for each in results:
        (path / f"{each.audit}.json").write_text(each.to_json())
    return path


def test_runs_are_named_after_their_models_else_their_folders_else_as_they_were_written(tmp_path):
    one, two = (folder(tmp_path / name / "out", result(model=name)) for name in "ab")
    assert [name for name, _ in read_runs([one, two])] == ["a", "b"]
    again = folder(tmp_path / "last", result(model="a"))
    assert [name for name, _ in read_runs([one, again])] == ["out", "last"]
    both = folder(tmp_path / "c" / "out", result(model="a"))
    assert [name for name, _ in read_runs([one, both])] == [str(one), str(both)]


def test_runs_that_have_no_name_of_their_own_are_numbered(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folders = [folder(Path(name), result(model="m")) for name in ("audit", "target")]
    assert [name for name, _ in read_runs(folders)] == ["run 1", "run 2"]


def test_a_folder_that_is_named_twice_or_empty_is_one_sentence(tmp_path):
    one = folder(tmp_path / "one", result())
    with pytest.raises(GateError, match="one is named twice"):
        read_runs([one, tmp_path / "one" / ".." / "one"])
    with pytest.raises(GateError, match="no results in"):
        read_runs([one, folder(tmp_path / "empty")])


def test_a_comparison_is_not_written_among_the_results_of_an_audit(tmp_path):
    one = folder(tmp_path / "one", result())
    with pytest.raises(GateError, match=r"one holds correctness\.json, which is no comparison"):
        write_comparison(against(result(), result()), one)
    assert [path.name for path in one.iterdir()] == ["correctness.json"]


def test_hostile_names_of_models_are_shown_literally(tmp_path):
    comparison = compare([(HOSTILE, [heard(X)]), ("new", [heard(Y)])])
    write_comparison(comparison, tmp_path)
    page = (tmp_path / "compare.html").read_text()
    assert "&lt;script&gt;" in page
    assert "<script>" not in page
    assert "<script>" not in (tmp_path / "compare.md").read_text()
    assert read_result(tmp_path / "compare.json") == comparison


def test_a_terminal_shows_what_is_paired_or_judged_otherwise():
    limit = Limit(name="mae", below=0.5)
    mae = {"name": "mae", "n": 9, "limit": limit, "slice": "sex=male"}
    old = result(
        [ccc(0.5), ccc(0.2, target="valence"), Finding(**mae, value=0.1, verdict="pass")],
        left_out=[kept(WITHOUT["b"])],
    )
    new = result(
        [ccc(0.5), ccc(0.3, target="valence"), Finding(**mae, value=0.9, verdict="fail")],
        left_out=[kept(WITHOUT["b"])],
    )
    columns, shown = short(against(new, old))
    assert columns == ["finding", "old", "new", "new − old", "new − old, low", "new − old, high"]
    assert shown == [
        ["correctness: ccc of arousal", 0.5, 0.5, 0, 0, 0],
        ["correctness: mae of all, sex=male", 0.1, 0.9, pytest.approx(0.8), None, None],
    ]
    neither = short(against(result([ccc(0.1), ccc(0.1, target="valence")]), result([ccc(0.1)])))[1]
    assert neither == [["correctness: ccc of arousal", 0.1, 0.1, 0, None, None]]
    assert short(compare([("a", [heard(X)]), ("b", [heard(Y)])]))[1] == []


# the command


def sertools(*words: str | Path):
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> list[Path]:
    """The results of two toy models on the same noises."""
    place = tmp_path_factory.mktemp("compare")
    manifest = write_noises(place / "c", 72)
    words = ["--data", str(manifest), "--cache", str(place / "cache"), "--quiet"]
    for model in ("loudness", "random"):
        out = place / model
        done = sertools("audit", "correctness", "speakers", "--model", f"toy:{model}", "--out", out, *words)
        assert done.exit_code in {0, 1}, done.stderr
    return [place / "loudness", place / "random"]


def test_the_command_writes_a_comparison_that_can_be_read_and_reported_again(folders, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    out = tmp_path / "out"
    done = sertools("compare", *folders, "--out", out)
    assert done.exit_code == 0, done.stderr
    assert "correctness: ccc of arousal" in done.stdout
    assert done.stderr.splitlines()[-1].endswith(f"Report: {out / 'compare.html'}")
    written = read_result(out / "compare.json")
    assert difference(written).slice == "toy-random − toy-loudness"
    assert difference(written).high < 0
    values = [read_result(f / "correctness.json").findings for f in folders]
    of = [next(f.value for f in found if (f.name, f.target) == ("ccc", "arousal")) for found in values]
    assert difference(written).value == of[1] - of[0]
    agreement = {f.target: f for f in written.findings if f.name == "speakers.agreement"}
    assert agreement["arousal"].speakers == 6
    page, text = (out / "compare.html").read_text(), (out / "compare.md").read_text()
    for title in ("Agreement on speakers (Spearman)", "Ranks, tied where intervals overlap"):
        assert title in page
        assert title.split(" (")[0] in text
    drawn = sorted((out / "figures").iterdir())
    assert len(drawn) == len(written.figures) == page.count("<figure>")
    assert all(f"figures/{path.name}" in text for path in drawn)
    assert sertools("compare", *folders, "--out", out).exit_code == 0, "a comparison may be made anew"


def test_json_is_the_differences_with_their_reasons(folders, tmp_path):
    done = sertools("compare", *folders, "--out", tmp_path / "out", "--format", "json")
    told = json.loads(done.stdout)["audits"]
    written = json.loads((tmp_path / "out" / "compare.json").read_text())
    assert [a["audit"] for a in told] == ["compare"]
    assert told[0]["findings"] == written["findings"]
    assert all(f["reason"] for f in told[0]["findings"] if f["value"] is None or f["low"] is None)


@pytest.mark.parametrize("words", [["one"], ["one", "one"], ["one", "two"]])
def test_bad_folders_end_with_2_and_leave_nothing(folders, tmp_path, words):
    given = [folders[0] if word == "one" else tmp_path / word for word in words]
    done = sertools("compare", *given, "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert done.stderr.startswith("Error: ")
    assert not (tmp_path / "out").exists()


def test_the_help_has_an_example():
    assert "Example: sertools compare" in " ".join(sertools("compare", "--help").stdout.split())
