"""Emotion prediction in conversation: the turns before an utterance, and a network that reads them.

A turn is what one speaker says without another between. The emotion of an utterance is predicted from the
turns before its own, so nothing of the utterance, nor of what its speaker said just before, is heard (Shi et
al. 2023; Ma et al. 2024, table 6). A GRU reads the utterances of each turn, another the turns.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.corpora.seen.record import home_of
from sertools.errors import CorpusError
from sertools.training.data.select import Part

if TYPE_CHECKING:
    import torch

FLAGS = 2
"""Columns after the vector of an utterance: the number of its turn, and whether its speaker is predicted."""

ORDER = ("begins_s", "start")
"""Columns by which the utterances of a dialogue are ordered; without any, they are in order."""


def dialogues(part: Part) -> pd.DataFrame:
    """All utterances of the corpora of a part, in the order of their dialogues.

    Returns:
        Columns `clip` (CORPUS/CLIP), `source`, `key`, `dialog`, `speaker` and `turn`, the number of its turn
        in the dialogue.

    Raises:
        CorpusError: a corpus does not say who speaks in which dialogue
    """
    tables = []
    for source, corpus in enumerate(part.corpora):
        clips = corpus.clips
        for column in ("dialog", "speaker"):
            if column not in clips:
                raise CorpusError(f"corpus {corpus.name} has no column {column!r}, which conversations need")
        order = next((c for c in ORDER if c in clips and clips[c].notna().all()), None)
        table = pd.DataFrame(
            {
                "clip": [f"{home_of(corpus.name)}/{clip}" for clip in clips.index],
                "source": source,
                "key": clips.index,
                "dialog": clips["dialog"].astype(str).to_numpy(),
                "speaker": clips["speaker"].fillna("").astype(str).to_numpy(),
                "at": np.arange(len(clips)) if order is None else clips[order].to_numpy(dtype=float),
            }
        )
        tables.append(table.sort_values(["dialog", "at"], kind="stable"))
    every = pd.concat(tables, ignore_index=True)
    other = (every[["source", "dialog"]].shift() != every[["source", "dialog"]]).any(axis="columns")
    change = other | (every["speaker"].shift() != every["speaker"])
    every["turn"] = change.groupby([every["source"], every["dialog"]]).cumsum()
    return every.drop(columns="at")


def contexts(every: pd.DataFrame, wanted: Sequence[str], turns: int) -> dict[str, pd.DataFrame]:
    """Utterance → the utterances of the turns before its own, the earliest first; none for a first turn.

    Args:
        every: from `dialogues`
        wanted: names of the utterances that are predicted
        turns: number of turns that are read
    """
    at = {str(name): i for i, name in enumerate(every["clip"])}
    groups = dict(iter(every.groupby(["source", "dialog"], sort=False)))
    found = {}
    for name in wanted:
        if name not in at:
            continue
        row = every.iloc[at[name]]
        group = groups[row["source"], row["dialog"]]
        before = group[(group["turn"] < row["turn"]) & (group["turn"] >= row["turn"] - turns)]
        if len(before):
            found[name] = before.assign(same=before["speaker"] == row["speaker"])
    return found


def rows_of(context: pd.DataFrame, vectors: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
    """The network's input for a context, shape (utterances, d + 2): vectors, and the columns of `FLAGS`."""
    turn = (context["turn"] - context["turn"].min()).to_numpy(dtype=np.float32)
    same = context["same"].to_numpy(dtype=np.float32)
    return np.column_stack([np.stack([vectors[name] for name in context["clip"]]), turn, same]).astype(
        np.float32
    )


def network(width: int, hidden: int, outputs: int, dropout: float) -> "torch.nn.Module":
    """The hierarchical network: `forward(signals, lengths)`, (n, utterances, width + 2) → (n, outputs).

    Args:
        width: of the vectors of utterances
        hidden: of both GRUs
        outputs: number of classes
        dropout: share of the inputs of each layer that is set to 0
    """
    import torch
    from torch import nn

    class Conversation(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.utterances = nn.GRU(width + 1, hidden, batch_first=True)
            self.turns = nn.GRU(hidden, hidden, batch_first=True)
            self.dropout = nn.Dropout(dropout)
            self.out = nn.Linear(hidden, outputs)

        def forward(self, signals: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
            found = [self._of(clip[:n]) for clip, n in zip(signals, lengths.tolist(), strict=True)]
            answers: torch.Tensor = self.out(self.dropout(torch.stack(found)))
            return answers

        def _of(self, rows: torch.Tensor) -> torch.Tensor:
            """The state after the last turn of one conversation, shape (hidden,)."""
            turn, read = rows[:, -2], torch.cat([rows[:, :-2], rows[:, -1:]], dim=1)
            states = []
            for number in torch.unique(turn):
                _, last = self.utterances(self.dropout(read[turn == number])[None])
                states.append(last[0, 0])
            _, last = self.turns(self.dropout(torch.stack(states))[None])
            state: torch.Tensor = last[0, 0]
            return state

    return Conversation()
