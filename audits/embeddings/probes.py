"""How well linear probes predict labels from the embeddings, compared with chance and with other models."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.auditing.findings import finding, skipped
from sertools.errors import AuditError
from sertools.probing import probes
from sertools.probing.layers import sharing_folds
from sertools.probing.targets import Target, target
from sertools.results.result import Finding
from sertools.statistics.jackknife import contrast
from sertools.tables.tables import Tables

from .neighbours import Embedded, minus_chance

Predictions = Mapping[str, NDArray[Any]]
"""Target → predictions of its clips: class codes or ratings."""


def probed_targets(
    tables: Tables, names: Sequence[str], rows: NDArray[np.integer]
) -> tuple[list[Target], list[Finding]]:
    """The columns that can be probed, and a skipped finding for each of the others.

    Args:
        tables: clips
        names: the columns
        rows: rows of the clips to use
    """
    targets: list[Target] = []
    findings: list[Finding] = []
    for name in names:
        try:
            targets.append(target(tables, name, rows))
        except AuditError as error:
            findings.append(skipped("above_chance", tables, error.message, target=name))
    return targets, findings


def linear_predictions(
    embedded: Embedded, targets: Sequence[Target], rows: NDArray[np.integer]
) -> dict[str, NDArray[Any]]:
    """Predictions of linear probes for each target's clips: target → predictions."""
    place = pd.Series(np.arange(len(rows)), index=rows)
    found = {}
    for together in sharing_folds(targets):
        first = together[0]
        truth = first.truth if first.classes else np.column_stack([each.truth for each in together])
        vectors = embedded.vectors[place[first.rows].to_numpy()]
        answers = probes.linear(vectors, truth, first.group, first.fold, len(first.classes))
        for each, answer in zip(together, answers, strict=True):
            found[each.name] = answer.prediction
    return found


def probe_findings(targets: Sequence[Target], predictions: Predictions, tables: Tables) -> list[Finding]:
    """The score of each probe, and its difference to chance."""
    found = []
    for each in targets:
        score = each.score(predictions[each.name], tables.clips.index)
        above = minus_chance(score, each.chance)
        found += [
            finding("above_chance", above, target=each.name, by_speaker=each.by_speaker),
            finding(f"probe_{each.metric}", score, target=each.name, by_speaker=each.by_speaker),
        ]
    return found


def gain_findings(
    targets: Sequence[Target], own: Predictions, other: Predictions, model: str, tables: Tables
) -> list[Finding]:
    """How much better probes of this model are than probes of another model, paired by speaker.

    Args:
        targets: the probed columns
        own: predictions of the probes of this model
        other: predictions of the probes of the other model
        model: name of the other model
        tables: clips
    """
    found = []
    for each in targets:
        a, b = (each.pairs(p[each.name], tables.clips.index) for p in (other, own))
        difference = contrast(each.statistic, a.truth, a.prediction, b.prediction, a.unit)
        found.append(
            finding(
                f"probe_{each.metric}_gain",
                difference,
                target=each.name,
                slice=f"minus {model}",
                by_speaker=each.by_speaker,
            )
        )
    return found
