"""A table that somebody wrote becomes clips, or the error says which value is wrong."""

import math
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sertools.corpora.clips import Reading, as_clips, prefixed
from sertools.corpora.columns import look_alikes
from sertools.corpora.layouts.manifest import read_table
from sertools.errors import CorpusError


def clips_of(text: str, tmp_path: Path, **options: object) -> pd.DataFrame:
    path = tmp_path / "labels.csv"
    path.write_text(text, encoding="utf-8")
    return as_clips(read_table(path), source=path.name, reading=Reading(**options))[0]  # type: ignore[arg-type]  # test options


def sentence(text: str, tmp_path: Path, **options: object) -> str:
    with pytest.raises(CorpusError) as caught:
        clips_of(text, tmp_path, **options)
    return str(caught.value)


def test_ids_keep_their_zeros_and_numbers_become_numbers(tmp_path: Path) -> None:
    clips = clips_of(
        "file,speaker,age,take,room,sentence,empty\na.wav,03,31,1.5,007,12,\nb.wav,3,,2,8,3,\n", tmp_path
    )
    assert clips["speaker"].tolist() == ["03", "3"]
    assert clips["take"].tolist() == [1.5, 2.0]
    assert clips["room"].tolist() == ["007", "8"]
    assert clips["sentence"].tolist() == ["12", "3"]  # sentence names stay text, even if they are digits
    assert clips["age"].iloc[0] == 31
    assert math.isnan(clips["age"].iloc[1])
    assert clips["empty"].isna().all()
    assert clips.index.tolist() == ["a.wav", "b.wav"]
    assert clips.index.name == "clip"
    assert clips[["start", "end"]].isna().all(axis=None)


def test_labels_meet_in_the_fields_words(tmp_path: Path) -> None:
    clips = clips_of("file,sex,emotion\na,W,ANG\nb,m,joy\nc,divers,Ennui\nd,nan,\n", tmp_path)
    assert clips["sex"].tolist()[:3] == ["female", "male", "divers"]
    assert clips["emotion"].tolist()[:3] == ["anger", "happiness", "ennui"]
    assert clips.loc["d", ["sex", "emotion"]].isna().all()


def test_label_map_is_asked_first(tmp_path: Path) -> None:
    clips = clips_of("file,emotion\na,exc\nb,W\n", tmp_path, label_map={"exc": "happy", "W": "Wut"})
    assert clips["emotion"].tolist() == ["happiness", "anger"]


def test_ratings_are_scaled_linearly_and_unrated_stays_unrated(tmp_path: Path) -> None:
    clips = clips_of("file,arousal\na,1\nb,4\nc,7\nd,\ne,nan\n", tmp_path, scale={"arousal": (1, 7)})
    np.testing.assert_array_equal(clips["arousal"], [0, 0.5, 1, math.nan, math.nan])


def test_ratings_without_a_declared_scale_stay_to_the_last_bit(tmp_path: Path) -> None:
    clips = clips_of("file,valence\na,0.1\nb,0.30000000000000004\n", tmp_path)
    assert clips["valence"].tolist() == [0.1, 0.30000000000000004]


def test_segments_have_ids_of_their_own(tmp_path: Path) -> None:
    clips = clips_of("file,start,end\na,0,1.5\na,1.5,\na,,\nb,,2.25\n", tmp_path)
    assert clips.index.tolist() == ["a#0-1.5", "a#1.5-", "a", "b#-2.25"]
    assert clips["end"].iloc[0] == 1.5


def test_times_as_audformat_writes_them_are_seconds(tmp_path: Path) -> None:
    clips = clips_of("file,start,end\na,0 days 00:00:01.5,0 days 00:01:00\n", tmp_path)
    assert clips.loc["a#1.5-60", ["start", "end"]].tolist() == [1.5, 60.0]


def test_own_clip_ids_are_kept(tmp_path: Path) -> None:
    assert clips_of("clip,file\n001,a\n1,a\n", tmp_path).index.tolist() == ["001", "1"]


def test_speakers_of_several_corpora_in_one_manifest_are_told_apart(tmp_path: Path) -> None:
    text = "file,corpus,speaker\na,msp,12\nb,iemocap,12\nc,msp,msp:12\nd,msp,\n"
    clips = clips_of(text, tmp_path)
    assert clips["speaker"].tolist()[:3] == ["msp:12", "iemocap:12", "msp:12"]
    assert pd.isna(clips["speaker"].iloc[3])
    assert clips_of("file,corpus,speaker\na,msp,12\n", tmp_path)["speaker"].tolist() == ["12"]


