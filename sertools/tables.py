"""The tables that audits read: column names, consistency checks, and pairs of truth and prediction."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from sertools.errors import AuditError
from sertools.labels import DIMENSIONS
from sertools.moments import Moments

CLEAN = "clean"
"""Name of the condition with unperturbed audio."""

CORPUS_COLUMNS = ("clip", "file", "start", "end")
ATTRIBUTES = ("speaker", "sex", "age", "language", "corpus", "transcript", "split")
LABELS = ("emotion", *DIMENSIONS)

AGAINST = "against"
RANDOM_TWIN = "random twin"
"""Roles of other models on the same clips: the comparison model, and an untrained copy of the model."""


@dataclass(frozen=True, kw_only=True)
class Layers:
    """Mean over time of every layer of a model, for every clip; each layer is read on demand.

    Attributes:
        shards: arrays of shape (n_i, l, d), float32, usually memory-mapped, clips in corpus order; rows of a
            missing clip are nan, and a shard with only missing clips may have l = d = 0
    """

    shards: tuple[np.ndarray, ...]

    @property
    def n_layers(self) -> int:
        """Number of layers; 0 for a model without layers."""
        return max((shard.shape[1] for shard in self.shards), default=0)

    @property
    def dimensions(self) -> int:
        """Number of dimensions of a layer."""
        return max((shard.shape[2] for shard in self.shards), default=0)

    def layer(self, i: int) -> np.ndarray:
        """Layer i of all clips, shape (n, d), float32; −1 is the last one."""
        if not -self.n_layers <= i < self.n_layers:
            raise IndexError(f"layer {i} is out of range: there are {self.n_layers} layers")
        empty = [np.full((len(s), self.dimensions), np.nan, dtype=np.float32) for s in self.shards]
        return np.concatenate(
            [shard[:, i] if shard.shape[1] else e for shard, e in zip(self.shards, empty, strict=True)]
        )


@dataclass(frozen=True, kw_only=True)
class Tables:
    """The input of an audit: ground truth, predictions per condition, and missing clips.

    Attributes:
        clips: one row per clip, unique index `clip`; labels and attributes as columns
        predictions: condition → scores, same rows in the same order as `clips`, one float column per
            label of the model, with canonical names; a row of nan is a missing clip
        missing: columns clip, condition, reason
        dimensions: dimensions that both corpus and model have
        classes: emotions that both corpus and model have
        model_classes: all emotions that the model can predict
        notes: sentences about labels that only the corpus or only the model has
        corpus: name of the corpus, used to look up published values
        simulated: how labels were produced if nobody rated them; empty for human ratings
        layers: layer means for clean audio; None if no audit needs them
        moments: level → sums over frames of clean audio and over their acoustic features
        model: name of the model
        others: role → tables of another model on the same clips (`AGAINST`, `RANDOM_TWIN`)
    """

    clips: pd.DataFrame
    predictions: Mapping[str, pd.DataFrame]
    missing: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(columns=["clip", "condition", "reason"])
    )
    dimensions: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    model_classes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    corpus: str = ""
    simulated: str = ""
    layers: Layers | None = None
    moments: Mapping[str, Moments] = field(default_factory=dict)
    model: str = ""
    others: Mapping[str, "Tables"] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.clips.index.is_unique:
            raise AuditError("the table of clips has duplicate clip ids")
        for condition, scores in self.predictions.items():
            if not scores.index.equals(self.clips.index):
                raise AuditError(f"predictions for {condition!r} are not aligned with the clips")
        if self.layers is not None and sum(map(len, self.layers.shards)) != len(self.clips):
            raise AuditError("layer means are not aligned with the clips")
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
class Pairs:
    """Truth and prediction of one target on the clips that have both, with their units (speakers).

    Attributes:
        truth, prediction: shape (n,); floats in [0, 1] for a dimension, integer class codes for emotion
        unit: speaker codes 0..units−1, shape (n,); clip numbers if the corpus names no speakers
        units: number of units
        by_speaker: whether the units are speakers
        clips: index labels of the n clips
    """

    truth: np.ndarray
    prediction: np.ndarray
    unit: np.ndarray
    units: int
    by_speaker: bool
    clips: pd.Index

    @property
    def n(self) -> int:
        """Number of clips."""
        return len(self.truth)

    @property
    def speakers(self) -> int | None:
        """Number of speakers; None if the corpus names none."""
        return self.units if self.by_speaker else None

    def take(self, mask: np.ndarray) -> "Pairs":
        """The same pairs on the clips where `mask` (n,) is true, units renumbered."""
        kept, unit = np.unique(self.unit[mask], return_inverse=True)
        return Pairs(
            truth=self.truth[mask],
            prediction=self.prediction[mask],
            unit=unit,
            units=len(kept),
            by_speaker=self.by_speaker,
            clips=self.clips[mask],
        )


def speaker_codes(clips: pd.DataFrame) -> tuple[np.ndarray, bool]:
    """Integer code of each clip's speaker, shape (n,), and whether the codes are speakers.

    A corpus without the column `speaker` gets one code per clip. A clip whose speaker is unknown counts as
    a separate speaker, that is, as independent of all others.
    """
    if "speaker" not in clips or clips["speaker"].isna().all():
        return np.arange(len(clips)), False
    codes, known = pd.factorize(clips["speaker"])
    codes = codes.astype(np.int64)
    unknown = codes < 0
    codes[unknown] = len(known) + np.arange(unknown.sum())
    return codes, True


def pairs(tables: Tables, target: str, condition: str = CLEAN) -> Pairs:
    """Truth and prediction of one target, for the clips where both are known.

    For `target="emotion"`, clips whose true class the model does not have are dropped, and codes index
    `tables.model_classes`; the predicted class has the highest score of all the model's classes.
    """
    scores = tables.predictions[condition]
    codes, by_speaker = speaker_codes(tables.clips)
    if target == "emotion":
        of_class = {name: code for code, name in enumerate(tables.model_classes)}
        truth = tables.clips["emotion"].map(of_class).to_numpy(dtype=float, na_value=np.nan)
        known = scores[list(tables.model_classes)].to_numpy()
        answered = np.isfinite(known).all(axis=1)
        prediction = np.where(answered, np.where(answered[:, None], known, 0.0).argmax(axis=1), np.nan)
    else:
        truth = tables.clips[target].to_numpy(dtype=float, na_value=np.nan)
        prediction = scores[target].to_numpy(dtype=float)
    both = np.isfinite(truth) & np.isfinite(prediction)
    dtype = np.int64 if target == "emotion" else np.float64
    every = Pairs(
        truth=truth,
        prediction=prediction,
        unit=codes,
        units=0,
        by_speaker=by_speaker,
        clips=tables.clips.index,
    )
    kept = every.take(both)
    return Pairs(
        truth=kept.truth.astype(dtype),
        prediction=kept.prediction.astype(dtype),
        unit=kept.unit,
        units=kept.units,
        by_speaker=by_speaker,
        clips=kept.clips,
    )
