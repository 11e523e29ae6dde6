"""Fine-tunes wav2vec 2.0 with SpecAugment and class weights (V-FT of Chen & Rudnicky 2023).

Mean over frames, ReLU, one linear layer; cross-entropy weighted by inverse class frequency; Adam at a
constant rate of 1e-4, batches of 64, 15 epochs (30 epochs and batches of 32 for SAVEE), the last weights.
Training clips are cut at 10 s. The mean is over all of a clip's frames; the authors' code drops the last
frame and divides by the number of frames minus one.
"""

from collections.abc import Sequence
from typing import Any

from sertools.training.answering import answering_phase
from sertools.training.phases import Phase, Setting

DEFAULTS: dict[str, Any] = {
    "epochs": 15,
    "batch": 64,
    "learning_rate": 1e-4,
    "head": "relu-linear",
    "dropout": 0.0,
    "weights": "inverse",
    "freeze": "cnn",
    "cut_s": 10.0,
    "spec_augment": {"time": 0.08, "time_length": 15, "feature": 0.05, "feature_length": 64},
}


def phases(setting: Setting) -> Sequence[Phase]:
    """One phase."""
    return [answering_phase(setting, "v-ft")]
