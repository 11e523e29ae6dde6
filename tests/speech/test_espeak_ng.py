import ctypes
import hashlib
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import espeakng_loader
import numpy as np
import pytest

from sertools.errors import SertoolsError
from sertools.speech import espeak_ng
from sertools.speech.espeak_ng import speak, version, voices

LINE = "The train leaves at seven."


def rms_db(signal: np.ndarray) -> float:
    return 10 * np.log10(np.mean(np.square(signal, dtype=np.float64)))


def digest(signal: np.ndarray) -> str:
    return hashlib.sha256(signal.tobytes()).hexdigest()


def test_speech_is_mono_float32_within_full_scale_at_22050_hz():
    signal, rate = speak(LINE, "en-us+f1")
    assert rate == 22050
    assert signal.dtype == np.float32
    assert signal.ndim == 1
    assert 1 < len(signal) / rate < 3
    assert 0.1 < np.abs(signal).max() <= 1


# klatt4 and whisper draw noise, f1 and m1 flutter: each kind of state that outlives an utterance
@pytest.mark.parametrize("voice", ["en-us+f1", "en-gb+m1", "en-us+klatt4", "en-us+whisper"])
def test_an_utterance_does_not_depend_on_what_was_spoken_before(voice):
    alone, _ = speak(LINE, voice)
    speak("What did you say?", "en-gb+m3", rate_wpm=240, pitch=90, pitch_range=5, volume=60)
    after, _ = speak(LINE, voice)
    np.testing.assert_array_equal(alone, after)


@pytest.mark.parametrize("voice", ["en-us+f1", "en-us+whisper"])
def test_a_fresh_process_speaks_the_same_samples(voice):
    code = (
        "import hashlib, sys; from sertools.speech.espeak_ng import speak; "
        "print(hashlib.sha256(speak(sys.argv[1], sys.argv[2])[0].tobytes()).hexdigest())"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, LINE, voice], capture_output=True, text=True, check=True, timeout=60
    )
    assert run.stdout.strip() == digest(speak(LINE, voice)[0])
    assert run.stderr == ""


def test_threads_that_speak_at_once_do_not_disturb_each_other():
    names = ["en-us+f1", "en-gb+m3", "en-us+klatt4", "en-029+m1"] * 3
    alone = [digest(speak(LINE, name)[0]) for name in names]
    barrier = threading.Barrier(4)

    def at_once(name: str) -> str:
        barrier.wait(timeout=30)
        return digest(speak(LINE, name)[0])

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(at_once, names)) == alone


def test_a_louder_volume_multiplies_the_samples():
    # espeak-ng rounds amplitudes to whole steps, hence within half a dB of 20 lg 2
    soft, _ = speak(LINE, "en-us+f1", volume=40)
    loud, _ = speak(LINE, "en-us+f1", volume=80)
    assert len(soft) == pytest.approx(len(loud), abs=300)
    assert rms_db(loud) - rms_db(soft) == pytest.approx(6.02, abs=0.5)


def test_a_faster_rate_shortens_the_utterance():
    lengths = [len(speak(LINE, "en-us+f1", rate_wpm=rate)[0]) for rate in (120, 170, 220, 300)]
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[0] > 1.5 * lengths[3]


def test_markup_is_spoken_and_not_obeyed():
    plain, _ = speak("hello there", "en-us")
    marked, _ = speak("<prosody rate='300%'>hello there</prosody>", "en-us")
    assert len(marked) > 2 * len(plain)
    quiet, _ = speak("<voice name='en-us+whisper'>hello there</voice>", "en-us")
    assert len(quiet) > 2 * len(plain)


def test_a_less_than_sign_is_spoken():
    assert len(speak("one < two", "en-us")[0]) > len(speak("one two", "en-us")[0]) + 1000


def test_a_phoneme_code_is_spelt_and_not_obeyed():
    assert len(speak("[[h@l'oU]]", "en-us")[0]) > 1.5 * len(speak("hello", "en-us")[0])


def test_a_control_character_is_a_space_and_no_command():
    # in espeak-ng, Ctrl-A 99P would raise the pitch
    np.testing.assert_array_equal(speak("\x0199P hello", "en-us")[0], speak("99P hello", "en-us")[0])
    np.testing.assert_array_equal(speak("hello\0there", "en-us")[0], speak("hello there", "en-us")[0])


