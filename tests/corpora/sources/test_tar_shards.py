"""WebDataset: files of one name in a tar are one clip, and no name of the archive is written to."""

import io
import tarfile
from pathlib import Path

import pytest

from sertools.corpora.load import load_corpus
from sertools.errors import CorpusError
from tests.corpora.registered.trees import SOUND


def shard(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_files_of_one_name_are_one_clip(tmp_path: Path) -> None:
    (tmp_path / "shards").mkdir()
    shard(tmp_path / "shards" / "0.tar", {
        "x/1.wav": SOUND, "x/1.json": b'{"speaker": "anna", "emotion": "angry"}', "x/1.txt": b"yes\n",
        "../../escape.wav": SOUND, "../../escape.cls": b"sad",
    })  # fmt: skip
    shard(
        tmp_path / "shards" / "1.tar", {"3.json": b'{"speaker": "ben", "emotion": "neutral"}', "3.wav": SOUND}
    )
    corpus = load_corpus(str(tmp_path / "shards"))
    assert corpus.clips.index.tolist() == ["1", "escape", "3"]
    assert corpus.clips["emotion"].tolist() == ["anger", "sadness", "neutral"]
    assert corpus.clips["transcript"].tolist()[0] == "yes"
    assert all(corpus.path(clip).resolve().is_relative_to(tmp_path / "cache") for clip in corpus.clips.index)
    alone = load_corpus(str(tmp_path / "shards" / "1.tar"))
    assert alone.clips["speaker"].tolist() == ["ben"]


def test_broken_archives_are_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "bad.tar").write_bytes(b"no tar at all" * 100)
    with pytest.raises(CorpusError, match=r"bad\.tar is not a readable tar file"):
        load_corpus(str(tmp_path / "bad.tar"))
    shard(tmp_path / "words.tar", {"1.txt": b"yes"})
    with pytest.raises(CorpusError, match="has no clips"):
        load_corpus(str(tmp_path / "words.tar"))
    shard(tmp_path / "json.tar", {"1.wav": SOUND, "1.json": b"["})
    with pytest.raises(CorpusError, match=r"1\.json is not JSON"):
        load_corpus(str(tmp_path / "json.tar"))
