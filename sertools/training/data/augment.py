"""Perturbed copies of training clips, drawn anew for each epoch from the perturbations of the audits."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sertools.errors import AudioError, CorpusError
from sertools.perturbations import registry
from sertools.perturbations.selection import select
from sertools.randomness import identity_rng
from sertools.tables.condition import Condition


@dataclass(frozen=True, kw_only=True)
class Augmenter:
    """Draws whether a clip is perturbed in an epoch, and by what.

    Attributes:
        conditions: one of which is drawn
        share: share of the clips that are perturbed
        seed: of the draws
        shortest: fewest samples that the network can read
    """

    conditions: Sequence[Condition]
    share: float
    seed: int
    shortest: int = 1

    def __call__(
        self, signal: NDArray[np.float32], rate: int, clip: str, epoch: int
    ) -> NDArray[np.floating[Any]]:
        """The clip as this epoch has it; unchanged if the perturbation cannot be applied to it."""
        rng = identity_rng(self.seed, "augment", clip, str(epoch))
        if rng.random() >= self.share:
            return signal
        condition = self.conditions[int(rng.integers(len(self.conditions)))]
        perturbation = registry.get(condition.perturbation)
        level = perturbation.draw_level(None, rng) if condition.level is None else condition.level
        try:
            changed: NDArray[np.floating[Any]] = perturbation.apply(signal, rate, level, rng)
        except AudioError:
            return signal
        return changed if len(changed) >= self.shortest else signal


def augmenter(names: Sequence[str], share: float, *, seed: int, shortest: int) -> Augmenter | None:
    """What perturbs training clips; None if nothing does. See `Augmenter` for the arguments.

    Raises:
        AuditError: an unknown perturbation or level, or one that is not installed
        CorpusError: a perturbation needs other recordings
    """
    if not names or not share:
        return None
    conditions = select(names).conditions
    for condition in conditions:
        needs = registry.get(condition.perturbation).needs
        if needs:
            raise CorpusError(f"{condition.perturbation} needs {needs}, which training does not provide")
    return Augmenter(conditions=conditions, share=share, seed=seed, shortest=shortest)
