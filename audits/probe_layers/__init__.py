"""Which layers know the emotion, and what else do they know?

Probes are tested on speakers that were not in their training folds; the audit cannot tell whether the model
itself was trained on them. Every clip is predicted once, by a probe that was fitted to the other folds, from
the layer's mean over time; layer 0 of a transformer is the output of its convolutional encoder. Emotions are
scored by UAR (unweighted accuracy, UA), dimensions, age and pitch by CCC, speakers by accuracy, over all
held-out predictions together. Speaker identification is a closed-set task: each speaker's clips are spread
over all folds, so the probe is trained on other clips of the same speakers.

The inputs are those of Li et al. (2023): each layer, the last layer, the average of all layers, the average
without the last two, and a weighted average with learned weights. The best layer is chosen separately for
each fold, by the error on speakers left out of its training folds, so that the choice does not inflate the
score; the curve shows which layer is best in hindsight.

The probe `linear` is ridge regression, for emotions on class indicators with equal class weights; the ridge
penalty is chosen within the training folds. `mlp` has two ReLU layers of 128 and 16 units (Li et al. 2023),
`superb` one of 256 (Ma et al. 2024); both are trained with AdamW in batches of 64, with early stopping on the
speakers of the next fold.

Chance is one over the number of classes, for speakers the share of the most frequent one, and 0 for CCC. It
is reported together with the score of the last layer's linear probe on shuffled labels. A second model is
compared on the same clips, with differences paired by speaker. A curve for the same architecture with random
weights shows what the architecture contributes without training.

The limit is our own, and modest: some layer predicts the label by more than .05 above chance. Scores for sex,
speaker, age and pitch are reported but not judged. Intervals are 95 %: leave-one-speaker-out jackknife with
Student's t, for accuracy Wilson's with the effective number of clips.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from sertools.auditing.contract import Needs, Outcome
from sertools.auditing.findings import finding, left_out, skipped
from sertools.errors import AuditError, nearest
from sertools.metrics.groups import F0
from sertools.probing import layers as probing
from sertools.probing.layers import BEST, LAST
from sertools.probing.probes import KINDS
from sertools.probing.targets import LABELS, MAX_CLIPS, Target, clips_with_layers, target, targets_to_probe
from sertools.results.published import li2023
from sertools.results.result import Finding, LeftOut, Limit
from sertools.statistics.jackknife import contrast
from sertools.tables.layers import Layers
from sertools.tables.tables import Tables

from . import presentation as show
from .presentation import THIS, Read

SOURCE = "ours: some layer predicts the label better than chance"
LIMITS = [Limit(name="above_chance", target=name, above=0.05, source=SOURCE) for name in LABELS]


def needs(
    *,
    targets: tuple[str, ...],
    kind: tuple[str, ...],
    folds: int,
    group: str,
    learning_rate: float,
    shuffles: int,
) -> Needs:
    """Layers, and pitch only if it is among the targets, because it is slow to measure."""
    return Needs(labels="none", layers=True, measured_columns=(F0,) if F0 in targets else ())


def audit(
    tables: Tables,
    *,
    rng: np.random.Generator,
    targets: tuple[str, ...] = (),
    kind: tuple[str, ...] = ("linear",),
    folds: int = 0,
    group: str = "",
    learning_rate: float = 2e-4,
    shuffles: int = 2,
) -> Outcome:
    """Score probes on every layer and on combinations of layers.

    Args:
        tables: clips and layer means, also of the comparison models
        rng: for training and for shuffling labels
        targets: columns to predict; by default emotion, dimensions, sex, speaker, age and f0_hz where the
            corpus has them; f0_hz (pitch) is measured from the audio if named here
        kind: kinds of probe: linear, mlp, superb
        folds: number of speaker groups, each held out once; 0 for sessions where the corpus has them, else 4
        group: column whose values are never split between training and test, such as session; by default
            speaker
        learning_rate: of mlp and superb; Li et al. used 1e-4 on IEMOCAP and 2e-4 on RAVDESS
        shuffles: how often labels are shuffled
    """
    for wanted in kind or ("",):
        if wanted not in KINDS:
            raise AuditError(f"unknown kind of probe {wanted!r}", hint=nearest(wanted, list(KINDS)))
    if not targets and not any(name in targets_to_probe(tables, ()) for name in LABELS):
        reason = "the corpus has no emotion labels and no ratings of a dimension"
        return Outcome(answer=f"Not measured: {reason}.", findings=[skipped("above_chance", tables, reason)])
    layers = tables.layers
    assert layers is not None
    seed = int(rng.integers(2**31))
    rows = clips_with_layers(tables)
    findings: list[Finding] = []
    chosen: list[Target] = []
    for name in targets_to_probe(tables, targets):
        try:
            chosen.append(target(tables, name, rows, folds=folds, group=group))
        except AuditError as error:
            findings.append(skipped("above_chance", tables, error.message, target=name))
    reads = [
        Read(
            model=model,
            kind=wanted,
            of=probing.probe(of, chosen, kind=wanted, learning_rate=learning_rate, seed=seed),
        )
        for wanted in dict.fromkeys(kind)
        for model, of in _models(tables).items()
    ]
    shuffled = {
        each.name: probing.score_of_shuffled_labels(layers, each, draws=shuffles, seed=seed)
        for each in chosen
    }
    without: list[LeftOut] = []
    differences: list[Finding] = []
    for each in chosen:
        for read in reads:
            if read.model == THIS:
                found, kept = _scores(tables, each, read)
                findings += found
                without += kept
            else:
                (own,) = [r for r in reads if r.kind == read.kind and r.model == THIS]
                differences += _differences(tables, each, own, read)
    clips = tables.clips.index
    labels = [each for each in chosen if each.name in LABELS]
    made = [
        show.inputs_table(clips, chosen, reads),
        *li2023.inputs_of(tables.corpus),
        show.layers_table(clips, chosen, reads),
        *show.differences_table(differences),
        show.targets_table(chosen, shuffled),
        *show.weights_table(chosen, reads),
    ]
    figures = [
        *(show.curve(clips, each, reads) for each in labels),
        *(show.comparison(clips, each, reads) for each in labels),
        *show.elsewhere(clips, [each for each in chosen if each not in labels], reads),
        *show.weights_figure(chosen, reads),
    ]
    return Outcome(
        answer=_answer(clips, chosen, reads) if chosen else _nothing(findings),
        findings=[*findings, *differences],
        tables=made if chosen else [],
        figures=figures,
        notes=_notes(tables, layers, chosen, rows),
        left_out=without,
    )


def plant(tables: Tables, rng: np.random.Generator) -> Tables:
    """Swap the layers between clips at random: they look normal but carry no information on their clip."""
    assert tables.layers is not None
    order = rng.permutation(len(tables.clips))
    means = np.stack([tables.layers.layer(i)[order] for i in range(tables.layers.n_layers)], axis=1)
    return replace(tables, layers=Layers(shards=(means,)))


def _models(tables: Tables) -> dict[str, Layers]:
    """Layers of this model and of those comparison models that have layers."""
    found = {THIS: tables.layers, **{role: other.layers for role, other in tables.others.items()}}
    return {name: layers for name, layers in found.items() if layers is not None and layers.n_layers}


def _scores(tables: Tables, of: Target, read: Read) -> tuple[list[Finding], list[LeftOut]]:
    """The score of every input, the best layer's margin above chance, and leave-one-speaker-out values."""
    findings, without = [], []
    for name, prediction in read.of[of.name].inputs.items():
        score, part = of.score(prediction, tables.clips.index), f"{read.kind}, {name}"
        findings.append(
            finding(f"probe_{of.metric}", score, target=of.name, slice=part, by_speaker=of.by_speaker)
        )
        pair = of.pairs(prediction, tables.clips.index)
        named = {"name": f"probe_{of.metric}", "slice": part}
        without += [k.model_copy(update=named) for k in left_out(of.statistic, pair, tables, target=of.name)]
        if name == BEST:
            above = replace(
                score,
                value=score.value - of.chance,
                low=score.low - of.chance,
                high=score.high - of.chance,
            )
            found = finding("above_chance", above, target=of.name, slice=part, by_speaker=of.by_speaker)
            findings.insert(0, found)
    return findings, without


