"""Trains a CNN14 from scratch (Kong et al. 2020; the baseline of Wagner et al. 2023).

Log-mel spectrogram, six blocks of convolutions, maximum plus mean over time. SGD with Nesterov momentum 0.9
and a constant rate of .01, batches of 64, 60 epochs. In a batch, a shorter clip is followed by itself, so
that batch norm sees speech only, and the output is pooled over the clip's own frames.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from sertools.training.data.batches import Clips
from sertools.training.heads import problem_type
from sertools.training.networks.spectral import spectral
from sertools.training.phases import GradientPhase, Phase, Setting
from sertools.training.recipe import Strict

DEFAULTS: dict[str, Any] = {
    "init": "random:cnn14",
    "epochs": 60,
    "batch": 64,
    "optimiser": "sgd",
    "learning_rate": 0.01,
    "freeze": "nothing",
    "best_by": "first",
}
ENCODER = False
SHORTEST = 31 * 160
MODEL = "cnn14:{out}"


class Options(Strict):
    """Settings of the network.

    Attributes:
        width: channels of the first block; each later one has twice as many
    """

    width: Annotated[int, Field(gt=0)] = 64


TASKS: dict[str | None, Literal["regression", "single_label"] | None] = {
    "regression": "regression",
    "single_label_classification": "single_label",
    None: None,
}


def phases(setting: Setting) -> Sequence[Phase]:
    """One phase."""
    targets = setting.train.targets
    assert targets is not None, "clips of this phase have labels"

    def write(module: Any, out: Path) -> None:
        from safetensors.torch import save_file

        stated = {"labels": list(targets.labels), "sampling_rate": 16000}
        task = TASKS[problem_type(targets.dimensions, targets.classes)]
        stated |= {} if task is None else {"task": task}
        (out / "config.json").write_text(json.dumps(stated, indent=1) + "\n", encoding="utf-8")
        state = {key: value.detach().cpu().contiguous() for key, value in module.network.state_dict().items()}
        save_file(state, out / "model.safetensors")

    def raw(clips: Clips) -> Clips:
        return clips.with_input(scaling="none", padding="repeat")

    return [
        GradientPhase(
            name="cnn14",
            build=lambda before: spectral(setting.recipe, targets, setting.options.width),
            write=write,
            clips=raw(setting.train),
            dev=None if setting.dev is None else raw(setting.dev),
            how=setting.recipe,
        )
    ]
