import dataclasses

import numpy as np
import pytest
from scipy import stats

from sertools.auditing.audit import load
from sertools.auditing.findings import left_out
from sertools.errors import GateError
from sertools.metrics.regression import CCC, ccc
from sertools.results.keys import FindingKey
from sertools.results.result import Finding, LeftOut, Limit, Verdict
from sertools.results.verdicts import regression_check
from sertools.results.verdicts.gate import gate
from sertools.results.verdicts.regression_check import Change, against, mean_change, paired_changes
from sertools.statistics.jackknife import contrast
from sertools.statistics.shares import least_interval
from sertools.tables.condition import CLEAN
from sertools.tables.pairs import pairs, speaker_codes
from tests.helpers.audit_tables import EMOTIONS, made
from tests.helpers.baselines import result_of, worse
from tests.helpers.places import ROOT
from tests.helpers.report_results import small_result

EXAMPLES = ROOT / "examples"
CORRECTNESS = load("correctness")


def compared(new, old, tolerance=0.02):
    """The findings against the baseline, judged, by name and target."""
    judged = gate(against([new], [old], tolerance=tolerance))
    return {(f.name, f.target): f for r in judged for f in r.findings if "_against_" in f.name}


CCC_OF = ("ccc_against_baseline", "arousal")
MODEL = made([20] * 12, noise=0.1)


# what a result keeps for later


def test_the_values_without_a_speaker_are_those_of_the_other_speakers_clips():
    kept = {(v.name, v.target): v for v in result_of(MODEL).left_out}["ccc", "arousal"]
    assert list(kept.values) == [f"s{i}" for i in range(12)]
    others = MODEL.clips["speaker"] != "s3"
    expected = ccc(MODEL.clips["arousal"][others], MODEL.predictions[CLEAN]["arousal"][others])
    assert kept.values["s3"] == pytest.approx(expected, abs=1e-12)


def test_uar_is_kept_for_emotions():
    tables = made([20] * 6, dimensions=(), classes=EMOTIONS)
    assert [(v.name, v.target, v.better) for v in result_of(tables).left_out] == [
        ("uar", "emotion", "higher")
    ]


def test_a_clip_of_an_unknown_speaker_bears_its_own_name():
    clips = MODEL.clips.copy()
    clips.loc["clip 7", "speaker"] = None
    kept = result_of(dataclasses.replace(MODEL, clips=clips)).left_out[0]
    assert "unknown: clip 7" in kept.values


@pytest.mark.parametrize("kind", ["no speakers", "four speakers", "two of one name", "undefined"])
def test_nothing_is_kept_where_speakers_cannot_be_paired(kind):
    tables = made([20] * (4 if kind == "four speakers" else 6))
    clips = tables.clips.copy()
    if kind == "no speakers":
        clips = clips.drop(columns="speaker")
    elif kind == "two of one name":
        clips["speaker"] = clips["speaker"].map({"s0": 1, "s1": "1"}).fillna(clips["speaker"])
    elif kind == "undefined":
        clips["arousal"] = 0.5
        tables = tables.with_predictions({CLEAN: tables.predictions[CLEAN] * 0})
    tables = dataclasses.replace(tables, clips=clips)
    assert left_out(CCC, pairs(tables, "arousal"), tables, target="arousal") == []


# the comparison


def test_the_change_and_its_interval_are_those_of_the_paired_contrast():
    new = worse(MODEL, 0.1)
    change = compared(result_of(new), result_of(MODEL))[CCC_OF]
    truth, before, after = (
        x["arousal"].to_numpy() for x in (MODEL.clips, MODEL.predictions[CLEAN], new.predictions[CLEAN])
    )
    by_hand = contrast(CCC, truth, before, after, speaker_codes(MODEL.clips)[0])
    assert (change.value, change.low, change.high) == pytest.approx(
        (by_hand.value, by_hand.low, by_hand.high), abs=1e-12
    )
    assert (change.n, change.speakers) == (240, 12)


def test_the_same_model_is_not_worse():
    change = compared(result_of(MODEL), result_of(MODEL), tolerance=1e-6)[CCC_OF]
    assert (change.value, change.low, change.high) == (0, 0, 0)
    assert change.verdict is Verdict.PASS


