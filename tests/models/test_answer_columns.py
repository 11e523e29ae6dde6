"""Only columns that are answers are read as answers, and a row about a segment counts for it only."""

import math
from pathlib import Path

import pandas as pd
import pytest

from sertools.api.models import model_of
from sertools.corpora.load import load_corpus
from sertools.errors import ModelError
from sertools.models.load import LoadOptions, load_model
from sertools.pipeline.requests.audits import AuditRequest
from sertools.pipeline.requests.corpora import CorpusRequest
from sertools.pipeline.requests.models import ModelRequest

CLIPS = pd.DataFrame({"file": ["a.wav", "b.wav"]}, index=pd.Index(["c1", "c2"], name="clip"))
SEGMENTS = pd.DataFrame(
    {"file": ["a.wav", "a.wav", "b.wav"], "start": [0.0, 1.5, math.nan], "end": [1.5, 3.0, math.nan]},
    index=pd.Index(["s1", "s2", "s3"], name="clip"),
)


def table(folder: Path, text: str, **options):
    (folder / "p.csv").write_text(text, encoding="utf-8")
    return load_model(f"predictions:{folder / 'p.csv'}", LoadOptions(**options))


@pytest.mark.parametrize(
    "column",
    ["", "Unnamed: 0", "index", "level_0", "0", "id", "duration", "age", "snr_db", "fold", "rater", "loss"],
)
def test_numbers_that_are_no_answers_are_not_read_as_such(tmp_path, column):
    model = table(tmp_path, f"{column},clip,anger,neutral\n7,c1,0.9,0.1\n8,c2,0.2,0.8\n")
    assert model.labels == ("anger", "neutral")
    assert model.scores(CLIPS).to_numpy().tolist() == [[0.9, 0.1], [0.2, 0.8]]
    shown = column or "one without a name"
    assert model.facts["notes"] == [
        f"Columns of the table that are not read as answers: {shown} (--labels names others)."
    ]


def test_texts_beside_the_answers_are_not_read(tmp_path):
    text = "clip,speaker,transcript,emotion,arousal\nc1,s1,Well then,anger,0.5\n"
    assert table(tmp_path, text).labels == ("arousal",)


def test_a_table_with_an_index_gives_the_same_numbers_as_one_without(tmp_path):
    plain = pd.DataFrame({"clip": ["c1", "c2"], "angry": [0.7, 0.2], "sad": [0.3, 0.8]})
    scores = []
    for suffix, save in [("csv", plain.to_csv), ("parquet", plain.to_parquet)]:
        save(tmp_path / f"q.{suffix}")
        scores.append(load_model(f"predictions:{tmp_path / f'q.{suffix}'}").scores(CLIPS))
    for found in scores:
        assert list(found.columns) == ["angry", "sad"]
        assert found.to_numpy().tolist() == [[0.7, 0.3], [0.2, 0.8]]


def test_columns_that_the_user_names_are_read_whatever_they_are_called(tmp_path):
    text = "clip,LABEL_0,LABEL_1,anger\nc1,0.9,0.1,5\n"
    model = table(tmp_path, text, labels=("LABEL_1", "LABEL_0"))
    assert model.labels == ("LABEL_1", "LABEL_0")
    assert model.scores(CLIPS).loc["c1"].tolist() == [0.1, 0.9]
    other = table(tmp_path, text, labels=("LABEL_0", "LABEL_1"))
    assert other.fingerprint != model.fingerprint
    with pytest.raises(ModelError, match=r"has no column 'LABEL_2'.*did you mean 'LABEL_\d'"):
        table(tmp_path, text, labels=("LABEL_0", "LABEL_2"))


def test_without_a_name_that_is_known_the_columns_to_name_are_offered(tmp_path):
    with pytest.raises(ModelError, match=r"has no score columns: .*--labels first,second\)"):
        table(tmp_path, "clip,duration,first,second\nc1,3.2,0.9,0.1\n")


def test_columns_with_a_prefix_are_offered_with_the_labels_that_they_mean(tmp_path):
    hint = "--labels proba_anger,proba_joy --label-map proba_anger=anger --label-map proba_joy=happiness"
    with pytest.raises(ModelError, match=f"has no score columns: .*{hint}"):
        table(tmp_path, "clip,proba_anger,proba_joy\nc1,0.9,0.1\n")


def test_numbered_labels_are_answers_whose_meaning_is_still_to_be_told(tmp_path):
    assert table(tmp_path, "clip,duration,LABEL_0,LABEL_1\nc1,3.2,0.9,0.1\n").labels == ("LABEL_0", "LABEL_1")


