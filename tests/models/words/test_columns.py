"""A column of words in a table of predictions, from the file to the tables that audits read."""

import numpy as np
import pandas as pd
import pytest

from sertools.auditing.audit import load as load_audit
from sertools.errors import ModelError
from sertools.inference import build_tables, predict
from sertools.models.load import LoadOptions, load_model
from sertools.tables.pairs import pairs
from tests.helpers.audits import run
from tests.helpers.small import EMOTIONS, noises

CLIPS = pd.DataFrame({"file": ["a.wav", "b.wav", "c.wav"]}, index=pd.Index(["c1", "c2", "c3"], name="clip"))
CLASSES = LoadOptions(emotions=("anger", "neutral"), known=("anger", "neutral"))


def table(folder, text, options=CLASSES):
    (folder / "p.csv").write_text(text, encoding="utf-8")
    return load_model(f"predictions:{folder / 'p.csv'}", options)


@pytest.mark.parametrize("column", ["answer", "prediction", "predicted_emotion"])
def test_words_are_scores_of_1_and_0(tmp_path, column):
    model = table(tmp_path, f"clip,{column}\nc1,angry\nc2,no idea\nc3,Neutral.\n")
    assert (model.labels, model.task, model.facts["answers"]) == (
        ("anger", "neutral"),
        "single_label",
        "words",
    )
    np.testing.assert_array_equal(model.scores(CLIPS), [[1, 0], [np.nan, np.nan], [0, 1]])
    assert model.reasons(CLIPS).tolist() == ["", 'no usable answer (names no class): "no idea"', ""]


def test_words_stand_beside_ratings_in_a_joint_model(tmp_path):
    model = table(tmp_path, "clip,answer,arousal,confidence\nc1,angry,0.25,0.5\nc2,?,0.5,\nc3,neutral,1,1\n")
    assert (model.labels, model.task) == (("anger", "neutral", "arousal"), "joint")
    expected = [[0.5, 0, 0.25], [np.nan, np.nan, 0.5], [0, 1, 1]]
    np.testing.assert_array_equal(model.scores(CLIPS), expected)


def test_scores_come_before_words_and_output_names_the_words(tmp_path):
    text = "clip,anger,neutral,said\nc1,0.25,0.75,angry\n"
    assert "answers" not in table(tmp_path, text).facts
    said = table(tmp_path, text, LoadOptions(emotions=("anger", "neutral"), output="said"))
    assert said.scores(CLIPS).loc["c1"].tolist() == [1, 0]
    with pytest.raises(ModelError, match="has no column 'sayd'"):
        table(tmp_path, text, LoadOptions(output="sayd"))


def test_without_a_corpus_the_words_themselves_are_the_classes(tmp_path):
    model = table(tmp_path, "clip,answer\nc1,angry\nc2,Joy\nc3,mumble\n", LoadOptions())
    assert model.labels == ("anger", "happiness")
    with pytest.raises(ModelError, match="the words in the column answer of .* name no emotion"):
        table(tmp_path, "clip,answer\nc1,mumble\n", LoadOptions())


def test_unparsed_answers_count_as_wrong_and_are_listed(tmp_path):
    corpus = noises(tmp_path, 24)
    truth = corpus.clips["emotion"].to_list()
    said = ["I cannot say" if i % 6 == 5 else word for i, word in enumerate(truth)]
    pd.DataFrame({"clip": corpus.clips.index, "answer": said}).to_csv(tmp_path / "said.csv", index=False)
    options = LoadOptions(emotions=EMOTIONS, known=EMOTIONS)
    model = load_model(f"predictions:{tmp_path / 'said.csv'}", options)
    tables = build_tables.tables(model, corpus, predict.predict(model, corpus))
    assert tables.in_words
    said = (
        '4 of 24 answers in words name no class and count as wrong (declines: 4), such as "I cannot say" (4)'
    )
    assert any(said in note for note in tables.notes)
    pair = pairs(tables, "emotion")
    assert pair.n == 24
    assert (pair.truth == pair.prediction).sum() == 20
    found = {f.name: f for f in run(load_audit("correctness"), tables, seed=0).findings if f.slice == "all"}
    assert found["accuracy"].value == pytest.approx(20 / 24)
    assert found["coverage"].value == pytest.approx(20 / 24)
    ece = next(f for f in run(load_audit("calibration"), tables, seed=0).findings if f.name == "ece")
    assert (ece.value, ece.reason) == (None, "the model answers in words, without a confidence")


def test_a_column_that_may_be_the_truth_is_read_only_where_it_is_named(tmp_path):
    text = "clip,emotion,arousal\nc1,angry,0.5\nc2,sad,0.4\n"
    assert table(tmp_path, text).labels == ("arousal",)
    assert set(table(tmp_path, text, LoadOptions(output="emotion")).labels) == {"anger", "sadness", "arousal"}
    with pytest.raises(ModelError, match="add --output label"):
        table(tmp_path, "clip,speaker,label\nc1,s1,angry\n")


def test_such_a_column_alone_is_the_answers(tmp_path):
    assert table(tmp_path, "clip,emotion\nc1,ANGRY\nc2,EMO_UNKNOWN\n").labels == ("anger", "neutral")
    assert table(tmp_path, ",clip,label,confidence\n0,c1,angry,0.5\n").labels == ("anger", "neutral")
