"""Moments of a model's frames: equal to a naive sum, computed once, and whole after any interruption."""

import functools
import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch

from sertools.audio import opensmile
from sertools.audio.files import read_audio
from sertools.corpora.corpus import fingerprint
from sertools.corpora.load import load_corpus
from sertools.errors import AuditError
from sertools.inference import predict as predict_module
from sertools.inference.frames import acoustics
from sertools.inference.frames import plan as frames_plan
from sertools.inference.jobs import jobs
from sertools.inference.settings import Settings
from sertools.models.cnn14.network import build
from sertools.models.load import load_model
from sertools.store import store
from sertools.tables.condition import Condition
from sertools.tables.frame_sums import KINDS, LEVELS, FrameSumsNeeded
from tests.helpers import naive_frames
from tests.helpers.checkpoints import write_checkpoint
from tests.helpers.cnn14_checkpoints import write
from tests.helpers.naive_frames import summed
from tests.helpers.places import ROOT
from tests.helpers.voices import voices

pytest.importorskip("opensmile", reason="opensmile is not installed: pip install opensmile")

EMODB = ROOT.parent / "shared" / "data" / "emodb"
GROUP_NORM = {"feat_extract_norm": "group"}
GROUP = {"s0": 0, "s1": 1, "s2": 0, "s3": 1}
"""Speakers s0 and s1 have three clips of ten, s2 and s3 two."""

LAYER_NORM = {"feat_extract_norm": "layer", "do_stable_layer_norm": True, "conv_bias": True}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return voices(tmp_path_factory.mktemp("voices"))


@pytest.fixture(scope="module")
def measured(corpus, tmp_path_factory):
    """A store with the acoustic features of the corpus."""
    root = tmp_path_factory.mktemp("measured")
    acoustics.measured(corpus, fingerprint(corpus), Settings(cache=root))
    return root


@pytest.fixture
def begun(measured):
    """Makes a folder a store that begins with the features of the corpus; returns the folder."""
    return lambda folder: shutil.copytree(measured, folder, dirs_exist_ok=True)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return load_model(str(write_checkpoint(tmp_path_factory.mktemp("model"), **GROUP_NORM)))


class Counted:
    """A model that counts how many clips it is asked about."""

    def __init__(self, model):
        self.model, self.clips = model, 0

    def __getattr__(self, name):
        return getattr(self.model, name)

    def predict(self, signals, *, layers=False):
        self.clips += len(signals)
        return self.model.predict(signals, layers=layers)

    def predict_frames(self, signals):
        self.clips += len(signals)
        return self.model.predict_frames(signals)


@functools.lru_cache(maxsize=64)
def features_of(sound):
    return opensmile.features(np.frombuffer(sound, np.float32))


def naive(model, corpus, level):
    """Clip by clip: states alone in a batch, features of openSMILE, rows of x and y by layer."""
    clips = list(corpus.clips.index)
    speakers = list(corpus.clips["speaker"])
    sounds = [read_audio(corpus.path(clip), 16000) for clip in clips]
    features = [features_of(each.tobytes()) for each in sounds]
    found = []
    for i, clip_signal in enumerate(sounds):
        onward = [(i + k) % len(clips) for k in range(1, len(clips))]
        other = next(j for j in onward if speakers[j] != speakers[i])
        (frames,) = model.predict_frames([clip_signal])[1]
        found.append(
            [
                naive_frames.rows(frames, features[i], features[other], layer, LEVELS[level])
                for layer in range(len(frames.states))
            ]
        )
    return found


