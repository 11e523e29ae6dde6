"""What people hear and what the model notices: planted shares are found; nothing is judged without PESQ."""

import importlib.util
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sertools.audits.audibility.noticed import is_unheard

from sertools.auditing import audit as auditing
from sertools.auditing.audit import load
from sertools.errors import ModelError
from sertools.features.quality.measure import quality_measures
from sertools.inference.settings import Settings
from sertools.inference.sound_quality import sample, sound_quality
from sertools.pipeline.forecast.forecast import forecast
from sertools.pipeline.run import run as run_all
from sertools.results.result import Verdict
from sertools.selftest import toy_corpus
from sertools.tables.changed.quality import LEVEL_CHANGE, PESQ, QualityNeeded, SoundQuality
from sertools.tables.condition import Condition
from tests.helpers.audits import run
from tests.helpers.small import Meter, noises

AUDIT = load("audibility")
NAMES = ("gain", "white_noise")


@pytest.fixture(scope="module")
def answers():
    clips = toy_corpus.clips(speakers=12, per_speaker=20)
    conditions = AUDIT.needs(**AUDIT.settings({"perturbations": NAMES})).conditions
    return toy_corpus.answers("oracle", clips, conditions)


def audited(tables):
    result = run(AUDIT, tables, options={"perturbations": NAMES}, seed=0)
    return result, {(f.name, f.target, f.slice): f for f in result.findings}


def heard(tables, name, clips):
    """The same tables; people hear the change of these clips."""
    frames = {key: frame.copy() for key, frame in tables.sound_quality.conditions.items()}
    frames[name].loc[clips, PESQ] = 3.0
    return replace(tables, sound_quality=SoundQuality(conditions=frames))


def moved(tables, name, clips):
    scores = {key: frame.copy() for key, frame in tables.predictions.items()}
    scores[name].loc[clips, "arousal"] += 0.2
    return tables.with_predictions(scores)


def test_changes_that_people_hear_are_told_from_those_that_only_the_model_notices(answers):
    index = answers.clips.index
    # 240 clips under 2 changes: the model notices 120, of which people hear 72; people hear 24 more
    tables = moved(answers, "gain@drawn", index[:120])
    tables = heard(heard(tables, "gain@drawn", index[:72]), "white_noise@drawn", index[:24])
    _, found = audited(tables)
    judged = found["unchanged_if_unheard", "arousal", "all"]
    assert judged.value == pytest.approx(1 - 48 / 384, abs=1e-12)
    assert judged.low < 1 - 48 / 384 < judged.high
    assert found["only_the_model", "arousal", "all"].value == pytest.approx(48 / 480, abs=1e-12)
    assert found["only_people", "arousal", "all"].value == pytest.approx(24 / 480, abs=1e-12)
    assert found["unheard", "all", "gain@drawn"].value == pytest.approx(168 / 240, abs=1e-12)
    # clips that people hear do not count against the model
    _, excused = audited(heard(moved(answers, "gain@drawn", index[:120]), "gain@drawn", index[:120]))
    assert excused["unchanged_if_unheard", "arousal", "all"].verdict is Verdict.PASS


def test_the_examples_are_those_that_only_the_model_notices(answers):
    index = answers.clips.index
    tables = heard(moved(answers, "gain@drawn", index[:3]), "gain@drawn", index[:2])
    result, _ = audited(tables)
    assert [(s.clip, s.condition, s.target) for s in result.sounds] == [
        (str(index[2]), "gain@drawn", "arousal")
    ]


def test_without_pesq_nothing_is_judged(answers):
    frames = {key: frame.assign(pesq=np.nan) for key, frame in answers.sound_quality.conditions.items()}
    result, found = audited(replace(answers, sound_quality=SoundQuality(conditions=frames)))
    assert found["unchanged_if_unheard", "arousal", "all"].verdict is Verdict.SKIPPED
    assert "pip install pesq" in result.answer
    assert Verdict.PASS not in {f.verdict for f in result.findings}


