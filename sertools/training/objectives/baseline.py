"""Fits the field's classical baseline: a linear model on eGeMAPS functionals, without gradient descent.

Logistic regression for emotions, ridge regression for dimensions, both on standardised functionals, with
equal weights for all classes. The recipe's network and optimiser do not apply to it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from sertools.corpora.corpus import Corpus, join_corpora
from sertools.errors import ModelError
from sertools.training.baseline import fit_baseline
from sertools.training.data.batches import Clips
from sertools.training.phases import Phase, Setting
from sertools.training.recipe import Strict

DEFAULTS: dict[str, Any] = {"init": "random:linear"}
ENCODER = False
SHORTEST = 960
MODEL = "sklearn:{out}/baseline.skops"


class Options(Strict):
    """Settings of the model.

    Attributes:
        strength: of the regularisation
    """

    strength: Annotated[float, Field(gt=0)] = 1.0


@dataclass(frozen=True, kw_only=True)
class _Fit:
    """The phase that fits the model."""

    name: str = "baseline"

    def run(self, before: Path | None, out: Path, setting: Setting) -> None:
        """Writes the model, its labels, its training record and its held-out predictions."""
        if setting.recipe.target in {"joint", "soft"}:
            raise ModelError(
                f"the baseline cannot learn target = {setting.recipe.target!r}",
                hint='use target = "categories" or "dimensions"',
            )
        labels = list(setting.recipe.labels)
        if setting.recipe.target == "categories":
            labels = ["emotion"]
        elif setting.train.targets is not None:
            labels = list(setting.train.targets.dimensions)
        strength = setting.options.strength
        part, whole = corpus_of(setting.train)
        fit_baseline(part, labels, out / "baseline.skops", strength=strength, whole=whole)


def corpus_of(clips: Clips) -> tuple[Corpus, Corpus]:
    """The clips as a corpus with the training targets, and the corpus that contains them."""
    parts = []
    table, targets = clips.part.table, clips.targets
    assert targets is not None, "clips of this phase have labels"
    for source, corpus in enumerate(clips.part.corpora):
        rows = (table["source"] == source).to_numpy()
        if not rows.any():
            continue
        chosen = corpus.clips.loc[table["key"][rows]].copy()
        chosen["speaker"] = table["speaker"][rows].to_numpy()
        for i, name in enumerate(targets.dimensions):
            chosen[name] = targets.ratings[rows, i]
        parts.append(replace(corpus, clips=chosen))
        whole = corpus
    joined = parts[0] if len(parts) == 1 else join_corpora(parts)
    return joined, whole if len(parts) == 1 else joined


def phases(setting: Setting) -> Sequence[Phase]:
    """One phase."""
    return [_Fit()]
