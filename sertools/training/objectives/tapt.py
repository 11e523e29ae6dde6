"""Continues wav2vec 2.0's pre-training on the training clips, then V-FT (TAPT of Chen & Rudnicky 2023).

The whole encoder trains, also on clips without labels: 20 000 updates, the first 100 with a rising rate,
which then falls linearly. How much is masked follows from the checkpoint's configuration.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sertools.training.answering import answering_phase, write_network
from sertools.training.networks.contrastive import contrastive
from sertools.training.objectives.v_ft import DEFAULTS as V_FT
from sertools.training.phases import GradientPhase, Phase, Setting

DEFAULTS: dict[str, Any] = {
    **V_FT,
    "pretrain": {
        "steps": 20_000,
        "warm_up": 100,
        "schedule": "linear",
        "batch": 64,
        "learning_rate": 1e-4,
        "every": 1000,
    },
}
UNLABELLED = True


def phases(setting: Setting) -> Sequence[Phase]:
    """Pre-training, then V-FT."""

    def build(before: Path | None) -> Any:
        module, stored = contrastive(setting.start, setting.recipe.seed)
        if not stored:
            setting.warn(f"{setting.recipe.init} has no quantiser, so pre-training begins with a random one")
        return module

    def write(module: Any, out: Path) -> None:
        write_network(module.encoder, module.encoder.config, {}, out, scaled=setting.start.scaled)

    pretraining = GradientPhase(
        name="tapt",
        build=build,
        write=write,
        clips=setting.pool,
        dev=setting.dev,
        how=setting.recipe.pretrain,
    )
    return [pretraining, answering_phase(setting, "v-ft")]
