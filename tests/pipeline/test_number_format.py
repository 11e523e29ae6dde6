"""Audits whose verdicts could depend on the number format are computed in fp32."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sertools.auditing import audit
from sertools.inference.precision import TOLERANCE
from sertools.inference.settings import Settings
from sertools.pipeline import number_format, run, write
from sertools.pipeline.number_format import is_bf16_by_choice, shifted, within_reach
from sertools.results.read import read_results
from sertools.results.result import Finding, Limit, Verdict
from sertools.results.verdicts.gate import judge
from tests.helpers.small import noises
from tests.helpers.two_formats import TwoFormats

FACTS = {"precision_shift": 0.0004, "precision_difference": 0.002, "precision_exceeding": 0.1}


def scores(n: int = 2000, columns=("arousal", "valence")) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    index = pd.Index([f"c{i:04d}" for i in range(n)], name="clip")
    return pd.DataFrame(rng.uniform(0.2, 0.8, (n, len(columns))), index=index, columns=list(columns))


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_predictions_move_as_far_as_the_comparison_allows(sign):
    before = scores()
    moved = (shifted(before, "clean", sign, FACTS) - before).to_numpy()
    far = np.isclose(moved, sign * 2 * TOLERANCE).all(axis=1)
    # a share of .1 of 2000 clips, within three standard errors
    assert abs(far.mean() - 0.1) < 3 * np.sqrt(0.1 * 0.9 / 2000)
    near = moved[~far]
    assert np.abs(near).max() <= 0.002 + 0.0004
    assert np.abs(near).max() > 0.002
    # the random part has mean 0 and standard deviation .002/√3
    assert near.mean() == pytest.approx(sign * 0.0004, abs=3 * 0.002 / np.sqrt(3 * near.size))


def test_what_is_moved_depends_on_clips_and_conditions_not_on_the_order_of_rows():
    before = scores(50)
    before.iloc[7] = np.nan
    moved = shifted(before, "clean", 1.0, FACTS)
    turned = shifted(before.iloc[::-1], "clean", 1.0, FACTS)
    pd.testing.assert_frame_equal(moved, turned.iloc[::-1])
    assert moved.iloc[7].isna().all()
    assert not moved.equals(shifted(before, "gain@2dB", 1.0, FACTS))


def test_probabilities_stay_probabilities():
    before = scores(200, ("anger", "neutral", "sadness"))
    before.iloc[0] = [1.0, 0.0, 0.0]
    before = before.div(before.sum(axis=1), axis=0)
    moved = shifted(before, "clean", 1.0, FACTS)
    np.testing.assert_allclose(moved.sum(axis=1), 1.0, atol=1e-12)
    assert (moved >= 0).all(axis=None)
    assert not np.allclose(moved, before, atol=1e-4)


def test_only_a_choice_that_was_measured_is_checked():
    assert is_bf16_by_choice({"precision": "bf16", "precision_exceeding": 0.1})
    assert not is_bf16_by_choice({"precision": "bf16", "precision_reason": "requested"})
    assert not is_bf16_by_choice({"precision": "fp32", "precision_exceeding": 0.1})


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return noises(tmp_path_factory.mktemp("corpus"), 60)


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    return Settings(cache=tmp_path_factory.mktemp("store"))


def rmse(results):
    return next(f for f in results["correctness"].findings if (f.name, f.target) == ("rmse", "arousal"))


def audited(model, corpus, settings, below: float, *more: str):
    limit = Limit(name="rmse", target="arousal", below=below)
    audits = [audit.load("correctness").plan(limits=[limit]), *(audit.load(name).plan() for name in more)]
    return run.run(model, corpus, audits, settings=settings)


def test_a_verdict_that_bf16_would_change_is_that_of_fp32_and_told(corpus, settings, tmp_path):
    model = TwoFormats(error=0.001)
    exact, quick = (audited(model.with_precision(p), corpus, settings, 0.9) for p in ("fp32", "bf16"))
    bounds = [rmse(results).high_90 for results in (exact, quick)]
    assert bounds[0] != bounds[1]
    limit = sum(bounds) / 2  # one of the formats passes it, and the other does not
    exact, quick = (audited(model.with_precision(p), corpus, settings, limit) for p in ("fp32", "bf16"))
    assert {rmse(exact).verdict.value, rmse(quick).verdict.value} == {"pass", "inconclusive"}
    chosen = audited(model, corpus, settings, limit, "calibration")
    assert chosen["correctness"].findings == exact["correctness"].findings
    assert chosen["correctness"].model["precision"] == "fp32"
    words = f"rmse of arousal from {rmse(quick).verdict} to {rmse(exact).verdict}"
    assert chosen["correctness"].notes[-1].endswith(f"computed in fp32; it changed 1 verdict ({words}).")
    # the same whatever else is audited, also when it is resumed, and in the files
    alone = audited(model, corpus, settings, limit)
    assert alone["correctness"].findings == exact["correctness"].findings
    write.write_results(chosen, tmp_path)
    back = read_results(tmp_path)
    for result in chosen:
        assert back.answers_of(back[result.audit]).digest == chosen.answers_of(result).digest


def test_a_finding_as_near_to_its_limit_as_it_moves_is_in_doubt_on_whichever_side():
    limit = Limit(name="overconfidence", above=-0.1, below=0.1)
    ends = {"value": 0.15, "low": 0.1004, "high": 0.19, "low_90": 0.109, "high_90": 0.18}
    failed = judge(Finding(name="overconfidence", n=99, speakers=10, **ends), limit)
    up = [failed.model_copy(update={"low": 0.1004 + far}) for far in (0.0003, 0.0005)]
    assert failed.verdict is Verdict.FAIL
    assert [within_reach(failed, [one]) for one in up] == [False, True]
    assert not within_reach(failed, [failed])


def test_a_verdict_far_from_its_limit_stays_in_bf16(corpus, settings):
    model = TwoFormats(error=0.001)
    chosen = audited(model, corpus, settings, 0.9)
    assert rmse(chosen) == rmse(audited(model.with_precision("bf16"), corpus, settings, 0.9))
    assert chosen["correctness"].model["precision"] == "bf16"
    assert "no prediction in bf16 differs" in chosen["correctness"].model["precision_reason"]


def test_doubts_are_found_once_and_kept_as_long_as_nothing_changes(corpus, settings, monkeypatch):
    model = TwoFormats(error=0.001)
    exact, quick = (audited(model.with_precision(p), corpus, settings, 0.9) for p in ("fp32", "bf16"))
    limit = sum(rmse(results).high_90 for results in (exact, quick)) / 2
    first = audited(model, corpus, settings, limit)
    found = []
    search = number_format.doubtful_verdicts

    def counted(*args):
        found.append(search(*args))
        return found[-1]

    monkeypatch.setattr(number_format, "doubtful_verdicts", counted)
    again = audited(model, corpus, settings, limit)
    assert again["correctness"] == first["correctness"]
    assert not found
    audited(model, corpus, settings, limit + 1e-9)
    audited(model, corpus, replace(settings, fresh=True), limit)
    assert len(found) == 2
