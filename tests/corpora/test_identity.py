"""Speakers under several spellings, with several sexes, or with a number as their sex, are told."""

from pathlib import Path

import pandas as pd
import pytest

from sertools.corpora.identity import doubts
from sertools.corpora.load import load_corpus
from sertools.errors import CorpusError


def clips_of(**columns: list[object]) -> pd.DataFrame:
    n = len(next(iter(columns.values())))
    files = {"file": [f"{i}.wav" for i in range(n)], "start": [float("nan")] * n, "end": [float("nan")] * n}
    table = pd.DataFrame({**files, **columns})
    return table.set_index(pd.Index(table["file"], name="clip"))


def test_a_table_without_doubts_has_no_sentences() -> None:
    assert (
        doubts(clips_of(speaker=["03", "03", "13", "1-3", None], sex=["female", "female", *["male"] * 3]))
        == []
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [("03", "3"), ("3", "03.0"), ("./a", "a"), ("Anna", "anna"), ("spk_3", "spk03"), ("msp:03", "msp:3")],
)
def test_speakers_that_may_be_one_are_named_with_their_clips(one: str, other: str) -> None:
    found = doubts(clips_of(speaker=[one, one, other, "x"]))
    names = sorted([(one, 2), (other, 1)])
    written = " and ".join(f"{name!r} ({n} clip{'s' * (n > 1)})" for name, n in names)
    assert found == [
        f"1 speaker may be written in several ways: {written}; they count as different; "
        f"if they are the same, use --map-values speaker:{other}={one}"
    ]


@pytest.mark.parametrize(("one", "other"), [("1-01", "101"), ("3", "30"), ("a1", "b1"), ("01F", "01M")])
def test_different_speakers_are_left_alone(one: str, other: str) -> None:
    assert doubts(clips_of(speaker=[one, other])) == []


def test_speaker_with_two_sexes_is_named_with_the_clips_that_differ() -> None:
    clips = clips_of(speaker=["03", "03", "3", "08"], sex=["male", "male", "female", "female"])
    assert doubts(clips)[1] == (
        "1 speaker with more than one sex: 03/3 (male 2, female 1); "
        "1 clip differs from the most frequent of the speaker's sexes: 2.wav"
    )


def test_speaker_with_two_ages_is_named() -> None:
    clips = clips_of(speaker=["a", "a", "a", "b"], age=[31.0, 31.0, 13.0, 20.0])
    assert doubts(clips) == [
        "1 speaker with more than one age: a (31 2, 13 1); "
        "1 clip differs from the most frequent of the speaker's ages: 2.wav"
    ]


@pytest.mark.parametrize(("zero", "one"), [("0", "1"), ("1", "2"), ("false", "true"), ("0.0", "1.0")])
def test_sex_as_a_number_is_asked_for_and_never_guessed(zero: str, one: str) -> None:
    assert doubts(clips_of(sex=[zero, one, one])) == [
        f"sex is written as {zero} (1 clip) and {one} (2 clips), "
        f"and the table does not say what that means: use "
        f"--map-values sex:{zero}=female,{one}=male or --map-values sex:{zero}=male,{one}=female"
    ]


def test_file_under_two_paths_is_told() -> None:
    clips = clips_of(file=["./a.wav", "a.wav", "b.wav"])
    assert doubts(clips) == ["1 file with several paths: './a.wav' and 'a.wav'; each path counts as a clip"]


def manifest(folder: Path, text: str) -> str:
    (folder / "mine.csv").write_text(text)
    return str(folder / "mine.csv")


def test_doubts_are_notes_of_the_corpus_until_the_values_are_mapped(tmp_path: Path) -> None:
    spec = manifest(tmp_path, "file,speaker,gender\na,03,0\nb,3,0\nc,03,1\nd,08,1\n")
    column_map = {"gender": "sex"}
    corpus = load_corpus(spec, column_map=column_map)
    assert sorted(corpus.clips["speaker"].unique()) == ["03", "08", "3"]
    assert [note.partition(" ")[2][:20] for note in corpus.notes] == [
        "speaker may be writt", "speaker with more th", "is written as 0 (2 c",
    ]  # fmt: skip
    value_map = {"gender": {"0": "male", "1": "f"}, "speaker": {"3": "03"}}
    corpus = load_corpus(spec, column_map=column_map, value_map=value_map)
    assert corpus.clips["speaker"].tolist() == ["03", "03", "03", "08"]
    assert corpus.clips["sex"].tolist() == ["male", "male", "female", "female"]
    assert [note[:32] for note in corpus.notes] == ["1 speaker with more than one sex"]


def test_values_that_cannot_be_mapped_are_named(tmp_path: Path) -> None:
    spec = manifest(tmp_path, "file,sex\na,0\nb,1\n")
    with pytest.raises(CorpusError) as caught:
        load_corpus(spec, value_map={"sex": {"2": "male"}})
    assert str(caught.value) == (
        "--map-values sex:2=male: no clip of mine.csv has sex '2' (its values are 0, 1)"
    )
    with pytest.raises(CorpusError) as caught:
        load_corpus(spec, value_map={"gender": {"0": "male"}})
    assert str(caught.value) == "--map-values gender: mine.csv has no column 'gender'; it has file, sex"


def test_doubts_are_those_of_the_split(tmp_path: Path) -> None:
    spec = manifest(tmp_path, "file,speaker,split\na,03,test\nb,3,train\n")
    assert load_corpus(f"{spec}:test").notes == ()
    assert len(load_corpus(spec).notes) == 1
