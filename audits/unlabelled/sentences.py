"""The answer and the notes on clips without labels."""

from collections.abc import Sequence

import numpy as np

from sertools.auditing.phrases import interval_text
from sertools.results.terms.names import slice_words
from sertools.statistics.jackknife import Estimate
from sertools.tables.tables import Tables
from sertools.wording import listed, plural

from .answers import set_aside_note
from .domains import BY_CONFIDENCE, Domain
from .summary import Summary

MOST_CORPORA = 3
"""Most corpora whose expected scores the answer gives."""


def notes(summaries: Sequence[Summary], of: Tables) -> list[str]:
    """How many clips have labels, which are left out, and what a prediction set contains."""
    found = []
    for each in summaries:
        labelled = int(each.given.labelled.sum())
        open_ = len(each.given.clips) - labelled
        found.append(f"{each.given.target}: {labelled} of {plural(labelled + open_, 'clip')} have labels.")
        found += filter(None, [set_aside_note(of, each.given.target), *map(_unseen, each.domains)])
        bounds = [part.bound for part in each.sets.values() if np.isfinite(part.bound)]
        if bounds:
            rule = (
                f"emotions with a probability of at least {1 - max(bounds):.2g}"
                if each.given.is_emotion
                else f"ratings within {max(bounds):.2g} of the prediction"
            )
            found.append(f"{each.given.target}: a set holds all {rule}.")
    return found


def _unseen(domain: Domain) -> str:
    """The emotions that an estimate leaves out because no labelled clip has them; empty if there are none."""
    if not domain.unseen:
        return ""
    of = f" of {domain.name}" if domain.name else ""
    return (
        f"Estimates for the clips{of} without labels take no account of {listed(domain.unseen)}, because the "
        "labelled clips on which they rest have none."
    )


def answer(summaries: Sequence[Summary]) -> str:
    """The expected scores, the error of such estimates, and the size of prediction sets.

    Args:
        summaries: the results of each target
    """
    measured = [each for each in summaries if not each.reason]
    if not measured:
        return f"Not measured: {summaries[0].reason}."
    return " ".join([*_expected(measured), *_off(measured), *_held(measured)])


def _expected(summaries: Sequence[Summary]) -> list[str]:
    """What to expect on clips without labels, and whether they drift; nothing if all have labels."""
    names = sorted({new.name for each in summaries for new in each.domains})
    found = []
    for name in names[:MOST_CORPORA]:
        new = [(each.metric, new) for each in summaries for new in each.domains if new.name == name]
        values = [
            f"{metric} {value.value:.2f}{interval_text(value)} ({domain.method}{_no_interval(value)})"
            for metric, domain in new
            for value in [domain.scores[domain.method]]
            if not np.isnan(value.value)
        ]
        if values:
            of = f" of {name}" if name else ""
            found += _of_corpus(of, listed(values), [domain for _, domain in new])
    if len(names) > MOST_CORPORA:
        found.append(f"The table has the other {plural(len(names) - MOST_CORPORA, 'corpus', 'corpora')}.")
    return found


def _no_interval(value: Estimate) -> str:
    """Why an estimate has no interval; empty if it has one."""
    return "" if interval_text(value) else f"; no interval: {value.reason}"


def _of_corpus(of: str, values: str, domains: Sequence[Domain]) -> list[str]:
    """What to expect on the clips of a corpus, and how far that can be believed where the clips drift."""
    drifted = [domain for domain in domains if domain.drifted]
    if not drifted:
        return [f"On the clips{of} without labels, expect {values}."]
    where, value = max(
        (item for domain in drifted for item in domain.drifts.items()), key=lambda item: item[1].value
    )
    cause = f"(AUC of a probe on the {where} {value.value:.2f}; .5 is no drift)"
    if any(domain.method == BY_CONFIDENCE for domain in drifted):
        return [
            f"The clips{of} without labels differ from the labelled ones {cause}, so what is expected of "
            f"them may be far off: {values}.",
            "Label 50 of them at random.",
        ]
    return [
        f"On the clips{of} without labels, expect {values}, if the labelled ones were drawn at random: they "
        f"differ {cause}."
    ]


def _off(summaries: Sequence[Summary]) -> list[str]:
    """How far the estimate is off where it is farthest off."""
    every = [
        (f"{each.metric} for {slice_words(part)}", value)
        for each in summaries
        for part, value in each.rehearsals.items()
        if not np.isnan(value.value)
    ]
    if not every:
        return []
    name, value = max(every, key=lambda item: abs(item[1].value))
    side = "high" if value.value > 0 else "low"
    chance = "" if value.low > 0 or value.high < 0 else ", which may be chance"
    return [
        f"With hidden labels, estimates are at most {abs(value.value):.2f} off: {name} would be too "
        f"{side}{interval_text(value)}{chance}."
    ]


def _held(summaries: Sequence[Summary]) -> list[str]:
    """How often sets hold the truth of unseen speakers, at least, and how large they are."""
    shares, sizes = [], []
    for each in summaries:
        held = [part for part in each.sets.values() if np.isfinite(part.bound)]
        if held:
            size = float(np.mean([part.size.value for part in held]))
            unit = "emotions" if each.given.is_emotion else f"of the scale for {each.given.target}"
            sizes.append(f"{size:.1f} {unit}" if each.given.is_emotion else f"{size:.2f} {unit}")
            shares.append(min(part.coverage.value for part in held))
    if not shares:
        return []
    return [
        f"Prediction sets for unseen speakers contain the truth of at least {100 * min(shares):.0f} % of "
        f"their clips, with {listed(sizes)} on average."
    ]
