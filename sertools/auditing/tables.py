"""What the tables of several audits share: the type of a row, and the targets that are scored."""

from sertools.tables.tables import Tables

Row = list[str | int | float | bool | None]
"""A row of a result's table; a number that is nan is written as null."""


def scored_targets(tables: Tables) -> list[str]:
    """The dimensions that corpus and model share, then `emotion` if they share emotions.

    >>> import pandas as pd
    >>> shared = {"dimensions": ("arousal",), "classes": ("anger", "neutral")}
    >>> scored_targets(Tables(clips=pd.DataFrame(), predictions={}, **shared))
    ['arousal', 'emotion']
    """
    return [*tables.dimensions, *(["emotion"] if tables.classes else [])]