def assert_equal(found, rows, corpus, by):
    """Every sum of every cell against the rows of its clips: 1e-5 of the largest, as promised."""
    groups = found.cells["group"].to_numpy()
    seen = []
    for c in range(len(found.cells)):
        cell = found.cells.iloc[c]
        inside = [i for i, value in enumerate(corpus.clips[by]) if value == cell[by]]
        inside = [i for i in inside if GROUP[corpus.clips["speaker"].iloc[i]] == groups[c]]
        seen += inside
        assert cell["clips"] == len(inside)
        for layer in range(found.layers):
            x = np.array([row for i in inside for row in rows[i][layer][0]])
            assert found.n[layer, c] == len(x) > 0
            scale = 1e-5 * np.abs(x.T @ x).max()
            np.testing.assert_allclose(found.x[layer][c], x.sum(axis=0), atol=1e-5 * len(x))
            np.testing.assert_allclose(found.xx[layer][c], x.T @ x, atol=scale)
            for k, kind in enumerate(KINDS):
                y = np.array([row for i in inside for row in rows[i][layer][1][kind]])
                np.testing.assert_allclose(found.y[layer, k, c], y.sum(axis=0), rtol=1e-9, atol=1e-9)
                np.testing.assert_allclose(found.yy[layer, k, c], y.T @ y, rtol=1e-9, atol=1e-9)
                largest = np.sqrt(np.outer((x**2).sum(axis=0), (y**2).sum(axis=0)))
                assert (np.abs(found.xy[layer][k, c] - x.T @ y) <= 1e-5 * largest + 1e-9).all()
    assert sorted(seen) == list(range(len(corpus.clips)))


@pytest.mark.parametrize("settings", [GROUP_NORM, LAYER_NORM], ids=["group norm", "layer norm"])
def test_moments_equal_a_naive_sum_over_all_frames(begun, tmp_path, corpus, settings):
    model = load_model(str(write_checkpoint(tmp_path / "model", **settings)))
    found = summed(model, corpus, begun(tmp_path / "store"))
    assert list(found) == list(LEVELS)
    for level in LEVELS:
        rows = naive(model, corpus, level)
        assert_equal(found[level], rows, corpus, "emotion")
        every = [np.array([r for clip in rows for r in clip[layer][0]]) for layer in range(3)]
        assert set(found[level].between) == {(0, 1), (0, 2), (1, 2)}
        for (i, j), products in found[level].between.items():
            wanted = every[i].T @ every[j]
            np.testing.assert_allclose(products, wanted, atol=1e-5 * np.abs(wanted).max() + 1e-5)


def test_blocks_of_cnn14_are_summed_at_their_own_rates(begun, tmp_path, corpus):
    torch.manual_seed(0)
    network = build(4, width=4)
    network.bn0.running_mean -= 30
    model = load_model(f"cnn14:{write(tmp_path / 'model', network)}")
    found = summed(
        model, corpus, begun(tmp_path / "store"), FrameSumsNeeded(groups=2, by="emotion", between_layers=True)
    )
    assert_equal(found["frame"], naive(model, corpus, "frame"), corpus, "emotion")
    assert [x.shape[1] for x in found["frame"].x] == [4, 8, 16, 32, 64, 128]
    assert set(found["frame"].between) == {(4, 5)}


@pytest.mark.skipif(not EMODB.is_dir(), reason="EmoDB is not beside the repository")
def test_moments_of_real_speech_equal_a_naive_sum(tmp_path, model):
    corpus = load_corpus("emodb", data_root=EMODB)
    few = type(corpus)(**{**vars(corpus), "clips": corpus.clips.iloc[::60]})
    found = summed(model, few, tmp_path, FrameSumsNeeded())["frame"]
    rows = naive(model, few, "frame")
    assert 0.2 < found.n[0].sum() / (found.n[0].sum() + found.undefined.sum()) < 0.8
    for layer in range(3):
        x = np.array([row for clip in rows for row in clip[layer][0]])
        y = np.array([row for clip in rows for row in clip[layer][1]["own"]])
        assert found.n[layer].sum() == len(x)
        np.testing.assert_allclose(found.xx[layer].sum(axis=0), x.T @ x, atol=1e-5 * np.abs(x.T @ x).max())
        largest = np.sqrt(np.outer((x**2).sum(axis=0), (y**2).sum(axis=0)))
        assert (np.abs(found.xy[layer][0].sum(axis=0) - x.T @ y) <= 1e-5 * largest).all()


