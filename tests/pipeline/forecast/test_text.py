"""What reading words will cost, beside what it then costs."""

import time
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from sertools.auditing import audit
from sertools.auditing.contract import Needs
from sertools.features.text_encoder import load_encoder
from sertools.inference.settings import Settings
from sertools.models.load import load_model
from sertools.pipeline.collect import with_measured_columns
from sertools.pipeline.forecast.forecast import forecast, sentence
from sertools.pipeline.forecast.text import of_reading
from sertools.tables.text_vectors import TextVectors
from tests.helpers.small import noises, stored
from tests.helpers.word_checkpoints import write_bert, write_ctc

SAID = ("yes", "no again", "never.")


@pytest.fixture(scope="module")
def bert(tmp_path_factory) -> Path:
    return write_bert(tmp_path_factory.mktemp("words") / "bert")


def costs_of(corpus, needs, settings):
    reads = replace(audit.load("correctness"), needs=lambda **options: needs).plan()
    return forecast(load_model("toy:random"), corpus, [reads], settings=settings), reads


def test_each_different_text_is_read_once_and_kept(tmp_path, bert):
    corpus, settings = noises(tmp_path / "c"), Settings(cache=tmp_path / "store")
    corpus = replace(corpus, clips=corpus.clips.assign(transcript=[*SAID, None] * 3))
    needs = Needs(text_vectors=(TextVectors(encoder=str(bert)),))
    (costs, model), reads = costs_of(corpus, needs, settings)
    assert [(c.of, c.condition, c.clips, c.stored, c.todo) for c in costs] == [
        ("model", "clean", 12, 12, 0),
        ("words", "read by bert", 3, 0, 3),
    ]
    assert sentence(costs, model).startswith("3 texts to encode: about")
    assert not stored(tmp_path / "store"), "a forecast stores nothing"
    with_measured_columns(corpus, [reads], settings)
    assert costs[1].megabytes * 1e6 == pytest.approx(stored(tmp_path / "store"), rel=0.2)
    (costs, model), _ = costs_of(corpus, needs, settings)
    assert (costs[1].stored, costs[1].todo, costs[1].megabytes) == (3, 0, 0)
    assert sentence(costs, model) == "Nothing has to be computed."


def test_a_corpus_without_words_has_nothing_to_be_read(tmp_path, bert):
    corpus, settings = noises(tmp_path / "c"), Settings(cache=tmp_path / "store")
    needs = Needs(text_vectors=(TextVectors(encoder=str(bert)),))
    (costs, _), _ = costs_of(corpus, needs, settings)
    assert [cost.of for cost in costs] == ["model"]
    corpus = replace(corpus, clips=corpus.clips.assign(transcript=None))
    (costs, _), _ = costs_of(corpus, needs, settings)
    assert [cost.of for cost in costs] == ["model"]


def test_minutes_and_megabytes_follow_from_a_few_texts(tmp_path, bert):
    texts = pd.Series([f"yes {'no ' * (i % 20)}again {i}" for i in range(300)])
    cost = of_reading(texts, TextVectors(encoder=str(bert)), tmp_path)
    assert (cost.clips, cost.todo) == (300, 300)
    encoder = load_encoder(str(bert))
    began = time.perf_counter()
    for text in texts:
        encoder.vector(text)
    seconds = time.perf_counter() - began
    # others use the machine too
    assert seconds / 4 < cost.minutes * 60 < 4 * seconds


def test_words_that_are_yet_to_be_recognised_are_as_many_as_clips_at_most(tmp_path, bert):
    ctc = write_ctc(tmp_path / "ctc")
    corpus, settings = noises(tmp_path / "c", samples=4000), Settings(cache=tmp_path / "store")
    column = f"recognised@{ctc}"
    needs = Needs(measured_columns=(column,), text_vectors=(TextVectors(encoder=str(bert), text=column),))
    (costs, _), reads = costs_of(corpus, needs, settings)
    assert [(c.of, c.condition, c.stored, c.todo) for c in costs[1:]] == [
        ("sound", "ctc", 0, 12),
        ("words", "read by bert, at most", 0, 12),
    ]
    assert all(cost.minutes > 0 for cost in costs[1:])
    told = with_measured_columns(corpus, [replace(reads, needs=replace(needs, text_vectors=()))], settings)
    different = told.clips[column].loc[lambda texts: texts.str.strip() != ""].nunique()
    (costs, _), _ = costs_of(corpus, needs, settings)
    assert [(c.of, c.condition, c.stored, c.todo) for c in costs[1:]] == [
        ("sound", "ctc", 12, 0),
        ("words", "read by bert", 0, different),
    ]
    with_measured_columns(corpus, [reads], settings)
    (costs, model), _ = costs_of(corpus, needs, settings)
    assert sentence(costs, model) == "Nothing has to be computed."
