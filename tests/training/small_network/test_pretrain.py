"""The pre-training of the small network, with the losses of the methods of which it is a part."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from sertools.corpora.load import load_corpus
from sertools.errors import ModelError
from sertools.models.load import load_model
from sertools.randomness import identity_rng
from sertools.training.data.batches import collate
from sertools.training.distillation import losses
from sertools.training.run import train_file
from sertools.training.small_network.cross_validation import held_out_predictions
from sertools.training.small_network.data import training_data
from sertools.training.small_network.finetune import fit, train
from sertools.training.small_network.network import normalised, untrained
from sertools.training.small_network.pretrain import batch_of, objective, pretrained
from sertools.training.small_network.recipe import Augmentation, Recipe, Shape, read_recipe
from tests.helpers.tones import write_tones

STILL = Augmentation(speed=0, tilt=0, noise_db=None, mask_s=0, crop_s=0)
TINY = Shape(
    conv_dim=[24, 16, 16],
    hidden=16,
    layers=2,
    heads=2,
    feed_forward=16,
    pooled=8,
    position_groups=2,
    dropout=0,
)
TAPT = {"method": "tapt", "epochs": 2, "batch": 4, "num_negatives": 3, "num_codevectors_per_group": 4}
EMOTION2VEC = {
    "method": "emotion2vec", "epochs": 2, "batch": 4, "top_layers": 1, "tau_start": 0.5, "tau_end": 0.9,
    "mask_start": 0.1, "normalise_targets": True,
}  # fmt: skip
BOTH = pytest.mark.parametrize("how", [TAPT, EMOTION2VEC], ids=["tapt", "emotion2vec"])


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return load_corpus(str(write_tones(tmp_path_factory.mktemp("tones"), speakers="ab", takes=3)))


def tiny(how, **changes):
    settings = {
        "corpora": ["tones.csv"], "speakers": ["a", "b"], "epochs": 1, "batch": 4, "shape": TINY,
        "augmentation": STILL, "pretraining": how,
    }  # fmt: skip
    return Recipe.model_validate({**settings, **changes})


def encoder_of(recipe):
    """The encoder of the network before all training."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return untrained(recipe).wav2vec2


def weights_after(recipe, data, encoder=None, **options):
    encoder = encoder_of(recipe) if encoder is None else encoder
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return pretrained(encoder, recipe, data, **options)


def equal(first, second):
    assert first.keys() == second.keys()
    return all(torch.equal(value, second[name]) for name, value in first.items())


def test_the_loss_falls_and_each_epoch_is_told(corpus):
    recipe = tiny({**EMOTION2VEC, "epochs": 25, "learning_rate": 0.005})
    data = training_data(recipe, [corpus], recipe.speakers)
    told = []
    weights_after(recipe, data, progress=lambda *each: told.append(each))
    assert [number for number, _ in told] == list(range(1, 26))
    assert np.mean([loss for _, loss in told[-5:]]) < 0.7 * np.mean([loss for _, loss in told[:5]])


@BOTH
def test_all_of_the_encoder_but_its_filter_bank_trains_in_a_copy(corpus, how):
    recipe = tiny(how)
    data = training_data(recipe, [corpus], recipe.speakers)
    encoder = encoder_of(recipe)
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    config = encoder.config.to_dict()
    after = weights_after(recipe, data, encoder)
    unchanged = {name for name, value in after.items() if torch.equal(value, before[name])}
    assert unchanged == {name for name in before if name.startswith("feature_extractor.conv_layers.0.")}
    assert equal(encoder.state_dict(), before)
    assert encoder.config.to_dict() == config


@BOTH
def test_labels_are_not_read(corpus, how):
    recipe = tiny(how)
    data = training_data(recipe, [corpus], recipe.speakers)
    blank = replace(data, truth=np.full_like(data.truth, np.nan), emotions=np.full_like(data.emotions, -1))
    assert equal(weights_after(recipe, data), weights_after(recipe, blank))