def flat(found):
    return {
        (level, name, i): np.array(array)
        for level, of in found.items()
        for name in ("n", "x", "xx", "y", "yy", "xy")
        for i, array in enumerate(getattr(of, name))
    } | {
        (level, "between", pair): np.array(m) for level, of in found.items() for pair, m in of.between.items()
    }


def test_batch_size_and_workers_change_next_to_nothing(begun, tmp_path, corpus, model):
    first = flat(summed(model, corpus, begun(tmp_path / "a"), batch_size=8, workers=2))
    again = flat(summed(model, corpus, begun(tmp_path / "b"), batch_size=1, workers=1))
    for key, array in first.items():
        np.testing.assert_allclose(again[key], array, atol=1e-6 * np.abs(array).max())


def test_several_passes_give_what_one_gives(begun, tmp_path, corpus, model, monkeypatch):
    first = flat(summed(model, corpus, begun(tmp_path / "a")))
    counted = Counted(model)
    monkeypatch.setattr(frames_plan, "BUDGET", 120_000)
    again = flat(summed(counted, corpus, begun(tmp_path / "b")))
    assert counted.clips > 2 * len(corpus.clips)
    assert first.keys() == again.keys()
    for key, array in first.items():
        np.testing.assert_allclose(again[key], array, atol=1e-9 * np.abs(array).max())


def test_a_second_run_asks_the_model_nothing(begun, tmp_path, corpus, model):
    first = flat(summed(model, corpus, begun(tmp_path)))
    counted = Counted(model)
    again = flat(summed(counted, corpus, tmp_path))
    assert counted.clips == 0
    assert all(np.array_equal(again[key], array) for key, array in first.items())


def test_other_levels_or_cells_are_other_sums(begun, tmp_path, corpus, model):
    summed(model, corpus, begun(tmp_path), FrameSumsNeeded(groups=2))
    for wanted in (
        FrameSumsNeeded(groups=3),
        FrameSumsNeeded(groups=2, by="emotion"),
        FrameSumsNeeded(groups=2, levels=("word",)),
    ):
        counted = Counted(model)
        summed(counted, corpus, tmp_path, wanted)
        assert counted.clips == len(corpus.clips)


def test_a_damaged_file_is_computed_again(begun, tmp_path, corpus, model):
    first = flat(summed(model, corpus, begun(tmp_path)))
    (path,) = tmp_path.glob("*/*/*/pass-0.sums.npy")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    again = flat(summed(model, corpus, tmp_path))
    assert all(np.array_equal(again[key], array) for key, array in first.items())


KILLED = """
import os, signal, sys
from contextlib import nullcontext
from pathlib import Path
from sertools.corpora.load import load_corpus
from sertools.models.load import load_model
from sertools.models.kinds.transformers import TransformersModel
from sertools.inference.frames import compute, plan
from tests.helpers.naive_frames import EVERYTHING, summed

plan.SHARD = 2
compute.KEEP_EVERY_S = 0
asked = 0
whole = TransformersModel.predict_frames
model, corpus = load_model(sys.argv[2]), load_corpus(sys.argv[1])
for last in sys.argv[4:]:  # a process each, which need not import everything again
    if (child := os.fork()) == 0:
        break
    print(os.waitpid(child, 0)[1], flush=True)
else:
    sys.exit()

def counting(self, signals):
    global asked
    asked += 1
    if asked == int(last):
        os.kill(os.getpid(), signal.SIGKILL)
    return whole(self, signals)
TransformersModel.predict_frames = counting
summed(model, corpus, Path(sys.argv[3]))
"""


