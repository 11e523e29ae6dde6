"""What do the answers and the layers reveal about speakers, and about the training data?

Linear probes predict sex, age, accent (if the corpus has such columns) and identity from the answers (all
scores of a clip), from the mean over time of each layer, and for comparison from eGeMAPS functionals and from
the labels. They are tested on speakers outside their training folds, by UAR, or by CCC for age. Speakers are
identified among those that the probe knows (closed set, accuracy), and verified among unknown ones (open
set). The equal error rate (EER) of verification is the rate at which as many pairs of clips of one speaker
are rejected as pairs of two speakers are accepted. The score of a pair is the distance of its clips, whitened
by the variance within other speakers. An EER of .5 is chance, 0 is perfect.

The layers of any encoder give speakers away; that is shown together with eGeMAPS and chance, but not judged.
The answers are judged, because they are what a service returns and stores: `beyond_labels` is how much better
an attribute is predicted from the answers than from the labels of the same clips. If women are recorded with
other emotions than men, emotion reveals sex, and no model can avoid that; what goes beyond is a trace of the
voice. For verification it is the EER from the labels minus the EER from the answers. The limit is ours: .1.
Only models that are shown to beat a constant can pass, because a constant gives nothing away.

`--members split=train` names the clips that were in the training. Then the losses of these clips and of the
others are compared: `membership_auc` is how often a training clip has a lower loss than another clip with the
same emotion (or in the same quarter of the rating scale); it is .5 if the losses do not reveal the training
data. `loss_gap` is the difference of the mean losses. The loss is −log p of the true emotion, or |p − t|.
This only shows memory if both sets of clips come from the same recordings: clips that are harder have larger
losses, too. The limit is ours: below .6.

Intervals are 95 %: leave-one-speaker-out jackknife with Student's t, for shares of clips Wilson's with the
effective number of clips, and for differences of such shares MOVER.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from sertools.auditing.contract import Needs, Outcome
from sertools.auditing.findings import detail, finding, skipped
from sertools.metrics.better_than_chance import not_better_than_constant
from sertools.results.keys import Asks
from sertools.results.result import Finding, Limit
from sertools.statistics.jackknife import MIN_UNITS
from sertools.tables.egemaps import FUNCTIONAL_COLUMNS
from sertools.tables.pairs import pairs, scored_targets, speaker_codes
from sertools.tables.tables import Tables

from . import presentation
from .attributes import SPEAKER, attributes, findings
from .inputs import ACOUSTICS, ANSWERS, TRUTH, inputs
from .membership import Membership, members_of, membership
from .verification import Eer, difference, verified

ASKS = Asks(question="What does it reveal about speakers?", claim="discreet about its speakers", rank=80)

EXPLANATIONS = {
    "beyond_labels": (
        "How much better an attribute of speakers is read from the answers than from the labels of the "
        "same clips: difference of UAR, of CCC for age, of accuracy for the speaker, of the EER for "
        "verification; 0 means not better."
    ),
    "above_chance": "Score of a probe minus chance: one over the number of values, or 0 for CCC.",
    "above_egemaps": (
        "How much better an attribute is read from the best layer than from eGeMAPS functionals, in the "
        "same units."
    ),
    "eer": (
        "Equal error rate of telling whether two clips are by one speaker, for speakers outside the "
        "training of the comparison; .5 is chance, 0 is perfect."
    ),
    "membership_auc": (
        "How often a clip of the training has a lower loss than another clip with the same truth, from 0 "
        "to 1; .5 if losses do not reveal the training data."
    ),
    "loss_gap": "Mean loss of clips outside the training minus that of training clips with the same truth.",
}

VERIFICATION = "speaker verification"
OURS = "ours: an attribute that is visibly easier to read from the answers than from the labels"
LIMITS = [
    Limit(name="beyond_labels", below=0.1, source=OURS),
    Limit(name="membership_auc", below=0.6, source="ours: six of ten guesses about membership are right"),
]


def needs(*, trait: tuple[str, ...], members: str, read_layers: bool) -> Needs:
    """Answers, layers where the model has them, and eGeMAPS where they can be measured."""
    return Needs(
        labels="either",
        optional_layers=read_layers,
        optional_columns=FUNCTIONAL_COLUMNS if read_layers else (),
    )


def audit(
    tables: Tables,
    *,
    rng: np.random.Generator,
    trait: tuple[str, ...] = (),
    members: str = "",
    read_layers: bool = True,
) -> Outcome:
    """Read attributes of speakers from answers and layers, and membership from losses.

    Args:
        tables: clips, clean predictions, and layers if the model has them
        rng: not used; this audit draws no random numbers
        trait: columns to read; by default sex, age, accent, dialect, native_language, language,
            ethnicity, race and speaker, where the corpus has them
        members: the clips that were in the training, as COLUMN=VALUE, e.g. split=train
        read_layers: also read layers, and eGeMAPS for comparison
    """
    known = inputs(tables, read_layers=read_layers)
    withheld = _withheld(tables)
    read, missing = attributes(tables, known, trait)
    rates = verified(tables, known) if not trait or SPEAKER in trait else {}
    found = [f for each in read for f in findings(each, withheld)] + missing
    found += _verification_findings(tables, rates, withheld)
    losses = _memberships(tables, members)
    found += [f for target, each in losses.items() for f in _membership_findings(tables, target, each)]
    if not found:
        reason = "the corpus has no column about speakers that differs between clips"
        found = [skipped("beyond_labels", tables, reason)]
    return Outcome(
        answer=presentation.answer(read, rates, losses) or f"Not measured: {found[0].reason}.",
        findings=found,
        tables=presentation.tables(read, rates),
        figures=presentation.figures(read, rates),
        notes=[*(note for each in read for note in each.of.notes), *presentation.notes(known, members)],
    )


def plant(tables: Tables, rng: np.random.Generator) -> Tables:
    """Let every answer carry a trace of its speaker and of the speaker's sex."""
    codes, _ = speaker_codes(tables.clips)
    nobody = pd.Series(None, index=tables.clips.index, dtype=object)
    woman = (tables.clips.get("sex", nobody) == "female").to_numpy(dtype=np.float64)
    planted = {}
    for condition, scores in tables.predictions.items():
        own = rng.normal(0, 0.1, (int(codes.max()) + 1, scores.shape[1]))[codes]
        trace = own + 0.2 * woman[:, None] * rng.choice([-1.0, 1.0], scores.shape[1])
        values = scores.to_numpy(dtype=np.float64) + trace
        changed = pd.DataFrame(values, index=scores.index, columns=scores.columns)
        classes = list(tables.model_classes)
        if classes:
            positive = np.maximum(changed[classes].to_numpy() + 0.3, 1e-3)
            changed[classes] = positive / positive.sum(axis=1, keepdims=True)
        planted[condition] = changed
    return tables.with_predictions(planted)


