"""What the licence says about recordings goes with a corpus wherever it is written, split or joined."""

from dataclasses import replace
from pathlib import Path

from sertools.corpora.corpus import join_corpora, write_corpus
from sertools.corpora.load import load_corpus
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
