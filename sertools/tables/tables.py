"""The tables that audits read: column names, consistency checks, and pairs of truth and prediction."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from sertools.errors import AuditError
from sertools.labels import DIMENSIONS
from sertools.tables.changed.attacks import Attacks
from sertools.tables.changed.quality import SoundQuality
from sertools.tables.frame_sums import FrameSums
from sertools.tables.layers import Layers
from sertools.tables.running_cost import RunningCost


@dataclass(frozen=True, kw_only=True)
class Tables:
    """The input of an audit: ground truth, predictions per condition, and missing clips.

    Attributes:
        clips: one row per clip, unique index `clip`; labels and attributes as columns
        predictions: condition → scores, same rows in the same order as `clips`, one float column per
            label of the model, with canonical names; a row of nan is a missing clip
        missing: columns clip, condition, reason, and asked: whether the model could hear the clip and gave no
            answer; without that column it could not hear any of them
        dimensions: dimensions that both corpus and model have
        classes: emotions that both corpus and model have
        model_classes: all emotions that the model can predict; with a closed set, those of the set
        open_answers: with a closed set, clip → the emotion that the model answers to the clean clip among all
            that it can predict, or None; empty without a closed set
        notes: sentences about labels that only the corpus or only the model has
        corpus: name of the corpus, used to look up published values
        simulated: how labels were produced if nobody rated them; empty for human ratings
        layers: layer means for clean audio; None if no audit needs them
        head: what the last layer of the model's head reads of clean audio, as a single layer; None if no
            audit needs it, or the model has no head that can be read
        frame_sums: level → sums over frames of clean audio and over their acoustic features
        model: name of the model
        others: role → tables of another model on the same clips (`AGAINST`, `RANDOM_TWIN`)
        in_words: whether the model answers in words, so that class scores are 1 or a confidence, and 0
        never_trained: whether the model has the weights that it was created with, so that it must not pass
        running_cost: what it costs to run the model; None if no audit needs it, or if it needs no running
        sound_quality: the sound quality of some clips under each condition; None if no audit needs it
        attacks: answers to adversarial clips; None if no audit needs them
        leaves_out_unanswered: whether unanswered clips are left out instead of counting against the model
        derived: what is computed from these tables once and looked up afterwards
    """

    clips: pd.DataFrame
    predictions: Mapping[str, pd.DataFrame]
    missing: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(columns=["clip", "condition", "reason"])
    )
    dimensions: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    model_classes: tuple[str, ...] = ()
    open_answers: Mapping[str, str | None] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    corpus: str = ""
    simulated: str = ""
    layers: Layers | None = None
    head: Layers | None = None
    frame_sums: Mapping[str, FrameSums] = field(default_factory=dict)
    model: str = ""
    others: Mapping[str, "Tables"] = field(default_factory=dict)
    in_words: bool = False
    never_trained: bool = False
    running_cost: RunningCost | None = None
    sound_quality: SoundQuality | None = None
    attacks: Attacks | None = None
    leaves_out_unanswered: bool = False
    derived: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.clips.index.is_unique:
            raise AuditError("the table of clips has duplicate clip ids")
        for condition, scores in self.predictions.items():
            if not scores.index.equals(self.clips.index):
                raise AuditError(f"predictions for {condition!r} are not aligned with the clips")
        if self.layers is not None and sum(map(len, self.layers.shards)) != len(self.clips):
            raise AuditError("layer means are not aligned with the clips")
        if self.head is not None and sum(map(len, self.head.shards)) != len(self.clips):
            raise AuditError("the head's vectors are not aligned with the clips")
        if any(not other.clips.index.equals(self.clips.index) for other in self.others.values()):
            raise AuditError("the tables of another model are not aligned with the clips")

    def with_predictions(self, predictions: Mapping[str, pd.DataFrame]) -> "Tables":
        """The same clips with other predictions."""
        return replace(self, predictions=predictions)

    @property
    def model_dimensions(self) -> tuple[str, ...]:
        """Dimensions that the model predicts, whether or not the corpus has ratings for them."""
        columns = next(iter(self.predictions.values())).columns
        return tuple(d for d in DIMENSIONS if d in columns)


@dataclass(frozen=True, kw_only=True)
class ModelData:
    """The data of one model that audits read: tables, and sums over frames by kind of cells and level."""

    tables: Tables
    frame_sums: Mapping[tuple[int, str], Mapping[str, FrameSums]]
