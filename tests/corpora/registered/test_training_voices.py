from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sertools.corpora.registered import training_voices, voices
from sertools.corpora.registry import verified
from sertools.errors import CorpusError


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return pd.DataFrame(training_voices.utterances())


def test_the_published_counts_are_those_of_the_plan(table):
    assert verified(table, training_voices.EXPECTED) == [
        "as published: 384 of 384 clips, 12 of 12 speakers, 6 of 6 female speakers, 6 of 6 male speakers"
    ]


def test_no_voice_and_no_sentence_is_one_of_the_corpus_voices(table):
    other = pd.DataFrame(voices.utterances())
    variants = table["speaker"].str.split("+").str[1]
    assert not set(variants) & set(other["speaker"].str.split("+").str[1])
    assert not set(table["transcript"]) & set(other["transcript"])


def test_pace_and_force_are_uniform_and_independent(table):
    # 384 draws: standard errors are .3/√384 = .015 of a mean, and .05 of a correlation
    assert table[["arousal", "dominance"]].mean().to_numpy() == pytest.approx(0.5, abs=0.05)
    assert abs(np.corrcoef(table["arousal"], table["dominance"])[0, 1]) < 0.2


def test_no_speaker_is_in_train_and_dev(table):
    assert table.groupby("speaker")["split"].nunique().max() == 1
    assert table["split"].value_counts().to_dict() == {"train": 256, "dev": 128}


def test_voices_is_not_taken_for_training_voices(tmp_path: Path):
    training_voices.make(tmp_path / "t")
    assert training_voices.recognises(tmp_path / "t")
    assert not voices.recognises(tmp_path / "t")
    # volume is lost where clips are normalised, so it is no dominance to train on; the words say nothing
    assert not {"dominance", "valence"} & set(training_voices.scan(tmp_path / "t"))
    with pytest.raises(CorpusError, match="no corpus 'voices'"):
        voices.scan(tmp_path / "t")
