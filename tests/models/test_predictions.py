import numpy as np
import pandas as pd
import pytest

from sertools.errors import ModelError
from sertools.model import load_model

CLIPS = pd.DataFrame(
    {"file": ["wav/a.wav", "wav/b.wav", "wav/c.wav"]}, index=pd.Index(["a", "b", "c"], name="clip")
)


def write(path, text):
    path.write_text(text)
    return f"predictions:{path}"


def test_rows_meet_clips_by_name_and_not_by_position(tmp_path):
    model = load_model(write(tmp_path / "p.csv", "clip,arousal,valence\nc,0.3,0.1\na,0.1,0.2\nb,0.2,0.3\n"))
    assert (model.labels, model.task) == (("arousal", "valence"), "regression")
    np.testing.assert_array_equal(model.scores(CLIPS), [[0.1, 0.2], [0.2, 0.3], [0.3, 0.1]])


def test_rows_meet_clips_by_file_where_there_are_no_clips(tmp_path):
    model = load_model(write(tmp_path / "p.csv", "file,anger,neutral\nwav/b.wav,1,0\nwav/a.wav,0,1\n"))
    assert model.task == "single_label"
    np.testing.assert_array_equal(model.scores(CLIPS), [[0, 1], [1, 0], [np.nan, np.nan]])


def test_numbers_are_read_to_the_last_bit(tmp_path):
    value = np.float64(0.1) + np.float64(0.2)
    spec = write(
        tmp_path / "p.csv", f"clip,arousal\na,{value!r}\n".replace("np.float64(", "").replace(")", "")
    )
    assert load_model(spec).scores(CLIPS)["arousal"].iloc[0] == value
    pd.DataFrame({"clip": ["a"], "arousal": [value]}).to_parquet(tmp_path / "p.parquet")
    assert load_model(f"predictions:{tmp_path / 'p.parquet'}").scores(CLIPS)["arousal"].iloc[0] == value


def test_missing_clips_are_nan_and_rows_for_no_clip_are_named(tmp_path):
    rows = "".join(f"x{i},0.5\n" for i in range(7))
    model = load_model(write(tmp_path / "p.csv", f"clip,arousal\na,0.1\n{rows}"))
    scores = model.scores(CLIPS)["arousal"]
    assert scores.isna().tolist() == [False, True, True]
    assert model.facts["notes"] == ["7 rows match no clip of the corpus: x0, x1, x2, x3, x4, …."]
    model.scores(CLIPS)
    assert len(model.facts["notes"]) == 1


def test_of_several_conditions_the_clean_one_is_read(tmp_path):
    text = "clip,condition,arousal\na,clean,0.1\na,gain@1dB,0.9\nb,clean,0.2\nb,gain@1dB,0.8\n"
    model = load_model(write(tmp_path / "p.csv", text))
    np.testing.assert_array_equal(model.scores(CLIPS)["arousal"], [0.1, 0.2, np.nan])
    assert model.facts["notes"] == ["Rows of other conditions were not read: gain@1dB."]


WRONG = [
    ("clip,arousal\na,0.1\na,0.2\n", "has 'a' more than once"),
    ("clip,arousal\na,high\n", "arousal of 'a' is 'high', no number"),
    ("clip,arousal\na,inf\n", "arousal of 'a' is infinite"),
    ("clip,arousal\n", "lists no clips"),
    ("clip,arousal\n,0.5\n", "has a row without clip: row 1"),
    ("name,arousal\na,0.1\n", "neither a column 'clip' nor 'file': it has name, arousal"),
    ("clip,file\na,a.wav\n", "has no column of scores"),
    ("clip,condition,arousal\na,gain@1dB,0.1\n", "no rows of the condition 'clean': it has gain@1dB"),
    ("", "cannot read predictions"),
]


@pytest.mark.parametrize(("text", "sentence"), WRONG)
def test_a_table_that_cannot_be_used_is_one_sentence(tmp_path, text, sentence):
    with pytest.raises(ModelError, match=sentence):
        load_model(write(tmp_path / "p.csv", text))


def test_a_file_that_is_not_there_or_for_another_corpus_is_one_sentence(tmp_path):
    with pytest.raises(ModelError, match=r"cannot read predictions: no such file: .*p\.csv"):
        load_model(f"predictions:{tmp_path / 'p.csv'}")
    model = load_model(write(tmp_path / "p.csv", "clip,arousal\nx,0.5\n"))
    with pytest.raises(ModelError, match="no clip of .* is in the corpus: it has 'x', the corpus has 'a'"):
        model.scores(CLIPS)
