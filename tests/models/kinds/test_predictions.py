"""A table of predictions is a model: rows meet clips by name, and every number is read to the last bit."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sertools.errors import ModelError
from sertools.inference import predict
from sertools.models.load import load_model
from sertools.models.model import is_by_clip
from tests.helpers.small import noises

CLIPS = pd.DataFrame({"file": ["a.wav", "b.wav", "c.wav"]}, index=pd.Index(["c1", "c2", "c3"], name="clip"))


def table(folder: Path, text: str, name: str = "p.csv"):
    (folder / name).write_text(text, encoding="utf-8")
    return load_model(f"predictions:{folder / name}")


def test_rows_meet_clips_by_name_in_the_order_of_the_corpus(tmp_path):
    model = table(tmp_path, "clip,file,arousal,valence\nc3,c.wav,0.3,0.6\nc1,a.wav,0.1,0.4\n")
    assert is_by_clip(model)
    assert (model.name, model.labels, model.task) == ("p", ("arousal", "valence"), "regression")
    scores = model.scores(CLIPS)
    assert list(scores.index) == ["c1", "c2", "c3"]
    assert scores.loc["c1"].tolist() == [0.1, 0.4]
    assert scores.loc["c3"].tolist() == [0.3, 0.6]
    assert scores.loc["c2"].isna().all()


def test_rows_meet_files_where_the_table_names_no_clips(tmp_path):
    scores = table(tmp_path, "file;arousal\nb.wav;0.2\n").scores(CLIPS)
    assert scores["arousal"].fillna(-1).tolist() == [-1, 0.2, -1]


def test_several_segments_of_one_file_share_its_prediction(tmp_path):
    clips = CLIPS.assign(file="a.wav")
    assert table(tmp_path, "file,arousal\na.wav,0.2\n").scores(clips)["arousal"].tolist() == [0.2] * 3


def test_ids_keep_their_zeros(tmp_path):
    clips = CLIPS.set_axis(pd.Index(["001", "1", "NA"], name="clip"))
    scores = table(tmp_path, "clip,arousal\n1,0.5\n001,0.25\nNA,0.75\n").scores(clips)
    assert scores["arousal"].tolist() == [0.25, 0.5, 0.75]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_numbers_are_read_to_the_last_bit(tmp_path, suffix):
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.random(500) * 10.0 ** rng.integers(-30, 3, 500), [5e-324, -0.0, 0.1 + 0.2]])
    frame = pd.DataFrame({"clip": [f"c{i}" for i in range(503)], "arousal": values})
    path = tmp_path / f"p{suffix}"
    if suffix == ".csv":
        path.write_text("clip,arousal\n" + "".join(f"{c},{v!r}\n" for c, v in frame.itertuples(index=False)))
    else:
        frame.to_parquet(path, index=False)
    read = load_model(f"predictions:{path}").tables["clean"]["arousal"].to_numpy()
    assert read.tobytes() == values.tobytes()


def test_empty_cells_are_missing_and_never_zero(tmp_path):
    scores = table(tmp_path, "clip,arousal,valence\nc1,,\nc2,nan,0.5\nc3,0.5, \n").scores(CLIPS)
    assert scores.isna().to_numpy().tolist() == [[True, True], [True, False], [False, True]]


def test_a_row_that_lacks_the_number_of_one_class_answers_no_class(tmp_path):
    text = "clip,anger,joy,unused,arousal\nc1,0.2,0.8,,0.1\nc2,,0.5,,0.2\nc3,0.5,0.5,,0.3\n"
    scores = table(tmp_path, text).scores(CLIPS)
    assert scores["anger"].isna().tolist() == scores["joy"].isna().tolist() == [False, True, False]
    assert scores["arousal"].tolist() == [0.1, 0.2, 0.3]


def test_a_clip_with_an_empty_cell_is_listed_as_missing(tmp_path):
    model = table(tmp_path, "clip,anger,joy\nclip 000,0.2,0.8\nclip 001,,0.5\nclip 002,0.5,0.5\n")
    found = predict.predict(model, noises(tmp_path / "c", 3))["clean"]
    assert found.missing[["clip", "reason"]].values.tolist() == [
        ["clip 001", "p has no complete row for this clip"]
    ]
    assert found.scores.notna().all(axis=1).tolist() == [True, False, True]


def test_columns_that_are_no_dimension_make_it_a_classifier(tmp_path):
    assert table(tmp_path, "clip,ang,neu\nc1,0.5,0.5\n").task == "single_label"
    assert table(tmp_path, "clip,activation\nc1,0.5\n", "q.csv").task == "regression"


def test_another_table_has_another_fingerprint(tmp_path):
    one, other = (table(tmp_path, f"clip,arousal\nc1,{v}\n", f"{v}.csv") for v in ("0.5", "0.6"))
    assert one.fingerprint != other.fingerprint
    assert one.facts["rows"] == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "p.csv is empty"),
        ("clip,arousal\n", "p.csv lists no clips"),
        ("name,arousal\nc1,0.5\n", "neither a column 'clip' nor 'file': it has name, arousal"),
        ("clip,file\nc1,a.wav\n", "no score columns: its columns are clip, file"),
        ("clip,arousal\nc1,high\n", "arousal of 'c1' is 'high', which is not a number"),
        ("clip,arousal\nc1,1_0\n", "not a number"),
        ("clip,arousal\nc1,inf\n", "arousal of 'c1' is infinite"),
        ("clip,arousal\nc1,-Infinity\n", "arousal of 'c1' is infinite"),
        ("clip,arousal\nc1,0.5\nc1,0.6\n", "has 'c1' more than once.*keep one row per clip"),
        ("clip,arousal,arousal\nc1,0.5,0.6\n", "has the column 'arousal' twice"),
        ("clip,arousal\nc1,0.5,0.6\n", "line 2: 3 values for 2 columns"),
    ],
)
def test_a_table_that_cannot_be_used_says_why(tmp_path, text, said):
    with pytest.raises(ModelError, match=said):
        table(tmp_path, text)


def test_a_file_that_is_not_there_or_no_table(tmp_path):
    with pytest.raises(ModelError, match="no such file"):
        load_model(f"predictions:{tmp_path / 'none.csv'}")
    (tmp_path / "p.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(ModelError, match="is not a readable Parquet file"):
        load_model(f"predictions:{tmp_path / 'p.parquet'}")
    (tmp_path / "p.csv").write_bytes(b"clip,arousal\n\xff\xfe,1\n")
    with pytest.raises(ModelError, match="not UTF-8"):
        load_model(f"predictions:{tmp_path / 'p.csv'}")


def test_a_table_of_another_corpus_is_refused_with_both_names(tmp_path):
    model = table(tmp_path, "clip,arousal\nx9,0.5\n")
    with pytest.raises(
        ModelError, match="no clip of .*p.csv is in the corpus: it has 'x9', the corpus has 'c1'"
    ):
        model.scores(CLIPS)


def test_rows_for_no_clip_are_named_once(tmp_path):
    rows = "".join(f"x{i},0.5\n" for i in range(7))
    model = table(tmp_path, f"clip,arousal\nc1,0.1\n{rows}")
    assert model.scores(CLIPS)["arousal"].isna().tolist() == [False, True, True]
    model.scores(CLIPS)
    assert model.facts["notes"] == ["7 rows match no clip of the corpus: x0, x1, x2, x3, x4, …."]


def test_a_path_matches_however_it_is_written(tmp_path):
    clips = CLIPS.assign(file=["./a/1.wav", "a/2.wav", "a/3.wav"])
    model = table(tmp_path, "file,arousal\na/1.wav,0.1\na\\2.wav,0.2\n.//a/3.wav,0.3\n")
    assert model.scores(clips)["arousal"].tolist() == [0.1, 0.2, 0.3]
    assert model.facts["notes"] == []


def test_every_condition_is_read_and_clean_is_the_default(tmp_path):
    text = "clip,condition,arousal\nc1,clean,0.1\nc1,gain@1dB,0.9\nc2,clean,0.2\nc2,gain@1dB,0.8\n"
    model = table(tmp_path, text)
    assert model.conditions == ("clean", "gain@1dB")
    assert model.facts["notes"] == ["The table has predictions for clean, gain@1dB."]
    assert model.scores(CLIPS)["arousal"].fillna(-1).tolist() == [0.1, 0.2, -1]
    assert model.scores(CLIPS, "gain@1dB")["arousal"].fillna(-1).tolist() == [0.9, 0.8, -1]


def test_a_clip_may_repeat_under_other_conditions_only(tmp_path):
    text = "clip,condition,arousal\nc1,clean,0.1\nc1,gain@1dB,0.9\nc1,gain@1dB,0.8\n"
    with pytest.raises(ModelError, match="'c1' more than once for condition 'gain@1dB'"):
        table(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("clip,arousal\n,0.5\n", "has an empty clip in row 1"),
        ("clip,condition,arousal\nc1,gain@1dB,0.1\n", "no rows for the condition 'clean': it has gain@1dB"),
    ],
)
def test_rows_that_belong_to_nothing_are_refused(tmp_path, text, said):
    with pytest.raises(ModelError, match=said):
        table(tmp_path, text)


def test_blanks_around_ids_are_treated_as_in_manifests(tmp_path):
    (tmp_path / "p.csv").write_text("clip,arousal\n a ,0.5\nb\t,0.25\n")
    model = load_model(f"predictions:{tmp_path / 'p.csv'}")
    clips = pd.DataFrame({"file": ["a.wav", "b.wav"]}, index=pd.Index(["a", "b"], name="clip"))
    assert model.scores(clips)["arousal"].tolist() == [0.5, 0.25]
    (tmp_path / "p.csv").write_text("clip,arousal\na,0.5\n a,0.25\n")
    with pytest.raises(ModelError, match="has 'a' more than once"):
        load_model(f"predictions:{tmp_path / 'p.csv'}")
