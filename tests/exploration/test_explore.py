"""The page of a corpus: small clips with planted confounds, and the real corpora by hand."""

import json

import numpy as np
import pandas as pd
import pytest

from sertools.audio.files import write_audio
from sertools.corpora.load import load_corpus
from sertools.exploration.explore import explore, write
from sertools.exploration.sections import Exploration, histogram, span, summary_table
from sertools.metrics.classification import uar
from sertools.metrics.confounds import guessed_classes
from tests.helpers.crema_d import HERE, TABLE

RATE = 8000


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """48 clips of six speakers; anger has a sentence and a rate of its own, and two clips are one."""
    folder = tmp_path_factory.mktemp("corpus")
    rng = np.random.default_rng(0)
    rows = []
    signals = {}
    for i in range(48):
        emotion = ("anger", "fear", "neutral")[i % 3]
        rate = 2 * RATE if emotion == "anger" else RATE
        signals[i] = signals[2] if i == 47 else rng.normal(0, 0.1, rate // 4).astype(np.float32)
        write_audio(folder / f"{i:02d}.wav", signals[i], rate)
        said = "Ah." if emotion == "anger" else ("Oh.", "Uh.")[i % 2]
        rows.append(
            {
                "file": f"{i:02d}.wav",
                "speaker": f"s{i // 8}",
                "sex": ("female", "male")[i % 2],
                "age": 20 + i % 6,
                "language": "eng",
                "emotion": emotion,
                "transcript": said,
                "arousal": (0.25, 0.5, 0.75)[i % 3],
                "votes_anger": 3 if emotion == "anger" else 0,
                "votes_fear": 2 if emotion == "fear" else 1,
                "votes_neutral": 2 if emotion == "neutral" else 0,
            }
        )
    pd.DataFrame(rows).to_csv(folder / "clips.csv", index=False)
    return load_corpus(str(folder / "clips.csv"))


@pytest.fixture(scope="module")
def found(corpus):
    return explore(corpus, command="sertools corpus explore clips.csv")


def test_every_part_of_the_page_has_something_to_say(found):
    assert [section.name for section in found.sections] == [
        "labels",
        "speakers",
        "groups",
        "recordings",
        "sentences",
        "raters",
        "confounds",
        "duplicates",
    ]
    assert all(section.answer.endswith(".") for section in found.sections)
    assert "48 clips with 3 emotions: anger 16, fear 16, neutral 16" in found.section("labels").answer
    assert "6 speakers" in found.section("speakers").answer


def test_a_sentence_that_only_one_emotion_has_tells_it(corpus, found):
    section = found.section("confounds")
    scores = {f.slice: f for f in section.findings if f.target == "emotion"}
    sentence = scores["the sentence"]
    clips = corpus.clips
    truth = pd.factorize(clips["emotion"], sort=True)[0]
    unit = pd.factorize(clips["speaker"])[0]
    guess = guessed_classes(truth, pd.factorize(clips["transcript"])[0], unit, 3)
    assert sentence.value == pytest.approx(uar(truth, guess, 3), abs=1e-12)
    assert sentence.low > 1 / 3
    assert sentence.speakers == 6
    assert scores["the sampling rate"].low > 1 / 3
    assert f"in emotion by {section.findings[0].slice} alone" in section.answer
    assert "chance is 0.333" in section.answer


def test_what_goes_with_a_label_in_the_recordings_is_said(found):
    assert any(
        "a model may predict emotion from the recording" in s for s in found.section("recordings").sentences
    )


def test_the_same_samples_under_two_names_are_found(found):
    rows = found.section("duplicates").tables[0].rows
    assert ["the same samples", "02.wav", "47.wav", 2] in rows
    assert found.section("duplicates").answer.startswith("1 clip has the samples of another")


def test_raters_are_measured_without_a_model(found):
    by = {(f.name, f.target): f for f in found.section("raters").findings}
    assert by["alpha", "emotion"].value > 0.3
    assert by["one_rater_uar", "emotion"].speakers == 6


def test_the_files_hold_the_same_and_need_nothing_else(found, tmp_path):
    paths = write(found, tmp_path)
    assert [path.name for path in paths] == ["explore.html", "explore.md", "explore.json"]
    page, text, stored = (path.read_text(encoding="utf-8") for path in paths)
    assert Exploration.model_validate_json(stored) == found
    assert "NaN" not in stored
    assert json.loads(stored)["schema"] == 1
    assert page.count("<svg") == sum(len(section.figures) for section in found.sections)
    assert "default-src 'none'" in page
    for section in found.sections:
        assert section.title in text
        for figure in section.figures:
            assert (tmp_path / f"figures/{section.name}-{figure.name}.svg").is_file()
    assert "sertools corpus explore clips.csv" in page


def test_a_clip_that_cannot_be_read_is_told_and_the_rest_measured(corpus, tmp_path):
    (tmp_path / "a.wav").write_bytes(b"no sound")
    write_audio(tmp_path / "b.wav", np.ones(800, np.float32) * 0.1, RATE)
    (tmp_path / "clips.csv").write_text("file,speaker,emotion\na.wav,1,anger\nb.wav,2,fear\n")
    section = explore(load_corpus(str(tmp_path / "clips.csv"))).section("recordings")
    assert "0.0 minutes in 1 clip" in section.answer
    assert any(s.startswith("1 of 2 clips cannot be read") for s in section.sentences)


def test_without_sound_the_table_is_explored(tmp_path):
    (tmp_path / "clips.csv").write_text("file,start,end\na.wav,0,1.5\na.wav,1.5,4\n")
    found = explore(load_corpus(str(tmp_path / "clips.csv")))
    assert "2 clips last 0.1 minutes" in found.section("recordings").answer
    assert found.section("labels").answer == "The corpus has neither emotions nor ratings."
    assert any("only the table was read" in note for note in found.notes)


def test_hostile_names_stay_text(tmp_path):
    (tmp_path / "clips.csv").write_text(
        'file,speaker,emotion\na.wav,"<script>x</script>|*",anger\nb.wav,2,fear\n'
    )
    found = explore(load_corpus(str(tmp_path / "clips.csv")), sound=False)
    page, text, _ = (path.read_text(encoding="utf-8") for path in write(found, tmp_path / "out"))
    assert "<script>x" not in page
    assert "<script>x" not in text


def test_histograms_count_few_whole_numbers_one_by_one_and_others_in_bins():
    whole = histogram("n", "N", {"": np.array([1.0, 2, 2, 4])}, "n")
    assert (whole.series[0].x, whole.series[0].y) == (["1", "2", "3", "4"], [0.25, 0.5, 0.0, 0.25])
    other = histogram("x", "X", {"": np.array([0.1, 0.25, np.nan])}, "x", bins=3)
    assert len(set(other.series[0].x)) == 3
    assert sum(other.series[0].y) == 1
    assert span(3, 3) == "3"
    empty = summary_table("t", "T", {"a": np.array([np.nan])})
    assert empty.rows[0] == ["lowest", None]


@pytest.mark.skipif(not HERE, reason="../shared/data/crema-d_labels is not here")
def test_the_labels_of_crema_d():
    from sertools.corpora.attached.beside import Beside

    found = explore(load_corpus(str(TABLE), beside=Beside(votes="voice")))
    assert "α is 0.281" in found.section("raters").answer
    assert "one rater reaches a UAR of 0.530" in found.section("raters").answer
    assert found.section("confounds").answer.startswith("A model could reach a UAR of 0.189")
