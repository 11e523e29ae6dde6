import io
import json
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from sertools.errors import GateError
from sertools.inference.decode import decode
from sertools.pipeline.audio_clips import DEFAULT_CLIPS, clips_to_write, write_audio_clips
from sertools.results.audio_clips import read_index
from sertools.results.result import Sound
from sertools.tables.condition import Condition
from tests.helpers.report_results import small_result
from tests.helpers.small import RATE, Meter, noises

GAIN = Condition(perturbation="gain", level=20, unit="dB", seed=3)
CONDITIONS = {"clean": Condition(), str(GAIN): GAIN}


def result(*clips: str, audit: str = "robustness", condition: str = str(GAIN)):
    sounds = [Sound(clip=clip, condition=condition, target="arousal", caption="x") for clip in clips]
    return small_result(audit=audit, sounds=sounds)


@pytest.fixture
def corpus(tmp_path):
    return noises(tmp_path / "corpus")


def write(results, folder, corpus, **settings):
    return write_audio_clips(results, folder, corpus=corpus, model=Meter(), conditions=CONDITIONS, **settings)


def test_what_is_written_is_what_the_model_hears(tmp_path, corpus):
    clean, changed = write([result("clip 001")], tmp_path / "sounds", corpus)
    assert (clean.condition, changed.condition) == ("clean", "gain@20dB")
    clips_with_layers = [decode(corpus, "clip 001", Meter(), c).signal for c in CONDITIONS.values()]
    softer = max(1.0, *(np.abs(signal).max() for signal in clips_with_layers))
    for take, signal in zip((clean, changed), clips_with_layers, strict=True):
        samples, rate = soundfile.read(tmp_path / "sounds" / take.audio, dtype="float32")
        assert (rate, take.rate, take.seconds) == (RATE, RATE, len(signal) / RATE)
        # tolerance: FLAC of 16 bits
        np.testing.assert_allclose(samples, signal / softer, atol=2**-15)


def test_a_clip_that_is_too_loud_is_softer_alike_under_all_conditions(tmp_path, corpus):
    clean, changed = write([result("clip 011")], tmp_path / "sounds", corpus)
    samples = [soundfile.read(tmp_path / "sounds" / take.audio)[0] for take in (clean, changed)]
    original = decode(corpus, "clip 011", Meter(), Condition()).signal
    assert np.abs(samples[1]).max() == pytest.approx(1, abs=1e-4)
    # 20 dB between them, as the model hears them, unless the gain itself stops at full scale
    loud = decode(corpus, "clip 011", Meter(), GAIN).signal
    ratio = np.abs(loud).max() / np.abs(original).max()
    assert np.abs(samples[1]).max() / np.abs(samples[0]).max() == pytest.approx(ratio, rel=1e-3)


def test_as_many_clips_as_asked_for_the_first_first(tmp_path, corpus):
    named = result("clip 003", "clip 001", "clip 002")
    written = write([named], tmp_path / "sounds", corpus, most=2)
    assert [take.clip for take in written] == ["clip 003"] * 2 + ["clip 001"] * 2
    assert read_index(tmp_path / "sounds") == written


def test_nothing_is_made_where_nothing_is_asked_for(tmp_path, corpus):
    assert write([result("clip 001")], tmp_path / "sounds", corpus, most=0) == []
    assert write([small_result()], tmp_path / "sounds", corpus) == []
    assert not (tmp_path / "sounds").exists()


def test_a_later_audit_replaces_its_own_recordings_and_keeps_those_of_others(tmp_path, corpus):
    folder = tmp_path / "sounds"
    write([result("clip 001"), result("clip 002", audit="other")], folder, corpus)
    write([result("clip 003")], folder, corpus)
    assert {(t.audit, t.clip) for t in read_index(folder)} == {
        ("other", "clip 002"),
        ("robustness", "clip 003"),
    }
    named = {name for take in read_index(folder) for name in take.files}
    assert {path.name for path in folder.iterdir()} == named | {"index.json"}


def test_no_recording_is_left_of_an_audit_that_is_repeated_without(tmp_path, corpus):
    folder = tmp_path / "sounds"
    write([result("clip 001")], folder, corpus)
    write([result("clip 001")], folder, corpus, most=0)
    assert [path.name for path in folder.iterdir()] == ["index.json"]
    assert read_index(folder) == []


def test_a_clean_clip_that_two_audits_name_is_one_file(tmp_path, corpus):
    both = [result("clip 001", condition="clean", audit=audit) for audit in ("a", "b")]
    first, second = write(both, tmp_path / "sounds", corpus)
    assert (first.audit, second.audit) == ("a", "b")
    assert first.files == second.files


def test_names_of_files_are_harmless(tmp_path):
    corpus = noises(tmp_path / "corpus")
    hostile = "../../<script>'\" \u202e🎉/" + "x" * 300
    clips = corpus.clips.rename(index={"clip 001": hostile})
    corpus = type(corpus)(**{**vars(corpus), "clips": clips})
    take = write([result(hostile)], tmp_path / "sounds", corpus)[0]
    assert (tmp_path / "sounds" / take.audio).is_file()
    assert len(take.audio) < 80
    assert take.clip == hostile


def test_a_clip_that_cannot_be_heard_says_why(tmp_path, corpus):
    (corpus.path("clip 001")).unlink()
    clean, changed = write([result("clip 001")], tmp_path / "sounds", corpus)
    assert clean.reason.startswith("no such file")
    assert changed.files == ()


def test_a_damaged_list_is_written_anew(tmp_path, corpus):
    folder = tmp_path / "sounds"
    folder.mkdir()
    (folder / "index.json").write_text("{")
    with pytest.raises(GateError, match="not a valid list of recordings"):
        read_index(folder)
    assert read_index_after(folder, corpus)


def read_index_after(folder, corpus):
    write([result("clip 001")], folder, corpus)
    return read_index(folder)


@pytest.mark.parametrize("name", ["../x.flac", "/etc/passwd", "a/b.flac", ".x.flac", "x.html", "x.svg"])
def test_a_list_that_points_elsewhere_is_refused(tmp_path, name):
    entry = {"audit": "a", "clip": "c", "condition": "clean", "audio": name}
    (tmp_path / "index.json").write_text(json.dumps({"schema": 1, "recordings": [entry]}))
    with pytest.raises(GateError, match="not a valid list of recordings"):
        read_index(tmp_path)


def test_flac_comes_back_within_a_step_of_16_bits_and_never_clips():
    from sertools.audio.files import flac
    from sertools.errors import AudioError

    signal = np.linspace(-1, 0.9999, 500, dtype=np.float32)
    samples, rate = soundfile.read(io.BytesIO(flac(signal, 12345)), dtype="float32")
    assert rate == 12345
    np.testing.assert_allclose(samples, signal, atol=2**-15)
    for wrong in ([], [[0.0]], [np.nan], [1.5]):
        with pytest.raises(AudioError):
            flac(wrong, 16000)


def test_licensed_speech_is_written_only_if_a_number_is_given(corpus):
    licensed = replace(corpus, recordings="must not be passed on")
    assert [clips_to_write(each, None) for each in (corpus, licensed)] == [DEFAULT_CLIPS, 0]
    assert [clips_to_write(licensed, n) for n in (0, 3)] == [0, 3]
