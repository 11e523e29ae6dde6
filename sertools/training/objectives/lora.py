"""Trains low-rank adapters and a head on a frozen encoder (LoRA, Hu et al. 2022, with peft).

The adapters are added to the weights at the end, so that the checkpoint is an ordinary one.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from sertools.training.answering import answering, write_answering
from sertools.training.networks.low_rank import adapted
from sertools.training.objectives.fine_tune import DEFAULTS as FINE_TUNE
from sertools.training.phases import GradientPhase, Phase, Setting
from sertools.training.recipe import Strict

DEFAULTS: dict[str, Any] = {**FINE_TUNE, "learning_rate": 5e-4, "freeze": "encoder"}


class Options(Strict):
    """Settings of the adapters.

    Attributes:
        rank: of the matrices
        alpha: their product is multiplied by alpha / rank
        dropout: share of their inputs that is set to 0 in training
        layers: names of the linear layers beside which they stand
    """

    rank: Annotated[int, Field(gt=0)] = 8
    alpha: Annotated[float, Field(gt=0)] = 16.0
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    layers: Annotated[tuple[str, ...], Field(min_length=1)] = ("q_proj", "v_proj")


def phases(setting: Setting) -> Sequence[Phase]:
    """One phase."""
    options: Options = setting.options

    def build(before: Path | None) -> Any:
        encoder = adapted(
            setting.start.encoder,
            rank=options.rank,
            alpha=options.alpha,
            dropout=options.dropout,
            targets=options.layers,
            seed=setting.recipe.seed,
        )
        return answering(encoder, setting, frozen=False)

    def write(module: Any, out: Path) -> None:
        write_answering(module, setting, out)

    return [
        GradientPhase(
            name="lora", build=build, write=write, clips=setting.train, dev=setting.dev, how=setting.recipe
        )
    ]
