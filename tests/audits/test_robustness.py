"""What robustness must get right beyond the contract of every audit."""

import dataclasses
import math
import re
import time

import numpy as np
import pandas as pd
import pytest

from sertools.auditing.audit import load
from sertools.auditing.suites import read_suite, suites
from sertools.corpora.load import load_corpus
from sertools.errors import AuditError
from sertools.inference import predict
from sertools.models.load import load_model
from sertools.pipeline import run as pipeline_run
from sertools.results.result import Result, Verdict
from sertools.selftest import toy_corpus
from sertools.tables.condition import Condition
from sertools.tables.tables import Tables
from tests.helpers.audits import run
from tests.helpers.places import ROOT

AUDIT = load("robustness")
FEW = {"resamples": 100}
RAVDESS = ROOT.parent / "shared" / "data" / "ravdess"


def asked_of(kind, clips, **options) -> Tables:
    return toy_corpus.answers(kind, clips, AUDIT.needs(**AUDIT.settings(options)).conditions)


def result_of(tables, **options) -> Result:
    return run(AUDIT, tables, seed=0, options=FEW | options)


def the(result, name, target, where):
    (found,) = [f for f in result.findings if (f.name, f.target, f.slice) == (name, target, where)]
    return found


def moved(tables, condition, by, target="arousal") -> Tables:
    """The same answers, but under one condition moved by `by` (n,) or a number."""
    scores = dict(tables.predictions)
    scores[condition] = scores[condition].copy()
    scores[condition][target] = scores["clean"][target] + by
    return tables.with_predictions(scores)


def table(result, name) -> pd.DataFrame:
    (found,) = [t for t in result.tables if t.name == name]
    return pd.DataFrame(found.rows, columns=found.columns)


@pytest.fixture(scope="module")
def clips():
    return toy_corpus.clips()


@pytest.fixture(scope="module")
def oracle(clips):
    return asked_of("oracle", clips)


