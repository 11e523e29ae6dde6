"""Trainings from end to end, on tones that a tiny network can tell apart."""

import json

import numpy as np
import pytest

from sertools.corpora.load import load_corpus
from sertools.corpora.seen.overlap import seen
from sertools.errors import CorpusError, ModelError
from sertools.models.load import load_model
from sertools.training.encoders import start_of
from sertools.training.recipe import recipe_of
from sertools.training.train import setting_of, train_recipe
from tests.helpers.tones import TINY, recipe_table, write_tones


@pytest.fixture(scope="module")
def tones(tmp_path_factory):
    return write_tones(tmp_path_factory.mktemp("tones"))


@pytest.fixture(scope="module")
def trained(tones, tmp_path_factory):
    """A model that was trained for six epochs, and the losses that were reported."""
    out = tmp_path_factory.mktemp("trained") / "model"
    losses = []
    recipe = recipe_of(recipe_table(tones, epochs=6, best_by="uar"))
    spec = train_recipe(recipe, out, progress=lambda phase, step, steps, loss: losses.append(loss))
    return spec, out, losses


def test_the_loss_falls_and_the_model_answers_speakers_who_did_not_train(trained, tones):
    spec, _, losses = trained
    assert len(losses) == 6
    assert losses[-1] < losses[0]
    model = load_model(spec)
    corpus = load_corpus(str(tones))
    dev = corpus.clips[corpus.clips["speaker"] == "c"]
    scores = model.predict([corpus.signal(clip, 16000) for clip in dev.index]).scores
    assert model.labels == ("anger", "neutral")
    assert [model.labels[i] for i in scores.argmax(axis=1)] == dev["emotion"].tolist()
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-6)


def test_an_audit_knows_clips_and_speakers_of_the_training(trained, tones):
    corpus = load_corpus(str(tones))
    found = seen(load_model(trained[0]).training, corpus)
    speakers = corpus.clips["speaker"]
    assert found.clips.tolist() == speakers.isin(["a", "b"]).tolist()
    assert found.speakers == 2
    assert [each.speaker for each in load_model(trained[0]).training.chosen_on] == ["c"]


def test_a_share_of_the_clips_has_the_classes_of_all(tones, tmp_path):
    table = recipe_table(tones, share=0.25)
    found = [setting_of(recipe_of({**table, "seed": seed}), tmp_path).train.targets for seed in range(12)]
    assert {targets.labels for targets in found} == {("anger", "neutral")}
    assert any(targets.shares.all(axis=0).any() for targets in found)  # one has clips of one class only


def test_a_model_that_is_trained_further_was_trained_on_both(trained, tones, tmp_path):
    further = recipe_table(tones, method="frozen", init=str(trained[1]), architecture={}, epochs=1)
    del further["freeze"]
    train_recipe(recipe_of({**further, "speakers": ["b"]}), tmp_path / "model")
    record = load_model(str(tmp_path / "model")).training
    assert {each.speaker for each in record.speakers} == {"a", "b"}
    assert record.clips == 8
    with pytest.raises(
        CorpusError, match="was trained on dev speakers: of tones, 4 of 4 clips, 1 of 1 speaker"
    ):
        train_recipe(recipe_of({**further, "dev_speakers": ["a"]}), tmp_path / "other")


def test_everything_that_describes_a_training_is_beside_the_weights(trained):
    out = trained[1]
    curves = json.loads((out / "train.json").read_text(encoding="utf-8"))["fine-tune"]
    losses = [entry["loss"] for entry in curves["log"] if "loss" in entry]
    assert losses == pytest.approx(trained[2])
    uars = [entry["eval_uar"] for entry in curves["log"] if "eval_uar" in entry]
    assert max(uars) == curves["best"] == 1.0
    assert json.loads((out / "recipe.json").read_text(encoding="utf-8"))["learning_rate"] == 0.01
    assert "torch" in json.loads((out / "environment.json").read_text(encoding="utf-8"))["versions"]
    assert "8 clips of 2 speakers" in (out / "README.md").read_text(encoding="utf-8")


