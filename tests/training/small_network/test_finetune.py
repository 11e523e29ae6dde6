from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from transformers import AutoModelForAudioClassification, Wav2Vec2FeatureExtractor

from sertools.audio.files import write_audio
from sertools.corpora.load import load_corpus
from sertools.errors import CorpusError, ModelError
from sertools.models.load import load_model
from sertools.training.small_network.data import recipe_corpora, training_data
from sertools.training.small_network.finetune import train
from sertools.training.small_network.network import (
    RATE_HZ,
    filter_bank,
    normalised,
    pooled,
    predictions,
    untrained,
)
from sertools.training.small_network.recipe import Augmentation, Recipe, Shape

STILL = Augmentation(speed=0, tilt=0, noise_db=None, mask_s=0, crop_s=0)
TINY = Shape(
    conv_dim=[24, 16, 16],
    hidden=16,
    layers=1,
    heads=2,
    feed_forward=16,
    pooled=8,
    position_groups=2,
    dropout=0,
)
PITCH_HZ = {"anger": 400, "happiness": 800, "neutral": 1600, "sadness": 3200}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Two speakers who say every emotion three times, each on a tone of its own, and one without sound."""
    folder = tmp_path_factory.mktemp("tones")
    rng = np.random.default_rng(0)
    rows = []
    for speaker in ("a", "b"):
        for emotion, hz in PITCH_HZ.items():
            for take in range(3):
                seconds = np.arange(int(rng.integers(4000, 6000))) / RATE_HZ
                tone = 0.3 * np.sin(2 * np.pi * hz * seconds) + 0.01 * rng.standard_normal(len(seconds))
                rows.append((f"{speaker}_{emotion}_{take}.wav", speaker, emotion))
                write_audio(folder / rows[-1][0], tone, RATE_HZ)
    rows.append(("nobody.wav", "c", "anger"))
    pd.DataFrame(rows, columns=["file", "speaker", "emotion"]).to_csv(folder / "tones.csv", index=False)
    return load_corpus(str(folder / "tones.csv"))


def tiny(**changes):
    settings = {"corpora": ["tones.csv"], "speakers": ["a", "b"], "epochs": 3, "batch": 8, "shape": TINY}
    return Recipe(**{**settings, **changes})


def test_filters_pass_a_wave_of_their_own_frequency_with_the_stated_gain():
    width, channels = 256, 62
    filters = filter_bank(channels, width)
    mels = np.linspace(2595 * np.log10(1 + 60 / 700), 2595 * np.log10(1 + 7600 / 700), channels // 2)
    time_s = np.arange(width) / RATE_HZ
    for i, hz in enumerate(700 * (10 ** (mels / 2595) - 1)):
        if hz < 300:
            continue  # shorter than six periods fit into the filter there, so both sidebands overlap
        wave = np.exp(2j * np.pi * hz * time_s)
        wanted = np.sqrt(1 + hz / 500)
        # 1 %: the window's sidelobe at twice the frequency
        assert abs(filters[2 * i] @ wave) == pytest.approx(wanted, rel=0.01)
        assert abs(filters[2 * i + 1] @ wave) == pytest.approx(wanted, rel=0.01)


def test_an_odd_filter_stays_zero():
    filters = filter_bank(7, 128)
    assert not filters[6].any()
    assert filters[:6].any(axis=1).all()


def test_signals_are_normalised_as_the_feature_extractor_does():
    signal = np.random.default_rng(1).normal(0.1, 0.02, 5000).astype(np.float32)
    theirs = Wav2Vec2FeatureExtractor(do_normalize=True)(signal, sampling_rate=RATE_HZ)["input_values"][0]
    # float32 sums in another order
    np.testing.assert_allclose(normalised(signal), theirs, atol=1e-5)


def test_padding_in_a_batch_changes_no_answer():
    torch.manual_seed(0)
    model = untrained(tiny()).eval()
    rng = np.random.default_rng(0)
    signals = [normalised(rng.standard_normal(samples)) for samples in (3000, 5000, 16000)]
    with torch.no_grad():
        together = model.classifier(pooled(model, signals)).numpy()
        alone = np.stack([model(torch.from_numpy(signal)[None]).logits[0].numpy() for signal in signals])
    # float32 through a handful of layers
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_lessons_hold_the_norms_of_the_named_speakers_only(corpus):
    learnt = training_data(tiny(), [corpus], ["b"])
    assert len(learnt.signals) == 12
    assert all(clip.startswith("tones/b_") for clip in learnt.clips)
    anger = [clip.startswith("tones/b_anger") for clip in learnt.clips]
    np.testing.assert_allclose(learnt.truth[anger], [[0.795, 0.625, 0.245]] * 3, atol=1e-12)
    assert set(learnt.emotions) == {0, 1, 2, 3}


def test_ratings_are_learnt_where_the_corpus_has_them(corpus, tmp_path):
    rated = pd.DataFrame({"file": corpus.clips["file"], "speaker": "x", "valence": 0.25})
    rated["file"] = [str(corpus.root / file) for file in rated["file"]]
    rated = rated.iloc[:3].reset_index(drop=True)
    rated.loc[2, "valence"] = None
    rated.to_csv(tmp_path / "rated.csv", index=False)
    recipe = tiny(norms="", labels=["valence"], speakers=["x"])
    learnt = training_data(recipe, [load_corpus(str(tmp_path / "rated.csv"))], ["x"])
    np.testing.assert_array_equal(learnt.truth, [[0.25], [0.25]])
    assert learnt.emotions.tolist() == [-1, -1]


def tones(folder, samples):
    """A corpus of one speaker with clips of these numbers of samples."""
    folder.mkdir()
    rows = []
    for i, n in enumerate(samples):
        rows.append((f"{i}.wav", "a", list(PITCH_HZ)[i % 4]))
        write_audio(folder / rows[-1][0], 0.3 * np.sin(np.arange(n)), RATE_HZ)
    pd.DataFrame(rows, columns=["file", "speaker", "emotion"]).to_csv(folder / "t.csv", index=False)
    return load_corpus(str(folder / "t.csv"))


def test_the_shortest_input_gives_one_frame_and_one_sample_less_gives_none():
    model, shortest = untrained(tiny()).eval(), TINY.shortest_samples
    assert shortest == 1040  # ((4 − 1) · 10 + 20 − 1) · 16 + 256
    with torch.no_grad():
        assert model.wav2vec2(torch.zeros(1, shortest)).last_hidden_state.shape[1] == 1
        with pytest.raises(RuntimeError, match="Kernel size can't be greater"):
            model.wav2vec2(torch.zeros(1, shortest - 1))


def test_clips_of_50_ms_are_left_out_of_training_and_named(tmp_path):
    recipe = tiny(speakers=["a"], epochs=2)
    said = []
    out = train(recipe, [tones(tmp_path / "some", [800, *[5000] * 9, 800])], tmp_path / "m", warn=said.append)
    # at 1.2 times the speed, 1040 samples need 1248, and two for rounding
    assert said == ["2 clips are left out, such as 't/0.wav': training needs clips of at least 79 ms."]
    assert np.isfinite(load_model(str(out)).predict([np.ones(5000, np.float32)]).scores).all()


def test_clips_that_are_too_long_or_cannot_be_decoded_are_left_out_of_training_and_named(tmp_path):
    folder, recipe = tmp_path / "some", tiny(speakers=["a"], max_minutes=0.01)
    tones(folder, [*[5000] * 3, 16000])
    (folder / "0.wav").write_bytes(b"no sound")
    corpora = recipe_corpora(recipe.model_copy(update={"corpora": [str(folder / "t.csv")]}))
    data = training_data(recipe, corpora, ["a"])
    assert data.clips == ["t/1.wav", "t/2.wav"]
    assert [len(signal) for signal in data.signals] == [5000, 5000]
    (said,) = data.notes
    assert said.startswith("2 clips are left out that cannot be decoded, such as t/0.wav: 0.wav cannot be")
    for i in (1, 2):
        (folder / f"{i}.wav").unlink()
    with pytest.raises(CorpusError, match="no clip of the recipe's speakers can be decoded, such as t/0.wav"):
        training_data(recipe, corpora, ["a"])


def test_the_shortest_clips_can_be_trained_on_at_every_speed(tmp_path):
    recipe = tiny(speakers=["a"], epochs=20, batch=4)
    losses = []
    train(
        recipe,
        [tones(tmp_path / "short", [1250] * 8)],
        tmp_path / "m",
        progress=lambda epoch, loss: losses.append(loss),
        warn=pytest.fail,
    )
    assert len(losses) == 20
    assert np.isfinite(losses).all()


def test_nothing_but_short_clips_is_one_sentence(tmp_path):
    with pytest.raises(CorpusError, match="no clip of the recipe's speakers can be used: training needs"):
        train(tiny(speakers=["a"]), [tones(tmp_path / "short", [800] * 8)], tmp_path / "m")
    assert not (tmp_path / "m").exists()


def test_a_crop_that_leaves_no_frame_is_one_sentence(corpus, tmp_path):
    recipe = tiny(augmentation=Augmentation(crop_s=0.05))
    with pytest.raises(ModelError, match="crops clips to 50 ms, but its network needs at least 65 ms"):
        train(recipe, [corpus], tmp_path / "m")


def test_recipes_find_corpora_below_the_data_root(corpus):
    (found,) = recipe_corpora(tiny(), corpus.root)
    pd.testing.assert_frame_equal(found.clips, corpus.clips)


def test_training_lowers_the_loss_and_gives_a_checkpoint_that_loads(corpus, tmp_path):
    losses = []
    recipe = tiny(epochs=30, learning_rate=0.01, emotion_weight=0, augmentation=STILL)
    out = train(recipe, [corpus], tmp_path / "made", progress=lambda epoch, loss: losses.append(loss))
    assert len(losses) == 30
    assert losses[-1] < 0.6 * losses[0]
    assert not [path for path in tmp_path.iterdir() if path != out], "nothing half made is left"

    model, info = AutoModelForAudioClassification.from_pretrained(out, output_loading_info=True)
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    assert model.config.id2label == {0: "arousal", 1: "dominance", 2: "valence"}
    assert Recipe.model_validate_json((out / "recipe.json").read_text()) == recipe

    ours = load_model(str(out))
    assert ours.labels == ("arousal", "dominance", "valence")
    learnt = training_data(recipe, [corpus], recipe.speakers)
    # float32; the loader batches and this does not
    np.testing.assert_allclose(
        ours.predict(learnt.signals[:4]).scores, predictions(model, learnt.signals[:4]), atol=1e-5
    )


def test_the_same_recipe_gives_the_same_bytes(corpus, tmp_path):
    torch.manual_seed(1)
    first = train(tiny(), [corpus], tmp_path / "first")
    torch.manual_seed(2)
    second = train(tiny(), [corpus], tmp_path / "second")
    other = train(tiny(seed=1), [corpus], tmp_path / "other")
    for name in ("model.safetensors", "config.json", "preprocessor_config.json", "recipe.json"):
        assert (first / name).read_bytes() == (second / name).read_bytes()
    assert (first / "model.safetensors").read_bytes() != (other / "model.safetensors").read_bytes()


def test_a_loss_that_is_not_a_number_stops_and_the_weights_before_it_are_kept(corpus, tmp_path):
    with pytest.raises(ModelError, match=r"not a number at step 2; .* is kept in .*last-good"):
        train(tiny(learning_rate=1e30), [corpus], tmp_path / "made")
    assert not (tmp_path / "made").exists()
    kept = load_model(str(tmp_path / "made.part" / "last-good"))
    assert np.isfinite(kept.predict([np.ones(16000, dtype=np.float32)]).scores).all()


def test_training_leaves_the_settings_of_torch_as_they_were(corpus, tmp_path):
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled(), torch.get_rng_state()
    train(tiny(epochs=1), [corpus], tmp_path / "made")
    assert torch.get_num_threads() == before[0]
    assert torch.are_deterministic_algorithms_enabled() == before[1]
    assert torch.equal(torch.get_rng_state(), before[2])


def test_speakers_who_are_not_named_are_never_read(corpus, tmp_path):
    train(tiny(epochs=1), [corpus], tmp_path / "made")  # the sound of speaker c does not exist
    with pytest.raises(CorpusError, match=r"nobody\.wav"):
        train(tiny(epochs=1, speakers=["c"]), [corpus], tmp_path / "unmade")
    assert not (tmp_path / "unmade").exists()


def test_a_folder_with_something_in_it_is_not_overwritten(corpus, tmp_path):
    (tmp_path / "thesis.txt").write_text("all of it")
    with pytest.raises(ModelError, match="already exists and is not empty"):
        train(tiny(), [corpus], tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"speakers": ["a", "z"]}, "speaker 'z' is in none of the recipe's corpora"),
        ({"norms": ""}, "corpus 'tones' has no column 'arousal', which training needs"),
    ],
)
def test_corpora_that_do_not_fit_the_recipe_are_refused(corpus, tmp_path, changes, sentence):
    with pytest.raises(CorpusError, match=sentence):
        train(tiny(**changes), [corpus], tmp_path / "made")


def test_speakers_without_labels_cannot_be_learnt_from(corpus, tmp_path):
    table = pd.DataFrame({"file": ["x.wav"], "speaker": ["a"], "emotion": ["ennui"]})
    table.to_csv(tmp_path / "odd.csv", index=False)
    with pytest.raises(
        CorpusError, match="no clip of the recipe's speakers has labels for arousal, dominance, valence"
    ):
        train(tiny(speakers=["a"]), [load_corpus(str(tmp_path / "odd.csv"))], tmp_path / "made")


def test_a_place_that_cannot_be_written_is_found_before_training(corpus, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ModelError, match="cannot write .*a file is in its way"):
        train(tiny(), [corpus], tmp_path / "file" / "m", progress=lambda *_: pytest.fail("it trained"))


def test_a_trained_checkpoint_is_kept_elsewhere_if_its_place_is_gone(corpus, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()

    def occupy(epoch, loss):
        if not (tmp_path / "m").exists():
            (tmp_path / "m").mkdir()
            (tmp_path / "m" / "a").touch()

    with pytest.raises(ModelError, match="the trained checkpoint is in .* instead"):
        train(tiny(epochs=1), [corpus], tmp_path / "m", progress=occupy)
    (kept,) = (tmp_path / "temporary").glob("*/m")
    assert load_model(str(kept)).labels


def test_one_model_learns_ratings_of_one_corpus_and_emotions_of_another(corpus, tmp_path):
    rated = pd.DataFrame({"file": corpus.clips["file"].iloc[:8], "speaker": "x"})
    rated["file"] = [str(corpus.root / file) for file in rated["file"]]
    rated["arousal"] = np.linspace(0, 1, 8)
    rated.insert(0, "clip", [f"rated {i}" for i in range(8)])  # seeds follow names, which must not be places
    rated.to_csv(tmp_path / "rated.csv", index=False)
    emotions = sorted(PITCH_HZ)
    recipe = tiny(emotions=emotions, speakers=["a", "b", "x"], epochs=25, learning_rate=0.03)
    corpora = [replace(corpus, name="tones"), load_corpus(str(tmp_path / "rated.csv"))]
    learnt = training_data(recipe, corpora, recipe.speakers)
    # the tones have emotions, from which all three ratings follow; the other corpus has only arousal
    assert (
        learnt.emotions.tolist() == [emotions.index(name) for name in corpus.clips["emotion"][:-1]] + [-1] * 8
    )
    assert np.isnan(learnt.truth[24:, 1:]).all()
    np.testing.assert_allclose(learnt.truth[24:, 0], np.linspace(0, 1, 8))
    model = load_model(str(train(recipe, corpora, tmp_path / "joint")))
    assert model.task == "joint"
    assert list(model.labels) == ["arousal", "dominance", "valence", *emotions]
    scores = np.stack([model.predict([signal]).scores[0] for signal in learnt.signals[:24]])
    np.testing.assert_allclose(scores[:, 3:].sum(axis=1), 1, atol=1e-5)
    # four pure tones: all but a few are told apart, where chance is a quarter
    assert (scores[:, 3:].argmax(axis=1) == learnt.emotions[:24]).mean() > 0.8


def test_a_single_emotion_is_refused():
    with pytest.raises(ValueError, match="at least two different categories"):
        tiny(emotions=["anger"])
