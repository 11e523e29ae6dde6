import numpy as np
import pandas as pd
import pytest
import soundfile
from typer.testing import CliRunner

from sertools.cli.app import app
from sertools.corpora import speak
from sertools.corpora.corpus import Corpus
from sertools.corpora.load import load_corpus
from sertools.errors import CorpusError, SertoolsError
from sertools.speech.engines import engine
from tests.helpers.places import ROOT

VOICES = ["en-us+f1", "en-us+m1"]


def ratings(tmp_path, **columns):
    frame = pd.DataFrame({"file": [f"{i}.wav" for i in range(3)], **columns})
    frame.to_csv(tmp_path / "labelled.csv", index=False)
    return load_corpus(str(tmp_path / "labelled.csv"))


def test_built_in_sentences_become_an_ordinary_corpus(tmp_path):
    script = speak.built_in(["eng"], per_word=1)
    corpus, spoken = speak.make_corpus(script, engine("espeak"), tmp_path / "c", voices=VOICES)
    assert spoken.written == 2 * (42 + 16 + 16 + 10)
    again = load_corpus(str(tmp_path / "c"))
    pd.testing.assert_frame_equal(again.clips, corpus.clips)
    assert again.simulated == speak.SIMULATED
    assert "espeak-ng" in again.version
    assert "GPL" in again.licence
    assert again.clips["sentiment"].value_counts().to_dict() == {
        "negative": 60,
        "positive": 60,
        "neutral": 48,
    }
    assert set(again.clips["sex"]) == {"female", "male"}
    plain = load_corpus(str(tmp_path / "c" / "metadata.csv"))
    assert list(plain.clips.index) == list(again.clips.index)
    readme = (tmp_path / "c" / "README.md").read_text()
    assert "en-us+f1, en-us+m1" in readme
    assert speak.SIMULATED in readme


def test_without_voices_each_language_gets_its_own(tmp_path):
    (tmp_path / "s.csv").write_text("transcript,language\nHello.,eng\nGuten Tag.,deu\n")
    corpus, _ = speak.make_corpus(speak.from_file(tmp_path / "s.csv"), engine("espeak"), tmp_path / "c")
    assert corpus.clips.groupby("transcript")["speaker"].nunique().to_dict() == {"Guten Tag.": 6, "Hello.": 6}
    assert corpus.clips["speaker"].nunique() == 12


def test_sentences_of_a_text_file_are_its_lines(tmp_path):
    path = tmp_path / "mine.txt"
    path.write_text("\ufeffFirst line.\n\n  Zweite Zeile — <b>fett</b>.  \n", encoding="utf-8")
    lines = speak.from_file(path, language="en").lines
    assert [line.text for line in lines] == ["First line.", "Zweite Zeile — <b>fett</b>."]
    assert [line.where for line in lines] == ["mine.txt, line 1", "mine.txt, line 3"]
    assert {line.language for line in lines} == {"eng"}


def test_columns_of_a_csv_are_kept(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("text,sentiment,topic,speaker\nAll is well.,positive,weather,somebody\n")
    (line,) = speak.from_file(path).lines
    assert line.text == "All is well."
    assert line.labels == {"sentiment": "positive", "topic": "weather"}


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.csv", "words\nHello\n", "has no column 'transcript'"),
        ("a.csv", "transcript,sentiment\nHello,good\n", "sentence 1: sentiment 'good' is not one of"),
        ("a.csv", "transcript,topic\nHello,x\n,y\n", "sentence 2: the text is empty"),
        ("a.txt", "\n \n", "contains no sentences"),
        ("a.txt", "Fine.\n" + "long " * 201, "line 2: the text has 1004 characters"),
        ("a.txt", "Fine.\n!!!", "line 2: '!!!' contains no letter"),
    ],
)
def test_bad_sentences_are_named_with_their_line(tmp_path, name, content, sentence):
    (tmp_path / name).write_text(content)
    with pytest.raises(CorpusError, match=sentence):
        speak.from_file(tmp_path / name)


def test_files_that_cannot_be_read_are_one_sentence(tmp_path):
    with pytest.raises(CorpusError, match="cannot read"):
        speak.from_file(tmp_path / "none.txt")
    (tmp_path / "latin.txt").write_bytes("schön".encode("latin-1"))
    with pytest.raises(CorpusError, match="not UTF-8 text"):
        speak.from_file(tmp_path / "latin.txt")


