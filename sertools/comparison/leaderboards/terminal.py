"""A ranking as a table for the terminal."""

from sertools.comparison.leaderboards.leaderboard import Group, Standing
from sertools.comparison.runs import Measure
from sertools.results.display import ABSENT, fixed
from sertools.results.terms.names import in_words

ONE_RATER = "one rater (people)"
"""Name of the row with what one rater reaches."""

Row = list[str | int | float | None]


def short(group: Group, most: int | None = None) -> tuple[list[str], list[Row]]:
    """Columns and rows of a ranking, for a terminal or as a table.

    Args:
        group: the ranking
        most: maximum number of models; None for all
    """
    further = [  # the measure that decides the order is shown once
        measure
        for measure in group.scores
        if f"{in_words(measure.key.name)} of {measure.key.target}" != group.order_by
    ]
    rows: list[Row] = [
        [
            str(standing.places) if standing.places else None,
            f"{standing.entry.model} (check)" if standing.entry.is_check else standing.entry.model,
            standing.score,
            *(_value_text(standing, measure) for measure in further),
        ]
        for standing in group.standings[:most]
    ]
    if group.people:
        reached = [c.value if (c := group.people.get(m)) else None for m in further]
        rows.append([None, ONE_RATER, group.score_of_people, *(fixed(value, 3) for value in reached)])
    return ["place", "model", group.order_by, *(measure.key.label for measure in further)], rows


def _value_text(standing: Standing, measure: Measure) -> str:
    finding = standing.entry.run.findings.get(measure)
    return finding.value_text if finding else ABSENT
