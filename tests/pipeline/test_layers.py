"""Layer means on their way from the model to the tables."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from transformers import Wav2Vec2Model

from sertools.auditing.audit import Audit, load
from sertools.auditing.contract import Needs, Outcome
from sertools.auditing.run import obstacle
from sertools.corpora.corpus import Corpus
from sertools.errors import AuditError
from sertools.inference import predict
from sertools.inference.build_tables import tables
from sertools.inference.decode import decode
from sertools.inference.settings import Settings
from sertools.models.load import load_model
from sertools.pipeline import run
from sertools.tables.columns import AGAINST
from sertools.tables.condition import CLEAN, Condition
from sertools.tables.layers import Layers
from sertools.tables.tables import Tables
from tests.helpers.checkpoints import write_audeering_checkpoint, write_checkpoint
from tests.helpers.small import SLOW, noises

READS_LAYERS = Needs(labels="none", conditions=(), layers=True)


def reader(seen: list[Tables]) -> Audit:
    """An audit that keeps the tables that it was given."""

    def function(tables, *, rng):
        seen.append(tables)
        return Outcome(answer="", findings=[])

    return Audit(
        name="reader",
        path=Path("reader.py"),
        question="?",
        method="",
        needs=lambda **options: READS_LAYERS,
        limits=(),
        function=function,
        plant=lambda tables, rng: tables,
    )


def test_a_layer_is_put_together_from_its_shards_and_missing_clips_are_nan():
    first = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
    nothing = np.zeros((1, 0, 0), dtype=np.float32)
    layers = Layers(shards=(first, nothing, first + 100))
    assert (layers.n_layers, layers.dimensions) == (3, 2)
    assert layers.layer(1)[[0, 1, 3]].tolist() == [[2, 3], [8, 9], [102, 103]]
    assert np.isnan(layers.layer(1)[2]).all()
    assert np.array_equal(layers.layer(-1), layers.layer(2), equal_nan=True)
    with pytest.raises(IndexError, match="layer 3 is out of range: there are 3 layers"):
        layers.layer(3)


def test_layers_and_other_models_must_be_of_the_same_clips():
    clips = pd.DataFrame({"speaker": ["s", "t"]}, index=["a", "b"])
    with pytest.raises(AuditError, match="layer means are not aligned"):
        Tables(clips=clips, predictions={}, layers=Layers(shards=(np.zeros((3, 1, 1)),)))
    other = Tables(clips=clips.loc[["b", "a"]], predictions={})
    with pytest.raises(AuditError, match="the tables of another model are not aligned"):
        Tables(clips=clips, predictions={}, others={AGAINST: other})


def test_layers_of_the_store_are_those_of_the_model(tmp_path):
    model = load_model(str(write_checkpoint(tmp_path / "m")))
    corpus = noises(tmp_path / "c", 70)
    predicted = predict.predict(model, corpus, settings=Settings(cache=tmp_path / "cache"), layers=True)
    clip = corpus.clips.index[67]
    alone = model.predict([decode(corpus, clip, model, Condition()).signal], layers=True).layers[0]
    layers = predicted[CLEAN].layers
    assert layers.n_layers == len(alone)
    for i, expected in enumerate(alone):
        np.testing.assert_allclose(layers.layer(i)[67], expected, atol=1e-5)


def test_a_bare_encoder_is_read_for_its_layers_and_scores_nothing(tmp_path):
    base, _, _ = write_audeering_checkpoint(tmp_path / "with-head")
    loaded = Wav2Vec2Model.from_pretrained(base)
    loaded.save_pretrained(tmp_path / "m")
    model = load_model(str(tmp_path / "m"))
    assert model.task == "encoder"
    seen: list[Tables] = []
    settings = Settings(cache=tmp_path / "cache")
    results = run.run(
        model, noises(tmp_path / "c", 5), [reader(seen).plan(), load("correctness").plan()], settings=settings
    )
    assert seen[0].layers.n_layers > 1
    assert "share neither a dimension nor an emotion" in results[1].findings[0].reason


def test_another_model_stands_beside_with_its_own_layers(tmp_path):
    one, two = (load_model(str(write_checkpoint(tmp_path / n, n))) for n in ("wav2vec2", "hubert"))
    seen: list[Tables] = []
    run.run(
        one,
        noises(tmp_path / "c", 5),
        [reader(seen).plan()],
        settings=Settings(cache=tmp_path / "cache"),
        others={AGAINST: two},
    )
    own, other = seen[0].layers.layer(-1), seen[0].others[AGAINST].layers.layer(-1)
    expected = predict.predict(
        two, noises(tmp_path / "again", 5), settings=Settings(cache=tmp_path), layers=True
    )
    np.testing.assert_allclose(other, expected[CLEAN].layers.layer(-1), atol=1e-5)
    assert np.abs(own - other).max() > 1e-3


def test_a_model_without_layers_is_the_reason_why_nothing_is_measured(tmp_path):
    corpus: Corpus = noises(tmp_path / "c", 3)
    settings = Settings(cache=tmp_path / "cache")
    (tmp_path / "slow.py").write_text(SLOW, encoding="utf-8")
    model = load_model(f"py:{tmp_path / 'slow.py'}:slow")
    predicted = predict.predict(model, corpus, settings=settings, layers=True)
    assert obstacle(READS_LAYERS, tables(model, corpus, predicted)) == "the model has no layers"
    assert obstacle(READS_LAYERS, tables(model, corpus, {})) == "the model has no layers"
