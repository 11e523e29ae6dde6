import numpy as np
import pytest
from typer.testing import CliRunner

from sertools.auditing.discovery import discover
from sertools.cli.app import app
from sertools.errors import AuditError
from sertools.selftest import selftest, toy_corpus
from sertools.selftest.selftest import Check, checks, sex_biased, speaker_biased

OFTEN = ("correctness", "fairness", "robustness", "speakers")
"""Audits of which every toy model is asked in each run; tests/audits/test_contract.py asks the oracle, the
constant, the random model and the planted defect of all audits."""


@pytest.fixture(scope="module")
def found() -> list[Check]:
    return list(checks(seed=0, audits=OFTEN))


def test_every_promise_is_kept(found):
    assert [check for check in found if not check.met] == []


@pytest.mark.acceptance
def test_every_promise_of_all_audits_is_kept():
    assert [check for check in checks(seed=0) if not check.met] == []


def test_every_toy_model_is_audited(found):
    models = {check.model for check in found}
    wanted = {
        "oracle",
        "constant",
        "random",
        "planted defect",
        "sex-biased",
        "speaker-biased",
        "loudness-cheat",
    }
    assert models == wanted


def test_every_audit_that_is_named_is_tested(found):
    tested = {check.audit for check in found if check.model == "planted defect"}
    assert tested == set(OFTEN)


@pytest.mark.parametrize("expected", ["passes, fails nothing", "passes nothing", "fails"])
def test_a_promise_that_is_broken_is_said_to_be(expected, found):
    like = {"passes, fails nothing": "random", "passes nothing": "oracle", "fails": "oracle"}[expected]
    clips = toy_corpus.clips(speakers=12, per_speaker=20)
    result = selftest.audited("correctness", selftest.answers(like, clips, "correctness"), 0)
    assert not selftest._check(like, "correctness", expected, result).met


def test_the_sex_bias_is_in_the_answers_to_men_alone():
    clips = toy_corpus.clips(speakers=8, per_speaker=25)
    tables = toy_corpus.answers("oracle", clips)
    biased = sex_biased(tables, np.random.default_rng(0)).predictions["clean"]
    same = (biased == tables.predictions["clean"]).all(axis=1)
    assert same[clips["sex"] == "female"].all()
    assert 0.4 < same[clips["sex"] == "male"].mean() < 0.65, "half of them are exchanged"


def test_the_speaker_bias_is_in_the_answers_to_a_quarter_of_the_speakers():
    clips = toy_corpus.clips(speakers=8, per_speaker=25)
    tables = toy_corpus.answers("oracle", clips)
    biased = speaker_biased(tables, np.random.default_rng(0)).predictions["clean"]
    same = (biased == tables.predictions["clean"]).all(axis=1).groupby(clips["speaker"]).mean()
    assert (same < 0.3).sum() == 2
    assert (same == 1).sum() == 6


def test_the_command_ends_with_0_when_all_promises_are_kept(found, monkeypatch):
    monkeypatch.setattr(selftest, "checks", lambda seed, audits: iter(found))
    done = CliRunner().invoke(app, ["selftest"])
    assert done.exit_code == 0
    assert "loudness-cheat" in done.stdout
    broken = [*found[:-1], Check(model="x", audit="y", expected="fails", found="0 failed", met=False)]
    monkeypatch.setattr(selftest, "checks", lambda seed, audits: iter(broken))
    assert CliRunner().invoke(app, ["selftest"]).exit_code == 1


def test_the_audits_to_test_can_be_named(found):
    assert {check.audit.partition(" ")[0] for check in found} == set(OFTEN)
    assert selftest.named(()) == sorted(discover())
    with pytest.raises(AuditError, match="fairnes"):
        list(checks(audits=("fairnes",)))