def test_a_model_that_is_clearly_worse_fails_and_a_better_one_passes():
    assert compared(result_of(worse(MODEL, 0.3)), result_of(MODEL))[CCC_OF].verdict is Verdict.FAIL
    assert compared(result_of(MODEL), result_of(worse(MODEL, 0.3)))[CCC_OF].verdict is Verdict.PASS


def test_a_loss_within_the_tolerance_passes_and_one_near_it_is_inconclusive():
    new, old = result_of(worse(MODEL, 0.1)), result_of(MODEL)
    change = compared(new, old)[CCC_OF]
    loss, half = -change.value, (change.high - change.low) / 2
    assert 0 < 1.5 * half < loss
    for tolerance, verdict in (
        (loss + 1.5 * half, "pass"),
        (loss, "inconclusive"),
        (loss - 1.5 * half, "fail"),
    ):
        assert compared(new, old, tolerance)[CCC_OF].verdict == verdict


def test_pairing_by_speaker_sees_what_two_separate_intervals_do_not():
    old = made([20] * 12, noise=0.2, levels=np.linspace(0.2, 0.8, 12))
    new = worse(old, 0.06)
    a, b = result_of(new), result_of(old)
    change = compared(a, b)[CCC_OF]
    separate = [next(f for f in r.findings if f.name == "ccc") for r in (a, b)]
    apart = np.hypot(*((f.high - f.low) / 2 for f in separate))
    assert (change.high - change.low) / 2 < apart


def test_for_an_error_worse_is_higher():
    values = {f"s{i}": 0.1 + i / 1000 for i in range(8)}
    old = small_result(left_out=[LeftOut(name="mae", target="arousal", better="lower", values=values)])
    up = {speaker: value + 0.05 for speaker, value in values.items()}
    findings = [f.model_copy(update={"value": 0.15}) if f.name == "mae" else f for f in old.findings]
    new = old.model_copy(
        update={
            "findings": findings,
            "left_out": [LeftOut(name="mae", target="arousal", better="lower", values=up)],
        }
    )
    key = ("mae_against_baseline", "arousal")
    # all speakers change alike, so the interval has no width
    assert compared(new, old)[key].low == pytest.approx(0.05, abs=1e-12)
    assert compared(new, old)[key].verdict is Verdict.FAIL
    assert compared(old, new)[key].verdict is Verdict.PASS
    assert compared(new, old, tolerance=0.06)[key].verdict is Verdict.PASS


def test_a_tolerated_loss_is_passed_as_often_as_the_interval_says():
    # a true loss of exactly the tolerance: to pass it is an error, at most 2.5 % of the time
    values = np.random.default_rng(0)
    passed, draws, speakers = 0, 400, 12
    for _ in range(draws):
        # the mean over speakers: leaving one out gives (Σ − x) / (G − 1)
        change = values.normal(-0.05, 0.1, speakers)
        without = (change.sum() - change) / (speakers - 1)
        old = small_result(
            left_out=[
                LeftOut(name="ccc", target="arousal", values=dict.fromkeys(map(str, range(speakers)), 0.0))
            ]
        )
        found = [
            f.model_copy(update={"value": float(change.mean())}) if f.target == "arousal" else f
            for f in old.findings
        ]
        zero = [f.model_copy(update={"value": 0.0}) if f.target == "arousal" else f for f in old.findings]
        new = old.model_copy(
            update={
                "findings": found,
                "left_out": [
                    LeftOut(
                        name="ccc",
                        target="arousal",
                        values=dict(zip(map(str, range(speakers)), without.tolist(), strict=True)),
                    )
                ],
            }
        )
        judged = compared(new, old.model_copy(update={"findings": zero}), tolerance=0.05)[CCC_OF]
        half = stats.t.ppf(0.975, speakers - 1) * change.std(ddof=1) / np.sqrt(speakers)
        assert judged.high - judged.value == pytest.approx(half, abs=1e-9)
        passed += judged.verdict is Verdict.PASS
    # .025 of 400 with three standard errors
    assert passed <= 400 * 0.025 + 3 * np.sqrt(400 * 0.025 * 0.975)


# what cannot be compared


