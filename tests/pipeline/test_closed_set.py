"""A closed set of emotions: `--classes`, for scores and for answers in words, against counting by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import sertools
from sertools.auditing.audit import load
from sertools.comparison.runs import why_other_clips
from sertools.corpora.corpus import Corpus
from sertools.errors import ModelError
from sertools.inference.settings import Settings
from sertools.models.load import LoadOptions, load_model
from sertools.pipeline.run import run

CLOSED = ("anger", "happiness", "sadness")
EVERY = (*CLOSED, "boredom", "neutral")
WORDS = {"anger": "angry", "happiness": "happy", "sadness": "sad", "boredom": "bored", "neutral": "neutral"}


@pytest.fixture
def corpus():
    rng = np.random.default_rng(0)
    clips = pd.DataFrame(
        {
            "file": [f"{i}.wav" for i in range(200)],
            "start": np.nan,
            "end": np.nan,
            "speaker": [f"s{i % 10}" for i in range(200)],
            "emotion": rng.choice(EVERY, 200),
        },
        index=pd.Index([f"c{i}" for i in range(200)], name="clip"),
    )
    return Corpus(name="toy", clips=clips, root=Path())


@pytest.fixture
def scores(corpus):
    """Probabilities of the five emotions in which the true one is often, and not always, the highest."""
    rng = np.random.default_rng(1)
    truth = np.stack([(corpus.clips["emotion"] == name).to_numpy() for name in EVERY], axis=1)
    drawn = rng.dirichlet(np.ones(5), 200) + 0.35 * truth
    return pd.DataFrame(drawn / drawn.sum(axis=1, keepdims=True), index=corpus.clips.index, columns=EVERY)


def audited(table, corpus, tmp_path, *audits, classes=CLOSED, emotions=(), label_map=None):
    """Results of audits of a table of predictions."""
    path = tmp_path / "predictions.csv"
    table.to_csv(path)
    model = load_model(f"predictions:{path}", LoadOptions(emotions=emotions, known=emotions))
    settings = Settings(classes=tuple(classes), cache=tmp_path / "cache", label_map=label_map or {})
    return run(model, corpus, [load(name).plan() for name in audits or ["correctness"]], settings=settings)


def values(result):
    return {(f.name, f.target): f.value for f in result.findings}


def mean_recall(truth, answer):
    """UAR by counting."""
    return np.mean([np.mean([a == t for t, a in zip(truth, answer, strict=True) if t == c]) for c in CLOSED])


def test_the_highest_score_among_the_classes_is_the_answer_and_the_open_set_stands_beside_it(
    corpus, scores, tmp_path
):
    result = audited(scores, corpus, tmp_path)[0]
    inside = corpus.clips["emotion"].isin(CLOSED)
    truth, kept = corpus.clips.loc[inside, "emotion"], scores[inside]
    found = values(result)
    assert found["uar", "emotion"] == pytest.approx(mean_recall(truth, kept[list(CLOSED)].idxmax(axis=1)))
    assert found["uar_open_set", "emotion"] == pytest.approx(mean_recall(truth, kept.idxmax(axis=1)))
    assert found["uar", "emotion"] > found["uar_open_set", "emotion"] + 0.05
    finding = next(f for f in result.findings if f.name == "uar_open_set")
    assert (finding.n, finding.speakers, finding.detail) == (inside.sum(), 10, True)
    assert finding.low < finding.value < finding.high
    assert {t for _, t in found} >= set(CLOSED)
    assert not {t for _, t in found} & {"boredom", "neutral"}
    assert result.provenance["classes"] == list(CLOSED)
    counts = corpus.clips["emotion"].value_counts()
    assert any(f"boredom ({counts['boredom']})" in note for note in result.notes)


def test_calibration_divides_probabilities_by_their_sum_over_the_set(corpus, scores, tmp_path):
    closed = scores[list(CLOSED)].div(scores[list(CLOSED)].sum(axis=1), axis=0)
    subset = Corpus(name="toy", clips=corpus.clips[corpus.clips["emotion"].isin(CLOSED)], root=Path())
    once = audited(scores, corpus, tmp_path, "calibration")[0]
    naive = audited(closed.loc[subset.clips.index], subset, tmp_path, "calibration", classes=())[0]
    assert {k: v for k, v in values(once).items() if k[0] != "coverage"} == pytest.approx(
        {k: v for k, v in values(naive).items() if k[0] != "coverage"}
    )


def test_an_answer_in_words_outside_the_set_is_wrong_and_part_of_the_coverage(corpus, scores, tmp_path):
    table = pd.DataFrame({"answer": scores.idxmax(axis=1).map(WORDS)})
    result = audited(table, corpus, tmp_path, emotions=EVERY)[0]
    inside = corpus.clips["emotion"].isin(CLOSED)
    truth, answer = corpus.clips.loc[inside, "emotion"], scores[inside].idxmax(axis=1)
    found = values(result)
    assert found["uar", "emotion"] == pytest.approx(mean_recall(truth, answer))
    assert found["coverage", "emotion"] == pytest.approx(answer.isin(CLOSED).mean())
    assert ("uar_open_set", "emotion") not in found  # the same: an answer outside is wrong in both
    assert any("names another class" in note and "neutral" in note for note in result.notes)


def test_without_a_closed_set_nothing_changes_and_a_full_set_has_no_open_score(corpus, scores, tmp_path):
    free = audited(scores, corpus, tmp_path, classes=())[0]
    full = audited(scores, corpus, tmp_path, classes=EVERY)[0]
    assert values(free) == pytest.approx(values(full))
    assert "classes" not in free.provenance


def test_names_are_matched_by_synonym_and_by_label_map(corpus, scores, tmp_path):
    named = scores.rename(columns={"anger": "LABEL_0"})
    found = audited(named, corpus, tmp_path, classes=("ANG", "joy", "sad"), label_map={"LABEL_0": "anger"})
    assert values(found[0]) == pytest.approx(values(audited(scores, corpus, tmp_path)[0]))


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (("anger", "fear"), "--classes names 'fear', but predictions predicts anger"),
        (("anger",), "--classes names anger alone"),
    ],
)
def test_classes_that_the_model_lacks_are_refused(corpus, scores, tmp_path, classes, message):
    with pytest.raises(ModelError, match=message):
        audited(scores, corpus, tmp_path, classes=classes)


def test_a_model_of_ratings_has_no_closed_set(corpus, tmp_path):
    rated = pd.DataFrame({"arousal": 0.5}, index=corpus.clips.index)
    with pytest.raises(ModelError, match="predicts no emotions"):
        audited(rated, corpus, tmp_path)


def test_results_of_different_sets_are_not_compared_clip_by_clip(corpus, scores, tmp_path):
    closed, free = (audited(scores, corpus, tmp_path, classes=c)[0] for c in (CLOSED, ()))
    assert "judged among anger, happiness, sadness in one and among all" in why_other_clips(closed, free)
    assert why_other_clips(closed, closed) == ""


def test_it_is_an_option_of_the_library(corpus, scores, tmp_path):
    path = tmp_path / "p.csv"
    scores.to_csv(path)
    settings = sertools.Settings(classes=CLOSED, cache=tmp_path / "cache")
    results = sertools.audit(f"predictions:{path}", corpus, "correctness", settings=settings)
    assert results[0].provenance["classes"] == list(CLOSED)