def _withheld(tables: Tables) -> str:
    """Why no limit is passed: no target is shown to be predicted better than by a constant."""
    reasons = []
    for target in scored_targets(tables):
        pair = pairs(tables, target)
        reasons.append(not_better_than_constant(pair, pair.classes) if pair.units >= MIN_UNITS else "")
    return reasons[0] if reasons and all(reasons) else ""


def _verification_findings(tables: Tables, rates: dict[str, Eer], withheld: str) -> list[Finding]:
    """The equal error rates, and how much lower it is from the answers than from the labels."""
    found = []
    if TRUTH in rates and ANSWERS in rates:
        gain = difference(rates[TRUTH], rates[ANSWERS])
        found.append(finding("beyond_labels", gain, by_speaker=True, target=VERIFICATION, withheld=withheld))
    layers = [name for name in rates if name.startswith("layer ")]
    if layers and ACOUSTICS in rates:
        best = min(layers, key=lambda name: rates[name].rate.value)
        gain = difference(rates[ACOUSTICS], rates[best])
        found.append(detail(finding("above_egemaps", gain, by_speaker=True, target=VERIFICATION)))
    for name, each in rates.items():
        made = finding("eer", each.rate, by_speaker=True, target=SPEAKER, slice=f"from={name}")
        found.append(detail(made))
    return found


def _memberships(tables: Tables, members: str) -> dict[str, Membership]:
    """Membership by losses, for each target; empty unless the training clips are named."""
    if not members:
        return {}
    member = members_of(tables, members)
    found = {}
    for target in scored_targets(tables):
        pair = pairs(tables, target).of_answered
        found[target] = membership(tables, pair, member[tables.clips.index.get_indexer(pair.clips)])
    return found


def _membership_findings(tables: Tables, target: str, each: Membership) -> list[Finding]:
    """How well losses identify training clips, and the gap of the losses."""
    pair = pairs(tables, target)
    withheld = not_better_than_constant(pair, pair.classes)
    judged = finding(
        "membership_auc",
        each.auc,
        by_speaker=pair.by_speaker,
        target=target,
        withheld=withheld,
        coverage=pair.coverage,
    )
    gap = replace(each.gap, n=each.members + each.others)
    return [judged, detail(finding("loss_gap", gap, by_speaker=pair.by_speaker, target=target))]
