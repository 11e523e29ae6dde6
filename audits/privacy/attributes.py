"""Speaker attributes predicted by linear probes, for speakers outside their training data."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.auditing.findings import detail, finding, skipped
from sertools.errors import AuditError
from sertools.probing import probes
from sertools.probing.probes import HeldOut
from sertools.probing.targets import Target, target
from sertools.results.result import Finding
from sertools.statistics.jackknife import Estimate, contrast
from sertools.statistics.shares import change_of_recall
from sertools.tables.tables import Tables

from .inputs import ACOUSTICS, ANSWERS, TRUTH, Inputs

SPEAKER = "speaker"
ACCENTS = ("accent", "dialect", "native_language", "language", "ethnicity", "race")
ATTRIBUTES = ("sex", "age", *ACCENTS, SPEAKER)
"""What is read by default, where the corpus has it and it differs between clips."""

BEST_LAYER = "best layer"


@dataclass(frozen=True, kw_only=True)
class Attribute:
    """Predictions of one attribute by probes.

    Attributes:
        of: the column as a target of probes
        scores: input → score; `best layer` is the layer that is best on each fold's training clips
        beyond_labels: score from the answers minus that from the labels
        above_acoustics: score from the best layer minus that from eGeMAPS; None without either
    """

    of: Target
    scores: dict[str, Estimate]
    beyond_labels: Estimate
    above_acoustics: Estimate | None


def attributes(tables: Tables, known: Inputs, names: Sequence[str]) -> tuple[list[Attribute], list[Finding]]:
    """The attributes that probes can read, and a skipped finding for each that cannot be read.

    Args:
        tables: clips
        known: vectors of the clips
        names: columns; empty for `ATTRIBUTES`
    """
    clips = tables.clips.iloc[known.rows]
    present = [name for name in ATTRIBUTES if name in clips and clips[name].nunique() > 1]
    found: list[Attribute] = []
    missing: list[Finding] = []
    for name in names or present:
        try:
            found.append(_read(tables, known, target(tables, name, known.rows)))
        except AuditError as error:
            missing.append(skipped("beyond_labels", tables, error.message, target=name))
    return found, missing


def _read(tables: Tables, known: Inputs, of: Target) -> Attribute:
    """Probes of one attribute on every input."""
    place = pd.Series(np.arange(len(known.rows)), index=known.rows)
    rows = place[of.rows].to_numpy()
    held_out = {name: _probe(vectors[rows], of) for name, vectors in known.vectors.items()}
    predictions = {name: each.prediction for name, each in held_out.items()}
    if known.layers:
        predictions[BEST_LAYER], _ = probes.best([held_out[name] for name in known.layers], of.fold)
    clips = tables.clips.index
    if TRUTH not in predictions:
        predictions[TRUTH] = np.zeros_like(predictions[ANSWERS])
    compared = BEST_LAYER in predictions and ACOUSTICS in predictions
    return Attribute(
        of=of,
        scores={name: of.score(prediction, clips) for name, prediction in predictions.items()},
        beyond_labels=_difference(of, clips, predictions[TRUTH], predictions[ANSWERS]),
        above_acoustics=_difference(of, clips, predictions[ACOUSTICS], predictions[BEST_LAYER])
        if compared
        else None,
    )


def _probe(vectors: NDArray[np.float64], of: Target) -> HeldOut:
    truth = of.truth if of.classes else of.truth[:, None]
    return probes.linear(vectors, truth, of.group, of.fold, len(of.classes))[0]


def _difference(
    of: Target, clips: pd.Index, before: NDArray[np.generic], after: NDArray[np.generic]
) -> Estimate:
    """How much better one prediction is than another, paired by speaker; for classes never of width 0."""
    a, b = of.pairs(before, clips), of.pairs(after, clips)
    if of.classes:
        return change_of_recall(a.truth, a.prediction, b.prediction, a.unit)
    return contrast(of.statistic, a.truth, a.prediction, b.prediction, a.unit)


def findings(each: Attribute, withheld: str) -> list[Finding]:
    """How much more the answers reveal about an attribute than the labels do, and the score of each input."""
    of = each.of
    found = [
        finding(
            "beyond_labels",
            each.beyond_labels,
            by_speaker=of.by_speaker,
            target=of.name,
            withheld=withheld,
        )
    ]
    for name in (ANSWERS, BEST_LAYER):
        if name in each.scores:
            above = each.scores[name].minus(of.chance)
            made = finding(
                "above_chance", above, by_speaker=of.by_speaker, target=of.name, slice=f"from={name}"
            )
            found.append(detail(made))
    if each.above_acoustics is not None:
        made = finding("above_egemaps", each.above_acoustics, by_speaker=of.by_speaker, target=of.name)
        found.append(detail(made))
    for name, score in each.scores.items():
        made = finding(
            f"probe_{of.metric}", score, by_speaker=of.by_speaker, target=of.name, slice=f"from={name}"
        )
        found.append(detail(made))
    return found
