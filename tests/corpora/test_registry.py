"""The folder listing is the registry; roots come from the command line, the configuration, or are made."""

from pathlib import Path

import pandas as pd
import pytest

from sertools.corpora import registered, registry
from sertools.corpora.load import load_corpus
from sertools.errors import CorpusError


def emodb(root: Path) -> Path:
    (root / "wav").mkdir(parents=True)
    (root / "wav" / "03a01Wa.wav").touch()
    return root


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's configuration file, in a folder of its own."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    path = tmp_path / "config" / "sertools" / "config.toml"
    path.parent.mkdir(parents=True)
    return path


def test_every_file_in_the_folder_keeps_the_contract() -> None:
    files = {path.stem for path in Path(registered.__path__[0]).glob("*.py")} - {"__init__"}
    assert set(registry.modules()) == files
    names = [name for module in registry.modules().values() for name in module.NAMES]
    assert len(names) == len(set(names))
    for stem, module in registry.modules().items():
        assert module.__doc__, stem
        assert module.TITLE, stem
        assert module.LICENCE, stem
        assert module.CITATION, stem
        assert callable(module.recognises), stem
        assert callable(module.scan), stem
        if "not to be redistributed" in module.LICENCE:
            assert module.RECORDINGS, stem
        assert hasattr(module, "EXPECTED") or callable(module.expected), stem


def test_no_corpus_claims_an_empty_folder(tmp_path: Path) -> None:
    assert registry.recognised(tmp_path) == ""


def test_folder_is_found_whatever_its_spelling(tmp_path: Path) -> None:
    home = emodb(tmp_path / "EmoDB")
    assert registry.root_of("emodb", tmp_path) == home
    assert registry.root_of("emodb", home) == home
    with pytest.raises(CorpusError) as caught:
        registry.root_of("ravdess", tmp_path)
    assert str(caught.value) == (
        f"{tmp_path} is not the folder of ravdess and does not contain it "
        "(point --data-root to the corpus' own folder, or to its parent folder)"
    )
    with pytest.raises(CorpusError, match="is not the folder of emodb and does not contain it"):
        registry.root_of("emodb", tmp_path / "none")


def test_configuration_says_where_a_corpus_lies(tmp_path: Path, config: Path) -> None:
    home = emodb(tmp_path / "speech")
    config.write_text(f'[roots]\nemodb = "{home}"\nmsp-podcast = "{tmp_path}"\n')
    assert registry.root_of("emodb") == home
    assert load_corpus("emodb").clips["emotion"].tolist() == ["anger"]
    with pytest.raises(CorpusError) as caught:
        registry.root_of("msp-test1")
    assert (
        str(caught.value) == f"{tmp_path} does not have the layout of msp-test1 (correct [roots] in {config})"
    )


def test_without_a_root_the_error_says_how_to_give_one(config: Path) -> None:
    with pytest.raises(CorpusError) as caught:
        load_corpus("msp-test1")
    assert str(caught.value) == (
        "the location of msp-podcast is unknown "
        f"(use --data-root FOLDER, name a folder here msp-podcast, or add to {config}: "
        '[roots] msp-podcast = "FOLDER")'
    )


def test_a_corpus_that_can_be_made_is_made_once(
    voices_cache: Path, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(voices_cache))
    corpus = load_corpus("voices")
    assert corpus.root.is_relative_to(voices_cache / "sertools" / "corpora")
    assert corpus.simulated
    assert corpus.notes[0].startswith("as published: 288 of 288 clips, 16 of 16 speakers")
    made = (corpus.root / "metadata.csv").stat().st_mtime_ns
    again = load_corpus("voices:test")
    assert (again.root / "metadata.csv").stat().st_mtime_ns == made
    assert 0 < len(again.clips) < len(corpus.clips)


@pytest.mark.parametrize("text", ["[roots\n", "roots = 1\n", "[roots]\nemodb = 1\n"])
def test_damaged_configuration_is_named(config: Path, text: str) -> None:
    config.write_text(text)
    with pytest.raises(CorpusError, match=f"^{config}"):
        registry.root_of("emodb")


def test_counts_are_those_of_the_whole_corpus_even_when_a_split_is_asked_for(tmp_path: Path) -> None:
    root = emodb(tmp_path / "emodb")
    (root / "wav" / "16a01Wa.wav").touch()
    corpus = load_corpus(f"{root}:test")
    assert len(corpus.clips) == 1
    assert "published: 535 clips, found 2" in corpus.notes[0]


def test_unknown_speakers_are_not_counted() -> None:
    clips = pd.DataFrame({"speaker": ["1", None, "2"], "sex": ["female", "female", "male"]})
    assert registry.verified(clips, {"speakers": 2, "female": 1, "male": 1}) == [
        "as published: 2 of 2 speakers, 1 of 1 female speakers, 1 of 1 male speakers"
    ]
    assert registry.verified(clips, {}) == []
