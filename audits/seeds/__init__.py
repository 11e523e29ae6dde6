"""What remains of the findings when a recipe is trained again with another seed?

`--model` is given several times, once for each checkpoint of one recipe; the checkpoints differ only in their
random seed. All of them predict the same clips. For every target the audit computes the score (UAR, CCC), the
recall of each emotion, the error and the bias of a dimension, and the gap of the score between two groups
(`--group`, by default sex), for every checkpoint. The variance of each number has two parts:

- seeds: the standard deviation s over M checkpoints (divisor M − 1), with the interval of a normal
  distribution, (M − 1) s² / χ². Three seeds say little about it: the upper end is six times s;
- speakers: the standard error of the mean over checkpoints that is due to the choice of speakers (jackknife;
  each speaker is left out of all checkpoints at once).

`recipe` is the mean over checkpoints, with an interval for other seeds and other speakers: variance s²/M plus
the variance over speakers, with Satterthwaite's degrees of freedom. A finding *survives* if the 95 %
intervals of all checkpoints lie on the same side of a reference: chance for scores and recall, the error of a
constant, 0 for biases and gaps. A finding of one checkpoint that does not survive may be due to its seed. The
audit also reports how well checkpoints agree clip by clip: the share of clips that two of them put into the
same class, or the CCC of their predictions, for the pair that agrees least.

The limit is ours: the standard deviation of a score over seeds is below .05; beyond that, two models that
differ by .1 may differ by luck. It is only passed if the first checkpoint is shown to beat a constant, and if
no two checkpoints give exactly the same answers: then one checkpoint was given twice, or its seed changes
nothing, and the spread is too small. Other intervals are 95 %: jackknife over speakers with Student's t, for
the share of clips in the same class Wilson's.
"""

import itertools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from sertools.auditing.contract import Needs, Outcome
from sertools.auditing.findings import detail, doubted, finding, skipped
from sertools.metrics.better_than_chance import not_better_than_constant
from sertools.metrics.regression import CCC
from sertools.results.keys import Asks
from sertools.results.result import Finding, Limit
from sertools.statistics.jackknife import estimate
from sertools.statistics.proportions import proportion
from sertools.tables.columns import CHECKPOINT
from sertools.tables.condition import CLEAN
from sertools.tables.pairs import pairs, predictions_of, scored_targets, speaker_codes
from sertools.tables.tables import Tables
from sertools.wording import listed

from . import presentation
from .claims import Claim, claims
from .spread import Spread, spread

MODELS = "checkpoints"
ASKS = Asks(question="Does it depend on the seed?", claim="stable over seeds", rank=95)

EXPLANATIONS = {
    "spread_over_seeds": (
        "Standard deviation of a score over checkpoints of one recipe (divisor M − 1), with the interval "
        "of a normal distribution; 0 where seeds do not matter."
    ),
    "recipe": (
        "Mean of a number over checkpoints, with an interval for other seeds and other speakers: variance "
        "s²/M plus the jackknife variance over speakers."
    ),
    "agreement": (
        "Share of clips that two checkpoints put into the same class, or CCC of their predictions, of the "
        "pair that agrees least; 1 where seeds do not matter."
    ),
}

UNLIKE = "the models predict different emotions, so they are no checkpoints of one recipe"

LIMITS = [
    Limit(
        name="spread_over_seeds",
        below=0.05,
        source="ours: beyond, two models that differ by .1 may differ by luck",
    )
]
SCORES = ("uar", "ccc")
ONE = "only one checkpoint was given; name several with --model"


def needs(*, checkpoints: tuple[str, ...], group: str) -> Needs:
    """Clean predictions of all checkpoints."""
    return Needs(labels="either", models=checkpoints)


def audit(
    tables: Tables,
    *,
    rng: np.random.Generator,
    checkpoints: tuple[str, ...] = (),
    group: str = "sex",
) -> Outcome:
    """Compare checkpoints of one recipe.

    Args:
        tables: clips and clean predictions, also of the other checkpoints
        rng: not used; this audit draws no random numbers
        checkpoints: the other checkpoints of the recipe, as after --model
        group: column with two groups whose scores are compared
    """
    every = all_checkpoints(tables)
    if len(every) < 2:
        return Outcome(answer=f"Not measured: {ONE}.", findings=[skipped("spread_over_seeds", tables, ONE)])
    unlike = any(each.model_classes != tables.model_classes for each in every)
    found = [] if unlike else claims(every, group)
    if not found:
        reason = UNLIKE if unlike else "the checkpoints share no target"
        return Outcome(
            answer=f"Not measured: {reason}.", findings=[skipped("spread_over_seeds", tables, reason)]
        )
    parts = [spread(each, each.estimates[0].n, each.estimates[0].units) for each in found]
    same = _same(every)
    findings = [
        f
        for claim, part in zip(found, parts, strict=True)
        for f in _findings(claim, part, every, "; ".join(same))
    ]
    return Outcome(
        answer=presentation.answer(found, parts, same),
        findings=[*findings, *_agreements(every)],
        tables=presentation.tables(found, parts, [each.model for each in every]),
        figures=presentation.figures(found, parts, [each.model for each in every]),
        notes=[f"{each[:1].upper()}{each[1:]}." for each in same],
    )