@BOTH
def test_training_begins_at_the_weights_of_the_pre_training_with_a_new_head(corpus, how):
    recipe = tiny(how, learning_rate=0.0)  # so that training changes nothing
    data = training_data(recipe, [corpus], recipe.speakers)
    trained = fit(recipe, data, progress=lambda *_: None)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        model = untrained(recipe)
        wanted = pretrained(model.wav2vec2, recipe, data)
    assert equal(trained.wav2vec2.state_dict(), wanted)
    assert equal(trained.classifier.state_dict(), model.classifier.state_dict())
    assert not equal(wanted, model.wav2vec2.state_dict())
    assert trained.config.to_dict() == model.config.to_dict(), "settings of the loss are not of the model"


@BOTH
def test_the_same_recipe_gives_the_same_bytes(corpus, tmp_path, how):
    made = []
    for i, changes in enumerate(({}, {}, {"seed": 1}, {"pretraining": None})):
        torch.manual_seed(i)
        out = train(tiny(how, **changes), [corpus], tmp_path / str(i))
        made.append((out / "model.safetensors").read_bytes())
    assert made[0] == made[1]
    assert len(set(made)) == 3
    assert load_model(str(tmp_path / "0")).labels == ("arousal", "dominance", "valence")
    assert Recipe.model_validate_json((tmp_path / "0" / "recipe.json").read_text()) == tiny(how)


def test_left_out_speakers_take_no_part_in_the_pre_training(corpus):
    recipe = tiny(EMOTION2VEC)
    answers = held_out_predictions(recipe, [corpus], corpus, [["b"]])
    silent = training_data(recipe, [corpus], ["a"])  # b is not even decoded
    model = fit(recipe, silent, progress=lambda *_: None)
    heard = training_data(recipe, [corpus], ["b"])
    with torch.no_grad():
        wanted = [model(torch.from_numpy(normalised(x))[None]).logits[0].numpy() for x in heard.signals]
    np.testing.assert_array_equal(answers[recipe.labels], np.stack(wanted))


@BOTH
def test_a_second_loop_makes_the_same_updates(corpus, how):
    """One batch an epoch: loss, update of the student, and of the teacher where there is one."""
    recipe = tiny({**how, "batch": 12, "epochs": 3, "learning_rate": 0.01}, weight_decay=0.1)
    data = training_data(recipe, [corpus], recipe.speakers)
    assert len(data.signals) == 12
    rates = [1.0, 1.0, 0.5]  # one update of warm-up, then half a cosine: (1 + cos 0) / 2, (1 + cos π/2) / 2
    module = objective(encoder_of(recipe), recipe.pretraining, recipe.seed).train()
    learnt = [value for value in module.parameters() if value.requires_grad]
    optimizer = torch.optim.AdamW(learnt, weight_decay=0.1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        for epoch, (rate, tau) in enumerate(zip(rates, (0.5, 0.7, 0.9), strict=True)):
            optimizer.param_groups[0]["lr"] = 0.01 * rate
            order = identity_rng(recipe.seed, "pre-training", "order", str(epoch)).permutation(12)
            loss = module(**batch_of(recipe, data, order, epoch))["loss"]
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(learnt, 1.0)
            optimizer.step()
            if how is EMOTION2VEC:
                losses.follow(module.teacher, module.encoder.encoder, tau)
    for name, value in weights_after(recipe, data).items():
        # float32: cos π/2 is 6e-17, not 0, and τ is computed in another way
        torch.testing.assert_close(value, module.encoder.state_dict()[name], atol=1e-6, rtol=1e-5)


def test_the_contrastive_loss_has_the_settings_of_the_recipe():
    how = {
        **TAPT,
        "mask_time_prob": 0.3,
        "mask_time_length": 3,
        "codevector_dim": 6,
        "proj_codevector_dim": 5,
    }
    recipe = tiny(how)
    module = objective(encoder_of(recipe), recipe.pretraining, 0)
    assert tuple(module.quantizer.codevectors.shape) == (1, 2 * 4, 3)  # two codebooks of 4, half of 6 each
    assert module.project_hid.out_features == module.project_q.out_features == 5
    config = module.encoder.config
    assert (config.mask_time_prob, config.mask_time_length, config.num_negatives) == (0.3, 3, 3)


def test_a_batch_has_augmented_clips_and_keys_that_depend_on_clip_and_epoch(corpus):
    recipe = tiny(TAPT, augmentation=Augmentation(crop_s=0.2))
    data = training_data(recipe, [corpus], recipe.speakers)
    first, again, later, single = (
        batch_of(recipe, data, np.array(rows), epoch)
        for rows, epoch in (([1, 0], 0), ([1, 0], 0), ([1, 0], 1), ([0], 0))
    )
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["signals"], later["signals"])
    assert torch.equal(first["keys"], later["keys"])
    assert first["keys"][0] != first["keys"][1] == single["keys"][0]
    assert later["epochs"].tolist() == [1, 1]
    n = int(single["lengths"][0])
    assert n == int(first["lengths"][1]) == 3200
    assert torch.equal(first["signals"][1, :n], single["signals"][0])
    assert set(first) == set(collate([{"signal": np.ones(3), "key": 0, "epoch": 0}]))