def test_the_same_recipe_gives_the_same_bytes_also_after_an_interruption(tones, tmp_path):
    recipe = recipe_of(recipe_table(tones, best_by="uar", augment=["white_noise"], every=1))
    train_recipe(recipe, tmp_path / "whole")

    def stop(phase, step, steps, loss):
        if step == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_recipe(recipe, tmp_path / "cut", progress=stop)
    assert not (tmp_path / "cut").exists()
    train_recipe(recipe, tmp_path / "cut")
    for name in ("model.safetensors", "train.json", "config.json", "training_record.json"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name


def test_a_loss_that_is_not_a_number_stops_and_keeps_the_last_good_weights(tones, tmp_path):
    recipe = recipe_of(recipe_table(tones, learning_rate=1e30, clip_norm=0, epochs=5))
    with pytest.raises(
        ModelError, match=r"not a number at step 2 of fine-tune; the last weights with a finite loss"
    ) as stopped:
        train_recipe(recipe, tmp_path / "model")
    assert not (tmp_path / "model").exists()
    assert str(tmp_path / "model.part" / "last-good") in str(stopped.value)
    assert (tmp_path / "model.part" / "last-good" / "model.safetensors").is_file()
    kept = load_model(str(tmp_path / "model.part" / "last-good"))
    assert np.isfinite(kept.predict([np.ones(16000, dtype=np.float32)]).scores).all()


def test_frozen_encoders_keep_their_weights(tones, trained, tmp_path):
    recipe = recipe_of(
        recipe_table(
            tones,
            method="frozen",
            freeze="encoder",
            init=str(trained[1]),
            architecture={},
            epochs=1,
            batch=8,
            dropout=0.0,
        )
    )
    train_recipe(recipe, tmp_path / "frozen")
    # the frames that are kept are those that the encoder would make in each epoch
    unmasked = recipe_of({**recipe.model_dump(), "augment": ["gain@0"], "augment_share": 0.001})
    train_recipe(unmasked, tmp_path / "each-epoch")
    curves = [
        json.loads((tmp_path / name / "train.json").read_text(encoding="utf-8"))["frozen"]["log"][0]["loss"]
        for name in ("frozen", "each-epoch")
    ]
    assert curves[0] == pytest.approx(curves[1], abs=1e-4)
    before, after = (load_model(str(path)).network.module for path in (trained[1], tmp_path / "frozen"))
    state = after.state_dict()
    assert all((value == state[key]).all() for key, value in before.state_dict().items())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"speakers": ["a", "c"]}, "speaker 'c' of dev or test is among the training speakers"),
        ({"test_speakers": ["z"]}, "speaker 'z' is in none"),
        ({"labels": ["anger", "joy"]}, "no training clip has the emotion 'happiness'"),
        ({"labels": ["anger"]}, "only one emotion"),
        ({"target": "dimensions"}, "no clip has a rating of dominance"),
        ({"target": "soft"}, "no votes of raters"),
    ],
)
def test_bad_data_are_refused_in_one_sentence(tones, tmp_path, changes, said):
    with pytest.raises(CorpusError, match=said):
        train_recipe(recipe_of(recipe_table(tones, **changes)), tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"method": "finetune"}, "unknown method 'finetune'.*did you mean 'fine-tune'"),
        ({"epoch": 3, "seeds": 1}, "'epoch'.*did you mean 'epochs'.*'seeds'.*did you mean 'seed'"),
        ({"spec_augment": {"tme": 1}}, "unknown key 'spec_augment.tme'.*did you mean"),
        ({"options": {"a": 1}}, "has no option 'a'"),
        ({"epochs": -1}, "error at 'epochs'"),
        ({"seed": -1}, "error at 'seed'"),
        ({"cut_s": 1e300}, "error at 'cut_s'"),
        ({"method": {"a": 1}}, "unknown method"),
        ({"patience": 2, "best_by": ""}, "patience needs best_by"),
        ({"pretrain": {"best_by": "uar"}}, "pretrain.best_by can only be"),
    ],
)
def test_bad_recipes_are_refused_in_one_sentence(tones, changes, said):
    with pytest.raises(ModelError, match=said):
        recipe_of(recipe_table(tones, **changes))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"num_hidden_layers": 10**9}, "can be at most 1000"),
        ({"conv_stride": [0, 0, 0]}, "must be at least 1"),
        ({"hidden_size": 10**6}, "at most 4,000,000,000 can be trained"),
    ],
)
def test_absurd_networks_are_refused_without_their_memory(tones, changes, said):
    recipe = recipe_of(recipe_table(tones, architecture={**TINY, **changes}))
    with pytest.raises(ModelError, match=said):
        start_of(recipe)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"init": "random:wav2vec"}, "unknown architecture.*did you mean 'wav2vec2'"),
        ({"architecture": {"hidden": 3}}, "unknown key 'hidden'"),
        ({"init": "default"}, "which only random: uses"),
        ({"layers_kept": 3}, "layers_kept = 3, but the encoder has 2 layers"),
        ({"head": "dense"}, "unknown head 'dense'"),
        ({"best_by": "ccc"}, "best_by = 'ccc' is not measured"),
        ({"best_by": "uar", "dev_speakers": []}, "needs dev clips"),
        ({"method": "cnn14", "init": "default"}, "method cnn14 .* cannot follow init = 'default'"),
        ({"method": "tapt", "init": "random:hubert"}, "needs an encoder of its kind"),
    ],
)
def test_a_method_that_cannot_follow_the_checkpoint_is_refused(tones, tmp_path, changes, said):
    with pytest.raises(ModelError, match=said):
        train_recipe(recipe_of(recipe_table(tones, **changes)), tmp_path / "model")
    assert list(tmp_path.iterdir()) == []
