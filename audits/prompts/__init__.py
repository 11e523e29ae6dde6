"""How much do the answers depend on the prompt?

An audio language model is asked about the same clips with several prompts, with several orders in which a
prompt lists the classes, and repeatedly. Order 1 lists the classes as they are, order 2 begins with the
second class, and so on. Prompt 1, order 1, repetition 1 is how all other audits ask. A table of predictions
takes part with the conditions `clean` and `prompt@P/O/R`, numbered from 1.

The range of a factor is the highest minus the lowest UAR over its levels, each over all levels of the
others: what the choice of a prompt is worth. Its interval joins those of the pairs of levels: the lower end
is the largest lower bound of a pair (Bonferroni), but at least 0, the upper end the largest upper bound. A
pair is compared on the same clips (`gains_minus_losses`: Wilson's bounds with the effective number of clips,
joined by MOVER), so that no interval has width 0.

The bias towards the first (last) option is how much more often a class is the answer where it is listed first
(last) than where it is not, averaged over orders: 0 for a model that ignores the order, 1 for one that always
takes that option.

Answers vary for five reasons, whose shares of the variance add up to 1: they are the components of a nested
analysis of variance of the answers as indicator vectors of the classes (repetitions within orders within
prompts within clips within speakers), by the method of moments; negative components are 0. The share of the
order includes what an order does for one prompt only. Intervals of shares leave one speaker out at a time.

A clip without a usable answer counts as one more class that is never right. The limits are ours: the choice
of the prompt or of the order is worth less than five points of UAR, and the first and the last option are
chosen at most five points too often or too rarely. A model that ignores its input is consistent, too, so
limits are passed only where the model is shown to beat a constant.
"""

from dataclasses import replace

import numpy as np

from sertools.auditing.contract import Needs, Outcome
from sertools.auditing.findings import finding, skipped
from sertools.errors import AuditError
from sertools.metrics.better_than_chance import not_better_than_constant
from sertools.results.keys import Asks
from sertools.results.result import Finding, Limit
from sertools.statistics.jackknife import MIN_UNITS, Estimate
from sertools.tables.condition import asked_condition
from sertools.tables.pairs import pairs
from sertools.tables.tables import Tables

from . import presentation
from .design import Design, design_of
from .effects import option_bias, uar_of, uar_range
from .variance import FACTORS, variance_shares

ASKS = Asks(question="Does it depend on the prompt?", claim="independent of the prompt", rank=25)

EXPLANATIONS = {
    "prompt_range": (
        "How many points of UAR the choice of the prompt is worth: highest minus lowest UAR over the "
        "prompts, from 0 to 1."
    ),
    "order_range": "Highest minus lowest UAR over the orders in which the prompt lists the classes.",
    "uar_of_prompt": "UAR with one prompt, averaged over orders and repetitions.",
    "uar_of_order": "UAR with one order of the classes, averaged over prompts and repetitions.",
    "first_option_bias": (
        "How much more often a class is the answer when it is listed first than when it is listed elsewhere; "
        "0 is no bias."
    ),
    "last_option_bias": "The same for the class that is listed last.",
    "variance_of_speaker": (
        "Share of the variance of the answers that speakers explain; the shares of speaker, "
        "clip, prompt, order and repetition add up to 1."
    ),
    "variance_of_clip": "Share of the variance of the answers that a speaker's clips explain.",
    "variance_of_prompt": "Share of that variance that the prompt explains, alone and by clip.",
    "variance_of_order": "Share of that variance that the order of the classes explains, alone and by clip.",
    "variance_of_repeat": "Share of that variance that repeating the same question explains.",
}

OURS = "ours: worth less than five points of UAR"
LIMITS = [
    Limit(name="prompt_range", below=0.05, source=OURS),
    Limit(name="order_range", below=0.05, source=OURS),
    Limit(name="first_option_bias", above=-0.05, below=0.05, source="ours: at most five points"),
    Limit(name="last_option_bias", above=-0.05, below=0.05, source="ours: at most five points"),
]


def needs(*, prompts: int = 3, orders: int = 3, repeats: int = 2) -> Needs:
    """Answers to every prompt, order and repetition."""
    if min(prompts, orders, repeats) < 1 or prompts * orders < 2:
        raise AuditError(
            f"prompts is {prompts}, orders {orders} and repeats {repeats}",
            hint="each must be at least 1, and there must be two prompts or two orders",
        )
    asked = [
        asked_condition(p, o, r)
        for p in range(1, prompts + 1)
        for o in range(1, orders + 1)
        for r in range(1, repeats + 1)
    ]
    return Needs(labels="emotion", conditions=tuple(asked))


def audit(
    tables: Tables, *, rng: np.random.Generator, prompts: int = 3, orders: int = 3, repeats: int = 2
) -> Outcome:
    """Ranges of UAR, bias towards options, and shares of the variance.

    Args:
        tables: clips and answers under every condition
        rng: not used
        prompts: number of prompts
        orders: number of orders of the classes
        repeats: how often each question is asked
    """
    design = design_of(tables, prompts, orders, repeats)
    if not design.n:
        return Outcome(
            answer="Not measured: no clip has a label and answers to all prompts.",
            findings=[skipped("prompt_range", tables, "no clip has a label and answers to all prompts")],
        )
    clean = pairs(tables, "emotion")
    withheld = not_better_than_constant(clean, clean.classes) if clean.units >= MIN_UNITS else ""
    found: list[Finding] = []
    for factor, levels in (("prompt", prompts), ("order", orders)):
        if levels > 1:
            found.append(_finding(f"{factor}_range", uar_range(design, factor), design, withheld))
            found += [
                _finding(
                    f"uar_of_{factor}", uar_of(design, factor, level), design, slice=f"{factor}={level + 1}"
                )
                for level in range(levels)
            ]
    if orders > 1:
        for position in ("first", "last"):
            bias = option_bias(design, position)
            found.append(_finding(f"{position}_option_bias", bias, design, withheld))
    shares = variance_shares(design)
    found += [_finding(f"variance_of_{name}", shares[name], design) for name in FACTORS if name in shares]
    return Outcome(
        answer=presentation.answer(found),
        findings=found,
        tables=[presentation.positions_table(design)] if orders > 1 else [],
        figures=presentation.figures(found),
        notes=presentation.notes(design),
    )


def plant(tables: Tables, rng: np.random.Generator) -> Tables:
    """Later prompts mislead the model about four clips of ten; later orders make it take the first option."""
    classes = list(tables.model_classes)
    misled = rng.random(len(tables.clips)) < 0.4
    planted = {}
    for condition, scores in tables.predictions.items():
        changed = scores.copy()
        prompt, order = _asked(condition)
        values = scores[classes].to_numpy(dtype=float, copy=True)
        if prompt > 1:
            values[misled] = np.roll(values[misled], 1, axis=1)
        if order > 1:
            answered = np.isfinite(values).all(axis=1)
            values[misled & answered] = np.eye(len(classes))[(order - 1) % len(classes)]
        changed[classes] = values
        planted[condition] = changed
    return replace(tables, predictions=planted)


def _asked(condition: str) -> tuple[int, int]:
    """Number of the prompt and of the order under a condition."""
    prompt, order, _ = condition.partition("@")[2].split("/") if "@" in condition else ("1", "1", "1")
    return int(prompt), int(order)


def _finding(
    name: str, estimate: Estimate, design: Design, withheld: str = "", slice: str = "all"
) -> Finding:
    return finding(
        name,
        estimate,
        by_speaker=design.by_speaker,
        target="emotion",
        slice=slice,
        withheld=withheld,
    )
