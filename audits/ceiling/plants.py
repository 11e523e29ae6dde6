"""Raters whose labels carry no information about the clip."""

from dataclasses import replace

import numpy as np

from sertools.tables.tables import Tables
from sertools.tables.votes import RATINGS, VOTES, packed, unpacked


def with_random_raters(tables: Tables, rng: np.random.Generator) -> Tables:
    """The clips in the order of their ids, with the raters' labels shuffled between them.

    Each clip keeps the number of its raters, and each answer is given as often as before.
    """
    clips = tables.clips.copy()
    order = np.argsort(clips.index.astype(str))
    names = [name for name in map(str, clips.columns) if name.startswith(VOTES)]
    if names:
        counts = np.nan_to_num(clips[names].to_numpy(dtype=float)).astype(int)[order]
        votes = np.concatenate([np.repeat(np.arange(len(names)), row) for row in counts])
        votes = rng.permutation(votes)
        clip = np.repeat(np.arange(len(counts)), counts.sum(axis=1))
        new = np.zeros(counts.shape)
        np.add.at(new, (clip, votes), 1.0)
        clips.loc[clips.index[order], names] = new
    for name in (name for name in map(str, tables.clips.columns) if name.startswith(RATINGS)):
        rows = unpacked(clips[name].iloc[order])
        flat = [value for row in rows for value in row]
        mixed = iter([flat[i] for i in rng.permutation(len(flat))])
        exchanged = packed([[next(mixed) for _ in row] for row in rows], clips.index[order])
        clips[name] = exchanged.reindex(clips.index)
    return replace(tables, clips=clips)