def test_transcripts_of_a_corpus_carry_its_labels_and_pair_with_it(tmp_path):
    original = ratings(
        tmp_path,
        speaker=["a", "b", "a"],
        transcript=["Yes.", "Never again.", "Yes."],
        arousal=[0.25, 0.75, 0.5],
        emotion=["neutral", "angry", "happy"],
        language=["en", "en", "en"],
    )
    corpus, spoken = speak.make_corpus(
        speak.from_corpus(original), engine("espeak"), tmp_path / "c", voices=VOICES
    )
    assert len(corpus.clips) == 6
    assert spoken.written == 4  # two texts, two voices
    assert corpus.simulated == speak.CARRIED
    assert "3 clips have 2 different texts" in " ".join(corpus.notes)
    again = load_corpus(str(tmp_path / "c"))
    for clip in original.clips.index:
        same = again.clips[again.clips["original_clip"] == clip]
        assert set(same["speaker"]) == set(VOICES)
        for label in ("arousal", "emotion", "transcript"):
            assert (same[label] == original.clips.at[clip, label]).all()
        assert (same["original_speaker"] == original.clips.at[clip, "speaker"]).all()


def test_transcripts_of_real_speech_are_spoken_and_keep_its_emotions(tmp_path):
    real = ROOT.parent / "shared" / "data" / "emodb"
    if not real.is_dir():
        pytest.skip("the real speech of ../shared/data/emodb is not here")
    original = load_corpus(f"{real}:test")
    corpus, spoken = speak.make_corpus(
        speak.from_corpus(original), engine("espeak"), tmp_path / "c", voices=["de+f1", "de+m1"]
    )
    assert spoken.written == 2 * original.clips["transcript"].nunique()
    assert len(corpus.clips) == 2 * len(original.clips)
    emotion = original.clips["emotion"]
    assert (corpus.clips["emotion"] == emotion.loc[corpus.clips["original_clip"]].to_numpy()).all()
    assert set(corpus.clips["language"]) == {"deu"}


def test_clips_without_a_transcript_are_left_out_and_counted(tmp_path):
    original = ratings(tmp_path, transcript=["Yes.", "", "No."], arousal=[0.1, 0.2, ""])
    script = speak.from_corpus(original, language="eng")
    assert [line.text for line in script.lines] == ["Yes.", "No."]
    assert [line.labels.get("arousal") for line in script.lines] == [0.1, None]
    assert script.notes[0] == "1 of 3 clips have no transcript and were left out."
    with pytest.raises(CorpusError, match="has no transcripts to speak"):
        speak.from_corpus(ratings(tmp_path, arousal=[0.1, 0.2, 0.3]))


def test_an_unknown_voice_is_told_before_anything_is_written(tmp_path):
    with pytest.raises(SertoolsError, match="no voice 'en-us\\+f9'") as caught:
        speak.make_corpus(speak.built_in(), engine("espeak"), tmp_path / "c", voices=["en-us+f9"])
    assert caught.value.hint == "did you mean 'en-us+f5'?"
    assert not (tmp_path / "c").exists()


def test_the_command_speaks_and_a_second_one_keeps(tmp_path):
    (tmp_path / "s.txt").write_text("Hello there.\nGood night.\n")
    command = ["tts", "--sentences", str(tmp_path / "s.txt"), "--out", str(tmp_path / "c"), "-q"]
    command += ["--voice", "en-us+f1", "--voice", "en-us+m1"]
    first = CliRunner().invoke(app, command)
    assert first.exit_code == 0, first.output
    assert "4 files synthesised, 0 reused" in first.stderr
    assert "0 files synthesised, 4 reused" in CliRunner().invoke(app, command).stderr
    signal, _ = soundfile.read(next((tmp_path / "c").rglob("*.flac")))
    assert np.abs(signal).max() > 0.05


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--sentences", "a", "--transcripts", "b"], "--sentences and --transcripts exclude each other"),
        (["--language", "eng", "--language", "deu", "--sentences", "a"], "--language eng and deu"),
        (["--language", "en"], "no built-in sentences in 'en'"),
        (["--engine", "gttz"], "unknown speech engine 'gttz'"),
        (["--transcripts", "emodbb"], "unknown corpus 'emodbb'"),
    ],
)
def test_wrong_options_are_one_sentence_and_exit_code_2(tmp_path, options, sentence):
    done = CliRunner().invoke(app, ["tts", "--out", str(tmp_path / "c"), *options])
    assert done.exit_code == 2
    assert sentence in done.stderr
    assert not (tmp_path / "c").exists()


def test_a_corpus_object_is_not_changed(tmp_path):
    original = ratings(tmp_path, transcript=["Yes.", "No.", "Perhaps."])
    before = original.clips.copy()
    speak.from_corpus(original)
    pd.testing.assert_frame_equal(original.clips, before)
    assert isinstance(original, Corpus)
