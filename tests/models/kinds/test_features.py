"""Layer vectors from elsewhere: rows meet clips by name, and what does not fit is refused in one sentence."""

import numpy as np
import pandas as pd
import pytest

from sertools.auditing import audit
from sertools.corpora.load import load_corpus
from sertools.errors import ModelError
from sertools.inference.settings import Settings
from sertools.models.load import load_model
from sertools.models.model import is_by_clip
from sertools.pipeline import run
from sertools.results.result import Verdict
from tests.helpers.small import write_noises

CLIPS = pd.DataFrame({"file": ["a.wav", "b.wav", "c.wav"]}, index=pd.Index(["c1", "c2", "c3"], name="clip"))
ARRAY = np.arange(12, dtype=np.float32).reshape(2, 3, 2)


def write(folder, array=ARRAY, table="clip\nc3\nc1\n", stem="layers"):
    folder.mkdir(exist_ok=True)
    np.save(folder / f"{stem}.npy", array)
    (folder / f"{stem}.csv").write_text(table, encoding="utf-8")
    return folder


def test_rows_meet_clips_by_name_and_clips_without_a_row_are_missing(tmp_path):
    model = load_model(f"features:{write(tmp_path / 'mine')}")
    assert is_by_clip(model)
    assert (model.name, model.labels, model.task, model.conditions) == ("mine", (), "encoder", ("clean",))
    layers = model.layers(CLIPS)
    assert layers.dtype == np.float32
    assert np.array_equal(layers[2], ARRAY[0])
    assert np.array_equal(layers[0], ARRAY[1])
    assert np.isnan(layers[1]).all()
    assert model.scores(CLIPS).shape == (3, 0)


def test_rows_meet_files_and_one_layer_may_have_two_axes(tmp_path):
    folder = write(tmp_path, ARRAY[:, 0], "file;speaker\nb.wav;x\na.wav;y\n")
    model = load_model(f"features:{folder}")
    assert np.array_equal(model.layers(CLIPS)[:2, 0], ARRAY[[1, 0], 0])


@pytest.mark.parametrize("named", ["layers.csv", "layers.npy"])
def test_a_table_or_an_array_may_be_named_itself(tmp_path, named):
    write(tmp_path)
    write(tmp_path, stem="others")
    model = load_model(f"features:{tmp_path / named}")
    assert model.name == "layers"
    assert np.array_equal(model.layers(CLIPS)[2], ARRAY[0])


def test_predictions_beside_them_are_its_scores(tmp_path):
    write(tmp_path)
    (tmp_path / "predictions.csv").write_text("clip,arousal\nc1,0.25\nc3,0.5\n")
    model = load_model(f"features:{tmp_path}")
    assert (model.labels, model.task) == (("arousal",), "regression")
    assert model.scores(CLIPS)["arousal"].fillna(-1).tolist() == [0.25, -1, 0.5]


def test_other_numbers_have_another_fingerprint(tmp_path):
    one = load_model(f"features:{write(tmp_path / 'a')}")
    assert load_model(f"features:{write(tmp_path / 'b')}").fingerprint == one.fingerprint
    assert load_model(f"features:{write(tmp_path / 'c', ARRAY + 1)}").fingerprint != one.fingerprint


