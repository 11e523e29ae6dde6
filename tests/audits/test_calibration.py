import numpy as np
import pandas as pd
import pytest

from sertools.auditing.audit import load
from sertools.metrics.regression import bias
from sertools.results.result import Limit, Verdict
from sertools.results.verdicts.gate import judge
from sertools.tables.condition import CLEAN
from sertools.tables.tables import Tables
from tests.helpers.audit_tables import EMOTIONS, made, trivial
from tests.helpers.audits import run

CALIBRATION = load("calibration")


def result(tables):
    return run(CALIBRATION, tables, seed=0)


def found(result, name, target="arousal", where="all"):
    (finding,) = [f for f in result.findings if (f.name, f.target, f.slice) == (name, target, where)]
    return finding


def honest(n=3000, seed=0, power=1.0) -> Tables:
    """Emotions drawn from the model's own probabilities, which are then sharpened by a power."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.full(4, 0.5), n)
    code = (p.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1)
    said = p**power / (p**power).sum(axis=1, keepdims=True)
    index = pd.Index([f"clip {i}" for i in range(n)], name="clip")
    clips = pd.DataFrame(
        {"speaker": [f"s{i % 30}" for i in range(n)], "emotion": np.array(EMOTIONS, dtype=object)[code]},
        index=index,
    )
    scores = pd.DataFrame(said, index=index, columns=list(EMOTIONS))
    return Tables(clips=clips, predictions={CLEAN: scores}, classes=EMOTIONS, model_classes=EMOTIONS)


def test_probabilities_that_tell_the_truth_are_calibrated():
    r = result(honest())
    over = found(r, "overconfidence", "emotion")
    # the standard error of 3000 clips is below .5/√3000 = .009; four of them
    assert over.value == pytest.approx(0, abs=0.037)
    assert over.verdict is Verdict.PASS
    beside = {row[0]: row for row in r.tables[0].rows}
    # what chance gives has a standard deviation of about a fifth of itself: fifteen bins
    assert beside["ece"][1] == pytest.approx(beside["ece"][2], rel=0.8)
    assert found(r, "ece", "emotion").value < 0.03
    assert "not clearly over- or under-confident" in r.answer


@pytest.mark.parametrize(("power", "sign", "word"), [(4, 1, "over-confident"), (0.3, -1, "under-confident")])
def test_sharpened_probabilities_promise_too_much_and_flattened_ones_too_little(power, sign, word):
    r = result(honest(power=power))
    over = found(r, "overconfidence", "emotion")
    assert np.sign(over.value) == sign
    assert over.verdict is Verdict.FAIL
    assert f"the model is {word}: confidence − accuracy = {over.value:+.2f} [{over.low:+.2f}, " in r.answer
    # all bins are off to one side, so ECE is the size of overconfidence
    assert found(r, "ece", "emotion").value == pytest.approx(abs(over.value), abs=0.01)


def test_the_ece_beyond_chance_is_judged_where_a_limit_names_it():
    calibrated, sharpened = result(honest()), result(honest(power=4))
    for r in (calibrated, sharpened):
        ece = found(r, "ece", "emotion")
        assert (ece.low, ece.high) == (None, None)
        assert "ece_beyond_chance has one" in ece.reason
    limit = Limit(name="ece_beyond_chance", below=0.05)
    beyond = found(calibrated, "ece_beyond_chance", "emotion")
    assert (beyond.low, judge(beyond, limit).verdict) == (0, Verdict.PASS)
    beyond, over = (found(sharpened, name, "emotion") for name in ("ece_beyond_chance", "overconfidence"))
    assert judge(beyond, limit).verdict is Verdict.FAIL
    assert beyond.value >= over.value - 0.01, "a root mean square is no smaller than a mean"


def test_ece_overconfidence_and_brier_by_hand():
    # four clips of one answer each: confidence .7 .7 .9 .9, right 1 0 1 1
    clips = pd.DataFrame({"speaker": list("abcd"), "emotion": ["fear", "calm", "fear", "fear"]})
    scores = pd.DataFrame({"fear": [0.7, 0.7, 0.9, 0.9], "calm": [0.3, 0.3, 0.1, 0.1]})
    names = ("fear", "calm")
    r = result(Tables(clips=clips, predictions={CLEAN: scores}, classes=names, model_classes=names))
    assert found(r, "ece", "emotion").value == pytest.approx(0.5 * 0.2 + 0.5 * 0.1)
    assert found(r, "overconfidence", "emotion").value == pytest.approx(0.8 - 0.75)
    assert found(r, "brier", "emotion").value == pytest.approx((2 * 0.09 + 2 * 0.49 + 4 * 0.01) / 4)
    beside, reliability = r.tables
    assert beside.rows[1][2] == pytest.approx(1 - (9 + 1) / 16)
    assert [row[:5] for row in reliability.rows] == [
        ["0.67-0.73", 2, 2, pytest.approx(0.7), 0.5],
        ["0.87-0.93", 2, 2, pytest.approx(0.9), 1.0],
    ]
    # four speakers give no interval, and nothing passes
    assert found(r, "overconfidence", "emotion").verdict is Verdict.INCONCLUSIVE


def test_scores_that_are_no_probabilities_are_skipped_with_the_reason():
    tables = honest(200)
    logits = tables.with_predictions({CLEAN: tables.predictions[CLEAN] * 5 - 1})
    r = result(logits)
    assert [f.verdict for f in r.findings] == [Verdict.SKIPPED]
    assert r.findings[0].reason == "the class scores are not probabilities: scores reach from -1 to 3.82"


def test_a_softmax_that_rounds_above_one_is_a_probability():
    tables = made([10] * 6, dimensions=(), classes=EMOTIONS, noise=0)
    scores = tables.predictions[CLEAN] * (1 + 1e-6)
    assert found(result(tables.with_predictions({CLEAN: scores})), "ece", "emotion").value == 0


def test_a_ratings_slope_spread_and_bias_are_those_of_numpy():
    tables = made([20] * 8, noise=0.1)
    truth = tables.clips["arousal"].to_numpy()
    prediction = tables.predictions[CLEAN]["arousal"].to_numpy()
    r = result(tables)
    slope = np.polyfit(prediction, truth - prediction, 1)[0]
    assert found(r, "residual_slope").value == pytest.approx(slope, abs=1e-9)
    assert found(r, "spread").value == pytest.approx(prediction.std() / truth.std(), abs=1e-9)
    for low, high in ((0.25, 0.5), (0.5, 0.75)):
        here = (truth >= low) & (truth < high)
        value = found(r, "bias", where=f"truth={low:g}-{high:g}")
        assert value.value == pytest.approx(bias(truth[here], prediction[here]), abs=1e-12)
        assert value.n == here.sum()


def test_a_model_that_is_afraid_of_the_extremes_fails():
    tables = made([20] * 8, noise=0)
    shy = 0.5 + (tables.predictions[CLEAN] - 0.5) / 3
    r = result(tables.with_predictions({CLEAN: shy}))
    assert found(r, "spread").value == pytest.approx(1 / 3, abs=1e-9)
    assert found(r, "spread").watch, "a detail, which stands out"
    assert found(r, "residual_slope").value == pytest.approx(2, abs=1e-9)
    assert found(r, "residual_slope").verdict is Verdict.FAIL
    assert (
        "varies 0.33 times as much as the ratings; "
        "a rise of 0.10 in the prediction corresponds to 0.30 in the ratings" in r.answer
    )


def test_an_oracle_passes_everything():
    r = result(made([20] * 8, classes=EMOTIONS, noise=0))
    judged = {f.name: f.verdict for f in r.findings if f.headline}
    assert judged == dict.fromkeys(("residual_slope", "overconfidence"), Verdict.PASS)
    assert found(r, "ece", "emotion").value == 0
    assert found(r, "brier", "emotion").value == 0


@pytest.mark.parametrize("kind", ["constant", "random"])
def test_a_model_that_knows_nothing_never_passes(kind):
    r = result(trivial(made([30] * 10, classes=EMOTIONS), kind))
    assert Verdict.PASS not in {f.verdict for f in r.findings}
    judged = {f.verdict for f in r.findings if f.headline}
    assert judged <= {Verdict.INCONCLUSIVE, Verdict.FAIL, Verdict.SKIPPED}


def test_a_prior_that_is_calibrated_and_useless_does_not_pass():
    tables = made([16] * 8, dimensions=(), classes=EMOTIONS)
    prior = pd.DataFrame(0.25, index=tables.clips.index, columns=list(EMOTIONS))
    r = result(tables.with_predictions({CLEAN: prior}))
    over = found(r, "overconfidence", "emotion")
    assert over.value == pytest.approx(0, abs=1e-12)
    assert over.verdict is Verdict.INCONCLUSIVE
    assert "not shown to beat a constant prediction" in over.reason


def test_what_is_planted_is_found():
    tables = made([30] * 12, classes=EMOTIONS, noise=0)
    planted = CALIBRATION.plant(tables, np.random.default_rng(0))
    r = result(planted)
    failed = {(f.name, f.target) for f in r.findings if f.verdict is Verdict.FAIL}
    assert failed == {
        ("residual_slope", "arousal"),
        ("overconfidence", "emotion"),
    }
    assert found(r, "overconfidence", "emotion").value == pytest.approx(1 / 3, abs=1e-9)
    assert tables.predictions[CLEAN].equals(made([30] * 12, classes=EMOTIONS, noise=0).predictions[CLEAN])


def test_a_plant_without_emotions_is_a_plant_all_the_same():
    planted = CALIBRATION.plant(made([20] * 8, noise=0), np.random.default_rng(0))
    assert found(result(planted), "residual_slope").verdict is Verdict.FAIL


def test_nothing_rated_and_answered_at_once_is_undefined_with_a_reason():
    tables = made([20] * 8, classes=EMOTIONS)
    nobody = tables.with_predictions({CLEAN: tables.predictions[CLEAN] * np.nan})
    r = result(nobody)
    assert {f.value for f in r.findings} == {None}
    assert "undefined: no clips" in r.answer


def test_a_truth_without_width_has_a_reason():
    r = result(made([20] * 8, levels=[0.5] * 8, spread=0))
    assert found(r, "spread").value is None
    assert "The calibration of arousal is undefined" in r.answer


def test_a_constant_answer_is_said_to_be_without_width():
    r = result(trivial(made([20] * 8), "constant"))
    assert r.answer.startswith("Predicted arousal varies 0.00 times as much as the ratings.")


def test_a_calibrated_model_passes_though_its_predictions_spread_less():
    """E[t | p] = p with a correlation of .4, so the spread is .4, too: a limit of .5 would accuse it."""
    rng = np.random.default_rng(4)
    tables = made([60] * 20, noise=0)
    prediction = 0.5 + 0.4 * 0.2 * rng.normal(size=len(tables.clips))
    truth = prediction + np.sqrt(1 - 0.4**2) * 0.2 * rng.normal(size=len(tables.clips))
    scores = pd.DataFrame({"arousal": prediction}, index=tables.clips.index)
    calibrated = Tables(
        clips=tables.clips.assign(arousal=truth), predictions={CLEAN: scores}, dimensions=("arousal",)
    )
    r = result(calibrated)
    assert found(r, "spread").high < 0.5
    assert found(r, "spread").detail
    assert found(r, "residual_slope").verdict is Verdict.PASS
    assert {f.verdict for f in r.findings if f.headline} == {Verdict.PASS}


def test_corpora_without_speakers_are_inconclusive():
    tables = made([20] * 8, noise=0)
    bare = Tables(
        clips=tables.clips.drop(columns="speaker"), predictions=tables.predictions, dimensions=("arousal",)
    )
    assert found(result(bare), "residual_slope").verdict is Verdict.INCONCLUSIVE
    assert "these intervals are too narrow if speakers repeat" in result(bare).answer
    assert "too narrow" not in result(tables).answer
