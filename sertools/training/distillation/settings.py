"""How a student learns from its average."""

from dataclasses import dataclass
from typing import Literal

Decoder = Literal["linear", "cnn", "none"]


@dataclass(frozen=True, kw_only=True)
class Distillation:
    """Losses, masks and decay.

    Attributes:
        mask_start: probability that a frame starts a masked span
        mask_length: frames in a span
        tokens: vectors in front of the frames whose outputs stand for the clip; 0 for the mean of the frames
        frame_weight: of the frame loss
        utterance_weight: of the utterance loss, α in Eq. 10
        top_layers: blocks of the teacher whose mean is learnt
        normalised: whether their outputs are scaled over each clip's frames first
        tau_start: decay of the teacher at the first update
        tau_end: decay at the last update
        decoder: after the student: a linear layer as in data2vec, convolutions as in data2vec 2.0, or nothing
        seed: of masks, noise and initial vectors
    """

    mask_start: float
    mask_length: int
    tokens: int
    frame_weight: float
    utterance_weight: float
    top_layers: int
    normalised: bool
    tau_start: float
    tau_end: float
    decoder: Decoder
    seed: int
