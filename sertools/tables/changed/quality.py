"""How much a perturbation changes the audio of clips, by objective quality measures."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

PESQ, STOI, SEGMENTAL_SNR, LEVEL_CHANGE = "pesq", "stoi", "segmental_snr_db", "level_change_db"

OWN = (SEGMENTAL_SNR, LEVEL_CHANGE)
"""Measures that need no further package."""

MEASURES = (PESQ, STOI, *OWN)
"""All measures: PESQ (wideband, as a mean opinion score from 1.04 to 4.64), STOI (up to 1), segmental SNR in
dB, and the change of the active speech level in dB."""

VISQOL = "visqol"
"""ViSQOL (version 3, for speech), a mean opinion score from 1 to 5 that is measured on request."""

BEST_PESQ = 4.643888
"""The score of PESQ (ITU-T P.862.2) for a clip that is compared with itself."""


@dataclass(frozen=True, kw_only=True)
class QualityNeeded:
    """The audio-quality measures that an audit reads under its conditions.

    Attributes:
        clips: most clips that are measured under each condition; 0 for all
        visqol: whether ViSQOL is measured too
    """

    clips: int
    visqol: bool = False


@dataclass(frozen=True, kw_only=True)
class SoundQuality:
    """The sound quality of some clips under each condition, compared with their clean audio.

    Attributes:
        conditions: name of the condition → index `clip` (those that were measured), columns `MEASURES`, and
            `VISQOL` where it was asked for; nan where a measure is undefined
        notes: what could not be measured, and why
    """

    conditions: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
