"""A model gains nothing by not answering: scores against a naive second implementation, and the verdicts."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from sertools.auditing.audit import load
from sertools.auditing.coverage import left_out_clips
from sertools.results.result import Verdict
from sertools.selftest import toy_corpus
from sertools.tables.condition import Condition
from sertools.tables.pairs import pairs
from tests.helpers.audit_tables import made
from tests.helpers.audits import run
from tests.helpers.unanswered import CLASSES, answers, middling, naive, silent_about


def naive_ccc(truth: list[float], prediction: list[float]) -> float:
    n = len(truth)
    mean_t, mean_p = sum(truth) / n, sum(prediction) / n
    covariance = sum((t - mean_t) * (p - mean_p) for t, p in zip(truth, prediction, strict=True)) / n
    spread = sum((t - mean_t) ** 2 for t in truth) / n + sum((p - mean_p) ** 2 for p in prediction) / n
    return 2 * covariance / (spread + (mean_t - mean_p) ** 2)


def values(result) -> dict[tuple[str, str, str], float]:
    return {(f.name, f.target, f.slice): f.value for f in result.findings}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("share", [0.02, 0.3])
def test_scores_of_emotion_agree_with_counting_clip_by_clip(seed, share):
    tables = middling(seed)
    silent = np.random.default_rng(seed + 10).random(len(tables.clips)) < share
    holed = silent_about(tables, silent)
    found = values(run(load("correctness"), holed, seed=0))
    expected = naive(answers(holed))
    answered = naive([pair for pair in answers(holed) if pair[1] is not None])
    for name in ("uar", "accuracy", "macro_f1", "weighted_f1"):
        assert found[name, "emotion", "all"] == pytest.approx(expected[name], abs=1e-12)
        assert found[f"{name}_of_answered", "emotion", "all"] == pytest.approx(answered[name], abs=1e-12)
    assert found["uap", "emotion", "all"] == pytest.approx(answered["uap"], abs=1e-12)
    for name in CLASSES:
        assert found["recall", name, "all"] == pytest.approx(expected[f"recall {name}"], abs=1e-12)
    assert found["coverage", "emotion", "all"] == pytest.approx(1 - silent.mean(), abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_scores_of_a_dimension_agree_with_a_loop(seed):
    tables = middling(seed)
    holed = silent_about(tables, np.random.default_rng(seed).random(len(tables.clips)) < 0.1)
    truth = tables.clips["arousal"].tolist()
    given = holed.predictions["clean"]["arousal"].tolist()
    filled = [(1.0 if t < 0.5 else 0.0) if np.isnan(p) else p for t, p in zip(truth, given, strict=True)]
    found = values(run(load("correctness"), holed, seed=0))
    assert found["ccc", "arousal", "all"] == pytest.approx(naive_ccc(truth, filled), abs=1e-12)
    errors = [abs(p - t) for t, p in zip(truth, filled, strict=True)]
    assert found["mae", "arousal", "all"] == pytest.approx(sum(errors) / len(errors), abs=1e-12)
    both = [(t, p) for t, p in zip(truth, given, strict=True) if not np.isnan(p)]
    of_answered = naive_ccc(*map(list, zip(*both, strict=True)))
    assert found["ccc_of_answered", "arousal", "all"] == pytest.approx(of_answered, abs=1e-12)


def test_the_scores_of_the_sexes_count_what_is_not_answered():
    tables = middling()
    sexes = np.where(tables.clips["speaker"].str[1:].astype(int) % 2 == 0, "female", "male")
    tables = dataclasses.replace(tables, clips=tables.clips.assign(sex=sexes))
    silent = (sexes == "female") & (np.arange(len(sexes)) % 5 == 0)
    holed = silent_about(tables, silent)
    found = values(run(load("fairness"), holed, seed=0, options={"resamples": 50}))
    pairs = answers(holed)
    scores = {
        sex: naive([pair for pair, own in zip(pairs, sexes, strict=True) if own == sex])["uar"]
        for sex in ("female", "male")
    }
    for sex, score in scores.items():
        assert found["uar", "emotion", f"sex={sex}"] == pytest.approx(score, abs=1e-12)
    gap = found["sex_score", "emotion", "female-male"]
    assert gap == pytest.approx(scores["female"] - scores["male"], abs=1e-12)
    # of the answered clips alone, the women were not served worse
    assert gap < found["sex_score_of_answered", "emotion", "female-male"] - 0.05


def test_what_is_not_answered_counts_as_changed():
    clips = toy_corpus.clips(speakers=12, per_speaker=20)
    gain = Condition(perturbation="gain")
    tables = toy_corpus.answers("oracle", clips, [gain])
    scores = {name: frame.copy() for name, frame in tables.predictions.items()}
    scores["gain@drawn"].iloc[:12] = np.nan
    scores["clean"].iloc[6:18] = np.nan
    holed = tables.with_predictions(scores)
    found = values(run(load("robustness"), holed, seed=0, options={"perturbations": ("gain",)}))
    for target in ("emotion", "arousal"):
        assert found["unchanged_ratio", target, "gain@drawn"] == pytest.approx(1 - 18 / 240, abs=1e-12)
        assert found["unchanged_ratio_of_answered", target, "gain@drawn"] == 1.0
        assert found["coverage", target, "all"] == found["coverage", target, "gain@drawn"] == 1 - 12 / 240


def test_a_model_that_answers_only_what_it_gets_right_fails():
    tables = middling()
    wrong = np.array([t != p for t, p in answers(tables)])
    before, after = (run(load("correctness"), t, seed=0) for t in (tables, silent_about(tables, wrong)))
    score, alone = values(before)["uar", "emotion", "all"], values(after)["uar_of_answered", "emotion", "all"]
    assert values(after)["uar", "emotion", "all"] == pytest.approx(score, abs=1e-12)
    assert alone == 1.0
    (coverage,) = [f for f in after.findings if (f.name, f.target) == ("coverage", "emotion")]
    assert coverage.verdict is Verdict.FAIL
    assert (coverage.low, coverage.high, coverage.exact) == (None, None, True)
    assert (
        f"Not answered: {wrong.sum()} of 240 clips (arousal), {wrong.sum()} of 240 clips (emotion);"
        in after.answer
    )
    assert "On the answered clips alone:" in after.answer
    assert "emotion UAR 1.00" in after.answer


def test_precision_and_calibration_are_inconclusive_below_95_percent():
    tables = middling()
    little, much = (silent_about(tables, np.arange(240) % every == 0) for every in (30, 10))
    for name, findings in (("correctness", {"uap", "precision", "jensen_shannon", "relative_difference"}),
                           ("calibration", {"overconfidence", "residual_slope", "spread"})):  # fmt: skip
        audit = load(name)
        enough, few = (
            [f for f in run(audit, t, seed=0).findings if f.name in findings and f.limit]
            for t in (little, much)
        )
        assert {f.name for f in few} == findings
        assert {f.verdict for f in few if f.headline} == {Verdict.INCONCLUSIVE}
        assert {f.verdict for f in few if f.detail} <= {Verdict.NONE}
        assert {f.reason_code for f in few} == {"low_coverage"}
        assert Verdict.PASS in {f.verdict for f in enough}


def test_at_95_percent_coverage_is_told_and_not_judged():
    tables = silent_about(middling(), np.arange(240) % 20 == 0)
    found = [f for f in run(load("correctness"), tables, seed=0).findings if f.name == "coverage"]
    assert {(f.target, f.value, f.verdict, f.limit) for f in found} == {
        ("arousal", 0.95, Verdict.NONE, None),
        ("emotion", 0.95, Verdict.NONE, None),
    }


def test_a_clip_that_nobody_can_hear_is_missing_and_not_asked():
    tables = middling()
    silent = np.arange(240) % 10 == 0
    rows = pd.DataFrame(
        {"clip": tables.clips.index[silent], "condition": "clean", "reason": "no such file", "asked": False}
    )
    holed = dataclasses.replace(silent_about(tables, silent), missing=rows)
    found = {f.key.label: f for f in run(load("correctness"), holed, seed=0).findings}
    assert (found["coverage of emotion"].value, found["coverage of emotion"].n) == (1.0, 216)
    assert not [name for name in found if "_of_answered" in name]


def test_clips_without_a_speaker_add_no_speaker():
    tables = middling()
    speaker = tables.clips["speaker"].where(np.arange(240) % 25 > 0)
    tables = dataclasses.replace(tables, clips=tables.clips.assign(speaker=speaker))
    result = run(load("correctness"), tables, seed=0)
    assert max(f.speakers for f in result.findings) == 12
    assert result.answer.startswith("On 240 clips of 12 speakers: ")
    assert pairs(tables, "emotion").units == 12 + 10  # each of them is a unit of its own in the statistics


def test_a_headline_on_part_of_the_clips_says_of_how_many_and_why():
    tables = made([10] * 8, dimensions=(), classes=CLASSES, noise=0.1)
    emotion = tables.clips["emotion"].astype(object)
    emotion.iloc[:38] = "boredom"
    emotion.iloc[38:40] = None
    rows = pd.DataFrame(
        {"clip": tables.clips.index[40:41], "condition": "clean", "reason": "x", "asked": False}
    )
    holed = silent_about(tables, np.arange(80) == 40)
    holed = dataclasses.replace(holed, clips=tables.clips.assign(emotion=emotion), missing=rows)
    answer = run(load("correctness"), holed, seed=0).answer
    assert answer.startswith(
        "On 39 of 80 clips of 4 speakers (2 clips without emotion, 38 clips with emotions that the "
        "model lacks and 1 clip that could not be predicted are left out): emotion UAR"
    )
    (said,) = left_out_clips(load("correctness").plan().needs, holed)
    assert said.endswith("are left out).")
    # the model has happiness and sadness, which nobody here has: perhaps they are called otherwise
    renamed = emotion.replace({"happiness": "gloom", "sadness": "gloom"})
    (said,) = left_out_clips(
        load("correctness").plan().needs,
        dataclasses.replace(holed, clips=tables.clips.assign(emotion=renamed)),
    )
    assert said.endswith(
        " Only the corpus has boredom and gloom, only the model happiness and sadness: where two mean the "
        "same, name them, as in --label-map happiness=NAME."
    )