@pytest.mark.parametrize(
    ("array", "table", "said"),
    [
        (ARRAY, "clip\nc1\n", "has 1 row, but layers.npy has 2"),
        (ARRAY, "clip\nc1\nc1\n", "'c1' more than once"),
        (ARRAY, "name\nc1\nc3\n", "neither a column 'clip' nor 'file': it has name"),
        (ARRAY, "", "layers.csv is empty"),
        (np.array(["a", "b"]), "clip\nc1\nc3\n", "is not numeric: its data type is <U1"),
        (np.zeros(2), "clip\nc1\nc3\n", r"has shape \(2,\)"),
        (np.zeros((2, 0, 3)), "clip\nc1\nc3\n", r"has shape \(2, 0, 3\)"),
        (np.array([{}, {}], dtype=object), "clip\nc1\nc3\n", "cannot be read as a numeric array"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_sentence(tmp_path, array, table, said):
    with pytest.raises(ModelError, match=said):
        load_model(f"features:{write(tmp_path, array, table)}")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_row_that_holds_no_number_is_named(tmp_path, value):
    array = ARRAY.copy()
    array[1, 2, 0] = value
    model = load_model(f"features:{write(tmp_path, array)}")
    with pytest.raises(
        ModelError, match=r"1 row contains nan or infinite values, the first one for 'c1' \(row 1"
    ):
        model.layers(CLIPS)


def test_rows_of_other_clips_are_refused(tmp_path):
    folder = write(tmp_path, table="clip\nx\ny\n")
    model = load_model(f"features:{folder}")
    with pytest.raises(ModelError, match="it has 'x', the corpus has 'c1'"):
        model.layers(CLIPS)


def test_missing_broken_and_ambiguous_files_are_refused(tmp_path):
    with pytest.raises(ModelError, match="0 candidates for the file .npy"):
        load_model(f"features:{tmp_path}")
    with pytest.raises(ModelError, match="no such file"):
        load_model(f"features:{tmp_path / 'none.csv'}")
    write(tmp_path)
    (tmp_path / "layers.npy").write_bytes(b"not an array")
    with pytest.raises(ModelError, match="cannot be read as a numeric array"):
        load_model(f"features:{tmp_path}")
    write(tmp_path, stem="second")
    with pytest.raises(ModelError, match=r"2 candidates for the file .npy: layers.npy, second.npy"):
        load_model(f"features:{tmp_path}")
    (tmp_path / "second.npy").unlink()
    with pytest.raises(ModelError, match="no such file: .*second.npy"):
        load_model(f"features:{tmp_path / 'second.csv'}")


def test_a_pickle_in_disguise_is_never_loaded(tmp_path):
    np.save(tmp_path / "layers.npy", np.array([print, print], dtype=object), allow_pickle=True)
    (tmp_path / "layers.csv").write_text("clip\nc1\nc3\n")
    with pytest.raises(ModelError, match="cannot be read as a numeric array"):
        load_model(f"features:{tmp_path}")


def test_features_are_probed_without_any_model_or_sound(tmp_path):
    corpus = load_corpus(str(write_noises(tmp_path / "noises", n=48)))
    known = pd.get_dummies(corpus.clips["emotion"]).to_numpy(dtype=np.float32)
    noise = np.random.default_rng(0).normal(size=(48, 2, 4)).astype(np.float32)
    noise[:, 1] += 5 * known
    folder = write(tmp_path / "mine", noise[::-1], "clip\n" + "\n".join(corpus.clips.index[::-1]) + "\n")
    for path in (tmp_path / "noises").glob("*.wav"):
        path.unlink()
    (made,) = run.run(
        load_model(f"features:{folder}"),
        corpus,
        [audit.load("probe_layers").plan({"targets": ("emotion",), "shuffles": 0})],
        settings=Settings(cache=tmp_path / "cache"),
    )
    scores = {f.slice: f.value for f in made.findings if f.name == "probe_uar"}
    assert scores["linear, last layer"] == 1
    assert [f.verdict for f in made.findings if f.name == "above_chance"] == [Verdict.PASS]


def test_predictions_beside_layers_are_audited_like_any_other(tmp_path):
    corpus = load_corpus(str(write_noises(tmp_path / "noises", n=12)))
    folder = write(tmp_path / "mine", np.ones((12, 1, 3)), "clip\n" + "\n".join(corpus.clips.index) + "\n")
    corpus.clips["arousal"].rename_axis("clip").to_csv(folder / "predictions.csv")
    (made,) = run.run(
        load_model(f"features:{folder}"),
        corpus,
        [audit.load("correctness").plan()],
        settings=Settings(cache=tmp_path / "cache"),
    )
    assert [f.value for f in made.findings if f.name == "ccc"] == [pytest.approx(1)]