def test_other_speakers_are_inconclusive_with_an_example():
    clips = MODEL.clips.replace({"speaker": {"s3": "someone else"}})
    change = compared(result_of(dataclasses.replace(MODEL, clips=clips)), result_of(MODEL))[CCC_OF]
    assert (change.verdict, change.low) == (Verdict.INCONCLUSIVE, None)
    assert change.reason == "2 speakers are in only one of the two results, such as 's3'"


def test_another_version_of_the_corpus_is_inconclusive():
    change = compared(result_of(MODEL, sound="new"), result_of(MODEL))[CCC_OF]
    assert change.verdict is Verdict.INCONCLUSIVE
    assert change.reason.startswith("the corpus is not the same as in the baseline")


def test_predictions_made_elsewhere_are_compared_by_their_speakers():
    change = compared(result_of(MODEL, sound="the sound was not opened"), result_of(MODEL))[CCC_OF]
    assert change.verdict is Verdict.PASS


def test_what_only_one_of_the_two_has_is_skipped():
    two = made([20] * 12, dimensions=("arousal", "valence"))
    one = dataclasses.replace(two, dimensions=("arousal",))
    lost = compared(result_of(one), result_of(two))["ccc_against_baseline", "valence"]
    assert (lost.verdict, lost.reason) == (
        Verdict.SKIPPED,
        "the baseline has this value, but the result does not",
    )
    new = compared(result_of(two), result_of(one))["ccc_against_baseline", "valence"]
    assert (new.verdict, new.reason) == (Verdict.SKIPPED, "the baseline does not have this value")


def test_a_value_that_is_undefined_now_is_skipped():
    old = small_result(
        left_out=[LeftOut(name="ccc", target=t, values={"a": 0.1}) for t in ("arousal", "valence")]
    )
    gone = [
        f.model_copy(update={"value": None, "reason": "no clips"}) if f.target == "valence" else f
        for f in old.findings
    ]
    found = compared(old.model_copy(update={"findings": gone}), old)
    change = found["ccc_against_baseline", "valence"]
    assert (change.verdict, change.reason) == (
        Verdict.SKIPPED,
        "the value is undefined in the result or in the baseline",
    )
    few = found[CCC_OF]
    assert (few.verdict, few.reason) == (Verdict.INCONCLUSIVE, "fewer than 5 speakers")


def test_an_audit_that_the_baseline_did_not_run_is_skipped():
    old = result_of(MODEL)
    other = old.model_copy(update={"audit": "calibration"})
    judged = gate(against([old, other], [old], tolerance=0.02, source="last"))
    (finding,) = [f for f in judged[1].findings if "_against_" in f.name]
    assert (finding.verdict, finding.reason) == (Verdict.SKIPPED, "last has no calibration of this corpus")


@pytest.mark.parametrize("tolerance", [0, -0.1, float("nan"), float("inf")])
def test_a_tolerance_that_nothing_can_meet_is_refused(tolerance):
    with pytest.raises(GateError, match="the tolerance is"):
        against([result_of(MODEL)], [result_of(MODEL)], tolerance=tolerance)


def test_a_baseline_without_values_by_speaker_is_refused():
    with pytest.raises(GateError, match="the results in last contain no values by speaker") as raised:
        against([result_of(MODEL)], [small_result()], tolerance=0.02, source="last")
    assert raised.value.hint.startswith("run sertools audit again")


def test_a_baseline_of_another_corpus_is_refused():
    with pytest.raises(GateError, match="nothing in baseline can be compared"):
        against([result_of(MODEL)], [result_of(MODEL, corpus="emodb")], tolerance=0.02)
    with pytest.raises(GateError, match="nothing in baseline can be compared"):
        against([small_result(audit="fairness")], [result_of(MODEL)], tolerance=0.02)


def test_a_baseline_of_two_models_is_refused():
    with pytest.raises(GateError, match="baseline has two results of correctness on voices"):
        against([result_of(MODEL)], [result_of(MODEL), result_of(MODEL)], tolerance=0.02)


def test_paired_changes_are_those_of_the_comparison_with_a_baseline_and_need_no_tolerance():
    new, old = result_of(worse(MODEL, 0.05)), result_of(MODEL)
    found = paired_changes(new, old)
    assert set(found) == {values.key for values in new.left_out}
    for key, change in found.items():
        judged = compared(new, old)[f"{key.name}_against_baseline", key.target]
        assert (change.value, change.low, change.high) == (judged.value, judged.low, judged.high)


