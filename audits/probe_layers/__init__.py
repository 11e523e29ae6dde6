"""Which layers encode the emotion, and what else do they encode?

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

The command `probe-layers` also runs the audit `layer-acoustics` into the same report, the CCA of every layer
with acoustic features (eGeMAPS), unless `--no-cca` is given; `layer-acoustics` alone does only that.

The limit is our own, and modest: some layer predicts the label by more than .05 above chance. Scores for sex,
speaker, age and pitch are reported but not judged. Intervals are 95 %: leave-one-speaker-out jackknife with
Student's t, for accuracy Wilson's with the effective number of clips.
"""

from dataclasses import replace

import numpy as np

from sertools.auditing.contract import Needs, Outcome
from sertools.auditing.findings import skipped
from sertools.errors import AuditError, nearest
from sertools.metrics.groups import F0
from sertools.probing.probes import KINDS
from sertools.probing.targets import LABELS, clips_with_layers, targets_to_probe
from sertools.results.keys import Asks
from sertools.results.result import Limit
from sertools.tables.layers import Layers
from sertools.tables.tables import Tables

from . import presentation
from .findings import findings_of_probes
from .probing import ProbeOptions, learning_rate_of, probe_all_models, probed_targets

SOURCE = "ours: some layer predicts the label better than chance"
COMPANIONS = {"cca": "layer_acoustics"}
ASKS = Asks(question="What do its layers encode?", rank=70)

EXPLANATIONS = {
    "above_chance": (
        "Score of a probe on speakers that it was not trained on, minus chance: one over the number of "
        "classes, for speakers the share of the most frequent one, or 0 for a CCC."
    ),
    "probe_uar": (
        "UAR with which a probe predicts an emotion or another class from the layer, on speakers that it was "
        "not trained on; from 0 to 1."
    ),
    "probe_ccc": "The same for a rating: CCC of the probe's predictions, from −1 to 1.",
    "probe_accuracy": "The same for speakers: share of held-out clips whose speaker the probe names.",
    "probe_uar_gain": "UAR of this model's probe minus that of the other model's, paired by speaker.",
    "probe_ccc_gain": "CCC of this model's probe minus that of the other model's, paired by speaker.",
    "probe_accuracy_gain": "Accuracy of this model's probe minus that of the other's, paired by speaker.",
}

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
    learning_rate: float = 0.0,
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
        learning_rate: of mlp and superb; 0 for that of Li et al., 1e-4 on IEMOCAP and else 2e-4
        shuffles: how often labels are shuffled
    """
    if learning_rate < 0:
        hint = "use a number above 0, or 0 for the default"
        raise AuditError(f"learning_rate is {learning_rate:g}", hint=hint)
    for name in kind or ("",):
        if name not in KINDS:
            raise AuditError(f"unknown kind of probe {name!r}", hint=nearest(name, list(KINDS)))
    if not targets and not any(name in targets_to_probe(tables, ()) for name in LABELS):
        reason = "the corpus has no emotion labels and no ratings of a dimension"
        return Outcome(answer=f"Not measured: {reason}.", findings=[skipped("above_chance", tables, reason)])
    seed, rows = int(rng.integers(2**31)), clips_with_layers(tables)
    chosen, unprobed = probed_targets(
        tables, targets_to_probe(tables, targets), rows, folds=folds, group=group
    )
    rate = learning_rate or learning_rate_of(tables.corpus)
    options = ProbeOptions(kinds=kind, learning_rate=rate, shuffles=shuffles, seed=seed)
    results = probe_all_models(tables, chosen, options)
    findings, differences, without_speaker = findings_of_probes(tables, chosen, results)
    clips = tables.clips.index
    return Outcome(
        answer=presentation.answer(clips, chosen, results, unprobed),
        findings=[*unprobed, *findings, *differences],
        tables=presentation.all_tables(tables, chosen, results, differences),
        figures=presentation.all_figures(clips, chosen, results),
        notes=presentation.notes(tables, chosen, rows, options),
        left_out=without_speaker,
    )


def plant(tables: Tables, rng: np.random.Generator) -> Tables:
    """Swap the layers between clips at random: they look normal but carry no information on their clip."""
    assert tables.layers is not None
    order = rng.permutation(len(tables.clips))
    means = np.stack([tables.layers.layer(i)[order] for i in range(tables.layers.n_layers)], axis=1)
    return replace(tables, layers=Layers(shards=(means,)))
