from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sertools.audits.privacy.inputs import inputs
from sertools.audits.privacy.membership import losses, membership
from sertools.audits.privacy.verification import principal, verified, whitening

from sertools.auditing.audit import load
from sertools.errors import AuditError
from sertools.metrics.verification import auc, eer
from sertools.randomness import identity_rng
from sertools.results.result import Verdict
from sertools.selftest import toy_corpus
from sertools.tables.pairs import pairs
from tests.helpers.audits import run

AUDIT = load("privacy")
QUICK = {"trait": ("sex",), "read_layers": False}


@pytest.fixture(scope="module")
def oracle():
    return toy_corpus.answers("oracle", toy_corpus.clips(speakers=12, per_speaker=20))


def values(result, name):
    return {(f.target, f.slice): f.value for f in result.findings if f.name == name}


def test_layers_that_encode_speakers_give_them_away_and_answers_do_not(oracle):
    result = run(AUDIT, oracle, seed=0)
    scores, rates = values(result, "probe_uar"), values(result, "eer")
    assert scores["sex", "from=best layer"] > 0.95
    assert scores["sex", "from=answers"] < 0.7
    assert rates["speaker", "from=layer 3"] < 0.15
    assert rates["speaker", "from=layer 0"] == pytest.approx(0.5, abs=0.05)  # noise only
    assert {f.verdict for f in result.findings if f.name == "beyond_labels"} == {Verdict.PASS}
    above = values(result, "above_egemaps")
    assert above["sex", "all"] > 0.3
    assert above["speaker verification", "all"] > 0.3
    assert values(result, "above_chance")["sex", "from=best layer"] == pytest.approx(
        scores["sex", "from=best layer"] - 0.5
    )


def test_planted_traces_of_speakers_in_the_answers_are_found(oracle):
    planted = AUDIT.plant(oracle, identity_rng(0, "plant"))
    result = run(AUDIT, planted, seed=0, options={"trait": ("sex", "speaker"), "read_layers": False})
    found = {f.target: f.verdict for f in result.findings if f.name == "beyond_labels"}
    assert found == {
        "sex": Verdict.FAIL,
        "speaker": Verdict.FAIL,
        "speaker verification": Verdict.FAIL,
    }


def test_error_rate_of_speakers_equals_that_of_all_pairs_of_whitened_clips(oracle):
    known = inputs(oracle, read_layers=True)
    found = verified(oracle, known)["layer 2"]
    speaker = oracle.clips["speaker"].iloc[known.rows].to_numpy(dtype=str)
    names, unit = np.unique(speaker, return_inverse=True)
    from sertools.probing.folds import disjoint_folds

    fold = disjoint_folds(names[unit], np.zeros(len(unit)), 4)
    reduced, same, different = principal(known.vectors["layer 2"]), [], []
    for code in range(4):
        test = np.flatnonzero(fold == code)
        white = reduced[test] @ whitening(reduced[fold != code], unit[fold != code])
        for i in range(len(test)):
            for j in range(i):
                score = -((white[i] - white[j]) ** 2).sum()
                (same if unit[test[i]] == unit[test[j]] else different).append(score)
    # scores are counted in 2000 bins
    assert found.rate.value == pytest.approx(eer(same, different), abs=2e-3)
    assert found.rate.low < found.rate.value < found.rate.high


def test_whitened_vectors_vary_by_one_within_speakers():
    rng = np.random.default_rng(0)
    unit = np.arange(400) % 8
    vectors = rng.normal(size=(8, 3))[unit] * 5 + rng.normal(size=(400, 3)) * [3, 3, 3]
    white = vectors @ whitening(vectors, unit)
    means = np.array([white[unit == code].mean(axis=0) for code in range(8)])
    # 1 / 1.1, because a tenth of the mean variance is added
    assert (white - means[unit]).var(axis=0) == pytest.approx([1 / 1.1] * 3, abs=0.06)


def with_memory(tables, member, gain=0.5):
    """Answers that lie nearer to the truth in training clips."""
    rng = np.random.default_rng(0)
    truth = tables.clips["arousal"].to_numpy()
    noise = rng.normal(0, 0.1, len(truth)) * np.where(member, 1 - gain, 1.0)
    scores = pd.DataFrame({"arousal": truth + noise}, index=tables.clips.index)
    return replace(
        tables, predictions={"clean": scores}, dimensions=("arousal",), classes=(), model_classes=()
    )


def test_membership_is_told_from_losses_as_a_loop_tells_it(oracle):
    member = np.arange(len(oracle.clips)) % 3 > 0
    tables = with_memory(oracle, member)
    pair = pairs(tables, "arousal")
    found = membership(tables, pair, member)
    loss = losses(tables, pair)
    quarter = np.floor(np.clip(pair.truth, 0, 0.999) * 4).astype(int)
    wins = total = 0.0
    for k in range(4):
        a, b = loss[member & (quarter == k)], loss[~member & (quarter == k)]
        if len(a) and len(b):
            wins += auc(b, a) * len(a) * len(b)
            total += len(a) * len(b)
    assert found.auc.value == pytest.approx(wins / total, abs=1e-12)
    assert found.auc.value > 0.6
    assert found.auc.low < found.auc.value < found.auc.high


def test_a_model_that_remembers_fails_and_one_that_does_not_passes():
    clips = toy_corpus.clips(speakers=24, per_speaker=30)
    clips["split"] = np.where(np.arange(len(clips)) % 2, "train", "test")
    tables = toy_corpus.answers("oracle", clips)
    member = (clips["split"] == "train").to_numpy()
    verdicts = {}
    for gain in (0.0, 0.7):
        made = with_memory(tables, member, gain)
        result = run(AUDIT, made, seed=0, options={**QUICK, "members": "split=train"})
        (found,) = [f for f in result.findings if f.name == "membership_auc"]
        verdicts[gain] = found.verdict
        assert next(f for f in result.findings if f.name == "loss_gap").value >= (0.03 if gain else -0.01)
    assert verdicts == {0.0: Verdict.PASS, 0.7: Verdict.FAIL}


@pytest.mark.parametrize(
    ("members", "message"),
    [("train", "COLUMN=VALUE"), ("splitt=train", "no column"), ("split=x", "no clip has")],
)
def test_training_clips_that_cannot_be_told_are_refused(oracle, members, message):
    with pytest.raises(AuditError, match=message):
        run(AUDIT, oracle, seed=0, options={**QUICK, "members": members})


def test_a_model_without_layers_is_judged_by_its_answers_and_says_so(oracle):
    result = run(AUDIT, replace(oracle, layers=None), seed=0, options={"trait": ("sex",)})
    assert Verdict.PASS in {f.verdict for f in result.findings}
    assert any("only the answers are judged" in note for note in result.notes)


def test_a_corpus_that_says_nothing_about_speakers_has_nothing_to_read():
    clips = toy_corpus.clips(speakers=6, per_speaker=10)[["file", "start", "end", "emotion"]]
    result = run(AUDIT, toy_corpus.answers("oracle", clips), seed=0, options={"read_layers": False})
    assert {f.verdict for f in result.findings if f.name == "beyond_labels"} == {Verdict.SKIPPED}
