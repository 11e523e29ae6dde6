"""Numbers of embeddings: who counts, and how far a map can be trusted."""

import dataclasses

import numpy as np
import pandas as pd
from sertools.audits.embeddings.neighbours import Embedded, purities, sampled, silhouette, trust

from sertools.selftest import toy_corpus


def test_trust_is_1_for_a_map_that_keeps_all_neighbours_and_less_for_one_that_keeps_none():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(80, 2))
    of = Embedded(model="m", vectors=vectors, clips=pd.DataFrame(index=range(80)))
    assert trust(of, 3 * vectors, 0) == (80, 1.0)
    assert trust(of, rng.normal(size=(80, 2)), 0)[1] < 0.7


def test_clips_without_a_label_are_left_out_of_its_numbers():
    clips = toy_corpus.clips(speakers=8, per_speaker=12)
    of = Embedded(model="m", vectors=toy_corpus.layers("oracle", clips).layer(-1), clips=clips)
    holed = dataclasses.replace(
        of, clips=of.clips.assign(emotion=of.clips["emotion"].where(of.clips.index > "clip 00020"))
    )
    part = of.take(of.clips.index > "clip 00020")
    assert purities(holed, "emotion", 0) == purities(part, "emotion", 0)
    assert silhouette(holed, "emotion", 20, 0) == silhouette(part, "emotion", 20, 0)


def test_more_clips_than_can_be_compared_are_drawn_from():
    of = Embedded(model="m", vectors=np.arange(50.0)[:, None], clips=pd.DataFrame(index=range(50)))
    some = sampled(of, 20, seed=1)
    assert len(some.clips) == 20
    assert some.vectors[:, 0].tolist() == sorted(some.clips.index)
    assert sampled(of, 20, seed=1).clips.equals(some.clips)
    assert sampled(of, 50, seed=1) is of
