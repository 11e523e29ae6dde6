"""One rater beside a model: the same truth for both, the same clips, and no claim without its interval."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from sertools.auditing.audit import load
from sertools.auditing.ceilings import sentence
from sertools.metrics.classification import uar
from sertools.metrics.regression import ccc
from sertools.results.result import Figure, Finding
from sertools.results.values import Ceiling
from sertools.tables.tables import Tables
from sertools.tables.votes import packed
from tests.helpers.audits import run

CLASSES = ("anger", "fear", "neutral")


def tables_of(said, truth, predicted, **columns):
    """Clips of which each rater said a class, with a model that is sure of one class."""
    n = len(said)
    index = pd.Index([f"c{i:03d}" for i in range(n)], name="clip")
    clips = pd.DataFrame({"file": index, "speaker": [f"s{i % 8}" for i in range(n)], **columns}, index=index)
    for code, name in enumerate(CLASSES):
        clips[f"votes_{name}"] = [float(list(row).count(code)) for row in said]
    clips["emotion"] = [None if code < 0 else CLASSES[code] for code in truth]
    scores = pd.DataFrame(np.eye(3)[predicted], columns=list(CLASSES), index=index)
    return Tables(clips=clips, predictions={"clean": scores}, classes=CLASSES, model_classes=CLASSES)


@pytest.fixture(scope="module")
def rated():
    """160 clips, five raters who err, labels by majority, a model that errs more than they do."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 160)
    said = np.where(rng.random((160, 5)) < 0.75, truth[:, None], rng.integers(0, 3, (160, 5)))
    counts = np.stack([(said == c).sum(axis=1) for c in range(3)], axis=1)
    tied = (counts == counts.max(axis=1, keepdims=True)).sum(axis=1) > 1
    label = np.where(tied, -1, counts.argmax(axis=1))
    predicted = np.where(rng.random(160) < 0.5, truth, rng.integers(0, 3, 160))
    return said, label, predicted


def faced(said, answers):
    """Truth (majority of the others) and answers, vote by vote."""
    t, a, m = [], [], []
    for i, row in enumerate(said):
        for j, own in enumerate(row):
            others = np.bincount(np.delete(row, j), minlength=3)
            if (others == others.max()).sum() == 1:
                t.append(others.argmax())
                a.append(own)
                m.append(answers[i])
    return np.array(t), np.array(a), np.array(m)


def of(result, name, target="emotion", part="all"):
    return next(f for f in result.findings if (f.name, f.target, f.slice) == (name, target, part))


def test_model_and_rater_face_the_same_others_vote_by_vote(rated):
    said, label, predicted = rated
    ceiling = of(run(load("correctness"), tables_of(said, label, predicted), seed=0), "uar").ceiling
    truth, answers, model = faced(said, predicted)
    assert ceiling.value == pytest.approx(uar(truth, answers, 3), abs=1e-12)
    difference = uar(truth, model, 3) - uar(truth, answers, 3)
    assert ceiling.difference == pytest.approx(difference, abs=1e-12)
    assert ceiling.against == "the majority of the others"
    assert ceiling.speakers == 8
    assert ceiling.comparison == "worse than one rater"


def test_labels_that_are_not_those_of_the_raters_are_held_against_them(rated):
    said, label, predicted = rated
    intended = np.where(label >= 0, (label + (np.arange(160) % 2)) % 3, 0)
    result = run(load("correctness"), tables_of(said, intended, predicted), seed=0)
    ceiling = of(result, "uar").ceiling
    assert ceiling.against == "the label of the corpus"
    assert ceiling.value == pytest.approx(uar(np.repeat(intended, 5), said.ravel(), 3), abs=1e-12)
    assert "Against the label of the corpus, one rater reaches" in result.answer


def test_a_model_that_knows_what_most_say_is_better_and_raters_as_a_model_are_not(rated):
    said, label, _ = rated
    best = run(load("correctness"), tables_of(said, label, np.maximum(label, 0)), seed=0)
    assert of(best, "uar").ceiling.comparison == "better than one rater"
    alike = run(load("correctness"), tables_of(said, label, said[:, 0]), seed=0)
    assert of(alike, "uar").ceiling.comparison != "worse than one rater"


