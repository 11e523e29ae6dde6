"""Corpora that are not here are read from small trees in their published layout."""

import json
from pathlib import Path

import pandas as pd
import pytest

from sertools.corpora import registry
from sertools.corpora.load import load_corpus
from sertools.corpora.raters.attach import with_published_raters
from sertools.errors import CorpusError
from tests.corpora.registered import trees_of_names, trees_of_tables
from tests.corpora.registered.trees import Tree, make

TREES = {**trees_of_names.TREES, **trees_of_tables.TREES}
FLAT = {stem: tree for stem, tree in TREES.items() if tree.flat}


def plain(value: object) -> object:
    return None if pd.isna(value) else value


def read(clips: pd.DataFrame, expected: dict[str, object]) -> dict[str, object]:
    assert len(clips) == 1
    return {column: plain(clips[column].iloc[0]) for column in expected}


@pytest.mark.parametrize("stem", TREES)
def test_labels_are_those_of_the_layout(stem: str, tmp_path: Path) -> None:
    tree = TREES[stem]
    corpus = load_corpus(str(make(tree, tmp_path / "speech")))
    assert corpus.name == registry.main_name(stem)
    for file, expected in tree.clips.items():
        told = {k: "male" if (k, v) == ("sex", "m") else v for k, v in expected.items()}
        assert read(corpus.clips[corpus.clips["file"] == file], told) == pytest.approx(told), file
    assert all(corpus.path(clip).is_file() for clip in corpus.clips.index)
    assert corpus.citation
    assert corpus.licence


@pytest.mark.parametrize("stem", FLAT)
def test_all_files_in_one_folder_say_the_same(stem: str, tmp_path: Path) -> None:
    tree = FLAT[stem]
    flat = load_corpus(str(make(Tree(sounds=tree.flat, clips={}), tmp_path / "flat"))).clips
    nested = load_corpus(str(make(Tree(sounds=tree.sounds, clips={}), tmp_path / "nested"))).clips
    assert len(flat) == len(nested)
    columns = [c for c in ("speaker", "emotion", "sex", "sentence") if c in nested]

    def rows(clips: pd.DataFrame) -> list[list[str]]:
        return sorted(clips[columns].astype(str).to_numpy().tolist())

    assert rows(flat) == rows(nested)


@pytest.mark.parametrize("stem", [stem for stem, tree in TREES.items() if tree.raters])
def test_raters_name_clips_of_the_corpus(stem: str, tmp_path: Path) -> None:
    tree = TREES[stem]
    root = make(tree, tmp_path)
    table = registry.modules()[stem].raters(root)
    assert [tuple(row) for row in table[["clip", "rater", "emotion"]].to_numpy()] == list(tree.raters)
    corpus = load_corpus(str(root))
    assert set(table["clip"]) <= set(corpus.clips.index)
    shown = [
        (clip, rater)
        for clip, names, said in corpus.clips[["raters", "ratings_emotion"]].dropna().itertuples()
        for rater, emotion in zip(json.loads(names), json.loads(said), strict=True)
    ]
    assert sorted(shown) == sorted(row[:2] for row in tree.raters)
    assert any("rating" in note and "rater" in note for note in corpus.notes)


def test_a_release_without_its_raters_is_read_and_says_so(tmp_path: Path) -> None:
    def missing(root: Path) -> pd.DataFrame:
        raise CorpusError(f"{root.name} has no votes.csv")

    def strangers(root: Path) -> pd.DataFrame:
        return pd.DataFrame({"clip": ["a", "b"], "rater": ["1", "1"], "emotion": ["sadness", "anger"]})

    table = pd.DataFrame({"clip": ["a"], "file": ["a.wav"]})
    same, notes = with_published_raters(table, tmp_path / "corpus", missing)
    assert same is table
    assert notes == ["no raters: corpus has no votes.csv"]
    rated, notes = with_published_raters(table, tmp_path, strangers)
    assert rated["ratings_emotion"].tolist() == ['["sadness"]']
    assert "1 rated clip is not in the corpus" in notes[1]


def test_no_tree_is_taken_for_another_corpus(tmp_path: Path) -> None:
    for stem, tree in TREES.items():
        root = make(tree, tmp_path / stem)
        claims = [name for name, module in registry.modules().items() if module.recognises(root)]
        assert claims == [stem]


def test_every_reader_was_tried_on_the_release_or_on_a_tree() -> None:
    untried = {stem for stem in registry.modules() if registry.tried(stem) == registry.NOT_TRIED}
    assert untried - {"iemocap", "mosi", "emodb2"} == set(TREES)  # those have tests of their own


def test_a_folder_of_that_name_here_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    make(TREES["savee"], tmp_path / "SAVEE")
    make(TREES["emovo"], tmp_path / "savee-copy")
    monkeypatch.chdir(tmp_path)
    assert load_corpus("savee").root == Path("SAVEE")
    assert "4 of 4 speakers" in load_corpus("savee").notes[0]


def test_videos_of_mead_beside_the_sound_do_not_hide_it(tmp_path: Path) -> None:
    for name in (
        "audio/angry/level_1/001.m4a",
        "video/front/angry/level_1/001.mp4",
        "video/top/sad/level_3/002.mp4",
    ):
        path = tmp_path / "M003" / name
        path.parent.mkdir(parents=True)
        path.touch()
    corpus = load_corpus(str(tmp_path))
    assert corpus.name == "mead"
    assert corpus.clips["file"].tolist() == ["M003/audio/angry/level_1/001.m4a"]


def test_texts_of_esd_are_found_wherever_the_archive_is_unpacked(tmp_path: Path) -> None:
    folder = tmp_path / "Emotional Speech Dataset (ESD)" / "Emotion Speech Dataset" / "0011"
    (folder / "Happy").mkdir(parents=True)
    (folder / "Happy/0011_000701.wav").touch()
    (folder / "0011.txt").write_text("0011_000701\tThe nine the eggs.\tHappy\n")
    corpus = load_corpus("esd", data_root=tmp_path)
    assert corpus.clips["transcript"].tolist() == ["The nine the eggs."]


@pytest.mark.parametrize(
    ("name", "folder", "file"),
    [("biic-nnime", "NNIME", "Audios/angry_01_A_002.wav"), ("savee", "The SAVEE database", "DC/a01.wav")],
)
def test_folder_of_another_usual_name_beside_the_user_is_found(
    name: str, folder: str, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / folder / file).parent.mkdir(parents=True)
    (tmp_path / folder / file).touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    assert load_corpus(name).clips["file"].tolist() == [file]


@pytest.mark.parametrize("stem", [stem for stem, m in registry.modules().items() if not hasattr(m, "make")])
def test_reader_tells_the_traps_of_its_corpus_and_published_counts(stem: str) -> None:
    module = registry.modules()[stem]
    assert "Traps: " in str(module.__doc__)
    assert hasattr(module, "EXPECTED") or hasattr(module, "expected")
