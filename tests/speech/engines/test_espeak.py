import numpy as np
import pytest

from sertools.errors import SertoolsError
from sertools.speech.engines import Engine, engine, names


def test_the_folder_is_the_list_of_engines():
    assert names() == ["espeak", "gtts", "piper"]
    for name in names():
        made: Engine = engine(name)
        assert made.name == name
        assert made.licence
    with pytest.raises(SertoolsError, match="unknown speech engine 'espeek'") as caught:
        engine("espeek")
    assert caught.value.hint == "did you mean 'espeak'?"


@pytest.mark.parametrize("language", ["eng", "deu", "fra", "ita", "spa"])
def test_each_language_has_three_women_and_three_men(language):
    voices = engine("espeak").speakers(language)
    assert [voice.sex for voice in voices] == ["female", "male"] * 3
    assert {voice.language for voice in voices} == {language}
    assert len({voice.name for voice in voices}) == 6


def test_the_same_text_gives_the_same_samples_and_another_voice_others():
    espeak = engine("espeak")
    first, rate = espeak.speak("Good morning.", "en-us+f1")
    again, _ = espeak.speak("Good morning.", "en-us+f1")
    other, _ = espeak.speak("Good morning.", "en-us+m1")
    assert rate == 22_050
    assert (first == again).all()
    assert first.shape != other.shape or (first != other).any()
    assert np.abs(first).max() < 1


def test_markup_is_spoken_as_text():
    espeak = engine("espeak")
    plain, _ = espeak.speak("Good morning.", "en-us")
    marked, _ = espeak.speak("<speak><prosody rate='x-fast'>Good morning.</prosody></speak>", "en-us")
    assert len(marked) > 2 * len(plain)  # the tags are words


@pytest.mark.parametrize(
    ("voice", "hint"),
    [("en-us+f9", "did you mean 'en-us+f5'?"), ("de-x", "did you mean 'de'?")],
)
def test_an_unknown_voice_is_told_with_the_nearest(voice, hint):
    with pytest.raises(SertoolsError, match="no voice") as caught:
        engine("espeak").speaker(voice)
    assert caught.value.hint == hint


def test_a_language_that_nobody_speaks_is_an_error():
    with pytest.raises(SertoolsError, match="no voice 'tlh"):
        engine("espeak").speakers("tlh")
