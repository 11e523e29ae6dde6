"""HTML pages of a leaderboard: one with all rankings, and one for each model."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from sertools.comparison.leaderboards import leaderboard
from sertools.comparison.leaderboards.leaderboard import Entry, Group, Standing, verdicts
from sertools.comparison.runs import Measure
from sertools.report import figures, pages
from sertools.results.result import Figure, Series
from sertools.results.terms.names import finding_words

MOST_ROWS = 30
"""Maximum number of models in a figure (the best ones); the table shows all."""

WHOLE = 100
"""Up to this number of models, the first page shows all; above it, each corpus has a page with all."""

FIRST = 20
"""Number of models of a large ranking on the first page."""


def names(given: Sequence[str], folder: str = "models") -> dict[str, str]:
    """A unique file name for the page of each model or corpus: letters, digits and hyphens.

    >>> names(["a/b", "a b", "é"])
    {'a/b': 'models/a-b.html', 'a b': 'models/a-b-2.html', 'é': 'models/model.html'}
    """
    found: dict[str, str] = {}
    taken: set[str] = set()
    for name in dict.fromkeys(given):
        stem = "-".join(re.findall(r"[a-z0-9_]+", name.lower()))[:80] or "model"
        n = 1
        while (page := f"{folder}/{stem}{f'-{n}' if n > 1 else ''}.html") in taken:
            n += 1
        taken.add(page)
        found[name] = page
    return found


def section(group: Group, pages_of: Mapping[str, str], *, more: str = "", up: str = "") -> str:
    """The section of one ranking.

    Args:
        group: the ranking
        pages_of: model → its page
        more: the page with all models, if this is only to show the first ones; empty to show all
        up: what leads from the page of the section to the folder of the site
    """
    anchor = f"group-{hashlib.blake2b(f'{group.corpus} {group.labels}'.encode(), digest_size=4).hexdigest()}"
    return pages.page(
        "ranking.html",
        scripts=[],
        group=group,
        standings=group.standings[:FIRST] if more else group.standings,
        pages_of=pages_of,
        more=more,
        up=up,
        anchor=anchor,
        drawn=pages.markup(figures.draw(_scores(group), anchor)) if group.scores else "",
    )


def corpus_page(corpus: str, groups: Sequence[Group], pages_of: Mapping[str, str]) -> str:
    """The page with all models on one corpus; long tables are shown in parts by the browser."""
    sections = [pages.markup(section(group, pages_of, up="../")) for group in groups]
    return pages.page("corpus.html", corpus=corpus, sections=sections)


def index(
    sections: Mapping[str, Sequence[str]],
    pages_of: Mapping[str, str],
    notes: Sequence[str],
    *,
    audits: Sequence[str],
    people: bool,
    corpora_of: Mapping[str, int],
) -> str:
    """The first page; readers can filter it by corpus and audit, and search the models if there are many.

    Args:
        sections: corpus → sections of its rankings, from `section`
        pages_of: model → its page
        notes: files that were left out
        audits: names of all audits with ranks
        people: whether a ranking shows what one rater reaches
        corpora_of: model → the number of corpora on which it was audited
    """
    return pages.page(
        "leaderboard.html",
        scripts=[pages.SORTING, "leaderboard.js"],
        sections=[pages.markup(each) for of in sections.values() for each in of],
        pages_of=pages_of,
        notes=notes,
        corpora=list(sections),
        audits=audits,
        people=people,
        listed=corpora_of if len(corpora_of) > WHOLE else {},
        method=(leaderboard.__doc__ or "").partition("\n")[2],
    )


def stand(group: Group, standing: Standing) -> dict[str, Any]:
    """The place of a model in a ranking for its page; plain values, so that they can be stored."""
    findings = standing.entry.run.findings
    return {
        "corpus": group.corpus,
        "labels": group.labels,
        "models": len(group.standings),
        "order_by": group.order_by,
        "places": str(standing.places) if standing.places else "",
        "score": standing.score,
        "reason": standing.reason,
        "ranks": [
            [
                measure.audit,
                finding_words(measure.key),
                group.measures[measure],
                findings[measure].value_text,
                findings[measure].interval_text,
                str(ranks),
            ]
            for measure, ranks in standing.ranks.items()
        ],
    }


def model_page(model: str, stands: Sequence[Mapping[str, Any]], entries: Sequence[Entry]) -> str:
    """The page of one model: its ranks in every group, and the results of its audits.

    Args:
        model: its name
        stands: its place in each ranking, from `stand`
        entries: its results, by corpus
    """
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
        name=finding_words(measure.key),
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
