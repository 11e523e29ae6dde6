"""A folder of recordings without labels is a corpus; a folder without recordings is not."""

from pathlib import Path

import numpy as np
import pytest

from sertools.audio.files import write_audio
from sertools.corpora.layouts.recordings import read_recordings
from sertools.corpora.load import load_corpus
from sertools.errors import CorpusError


def test_recordings_in_the_folder_itself_are_clips(tmp_path: Path) -> None:
    for name in ("b.WAV", "a.flac"):
        write_audio(tmp_path / name.lower(), np.zeros(400, dtype=np.float32), 16000)
    (tmp_path / "b.wav").rename(tmp_path / "b.WAV")
    (tmp_path / "notes.txt").touch()
    (tmp_path / "c.wav").mkdir()
    corpus = load_corpus(str(tmp_path))
    assert corpus.clips.index.tolist() == ["a.flac", "b.WAV"]
    assert not corpus.has_speakers
    assert any("no labels" in note for note in corpus.notes)


def test_a_table_is_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.wav").touch()
    (tmp_path / "labels.csv").write_text("file,emotion\na.wav,anger\n")
    with pytest.raises(CorpusError, match="is not a corpus"):
        load_corpus(str(tmp_path))


@pytest.mark.parametrize("file", ["a.txt", "deep/a.wav"])
def test_a_folder_without_recordings_of_its_own_is_none(file: str, tmp_path: Path) -> None:
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).touch()
    assert read_recordings(tmp_path) is None
