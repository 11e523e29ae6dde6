"""The embedded model keeps the promises of its card and can be made again from its recipe."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoFeatureExtractor, AutoModelForAudioClassification

import sertools
from sertools.finetune import lessons, normalised, predictions, recipe_corpora
from sertools.labels import DIMENSIONS
from sertools.metrics.regress import ccc
from sertools.model import load_model
from sertools.recipe import Recipe, read_recipe

FOLDER = Path(sertools.__file__).parent / "data" / "default"
DATA = Path(__file__).parents[2] / "shared" / "data"
TEST_SPEAKERS = ["12", "14", "15", "16"]


@pytest.fixture(scope="module")
def default():
    return AutoModelForAudioClassification.from_pretrained(FOLDER, output_loading_info=True)


def card_ccc():
    """Dimension → concordance, as the table of the model card has it."""
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (arousal|dominance|valence) \| (0\.\d{3}) \|", card, flags=re.MULTILINE)
    return {name: float(value) for name, value in rows}


def test_the_checkpoint_is_small():
    assert (FOLDER / "model.safetensors").stat().st_size <= 8_000_000
    assert not list(FOLDER.glob("*.bin"))


def test_every_weight_of_the_checkpoint_is_used_and_none_is_invented(default):
    _, info = default
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    assert not info["mismatched_keys"]


def test_it_answers_the_three_dimensions_by_name():
    model = load_model("default")
    assert (model.name, model.labels, model.task) == ("default", DIMENSIONS, "regression")
    assert model.sampling_rate == 16_000


def test_it_hears_with_the_settings_that_it_was_trained_with():
    extractor = AutoFeatureExtractor.from_pretrained(FOLDER)
    signal = np.random.default_rng(0).standard_normal(4000).astype(np.float32)
    theirs = extractor(3 * signal + 1, sampling_rate=16_000)["input_values"][0]
    # float32 sums in another order
    np.testing.assert_allclose(theirs, normalised(signal), atol=1e-5)


@pytest.mark.parametrize("sound", ["silence", "noise", "hum", "click"])
def test_its_answers_stay_near_the_scale_even_where_nobody_speaks(default, sound):
    rng = np.random.default_rng(0)
    signal = {
        "silence": np.zeros(16_000),
        "noise": rng.standard_normal(16_000),
        "hum": np.sin(2 * np.pi * 120 * np.arange(16_000) / 16_000),
        "click": np.eye(1, 16_000, 8_000)[0],
    }[sound].astype(np.float32)
    model, _ = default
    answers = predictions(model, [signal])
    assert ((answers > -0.2) & (answers < 1.2)).all()


def test_the_loudness_of_a_recording_changes_nothing(default):
    model, _ = default
    signal = np.random.default_rng(0).standard_normal(16_000).astype(np.float32)
    # float32 rounding in the normalisation
    np.testing.assert_allclose(*(predictions(model, [gain * signal]) for gain in (1, 0.1)), atol=1e-4)


def test_the_recipe_in_examples_is_the_one_it_was_trained_with():
    trained = Recipe.model_validate_json((FOLDER / "recipe.json").read_text(encoding="utf-8"))
    assert read_recipe(Path(__file__).parents[1] / "examples" / "finetune.toml") == trained


def test_the_test_speakers_are_not_in_the_recipe():
    trained = Recipe.model_validate_json((FOLDER / "recipe.json").read_text(encoding="utf-8"))
    assert not set(trained.speakers) & set(TEST_SPEAKERS)


@pytest.mark.slow
def test_the_card_tells_the_truth_about_the_test_speakers(default):
    if not (DATA / "emodb").is_dir():
        pytest.skip("needs the corpus EmoDB in ../shared/data/emodb")
    model, _ = default
    recipe = read_recipe(Path(__file__).parents[1] / "examples" / "finetune.toml")
    official = recipe.model_copy(update={"corpora": ["emodb"]})
    exam = lessons(official, recipe_corpora(official, DATA), TEST_SPEAKERS)
    with torch.no_grad():
        answers = predictions(model, exam.signals)
    assert len(exam.signals) == 231
    measured = {name: round(ccc(exam.truth[:, i], answers[:, i]), 3) for i, name in enumerate(DIMENSIONS)}
    assert measured == card_ccc()
    # what the card says about the range
    assert answers.min() >= -0.18
    assert answers.max() <= 1.24
