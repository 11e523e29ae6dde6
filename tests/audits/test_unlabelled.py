from dataclasses import replace

import numpy as np
import pytest
from sertools.audits.unlabelled.answers import Answers
from sertools.audits.unlabelled.conformal import bound_of, sets
from sertools.audits.unlabelled.drift import drift
from sertools.audits.unlabelled.estimates import accuracies, by_confidence, of_labelled, prediction_powered
from sertools.audits.unlabelled.moments import calibrated, ccc_of_means, moments, uar_of_means

from sertools.auditing.audit import load
from sertools.errors import AuditError
from sertools.metrics.classification import uar
from sertools.metrics.regression import ccc
from sertools.randomness import identity_rng
from sertools.results.result import Verdict
from sertools.selftest import toy_corpus
from tests.bench.alarms.unlabelled import drawn
from tests.helpers.audits import run

AUDIT = load("unlabelled")


def of(target, seed=0, speakers=20, per_speaker=40) -> Answers:
    return drawn(np.random.default_rng(seed), speakers, per_speaker, target)


def without_labels(answers, keep=0):
    """The answers with labels for the first speakers only."""
    return replace(answers, truth=np.where(answers.unit < keep, answers.truth, np.nan))


def test_scores_of_mean_moments_are_the_scores():
    rating, emotion = of("arousal"), of("emotion")
    found = moments(rating, rating)
    assert float(ccc_of_means(found.true.mean(axis=0))) == pytest.approx(
        ccc(rating.truth, rating.scores[:, 0]), abs=1e-12
    )
    found = moments(emotion, emotion)
    truth = emotion.truth.astype(int)
    assert float(uar_of_means(found.true.mean(axis=0))) == pytest.approx(
        uar(truth, emotion.answer, 6), abs=1e-12
    )


def test_regression_predicts_the_concordance_of_its_own_clips_exactly():
    rating = of("arousal")
    found = moments(rating, rating)
    assert float(ccc_of_means(found.predicted.mean(axis=0))) == pytest.approx(
        ccc(rating.truth, rating.scores[:, 0]), abs=1e-9
    )


def test_temperature_scaling_finds_by_how_much_the_model_is_too_sure():
    emotion = of("emotion", speakers=60)
    likely = calibrated(emotion, emotion)
    right = (emotion.answer == emotion.truth).mean()
    assert emotion.scores.max(axis=1).mean() > right + 0.05  # too sure
    assert likely.max(axis=1).mean() == pytest.approx(right, abs=0.03)
    assert (likely.argmax(axis=1) == emotion.answer).all()


def test_scores_of_new_speakers_are_estimated_without_labels():
    for target, true in (("emotion", 0.707), ("arousal", 0.674)):
        source, new = of(target, seed=1, speakers=40), of(target, seed=2, speakers=40)
        found = by_confidence(without_labels(new), source)
        assert found.low < true < found.high
        assert found.n == len(new.clips)


def test_a_few_labels_correct_an_estimate_whose_calibration_is_wrong():
    source, new = of("emotion", seed=1, speakers=40), of("emotion", seed=2, speakers=40)
    rng = np.random.default_rng(0)
    spoilt = replace(new, scores=new.scores[rng.permutation(len(new.clips))])
    true = uar(spoilt.truth.astype(int), spoilt.answer, 6)
    hidden = without_labels(spoilt, keep=10)
    assert by_confidence(hidden, source).low > true + 0.2
    powered = prediction_powered(moments(hidden, source), hidden)
    assert powered.low < true < powered.high


def test_prediction_powered_intervals_are_narrower_where_confidence_is_worth_something():
    widths = []
    for seed in range(5):
        hidden = without_labels(of("emotion", seed=seed, speakers=40), keep=10)
        made = moments(hidden, hidden.take(hidden.labelled))
        pair = prediction_powered(made, hidden), of_labelled(made, hidden)
        widths.append([each.high - each.low for each in pair])
    powered, alone = np.mean(widths, axis=0)
    assert powered < 0.9 * alone


def test_accuracy_by_threshold_and_by_difference():
    emotion = of("emotion", speakers=160, per_speaker=30)
    half = without_labels(emotion, keep=80)
    found = accuracies(half, half.take(half.labelled))
    right = (emotion.answer == emotion.truth)[~half.labelled].mean()
    assert found["threshold"] == pytest.approx(right, abs=0.05)
    assert found["difference"] == pytest.approx(right, abs=0.05)
    same = replace(half, scores=np.full_like(half.scores, 1 / 6))  # ties at the threshold count in part
    source = same.take(same.labelled)
    assert accuracies(same, source)["threshold"] == pytest.approx((source.answer == source.truth).mean())


