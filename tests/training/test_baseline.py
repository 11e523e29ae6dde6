import json
import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import soundfile

pytest.importorskip("opensmile", reason="eGeMAPS is computed by openSMILE")
pytest.importorskip("skops", reason="estimators are read by skops")

from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.svm import LinearSVC

from sertools.audio import opensmile
from sertools.audio.files import read_audio
from sertools.audio.opensmile import SHORTEST, functionals
from sertools.corpora.load import load_corpus
from sertools.errors import CorpusError, ModelError
from sertools.inference.predict import predict
from sertools.models.load import LoadOptions, load_model
from sertools.tables.condition import Condition
from sertools.training.baseline import fit_baseline
from tests.helpers.checkpoints import speech
from tests.helpers.places import ROOT

EMODB = ROOT.parent / "shared" / "data" / "emodb"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Four speakers, six clips each: anger is a loud buzz, sadness a soft one; arousal is the level."""
    folder = tmp_path_factory.mktemp("corpus")
    rng = np.random.default_rng(0)
    rows = []
    for speaker in range(4):
        for i in range(6):
            level = 0.05 + 0.4 * (i % 2) + 0.02 * rng.standard_normal()
            phase = np.cumsum(np.full(8000, (110 + 30 * speaker + 5 * i) / 16000))
            signal = level * (2 * (phase % 1) - 1) + 0.001 * rng.standard_normal(8000)
            soundfile.write(folder / f"{speaker}{i}.wav", signal.astype(np.float32), 16000, subtype="FLOAT")
            emotion = "anger" if i % 2 else "sadness"
            rows.append([f"{speaker}{i}.wav", speaker, emotion, round(level, 3), 0.5])
    rows.append(["broken.wav", 0, "anger", 0.5, 0.5])
    (folder / "broken.wav").write_bytes(b"no sound")
    table = pd.DataFrame(rows, columns=["file", "speaker", "emotion", "arousal", "valence"])
    table.to_csv(folder / "clips.csv", index=False)
    return load_corpus(str(folder / "clips.csv"))


def signals_of(corpus):
    return [read_audio(corpus.path(clip), 16000) for clip in corpus.clips.index[:24]]


def test_emotions_that_differ_in_level_are_told_apart_on_new_speakers(corpus, tmp_path):
    made = fit_baseline(corpus, ["emotion"], tmp_path / "b.skops")
    assert (made.labels, made.clips, made.speakers, made.left_out) == (("anger", "sadness"), 24, 4, 1)
    truth = corpus.clips["emotion"][:24]
    assert (made.held_out.idxmax(axis=1) == truth).mean() > 0.9
    np.testing.assert_allclose(made.held_out.sum(axis=1), 1, atol=1e-9)
    model = load_model(f"sklearn:{made.path}")
    assert (model.labels, model.task) == (("anger", "sadness"), "single_label")
    assert model.facts["trained_on"] == {"corpus": "clips", "clips": 24, "speakers": 4}
    scores = model.predict(signals_of(corpus)).scores
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(scores.argmax(axis=1), truth == "sadness")


def test_functionals_are_measured_once_for_training_and_for_all_models(corpus, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    analysed = []
    analyses = opensmile.analyses
    monkeypatch.setattr(opensmile, "analyses", lambda some: analysed.extend(some) or analyses(some))
    first = fit_baseline(corpus, ["emotion"], tmp_path / "a.skops")
    second = fit_baseline(corpus, ["arousal"], tmp_path / "b.skops")
    again = fit_baseline(corpus, ["emotion"], tmp_path / "c.skops")
    pd.testing.assert_frame_equal(first.held_out, again.held_out)
    assert first.path.read_bytes() == again.path.read_bytes()
    assert len(analysed) == 24
    for made in (first, second):
        model = load_model(f"sklearn:{made.path}")
        analysed.clear()
        conditions = [Condition(), Condition(perturbation="white_noise", level=20.0)]
        found = predict(model, corpus, conditions=conditions, layers=True)
        # perturbed clips are measured for the first of the models only; loading one measures a short signal
        assert len([signal for signal in analysed if len(signal) == 8000]) == (24 if made is first else 0)
        outputs = model.predict(signals_of(corpus), layers=True)
        np.testing.assert_array_equal(found["clean"].scores[:24], outputs.scores)
        np.testing.assert_array_equal(np.concatenate(found["clean"].layers.shards)[:24], outputs.layers)
        assert found["clean"].missing["clip"].tolist() == [corpus.clips.index[24]]
        assert "broken.wav" in found["clean"].missing["reason"][0]


def test_held_out_predictions_are_those_of_leaving_speakers_out_by_hand(corpus, tmp_path):
    made = fit_baseline(corpus, ["arousal"], tmp_path / "b.skops", strength=2.0)
    features, truth = functionals(signals_of(corpus)), corpus.clips["arousal"].to_numpy()[:24]
    speaker = corpus.clips["speaker"].to_numpy()[:24]
    found = np.empty(24)
    for one in np.unique(speaker):
        rest = speaker != one
        mean, sd = features[rest].mean(axis=0), features[rest].std(axis=0)
        sd[sd == 0] = 1
        x = (features - mean) / sd
        # ridge by its normal equations, intercept unpenalised
        centred = truth[rest] - truth[rest].mean()
        weights = np.linalg.solve(x[rest].T @ x[rest] + 2 * np.eye(88), x[rest].T @ centred)
        found[~rest] = x[~rest] @ weights + truth[rest].mean()
    # 1e-6: the two solve ill-conditioned systems (18 clips, 88 features) in different ways
    np.testing.assert_allclose(made.held_out["arousal"], found, atol=1e-6)


def test_held_out_predictions_are_audited_like_any_others(corpus, tmp_path):
    made = fit_baseline(corpus, ["emotion"], tmp_path / "b.skops")
    model = load_model(f"predictions:{made.predictions}")
    scores = model.scores(corpus.clips)
    np.testing.assert_allclose(scores.to_numpy()[:24], made.held_out.to_numpy(), rtol=1e-12)
    assert scores.iloc[24].isna().all(), "the clip that cannot be decoded has no prediction"


def test_a_class_that_no_other_speaker_shows_has_probability_0_for_the_one_who_does(corpus, tmp_path):
    clips = corpus.clips.copy()
    first = clips["speaker"] == clips["speaker"].iloc[0]
    clips.loc[first & (clips["emotion"] == "sadness"), "emotion"] = "boredom"
    made = fit_baseline(replace(corpus, clips=clips), ["emotion"], tmp_path / "b.skops")
    assert made.labels == ("anger", "boredom", "sadness")
    np.testing.assert_array_equal(made.held_out.loc[first[:24][first[:24]].index, "boredom"], 0)


def test_a_dimension_that_never_varies_is_predicted_as_it_is(corpus, tmp_path):
    made = fit_baseline(corpus, ["arousal", "valence"], tmp_path / "b.skops")
    model = load_model(f"sklearn:{made.path}")
    assert (model.labels, model.task) == (("arousal", "valence"), "regression")
    np.testing.assert_allclose(model.predict(signals_of(corpus)[:2]).scores[:, 1], 0.5, atol=1e-6)
    np.testing.assert_allclose(made.held_out["valence"], 0.5, atol=1e-6)


def test_one_layer_holds_the_functionals_and_short_clips_are_no_numbers(corpus, tmp_path):
    model = load_model(f"sklearn:{fit_baseline(corpus, ['emotion'], tmp_path / 'b.skops').path}")
    clips = speech([SHORTEST, SHORTEST - 1, 8000])
    outputs = model.predict(clips, layers=True)
    np.testing.assert_allclose(outputs.layers[2, 0], functionals(clips[2:])[0], rtol=1e-6)
    np.testing.assert_array_equal(np.isfinite(outputs.scores).all(axis=1), [True, False, True])
    assert model.shortest == SHORTEST


def test_baseline_learns_from_acted_emotions_of_real_speakers(tmp_path):
    if not EMODB.is_dir():
        pytest.skip("no ../shared/data/emodb")
    whole = load_corpus(str(EMODB))
    some = replace(
        whole, clips=whole.clips[whole.clips["emotion"].isin(["anger", "sadness", "neutral"])][::4]
    )
    made = fit_baseline(some, ["emotion"], tmp_path / "b.skops")
    assert made.speakers == 10
    right = made.held_out.idxmax(axis=1) == some.clips["emotion"]
    assert 0.8 < right.mean() < 1, "far above chance, and not perfect on speakers that were not heard"


def write(path, estimator, **described):
    import skops.io

    skops.io.dump(estimator, path)
    if described:
        path.with_suffix(".json").write_text(json.dumps(described))
    return f"sklearn:{path}"


def test_estimators_fitted_elsewhere_load_with_labels_beside_or_asked_for(tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((20, 88)), rng.standard_normal((20, 2))
    ridge = Ridge().fit(x, y)
    with pytest.raises(ModelError, match="declares no labels for its 2 outputs"):
        load_model(write(tmp_path / "a.skops", ridge))
    asked = load_model(f"sklearn:{tmp_path / 'a.skops'}", LoadOptions(labels=("valence", "arousal")))
    assert asked.labels == ("valence", "arousal")
    beside = load_model(write(tmp_path / "b.skops", ridge, labels=["arousal", "valence"]))
    assert beside.labels == ("arousal", "valence")
    clips = speech([8000, 9000])
    np.testing.assert_allclose(beside.predict(clips).scores, ridge.predict(functionals(clips)), rtol=1e-5)
    coded = LogisticRegression().fit(x, [0, 1] * 10)
    assert load_model(write(tmp_path / "c.skops", coded, labels=["anger", "fear"])).labels == (
        "anger",
        "fear",
    )


def test_what_is_no_safe_estimator_for_functionals_is_one_sentence(tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((20, 88)), [0, 1] * 10
    with pytest.raises(ModelError, match=r"no such file: .*absent\.skops"):
        load_model(f"sklearn:{tmp_path / 'absent.skops'}")
    (tmp_path / "p.skops").write_bytes(pickle.dumps(Ridge()))
    with pytest.raises(ModelError, match="is not a skops file: .*never loaded"):
        load_model(f"sklearn:{tmp_path / 'p.skops'}")
    with pytest.raises(ModelError, match="contains Ridge, which is not an estimator .* but for 3 features"):
        load_model(write(tmp_path / "r.skops", Ridge().fit(x[:, :3], y)))
    with pytest.raises(ModelError, match="contains dict, which is not an estimator"):
        load_model(write(tmp_path / "d.skops", {"a": 1}))
    with pytest.raises(ModelError, match="LinearSVC, a classifier without probabilities"):
        load_model(write(tmp_path / "s.skops", LinearSVC().fit(x, y)))
    with pytest.raises(ModelError, match="has no valid list of labels"):
        load_model(write(tmp_path / "l.skops", Ridge().fit(x, y), labels="arousal"))
    with pytest.raises(ModelError, match="not dimensions: anger, fear"):
        load_model(write(tmp_path / "e.skops", Ridge().fit(x, np.c_[y, y]), labels=["anger", "fear"]))


class Hidden(Ridge):
    """An estimator that skops cannot know."""


def test_types_that_skops_does_not_know_are_listed_and_refused(tmp_path):
    x = np.random.default_rng(0).standard_normal((20, 88))
    spec = write(tmp_path / "h.skops", Hidden().fit(x, x[:, 0]), labels=["arousal"])
    with pytest.raises(ModelError, match=r"types that could run code when loaded: .*\.Hidden"):
        load_model(spec)


def test_what_cannot_be_fitted_is_one_sentence(corpus, tmp_path):
    with pytest.raises(CorpusError, match="cannot be fitted to emotion, arousal"):
        fit_baseline(corpus, ["emotion", "arousal"], tmp_path / "b.skops")
    with pytest.raises(CorpusError, match="no column 'dominance'"):
        fit_baseline(corpus, ["dominance"], tmp_path / "b.skops")
    with pytest.raises(ModelError, match=r"does not end with \.skops"):
        fit_baseline(corpus, ["emotion"], tmp_path / "b.pkl")
    (tmp_path / "there.skops").touch()
    with pytest.raises(ModelError, match="already exists"):
        fit_baseline(corpus, ["emotion"], tmp_path / "there.skops")
    one = replace(corpus, clips=corpus.clips[corpus.clips["speaker"] == corpus.clips["speaker"].iloc[0]])
    with pytest.raises(CorpusError, match="has only one speaker"):
        fit_baseline(one, ["emotion"], tmp_path / "b.skops")
    angry = replace(corpus, clips=corpus.clips[corpus.clips["emotion"] == "anger"])
    with pytest.raises(CorpusError, match="has only one emotion, anger;"):
        fit_baseline(angry, ["emotion"], tmp_path / "b.skops")
    silent = replace(corpus, clips=corpus.clips[-1:])
    with pytest.raises(CorpusError, match="no clip of .* has a speaker, emotion and usable audio"):
        fit_baseline(silent, ["emotion"], tmp_path / "b.skops")
    assert not (tmp_path / "b.skops").exists()
