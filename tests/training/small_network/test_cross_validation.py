import numpy as np
import pandas as pd
import pytest

from sertools.audio.files import write_audio
from sertools.corpora.load import load_corpus
from sertools.errors import CorpusError
from sertools.labels import DIMENSIONS
from sertools.training.small_network.cross_validation import held_out_predictions
from sertools.training.small_network.data import training_data
from sertools.training.small_network.finetune import fit
from sertools.training.small_network.network import RATE_HZ, predictions
from sertools.training.small_network.recipe import Recipe, Shape

TINY = Shape(
    conv_dim=[8, 8, 8], hidden=8, layers=1, heads=2, feed_forward=8, pooled=4, position_groups=2, dropout=0
)
RECIPE = Recipe(corpora=["tones.csv"], speakers=["a", "b", "c"], epochs=1, batch=4, shape=TINY)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Three speakers with two emotions each, and a fourth whose sound is missing."""
    folder = tmp_path_factory.mktemp("tones")
    rng = np.random.default_rng(0)
    rows = [("nobody.wav", "d", "anger")]
    for speaker in "abc":
        for emotion in ("anger", "sadness"):
            rows.append((f"{speaker}_{emotion}.wav", speaker, emotion))
            write_audio(folder / rows[-1][0], 0.1 * rng.standard_normal(4000), RATE_HZ)
    pd.DataFrame(rows, columns=["file", "speaker", "emotion"]).to_csv(folder / "tones.csv", index=False)
    return load_corpus(str(folder / "tones.csv"))


def test_each_group_is_answered_by_a_model_of_the_others(corpus):
    answers = held_out_predictions(RECIPE, [corpus], corpus, [["c", "a"], ["b"]])
    assert answers.index.tolist() == [
        f"tones/{speaker}_{emotion}.wav" for speaker in "cab" for emotion in ("anger", "sadness")
    ]
    assert answers["speaker"].tolist() == list("ccaabb")
    for group, others in ((["c", "a"], ["b"]), (["b"], ["a", "c"])):
        model = fit(RECIPE, training_data(RECIPE, [corpus], others), progress=lambda epoch, loss: None)
        for speaker in group:
            clips = training_data(RECIPE, [corpus], [speaker])
            rows = answers[answers["speaker"] == speaker]
            np.testing.assert_array_equal(rows[list(DIMENSIONS)], predictions(model, clips.signals))
            np.testing.assert_array_equal(rows[[f"truth_{name}" for name in DIMENSIONS]], clips.truth)


def test_speakers_whom_the_recipe_does_not_name_are_not_opened(corpus):
    # the sound of speaker d does not exist
    assert len(held_out_predictions(RECIPE, [corpus], corpus, [["a"]])) == 2
    with pytest.raises(CorpusError, match=r"nobody\.wav"):
        held_out_predictions(RECIPE.model_copy(update={"speakers": ["a", "d"]}), [corpus], corpus, [["a"]])


@pytest.mark.parametrize(
    ("groups", "sentence"),
    [
        ([["a", "b"], ["b"]], "the speaker 'b' is left out more than once"),
        ([["a", "b", "c"]], "without a, b, c no speaker is left to train on"),
    ],
)
def test_groups_that_make_no_sense_are_refused(corpus, groups, sentence):
    with pytest.raises(CorpusError, match=sentence):
        held_out_predictions(RECIPE, [corpus], corpus, groups)
