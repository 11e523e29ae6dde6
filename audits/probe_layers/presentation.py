"""All tables and figures in the order of the report, the answer and notes."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.auditing.phrases import interval_text
from sertools.probing.layers import BEST, LAST
from sertools.probing.targets import LABELS, MAX_CLIPS, Target
from sertools.results.published import li2023
from sertools.results.result import Figure, Finding, Table
from sertools.tables.tables import Tables
from sertools.wording import are, listed, plural

from . import result_figures, result_tables
from .probing import ProbeOptions, ProbeResults


def all_tables(
    tables: Tables, targets: Sequence[Target], results: ProbeResults, differences: Sequence[Finding]
) -> list[Table]:
    """Scores by input and by layer, differences, targets and weights; none if nothing was probed."""
    if not targets:
        return []
    clips, probes = tables.clips.index, results.probes
    return [
        result_tables.inputs_table(clips, targets, probes),
        *li2023.inputs_of(tables.corpus),
        result_tables.layers_table(clips, targets, probes),
        *result_tables.differences_table(differences),
        result_tables.targets_table(targets, results.shuffled),
        *result_tables.weights_table(targets, probes),
    ]


def all_figures(clips: pd.Index, targets: Sequence[Target], results: ProbeResults) -> list[Figure]:
    """Curves and inputs of each label, curves of the other targets, and learned weights."""
    labels = [each for each in targets if each.name in LABELS]
    others = [each for each in targets if each.name not in LABELS]
    return [
        *(result_figures.curve_figure(clips, each, results.probes) for each in labels),
        *(result_figures.inputs_figure(clips, each, results.probes) for each in labels),
        *result_figures.other_targets_figure(clips, others, results.probes),
        *result_figures.weights_figure(targets, results.probes),
    ]


def answer(
    clips: pd.Index, targets: Sequence[Target], results: ProbeResults, unprobed: Sequence[Finding]
) -> str:
    """The scores of the best and of the last layer for each label; the reasons if there are none.

    Args:
        clips: names of all clips
        targets: what the probes predict
        results: results of the probes
        unprobed: findings on targets that could not be probed
    """
    if not targets:
        return f"Not measured: {'; '.join(dict.fromkeys(f.reason for f in unprobed))}."
    labels = [each for each in targets if each.name in LABELS] or targets
    probes = results.of_this_model()
    scores = []
    for target in labels:
        probed = probes.by_target[target.name]
        best, last = (target.score(probed.inputs[name], clips) for name in (BEST, LAST))
        layer = np.bincount(probed.chosen).argmax()
        scores.append(
            f"{target.name} {target.metric.upper()} {best.value:.2f}{interval_text(best)} from the best "
            f"layer (mostly layer {layer}), {last.value:.2f} from the last one, chance {target.chance:.2f}"
        )
    most = max(len(each.rows) for each in labels)
    speakers = "" if any(each.closed_set for each in labels) else " of held-out speakers"
    return f"Scores of {probes.kind} probes on {plural(most, 'clip')}{speakers}: {'; '.join(scores)}."


def notes(
    tables: Tables, targets: Sequence[Target], rows: NDArray[np.integer], options: ProbeOptions
) -> list[str]:
    """Notes on clips that were left out, on how networks are trained, and on properties of the layers."""
    layers = tables.layers
    assert layers is not None, "the runner provides the layers that needs() requests"
    found = [note for target in targets for note in target.notes]
    networks = [kind for kind in dict.fromkeys(options.kinds) if kind != "linear"]
    if networks:
        found.append(
            f"The learning rate of {listed(networks)} probes is {options.learning_rate:g} "
            "(without --learning-rate that of Li et al. 2023: 0.0001 on IEMOCAP, 0.0002 elsewhere)."
        )
    without = len(tables.clips) - len(rows)
    if without and len(rows) == MAX_CLIPS:
        found.append(f"The probes use a random sample of {MAX_CLIPS} of {len(tables.clips)} clips.")
    elif without:
        found.append(f"{plural(without, 'clip has', 'clips have')} no layers and {are(without)} left out.")
    penalised = "linear probes would overfit without the ridge penalty"
    overfits = penalised if "linear" in options.kinds else f"{listed(networks)} probes may overfit"
    for target in targets:
        fewest = len(target.rows) - int(np.bincount(target.fold).max())
        if fewest < layers.dimensions:
            found.append(
                f"{target.name}: a layer has {plural(layers.dimensions, 'dimension')} and a probe is trained "
                f"on as few as {plural(fewest, 'clip')}; {overfits}."
            )
    constant = [
        i for i in range(layers.n_layers) if len(rows) and not np.ptp(layers.layer(i)[rows], axis=0).any()
    ]
    if constant:
        found.append(f"These layers are the same for every clip: {', '.join(map(str, constant))}.")
    return found