def test_bound_gives_every_speaker_the_same_weight():
    # nine speakers with the weight .1 each: the .9 quantile is the largest score, however many clips it has
    scores, unit = np.array([*np.arange(8.0), *np.full(100, 8.0)]), np.array([*range(8), *[8] * 100])
    assert bound_of(scores, unit, 0.1) == 8.0
    assert bound_of(scores, unit, 0.2) == 7.0
    assert np.isinf(bound_of(scores[:8], unit[:8], 0.1))


def test_sets_hold_the_truth_of_speakers_never_heard():
    for target in ("emotion", "arousal"):
        covered = [sets(of(target, seed=s), of(target, seed=100 + s), 0.1).coverage.value for s in range(10)]
        assert 0.88 < np.mean(covered) < 0.97
    few = sets(of("emotion", speakers=6), of("emotion", seed=1, speakers=6), 0.1)
    assert np.isinf(few.bound)
    assert few.size.value == 6


def unheard(clips, hide):
    """The same clips, of which some have no label of any kind."""
    labels = ["emotion", "arousal", "dominance", "valence", *(c for c in clips if c.startswith("votes_"))]
    made = clips.copy()
    made.loc[hide, labels] = np.nan
    return made


@pytest.fixture(scope="module")
def oracle():
    return toy_corpus.answers("oracle", toy_corpus.clips(speakers=20, per_speaker=20))


def test_a_model_that_is_sure_and_wrong_in_one_language_is_found(oracle):
    result = run(AUDIT, AUDIT.plant(oracle, identity_rng(0)), seed=0)
    found = {(f.target, f.slice): f for f in result.findings if f.name == "estimate_minus_score"}
    assert found["emotion", "language=deu"].verdict is Verdict.FAIL
    assert found["emotion", "language=deu"].value > 0.5
    assert "for language deu would be too high" in result.answer


def test_clips_without_labels_get_estimates_drift_and_a_list(oracle):
    clips = oracle.clips.copy()
    hide = (clips["speaker"] >= "012").to_numpy() & (np.arange(len(clips)) % 3 > 0)
    clips = unheard(clips, hide)
    result = run(AUDIT, replace(oracle, clips=clips), seed=0, options={"next_clips": 5})
    names = {table.name: table for table in result.tables}
    assert set(names) == {"estimates", "rehearsals", "sets", "next"}
    listed = [row[0] for row in names["next"].rows]
    assert len(listed) == 5
    assert set(listed) <= set(clips.index[hide])
    methods = {f.slice for f in result.findings if f.name == "estimated_score" and f.target == "emotion"}
    assert methods == {"by confidence", "prediction-powered", "labelled clips alone"}
    assert {f.slice for f in result.findings if f.name == "drift"} == {
        "in scores",
        "in last layer",
        "in sound",
    }


def test_drift_is_seen_where_the_sound_differs(oracle):
    target = (oracle.clips["speaker"] < "010").to_numpy()
    shifted = oracle.clips.assign(level_dbfs=oracle.clips["level_dbfs"] + 20.0 * target)
    found = drift(replace(oracle, clips=shifted), target, ~target)
    assert found["sound"].value > 0.95
    assert found["scores"].low < 0.5 < found["scores"].high
    known = shifted.assign(
        corpus=np.where(target, "new", "old"), emotion=oracle.clips["emotion"].mask(target)
    )
    answers = [
        run(AUDIT, replace(oracle, clips=clips, dimensions=()), seed=0).answer
        for clips in (known, known.assign(level_dbfs=oracle.clips["level_dbfs"]))
    ]
    assert ["may be far off" in answer for answer in answers] == [True, False]


def estimated(result, target="emotion"):
    """Slice → value and number of clips of each estimate of the score."""
    return {
        f.slice: (f.value, f.n) for f in result.findings if f.name == "estimated_score" and f.target == target
    }


def test_clips_with_emotions_that_the_model_lacks_are_not_clips_without_labels(oracle):
    corpus = np.where(oracle.clips["speaker"] < "010", "new", "old")
    clips = unheard(oracle.clips.assign(corpus=corpus), corpus == "new")
    foreign = (corpus == "old") & (np.arange(len(clips)) % 5 == 0)
    result = run(
        AUDIT, replace(oracle, clips=clips.assign(emotion=clips["emotion"].mask(foreign, "awe"))), seed=0
    )
    found = estimated(result)
    assert set(found) == {"corpus=new, by confidence"}  # and not corrected by labels of the other corpus
    assert found["corpus=new, by confidence"][1] == (corpus == "new").sum()
    assert f"emotion: left out are {foreign.sum()} clips with an emotion that the model lacks (awe)." in (
        result.notes
    )
    assert "clips of new without labels" in result.answer


