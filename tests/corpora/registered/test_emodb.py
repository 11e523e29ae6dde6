"""EmoDB is read by its file names, from either layout."""

from pathlib import Path

import pandas as pd
import pytest

from sertools.corpora.load import load_corpus
from sertools.corpora.registered import emodb, emodb2, emodb_low_agreement
from sertools.corpora.registry import verified
from tests.helpers.places import ROOT

DATA = ROOT / ".." / "shared" / "data"
needs_speech = pytest.mark.skipif(not DATA.is_dir(), reason="the speech in ../shared/data is not here")

# By hand, from the code book: W Wut, L Langeweile, E Ekel, A Angst, F Freude, T Trauer, N neutral.
FILES = {
    "03a01Wa": ("03", "male", "anger", "train"),
    "08a02Lb": ("08", "female", "boredom", "train"),
    "09a04Ea": ("09", "female", "disgust", "train"),
    "10a05Aa": ("10", "male", "fear", "train"),
    "12b01Fa": ("12", "male", "happiness", "test"),
    "14b02Tc": ("14", "female", "sadness", "test"),
    "16b10Na": ("16", "female", "neutral", "test"),
}


def test_names_in_the_original_folder_say_everything(tmp_path: Path) -> None:
    (tmp_path / "wav").mkdir()
    for stem in FILES:
        (tmp_path / "wav" / f"{stem}.wav").touch()
    (tmp_path / "wav" / "readme.wav").touch()
    assert emodb.recognises(tmp_path)
    corpus = load_corpus(str(tmp_path))
    assert corpus.name == "emodb"
    assert corpus.clips["file"].tolist() == [f"wav/{stem}.wav" for stem in FILES]
    read = list(corpus.clips[["speaker", "sex", "emotion", "split"]].itertuples(index=False, name=None))
    assert read == list(FILES.values())
    assert corpus.clips["age"].tolist() == [31, 34, 21, 32, 30, 35, 31]
    assert corpus.clips["transcript"].iloc[0] == "Der Lappen liegt auf dem Eisschrank."
    assert "published: 535 clips, found 7" in corpus.notes[-3]


def test_suffixes_in_capitals_are_read(tmp_path: Path) -> None:
    (tmp_path / "wav").mkdir()
    (tmp_path / "wav" / "03a01Wa.WAV").touch()
    assert load_corpus(str(tmp_path)).clips["file"].tolist() == ["wav/03a01Wa.WAV"]


def test_other_folders_are_not_emodb(tmp_path: Path) -> None:
    assert not emodb.recognises(tmp_path)
    (tmp_path / "metadata.csv").write_text("file\nx.wav\n")
    assert not emodb.recognises(tmp_path)
    assert not emodb_low_agreement.recognises(tmp_path)
    (tmp_path / "metadata.csv").write_bytes(b"\xff\xfe")
    assert not emodb.recognises(tmp_path)


@needs_speech
@pytest.mark.parametrize("name", ["emodb", "emodb_low_agreement"])
def test_codes_say_what_the_table_of_the_conversion_says(name: str) -> None:
    table = pd.read_csv(DATA / name / "metadata.csv", dtype=str)
    for column, values in emodb.decoded(table["file"].tolist()).items():
        if column in table:
            assert [str(value) for value in values] == table[column].tolist(), column


@needs_speech
def test_published_counts_are_met() -> None:
    clips = emodb.scan(DATA / "emodb")
    assert len(verified(clips, emodb.EXPECTED)) == 1
    assert sum(emodb.EXPECTED[emotion] for emotion in emodb.EMOTIONS.values()) == 535


@needs_speech
def test_takes_that_were_not_recognised_are_a_corpus_of_their_own() -> None:
    corpus = load_corpus(str(DATA / "emodb_low_agreement"))
    assert corpus.name == "emodb-low-agreement"
    assert corpus.notes[0].startswith("as published: 281 of 281 clips, 10 of 10 speakers")
    assert not set(corpus.clips.index) & set(load_corpus(str(DATA / "emodb")).clips.index)


def test_second_release_has_the_takes_of_both_corpora(tmp_path: Path) -> None:
    (tmp_path / "wav").mkdir()
    stems = [f"{speaker}{text}{emotion}{take}" for speaker in emodb.AGES for text in list(emodb.SENTENCES)[:8]
             for emotion in "WLEAFTN" for take in "a"]  # fmt: skip
    for stem in stems:
        (tmp_path / "wav" / f"{stem}.wav").touch()
    (tmp_path / "db.yaml").write_text(
        "name: emodb\nsource: x\nusage: unrestricted\nlanguages: [deu]\n"
        "schemes:\n  rate: {dtype: float}\n"
        "tables:\n  emotion:\n    type: filewise\n    columns:\n      emotion.confidence: {scheme_id: rate}\n"
    )
    rows = "".join(f"wav/{stem}.wav,0.5\n" for stem in stems)
    (tmp_path / "db.emotion.csv").write_text(f"file,emotion.confidence\n{rows}")
    assert emodb2.recognises(tmp_path)
    corpus = load_corpus("emodb-2", data_root=tmp_path)
    assert len(corpus.clips) == len(stems) == 560
    assert corpus.clips["recognition_rate"].tolist() == [0.5] * len(stems)
    assert corpus.clips.loc["wav/03a01Wa.wav", "emotion"] == "anger"
    for stem in stems[:100]:
        (tmp_path / "wav" / f"{stem}.wav").unlink()
    assert not emodb2.recognises(tmp_path)
