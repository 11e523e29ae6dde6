"""Finds the shards that each condition still needs; computes nothing itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sertools.store.store import Key, read_layers, read_shard, shards
from sertools.tables.condition import Condition


@dataclass(frozen=True, kw_only=True)
class Job:
    """The clips of one condition that are not in the store yet.

    Attributes:
        condition: the condition of the audio (clean, or perturbed)
        folder: folder of its shards
        shards: number and clips of each shard to compute
        clips: number of clips in these shards
        stored: number of clips that the store has
        layers: whether layer means are needed
    """

    condition: Condition
    folder: Path
    shards: tuple[tuple[int, pd.Index], ...]
    clips: int
    stored: int
    layers: bool


def jobs_of_conditions(
    clips: pd.Index,
    *,
    model: tuple[str, str],
    corpus: tuple[str, str],
    conditions: Sequence[Condition],
    layers: bool,
    root: Path,
) -> list[Job]:
    """One job per condition, in the order of the conditions; a complete job has no shards to compute.

    Args:
        clips: the corpus' clips in order
        model: its name and fingerprint
        corpus: its name and fingerprint
        conditions: all conditions that audits read
        layers: whether any audit reads layer means
        root: root folder of the store
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
