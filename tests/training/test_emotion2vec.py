"""The method emotion2vec from end to end, on tones."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from sertools.corpora.load import load_corpus
from sertools.errors import ModelError
from sertools.models.frames import tokens
from sertools.models.frames.clip_frames import features, projected
from sertools.models.load import load_model
from sertools.training.answering import load_encoder
from sertools.training.encoders import start_of
from sertools.training.heads import HeadSettings, build_head, described
from sertools.training.kept.frames import head_of, kept_frames
from sertools.training.objectives import emotion2vec, options_of
from sertools.training.recipe import recipe_of
from sertools.training.train import setting_of, train_recipe
from tests.helpers.tones import recipe_table, write_tones


@pytest.fixture(scope="module")
def tones(tmp_path_factory):
    return write_tones(tmp_path_factory.mktemp("tones"))


def table(tones, **changes):
    """A recipe that pre-trains for four updates and trains a head for 20 epochs."""
    options = {"top_layers": 2, "tau_start": 0.9, "tau_end": 0.99, **changes.pop("options", {})}
    pretrain = {
        "epochs": 0,
        "steps": 4,
        "batch": 4,
        "batch_samples": 0,
        "accumulate": 1,
        "learning_rate": 0.001,
    }
    whole = recipe_table(tones, method="emotion2vec", options=options, pretrain=pretrain, **changes)
    return {**whole, "freeze": "encoder", "epochs": 20, "batch": 8, "learning_rate": 0.05, "hidden": 8}


@pytest.fixture(scope="module")
def trained(tones, tmp_path_factory):
    out = tmp_path_factory.mktemp("trained") / "model"
    return train_recipe(recipe_of(table(tones, best_by="uar")), out), out


def test_the_encoder_learns_without_labels_and_the_head_answers_speakers_who_did_not_train(trained, tones):
    spec, out = trained
    curves = json.loads((out / "train.json").read_text(encoding="utf-8"))
    assert list(curves) == ["distillation", "head"]
    assert curves["distillation"]["steps"] == 4
    losses = [entry["loss"] for entry in curves["head"]["log"] if "loss" in entry]
    assert losses[-1] < losses[0]
    model, corpus = load_model(spec), load_corpus(str(tones))
    dev = corpus.clips[corpus.clips["speaker"] == "c"]
    scores = model.predict([corpus.signal(clip, 16000) for clip in dev.index]).scores
    assert [model.labels[i] for i in scores.argmax(axis=1)] == dev["emotion"].tolist()


def test_the_loaded_model_answers_as_the_head_did_on_kept_frames(trained, tones, tmp_path):
    """The scores of the checkpoint are those of its head on frames that the training code computes."""
    from safetensors.torch import load_file

    spec, out = trained
    setting = setting_of(recipe_of(table(tones)), tmp_path)
    encoder = load_encoder(out).eval()
    clips = kept_frames(encoder, setting.dev, tmp_path / "frames.npy")
    head = head_of(setting, 16).eval()
    head.linear.load_state_dict(
        {key: value for key, value in load_file(out / "model.safetensors").items() if key in head.exported()}
    )  # fmt: skip
    model, corpus = load_model(spec), load_corpus(str(tones))
    for row in range(len(clips)):
        states = torch.from_numpy(np.array(clips.signal(row)))[None]
        with torch.no_grad():
            own = head(states, torch.tensor([states.shape[1]])).softmax(dim=-1)[0].numpy()
        key = setting.dev.part.table["key"].iat[row]
        theirs = model.predict([corpus.signal(key, 16000)]).scores[0]
        np.testing.assert_allclose(own, theirs, atol=1e-5)
        hidden = model.hidden([corpus.signal(key, 16000)])[0]
        last = head.linear["classifier"]
        logits = last.weight.detach().numpy() @ hidden + last.bias.detach().numpy()
        np.testing.assert_allclose(np.exp(logits) / np.exp(logits).sum(), theirs, atol=1e-5)


def test_the_same_recipe_gives_the_same_bytes_also_after_an_interruption(trained, tones, tmp_path):
    def stop(phase, step, steps, loss):
        if phase == "head" and step == 10:
            raise KeyboardInterrupt

    recipe = recipe_of(table(tones, best_by="uar"))
    with pytest.raises(KeyboardInterrupt):
        train_recipe(recipe, tmp_path / "cut", progress=stop)
    kept = tmp_path / "cut.part" / "head.train.npy"
    before = kept.stat().st_mtime_ns
    train_recipe(recipe, tmp_path / "cut", progress=lambda *_: _same(kept, before))
    for name in ("model.safetensors", "train.json", "config.json"):
        assert (tmp_path / "cut" / name).read_bytes() == (trained[1] / name).read_bytes(), name


def _same(path: Path, before: int) -> None:
    assert path.stat().st_mtime_ns == before, "frames are computed once"


def test_every_kind_of_summary_and_decoder_trains(tones, tmp_path):
    for utterance, decoder in (("token", "none"), ("global", "cnn")):
        options = {"utterance": utterance, "decoder": decoder, "normalise_targets": True, "frame_weight": 0.5}
        recipe = recipe_of(table(tones, options=options))
        setting = setting_of(recipe, tmp_path)
        module = emotion2vec.phases(setting)[0].build(None)
        assert (module.tokens is None) == (utterance == "global")
        names = {name.partition(".")[0] for name, p in module.named_parameters() if p.requires_grad}
        assert ("decoder" in names) == (decoder == "cnn")


@pytest.mark.parametrize("downstream", ["utterance", "both"])
def test_the_head_reads_the_utterance_tokens(trained, tones, tmp_path, downstream):
    begin = {"init": str(trained[1])} if downstream == "both" else {}
    whole = {**table(tones, options={"downstream": downstream}), **begin}
    recipe = recipe_of({key: value for key, value in whole.items() if not begin or key != "architecture"})
    model, corpus = load_model(train_recipe(recipe, tmp_path / "model")), load_corpus(str(tones))
    signals = [corpus.signal(clip, 16000) for clip in corpus.clips.index[:3]]
    encoder = load_encoder(tmp_path / "model" / "upstream").eval()
    weights = model.weights
    for signal, score in zip(signals, model.predict(signals).scores, strict=True):
        given = torch.from_numpy((signal - signal.mean()) / np.sqrt(signal.var() + 1e-7))[None]
        lengths = torch.tensor([given.shape[1]])
        with torch.no_grad():
            states = projected(encoder, features(encoder, given, lengths))
            states = states + encoder.encoder.pos_conv_embed(states)
            whole = torch.cat([weights["tokens"][None], states], dim=1)
            with tokens._no_positions(encoder):
                last = encoder.encoder(whole).last_hidden_state[0]
            mean = last[:10].mean(dim=0)
            rows = [mean] if downstream == "utterance" else [torch.cat([row, mean]) for row in last[10:]]
            hidden = sum(
                (weights["projector.weight"] @ row + weights["projector.bias"]).relu() for row in rows
            )
            logits = weights["classifier.weight"] @ (hidden / len(rows)) + weights["classifier.bias"]
        np.testing.assert_allclose(score, logits.softmax(dim=0).numpy(), atol=1e-5)


def test_a_cold_start_and_a_warm_one_begin_with_teacher_and_student_alike(trained, tones, tmp_path):
    recipe = recipe_of({**table(tones, init=str(trained[1])), "architecture": {}})
    module = emotion2vec.phases(setting_of(recipe, tmp_path))[0].build(None)
    start = start_of(recipe).encoder.state_dict()
    for name, value in module.encoder.state_dict().items():
        assert (value == start[name]).all(), name
    student = module.encoder.encoder.state_dict()
    assert all((value == student[name]).all() for name, value in module.teacher.state_dict().items())


@pytest.mark.parametrize(("last", "said"), [(0.2, 0), (0.05, 1)])
def test_collapsed_targets_are_told(tones, tmp_path, last, said):
    told = []
    setting = setting_of(recipe_of(table(tones)), tmp_path, warn=told.append)
    pretraining, _ = emotion2vec.phases(setting)
    module = pretraining.build(None)
    module.spreads = torch.tensor([1.0, last])
    pretraining.write(module, tmp_path)
    assert sum("targets have collapsed" in sentence for sentence in told) == said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"top_layers": 8}, "top_layers = 8, but the encoder has 2 layers"),
        ({"utterance_weight": 0, "frame_weight": 0}, "nothing would be learnt"),
        ({"top_layers": 2, "utterance": "global", "downstream": "both"}, "needs tokens"),
    ],
)
def test_options_that_the_encoder_cannot_follow_are_refused(tones, tmp_path, options, said):
    with pytest.raises(ModelError, match=said):
        train_recipe(recipe_of(table(tones, options=options)), tmp_path / "model")


def test_unknown_options_are_refused_with_the_nearest(tones):
    with pytest.raises(ModelError, match="has no option 'mask_lenght'.*mask_length"):
        recipe_of(table(tones, options={"mask_lenght": 3}))


def test_the_published_numbers_are_the_defaults():
    options = options_of("emotion2vec", {})
    assert (options.mask_start, options.mask_length, options.top_layers) == (0.5, 5, 8)
    assert (options.tau_start, options.tau_end, options.utterance_weight) == (0.999, 0.99999, 1.0)
    assert emotion2vec.TOKENS[options.utterance] == 10
    recipe = recipe_of({"method": "emotion2vec", "corpora": ["emodb"]})
    first = recipe.pretrain
    assert (first.learning_rate, first.weight_decay, first.warm_up) == (7.5e-5, 0.01, 0.05)
    assert (first.batch_samples, first.accumulate, first.epochs, first.schedule) == (10**6, 16, 100, "cosine")
    shape = HeadSettings(
        description=described(recipe.head, "mean"), hidden=recipe.hidden, outputs=4, dropout=0
    )
    parameters = sum(p.numel() for p in build_head(shape, 768).parameters())
    assert parameters == 768 * 256 + 256 + 256 * 4 + 4  # 0.20 M in table 2