def plant(tables: Tables, rng: np.random.Generator) -> Tables:
    """Exchange the predictions of one checkpoint among all clips; with one checkpoint, nothing is changed."""
    roles = [role for role in tables.others if role.startswith(CHECKPOINT)]
    if not roles:
        return tables
    other = tables.others[roles[-1]]
    order = rng.permutation(len(other.clips))
    shuffled = {key: scores.iloc[order].set_axis(scores.index) for key, scores in other.predictions.items()}
    return replace(tables, others={**tables.others, roles[-1]: other.with_predictions(shuffled)})


def all_checkpoints(tables: Tables) -> list[Tables]:
    """The tables of all checkpoints, the audited one first; equal emotions are in the order of its own."""
    others = [other for role, other in tables.others.items() if role.startswith(CHECKPOINT)]
    own = tables.model_classes
    others = [
        replace(each, model_classes=own) if sorted(each.model_classes) == sorted(own) else each
        for each in others
    ]
    return [replace(each, leaves_out_unanswered=tables.leaves_out_unanswered) for each in [tables, *others]]


def _findings(claim: Claim, part: Spread, every: Sequence[Tables], doubt: str) -> list[Finding]:
    """The spread of a score, judged, and the mean of the recipe, of every claim.

    Args:
        claim: one number of all checkpoints
        part: the parts of its variance
        every: the tables of all checkpoints
        doubt: why a small spread means nothing; empty if it does
    """
    by_speaker = speaker_codes(every[0].clips)[1]
    found = []
    if claim.name in SCORES:
        pair = pairs(every[0], claim.target)
        judged = finding(
            "spread_over_seeds",
            part.seeds,
            by_speaker=by_speaker,
            target=claim.target,
            withheld=not_better_than_constant(pair, pair.classes),
        )
        found.append(doubted(judged, doubt))
    where = claim.name if claim.slice == "all" else f"{claim.name}, {claim.slice}"
    recipe = finding("recipe", part.recipe, by_speaker=by_speaker, target=claim.target, slice=where)
    return [*found, detail(recipe)]


def _agreements(every: Sequence[Tables]) -> list[Finding]:
    """How far the two checkpoints that agree least do agree, clip by clip."""
    found = []
    unit, by_speaker = speaker_codes(every[0].clips)
    for target in scored_targets(every[0]):
        values = [predictions_of(each, target, CLEAN) for each in every]
        known = np.isfinite(values).all(axis=0)
        codes = np.unique(unit[known], return_inverse=True)[1]
        units = int(codes.max()) + 1 if len(codes) else 0
        of_pairs = []
        for a, b in itertools.combinations([value[known] for value in values], 2):
            same = (
                proportion(a == b, codes, units) if target == "emotion" else estimate(CCC, a, b, codes, units)
            )
            of_pairs.append(same)
        worst = min(of_pairs, key=lambda each: each.value if not np.isnan(each.value) else 1.0)
        made = finding("agreement", worst, by_speaker=by_speaker, target=target, slice="least of all pairs")
        found.append(detail(made))
    return found


def _same(every: Sequence[Tables]) -> list[str]:
    """Which checkpoints give exactly the same answers, so that they do not differ by their seeds."""
    frames: list[pd.DataFrame] = [each.predictions[CLEAN].sort_index(axis=1) for each in every]
    groups: list[list[int]] = []
    for i, frame in enumerate(frames):
        group = next((each for each in groups if frames[each[0]].equals(frame)), None)
        if group is None:
            groups.append([i])
        else:
            group.append(i)
    return [
        f"checkpoints {listed([str(i + 1) for i in group])} ({listed([every[i].model for i in group])}) give "
        "exactly the same answers"
        for group in groups
        if len(group) > 1
    ]
