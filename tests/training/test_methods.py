"""Every method trains a tiny network on tones from end to end, and its checkpoint answers."""

import json

import numpy as np
import pytest

from sertools.corpora.load import load_corpus
from sertools.errors import CorpusError
from sertools.models.load import load_model
from sertools.training.objectives import descriptions, objectives
from sertools.training.recipe import recipe_of
from sertools.training.train import train_recipe
from tests.helpers.tones import recipe_table, write_tones

PRETRAIN = {"steps": 2, "batch": 4, "every": 1, "warm_up": 1}
SMALL_QUANTISER = {
    "codevector_dim": 8,
    "proj_codevector_dim": 8,
    "num_codevectors_per_group": 4,
    "num_negatives": 3,
    "mask_time_length": 3,
}
CHANGES = {
    "tapt": {"pretrain": PRETRAIN},
    "p-tapt": {
        "pretrain": PRETRAIN,
        "options": {"channels": 8, "clusters": [2, 5], "mask_length": 3, "convolutional": {**PRETRAIN}},
    },
    "cnn14": {"options": {"width": 1}, "batch": 3},
    "lora": {"options": {"rank": 2}},
}


@pytest.fixture(scope="module")
def tones(tmp_path_factory):
    return write_tones(tmp_path_factory.mktemp("tones"))


def table_of(tones, method):
    table = recipe_table(tones, method=method, epochs=1, **CHANGES.get(method, {}))
    if method in {"tapt", "p-tapt"}:
        table["architecture"] = {**table["architecture"], **SMALL_QUANTISER}
    if method in {"cnn14", "baseline"}:
        table = {key: value for key, value in table.items() if key not in {"init", "architecture"}}
    if method in {"frozen", "lora"}:
        del table["freeze"]
    return table


@pytest.mark.parametrize(
    "method", ["fine-tune", "frozen", "v-ft", "tapt", "p-tapt", "cnn14", "lora", "baseline"]
)
def test_the_checkpoint_of_a_method_answers(tones, tmp_path, method):
    assert descriptions()[method]
    spec = train_recipe(recipe_of(table_of(tones, method)), tmp_path / "model")
    model = load_model(spec)
    corpus = load_corpus(str(tones))
    signals = [corpus.signal(clip, 16000) for clip in corpus.clips.index]
    signals = [signal for signal in signals if len(signal) >= model.shortest]
    scores = model.predict(signals).scores
    assert model.labels == ("anger", "neutral")
    assert scores.shape == (len(signals), 2)
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-5)
    if method != "baseline":  # it has no curves
        curves = json.loads((tmp_path / "model" / "train.json").read_text(encoding="utf-8"))
        losses = [entry["loss"] for phase in curves.values() for entry in phase["log"] if "loss" in entry]
        assert len(losses) >= len(curves)
        assert np.isfinite(losses).all()
        assert b"</svg>" in (tmp_path / "model" / "train.svg").read_bytes()


@pytest.mark.parametrize("architecture", ["hubert", "wavlm", "data2vec-audio"])
def test_other_encoders_of_the_family_are_fine_tuned(tones, tmp_path, architecture):
    table = table_of(tones, "fine-tune") | {"init": f"random:{architecture}"}
    if architecture == "data2vec-audio":
        lacks = {"feat_extract_norm", "do_stable_layer_norm"}
        table["architecture"] = {k: v for k, v in table["architecture"].items() if k not in lacks}
        table["architecture"] |= {"num_conv_pos_embeddings": 2, "conv_pos_kernel_size": 3}
    model = load_model(train_recipe(recipe_of(table), tmp_path / "model"))
    corpus = load_corpus(str(tones))
    scores = model.predict([corpus.signal(clip, 16000) for clip in corpus.clips.index[:3]]).scores
    assert model.facts["model_type"] == architecture
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-5)


def test_phases_that_were_done_are_not_repeated(tones, tmp_path):
    recipe = recipe_of(table_of(tones, "tapt"))
    train_recipe(recipe, tmp_path / "whole")
    seen = []

    def stop(phase, step, steps, loss):
        seen.append(phase)
        if phase == "v-ft":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_recipe(recipe, tmp_path / "cut", progress=stop)
    train_recipe(recipe, tmp_path / "cut", progress=lambda phase, *_: seen.append(phase))
    assert seen == ["tapt", "tapt", "v-ft", "v-ft"] or seen == ["tapt", "tapt", "v-ft"]
    for name in ("model.safetensors", "train.json"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_more_clusters_than_frames_are_refused(tones, tmp_path):
    table = table_of(tones, "p-tapt")
    table["options"] = {**table["options"], "clusters": [100_000]}
    with pytest.raises(CorpusError, match=r"frames cannot have 100000 clusters.*name fewer"):
        train_recipe(recipe_of(table), tmp_path / "model")


def test_every_method_has_a_description_and_defaults_that_are_valid(tones):
    for method, module in objectives().items():
        assert descriptions()[method].endswith((".", ")."))
        assert recipe_of({"method": method, "corpora": [str(tones)]}).method == method
        assert callable(module.phases)
