"""Figures, examples and the answer."""

from sertools.auditing.examples import furthest
from sertools.auditing.figures import interval_series
from sertools.auditing.phrases import interval_text
from sertools.metrics.better_than_chance import NOT_BETTER
from sertools.metrics.groups import Groups
from sertools.results.result import Figure, Finding, Sound
from sertools.results.terms.names import slice_words
from sertools.tables.tables import Tables

from . import chance
from .error_gaps import FROM_RANGE
from .grouped import GroupedPairs


def score_figure(found: list[Finding], part: GroupedPairs) -> Figure:
    """The score of each group."""
    scores = [f for f in found if f.name in {"ccc", "uar"}]
    metric = scores[0].name.upper()
    return Figure(
        name=f"{part.column}_{part.target}",
        kind="interval",
        title=f"{metric} of {part.target} by {part.column}",
        alt="; ".join(f"{slice_words(f.slice)}: {f.value:.2f}" for f in scores if f.value is not None),
        x_label=metric,
        series=[interval_series([f.slice.partition("=")[2] for f in scores], scores)],
    )


def clips_of_lowest_group(tables: Tables, found: list[Finding], groups: Groups, target: str) -> list[Sound]:
    """Clips of the group with the lowest score, starting with the largest error."""
    scores = [f for f in found if f.name in {"ccc", "uar"} and f.value is not None]
    if not scores:
        return []
    lowest = min(scores, key=lambda f: f.value or 0.0)
    column, _, group = lowest.slice.partition("=")
    why = f"{lowest.name.upper()} of {target} is lowest for {group} ({column})"
    inside = groups.code == groups.names.index(group)
    return furthest(tables, target, why, inside)


def answer(findings: list[Finding], rows: list[chance.ChanceRow]) -> str:
    """The largest gap, and how many gaps are significant."""
    gaps = [f for f in findings if f.name in {"sex_score", "max_minus_min"} and f.value is not None]
    # of two sexes, the largest minus the smallest score is the sex score without its sign
    with_sign = {f.target for f in gaps if f.name == "sex_score"}
    gaps = [f for f in gaps if not (f.slice == "sex=*" and f.target in with_sign)]
    if not gaps:
        return f"No gap between groups could be measured: {findings[0].reason}."
    judged = [f for f in findings if f.name in {"sex_score", "group_minus_all"} and f.value is not None]
    if judged and all(NOT_BETTER in f.reason for f in judged):
        return (
            "The model is not shown to be better than a constant, and a useless model is trivially fair."
            + chance.significant_sentence(rows)
        )
    # differences of small groups are large by chance and have no interval
    largest = max(gaps, key=lambda f: (f.low is not None, abs(f.value or 0.0)))
    if largest.name == "sex_score":
        alone = chance.is_refuted(rows, "sex", largest.target)
        return _sex_sentence(largest, alone=alone) + chance.significant_sentence(rows)
    column = largest.slice.removesuffix("=*")
    value = f"{largest.value:.2f}{interval_text(largest)}"
    return f"The largest gap is in {largest.target} by {column}: {value}." + chance.significant_sentence(rows)


def _sex_sentence(score: Finding, *, alone: bool) -> str:
    """For which sex the model works better and by how much, if the interval shows a difference.

    `alone` says that the difference is not significant once all gaps are tested together: the largest of
    several gaps is often beyond its own interval.
    """
    if score.value == 0:
        return "The scores of women and men are equal on these clips, which does not rule out a gap."
    gap = f"female − male = {score.value:.2f}{interval_text(score)}"
    if score.low is None or score.high is None:
        return f"The largest gap is in {score.target}: {gap}, without an interval: {score.reason}."
    if score.low <= 0 <= score.high:
        return f"The largest gap is in {score.target}: {gap}; neither sex is shown to have a better score."
    if alone:
        unclear = "neither sex is shown to have a better score when all gaps are tested together"
        return f"The largest gap is in {score.target}: {gap}; {unclear}."
    better = "women" if score.low > 0 else "men"
    words = f"The largest gap is in {score.target}: the model works better for {better}, {gap}"
    return f"{words}{'; ' + FROM_RANGE if FROM_RANGE in score.reason else ''}."
