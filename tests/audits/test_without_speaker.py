"""What is kept without a speaker is what the audit finds where the speaker's clips are not there."""

import dataclasses

import numpy as np
import pytest

from sertools.auditing.audit import load
from sertools.results.result import Result
from sertools.results.verdicts.gate import gate
from sertools.results.verdicts.regression_check import against
from sertools.tables.condition import CLEAN, Condition
from sertools.tables.tables import Tables
from tests.helpers.audit_tables import EMOTIONS, made
from tests.helpers.audits import run

GAIN = str(Condition(perturbation="gain", level=2, unit="dB"))
DIMENSIONS = ("arousal", "valence")
OPTIONS = {
    "fairness": {"resamples": 20},
    "robustness": {"perturbations": ("gain@2",), "resamples": 20},
    "speakers": {"draws": 10},
    "calibration": {},
}


def tables() -> Tables:
    """Twelve speakers of uneven numbers of clips, some misheard; some answers missing under changed sound."""
    sizes = [12, 30, 15, 20, 25, 18, 12, 30, 15, 20, 25, 9]
    of = made(sizes, dimensions=("arousal", "valence"), classes=EMOTIONS, noise=0.1)
    sex = of.clips["speaker"].map({f"s{i}": ("female", "male")[i % 2] for i in range(12)})
    rng = np.random.default_rng(4)
    clean = of.predictions[CLEAN].copy()
    misheard = rng.random(len(clean)) < 0.25
    classes = list(EMOTIONS)
    clean.loc[misheard, classes] = rng.dirichlet(np.ones(4), misheard.sum())
    changed = clean.copy()
    changed[["arousal", "valence"]] += rng.normal(0, 0.04, (len(changed), 2))
    again = rng.random(len(clean)) < 0.1
    changed.loc[again, classes] = rng.dirichlet(np.ones(4), again.sum())
    changed.iloc[rng.permutation(len(changed))[:20]] = np.nan
    of = dataclasses.replace(of, clips=of.clips.assign(sex=sex))
    return of.with_predictions({CLEAN: clean, GAIN: changed})


def result_of(name: str, of: Tables) -> Result:
    return run(load(name), of, seed=0, options=OPTIONS[name], data={"name": "c"})


def without(of: Tables, speaker: str) -> Tables:
    there = (of.clips["speaker"] != speaker).to_numpy()
    scores = {condition: frame[there] for condition, frame in of.predictions.items()}
    return dataclasses.replace(of, clips=of.clips[there], predictions=scores)


KEPT = {
    "fairness": {
        *(("ccc", d, f"sex={s}") for d in DIMENSIONS for s in ("female", "male")),
        *(("max_minus_min", d, "sex=*") for d in (*DIMENSIONS, "emotion")),
        *(("uar", "emotion", f"sex={sex}") for sex in ("female", "male")),
    },
    "robustness": {("unchanged_ratio", d, GAIN) for d in (*DIMENSIONS, "emotion")},
    "speakers": {("speaker_average", name, "all") for name in (*DIMENSIONS, *EMOTIONS)},
    "calibration": {("brier", "emotion", "all")},
}


@pytest.mark.parametrize("name", OPTIONS)
def test_the_value_without_a_speaker_is_that_of_the_other_speakers(name):
    everyone = tables()
    kept = {(v.name, v.target, v.slice): v for v in result_of(name, everyone).left_out}
    assert kept.keys() == KEPT[name]
    for speaker in ("s0", "s5", "s11"):
        found = result_of(name, without(everyone, speaker)).findings
        of_others = {(f.name, f.target, f.slice): f.value for f in found}
        for key, values in kept.items():
            if speaker in values.values:
                assert values.values[speaker] == pytest.approx(of_others[key], abs=1e-9), (speaker, key)
    enough = 11 if name == "speakers" else 12  # a speaker with nine clips has no average
    assert {len(v.values) for v in kept.values()} == ({6, 12} if name == "fairness" else {enough})


@pytest.mark.parametrize("name", OPTIONS)
def test_the_gate_sees_that_a_model_has_got_worse_and_that_the_same_one_has_not(name):
    old = tables()
    rng = np.random.default_rng(9)
    male = (old.clips["sex"] == "male").to_numpy()
    worse = {}
    for condition, frame in old.predictions.items():
        scores = frame.copy()
        dimensions = list(old.model_dimensions)
        scores.loc[male, dimensions] = scores.loc[male, dimensions].to_numpy()[rng.permutation(male.sum())]
        scores[dimensions] += 0.2 if condition == CLEAN else 0.0
        classes = list(old.model_classes)
        rolled = np.roll(frame[classes].to_numpy(), 1, axis=1)
        scores.loc[male if condition == CLEAN else ~male, classes] = rolled[
            male if condition == CLEAN else ~male
        ]
        worse[condition] = scores
    new = old.with_predictions(worse)

    def verdicts(of: Tables) -> dict[tuple[str, str, str], str]:
        judged = gate(against([result_of(name, of)], [result_of(name, old)], tolerance=0.05))
        return {
            (f.name.removesuffix("_against_baseline"), f.target, f.slice): f.verdict
            for r in judged
            for f in r.findings
            if f.name.endswith("_against_baseline")
        }

    same, changed = verdicts(old), verdicts(new)
    assert set(same.values()) == {"pass"}
    assert "fail" in changed.values()
    if name == "fairness":
        assert changed["ccc", "arousal", "sex=male"] == "fail"
        assert changed["max_minus_min", "arousal", "sex=*"] == "fail"
        assert changed["ccc", "arousal", "sex=female"] != "pass", "all of its answers were raised"
