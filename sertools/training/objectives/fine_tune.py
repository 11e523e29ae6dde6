"""Fine-tunes an encoder and a head on labels (Wagner et al. 2023, "Dawn of the transformer era").

The convolutional encoder stays as it is, states of the last layer are averaged over time, and one hidden
layer with tanh and a linear layer answer. The loss of dimensions is 1 − CCC, averaged over them; Adam at a
constant rate of 1e-4, batches of 32, 5 epochs, of which the best on dev speakers is kept.
"""

from collections.abc import Sequence
from typing import Any

from sertools.training.answering import answering_phase
from sertools.training.phases import Phase, Setting

DEFAULTS: dict[str, Any] = {
    "epochs": 5,
    "batch": 32,
    "learning_rate": 1e-4,
    "head": "dense-tanh",
    "freeze": "cnn",
    "best_by": "first",
}


def phases(setting: Setting) -> Sequence[Phase]:
    """One phase."""
    return [answering_phase(setting)]
