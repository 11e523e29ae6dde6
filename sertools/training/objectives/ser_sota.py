"""Fine-tunes an encoder with two hidden layers on soft labels (the opponent in table 4 of EMO-SUPERB).

wav2vec2-large-robust with all 24 layers, mean over frames, two hidden layers of 1024 with ReLU and dropout
.5, softmax; labels and loss as in `emo-superb`, so that the two can be compared. The paper states neither
learning rate nor epochs; here they are Adam at 1e-4, batches of 32 and 5 epochs, as in Wagner et al. (2023),
on which it builds.
"""

from collections.abc import Sequence
from typing import Any

from sertools.training.answering import answering_phase
from sertools.training.phases import Phase, Setting

DEFAULTS: dict[str, Any] = {
    "init": "facebook/wav2vec2-large-robust",
    "target": "soft",
    "smoothing": 0.05,
    "weights": "balanced-clips",
    "head": "two-relu",
    "hidden": 1024,
    "dropout": 0.5,
    "freeze": "cnn",
    "learning_rate": 1e-4,
    "batch": 32,
    "epochs": 5,
    "best_by": "loss",
    "cut_s": 10.0,
}


def phases(setting: Setting) -> Sequence[Phase]:
    """One phase."""
    return [answering_phase(setting, "ser-sota")]
