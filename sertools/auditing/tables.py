"""Types that the tables of several audits share."""

Row = list[str | int | float | bool | None]
"""A row of a result's table; a number that is nan is written as null."""
