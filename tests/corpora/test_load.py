"""Restrictions on recordings stay with a corpus, pipes are refused, and words are taken for no ratings."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from sertools.corpora.corpus import join_corpora, write_corpus
from sertools.corpora.load import load_corpus
from sertools.errors import CorpusError
from tests.helpers.small import noises


def test_a_restriction_on_recordings_stays_in_splits_copies_and_joined_corpora(tmp_path: Path) -> None:
    free = noises(tmp_path / "c", 3)
    licensed = replace(
        free, name="m", clips=free.clips.assign(split="test"), recordings="must not be passed on"
    )
    write_corpus(licensed, tmp_path / "out")
    for corpus in (load_corpus(str(tmp_path / "out")), load_corpus(f"{tmp_path / 'out'}:test")):
        assert corpus.recordings == "must not be passed on"
    assert join_corpora([free, licensed]).recordings == "m: must not be passed on"
    assert join_corpora([free, replace(free, name="n")]).recordings == ""


def test_a_corpus_that_an_earlier_version_wrote_has_no_restriction(tmp_path: Path) -> None:
    write_corpus(noises(tmp_path / "c", 3), tmp_path / "out")
    toml = tmp_path / "out" / "corpus.toml"
    lines = toml.read_text(encoding="utf-8").splitlines(keepends=True)
    toml.write_text("".join(line for line in lines if not line.startswith("recordings")), encoding="utf-8")
    assert load_corpus(str(tmp_path / "out")).recordings == ""


@pytest.mark.parametrize("name", ["pipe.csv", "pipe.tar"])
def test_a_pipe_is_not_waited_for(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(CorpusError, match="is a pipe or a device"):
        load_corpus(str(tmp_path / name))


def test_words_are_not_taken_for_ratings_under_another_name(tmp_path: Path) -> None:
    manifest = tmp_path / "spoken.csv"
    manifest.write_text("file,sentiment\na.wav,positive\n")
    assert not [note for note in load_corpus(str(manifest)).notes if "--map" in note]
    manifest.write_text("file,sentiment\na.wav,0.5\n")
    assert [note for note in load_corpus(str(manifest)).notes if "--map sentiment=valence" in note]
