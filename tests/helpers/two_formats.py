"""A model that runs in fp32 and in bf16, with a known difference between them."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from sertools.models.model import Outputs


@dataclass(kw_only=True)
class TwoFormats:
    """A model whose answer is the loudness, and off by `error` in bf16."""

    error: float
    name: str = "two formats"
    labels: tuple[str, ...] = ("arousal",)
    task: Any = "regression"
    sampling_rate: int = 16000
    shortest: int = 1
    fingerprint: str = "undecided"
    facts: dict[str, Any] = field(default_factory=dict)
    needs_precision: bool = True
    clips_with_layers: list[int] = field(default_factory=list)

    def with_precision(self, precision: str, **facts: Any) -> "TwoFormats":
        facts = {"precision": precision, **facts}
        return replace(
            self,
            needs_precision=False,
            fingerprint=precision,
            facts=facts,
            clips_with_layers=self.clips_with_layers,
        )

    def predict(self, signals, *, layers: bool = False) -> Outputs:
        self.clips_with_layers.append(len(signals))
        off = self.error if self.fingerprint == "bf16" else 0.0
        return Outputs(scores=np.array([[np.abs(s).mean() + off] for s in signals], dtype=np.float32))
