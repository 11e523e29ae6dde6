from collections import Counter

import pandas as pd
import pytest
import soundfile

from sertools.corpora.load import load_corpus
from sertools.corpora.registered import tts_sentences
from sertools.corpora.registry import root_of
from sertools.errors import CorpusError

LANGUAGES = ("deu", "ita")
"""Those that the tests let speak; all five take a quarter of a minute."""


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("cache") / "deep" / "tts_sentences-1"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tts_sentences, "languages", lambda: LANGUAGES)
        tts_sentences.make(root)
    return root


def test_all_languages_have_the_clips_that_are_promised():
    count = Counter(line.language for line in tts_sentences.lines())
    voices = {language: tts_sentences.voices(language) for language in count}
    wanted = {"eng": 6, "deu": 5, "fra": 5, "ita": 5, "spa": 5}
    assert {language: len(each) for language, each in voices.items()} == wanted
    assert sum(n * len(voices[language]) for language, n in count.items()) == tts_sentences.EXPECTED["clips"]
    assert len({each.name for some in voices.values() for each in some}) == tts_sentences.EXPECTED["speakers"]


@pytest.mark.acceptance
def test_the_whole_corpus_is_as_published_and_its_voices_and_sentences_are_crossed(tmp_path):
    root = tmp_path / "tts_sentences-1"
    tts_sentences.make(root)
    assert "as published: 1596 of 1596 clips, 26 of 26 speakers" in load_corpus(str(root)).notes
    test_voices_and_sentences_are_fully_crossed(root)
    kinds = tts_sentences.scan(root).groupby("language")["kind"].nunique()
    assert kinds.to_dict() == {"deu": 1, "eng": 4, "fra": 1, "ita": 1, "spa": 1}


def test_it_has_every_sentence_of_a_language_in_every_voice(root):
    corpus = load_corpus(str(root))
    assert corpus.name == "tts-sentences"
    assert "published: 1596 clips, found 420; published: 26 speakers, found 10" in corpus.notes
    assert corpus.simulated == tts_sentences.SIMULATED
    assert set(corpus.clips["split"]) == set(LANGUAGES)
    assert len(load_corpus(f"{root}:ita").clips) == 5 * 42
    counts = corpus.clips.groupby("split")["speaker"].nunique()
    assert counts.to_dict() == {"deu": 5, "ita": 5}


def test_voices_and_sentences_are_fully_crossed(root):
    clips = tts_sentences.scan(root)
    for _, part in clips.groupby("language"):
        cells = part.groupby(["transcript", "speaker"]).size()
        assert (cells == 1).all()
        assert len(cells) == part["transcript"].nunique() * part["speaker"].nunique()
    plain = clips[clips["kind"] == "plain"]
    balance = plain.groupby(["language", "speaker", "sentiment"]).size().unstack()
    assert (balance.nunique(axis=1) == 1).all()


def test_every_other_form_has_its_plain_sentence():
    lines = pd.DataFrame([line.labels for line in tts_sentences.lines()])
    same = ["split", "template", "word"]
    plain = set(map(tuple, lines.loc[lines["kind"] == "plain", same].to_numpy()))
    for kind in ("negated", "intense"):
        forms = lines.loc[lines["kind"] == kind, same]
        assert forms["word"].nunique() == 16
        assert set(map(tuple, forms.to_numpy())) <= plain


def test_the_sound_is_mono_of_16_khz_and_neither_empty_nor_clipped(root):
    clips = tts_sentences.scan(root)
    for file in clips["file"].drop_duplicates()[::40]:
        signal, rate = soundfile.read(root / file)
        assert (rate, signal.ndim) == (16_000, 1)
        assert 0.3 < len(signal) / rate < 5
        assert 0.05 < abs(signal).max() < 1


def test_it_is_made_once_and_found_by_name(root, monkeypatch, tmp_path):
    before = (root / "metadata.csv").stat().st_mtime_ns
    tts_sentences.make(root)
    assert (root / "metadata.csv").stat().st_mtime_ns == before
    assert root_of("tts-sentences", root) == root
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda name: str(tmp_path))
    (tmp_path / "corpora").mkdir()
    (tmp_path / "corpora" / "tts_sentences-1").symlink_to(root)
    assert root_of("tts-sentences").resolve() == root


def test_it_overwrites_nothing_and_says_where_it_cannot_write(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(CorpusError, match="is not empty and is not the corpus"):
        tts_sentences.make(tmp_path)
    with pytest.raises(CorpusError, match=r"cannot write .*corpus.*: a file is in its way"):
        tts_sentences.make(tmp_path / "thesis.txt" / "corpus")
    with pytest.raises(CorpusError, match="no corpus 'tts-sentences'"):
        tts_sentences.scan(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_lines_are_unique_and_labelled():
    lines = tts_sentences.lines()
    assert len({(line.language, line.text) for line in lines}) == len(lines) == 126 + 4 * 42
    assert all(set(line.labels) == set(tts_sentences.LABELS) for line in lines)
