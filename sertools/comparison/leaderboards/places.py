"""The place of each model on the measure that orders a leaderboard."""

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import fmean

from sertools.comparison.common_clips import label_of
from sertools.comparison.pairs import on_other_clips
from sertools.comparison.ranks import Differences, Ranks, ranks_of
from sertools.comparison.runs import Measure, Run, listed, shortened
from sertools.labels import DIMENSIONS
from sertools.results.keys import FindingKey
from sertools.wording import plural

LACKING = "it lacks the measure that decides the order"
TOO_FEW = "it answered less than 95 % of the clips"
BEHIND = "it is not shown to beat a constant prediction"
ALONE = "there is no other model to compare it with"
UNPAIRED = "the models have no differences paired by speaker"


def main_measures(labels: str, runs: Sequence[Run]) -> list[Measure]:
    """The measures whose mean decides the order: UAR, or CCC of the dimensions that all models have."""
    if labels == "emotion":
        return [Measure("correctness", FindingKey("uar", "emotion"))]
    wanted = [Measure("correctness", FindingKey("ccc", dimension)) for dimension in DIMENSIONS]
    having = [run for run in runs if "correctness" in run.results]
    return [measure for measure in wanted if having and all(measure in run.findings for run in having)]


def words(main: Sequence[Measure], labels: str) -> str:
    """The measure that decides the order, in words."""
    if labels == "emotion":
        return "UAR of emotion"
    targets = [measure.key.target for measure in main]
    return f"{'mean ' if len(targets) > 1 else ''}CCC of {listed(targets) if targets else 'dimensions'}"


def main_score(run: Run, main: Sequence[Measure]) -> float | None:
    """The value of the measure that decides the order; None if the model lacks it."""
    values = [run.of(measure, "value") for measure in main]
    known = [value for value in values if value is not None]
    return fmean(known) if known and len(known) == len(values) else None


def places_of(
    runs: Sequence[Run], main: Sequence[Measure], differences: Differences
) -> tuple[dict[str, Ranks], dict[str, str]]:
    """The places that each model may have, and why some have none or are behind all others.

    A model that answered too little has no place and affects no other; one that is not shown to beat a
    constant is behind all others.

    Args:
        runs: the models of a group
        main: the measures whose mean decides the order
        differences: of the models

    Returns:
        name → places, and name → reason
    """
    reasons: dict[str, str] = {}
    for run in runs:
        if main_score(run, main) is None:
            reasons[run.name] = LACKING
        elif any(run.answers_too_little(label_of(measure.key.target)) for measure in main):
            reasons[run.name] = TOO_FEW
        elif any(run.is_unranked(measure) for measure in main):
            reasons[run.name] = BEHIND
    ranked = [run for run in runs if run.name not in reasons]
    found = ranks_of(ranked, main, "higher", differences)
    if not found:
        alone = ALONE if len(ranked) < 2 else UNPAIRED
        return {}, {**{run.name: alone for run in runs}, **reasons}
    behind = [name for name, reason in reasons.items() if reason == BEHIND]
    return found | dict.fromkeys(behind, Ranks(len(ranked) + 1, len(ranked) + len(behind))), reasons


def common_clips_sentence(runs: Sequence[Run], main: Sequence[Measure], differences: Differences) -> str:
    """On how many clips models that did not answer the same ones are compared; empty if all did.

    Args:
        runs: the models of a group
        main: the measures whose mean decides the order
        differences: of the models
    """
    having = [run for run in runs if main_score(run, main) is not None]
    found = [differences.of(a, b, measure) for a, b in on_other_clips(having, main) for measure in main]
    n = [change.n for change in found if change.different_clips and change.n is not None]
    if not n:
        return ""
    clips = plural(min(n), "clip") if min(n) == max(n) else f"{min(n)} to {max(n)} clips"
    return f" Models that did not answer the same clips are compared on the {clips} that both answered."


def places_sentence(
    scores: Mapping[str, float | None],
    places: Mapping[str, Ranks],
    reasons: Mapping[str, str],
    order_by: str,
) -> str:
    """A sentence on the model with the best score and which models it is not shown to beat.

    Args:
        scores: name → value of the measure that decides the order, best first
        places: name → places that the model may have
        reasons: name → why it has no place, or is behind all others
        order_by: the measure that decides the order, in words
    """
    if not places:
        counted = Counter(reasons.values())
        return f"No model has a place: {'; '.join(f'{n}: {why}' for why, n in counted.items())}."
    placed = [name for name in scores if name in places and name not in reasons]
    best = [name for name in placed if scores[name] == scores[placed[0]]]
    others = placed[len(best) :]
    tied = [name for name in others if places[name].best == places[best[0]].best]
    # a model may be behind a third one and yet not be shown to be behind the best
    more = max(places[name].worst for name in best) - len(best) - len(tied)
    has, it, is_ = ("has", "it", "is") if len(best) == 1 else ("have", "they", "are")
    text = f"{shortened(best)} {has} the highest {order_by}, {scores[best[0]]:.3f}"
    if tied or more > 0:
        open_ = [*filter(None, [shortened(tied)]), *([plural(more, "other model")] if more > 0 else [])]
        text += f"; {it} {is_} not shown to be better than {' and '.join(open_)}"
    elif others and len(best) == 1:
        rest = others[0] if len(others) == 1 else "all others with a place"
        text += f", and is better beyond chance than {rest}"
    without = len(scores) - len(places)
    return f"{text}." + (f" {plural(without, 'model')} without a place." if without else "")