@pytest.mark.parametrize(
    "text",
    [
        "file,emotion,note\na,sad,1\n",
        "file;emotion;note\na;sad;1\n",
        "file\temotion\tnote\na\tsad\t1\n",
        '"file","emotion","note"\n"a","sad","1"\n',
        "\ufefffile,emotion,note\r\na,sad,1\r\n\r\n",
        " file , emotion,note \n a ,sad , 1",
    ],
)
def test_separators_quotes_marks_and_blanks_do_not_matter(text: str, tmp_path: Path) -> None:
    clips = clips_of(text, tmp_path)
    assert clips.columns.tolist() == ["file", "start", "end", "emotion", "note"]
    assert clips.loc["a", "emotion"] == "sadness"


def test_quoted_transcript_may_hold_separators_and_line_breaks(tmp_path: Path) -> None:
    clips = clips_of('file,transcript\na,"well, ""no""\nnone"\nb,None\n', tmp_path)
    assert clips["transcript"].tolist() == ['well, "no"\nnone', "None"]


def test_parquet_keeps_types_and_its_index(tmp_path: Path) -> None:
    index = pd.MultiIndex.from_arrays(
        [["a", "b"], pd.to_timedelta([0, 1], unit="s"), pd.to_timedelta([1.5, None], unit="s")],
        names=["file", "start", "end"],
    )
    table = pd.DataFrame({"speaker": [3.0, math.nan], "loud": [True, False]}, index=index)
    table.to_parquet(tmp_path / "t.parquet")
    clips, _ = as_clips(read_table(tmp_path / "t.parquet"), source="t.parquet")
    assert clips.index.tolist() == ["a#0-1.5", "b#1-"]
    assert clips["speaker"].iloc[0] == "3"
    assert pd.isna(clips["speaker"].iloc[1])
    assert clips["loud"].tolist() == [True, False]


