"""Folders with noise or rooms: what is in them counts, not where they lie."""

import shutil

import numpy as np
import pytest

from sertools.audio.files import write_audio
from sertools.audio.sound_folder import Recordings, fingerprint
from sertools.auditing.audit import load
from sertools.errors import AuditError, CorpusError
from sertools.models.load import load_model
from sertools.pipeline import needs
from sertools.tables.condition import Condition


@pytest.fixture
def folder(tmp_path):
    """Two recordings at different rates, one in a subfolder, and a file that is none."""
    root = tmp_path / "noises"
    (root / "street").mkdir(parents=True)
    rng = np.random.default_rng(0)
    write_audio(root / "b.wav", rng.uniform(-0.5, 0.5, 8000).astype("f4"), 8000)
    write_audio(root / "street" / "a.flac", rng.uniform(-0.5, 0.5, 16000).astype("f4"), 16000)
    (root / "README.md").write_text("noises")
    return root


def test_recordings_come_in_the_order_of_their_names_at_the_rate_asked_for(folder):
    found = Recordings(folder=str(folder), rate=16000)
    assert [len(signal) for signal in found] == [16000, 16000]
    assert len(Recordings(folder=str(folder), rate=8000)[1]) == 8000


def test_nobody_can_change_a_recording_for_the_next_clip(folder):
    with pytest.raises(ValueError, match="read-only"):
        Recordings(folder=str(folder), rate=16000)[0][0] = 1.0


def test_the_fingerprint_is_that_of_the_content_wherever_it_lies(folder, tmp_path):
    moved = tmp_path / "elsewhere"
    shutil.copytree(folder, moved)
    (moved / "README.md").unlink()
    assert fingerprint(str(moved)) == fingerprint(str(folder))
    changed = tmp_path / "changed"
    shutil.copytree(folder, changed)
    write_audio(changed / "b.wav", np.zeros(8000, "f4"), 8000)
    assert fingerprint(str(changed)) != fingerprint(str(folder))


def test_a_folder_without_recordings_is_refused(tmp_path):
    with pytest.raises(CorpusError, match="contains no recordings"):
        fingerprint(str(tmp_path))
    with pytest.raises(CorpusError, match="no such folder"):
        fingerprint(str(tmp_path / "nowhere"))


def test_the_content_of_a_folder_decides_what_is_stored(folder, tmp_path):
    one = Condition(perturbation="recorded_noise", level=20.0, unit="dB", folder=str(folder))
    options = {"perturbations": ("recorded_noise@20",), "noise_dir": str(folder)}
    _, asked = needs.conditions([load("robustness").plan(options)], seed=0)
    assert (asked.perturbation, asked.folder) == (one.perturbation, one.folder)
    assert asked.content == fingerprint(str(folder))
    assert asked.content in asked.fingerprint
    assert str(folder) not in asked.fingerprint + str(asked)


def test_a_named_perturbation_without_its_folder_is_refused():
    with pytest.raises(AuditError, match="recorded_noise needs recordings of noise"):
        load("robustness").plan({"perturbations": ("recorded_noise",)})


def test_a_model_hears_the_clip_with_a_recording_at_the_stated_ratio(folder, tmp_path):
    """The model is given the sound itself: 20 dB below the clip lies a stretch of one of the recordings."""
    from sertools.audio.files import read_audio
    from sertools.corpora.load import load_corpus
    from sertools.inference.decode import decode

    voice = 0.1 * np.sin(np.arange(4000) / 5).astype("f4")
    write_audio(tmp_path / "v.wav", voice, 16000)
    (tmp_path / "m.csv").write_text("file,speaker\nv.wav,1\n")
    corpus = load_corpus(str(tmp_path / "m.csv"))
    condition = Condition(perturbation="recorded_noise", level=20.0, unit="dB", folder=str(folder))
    heard = decode(corpus, corpus.clips.index[0], load_model("toy:loudness"), condition).signal
    voice = read_audio(tmp_path / "v.wav", 16000)
    noise = heard.astype(np.float64) - voice
    ratio = 10 * np.log10(np.mean(voice.astype(np.float64) ** 2) / np.mean(noise**2))
    assert ratio == pytest.approx(20.0, abs=1e-3), "float32 sums are rounded"
    best = max(
        float(np.max(np.abs(np.correlate(np.concatenate([r, r]).astype(np.float64), noise, "valid"))))
        / np.sqrt(np.sum(noise**2))
        for r in Recordings(folder=str(folder), rate=16000)
    )
    stretch = np.sqrt(len(noise) / 12)
    assert best > 0.9 * stretch, "the noise is a stretch of a uniform recording of ±.5, up to a factor"
