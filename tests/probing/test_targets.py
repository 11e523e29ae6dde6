"""Columns as questions to probes: which there are, and who is held out with whom."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from sertools.probing.targets import clips_with_layers, sessions, target, targets_to_probe
from sertools.selftest import toy_corpus


@pytest.fixture(scope="module")
def clips():
    return toy_corpus.clips(speakers=12, per_speaker=16)


@pytest.fixture(scope="module")
def oracle(clips):
    return toy_corpus.answers("oracle", clips)


def test_speakers_with_fewer_clips_than_folds_are_left_out_of_the_closed_set(clips):
    some = clips.drop(clips.index[2:16])  # two clips of the first speaker are left
    of = target(toy_corpus.answers("oracle", some), "speaker", np.arange(len(some)))
    assert len(of.classes) == 11
    assert of.notes == ("speaker: 000 (2 clips) is left out: it has fewer clips than the 4 folds.",)


def test_sessions_that_share_no_speaker_are_the_folds_where_the_corpus_has_them(oracle):
    code = oracle.clips["speaker"].astype(int)
    split = dataclasses.replace(oracle, clips=oracle.clips.assign(split="session" + (code // 3).astype(str)))
    assert sessions(split.clips) == "split"
    of = target(split, "emotion", clips_with_layers(split))
    assert len(np.unique(of.fold)) == 4
    rows = split.clips.iloc[of.rows]
    assert (rows.groupby("split")["emotion"].size().to_numpy() == 48).all()
    for _, part in pd.Series(of.fold, index=rows.index).groupby(rows["split"]):
        assert part.nunique() == 1
    shared = split.clips.assign(session=["one", "two", "three"] * (len(code) // 3))
    assert sessions(shared.drop(columns="split")) == ""
    assert sessions(oracle.clips) == ""


def test_usual_targets_are_those_that_the_corpus_has(oracle):
    assert targets_to_probe(oracle, ()) == ["emotion", "arousal", "dominance", "valence", "sex", "speaker"]
    assert targets_to_probe(oracle, ("sex", "sex")) == ["sex"]