def _differences(tables: Tables, of: Target, own: Read, other: Read) -> list[Finding]:
    """By how much each input scores better with this model than with another one, paired by speaker."""
    found = []
    for name, prediction in own.of[of.name].inputs.items():
        if name not in other.of[of.name].inputs:
            continue
        a, b = (of.pairs(p, tables.clips.index) for p in (other.of[of.name].inputs[name], prediction))
        difference = contrast(of.statistic, a.truth, a.prediction, b.prediction, a.unit)
        part = f"{own.kind}, {name}, minus {other.model}"
        found.append(
            finding(
                f"probe_{of.metric}_gain", difference, target=of.name, slice=part, by_speaker=of.by_speaker
            )
        )
    return found


def _answer(clips: pd.Index, chosen: list[Target], reads: list[Read]) -> str:
    """The scores of the best and of the last layer for each label, in one sentence."""
    labels = [of for of in chosen if of.name in LABELS] or chosen
    first = next(read for read in reads if read.model == THIS)
    told = []
    for of in labels:
        answers = first.of[of.name]
        best, last = (of.score(answers.inputs[name], clips) for name in (BEST, LAST))
        layer = np.bincount(answers.chosen).argmax()
        interval = "" if np.isnan(best.low) else f" [{best.low:.2f}, {best.high:.2f}]"
        told.append(
            f"{of.name} {of.metric.upper()} {best.value:.2f}{interval} from the best layer (mostly layer "
            f"{layer}), {last.value:.2f} from the last one, chance {of.chance:.2f}"
        )
    most = max(len(of.rows) for of in labels)
    whose = "" if any(of.closed_set for of in labels) else " of held-out speakers"
    return f"Scores of {first.kind} probes on {most} clips{whose}: {'; '.join(told)}."


def _nothing(findings: list[Finding]) -> str:
    """The answer if no target could be probed: the reasons."""
    return f"Not measured: {'; '.join(dict.fromkeys(f.reason for f in findings))}."


def _notes(tables: Tables, layers: Layers, chosen: list[Target], rows: np.ndarray) -> list[str]:
    """Notes on clips that were left out and on properties of the layers."""
    notes = [note for of in chosen for note in of.notes]
    without = len(tables.clips) - len(rows)
    if without and len(rows) == MAX_CLIPS:
        notes.append(f"The probes use a random sample of {MAX_CLIPS} of {len(tables.clips)} clips.")
    elif without:
        notes.append(f"{without} clips have no layers and are left out.")
    for of in chosen:
        fewest = len(of.rows) - int(np.bincount(of.fold).max())
        if fewest < layers.dimensions:
            notes.append(
                f"{of.name}: a layer has {layers.dimensions} dimensions and a probe is trained on as few as "
                f"{fewest} clips; without the ridge penalty it would overfit."
            )
    constant = [
        i for i in range(layers.n_layers) if len(rows) and not np.ptp(layers.layer(i)[rows], axis=0).any()
    ]
    if constant:
        notes.append(f"These layers are the same for every clip: {', '.join(map(str, constant))}.")
    return notes
