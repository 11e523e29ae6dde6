"""What an audit declares (`Needs`) and what it returns (`Outcome`)."""

from dataclasses import dataclass, field
from typing import Literal

from sertools.results.result import Figure, Finding, LeftOut, Sound, Table
from sertools.tables.changed.attacks import AttacksNeeded
from sertools.tables.changed.quality import QualityNeeded
from sertools.tables.condition import Condition
from sertools.tables.frame_sums import FrameSumsNeeded
from sertools.tables.running_cost import CostNeeded
from sertools.tables.text_vectors import TextVectors


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What an audit reads; the planner takes the union over all selected audits.

    Attributes:
        columns: columns that the corpus must have, e.g. `sex`
        labels: `dimensions`, `emotion`, or `either`: what corpus and model must share; `predicted` for a
            dimension of the model or a shared emotion; `none` if the audit needs neither
        conditions: audio conditions whose predictions are read
        layers: whether layer means are read
        optional_layers: whether layer means are read where the model has them
        head: whether the vectors that the last layer of the model's head reads are read
        frame_sums: which sums over frames are read; None for none
        measured_columns: columns computed from the audio (`sertools.features.columns`), e.g. `f0_hz`; missing
            for clips whose audio cannot be decoded
        optional_columns: the same, but empty where a package that computes them is not installed
        text_vectors: columns of text-encoder vectors of the clips' transcripts
        models: further models, as after `--model`, whose predictions of clean audio are read
        running_cost: lengths of clips of which time, memory and energy are measured; None for none
        sound_quality: of how many clips the sound quality under the conditions is measured; None for none
        attacks: adversarial changes of clips, and how many clips they are tried on; None for none
    """

    columns: tuple[str, ...] = ()
    labels: Literal["dimensions", "emotion", "either", "predicted", "none"] = "either"
    conditions: tuple[Condition, ...] = (Condition(),)
    layers: bool = False
    optional_layers: bool = False
    head: bool = False
    frame_sums: FrameSumsNeeded | None = None
    measured_columns: tuple[str, ...] = ()
    optional_columns: tuple[str, ...] = ()
    text_vectors: tuple[TextVectors, ...] = ()
    models: tuple[str, ...] = ()
    running_cost: CostNeeded | None = None
    sound_quality: QualityNeeded | None = None
    attacks: AttacksNeeded | None = None

    @property
    def summary(self) -> str:
        """The required labels and columns in a few words."""
        named = {
            "dimensions": "dimensions",
            "emotion": "emotion",
            "either": "dimensions or emotion",
            "predicted": "",
            "none": "",
        }
        return ", ".join(part for part in (named[self.labels], *self.columns) if part) or "predictions"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Return value of `audit()`: a one-sentence answer, findings, tables and figures."""

    answer: str
    findings: list[Finding]
    tables: list[Table] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    sounds: list[Sound] = field(default_factory=list)
