"""Probes of all kinds on the layers of all models."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sertools.auditing.findings import skipped
from sertools.errors import AuditError
from sertools.probing.layers import ProbeScores, probe, score_of_shuffled_labels
from sertools.probing.targets import Target, target
from sertools.results.result import Finding
from sertools.tables.layers import Layers
from sertools.tables.tables import Tables

THIS = "this model"


LEARNING_RATES = {"iemocap": 1e-4}
"""Corpus → learning rate of the probes of Li et al. (2023), where it is not `LEARNING_RATE`."""

LEARNING_RATE = 2e-4


def learning_rate_of(corpus: str) -> float:
    """The learning rate of the probes of Li et al. on a corpus.

    >>> learning_rate_of("iemocap:session5"), learning_rate_of("iemocap@loso:1"), learning_rate_of("ravdess")
    (0.0001, 0.0001, 0.0002)
    """
    return LEARNING_RATES.get(corpus.partition(":")[0].partition("@")[0], LEARNING_RATE)


@dataclass(frozen=True, kw_only=True)
class ProbeOptions:
    """How probes are trained.

    Attributes:
        kinds: kinds of probe
        learning_rate: of probes that are networks
        shuffles: how often labels are shuffled for the score by chance
        seed: random seed
    """

    kinds: tuple[str, ...]
    learning_rate: float
    shuffles: int
    seed: int


@dataclass(frozen=True, kw_only=True)
class ModelProbes:
    """Results of one kind of probe on one model.

    Attributes:
        model: `THIS`, or the role of a comparison model
        kind: kind of probe
        by_target: target → results
    """

    model: str
    kind: str
    by_target: Mapping[str, ProbeScores]


@dataclass(frozen=True, kw_only=True)
class ProbeResults:
    """Results of all kinds of probe on all models.

    Attributes:
        probes: one entry for each kind of probe and model
        shuffled: target → score of the last layer's linear probe on shuffled labels
    """

    probes: list[ModelProbes]
    shuffled: Mapping[str, float]

    def of_this_model(self, kind: str = "") -> ModelProbes:
        """Results of one kind of probe on the audited model, by default of the first kind."""
        return next(each for each in self.probes if each.model == THIS and kind in ("", each.kind))


def probed_targets(
    tables: Tables, names: Sequence[str], rows: NDArray[np.integer], *, folds: int, group: str
) -> tuple[list[Target], list[Finding]]:
    """The columns that can be probed, and a skipped finding for each of the others.

    Args:
        tables: clips
        names: the columns
        rows: rows of the clips to use
        folds: number of groups, each held out once; 0 for sessions where the corpus has them, else 4
        group: column whose values are never split between training and test
    """
    targets: list[Target] = []
    findings: list[Finding] = []
    for name in names:
        try:
            targets.append(target(tables, name, rows, folds=folds, group=group))
        except AuditError as error:
            findings.append(skipped("above_chance", tables, error.message, target=name))
    return targets, findings


def probe_all_models(tables: Tables, targets: Sequence[Target], options: ProbeOptions) -> ProbeResults:
    """Probes of each kind on each model, and the scores by chance on this model.

    Args:
        tables: layer means, also of the comparison models
        targets: what the probes predict
        options: how probes are trained
    """
    assert tables.layers is not None, "the runner provides the layers that needs() requests"
    rate, seed = options.learning_rate, options.seed
    probes = [
        ModelProbes(
            model=model,
            kind=kind,
            by_target=probe(layers, targets, kind=kind, learning_rate=rate, seed=seed),
        )
        for kind in dict.fromkeys(options.kinds)
        for model, layers in _layers_by_model(tables).items()
    ]
    shuffled = {
        each.name: score_of_shuffled_labels(tables.layers, each, draws=options.shuffles, seed=seed)
        for each in targets
    }
    return ProbeResults(probes=probes, shuffled=shuffled)


def _layers_by_model(tables: Tables) -> dict[str, Layers]:
    """Layers of this model and of those comparison models that have layers."""
    found = {THIS: tables.layers, **{role: other.layers for role, other in tables.others.items()}}
    return {name: layers for name, layers in found.items() if layers is not None and layers.n_layers}
