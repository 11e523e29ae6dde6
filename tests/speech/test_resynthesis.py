"""A clip as a synthetic voice would say it, and how the engine hears it under that condition."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soxr

from sertools.audio.files import write_audio
from sertools.corpora.corpus import Corpus
from sertools.errors import AudioError, SertoolsError
from sertools.inference import predict
from sertools.inference.jobs import jobs
from sertools.models.kinds.toy import LoudnessModel
from sertools.speech import espeak_ng, resynthesis
from sertools.tables.condition import Condition

FIRST = Condition(perturbation="spoken", voice="espeak:1")


def said(text="It is seven o'clock.", language="eng") -> pd.Series:
    return pd.Series({"transcript": text, "language": language})


def corpus_of(folder: Path, transcripts, **columns) -> Corpus:
    rng = np.random.default_rng(0)
    files = [f"{i}.wav" for i in range(len(transcripts))]
    for file in files:
        write_audio(folder / file, rng.normal(0, 0.1, 8000).astype(np.float32), 16000)
    index = pd.Index([f"c{i}" for i in range(len(files))], name="clip")
    frame = {"file": files, "start": np.nan, "end": np.nan, "transcript": transcripts, **columns}
    return Corpus(name="made", clips=pd.DataFrame(frame, index=index), root=folder)


def predictions(corpus: Corpus, condition=FIRST):
    settings = predict.Settings(cache=corpus.root / "cache")
    return predict.predict(LoudnessModel(), corpus, conditions=[Condition(), condition], settings=settings)


def test_the_speech_is_that_of_the_engine_at_the_rate_of_the_model():
    signal, rate = espeak_ng.speak("It is seven o'clock.", "en-us+f1", volume=80)
    expected = np.clip(soxr.resample(signal, rate, 16000), -1, 1)
    assert np.array_equal(resynthesis.speech(said(), "espeak:1", 16000), expected)
    assert np.array_equal(resynthesis.speech(said(), "espeak:en-us+f1", 16000), expected)


def test_a_number_is_a_voice_of_the_language_of_the_clip():
    german = resynthesis.speech(said("Guten Morgen.", "de"), "espeak:2", 16000)
    assert np.array_equal(german, resynthesis.speech(said("Guten Morgen.", "deu"), "espeak:de+m1", 16000))


def test_a_named_voice_speaks_a_clip_whose_language_nobody_knows():
    assert len(resynthesis.speech(said(language=None), "espeak:en-us+f1", 16000))


@pytest.mark.parametrize(
    ("row", "voice", "reason"),
    [
        (said(None), "espeak:1", "no transcript"),
        (said("  "), "espeak:1", "no transcript"),
        (said("?!"), "espeak:1", "no letter"),
        (said("long " * 300), "espeak:1", "1499 characters"),
        (said(language=None), "espeak:1", "language is unknown"),
        (said(language="xxx"), "espeak:1", "no voice 'xxx"),
        (said(), "espeak:7", "6 voices for eng, so there is no voice 7"),
        (said(), "espeak:de+f1", "speaks deu, not eng"),
    ],
)
def test_a_clip_that_cannot_be_spoken_says_why(row, voice, reason):
    with pytest.raises(AudioError, match=reason):
        resynthesis.speech(row, voice, 16000)


@pytest.mark.parametrize("voice", ["espeak", "espeak:", "espeak:0", "espeek:1", "espeak:en-us+f99"])
def test_a_voice_that_does_not_exist_stops_the_run_before_it_begins(tmp_path, voice):
    corpus = corpus_of(tmp_path, ["Yes."], language="eng")
    with pytest.raises(SertoolsError) as caught:
        predictions(corpus, Condition(perturbation="spoken", voice=voice))
    assert not isinstance(caught.value, AudioError)
    assert not (tmp_path / "cache").exists() or not list((tmp_path / "cache").rglob("*.parquet"))


def test_the_engine_hears_the_words_whatever_the_sound_was(tmp_path):
    corpus = corpus_of(tmp_path, ["Yes.", "Yes.", "It rains.", None], language="eng")
    found = predictions(corpus)
    clean, spoken = (found[name].scores["arousal"] for name in ("clean", "spoken@espeak:1"))
    assert clean.nunique() == 4
    assert spoken["c0"] == spoken["c1"] != spoken["c2"]
    assert np.isnan(spoken["c3"])
    missing = found["spoken@espeak:1"].missing
    assert missing[["clip", "reason"]].to_numpy().tolist() == [["c3", "the clip has no transcript"]]


def test_other_words_are_spoken_anew_and_the_same_words_are_not(tmp_path):
    corpus = corpus_of(tmp_path, ["Yes.", "No."], language="eng")
    predictions(corpus)
    planned = jobs(LoudnessModel(), corpus, [FIRST], settings=predict.Settings(cache=tmp_path / "cache"))
    assert [job.stored for job in planned] == [2]
    other = corpus_of(tmp_path, ["Yes.", "Never."], language="eng")
    planned = jobs(LoudnessModel(), other, [FIRST], settings=predict.Settings(cache=tmp_path / "cache"))
    assert [job.stored for job in planned] == [0]


def test_a_corpus_without_words_is_not_spoken(tmp_path):
    corpus = corpus_of(tmp_path, [None, None], language="eng")
    assert list(predictions(corpus)) == ["clean"]


def test_the_fingerprint_knows_words_languages_and_voices():
    clips = pd.DataFrame({"transcript": ["Yes.", None], "language": "eng"}, index=["a", "b"])
    first = resynthesis.fingerprint(clips, "espeak:1")
    assert first == resynthesis.fingerprint(clips.assign(arousal=0.5), "espeak:1")
    others = {
        resynthesis.fingerprint(clips, "espeak:2"),
        resynthesis.fingerprint(clips, "espeak:en-us+f1"),
        resynthesis.fingerprint(clips.assign(language="deu"), "espeak:1"),
        resynthesis.fingerprint(clips.assign(transcript="No."), "espeak:1"),
    }
    assert len(others | {first}) == 5
