import json
import os

import numpy as np
import pandas as pd
import pytest
import soundfile

from sertools.errors import CorpusError, SertoolsError
from sertools.speech.engines import Speaker, engine
from sertools.speech.synthesis import Line, check_lines, speak_lines

VOICES = [Speaker(name="en-us+f1", language="eng", sex="female"), Speaker(name="en-us+m1", language="eng")]


def lines(*texts, language="eng"):
    return [
        Line(text=text, language=language, where=f"line {i + 1}", labels={"sentiment": "neutral"})
        for i, text in enumerate(texts)
    ]


class Fails:
    """espeak-ng that is interrupted at its third sentence."""

    name, licence = "espeak", "free"

    def __init__(self, error):
        self.error, self.asked, self.espeak = error, 0, engine("espeak")

    def version(self):
        return self.espeak.version()

    def speak(self, text, voice):
        self.asked += 1
        if self.asked == 3:
            raise self.error
        return self.espeak.speak(text, voice)


def test_every_voice_says_every_line_of_its_language(tmp_path):
    espeak = engine("espeak")
    german = Line(text="Guten Tag.", language="deu", where="line 3")
    voices = [*VOICES, espeak.speaker("de+f1")]
    spoken = speak_lines(
        [*lines("Hello.", "Good morning."), german], voices, espeak, tmp_path / "c", readme="Hi"
    )
    assert (spoken.written, spoken.reused) == (5, 0)
    table = pd.read_csv(tmp_path / "c" / "metadata.csv")
    assert list(table)[:6] == ["file", "speaker", "sex", "language", "transcript", "engine"]
    assert table["speaker"].tolist() == ["en-us+f1", "en-us+m1"] * 2 + ["de+f1"]
    assert table["transcript"].tolist() == ["Hello."] * 2 + ["Good morning."] * 2 + ["Guten Tag."]
    for row in table.itertuples():
        signal, rate = soundfile.read(tmp_path / "c" / row.file)
        expected, own = espeak.speak(row.transcript, row.speaker)
        assert rate == own
        # 16 bits: half a step of 2/65536, and the step itself where espeak-ng's value lies between
        assert signal == pytest.approx(expected, abs=2**-15)
    assert (tmp_path / "c" / "README.md").read_text() == "Hi"
    assert {p.name for p in (tmp_path / "c").iterdir()} == {"README.md", "metadata.csv", "audio"}


def test_a_rate_is_kept_to(tmp_path):
    speak_lines(lines("Hello."), VOICES[:1], engine("espeak"), tmp_path, rate=16_000)
    (path,) = tmp_path.rglob("*.flac")
    assert soundfile.info(path).samplerate == 16_000


@pytest.mark.parametrize("error", [SertoolsError("the network is gone"), KeyboardInterrupt()], ids=str)
def test_an_interrupted_run_is_no_corpus_and_goes_on_where_it_stopped(tmp_path, error):
    folder, script = tmp_path / "c", lines("One.", "Two.", "Three.")
    with pytest.raises(type(error)):
        speak_lines(script, VOICES, Fails(error), folder)
    assert not (folder / "metadata.csv").exists()
    assert len(list(folder.rglob("*.flac"))) == 2
    assert not list(folder.rglob("*.part"))
    with pytest.raises(CorpusError, match="unfinished corpus of other sentences"):
        speak_lines(lines("Four."), VOICES, engine("espeak"), folder)
    spoken = speak_lines(script, VOICES, engine("espeak"), folder)
    assert (spoken.written, spoken.reused) == (4, 2)
    straight = tmp_path / "straight"
    speak_lines(script, VOICES, engine("espeak"), straight)
    names = sorted(p.relative_to(straight) for p in straight.rglob("*") if p.is_file())
    assert names == sorted(p.relative_to(folder) for p in folder.rglob("*") if p.is_file())
    assert all((folder / name).read_bytes() == (straight / name).read_bytes() for name in names)


def test_a_second_run_speaks_nothing_and_another_is_refused(tmp_path):
    speak_lines(lines("One."), VOICES, engine("espeak"), tmp_path / "c")
    again = speak_lines(lines("One."), VOICES, engine("espeak"), tmp_path / "c")
    assert (again.written, again.reused) == (0, 2)
    with pytest.raises(CorpusError, match="contains another corpus"):
        speak_lines(lines("Two."), VOICES, engine("espeak"), tmp_path / "c")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("years of work")
    with pytest.raises(CorpusError, match="is not empty and is not a sertools corpus"):
        speak_lines(lines("One."), VOICES, engine("espeak"), tmp_path / "full")


def test_clips_with_the_same_words_share_a_file(tmp_path):
    script = [Line(text="Yes.", where=f"clip {i}", clip=f"c{i}", labels={"arousal": i / 2}) for i in (0, 1)]
    spoken = speak_lines(script, VOICES, engine("espeak"), tmp_path)
    assert (spoken.written, spoken.reused) == (2, 0)
    table = pd.read_csv(tmp_path / "metadata.csv")
    assert table["clip"].tolist() == ["c0@en-us+f1", "c0@en-us+m1", "c1@en-us+f1", "c1@en-us+m1"]
    assert table["file"].nunique() == 2
    assert table["arousal"].tolist() == [0.0, 0.0, 0.5, 0.5]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "line 1: the text is empty"),
        ("  \t", "line 1: the text is empty"),
        ("a" * 1001, "line 1: the text has 1001 characters"),
        ("?!… —", "contains no letter or digit"),
        ("half \ud83d", "an unpaired surrogate"),
    ],
)
def test_lines_that_cannot_be_spoken_are_told_before_anything_is_written(tmp_path, text, sentence):
    with pytest.raises(CorpusError, match=sentence):
        speak_lines(lines(text), VOICES, engine("espeak"), tmp_path / "c")
    assert not (tmp_path / "c").exists()


def test_a_thousand_characters_are_a_sentence():
    check_lines(lines("a" * 1000))


def test_nothing_repeats_and_every_line_has_a_voice(tmp_path):
    with pytest.raises(CorpusError, match="no sentences to speak"):
        check_lines([])
    with pytest.raises(CorpusError, match="line 2 has the same text as line 1"):
        speak_lines(lines("One.", "One."), VOICES, engine("espeak"), tmp_path)
    with pytest.raises(CorpusError, match="no voice speaks deu"):
        speak_lines(lines("Eins.", language="deu"), VOICES, engine("espeak"), tmp_path)
    with pytest.raises(CorpusError, match="'file' has the name of a corpus column"):
        check_lines([Line(text="One.", where="line 1", labels={"file": "x"})])


def test_where_nothing_can_be_written_there_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CorpusError, match=r"cannot write .*file.c.*: a file is in its way"):
        speak_lines(lines("One."), VOICES, engine("espeak"), tmp_path / "file" / "c")


def test_a_claim_is_json_and_temporary_files_belong_to_a_process(tmp_path):
    with pytest.raises(SertoolsError):
        speak_lines(lines("One.", "Two."), VOICES, Fails(SertoolsError("stop")), tmp_path)
    assert set(json.loads((tmp_path / ".unfinished.json").read_text())) == {"asked"}
    assert not [p for p in tmp_path.rglob("*") if str(os.getpid()) in p.name]


def test_silence_is_not_speech(tmp_path):
    class Mute(Fails):
        def speak(self, text, voice):
            return np.zeros(100, dtype=np.float32), 16_000

    with pytest.raises(SertoolsError, match="line 1: espeak returned no speech"):
        speak_lines(lines("One."), VOICES, Mute(None), tmp_path)