def test_every_voice_has_a_language_and_a_sex():
    known = voices("en")
    names = [voice.name for voice in known]
    assert len(set(names)) == len(names)
    assert {voice.sex for voice in known} == {"female", "male"}
    assert all(voice.name.partition("+")[0] == voice.language for voice in known)
    # as the data's files declare it: "gender female" in !v/f1 … f5, "gender male" in !v/m1 … m8
    sex = {voice.name: voice.sex for voice in known}
    assert [sex[f"en-gb+f{i}"] for i in range(1, 6)] == ["female"] * 5
    assert [sex[f"en-gb+m{i}"] for i in range(1, 9)] == ["male"] * 8


def test_voices_of_a_language_are_its_accents_and_no_other_language():
    assert {voice.language for voice in voices("en")} >= {"en-us", "en-gb", "en-gb-scotland", "en-029"}
    assert all(voice.language.startswith("en-") for voice in voices("en"))
    assert {voice.language for voice in voices("")} > {"en-us", "de", "fr-fr"}


def test_another_language_is_spoken_too():
    assert not np.array_equal(speak("Haus", "de")[0], speak("Haus", "en-us")[0])


def test_an_unknown_voice_is_an_error_with_the_nearest_name():
    with pytest.raises(SertoolsError, match=r"no voice 'en-uk'.*did you mean 'en-u?[gs]b?'"):
        speak(LINE, "en-uk")
    with pytest.raises(SertoolsError, match=r"no variant 'lynda'.*did you mean 'linda'"):
        speak(LINE, "en-us+lynda")


@pytest.mark.parametrize("text", ["", "  \n", "\x00\x01"])
def test_no_text_is_an_error(text):
    with pytest.raises(SertoolsError, match="no text to speak"):
        speak(text, "en-us")


def test_text_without_a_sound_is_an_error():
    with pytest.raises(SertoolsError, match=r"'\.\.\.' contains no pronounceable text"):
        speak("...", "en-us")


def test_half_a_surrogate_pair_is_an_error():
    with pytest.raises(SertoolsError, match="surrogate"):
        speak("\ud800 hello", "en-us")


@pytest.mark.parametrize(
    ("setting", "value"),
    [("rate_wpm", 79), ("rate_wpm", 451), ("pitch", -1), ("pitch", 100), ("pitch_range", 100), ("volume", 0)],
)
def test_a_setting_that_espeak_would_bend_is_an_error(setting, value):
    with pytest.raises(SertoolsError, match=rf"{setting} is {value}.*espeak-ng accepts \d+ to \d+"):
        speak(LINE, "en-us", **{setting: value})


def test_a_deep_installation_speaks_the_same(tmp_path, monkeypatch):
    here, _ = speak(LINE, "en-us+f1")
    deep = tmp_path / ("d" * 200) / "espeak-ng-data"
    deep.parent.mkdir()
    deep.symlink_to(espeakng_loader.get_data_path(), target_is_directory=True)
    monkeypatch.setattr(espeakng_loader, "get_data_path", lambda: str(deep))
    there, _ = speak(LINE, "en-us+f1")
    np.testing.assert_array_equal(here, there)


def test_a_missing_library_is_an_error_that_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(espeakng_loader, "get_library_path", lambda: str(tmp_path / "libnone.so"))
    with pytest.raises(SertoolsError, match=r"cannot be loaded.*pip install"):
        speak(LINE, "en-us")


@pytest.mark.parametrize("elsewhere", [False, True])
def test_missing_data_is_an_error_even_where_the_library_finds_other_data(elsewhere, tmp_path, monkeypatch):
    if elsewhere:
        monkeypatch.setenv("ESPEAK_DATA_PATH", espeakng_loader.get_data_path())
    monkeypatch.setattr(espeakng_loader, "get_data_path", lambda: str(tmp_path / "gone"))
    with pytest.raises(SertoolsError, match=r"cannot read its data.*pip install"):
        speak(LINE, "en-us")


def test_a_library_that_someone_else_holds_is_refused():
    held = ctypes.CDLL(espeakng_loader.get_library_path())
    try:
        with pytest.raises(SertoolsError, match="another part of this program uses espeak-ng"):
            speak(LINE, "en-us")
    finally:
        espeak_ng._unload(held)
    assert speak(LINE, "en-us")[0].any()


def test_the_release_is_a_version_number():
    assert [part.isdigit() for part in version().split(".")[:2]] == [True, True]