def test_groups_have_what_raters_reach_on_their_own_clips(rated):
    said, label, predicted = rated
    sex = np.where(np.arange(160) % 2, "male", "female")
    result = run(
        load("fairness"), tables_of(said, label, predicted, sex=sex), seed=0, options={"resamples": 50}
    )
    women = of(result, "uar", part="sex=female").ceiling
    truth, answers, _ = faced(said[::2], predicted[::2])
    assert women.value == pytest.approx(uar(truth, answers, 3), abs=1e-12)


def test_an_unanswered_clip_counts_against_the_model_beside_the_raters_too(rated):
    said, label, predicted = rated
    tables = tables_of(said, label, predicted)
    scores = tables.predictions["clean"].copy()
    scores.iloc[:40] = np.nan
    silent = of(run(load("correctness"), tables.with_predictions({"clean": scores}), seed=0), "uar")
    whole = of(run(load("correctness"), tables, seed=0), "uar")
    assert silent.ceiling.value == whole.ceiling.value
    assert silent.ceiling.difference < whole.ceiling.difference


def test_ratings_are_held_against_the_mean_of_the_others():
    rng = np.random.default_rng(1)
    truth = rng.random(80)
    ratings = np.clip(truth[:, None] + rng.normal(0, 0.1, (80, 4)), 0, 1)
    index = pd.Index([f"c{i}" for i in range(80)], name="clip")
    clips = pd.DataFrame(
        {"file": index, "speaker": [f"s{i % 8}" for i in range(80)], "arousal": ratings.mean(axis=1)},
        index=index,
    )
    clips["ratings_arousal"] = packed(ratings.tolist(), index)
    model = np.clip(truth + rng.normal(0, 0.02, 80), 0, 1)
    scores = pd.DataFrame({"arousal": model}, index=index)
    tables = Tables(clips=clips, predictions={"clean": scores}, dimensions=("arousal",))
    result = run(load("correctness"), tables, seed=0)
    others = (ratings.sum(axis=1, keepdims=True) - ratings) / 3
    found = of(result, "ccc", "arousal").ceiling
    assert found.value == pytest.approx(ccc(others.ravel(), ratings.ravel()), abs=1e-12)
    beside = ccc(others.ravel(), np.repeat(model, 4)) - found.value
    assert found.difference == pytest.approx(beside, abs=1e-12)
    error = of(result, "mae", "arousal").ceiling
    assert error.value == pytest.approx(np.abs(others - ratings).mean(), abs=1e-12)
    assert (error.better, error.comparison) == ("lower", "better than one rater")


def test_a_dot_plot_of_scores_also_shows_one_rater(rated):
    said, label, predicted = rated
    result = run(load("correctness"), tables_of(said, label, predicted), seed=0)
    figure = next(each for each in result.figures if each.name == "scores")
    assert [series.name for series in figure.series] == ["model", "one rater"]
    assert figure.series[1].y == [of(result, "uar").ceiling.value]
    assert "One rater: emotion (UAR) 0." in figure.alt
    assert isinstance(figure, Figure)


def test_without_raters_nothing_changes(rated):
    said, label, predicted = rated
    tables = tables_of(said, label, predicted)
    bare = tables.clips.drop(columns=[f"votes_{name}" for name in CLASSES])
    result = run(load("correctness"), dataclasses.replace(tables, clips=bare), seed=0)
    assert not any(f.ceiling for f in result.findings)
    assert "one rater" not in result.answer
    assert '"ceiling"' not in result.to_json()


def test_the_answer_names_every_target_once():
    ceiling = Ceiling(value=0.5, n=9, against="the mean of the others")
    main = [Finding(name="ccc", target=t, value=0.4, n=9, ceiling=ceiling) for t in ("arousal", "valence")]
    assert sentence(main) == (
        " Against the mean of the others, one rater reaches an arousal CCC of 0.50: the model is not "
        "compared with one rater; valence CCC of 0.50: the model is not compared with one rater."
    )
