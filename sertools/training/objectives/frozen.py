"""Trains only the head on an encoder that stays as it is (Wagner et al. 2023, frozen variant)."""

from collections.abc import Sequence
from typing import Any

from sertools.training.answering import answering_phase
from sertools.training.objectives.fine_tune import DEFAULTS as FINE_TUNE
from sertools.training.phases import Phase, Setting

DEFAULTS: dict[str, Any] = {**FINE_TUNE, "freeze": "encoder"}


def phases(setting: Setting) -> Sequence[Phase]:
    """One phase."""
    return [answering_phase(setting, "frozen")]
