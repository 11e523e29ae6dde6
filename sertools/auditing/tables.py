"""What the tables of several audits share: the type of a row."""

Row = list[str | int | float | bool | None]
"""A row of a result's table; a number that is nan is written as null."""