def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(begun, tmp_path, corpus, monkeypatch):
    monkeypatch.setattr(frames_plan, "SHARD", 2)
    folder = write_checkpoint(tmp_path / "model", **GROUP_NORM)
    whole = load_model(str(folder))
    summed(whole, corpus, begun(tmp_path / "whole"))
    words = [
        corpus.root / "clips.csv",
        folder,
        begun(tmp_path / "killed"),
        "3",
        "4",
    ]  # silence first, then by parts
    done = subprocess.run(
        [sys.executable, "-c", KILLED, *map(str, words)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [str(int(signal.SIGKILL))] * 2, done.stderr
    assert list((tmp_path / "killed").glob("*/*/*/pass-0.begun.npy"))
    counted = Counted(whole)
    summed(counted, corpus, tmp_path / "killed")
    assert counted.clips < 1 + len(corpus.clips)
    for name in ("sums", "between"):
        (one,), (other,) = (
            list((tmp_path / which).glob(f"*/*/*/pass-0.{name}.npy")) for which in ("whole", "killed")
        )
        assert one.read_bytes() == other.read_bytes()
    assert not list((tmp_path / "killed").glob("*/*/*/*begun*"))
    assert not list((tmp_path / "killed").glob("*/*/*/*cell*"))


def test_a_broken_clip_is_left_out_and_listed(tmp_path, model):
    corpus = voices(tmp_path / "data")
    (tmp_path / "data" / "003.wav").write_bytes(b"no sound")
    corpus = load_corpus(str(tmp_path / "data" / "clips.csv"))
    found = summed(model, corpus, tmp_path / "store")["frame"]
    assert found.cells["clips"].sum() == 9
    rows = naive_without(model, corpus, 3)
    assert found.n[0].sum() == sum(len(clip[0][0]) for clip in rows)
    predicted = predict_module.predict(model, corpus, settings=Settings(cache=tmp_path / "store"))["clean"]
    assert predicted.missing["clip"].tolist() == ["clip 003"]


def naive_without(model, corpus, i):
    kept = type(corpus)(**{**vars(corpus), "clips": corpus.clips.drop(corpus.clips.index[i])})
    return naive(model, kept, "frame")


def test_the_same_pass_brings_scores_and_layer_means(begun, tmp_path, corpus, model):
    settings = Settings(cache=tmp_path / "a")
    corpus_fingerprint = fingerprint(corpus)
    (clean,) = jobs(model, corpus, [Condition()], settings, corpus_fingerprint, layers=True)
    summed(model, corpus, begun(tmp_path / "a"), clean=clean)
    counted = Counted(model)
    brought = predict_module.predict(counted, corpus, settings=settings, layers=True)["clean"]
    assert counted.clips == 0
    plain = predict_module.predict(model, corpus, settings=Settings(cache=tmp_path / "b"), layers=True)[
        "clean"
    ]
    np.testing.assert_allclose(brought.scores, plain.scores, atol=1e-5)
    for i in range(3):
        np.testing.assert_allclose(brought.layers.layer(i), plain.layers.layer(i), atol=1e-5)
    (folder,) = {path.parent for path in (tmp_path / "a").glob("*/*/*/pass-0.sums.npy")}
    assert sorted(path.name for path in folder.iterdir()) == ["pass-0.between.npy", "pass-0.sums.npy"]


def test_a_model_without_frames_has_no_moments(tmp_path, corpus):
    assert summed(load_model("toy:loudness"), corpus, tmp_path) == {}
    assert not list(tmp_path.iterdir())


def test_a_level_that_there_is_not_is_refused(tmp_path, corpus, model):
    with pytest.raises(AuditError, match="unknown frame level 'syllable'"):
        summed(model, corpus, tmp_path, FrameSumsNeeded(levels=("syllable",)))


def test_verifying_the_store_finds_nothing_wrong(begun, tmp_path, corpus, model):
    from sertools.store.cache import verify

    summed(model, corpus, begun(tmp_path))
    assert store.read_array(next(tmp_path.glob("*/*/*/pass-0.sums.npy"))) is not None
    assert verify(tmp_path) == []