def test_visqol_is_shown_beside_the_others_on_request_and_names_its_package(answers, monkeypatch):
    asked = AUDIT.needs(**AUDIT.settings({"perturbations": NAMES, "visqol": True})).sound_quality
    assert asked == QualityNeeded(clips=100, visqol=True)
    frames = {key: frame.assign(visqol=4.25) for key, frame in answers.sound_quality.conditions.items()}
    result, found = audited(replace(answers, sound_quality=SoundQuality(conditions=frames)))
    assert found["visqol", "all", "gain@drawn"].value == 4.25
    assert "ViSQOL" in result.tables[0].columns
    assert "ViSQOL" not in audited(answers)[0].tables[0].columns
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match="ViSQOL needs the package visqol-python"):
        quality_measures(asked)


def test_a_model_that_answers_nothing_is_not_accused_of_noticing(answers):
    silent = {name: scores * np.nan for name, scores in answers.predictions.items()}
    found = [f for f in audited(answers.with_predictions(silent))[0].findings if not f.detail]
    found = [f for f in found if f.name == "unchanged_if_unheard"]
    assert {f.verdict for f in found} == {Verdict.SKIPPED}
    assert {"the model answers no clip" in f.reason for f in found} == {True}


def test_clips_that_were_not_measured_have_no_part(answers):
    frames = {key: frame.iloc[:100] for key, frame in answers.sound_quality.conditions.items()}
    tables = moved(answers, "gain@drawn", answers.clips.index[100:])
    _, found = audited(replace(tables, sound_quality=SoundQuality(conditions=frames)))
    judged = found["unchanged_if_unheard", "arousal", "all"]
    assert (judged.value, judged.n) == (1.0, 100)
    frames["gain@drawn"] = frames["gain@drawn"].iloc[:0]
    _, found = audited(replace(tables, sound_quality=SoundQuality(conditions=frames)))
    assert "could be compared" in found["unchanged_if_unheard", "arousal", "gain@drawn"].reason


def test_a_level_is_heard_from_one_decibel_on():
    frame = pd.DataFrame({PESQ: [4.5, 4.5, 4.49], LEVEL_CHANGE: [0.99, -1.0, 0.0]})
    assert is_unheard(frame).tolist() == [1, 0, 0]


def test_the_sample_is_spread_over_speakers_and_does_not_depend_on_the_order(tmp_path):
    corpus = noises(tmp_path)
    speakers = np.repeat(["a", "b", "c"], 4)
    corpus = replace(corpus, clips=corpus.clips.assign(speaker=speakers))
    few = sample(corpus, 6)
    assert few.clips["speaker"].value_counts().tolist() == [2, 2, 2]
    other = sample(replace(corpus, clips=corpus.clips.iloc[::-1]), 6)
    assert set(few.clips.index) == set(other.clips.index)
    assert sample(corpus, 0) is corpus


def test_a_run_measures_the_sound_once_and_plan_says_what_it_costs(tmp_path):
    corpus, settings = noises(tmp_path / "c"), Settings(cache=tmp_path / "store")
    planned = AUDIT.plan({"perturbations": ("gain",), "clips": 5})
    costs, _ = forecast(Meter(), corpus, [planned], settings=settings)
    assert [(c.condition, c.clips, c.todo) for c in costs if c.of == "sound"] == [
        ("quality, gain@drawn", 5, 5)
    ]
    (result,) = run_all(Meter(), corpus, [planned], settings=settings)
    level = next(f for f in result.findings if f.name == "level_change_db")
    assert level.n == 5
    again, _ = forecast(Meter(), corpus, [planned], settings=settings)
    assert [c.todo for c in again if c.of == "sound"] == [0]
    gain = Condition(perturbation="gain")
    stored = sound_quality(corpus, QualityNeeded(clips=5), [Condition(), gain], settings)
    assert len(stored.conditions["gain@drawn"]) == 5


def test_robustness_draws_scores_against_quality_where_it_is_asked_to(answers):
    options = {"perturbations": NAMES, "resamples": 50}
    plain = run(load("robustness"), answers, options=options, seed=0)
    asked = run(load("robustness"), answers, options={**options, "quality": True}, seed=0)
    names = [f.name for f in asked.figures if "quality" in f.name]
    assert "unchanged_ratio_quality_arousal" in names
    assert not [f for f in plain.figures if "quality" in f.name]
    assert auditing.load("robustness").plan({"quality": True}).needs.sound_quality == QualityNeeded(clips=100)