def test_a_table_without_a_number_is_told_what_to_write(tmp_path):
    with pytest.raises(
        ModelError, match="has no score columns: .*write one column of numbers for each label"
    ):
        table(tmp_path, "clip,place\nc1,Berlin\n")
    with pytest.raises(ModelError, match=r"if the column mood holds .* in words, add --output mood"):
        table(tmp_path, "clip,place,mood\nc1,Berlin,Angry\nc2,Bonn,I cannot tell\n")


def test_labels_of_the_corpus_are_known(tmp_path):
    text = "clip,ennui,grief,duration\nc1,0.9,0.1,2.5\n"
    assert table(tmp_path, text, known=("Ennui", "grief")).labels == ("ennui", "grief")


def test_columns_that_complete_the_probabilities_are_not_left_out_silently(tmp_path):
    text = "clip,anger,neutral,ennui,duration\nc1,0.5,0.3,0.2,2.5\nc2,0.1,0.1,0.8,2.5\n"
    with pytest.raises(ModelError, match=r"sum to 1 only with ennui.*--labels anger,neutral,ennui"):
        table(tmp_path, text)
    assert table(tmp_path, text, labels=("anger", "neutral", "ennui")).labels == ("anger", "neutral", "ennui")


def write_ennui(folder: Path) -> tuple[Path, Path]:
    """A manifest with emotions that nobody else has, and predictions of them beside a number."""
    (folder / "clips.csv").write_text("file,emotion\na.wav,ennui\nb.wav,grief\nc.wav,ennui\n")
    (folder / "p.csv").write_text(
        "clip,ennui,grief,position\n" + "".join(f"{name}.wav,0.9,0.1,{i}\n" for i, name in enumerate("abc"))
    )
    return folder / "clips.csv", folder / "p.csv"


def test_an_audit_reads_the_columns_that_its_corpus_names(tmp_path):
    manifest, predictions = write_ennui(tmp_path)
    corpus = load_corpus(str(manifest))
    request = ModelRequest(spec=f"predictions:{predictions}")
    assert request.load(corpus).labels == ("ennui", "grief")
    assert model_of(f"predictions:{predictions}", corpus).labels == ("ennui", "grief")
    with pytest.raises(ModelError, match="has no score columns"):
        request.load()
    assert request.load(None, {"position": "sadness"}).labels == ("position",)
    audit = AuditRequest(
        model=request, corpus=CorpusRequest(specs=(str(manifest),)), audits=(), out=tmp_path / "out"
    )
    assert audit.load().model.labels == ("ennui", "grief")


def test_rows_with_start_and_end_count_for_these_segments_only(tmp_path):
    text = "file,start,end,arousal\na.wav,1.5,3.0,0.2\na.wav,0,1.5,0.1\nb.wav,0.5,2,0.9\n"
    model = table(tmp_path, text)
    assert model.labels == ("arousal",)
    assert model.scores(SEGMENTS)["arousal"].fillna(-1).tolist() == [0.1, 0.2, -1]
    assert model.facts["notes"] == ["1 row matches no clip of the corpus: b.wav from 0.500 to 2.000 s."]


def test_a_row_about_a_whole_file_holds_for_segments_without_a_row_of_their_own(tmp_path):
    model = table(tmp_path, "file,start,end,arousal\na.wav,,,0.7\na.wav,1.5,3.0,0.2\nb.wav,0,,0.4\n")
    assert model.scores(SEGMENTS)["arousal"].tolist() == [0.7, 0.2, 0.4]


def test_times_as_pandas_writes_them_are_read(tmp_path):
    text = "file,start,end,arousal\na.wav,0 days,0 days 00:00:01.500000,0.1\nb.wav,0 days 00:00:00,NaT,0.4\n"
    assert table(tmp_path, text).scores(SEGMENTS)["arousal"].fillna(-1).tolist() == [0.1, -1, 0.4]


def test_segments_of_files_that_the_corpus_takes_whole_are_refused_with_both(tmp_path):
    model = table(tmp_path, "file,start,end,arousal\na.wav,0.5,1.5,0.1\n")
    with pytest.raises(ModelError, match=r"it has 'a\.wav from 0\.500 to 1\.500 s', the corpus has 'a\.wav'"):
        model.scores(CLIPS)


@pytest.mark.parametrize("written", ["soon", "-1", "inf", "1_0"])
def test_a_start_that_is_no_time_is_one_sentence(tmp_path, written):
    with pytest.raises(ModelError, match=rf"start of 'a\.wav' is '{written}', which is not a time"):
        table(tmp_path, f"file,start,end,arousal\na.wav,{written},2,0.1\n")


def test_a_segment_may_not_have_two_rows(tmp_path):
    with pytest.raises(ModelError, match=r"'a\.wav from 0\.000 to 1\.500 s' more than once"):
        table(tmp_path, "file,start,end,arousal\na.wav,0,1.5,0.1\na.wav,0.0,1.50,0.2\n")
