"""How easily can an attacker change the answer without anyone hearing it?

A sample of clips (`--clips`, spread over speakers) is changed in order to change the model's answer,
through the real forward pass of its network, and predicted again. The change of every sample is at most ε =
rms(x) · 10^(−SNR/20) (the L∞ norm), so that signal and change differ by at least the stated 45, 35 or 25
dB:

- `fgsm`: one step along the sign of the gradient (Goodfellow et al. 2015),
- `pgd`: ten steps from a random start, the best of them (Madry et al. 2018),
- `pgd_l2`: the same with the energy of the change bounded instead of each sample, at the same SNR,
- `random_signs`: ±ε at random, without any knowledge of the model, for comparison with each attack.

The attack moves the model's own answer to the clean clip and knows no label. It succeeds if the class
changes, or a rating moves by .05 or more. A clip that is not answered under an attack counts as a success
of it. Reported are the success rate of each attack, how much it exceeds that of random signs on the same
clips, and the change of UAR or CCC. The adversarial examples can be heard in the report, beside the clean
clips.

A model without a gradient (ONNX, scikit-learn, functions) is attacked with the gradient of another one: the
embedded model, or that of `--surrogate`. Such transfer is a lower bound of what an attacker can do. Attacks
by gradients are no upper bound either: stronger ones, and people, are not excluded.

The limit is ours, by analogy with the .95 of unchanged predictions that audEERING's ser-tests ask for under
small changes: at 45 dB, PGD changes less than 5 % of the answers. It is passed only where the model is shown
to beat a constant, its predictions vary, and its own gradient was followed. Intervals are 95 %, over
speakers: Wilson's with the effective number of clips, for differences of shares joined by MOVER, for changes
of CCC the jackknife with Student's t.

It costs 23 passes with gradients over the sample for each ratio, so it runs only where it is named.
"""

import math
from dataclasses import replace

import numpy as np

from sertools.auditing.contract import Needs, Outcome
from sertools.auditing.examples import moved
from sertools.auditing.findings import skipped
from sertools.errors import AuditError
from sertools.results.keys import Asks
from sertools.results.result import Limit
from sertools.tables.changed.attacks import AttacksNeeded
from sertools.tables.condition import CLEAN, Condition
from sertools.tables.tables import Tables

from . import presentation
from .success import METHODS, RANDOM, attacked_targets

ASKS = Asks(question="Can it be fooled?", claim="hard to fool", rank=24)

ON_REQUEST = True

EXPLANATIONS = {
    "success_rate": (
        "Share of the clips whose answer an attack changes: another class, or a rating that moves by .05 or "
        "more; the slice says which attack, and the least ratio of signal to change in dB."
    ),
    "beyond_random": (
        "Success rate of an attack minus that of random signs of the same size, on the same clips; 0 if the "
        "attack is no better than noise."
    ),
    "change_of_uar": "UAR under the attack minus UAR on clean audio, on the same clips; 0 is no change.",
    "change_of_ccc": "CCC under the attack minus CCC on clean audio, on the same clips; 0 is no change.",
}

LIMITS = [
    Limit(
        name="success_rate", slice="pgd@45dB", below=0.05, source="ours, by analogy with audEERING ser-tests"
    )
]


def needs(*, snr_db: tuple[float, ...], clips: int, surrogate: str, tolerance: float) -> Needs:
    """Clean predictions, and those of attacked clips.

    Raises:
        AuditError: no ratio, one that is not a number, or a negative number of clips
    """
    if not snr_db or not all(math.isfinite(each) for each in snr_db):
        raise AuditError(f"snr-db is {', '.join(map(str, snr_db)) or 'empty'}", hint="give ratios in dB")
    if clips < 0:
        raise AuditError(f"clips is {clips}", hint="give a number of clips, or 0 for all")
    levels = sorted(set(map(float, snr_db)), reverse=True)
    conditions = tuple(
        Condition(perturbation=name, level=level, unit="dB")
        for name in (*METHODS, RANDOM)
        for level in levels
    )
    return Needs(attacks=AttacksNeeded(conditions=conditions, clips=clips, surrogate=surrogate))


def audit(
    tables: Tables,
    *,
    rng: np.random.Generator,
    snr_db: tuple[float, ...] = (45.0, 35.0, 25.0),
    clips: int = 100,
    surrogate: str = "",
    tolerance: float = 0.05,
) -> Outcome:
    """Measure how often each attack changes the answer, compared with random changes of the same size.

    Args:
        tables: clean predictions, and the answers to attacked clips
        rng: not used; the attacks draw their random numbers by clip
        snr_db: least ratios of signal to change, in dB
        clips: most clips that are attacked, spread over speakers; 0 for all
        surrogate: another model whose gradient is followed, as after --model
        tolerance: a rating that moves by this much counts as changed
    """
    attacks = tables.attacks
    if attacks is None or attacks.tables is None:
        reason = attacks.reason if attacks else "the model was not attacked"
        return Outcome(answer=f"Not measured: {reason}.", findings=[skipped("success_rate", tables, reason)])
    found = attacked_targets(attacks.tables, tolerance)
    findings = [each for target in found for each in target.findings(attacks.surrogate)]
    worst = presentation.examples_table(attacks.tables, found)
    return Outcome(
        answer=presentation.answer(found, attacks.surrogate),
        findings=findings,
        tables=[presentation.rates_table(found), worst],
        figures=presentation.figures(found),
        notes=presentation.notes(attacks.tables, attacks.surrogate),
        sounds=moved(attacks.tables, worst),
    )


def plant(tables: Tables, rng: np.random.Generator) -> Tables:
    """Let every attack change every answer, and random signs none."""
    if tables.attacks is None or tables.attacks.tables is None:
        return tables
    inner, planted = tables.attacks.tables, {}
    for name, scores in inner.predictions.items():
        shifted = scores.copy()
        if name != CLEAN and not name.startswith(RANDOM):
            classes, dimensions = list(inner.model_classes), list(inner.model_dimensions)
            shifted[dimensions] += 0.2
            shifted[classes] = np.roll(scores[classes].to_numpy(), 1, axis=1) if classes else []
        planted[name] = shifted
    return replace(tables, attacks=replace(tables.attacks, tables=inner.with_predictions(planted)))
