"""Embeddings as an audit: the numbers beside the maps, the maps' colours, and what is said of both."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from sertools.audits.embeddings import projections
from sertools.audits.embeddings.neighbours import Embedded
from sklearn.metrics import silhouette_score

from sertools.auditing.audit import load
from sertools.errors import AuditError
from sertools.metrics import neighbours
from sertools.results.result import Verdict
from sertools.selftest import toy_corpus
from sertools.tables.columns import AGAINST
from sertools.tables.layers import Layers
from tests.helpers.audits import run

EMBEDDINGS = load("embeddings")


def result(tables, seed=0, **options):
    return run(EMBEDDINGS, tables, seed=seed, options={"maps": (), "resamples": 50, **options})


def found(result, name, target="emotion", part="all"):
    (one,) = [f for f in result.findings if (f.name, f.target, f.slice) == (name, target, part)]
    return one


@pytest.fixture(scope="module")
def clips():
    return toy_corpus.clips(speakers=8, per_speaker=12)


@pytest.fixture(scope="module")
def oracle(clips):
    return toy_corpus.answers("oracle", clips)


@pytest.fixture(scope="module")
def mapped(oracle):
    return result(oracle, maps=("t-SNE",))


def embedded(tables, layer=-1):
    clips = tables.clips.sort_index()
    order = np.argsort(tables.clips.index)
    return Embedded(model="this model", vectors=tables.layers.layer(layer)[order], clips=clips)


def test_purity_and_silhouette_are_those_of_the_last_layer(oracle, mapped):
    of = embedded(oracle)
    codes, label = (pd.factorize(of.clips[c], sort=True)[0] for c in ("speaker", "emotion"))
    pure = neighbours.purity(neighbours.nearest(of.vectors, codes), label)
    naive = neighbours.purity(neighbours.nearest(of.vectors, np.arange(len(label))), label)
    assert found(mapped, "purity").value == pytest.approx(pure.mean())
    assert found(mapped, "purity_naive").value == pytest.approx(naive.mean())
    chance = neighbours.chance_of_purity(label, codes)
    assert found(mapped, "purity_above_chance").value == pytest.approx(pure.mean() - chance)
    exact = silhouette_score(of.vectors.astype(float), label)
    assert found(mapped, "silhouette").value == pytest.approx(exact, abs=1e-9)
    assert found(mapped, "purity").low < pure.mean() < found(mapped, "purity").high


def test_the_oracle_passes_and_its_first_layer_does_not(oracle, mapped):
    assert found(mapped, "purity_above_chance").verdict is Verdict.PASS
    assert found(mapped, "above_chance").verdict is Verdict.PASS
    first = result(oracle, layer=0)
    assert found(first, "purity_above_chance").verdict is Verdict.FAIL
    with pytest.raises(AuditError, match="no layer 4"):
        result(oracle, layer=4)


def test_a_map_is_drawn_in_every_colour_that_the_corpus_has(mapped, clips):
    clouds = [f for f in mapped.figures if f.kind == "cloud"]
    assert [f.name for f in clouds] == [
        f"t-sne_{c}_this_model" for c in ("sex", "speaker", "emotion", "arousal", "dominance", "valence")
    ]
    points = [sorted(at for s in f.series for at in zip(s.x, s.y, strict=True)) for f in clouds]
    assert all(each == points[0] for each in points)
    assert len(points[0]) == len(clips)
    shaded = {f.name: f.series[0].shade for f in clouds if f.series[0].shade}
    assert shaded["t-sne_arousal_this_model"] == clips.sort_index()["arousal"].tolist()
    assert len(shaded) == 3
    assert any("does not show how far apart groups are" in note for note in mapped.notes)


def test_the_same_seed_draws_the_same_map_whatever_the_order_of_the_clips(oracle, mapped):
    order = np.random.default_rng(1).permutation(len(oracle.clips))
    means = np.concatenate(oracle.layers.shards)[order]
    shuffled = dataclasses.replace(
        oracle,
        clips=oracle.clips.iloc[order],
        predictions={k: v.iloc[order] for k, v in oracle.predictions.items()},
        layers=Layers(shards=(means,)),
    )
    again = result(shuffled, maps=("t-SNE",))
    assert again.figures == mapped.figures


def test_the_numbers_beside_the_map_are_in_its_table(mapped):
    (numbers,) = mapped.tables
    rows = {(row[1], row[2]): row[3] for row in numbers.rows}
    assert rows["emotion", "silhouette"] == found(mapped, "silhouette").value
    trusted = found(mapped, "trustworthiness", "t-SNE")
    assert rows["t-SNE", "trustworthiness"] == trusted.value
    assert 0.8 < trusted.value <= 1
    assert trusted.low is None
    (chart,) = [f for f in mapped.figures if f.name == "purity"]
    assert chart.series[0].y == [found(mapped, "purity", name).value for name in ("sex", "emotion")]


def test_two_corpora_are_told_apart_and_coloured(oracle):
    corpus = np.where(oracle.clips["speaker"].astype(int) < 4, "one", "other")
    means = np.concatenate(oracle.layers.shards).copy()
    means[corpus == "one"] += 3
    tables = dataclasses.replace(
        oracle, clips=oracle.clips.assign(corpus=corpus), layers=Layers(shards=(means,))
    )
    made = result(tables)
    assert found(made, "probe_uar", "corpus").value == 1
    assert found(made, "purity", "corpus").value == 1
    assert found(made, "silhouette", "corpus").value > 0.5


def test_other_models_have_maps_of_their_own_and_a_difference_paired_by_speaker(oracle, clips):
    other = toy_corpus.answers("random", clips)
    made = result(dataclasses.replace(oracle, others={AGAINST: other}), maps=("t-SNE",))
    assert found(made, "probe_uar_gain", part="minus against").low > 0.5
    titles = [f.title for f in made.figures if f.kind == "cloud" and f.name.startswith("t-sne_emotion")]
    assert titles == ["t-SNE, last layer: emotion", "t-SNE, against, last layer: emotion"]
    assert {row[0] for row in made.tables[0].rows} == {"this model", "against"}


def test_an_unknown_map_is_an_error_and_too_few_clips_have_none(oracle, clips):
    with pytest.raises(AuditError, match="unknown map 'PCA'"):
        result(oracle, maps=("PCA",))
    few = toy_corpus.answers("oracle", clips.iloc[[0, 1, 12, 13, 24, 25]])
    made = result(few, maps=("t-SNE",))
    assert not [f for f in made.figures if f.kind == "cloud"]
    assert "6 clips are too few for a map." in made.notes


def test_embeddings_of_one_number_have_no_map_and_no_error(oracle):
    level = oracle.clips["arousal"].to_numpy(dtype=np.float32)[:, None, None]
    made = result(dataclasses.replace(oracle, layers=Layers(shards=(level,))), maps=("t-SNE", "UMAP"))
    assert not [f for f in made.figures if f.kind == "cloud"]
    assert "Each embedding is a single number, which needs no map." in made.notes
    assert found(made, "purity").value is not None


def test_where_umap_is_not_installed_there_is_the_other_map_and_a_note(oracle, monkeypatch):
    find = projections.importlib.util.find_spec
    monkeypatch.setattr(
        projections.importlib.util, "find_spec", lambda name: None if name.startswith("umap") else find(name)
    )
    made = result(oracle, maps=("UMAP",))
    assert "There is no UMAP map: umap-learn is not installed." in made.notes
    assert not [f for f in made.figures if f.kind == "cloud"]


def test_the_hidden_layer_of_the_head_is_mapped_like_a_layer(oracle):
    means = oracle.layers.layer(-1)
    head = Layers(shards=(np.ascontiguousarray(means[:, None]),))
    of_head = result(dataclasses.replace(oracle, head=head), of="head")
    assert found(of_head, "purity") == found(result(oracle), "purity")
    constant = Layers(shards=(np.ones((len(means), 1, 3), np.float32),))
    assert found(result(dataclasses.replace(oracle, head=constant), of="head"), "purity") != found(
        of_head, "purity"
    )


def test_a_model_without_a_head_and_an_unknown_thing_are_refused(oracle):
    with pytest.raises(AuditError, match="no trained head whose hidden layer can be read"):
        result(oracle, of="head")
    with pytest.raises(AuditError, match="of is 'tail'"):
        result(oracle, of="tail")
