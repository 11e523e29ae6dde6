import pytest

from sertools.errors import ModelError
from sertools.training.small_network.recipe import BaselineRecipe, Recipe, read_recipe
from tests.helpers.places import ROOT

LEAST = 'corpora = ["emodb"]\nspeakers = ["03"]\nepochs = 2\n'


def test_a_recipe_says_what_its_file_says(tmp_path):
    path = tmp_path / "recipe.toml"
    path.write_text(LEAST + "seed = 7\n[shape]\nlayers = 1\n[augmentation]\nspeed = 0\n")
    recipe = read_recipe(path)
    assert (recipe.corpora, recipe.speakers, recipe.epochs, recipe.seed) == (["emodb"], ["03"], 2, 7)
    assert (recipe.shape.layers, recipe.augmentation.speed) == (1, 0)


def test_a_recipe_survives_json(tmp_path):
    recipe = Recipe(corpora=["emodb"], speakers=["03"], epochs=2)
    assert Recipe.model_validate_json(recipe.model_dump_json()) == recipe


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (LEAST + "epoch = 3\n", "has an error at 'epoch': Extra inputs are not permitted"),
        (LEAST.replace("2", "0"), "has an error at 'epochs': Input should be greater than 0"),
        (LEAST + 'labels = ["anger"]\n', "has an error at 'labels.0'"),
        (LEAST + 'norms = "mine"\n', "has an error at 'norms'"),
        (LEAST.replace('["03"]', "[]"), "has an error at 'speakers'"),
        (LEAST + "[shape]\nconv_dim = [8, 8]\n", "must have the same length"),
        (LEAST + "[shape]\nconv_dim = [2, 8, 8]\n", "the first with at least 4 channels"),
        (LEAST + "[shape]\nheads = 3\n", "hidden = 128 is not a multiple of heads = 3"),
        (LEAST + "[augmentation]\ntempo = -0.1\n", "has an error at 'augmentation.tempo'"),
        (LEAST + "[augmentation]\nspeed = 2\n", "has an error at 'augmentation.speed'"),
        ("epochs = ", "is not valid TOML"),
    ],
)
def test_a_wrong_recipe_is_refused_with_the_place(tmp_path, text, sentence):
    path = tmp_path / "recipe.toml"
    path.write_text(text)
    with pytest.raises(ModelError) as error:
        read_recipe(path)
    assert sentence in error.value.message
    assert str(path) in error.value.message


def test_a_missing_recipe_is_an_error(tmp_path):
    with pytest.raises(ModelError, match=r"cannot read the recipe .*none\.toml: No such file"):
        read_recipe(tmp_path / "none.toml")


def test_the_baseline_is_a_recipe_of_its_own_kind() -> None:
    recipe = read_recipe(ROOT / "examples" / "baseline.toml")
    assert isinstance(recipe, BaselineRecipe)
    assert recipe.labels == ["emotion"]


@pytest.mark.parametrize(
    ("more", "hint"),
    [
        ("epoch = 3\n", "did you mean 'epochs'?"),
        ("[augmentation]\ntemp = 0.1\n", "did you mean 'tempo'?"),
        (
            '[pretraining]\nmethod = "tapt"\nepochs = 1\nmask_tim_prob = 0.5\n',
            "did you mean 'mask_time_prob'?",
        ),
    ],
)
def test_an_unknown_key_is_told_with_the_nearest_one(tmp_path, more, hint):
    (tmp_path / "recipe.toml").write_text(LEAST + more)
    with pytest.raises(ModelError) as told:
        read_recipe(tmp_path / "recipe.toml")
    assert told.value.hint == hint
