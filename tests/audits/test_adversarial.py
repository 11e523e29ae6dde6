"""Attacks in a run: success by hand, beside random signs, with transfer and examples to listen to."""

from dataclasses import replace

import numpy as np
import pytest

from sertools.auditing.audit import load
from sertools.errors import ModelError
from sertools.inference.settings import Settings
from sertools.models.kinds.toy import LoudnessModel
from sertools.models.load import LoadOptions, load_model
from sertools.pipeline.forecast.forecast import forecast
from sertools.pipeline.kept.models import loaded
from sertools.pipeline.run import run as run_all
from sertools.pipeline.write import write_run
from sertools.results.audio_clips import read_index
from sertools.results.result import Verdict
from sertools.selftest import toy_corpus
from sertools.tables.changed.attacks import Attacks
from tests.helpers.audits import run
from tests.helpers.checkpoints import write_checkpoint
from tests.helpers.small import EMOTIONS, noises

AUDIT = load("adversarial")


@pytest.fixture(scope="module")
def oracle():
    clips = toy_corpus.clips(speakers=12, per_speaker=20)
    return toy_corpus.answers("oracle", clips, attacks=AUDIT.needs(**AUDIT.settings({})).attacks)


def with_moved(tables, by_name):
    """The same answers; under these attacks arousal of these clips moves by .1."""
    inner = tables.attacks.tables
    scores = {name: frame.copy() for name, frame in inner.predictions.items()}
    for name, rows in by_name.items():
        scores[name].iloc[rows, scores[name].columns.get_loc("arousal")] += 0.1
    return replace(tables, attacks=replace(tables.attacks, tables=inner.with_predictions(scores)))


def audited(tables):
    result = run(AUDIT, tables, seed=0)
    return result, {(f.name, f.target, f.slice): f for f in result.findings}


def test_success_is_counted_and_compared_with_random_signs(oracle):
    tables = with_moved(oracle, {"pgd@45dB": slice(0, 240, 4), "random_signs@45dB": slice(0, 240, 8)})
    result, found = audited(tables)
    assert found["success_rate", "arousal", "pgd@45dB"].value == 60 / 240
    assert found["success_rate", "arousal", "pgd@45dB"].verdict is Verdict.FAIL
    assert found["success_rate", "arousal", "random_signs@45dB"].value == 30 / 240
    assert found["beyond_random", "arousal", "pgd@45dB"].value == pytest.approx(30 / 240, abs=1e-12)
    assert found["success_rate", "valence", "pgd@45dB"].verdict is Verdict.PASS
    assert found["change_of_ccc", "arousal", "pgd@45dB"].value < 0
    assert "25%" in result.answer
    assert {sound.condition for sound in result.sounds} == {"pgd@45dB"}


def test_a_clip_that_is_not_answered_is_a_success_and_one_that_cannot_be_attacked_is_none(oracle):
    inner = oracle.attacks.tables
    scores = {name: frame.copy() for name, frame in inner.predictions.items()}
    scores["pgd@45dB"].iloc[:24] = np.nan
    silent = replace(inner, predictions=scores)
    _, found = audited(replace(oracle, attacks=Attacks(tables=silent)))
    assert found["success_rate", "emotion", "pgd@45dB"].value == 24 / 240
    missing = (
        inner.clips.index[:24].to_frame(name="clip").assign(condition="pgd@45dB", reason="x", asked=False)
    )
    _, found = audited(replace(oracle, attacks=Attacks(tables=replace(silent, missing=missing))))
    rate = found["success_rate", "emotion", "pgd@45dB"]
    assert (rate.value, rate.n) == (0, 216)


def test_transfer_passes_nothing(oracle):
    result, found = audited(replace(oracle, attacks=replace(oracle.attacks, surrogate="other")))
    judged = found["success_rate", "arousal", "pgd@45dB"]
    assert judged.verdict is Verdict.INCONCLUSIVE
    assert "another model's gradient" in judged.reason
    assert "with the gradient of other" in result.answer


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """As in every run but the first: its facts are known, and its weights are not loaded yet."""
    folder = tmp_path_factory.mktemp("checkpoint")
    spec = str(write_checkpoint(folder / "checkpoint", labels=list(EMOTIONS)))
    loaded(spec, LoadOptions(), folder / "store")
    return loaded(spec, LoadOptions(), folder / "store")


def test_a_checkpoint_is_attacked_by_its_own_gradient_and_the_examples_can_be_heard(tmp_path, checkpoint):
    corpus, settings = noises(tmp_path / "c", samples=3000), Settings(cache=tmp_path / "store")
    planned = [AUDIT.plan({"snr_db": (10.0,), "clips": 6})]
    costs, _ = forecast(checkpoint, corpus, planned, settings=settings)
    named = {c.condition: c.todo for c in costs}
    assert named == {"clean": 6, "fgsm@10dB": 6, "pgd@10dB": 6, "pgd_l2@10dB": 6, "random_signs@10dB": 6}
    results = run_all(checkpoint, corpus, planned, settings=settings)
    rates = {f.slice: f for f in results[0].findings if f.name == "success_rate"}
    assert rates["pgd@10dB"].n == 6
    assert rates["pgd@10dB"].value >= rates["random_signs@10dB"].value
    assert "6 clips were attacked with the model's own gradient." in results[0].notes
    assert results[0].sounds, "at 10 dB this network is fooled"
    write_run(results, tmp_path / "out", model=checkpoint, corpus=corpus, audits=planned, settings=settings)
    heard = read_index(tmp_path / "out" / "sounds")
    assert {each.condition for each in heard} == {"clean", "pgd@10dB"}
    assert all(each.audio for each in heard)


def test_a_model_without_a_gradient_is_attacked_by_transfer(tmp_path, checkpoint):
    corpus, settings = noises(tmp_path / "c", samples=3000), Settings(cache=tmp_path / "store")
    folder = str(write_checkpoint(tmp_path / "other", labels=list(EMOTIONS)))
    planned = [AUDIT.plan({"snr_db": (30.0,), "clips": 4, "surrogate": folder})]
    (result,) = run_all(LoudnessModel(), corpus, planned, settings=settings)
    assert "4 clips were attacked with the gradient of other." in result.notes
    named = [AUDIT.plan({"snr_db": (30.0,), "clips": 4, "surrogate": "toy:loudness"})]
    with pytest.raises(ModelError, match="toy-loudness has no gradient"):
        run_all(checkpoint, corpus, named, settings=settings)
    (table,) = run_all(load_model("toy:oracle"), corpus, [AUDIT.plan({})], settings=settings)
    assert {f.verdict for f in table.findings if f.name == "success_rate"} == {Verdict.SKIPPED}
    assert "table of predictions" in table.answer