def test_the_ratio_is_the_share_of_clips_that_move_by_less_than_the_tolerance(oracle):
    n = len(oracle.clips)
    by = np.zeros(n)
    by[: n // 4] = 0.06
    by[n // 4 : n // 2] = -0.04
    result = result_of(moved(oracle, "gain@drawn", by))
    found = the(result, "unchanged_ratio", "arousal", "gain@drawn")
    assert found.value == 0.75
    assert found.verdict is Verdict.FAIL
    assert found.n == n
    assert the(result, "unchanged_ratio", "arousal", "highpass@drawn").value == 1.0
    assert the(result, "unchanged_ratio", "valence", "gain@drawn").value == 1.0
    shift = the(result, "mean_shift", "arousal", "gain@drawn")
    assert shift.value == pytest.approx((0.06 - 0.04) / 4, abs=1e-12)


def test_averages_are_those_of_the_paper_over_changes_and_over_dimensions(oracle):
    n = len(oracle.clips)
    by = np.where(np.arange(n) < n // 2, 0.2, 0.0)
    result = result_of(moved(moved(oracle, "gain@drawn", by), "clip@drawn", 1.0, "valence"))
    assert the(result, "mean_unchanged_ratio", "arousal", "all").value == pytest.approx(1 - 0.5 / 8)
    assert the(result, "mean_unchanged_ratio", "dominance", "all").value == 1.0
    assert the(result, "mean_unchanged_ratio", "valence", "all").value == pytest.approx(1 - 1 / 8)
    of_gain = the(result, "mean_unchanged_ratio", "dimensions", "gain@drawn")
    assert of_gain.value == pytest.approx((0.5 + 1 + 1) / 3)
    overall = the(result, "mean_unchanged_ratio", "dimensions", "all")
    assert overall.value == pytest.approx(1 - (0.5 + 1) / 24)


def test_the_tolerance_is_strict_and_an_option(oracle):
    scores = {name: frame.copy() for name, frame in oracle.predictions.items()}
    for frame in scores.values():
        frame["arousal"] = np.where(np.arange(len(frame)) % 2, 0.75, 0.25)
    scores["gain@drawn"]["arousal"] += 0.125
    tables = oracle.with_predictions(scores)

    def ratio(tolerance):
        result = result_of(tables, tolerance=tolerance)
        return the(result, "unchanged_ratio", "arousal", "gain@drawn").value

    assert ratio(0.125) == 0.0
    assert ratio(0.126) == 1.0


def test_the_scale_free_ratio_does_not_change_when_all_answers_are_squeezed(oracle):
    rng = np.random.default_rng(0)
    loud = moved(oracle, "gain@drawn", rng.normal(0, 0.06, len(oracle.clips)))
    squeezed = loud.with_predictions(
        {name: frame.assign(arousal=0.5 + frame["arousal"] / 10) for name, frame in loud.predictions.items()}
    )
    before, after = result_of(loud), result_of(squeezed)
    ask = ("scale_free_ratio", "arousal", "gain@drawn")
    assert the(after, *ask).value == the(before, *ask).value < 0.95
    assert the(after, "unchanged_ratio", "arousal", "gain@drawn").value == 1.0
    spreads = table(after, "spread").set_index("target")["sd(p) / sd(t)"]
    assert spreads["arousal"] == pytest.approx(0.1)
    assert spreads["dominance"] == pytest.approx(1.0)


def test_a_model_that_is_right_but_hardly_moves_does_not_pass(oracle):
    squeezed = oracle.with_predictions(
        {name: 0.5 + frame / 100 for name, frame in oracle.predictions.items()}
    )
    result = result_of(squeezed)
    found = the(result, "unchanged_ratio", "arousal", "gain@drawn")
    assert (found.value, found.verdict) == (1.0, Verdict.INCONCLUSIVE)
    assert "its predictions hardly differ (standard deviation 0.00" in found.reason


def test_a_model_whose_clips_nearly_all_get_the_same_prediction_is_not_judged(oracle):
    rare = oracle.clips["arousal"] > oracle.clips["arousal"].quantile(0.98)
    squeezed = oracle.with_predictions(
        {name: frame.assign(arousal=0.5 + 0.4 * rare) for name, frame in oracle.predictions.items()}
    )
    found = the(result_of(squeezed), "unchanged_ratio", "arousal", "gain@drawn")
    assert (found.value, found.verdict) == (1.0, Verdict.INCONCLUSIVE)
    assert re.fullmatch(
        r"predictions hardly vary: \d+% of pairs of different clips get the same prediction", found.reason
    )


def test_a_score_too_low_to_fall_is_not_judged_by_how_far_it_falls(clips):
    perturbations = ("white_noise@20",)
    tables = asked_of("oracle", clips, perturbations=perturbations)
    rng = np.random.default_rng(2)  # shown to beat a constant (z = 3.5), with a CCC of .04
    noise = rng.normal(0.5, 0.05, len(clips))
    scores = {
        name: frame.assign(arousal=noise + 0.024 * (clips["arousal"] - 0.5))
        for name, frame in tables.predictions.items()
    }
    weak = run(
        AUDIT, tables.with_predictions(scores), seed=0, options={"perturbations": perturbations, **FEW}
    )
    found = the(weak, "change_of_ccc", "arousal", "white_noise@20dB")
    assert found.verdict is Verdict.INCONCLUSIVE
    assert re.fullmatch(r"a clean score of 0\.0\d is too low to drop that far", found.reason)
    strong = run(AUDIT, tables, seed=0, options={"perturbations": perturbations, **FEW})
    assert the(strong, "change_of_ccc", "arousal", "white_noise@20dB").verdict is Verdict.PASS


def test_a_constant_is_said_not_to_move(clips):
    found = the(result_of(asked_of("constant", clips)), "unchanged_ratio", "valence", "gain@drawn")
    assert (found.value, found.verdict) == (1.0, Verdict.INCONCLUSIVE)
    assert found.reason == (
        "predictions do not vary: the model is not shown to beat a constant prediction: its predictions "
        "hardly differ (standard deviation 0)"
    )


def test_the_change_of_a_score_is_paired(oracle):
    from sertools.metrics.regression import ccc

    rng = np.random.default_rng(0)
    by = rng.normal(0.1, 0.1, len(oracle.clips))
    truth = oracle.clips["arousal"].to_numpy()
    found = the(result_of(moved(oracle, "gain@drawn", by)), "change_of_ccc", "arousal", "gain@drawn")
    assert found.value == pytest.approx(ccc(truth, truth + by) - 1, abs=1e-9)
    assert found.n == len(truth)


def test_emotion_is_unchanged_where_the_class_stays_whatever_the_scores(oracle):
    classes = list(oracle.model_classes)
    scores = dict(oracle.predictions)
    changed = scores["gain@drawn"].copy()
    changed[classes] = changed[classes] * 0.4 + 0.05
    n = len(changed)
    turned = np.arange(n) < n // 5
    changed.loc[turned, classes] = np.roll(changed.loc[turned, classes].to_numpy(), 1, axis=1)
    scores["gain@drawn"] = changed
    result = result_of(oracle.with_predictions(scores))
    assert the(result, "unchanged_ratio", "emotion", "gain@drawn").value == pytest.approx(0.8)
    uar = the(result, "change_of_uar", "emotion", "gain@drawn")
    assert uar.value is not None
    assert -0.3 < uar.value < -0.1
    worst = table(result, "worst")
    assert set(worst["target"]) == {"emotion"}
    assert (worst["clean"] != worst["changed"]).all()


def test_a_clip_missing_under_a_change_leaves_that_change_alone_and_is_counted(oracle):
    scores = dict(oracle.predictions)
    short = scores["crop_beginning@drawn"].copy()
    short.iloc[:100] = np.nan
    scores["crop_beginning@drawn"] = short
    gone = pd.DataFrame(
        {"clip": short.index[:100], "condition": "crop_beginning@drawn", "reason": "too short to crop"}
    )
    result = result_of(dataclasses.replace(oracle, predictions=scores, missing=gone))
    for name in ("unchanged_ratio", "change_of_ccc", "mean_shift"):
        assert the(result, name, "arousal", "crop_beginning@drawn").n == len(short) - 100
        assert the(result, name, "arousal", "gain@drawn").n == len(short)
    absent = table(result, "absentees")
    assert absent.values.tolist() == [["crop_beginning@drawn", 100, "too short to crop"]]


def test_a_change_that_no_clip_could_bear_leaves_the_averages_and_says_so(oracle):
    scores = dict(oracle.predictions)
    scores["additive_tone@drawn"] = scores["additive_tone@drawn"] * np.nan
    gone = pd.DataFrame(
        {"clip": oracle.clips.index, "condition": "additive_tone@drawn", "reason": "impossible at 8000 Hz"}
    )
    result = result_of(dataclasses.replace(oracle, predictions=scores, missing=gone))
    average = the(result, "mean_unchanged_ratio", "arousal", "all")
    assert average.value == 1.0
    assert average.reason == "without additive_tone@drawn, which could not be applied to any clip"
    tone = the(result, "unchanged_ratio", "arousal", "additive_tone@drawn")
    assert (tone.value, tone.verdict, tone.n) == (None, Verdict.SKIPPED, 0)
    assert tone.reason == "no clips"


def test_noise_that_hurts_men_is_seen_as_a_gap_that_is_not_chance(oracle):
    rng = np.random.default_rng(0)
    men = (oracle.clips["sex"] == "male").to_numpy()
    by = np.where(men & (rng.random(len(men)) < 0.5), 0.2, 0.0)
    result = result_of(moved(oracle, "white_noise@drawn", by))
    row = table(result, "sexes").set_index(["target", "change"]).loc[("arousal", "white_noise@drawn")]
    share = float((by[men] > 0).mean())
    assert row["female − male"] == pytest.approx(share, abs=1e-12)
    assert row["low"] > 0.3
    assert row["p-value"] == pytest.approx(1 / 101)
    overall = the(result, "unchanged_gap", "arousal", "female-male")
    assert overall.value == pytest.approx(share / 8, abs=1e-12)
    assert the(result, "unchanged_gap", "valence", "female-male").value == 0.0


def test_the_worst_clips_are_those_that_move_farthest(oracle):
    by = np.zeros(len(oracle.clips))
    by[7], by[11], by[13] = 0.3, -0.4, 0.2
    worst = table(result_of(moved(oracle, "gain@drawn", by)), "worst")
    index = oracle.clips.index
    assert worst["clip"].tolist() == [index[11], index[7]]
    assert worst["by"].tolist() == pytest.approx([0.4, 0.3])
    assert (worst["changed"] - worst["clean"]).tolist() == pytest.approx([-0.4, 0.3])


def test_the_speakers_that_suffer_most_come_first(oracle):
    codes = oracle.clips["speaker"].to_numpy()
    by = np.where(
        codes == "003", 0.2, np.where((codes == "005") & (np.arange(len(codes)) % 2 == 0), 0.2, 0.0)
    )
    speakers = table(result_of(moved(oracle, "gain@drawn", by)), "speakers")
    assert speakers["speaker"].tolist() == ["003", "005"]
    assert speakers["arousal"].tolist() == pytest.approx([7 / 8, 15 / 16])


def test_the_ladder_tells_up_to_which_level_answers_stay(clips):
    options = {"perturbations": ("gain@-1",), "ladder": True}
    tables = asked_of("oracle", clips, **options)
    n = len(clips)
    shares = {"gain@-5dB": 1 / 40, "gain@-10dB": 5 / 40, "gain@-20dB": 0.5, "gain@-30dB": 1.0}
    order = np.random.default_rng(0).permutation(n)
    for condition, share in shares.items():
        tables = moved(tables, condition, np.where(order < n * share, 0.3, 0.0))
    result = result_of(tables, **options)
    # .975 at −5 dB and .875 at −10 dB: .95 lies a quarter of the way, .9 three quarters
    assert the(result, "level_95", "arousal", "gain").value == pytest.approx(-6.25)
    assert the(result, "level_90", "arousal", "gain").value == pytest.approx(-8.75)
    found = the(result, "level_90", "arousal", "gain")
    assert found.low < found.value < found.high
    stays = the(result, "level_95", "valence", "gain")
    assert stays.value is None
    assert stays.reason.startswith("even at the most severe level, -30, at least 95% are unchanged")
    doses = table(result, "doses").query("target == 'arousal'")
    assert doses["level"].tolist() == [-1, -2, -5, -10, -20, -30]
    assert doses["unchanged"].tolist() == pytest.approx([1, 1, 0.975, 0.875, 0.5, 0])
    assert any(figure.name == "dose_gain" for figure in result.figures)


def test_repeated_draws_are_averaged_and_told_apart_from_the_clips(clips):
    options = {"perturbations": ("white_noise",), "draws": 2}
    tables = asked_of("oracle", clips, **options)
    n = len(clips)
    always = np.where(np.arange(n) < n // 4, 0.3, 0.0)
    tables = moved(tables, "white_noise@drawn", always)
    tables = moved(tables, "white_noise@drawn#1", always + np.where(np.arange(n) >= 3 * n // 4, 0.3, 0.0))
    result = result_of(tables, **options)
    found = the(result, "unchanged_ratio", "arousal", "white_noise@drawn")
    assert found.value == pytest.approx((0.75 + 0.5) / 2)
    assert found.n == n
    luck = table(result, "draws").query("target == 'arousal'").iloc[0]
    assert (luck["lowest ratio"], luck["highest ratio"]) == (0.5, 0.75)
    # clip means 0 (¼), 1 (½), ½ (¼): within = ¼ · ½; between = var(means) − within / 2
    within, between = 1 / 8, (0.5 * 1 + 0.25 * 0.25 - 0.625**2) * n / (n - 1) - 1 / 16
    assert luck["share of variance due to draws"] == pytest.approx(within / (within + between))


def test_what_cannot_be_had_is_skipped_with_the_reason_unless_it_was_named(clips):
    tables = asked_of("oracle", clips, perturbations=("ser-tests",))
    result = result_of(tables, perturbations=("ser-tests",))
    found = the(result, "unchanged_ratio", "all", "recorded_noise@20dB")
    assert found.verdict is Verdict.SKIPPED
    assert found.reason == "recorded_noise needs recordings of noise: give their folder with --noise-dir"
    with pytest.raises(AuditError, match="recorded_noise needs recordings of noise"):
        AUDIT.needs(**AUDIT.settings({"perturbations": ("recorded_noise",)}))


def test_every_condition_of_ser_tests_has_a_limit_for_its_ratio(clips):
    result = result_of(asked_of("oracle", clips, perturbations=("ser-tests",)), perturbations=("ser-tests",))
    for finding in result.findings:
        if finding.name == "unchanged_ratio":
            assert finding.limit is not None, finding.slice
    bounds = {f.slice: f.limit.above for f in result.findings if f.name == "unchanged_ratio"}
    assert bounds["gain@drawn"] == 0.95
    assert bounds["babble@20dB"] == 0.9
    assert bounds["low_quality_phone@25dB"] == 0.5
    assert bounds["spectral_tilt_up@3dB/octave"] == bounds["simulated_room@0.6s"] == 0.8


def test_published_ranges_stand_beside_the_measured_where_the_corpus_matches(oracle):
    assert "arousal, published" not in table(result_of(oracle), "ratios")
    known = result_of(dataclasses.replace(oracle, corpus="iemocap"))
    ratios = table(known, "ratios").set_index("change")
    assert ratios.loc["additive_tone@drawn", "arousal, published"] == "0.75 to 1.00 (11 models)"
    assert "ser-tests" in next(t.note for t in known.tables if t.name == "ratios")


def test_an_unrated_dimension_is_judged_if_it_follows_the_emotions(clips):
    unrated = clips.drop(columns=["arousal", "dominance", "valence"])
    tables = asked_of("random", unrated)
    follows = {
        name: frame.assign(arousal=clips["arousal"].to_numpy()) for name, frame in tables.predictions.items()
    }
    result = result_of(tables.with_predictions(follows))
    assert the(result, "unchanged_ratio", "arousal", "gain@drawn").verdict is Verdict.PASS
    assert the(result, "unchanged_ratio", "valence", "gain@drawn").verdict is Verdict.FAIL
    assert "not shown to beat a constant" in the(result, "unchanged_ratio", "valence", "gain@drawn").reason
    assert not [f for f in result.findings if f.name == "scale_free_ratio"]
    assert math.isnan(table(result, "spread").set_index("target")["sd(p) / sd(t)"].astype(float)["arousal"])


def test_a_model_that_answers_by_clip_is_skipped_with_the_reason(clips):
    (found,) = result_of(toy_corpus.answers("oracle", clips)).findings
    assert found.verdict is Verdict.SKIPPED
    assert found.reason.startswith("there are no predictions for ")


@pytest.mark.parametrize("name", sorted(suites()))
def test_every_suite_asks_audits_what_they_can_answer(name):
    suite = read_suite(name)
    for each in suite.audit:
        audit = load(each.name)
        needs = audit.needs(**audit.settings(each.options))
        assert Condition() in needs.conditions or needs.layers or needs.frame_sums


@pytest.mark.parametrize("conditions", [10, pytest.param(40, marks=pytest.mark.acceptance)])
def test_many_conditions_of_7442_clips_take_seconds(conditions):
    many = toy_corpus.clips(speakers=91, per_speaker=82)[:7442]
    perturbations = tuple(f"gain@{i / 10:g}" for i in range(1, conditions + 1))
    rng = np.random.default_rng(0)
    clean = many[["arousal", "dominance", "valence"]]
    needed = AUDIT.needs(**AUDIT.settings({"perturbations": perturbations})).conditions
    scores = {str(condition): clean + rng.normal(0, 0.03, clean.shape) for condition in needed}
    tables = Tables(clips=many, predictions=scores, dimensions=tuple(clean))
    began = time.process_time()
    result = result_of(tables, perturbations=perturbations, resamples=2000)
    assert time.process_time() - began < 0.75 * conditions
    assert sum(f.name == "unchanged_ratio" for f in result.findings) == 3 * conditions


@pytest.mark.slow
@pytest.mark.skipif(not RAVDESS.exists(), reason="real speech is not at hand")
def test_on_real_speech_a_model_that_hears_only_loudness_fails_gain_and_passes_the_tone(tmp_path):
    corpus = load_corpus(str(RAVDESS))
    some = dataclasses.replace(corpus, clips=corpus.clips.iloc[::7])
    options = {"perturbations": ("gain", "additive_tone"), **FEW}
    (result,) = pipeline_run.run(
        load_model("toy:loudness"), some, [AUDIT.plan(options)], settings=predict.Settings(cache=tmp_path)
    )
    assert the(result, "unchanged_ratio", "arousal", "gain@drawn").verdict is Verdict.FAIL
    assert the(result, "unchanged_ratio", "arousal", "additive_tone@drawn").verdict is Verdict.PASS
    # ±1 dB move the answer by 1/38, ±2 dB by 1/19 > .05, unless at an end of the scale: about half stay
    assert 0.4 < the(result, "unchanged_ratio", "arousal", "gain@drawn").value < 0.7
