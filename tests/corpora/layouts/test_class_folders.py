"""A folder of emotions is a corpus; a folder of other folders is not."""

from pathlib import Path

import pytest

from sertools.corpora.load import load_corpus
from sertools.errors import CorpusError


def tree(root: Path, *files: str) -> str:
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).touch()
    return str(root)


def test_folders_are_emotions(tmp_path: Path) -> None:
    corpus = load_corpus(tree(tmp_path, "Angry/a.wav", "Angry/deep/b.WAV", "sad/c.flac", "sad/notes.txt"))
    assert corpus.clips["emotion"].to_dict() == {
        "Angry/a.wav": "anger", "Angry/deep/b.WAV": "anger", "sad/c.flac": "sadness",
    }  # fmt: skip
    assert "emotion is the name of the folder that the file is in" in corpus.notes


def test_folders_of_splits_hold_folders_of_emotions(tmp_path: Path) -> None:
    spec = tree(tmp_path, "train/anger/a.wav", "valid/anger/b.wav", "test/sadness/c.wav")
    assert load_corpus(spec).clips["split"].tolist() == ["test", "train", "dev"]
    assert load_corpus(f"{spec}:test").clips.index.tolist() == ["test/sadness/c.wav"]


def test_folders_of_speakers_are_no_emotions(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="no folders named like emotions"):
        load_corpus(tree(tmp_path, "anna/a.wav", "berta/b.wav"))


def test_folders_of_emotions_without_audio_are_no_corpus(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="no folders named like emotions"):
        load_corpus(tree(tmp_path, "anger/a.txt", "sadness/b.txt", ".git/c.wav"))
