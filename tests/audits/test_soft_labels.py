"""Correctness and calibration where raters voted: soft labels, AUC, likelihood and steps of a scale."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import jensenshannon
from sklearn.metrics import cohen_kappa_score, f1_score, log_loss, roc_auc_score

from sertools.auditing.audit import load
from sertools.tables.tables import Tables
from tests.helpers.audits import run

CLASSES = ("anger", "fear", "neutral", "sadness")


@pytest.fixture(scope="module")
def tables():
    rng = np.random.default_rng(0)
    n = 90
    counts = rng.multinomial(7, rng.dirichlet(np.ones(4), n)).astype(float)
    tied = (counts == counts.max(axis=1, keepdims=True)).sum(axis=1) > 1
    label = [None if t else CLASSES[c] for t, c in zip(tied, counts.argmax(axis=1), strict=True)]
    index = pd.Index([f"c{i:02d}" for i in range(n)], name="clip")
    clips = pd.DataFrame(
        {"file": index, "speaker": [f"s{i % 9}" for i in range(n)], "emotion": label}, index=index
    )
    for code, name in enumerate(CLASSES):
        clips[f"votes_{name}"] = counts[:, code]
    clips["arousal"] = rng.integers(0, 5, n) / 4
    soft = 0.5 * counts / 7 + 0.5 * rng.dirichlet(np.ones(4), n)
    scores = pd.DataFrame(soft, columns=list(CLASSES), index=index)
    scores["arousal"] = np.clip(clips["arousal"] + rng.normal(0, 0.2, n), 0, 1)
    return Tables(
        clips=clips,
        predictions={"clean": scores},
        dimensions=("arousal",),
        classes=CLASSES,
        model_classes=CLASSES,
    )


@pytest.fixture(scope="module")
def scored(tables):
    clips, scores = tables.clips, tables.predictions["clean"]
    votes = clips[[f"votes_{name}" for name in CLASSES]].to_numpy()
    return votes / votes.sum(axis=1, keepdims=True), scores[list(CLASSES)].to_numpy()


def found(name, tables):
    return {(f.name, f.target, f.slice): f for f in run(load(name), tables, seed=0).findings}


def test_soft_scores_are_of_all_clips_with_votes_and_those_of_sklearn_and_scipy(tables, scored):
    truth, predicted = scored
    by = found("correctness", tables)
    pooled = by["soft_macro_f1", "emotion", "all"]
    expected = f1_score(truth > 0.25, predicted > 0.25, average="macro", zero_division=0)
    assert (pooled.value, pooled.n, pooled.speakers) == (pytest.approx(expected, abs=1e-12), 90, 9)
    assert pooled.low < pooled.value < pooled.high
    assert pooled.ceiling.against == "the votes of the others"
    batches = by["soft_macro_f1", "emotion", "batches=32"]
    parts = [
        f1_score(truth[i : i + 32] > 0.25, predicted[i : i + 32] > 0.25, average="macro", zero_division=0)
        for i in (0, 32, 64)
    ]
    assert batches.value == pytest.approx(np.mean(parts), abs=1e-12)
    distance = np.mean([jensenshannon(t, p, base=2) for t, p in zip(truth, predicted, strict=True)])
    assert by["soft_jensen_shannon", "emotion", "all"].value == pytest.approx(distance, abs=1e-9)


def test_auc_is_that_of_sklearn_on_the_labelled_clips(tables, scored):
    labelled = tables.clips["emotion"].notna().to_numpy()
    label = tables.clips["emotion"][labelled].map(CLASSES.index).to_numpy()
    scores = scored[1][labelled]
    expected = np.mean([roc_auc_score(label == c, scores[:, c]) for c in range(4)])
    assert found("correctness", tables)["auc", "emotion", "all"].value == pytest.approx(expected, abs=1e-12)


def test_weighted_kappa_is_that_of_sklearn_where_ratings_are_steps(tables):
    truth = np.rint(tables.clips["arousal"] * 4).astype(int)
    given = np.floor(tables.predictions["clean"]["arousal"] * 4 + 0.5).astype(int)
    expected = cohen_kappa_score(truth, given, weights="quadratic")
    by = found("correctness", tables)
    assert by["weighted_kappa", "arousal", "all"].value == pytest.approx(expected, abs=1e-12)
    other = tables.clips.assign(arousal=tables.clips["arousal"] * 0.97)
    assert ("weighted_kappa", "arousal", "all") not in found(
        "correctness", dataclasses.replace(tables, clips=other)
    )


def test_likelihood_and_cross_entropy_are_those_of_sklearn_and_stand_beside_the_best(tables, scored):
    truth, predicted = scored
    labelled = tables.clips["emotion"].notna().to_numpy()
    label = tables.clips["emotion"][labelled].map(CLASSES.index).to_numpy()
    result = run(load("calibration"), tables, seed=0)
    by = {f.name: f for f in result.findings if f.target == "emotion"}
    assert by["nll"].value == pytest.approx(log_loss(label, predicted[labelled], labels=range(4)), abs=1e-12)
    cross = -(truth * np.log(predicted)).sum(axis=1).mean()
    assert by["cross_entropy"].value == pytest.approx(cross, abs=1e-9)
    rows = next(t for t in result.tables if t.name == "beside").rows
    best = next(row[2] for row in rows if row[3] == "predicting the votes of each clip")
    entropy = -(truth * np.log(np.where(truth > 0, truth, 1))).sum(axis=1).mean()
    assert best == pytest.approx(entropy, abs=1e-9)
    assert best < by["cross_entropy"].value


def test_a_class_that_the_model_lacks_costs_it_the_votes(tables):
    scores = tables.predictions["clean"].drop(columns="sadness")
    fewer = {"predictions": {"clean": scores}, "model_classes": CLASSES[:3], "classes": CLASSES[:3]}
    by = found("correctness", dataclasses.replace(tables, **fewer))
    whole = found("correctness", tables)
    key = "soft_macro_f1", "emotion", "all"
    assert by[key].value < whole[key].value
    assert by[key].n == whole[key].n


def test_a_clip_that_is_not_answered_has_none_of_the_classes(tables, scored):
    scores = tables.predictions["clean"].copy()
    scores.iloc[:9, :4] = np.nan
    truth, predicted = scored
    silent = np.where(np.arange(90)[:, None] < 9, 0.0, predicted)
    by = found("correctness", tables.with_predictions({"clean": scores}))
    expected = f1_score(truth > 0.25, silent > 0.25, average="macro", zero_division=0)
    assert by["soft_macro_f1", "emotion", "all"].value == pytest.approx(expected, abs=1e-12)
    assert by["auc", "emotion", "all"].reason_code == "low_coverage"


def test_answers_in_words_have_no_likelihood_and_no_auc(tables):
    words = np.eye(4)[tables.predictions["clean"][list(CLASSES)].to_numpy().argmax(axis=1)]
    scores = pd.DataFrame(words, columns=list(CLASSES), index=tables.clips.index)
    in_words = dataclasses.replace(tables, predictions={"clean": scores}, in_words=True, dimensions=())
    names = {name for name, _, _ in found("correctness", in_words)}
    assert "soft_macro_f1" in names
    assert "auc" not in names