def test_columns_are_renamed_and_may_swap(tmp_path: Path) -> None:
    text = "path,file,act\na.wav,1,0.5\n"
    clips = clips_of(text, tmp_path, column_map={"path": "file", "file": "number", "act": "arousal"})
    assert clips.loc["a.wav", ["number", "arousal"]].tolist() == [1, 0.5]


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("path,emotion\na,sad\n", {},
         "labels.csv has no column 'file'; its columns are path, emotion "
         "(if this is what they mean, add: --map path=file)"),
        ("where,emotion\na,sad\n", {},
         "labels.csv has no column 'file'; its columns are where, emotion "
         "(map the column that contains the paths: --map THEIRS=file)"),
        ("file,arousal\na.wav,0.5\nb.wav,5\n", {},
         "labels.csv: arousal of 'b.wav' is 5, outside 0 … 1 (the ratings are between 0.5 and 5; "
         "declare their scale, for instance --scale arousal=0:5)"),
        ("file,arousal\na.wav,1\nb.wav,6.5\n", {},
         "labels.csv: arousal of 'b.wav' is 6.5, outside 0 … 1 (the ratings are between 1 and 6.5; "
         "declare their scale, for instance --scale arousal=1:7)"),
        ("file,arousal\na.wav,1\nb.wav,700\n", {},
         "labels.csv: arousal of 'b.wav' is 700, outside 0 … 1 (the ratings are between 1 and 700; "
         "declare their scale, --scale arousal=LOW:HIGH)"),
        ("file,arousal\na.wav,2\n", {"fixed": True}, "labels.csv: arousal of 'a.wav' is 2, outside 0 … 1"),
        ("file,arousal\na.wav,0.5\n", {"scale": {"arousal": (1, 5)}},
         "labels.csv: arousal of 'a.wav' is 0.5, outside 1 … 5 (the ratings are between 0.5 and 0.5; "
         "declare their scale, for instance --scale arousal=0:1)"),
        ("file,arousal\na.wav,high\n", {}, "labels.csv: arousal of 'a.wav' is 'high', not a number"),
        ("file;arousal\na.wav;0,5\nb.wav;0.5\n", {}, "labels.csv: arousal of 'a.wav' is '0,5', not a number "
         "(decimal commas and decimal points are mixed; use one of them)"),
        ("file,emotion\na,0\nb,1\nc,?\n", {},
         "labels.csv: the emotions are numbers (0, 1), and the table does not say what they mean "
         "(name them: --label-map 0=NAME --label-map 1=NAME)"),
        ("path,speaker_id,gender,label\na,3,0,sad\nb,4,1,sad\n", {},
         "labels.csv has no column 'file'; its columns are path, speaker_id, gender, label "
         "(if this is what they mean, add: --map path=file --map speaker_id=speaker --map gender=sex "
         "--map label=emotion; the table does not say which gender 0 and 1 are: also "
         "use --map-values sex:0=female,1=male or --map-values sex:0=male,1=female)"),
        ("file,arousal\na.wav,inf\n", {}, "labels.csv: arousal of 'a.wav' is 'inf', not a number"),
        ("file,arousal\na.wav,1_0\n", {}, "labels.csv: arousal of 'a.wav' is '1_0', not a number"),
        ("file,start\na.wav,some days\n", {}, "labels.csv: start of 'a.wav' is 'some days', not a number"),
        ("file,start\na.wav,soon\n", {}, "labels.csv: start of 'a.wav' is 'soon', not a number"),
        ("file,arousal\na.wav,1\n", {"scale": {"arousal": (7, 1)}},
         "--scale arousal=7:1: the lower limit must come first"),
        ("file\na.wav\n", {"scale": {"arousal": (1, 7)}},
         "--scale arousal: labels.csv has no column 'arousal'"),
        ("file,emotion\na.wav,sad\n", {"scale": {"emotion": (1, 7)}},
         "--scale emotion: only arousal, dominance, valence have a scale"),
        ("file\na.wav\na.wav\na.wav\n", {},
         "labels.csv: clip 'a.wav' appears 3 times "
         "(one row per clip; several clips of one file need start and end)"),
        ("clip,file\n,a.wav\n", {}, "labels.csv: 'a.wav' has no id in the column 'clip'"),
        ("file,sex\n,f\n", {}, "labels.csv: clip number 1 has no file"),
        ("file,start,end\na.wav,2,1\n", {},
         "labels.csv: 'a.wav' starts at 2 s and ends at 1 s (start and end are seconds, 0 ≤ start < end)"),
        ("file,start,end\na.wav,1,1\n", {},
         "labels.csv: 'a.wav' starts at 1 s and ends at 1 s (start and end are seconds, 0 ≤ start < end)"),
        ("file,start,end\na.wav,-1,1\n", {},
         "labels.csv: 'a.wav' starts at -1 s and ends at 1 s (start and end are seconds, 0 ≤ start < end)"),
        ("file,act\na.wav,1\n", {"column_map": {"aro": "arousal"}},
         "--map aro=arousal: labels.csv has no column 'aro'; it has file, act"),
        ("file,act,arousal\na.wav,1,0\n", {"column_map": {"act": "arousal"}},
         "with this --map, 'act' and 'arousal' of labels.csv would both be named 'arousal' "
         "(map the other column to a different name)"),
        ("file,file\na.wav,b.wav\n", {}, "labels.csv has the column 'file' twice"),
        ("file,sex\n", {}, "labels.csv lists no clips"),
        ("\n\n", {}, "labels.csv is empty"),
        ("", {}, "labels.csv is empty"),
        ("file,sex\na.wav\n", {},
         "labels.csv, line 2: 1 values for 2 columns (quote values that contain the separator)"),
        ("file,transcript\na.wav,well, no\n", {},
         "labels.csv, line 2: 3 values for 2 columns (quote values that contain the separator)"),
        ('file,sex\na.wav,"f\n', {}, "labels.csv, line 2: unexpected end of data"),
        ("file\0,sex\na,b\n", {}, "labels.csv is not a text file (save it as CSV, UTF-8)"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_one_sentence(text: str, options: dict, said: str, tmp_path: Path) -> None:
    assert sentence(text, tmp_path, **options) == said


def test_lists_in_parquet_stay_lists(tmp_path: Path) -> None:
    pd.DataFrame({"file": ["a", "b"], "votes": [["x"], ["y", "z"]]}).to_parquet(tmp_path / "t.parquet")
    clips, _ = as_clips(read_table(tmp_path / "t.parquet"), source="t.parquet")
    assert [list(votes) for votes in clips["votes"]] == [["x"], ["y", "z"]]


def test_the_table_that_comes_in_is_left_alone() -> None:
    table = pd.DataFrame({"file": ["a"], "emotion": ["ang"], "arousal": ["0.5"]})
    before = table.copy()
    as_clips(table, source="t")
    pd.testing.assert_frame_equal(table, before)


def test_prefix_is_added_once_and_never_to_the_unknown() -> None:
    assert prefixed(pd.Series(["1", "a:1"]), "a").tolist() == ["a:1", "a:1"]
    assert prefixed(pd.Series(["1", None]), "a").isna().tolist() == [False, True]


def test_look_alikes_are_offered_only_where_the_label_is_missing() -> None:
    assert look_alikes(["file", "sex", "gender", "arousal", "activation"]) == []
    assert look_alikes(["file", "gender"]) == [
        "column 'gender' is kept as an attribute; if it is sex, use --map gender=sex"
    ]


UNKNOWN = ("Unknown", "unknown", "-1", "xxx", "no agreement", "no_agreement", "<unk>", "?", "", "N/A")


@pytest.mark.parametrize("word", UNKNOWN)
def test_a_word_for_the_unknown_is_no_speaker_sex_age_or_emotion(word: str, tmp_path: Path) -> None:
    text = f"file,speaker,sex,age,language,emotion\na,03,f,31,deu,sad\nb,{word},{word},{word},{word},{word}\n"
    clips = clips_of(text, tmp_path)
    assert clips.loc["b", ["speaker", "sex", "age", "language", "emotion"]].isna().all()
    assert clips.loc["a", ["speaker", "sex", "age", "emotion"]].tolist() == ["03", "female", 31, "sadness"]


def test_minus_one_is_a_rating(tmp_path: Path) -> None:
    clips = clips_of("file,valence\na,-1\nb,3\n", tmp_path, scale={"valence": (-3, 3)})
    assert clips["valence"].tolist() == [1 / 3, 1.0]


def test_minus_one_in_a_column_of_numbers_is_unknown_too() -> None:
    table = pd.DataFrame({"file": ["a", "b"], "speaker": [3, -1], "age": [31, -1]})
    clips, _ = as_clips(table, source="t")
    assert clips.loc["a", ["speaker", "age"]].tolist() == ["3", 31]
    assert clips.loc["b", ["speaker", "age"]].isna().all()


def test_unknown_values_are_counted_with_their_words() -> None:
    table = pd.DataFrame({"file": list("abcde"), "speaker": ["1", "?", "Unknown", "?", ""],
                          "emotion": ["sad", "xxx", "sad", "sad", "no agreement"]})  # fmt: skip
    assert as_clips(table, source="t")[1] == [
        "speaker of 3 clips is unknown: '?' (2), 'Unknown' (1)",
        "emotion of 2 clips is unknown: 'xxx' (1), 'no agreement' (1)",
    ]


def test_label_map_decides_about_words_for_the_unknown(tmp_path: Path) -> None:
    text = "file,emotion\na,xxx\nb,other\nc,sad\n"
    assert clips_of(text, tmp_path, label_map={"xxx": "mixed"})["emotion"].tolist()[0] == "mixed"
    assert clips_of(text, tmp_path, label_map={"other": "unknown"})["emotion"].isna().tolist()[1]
    assert clips_of(text, tmp_path)["emotion"].tolist()[1] == "other"
    assert clips_of(text, tmp_path, no_emotion=("oth",))["emotion"].isna().tolist() == [True, True, False]


def test_decimal_commas_are_read_and_told() -> None:
    table = pd.DataFrame({"file": ["a", "b", "c"], "arousal": ["0,25", "1", ""], "start": ["1,5", "0", ""]})
    clips, notes = as_clips(table, source="t")
    np.testing.assert_array_equal(clips["arousal"], [0.25, 1, math.nan])
    assert clips["start"].iloc[0] == 1.5
    assert notes == [
        "start of 1 clip is written with a decimal comma",
        "arousal of 1 clip is written with a decimal comma",
    ]


def test_times_with_colons_and_in_milliseconds_are_seconds(tmp_path: Path) -> None:
    clips = clips_of("file,start,end\na,0:00:01.5,01:02:03\nb,1:30,2:00\n", tmp_path)
    assert clips[["start", "end"]].to_numpy().tolist() == [[1.5, 3723.0], [90.0, 120.0]]
    clips = clips_of("file,start_ms,end_ms\na,1500,2250\n", tmp_path)
    assert clips.index.tolist() == ["a#1.5-2.25"]
    assert (
        sentence("file,arousal\na,1:30\n", tmp_path) == "labels.csv: arousal of 'a' is '1:30', not a number"
    )


@pytest.mark.skipif(os.sep == "\\", reason="a backslash separates folders on Windows")
def test_paths_of_windows_are_read_or_explained() -> None:
    clips, notes = as_clips(pd.DataFrame({"file": ["wav\\a.wav", "wav/b.wav"]}), source="t")
    assert clips["file"].tolist() == ["wav/a.wav", "wav/b.wav"]
    assert notes == ["1 path with backslashes, which are read as /"]
    _, notes = as_clips(pd.DataFrame({"file": ["C:\\wav\\a.wav"]}), source="t")
    assert notes[1].startswith("paths that begin with a drive, as C:\\, exist on Windows only; ")


def test_emotions_that_are_numbers_are_named_by_the_label_map(tmp_path: Path) -> None:
    names = {"0": "angry", "1": "sad"}
    assert clips_of("file,emotion\na,0\nb,1\n", tmp_path, label_map=names)["emotion"].tolist() == [
        "anger", "sadness",
    ]  # fmt: skip