def test_a_pre_training_that_diverges_is_one_sentence(corpus, tmp_path):
    recipe = tiny({**EMOTION2VEC, "learning_rate": 1e30})
    with pytest.raises(ModelError, match=r"not a number at step \d of the pre-training"):
        train(recipe, [corpus], tmp_path / "made")
    assert not list(tmp_path.iterdir())


def test_targets_that_collapse_are_told(corpus):
    how = {**EMOTION2VEC, "epochs": 5, "learning_rate": 0.02, "normalise_targets": False}
    recipe = tiny(how, weight_decay=20)  # an update takes 40 % off each weight, so that all become 0
    data = training_data(recipe, [corpus], recipe.speakers)
    told = []
    weights_after(recipe, data, warn=told.append)
    assert len(told) == 1
    assert "the teacher's targets have collapsed" in told[0]


@BOTH
def test_a_recipe_file_trains_with_both_phases_told(corpus, tmp_path, how):
    path = tmp_path / "recipe.toml"
    lines = ['corpora = ["tones.csv"]', 'speakers = ["a", "b"]', "epochs = 3", "batch = 4", "[shape]"]
    lines += [f"{key} = {value}" for key, value in TINY.model_dump().items()]
    lines += ["[pretraining]", *(f"{key} = {toml(value)}" for key, value in how.items())]
    path.write_text("\n".join(lines))
    told = []
    train_file(path, tmp_path / "m", data_root=corpus.root, progress=lambda *each: told.append(each[:3]))
    wanted = [("pre-training", i, 2) for i in (1, 2)] + [("epochs", i, 3) for i in (1, 2, 3)]
    assert told == wanted
    record = pd.read_json(tmp_path / "m" / "training_record.json", typ="series")
    assert len(record) > 0


def toml(value):
    return f'"{value}"' if isinstance(value, str) else str(value).lower()


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ('method = "mine"\nepochs = 1', "Input tag 'mine' found using 'method' does not match"),
        ('method = "tapt"', "has an error at 'pretraining.tapt.epochs': Field required"),
        ('method = "tapt"\nepochs = 1\ntau_end = 1', "'pretraining.tapt.tau_end': Extra inputs are not"),
        ('method = "tapt"\nepochs = 1\ncodevector_dim = 7', "should be a multiple of 2"),
        ('method = "emotion2vec"\nepochs = 1', "pretraining.top_layers = 8, but the network has 4 layers"),
        (
            'method = "emotion2vec"\nepochs = 1\ntop_layers = 1\nutterance_weight = 0\nframe_weight = 0',
            "are both 0, so nothing would be learnt",
        ),
        (
            'method = "emotion2vec"\nepochs = 1\ntop_layers = 1\ndownstream = "both"',
            "'pretraining.emotion2vec.downstream': Input should be 'frames'",
        ),
    ],
)
def test_a_wrong_pre_training_is_refused_with_the_place(tmp_path, table, sentence):
    path = tmp_path / "recipe.toml"
    path.write_text(f'corpora = ["x"]\nspeakers = ["a"]\nepochs = 1\n[pretraining]\n{table}\n')
    with pytest.raises(ModelError) as error:
        read_recipe(path)
    assert sentence in error.value.message
