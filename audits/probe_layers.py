"""Which layers know the emotion, and what else do they know?

Probes are asked about clips of speakers that they have not heard; whether the model heard them in its own
training, they cannot tell. Every clip is predicted once, by a probe that was fitted to the other folds, on
the layer's mean over time; layer 0 of a transformer is the output of its convolutional encoder. Emotions are
scored by UAR (unweighted accuracy, UA), dimensions, age and pitch by CCC, speakers by accuracy, over all
held-out predictions together. Speakers are a closed set: the probe has heard other clips of the same speaker,
dealt to the folds in turn.

The inputs are those of Li et al. (2023): each layer, the last one, the average of all, the average without
the last two, and the weighted average, whose weights are learned. The best layer is chosen anew for each fold
by the error on speakers left out of its training folds, so that the choice does not flatter the score; which
layer is best in hindsight can be seen in the curve.

The probe `linear` is ridge regression, for emotions on indicators of classes that weigh alike; its strength
is chosen within the training folds. `mlp` has two rectified layers of 128 and 16 (Li et al. 2023), `superb`
one of 256 (Ma et al. 2024); both are trained by AdamW in batches of 64, and the next fold's speakers say when
to stop.

Chance is one over the number of classes, for speakers the share of the most frequent one, 0 for CCC; beside
it stands what the last layer's linear probe reads from shuffled labels. A second model is compared on the
same clips, the difference paired by speaker. A curve of the same architecture with random weights shows what
the architecture alone gives.

The limit is ours, and modest: some layer knows the label by more than .05 above chance. What the layers know
of sex, speaker, age and pitch is told, and not judged. Intervals are 95 %: leave-one-speaker-out jackknife
with Student's t, for accuracy Wilson's with the effective number of clips.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from sertools import probe_tables as show
from sertools import probing, reference_layers
from sertools.audit import Needs, Outcome, finding, left_out, skipped
from sertools.errors import AuditError, nearest
from sertools.metrics.groups import F0
from sertools.metrics.intervals import contrast
from sertools.metrics.probes import KINDS
from sertools.probe_tables import THIS, Read
from sertools.probing import BEST, LAST
from sertools.result import Finding, LeftOut, Limit
from sertools.tables import Layers, Tables
from sertools.targets import LABELS, MOST, Target, asked, heard, target

SOURCE = "ours: some layer knows more of it than an answer that knows nothing"
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
    """Layers; pitch, which takes long to measure, only where it is named."""
    return Needs(labels="none", layers=True, sound=(F0,) if F0 in targets else ())


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
    """What probes read from every layer and from combinations of layers.

    Args:
        tables: clips and layer means, other models' beside them
        rng: for what is trained and shuffled
        targets: columns to ask about; by default emotion, dimensions, sex, speaker, age and f0_hz where the
            corpus has them; f0_hz, the pitch, is measured in the sound where it is named here
        kind: probes, of linear, mlp and superb
        folds: groups of speakers that are held out in turn; 0 for sessions where the corpus has them, else 4
        group: column whose values are never on both sides, such as session; speaker by default
        learning_rate: of mlp and superb; Li et al. took 1e-4 on IEMOCAP and 2e-4 on RAVDESS
        shuffles: how often labels are shuffled
    """
    for wanted in kind or ("",):
        if wanted not in KINDS:
            raise AuditError(f"no kind of probe {wanted!r}", hint=nearest(wanted, list(KINDS)))
    if not targets and not any(name in asked(tables, ()) for name in LABELS):
        reason = "the corpus names no emotion and rates no dimension"
        return Outcome(answer=f"Not measured: {reason}.", findings=[skipped("above_chance", tables, reason)])
    layers = tables.layers
    assert layers is not None
    seed = int(rng.integers(2**31))
    rows = heard(tables)
    findings: list[Finding] = []
    chosen: list[Target] = []
    for name in asked(tables, targets):
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
    shuffled = {each.name: probing.by_chance(layers, each, draws=shuffles, seed=seed) for each in chosen}
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
        *reference_layers.inputs_of(tables.corpus),
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
    """Every clip has the layers of another one: they look like any others, and know nothing of the clip."""
    assert tables.layers is not None
    order = rng.permutation(len(tables.clips))
    means = np.stack([tables.layers.layer(i)[order] for i in range(tables.layers.n_layers)], axis=1)
    return replace(tables, layers=Layers(shards=(means,)))


def _models(tables: Tables) -> dict[str, Layers]:
    """Layers of this model and of the others that have any."""
    found = {THIS: tables.layers, **{role: other.layers for role, other in tables.others.items()}}
    return {name: layers for name, layers in found.items() if layers is not None and layers.n_layers}


def _scores(tables: Tables, of: Target, read: Read) -> tuple[list[Finding], list[LeftOut]]:
    """The score of every input, and of the best layer above chance, with what each speaker makes of it."""
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
    """How much better each input of this model is than that of another model, paired by speaker."""
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
    """What is read of each label from the best layer and from the last one."""
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
    whose = "" if any(of.closed for of in labels) else " of speakers that they have not heard"
    return f"What {first.kind} probes read in {most} clips{whose}: {'; '.join(told)}."


def _nothing(findings: list[Finding]) -> str:
    """Why no probe could be asked anything."""
    return f"Not measured: {'; '.join(dict.fromkeys(f.reason for f in findings))}."


def _notes(tables: Tables, layers: Layers, chosen: list[Target], rows: np.ndarray) -> list[str]:
    """What was left out, and what a reader should know of the layers."""
    notes = [note for of in chosen for note in of.notes]
    without = len(tables.clips) - len(rows)
    if without and len(rows) == MOST:
        notes.append(f"{MOST} of {len(tables.clips)} clips were drawn for the probes.")
    elif without:
        notes.append(f"{without} clips have no layers and are left out.")
    for of in chosen:
        fewest = len(of.rows) - int(np.bincount(of.fold).max())
        if fewest < layers.dimensions:
            notes.append(
                f"{of.name}: a layer has {layers.dimensions} numbers and a probe hears as few as {fewest} "
                "clips; without the ridge it would learn them by heart."
            )
    constant = [
        i for i in range(layers.n_layers) if len(rows) and not np.ptp(layers.layer(i)[rows], axis=0).any()
    ]
    if constant:
        notes.append(f"The same for every clip: layer {', '.join(map(str, constant))}.")
    return notes
