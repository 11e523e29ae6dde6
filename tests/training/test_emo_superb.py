"""EMO-SUPERB: class weights and parts recomputed from the labels, kept layers, and the head end to end."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

from sertools.auditing.contract import Needs
from sertools.corpora.load import load_corpus
from sertools.errors import ModelError
from sertools.inference.settings import Settings
from sertools.models.load import load_model
from sertools.pipeline.collect import collect, request
from sertools.tables.condition import Condition
from sertools.training.data.targets import smoothed
from sertools.training.kept.layers import scaling_of, weighted_sum_head
from sertools.training.losses import class_weights, cross_entropy
from sertools.training.recipe import recipe_of
from sertools.training.train import setting_of, train_recipe
from tests.helpers.places import ROOT
from tests.helpers.tones import recipe_table, write_tones

LABELS = ROOT.parent / "shared" / "data" / "crema-d_labels" / "crema-d_labels.csv"
EMOTIONS = ("anger", "sadness", "disgust", "fear", "neutral", "happiness")
SESSIONS = ((1001, 1018), (1019, 1036), (1037, 1054), (1055, 1072), (1073, 1091))
"""Speakers of CREMA-D in the five parts of EMO-SUPERB's released partition files; fold k tests part k, and
chooses by the part after it."""

SIZES = ((4509, 1470, 1463), (4496, 1476, 1470), (4490, 1476, 1476), (4409, 1557, 1476), (4422, 1463, 1557))


@pytest.fixture(scope="module")
def tones(tmp_path_factory):
    """Tones with votes: three of four raters hear the emotion that is meant."""
    manifest = write_tones(tmp_path_factory.mktemp("tones"), speakers="abcd")
    table = pd.read_csv(manifest)
    for name in ("anger", "neutral"):
        table[f"votes_{name}"] = np.where(table["emotion"] == name, 3, 1)
    table.to_csv(manifest, index=False)
    return manifest


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "store"))


def table_of(tones, **changes):
    plain = recipe_table(tones, method="emo-superb", epochs=25, batch=6, learning_rate=0.05, hidden=8)
    return {key: value for key, value in {**plain, **changes}.items() if key != "freeze"}


def voted():
    votes = pd.read_csv(LABELS)
    counts = votes[[f"voice_{name}" for name in EMOTIONS]].to_numpy(dtype=float)
    shares = counts / counts.sum(axis=1, keepdims=True)
    fold = np.array([next(i for i, (a, b) in enumerate(SESSIONS) if a <= s <= b) for s in votes["speaker"]])
    return counts, shares, fold


@pytest.mark.skipif(not LABELS.is_file(), reason="the labels of CREMA-D are not at hand")
@pytest.mark.parametrize("k", range(5))
def test_class_weights_and_parts_of_crema_d_follow_from_its_votes(k):
    counts, shares, part = voted()
    train = (part != k) & (part != (k + 1) % 5)
    assert (int(train.sum()), int((part == (k + 1) % 5).sum()), int((part == k).sum())) == SIZES[k]
    positives = [0] * 6
    for row in counts[train]:
        for j in range(6):
            positives[j] += bool(6 * row[j] > sum(row))  # in whole votes, so that 1 / 6 is exactly 1 / 6
    n = int(train.sum())
    beta = (n - 1) / n
    raw = [(1 - beta) / (1 - beta**count) for count in positives]
    expected = [6 * value / sum(raw) for value in raw]
    found = class_weights(smoothed(shares[train], 0.05).astype(np.float32), "balanced")
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert found.sum() == pytest.approx(6)
    assert found.argmin() == EMOTIONS.index("neutral"), "the most frequent answer of the raters"


@pytest.mark.skipif(not LABELS.is_file(), reason="the labels of CREMA-D are not at hand")
def test_an_epoch_of_the_first_fold_has_the_batches_of_the_released_configuration():
    _, _, part = voted()
    train = int(((part != 0) & (part != 1)).sum())
    assert -(-train // 32) == 141
    assert 15_510 == 110 * 141  # its updates: 110 epochs


def test_both_aggregations_of_the_class_balanced_loss_against_loops():
    rng = np.random.default_rng(0)
    logits, shares = rng.normal(size=(5, 3)), rng.dirichlet(np.ones(3), size=5)
    weights = [0.5, 1.5, 1.0]
    log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    by_class = by_clip = 0.0
    for i in range(5):
        of_clip = sum(weights[j] * shares[i, j] for j in range(3))
        for j in range(3):
            by_class -= weights[j] * shares[i, j] * log_p[i, j] / 5
            by_clip -= of_clip * shares[i, j] * log_p[i, j] / 5
    given = torch.from_numpy(logits), torch.from_numpy(shares), weights
    assert cross_entropy(*given, "balanced").item() == pytest.approx(by_class, rel=1e-6)
    assert cross_entropy(*given, "balanced-clips").item() == pytest.approx(by_clip, rel=1e-6)
    assert by_class != pytest.approx(by_clip, rel=1e-3)


def test_the_head_on_means_is_the_mean_of_the_head_on_frames():
    head = weighted_sum_head(4, 3, 8, 2, seed=0).double()
    with torch.no_grad():
        head.layer_weights += torch.tensor([0.3, -1.0, 0.5])
        frames = torch.from_numpy(np.random.default_rng(0).normal(size=(6, 3, 4)))
        share = np.exp([0.3, -1.0, 0.5]) / np.exp([0.3, -1.0, 0.5]).sum()
        total = torch.zeros(8, dtype=torch.float64)
        for t in range(6):
            mixed = sum(share[i] * frames[t, i] for i in range(3))
            total += head.projector(mixed)
        expected = head.classifier(total / 6)
        found = head(frames.mean(dim=0)[None], torch.tensor([3]))[0]
    torch.testing.assert_close(found, expected)


def test_the_weights_begin_equal():
    assert weighted_sum_head(4, 3, 8, 2, seed=0).layer_weights.tolist() == [0, 0, 0]


@pytest.fixture(scope="module")
def trained(tones, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "store"))
        spec = train_recipe(recipe_of(table_of(tones)), folder / "model")
    return spec, folder / "model"


def test_the_trained_model_answers_speakers_who_did_not_train(trained, tones):
    spec, out = trained
    model, corpus = load_model(spec), load_corpus(str(tones))
    assert model.facts["architecture"].startswith("Wav2Vec2ForSequenceClassification")
    dev = corpus.clips[corpus.clips["speaker"] == "c"]
    scores = model.predict([corpus.signal(clip, 16000) for clip in dev.index]).scores
    assert [model.labels[i] for i in scores.argmax(axis=1)] == dev["emotion"].tolist()
    curves = json.loads((out / "train.json").read_text(encoding="utf-8"))["head"]
    weights = curves["layer_weights"]
    assert len(weights) == 3
    assert sum(weights) == pytest.approx(1)
    assert max(weights) > 0.34, "the weights are learnt too"
    losses = {entry["step"]: entry["eval_loss"] for entry in curves["log"] if "eval_loss" in entry}
    assert curves["best_step"] == min(losses, key=losses.get)


def test_audits_read_the_hidden_layer_of_the_head(trained, tones, tmp_path):
    model, corpus = load_model(trained[0]), load_corpus(str(tones))
    asked = request(corpus, [Needs(labels="none", layers=True, head=True)])
    tables = collect(model, corpus, asked, [Condition()], Settings(cache=tmp_path), "").tables
    read = tables.head.layer(-1)
    assert read.shape == (16, 8)
    last = model.network.module.classifier
    logits = read @ last.weight.detach().numpy().T + last.bias.detach().numpy()
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(tables.predictions["clean"].to_numpy(), expected, atol=1e-5)


def test_layers_come_from_the_store_the_second_time(tones, tmp_path, monkeypatch):
    recipe = recipe_of(table_of(tones, epochs=1))
    train_recipe(recipe, tmp_path / "first")
    shards = {path: path.stat().st_mtime_ns for path in (tmp_path / "store").rglob("*.npy")}
    assert shards
    train_recipe(recipe_of(table_of(tones, epochs=1, dev_speakers=["d"])), tmp_path / "second")
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "store").rglob("*.npy")} == shards


def test_a_head_on_filter_banks_is_written_beside_them(tones, tmp_path):
    recipe = recipe_of({**table_of(tones, init="fbank:no-cmvn", learning_rate=0.002), "architecture": {}})
    spec = train_recipe(recipe, tmp_path / "model")
    model, corpus = load_model(spec), load_corpus(str(tones))
    assert model.facts["upstream"] == "fbank:no-cmvn"
    dev = corpus.clips[corpus.clips["speaker"] == "c"]
    signals = [corpus.signal(clip, 16000) for clip in dev.index]
    scores = model.predict(signals).scores
    assert [model.labels[i] for i in scores.argmax(axis=1)] == dev["emotion"].tolist()
    mean, deviation = scaling_of(setting_of(recipe, tmp_path / "again").train)
    inner = load_model("fbank:no-cmvn").predict([(s - mean) / deviation for s in signals], layers=True).layers
    weights = {key: value.numpy() for key, value in model.weights.items()}
    mixed = inner[:, 0] @ weights["projector.weight"].T + weights["projector.bias"]
    logits = mixed @ weights["classifier.weight"].T + weights["classifier.bias"]
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(scores, expected, atol=1e-5)
    np.testing.assert_allclose(model.hidden(signals), mixed, atol=1e-4)


def test_the_head_of_a_model_below_is_forgotten(tones, tmp_path):
    below = recipe_table(tones, method="frozen", freeze="encoder", epochs=1)
    train_recipe(recipe_of(below), tmp_path / "below")
    plain = {**table_of(tones, epochs=1), "init": str(tmp_path / "below")}
    del plain["architecture"]
    model = load_model(train_recipe(recipe_of(plain), tmp_path / "model"))
    assert model.network.layout == "native"
    assert not hasattr(model.network.module.config, "sertools_head")


def test_fbank_as_in_the_benchmark_is_a_constant(tones, tmp_path):
    recipe = recipe_of({**table_of(tones, init="fbank", epochs=2), "architecture": {}})
    model, corpus = load_model(train_recipe(recipe, tmp_path / "model")), load_corpus(str(tones))
    scores = model.predict([corpus.signal(clip, 16000) for clip in corpus.clips.index]).scores
    assert (scores == scores[0]).all()


def test_a_head_whose_upstream_has_changed_is_refused(tones, tmp_path):
    recipe = recipe_of({**table_of(tones, init="fbank:no-cmvn", epochs=1), "architecture": {}})
    train_recipe(recipe, tmp_path / "model")
    path = tmp_path / "model" / "head.json"
    stated = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**stated, "upstream": "fbank"}), encoding="utf-8")
    with pytest.raises(ModelError, match="is not the model that the head"):
        load_model(str(tmp_path / "model"))
    path.write_text(json.dumps({**stated, "upstream": "function:os.py:system"}), encoding="utf-8")
    with pytest.raises(ModelError, match="may not be named there"):
        load_model(str(tmp_path / "model"))


@pytest.mark.parametrize("changes", [{"layers_kept": 1}, {"pooling": "max"}, {"augment": ["white_noise"]}])
def test_settings_that_a_head_on_kept_features_cannot_obey_are_refused(tones, tmp_path, changes):
    with pytest.raises(ModelError, match=f"{next(iter(changes))} has no effect"):
        train_recipe(recipe_of(table_of(tones, **changes)), tmp_path / "model")


def test_the_opponent_of_table_4_has_two_layers_of_1024_and_trains_on_soft_labels(tones, tmp_path):
    recipe = recipe_of({"method": "ser-sota", "corpora": ["crema-d"]})
    assert (recipe.hidden, recipe.dropout, recipe.smoothing, recipe.target) == (1024, 0.5, 0.05, "soft")
    small = recipe_of(recipe_table(tones, method="ser-sota", hidden=8, epochs=2, cut_s=0, freeze="cnn"))
    model = load_model(train_recipe(small, tmp_path / "model"))
    assert model.labels == ("anger", "neutral")
    shapes = {
        key: tuple(w.shape) for (w, _), key in zip(model.network.head.branches[0][0], "abc", strict=True)
    }
    assert shapes == {"a": (8, 16), "b": (8, 8), "c": (2, 8)}