def test_clips_on_which_raters_did_not_agree_are_not_clips_without_labels(oracle):
    disputed = np.arange(len(oracle.clips)) % 4 == 0
    clips = oracle.clips.assign(emotion=oracle.clips["emotion"].mask(disputed))
    result = run(AUDIT, replace(oracle, clips=clips), seed=0)
    assert estimated(result) == {}
    assert (
        f"emotion: left out are {disputed.sum()} clips that raters heard, without an emotion." in result.notes
    )


def test_each_corpus_has_an_estimate_of_its_own(oracle):
    corpus = np.where(oracle.clips["speaker"] < "008", "some", "none")
    corpus[oracle.clips["speaker"] >= "014"] = "all"
    few = (corpus == "some") & (np.arange(len(corpus)) % 2 > 0)
    clips = unheard(oracle.clips.assign(corpus=corpus), few | (corpus == "none"))
    every = estimated(run(AUDIT, replace(oracle, clips=clips), seed=0))
    methods = {"by confidence", "prediction-powered", "labelled clips alone"}
    assert set(every) == {*(f"corpus=some, {method}" for method in methods), "corpus=none, by confidence"}
    assert every["corpus=none, by confidence"][1] == (corpus == "none").sum()
    # what is answered to one corpus without labels does not touch the estimate for another
    spoilt = oracle.predictions["clean"].copy()
    rows = np.flatnonzero(corpus == "none")
    spoilt.iloc[rows] = 1 / len(oracle.model_classes)
    other = estimated(run(AUDIT, replace(oracle, clips=clips, predictions={"clean": spoilt}), seed=0))
    assert all(other[f"corpus=some, {method}"] == every[f"corpus=some, {method}"] for method in methods)
    assert other["corpus=none, by confidence"] != every["corpus=none, by confidence"]


def test_rehearsals_do_not_vouch_for_clips_that_differ(oracle):
    new = (oracle.clips["speaker"] < "006").to_numpy()
    corpus = np.where(new, "new", "old")
    clips = unheard(oracle.clips.assign(corpus=corpus), new)
    verdicts = [
        {
            f.verdict
            for f in run(AUDIT, replace(oracle, clips=each, dimensions=()), seed=0).findings
            if f.name == "estimate_minus_score"
        }
        for each in (
            clips,
            clips.assign(level_dbfs=clips["level_dbfs"] + 20.0 * new),
            clips.assign(
                level_dbfs=clips["level_dbfs"] + 20.0 * new,
                corpus=np.where(clips["speaker"] >= "013", "older", corpus),
            ),
        )
    ]
    assert verdicts == [{Verdict.PASS}, {Verdict.INCONCLUSIVE}, {Verdict.PASS}]


def test_a_domain_that_does_not_divide_the_clips_is_refused(oracle):
    with pytest.raises(AuditError, match="no column 'langage'"):
        run(AUDIT, oracle, seed=0, options={"domain": "langage"})
    one = replace(oracle, clips=oracle.clips.assign(room="small"))
    with pytest.raises(AuditError, match="room does not divide the clips"):
        run(AUDIT, one, seed=0, options={"domain": "room"})
    named = run(AUDIT, oracle, seed=0, options={"domain": "sex"})
    parts = {f.slice for f in named.findings if f.name == "estimate_minus_score"}
    assert parts == {"sex=female", "sex=male"}


def test_halves_of_the_speakers_are_hidden_where_no_column_divides_them():
    clips = toy_corpus.clips(speakers=20, per_speaker=15).drop(columns=["language", "sex"])
    result = run(AUDIT, toy_corpus.answers("oracle", clips), seed=0)
    parts = {f.slice for f in result.findings if f.name == "estimate_minus_score"}
    assert parts == {"half 1", "half 2"}


def test_answers_in_words_have_estimates_and_no_sets(oracle):
    words = replace(oracle, in_words=True, dimensions=())
    result = run(AUDIT, words, seed=0)
    reasons = {f.name: f for f in result.findings}
    assert reasons["coverage_of_sets"].verdict is Verdict.SKIPPED
    assert reasons["estimate_minus_score"].verdict is Verdict.PASS


def test_too_few_labels_and_impossible_shares_are_told(oracle):
    clips = oracle.clips.copy()
    clips.loc[clips.index[40:], ["emotion", "arousal", "dominance", "valence"]] = np.nan
    result = run(AUDIT, replace(oracle, clips=clips), seed=0)
    assert "fewer than 5 speakers or 50 labelled clips" in result.answer
    with pytest.raises(AuditError, match="between 0 and 1"):
        AUDIT.plan({"miss": 1.5})
