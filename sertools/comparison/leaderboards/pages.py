"""HTML pages of a leaderboard: one with all rankings, and one for each model."""

import re
from collections.abc import Mapping, Sequence

from sertools.comparison.leaderboards import leaderboard
from sertools.comparison.leaderboards.leaderboard import Entry, Group, Standing, verdicts
from sertools.comparison.runs import Measure
from sertools.report import figures, pages
from sertools.results.result import Figure, Series

MOST_ROWS = 30
"""Maximum number of models in a figure (the best ones); the table shows all."""


def names(models: Sequence[str]) -> dict[str, str]:
    """A unique file name for the page of each model: letters, digits and hyphens.

    >>> names(["a/b", "a b", "é"])
    {'a/b': 'models/a-b.html', 'a b': 'models/a-b-2.html', 'é': 'models/model.html'}
    """
    found: dict[str, str] = {}
    for model in dict.fromkeys(models):
        stem = "-".join(re.findall(r"[a-z0-9_]+", model.lower()))[:80] or "model"
        n = 1
        while f"models/{stem}{f'-{n}' if n > 1 else ''}.html" in found.values():
            n += 1
        found[model] = f"models/{stem}{f'-{n}' if n > 1 else ''}.html"
    return found


def index(groups: Sequence[Group], pages_of: Mapping[str, str], notes: Sequence[str]) -> str:
    """The page with all rankings; readers can filter it by corpus and audit.

    Args:
        groups: result of `sertools.comparison.leaderboards.leaderboard.board`
        pages_of: model → its page
        notes: files that were left out
    """
    drawn = [figures.draw(_scores(group), f"group-{i + 1}") for i, group in enumerate(groups)]
    return pages.page(
        "leaderboard.html",
        scripts=[pages.SORTING, "leaderboard.js"],
        groups=groups,
        pages_of=pages_of,
        notes=notes,
        drawn=[pages.markup(svg) for svg in drawn],
        corpora=list(dict.fromkeys(group.corpus for group in groups)),
        audits=sorted({audit for group in groups for audit in group.audits}),
        method=(leaderboard.__doc__ or "").partition("\n")[2],
    )


def model_page(model: str, groups: Sequence[Group], entries: Sequence[Entry]) -> str:
    """The page of one model: its ranks in every group, and the results of its audits.

    Args:
        model: its name
        groups: all groups of the leaderboard
        entries: its results, by corpus
    """
    stands = [(group, s) for group in groups for s in group.standings if s.entry.model == model]
    return pages.page(
        "model.html",
        model=model,
        stands=stands,
        entries=entries,
        is_check=entries[0].is_check,
        verdicts=verdicts,
    )


def _of_measure(group: Group, measure: Measure, shown: Sequence[Standing]) -> Series:
    """The score of each model, and below them what one rater reaches."""
    runs = [standing.entry.run for standing in shown]
    one = group.people.get(measure)
    return Series(
        name=measure.key.label,
        x=[*(standing.entry.model for standing in shown), *(["one rater"] if one else [])],
        y=[*(run.of(measure, "value") for run in runs), *([one.value] if one else [])],
        low=[*(run.of(measure, "low") for run in runs), *([one.low] if one else [])],
        high=[*(run.of(measure, "high") for run in runs), *([one.high] if one else [])],
    )


def _scores(group: Group) -> Figure:
    """The figure of a group's scores with their intervals, best model first."""
    shown = group.standings[:MOST_ROWS]
    series = [_of_measure(group, measure, shown) for measure in group.scores]
    of = (
        ""
        if len(shown) == len(group.standings)
        else f", the best {MOST_ROWS} of {len(group.standings)} models"
    )
    return Figure(
        name="scores",
        kind="interval",
        title=f"Scores on {group.corpus}{of}",
        alt=f"{', '.join(each.name for each in series) or 'No score'} of {len(shown)} models on "
        f"{group.corpus}, with 95 % intervals; the numbers are in the table.",
        x_label="score",
        series=series,
    )