def test_of_equal_keys_the_first_finding_counts():
    old = result_of(MODEL)
    key = FindingKey("ccc", "arousal")
    first = next(finding for finding in old.findings if finding.key == key)
    again = first.model_copy(update={"value": 0.0})
    twice = old.model_copy(update={"findings": [*old.findings, again]})
    assert paired_changes(twice, old)[key] == Change(
        value=0.0, low=0.0, high=0.0, inner=(0.0, 0.0), p_value=1.0
    )


# several changes at once


def test_what_got_worse_is_told_largest_first_and_the_rest_is_counted():
    def change(name: str, low: float | None, high: float | None, limit: Limit | None = None) -> Finding:
        value = None if low is None or high is None else (low + high) / 2
        more = {
            "low": low,
            "high": high,
            "n": 90,
            "speakers": 9,
            "limit": limit,
            "reason": "" if value else "few",
        }
        return Finding(name=f"{name}_against_baseline", value=value, **more)

    above, below = Limit(name="*", above=-0.02), Limit(name="*", below=0.1)
    found = [
        change("ccc", -0.03, -0.01, above),  # worse by its whole limit
        change("uar", -0.06, -0.02, above),  # worse by twice its limit
        change("mae", 0.01, 0.03, below),  # more is worse
        change("pcc", 0.01, 0.03, above),
        change("bias", -0.1, 0.1),
        change("gap", None, None),
    ]
    told = regression_check.worse([small_result(), small_result(findings=found)])
    assert [(i, f.name.partition("_")[0]) for i, f in told.metrics] == [(1, "uar"), (1, "ccc"), (1, "mae")]
    assert (told.compared, told.better, told.without) == (5, 1, 1)


def test_the_mean_of_changes_is_that_of_the_same_speakers():
    def change(shift: float, **more) -> Change:
        without = {f"s{i}": shift + i / 100 for i in range(6)}
        return Change(**{"value": shift, "n": 60, "without": without, **more})

    mean = mean_change([change(0.1), change(0.3, n=50)])
    assert (mean.value, mean.n) == (pytest.approx(0.2, abs=1e-15), 50)
    half = stats.t.ppf(0.975, 5) * np.sqrt(5 * np.var([i / 100 for i in range(6)]))
    assert (mean.low, mean.high) == pytest.approx((0.2 - half, 0.2 + half), abs=1e-12)
    assert mean_change([]).reason == mean_change([change(0.1), change(0.1, value=None)]).reason
    assert mean_change([]).reason == "a difference is undefined"
    others = mean_change([change(0.1), change(0.1, without={"t": 0.1})])
    assert others.reason == "the differences are not of the same speakers"


def test_the_interval_of_a_share_is_at_least_that_of_as_many_independent_clips():
    def kept(*values, clips=None):
        named = {f"s{i}": value for i, value in enumerate(values)}
        return LeftOut(name="uar", better="higher", values=named, effective_clips=clips)

    now, then = kept(*[1.0] * 6, clips=60.0), kept(*[1.0] * 6, clips=40.0)
    narrow = regression_check._paired((1.0, 1.0), now, then, "")
    low, high = least_interval(0.0, 40.0)
    assert (narrow.low, narrow.high) == pytest.approx((low, high), abs=1e-12)
    assert narrow.inner == pytest.approx(least_interval(0.0, 40.0, level=0.9), abs=1e-12)
    assert narrow.p_value == pytest.approx(1)
    few = regression_check._paired((1.0, 1.0), kept(1.0, 1.0, clips=9.0), kept(1.0, 1.0, clips=9.0), "")
    assert (few.low, few.reason) == (None, "fewer than 5 speakers")
    assert regression_check.with_interval(few, (-1.0, 1.0), (-1.0, 1.0)).value == 0.0


def test_a_change_without_a_value_has_no_interval():
    nothing = Change(reason="undefined")
    assert regression_check.with_interval(nothing, (-1.0, 1.0), (-1.0, 1.0)) == nothing


def test_the_mean_of_one_change_is_that_change():
    one = Change(value=0.1, low=0.0, high=0.2)
    assert mean_change([one]) is one
    assert mean_change([]).reason == "a difference is undefined"
