"""Which shards of which conditions are still to be computed. Computes nothing itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sertools.condition import Condition
from sertools.store import Key, read_layers, read_shard, shards


@dataclass(frozen=True, kw_only=True)
class Job:
    """The clips of one condition that the store does not have.

    Attributes:
        condition: under what sound
        folder: where its shards lie
        shards: number and clips of those to compute
        clips: how many clips they hold
        stored: how many clips the store has
        layers: whether layer means are wanted
    """

    condition: Condition
    folder: Path
    shards: tuple[tuple[int, pd.Index], ...]
    clips: int
    stored: int
    layers: bool


def jobs(
    clips: pd.Index,
    *,
    model: tuple[str, str],
    corpus: tuple[str, str],
    conditions: Sequence[Condition],
    layers: bool,
    root: Path,
) -> list[Job]:
    """What is to be computed, one job a condition, in their order; those that are complete have no shards.

    Args:
        clips: the corpus' clips in order
        model: its name and fingerprint
        corpus: its name and fingerprint
        conditions: those that any audit reads
        layers: whether any audit reads layer means
        root: of the store
    """
    planned = []
    for condition in conditions:
        key = Key(model=model, corpus=corpus, condition=(str(condition), condition.fingerprint))
        folder = key.folder(root)
        todo = tuple((i, part) for i, part in shards(clips) if not _stored(folder, i, part, layers))
        n = sum(len(part) for _, part in todo)
        planned.append(
            Job(
                condition=condition,
                folder=folder,
                shards=todo,
                clips=n,
                stored=len(clips) - n,
                layers=layers,
            )
        )
    return planned


def _stored(folder: Path, i: int, clips: pd.Index, layers: bool) -> bool:
    return read_shard(folder, i, clips) is not None and (
        not layers or read_layers(folder, i, len(clips)) is not None
    )
