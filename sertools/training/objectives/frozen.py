"""Trains only the head on a frozen encoder (Wagner et al. 2023, frozen variant).

The frames of the encoder are computed once, so that an epoch costs little.
"""

from collections.abc import Sequence
from typing import Any

from sertools.training.kept.frozen import frozen_phase
from sertools.training.objectives.fine_tune import DEFAULTS as FINE_TUNE
from sertools.training.phases import Phase, Setting

DEFAULTS: dict[str, Any] = {**FINE_TUNE, "freeze": "encoder"}


def phases(setting: Setting) -> Sequence[Phase]:
    """One phase."""
    return [frozen_phase(setting, "frozen", lambda before: setting.start.encoder)]
