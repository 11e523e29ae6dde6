"""Databases of audb are read from a repository, and from the cache without one."""

import shutil
from pathlib import Path

import pytest

from sertools.corpora.load import load_corpus
from sertools.errors import CorpusError
from tests.corpora.registered.trees import SOUND

audb = pytest.importorskip("audb", reason="needs the extra audb")
audformat = pytest.importorskip("audformat")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository in a folder with one database, `mine` 1.0.0, of two clips."""
    monkeypatch.setenv("AUDB_CACHE_ROOT", str(tmp_path / "cache"))
    (tmp_path / "host" / "repo").mkdir(parents=True)
    place = audb.Repository("repo", str(tmp_path / "host"), "file-system")
    monkeypatch.setattr(audb.config, "REPOSITORIES", [place])
    (tmp_path / "mine" / "wav").mkdir(parents=True)
    files = ["wav/a.wav", "wav/b.wav"]
    for i, file in enumerate(files):
        (tmp_path / "mine" / file).write_bytes(SOUND + bytes(2 * i))
    database = audformat.Database("mine", license="CC0-1.0")
    database.schemes["emotion"] = audformat.Scheme(labels=["anger", "joy"])
    database.schemes["speaker"] = audformat.Scheme(
        labels={"1": {"gender": "female"}, "2": {"gender": "male"}}
    )
    database["files"] = audformat.Table(audformat.filewise_index(files))
    for name, values in {"emotion": ["anger", "joy"], "speaker": ["1", "2"]}.items():
        database["files"][name] = audformat.Column(scheme_id=name)
        database["files"][name].set(values)
    database.save(str(tmp_path / "mine"))
    audb.publish(str(tmp_path / "mine"), "1.0.0", place, verbose=False)
    return tmp_path / "host"


def test_labels_and_media_are_there_without_the_repository_too(repository: Path) -> None:
    corpus = load_corpus("audb:mine@1.0.0")
    assert corpus.clips[["emotion", "speaker", "sex"]].to_numpy().tolist() == [
        ["anger", "1", "female"],
        ["happiness", "2", "male"],
    ]
    assert corpus.licence == "CC0-1.0"
    assert corpus.path("wav/a.wav").read_bytes() == SOUND
    shutil.rmtree(repository)
    assert load_corpus("audb:mine@1.0.0@loso:2:test").clips["speaker"].tolist() == ["2"]
    with pytest.raises(CorpusError, match=r"audb:mine@2\.0\.0 cannot be loaded: .* \(without a network"):
        load_corpus("audb:mine@2.0.0")


def test_a_version_must_be_named() -> None:
    with pytest.raises(CorpusError, match=r"audb:mine names no version \(for instance audb:emodb@1\.4\.1\)"):
        load_corpus("audb:mine")
