"""Values of result files: their checks, and human scores for comparison with a model's."""

import math
from collections.abc import Iterable
from numbers import Real
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from sertools.results import display

Count = Annotated[int, Field(ge=0, lt=2**63)]
"""A number of clips or speakers, which fits into tables."""


def are_lists(values: Iterable[Any]) -> bool:
    """Whether all values are lists of some kind, and none a text or a mapping."""
    return all(isinstance(value, Iterable) and not isinstance(value, str | bytes | dict) for value in values)


def finite(value: Any) -> float | None:
    """A number for storage: None for nan and infinity.

    Raises:
        ValueError: not a number, or one that no float can hold
    """
    if value is None:
        return None
    if type(value) is float:  # as almost always
        return value if math.isfinite(value) else None
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ValueError(f"{str(value)[:50]!r} is not a number")
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError as error:
        raise ValueError("the number is too large") from error


class Ceiling(BaseModel):
    """The score of one rater on the same clips with the same metric, and how the model compares with it.

    Attributes:
        value, low, high: the score of one rater, with its 95 % interval
        n: number of clips that several people rated
        speakers: number of their speakers; None if the corpus names none
        against: what a rater is held against, e.g. `the majority of the others`
        difference, difference_low, difference_high: score of the model minus that of a rater, both against
            the same truth, with its 95 % interval, paired by speaker
        better: whether higher or lower values are better
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int
    speakers: int | None = None
    against: str
    difference: float | None = None
    difference_low: float | None = None
    difference_high: float | None = None
    better: Literal["higher", "lower"] = Field(default="higher", exclude_if=lambda side: side == "higher")

    model_config = ConfigDict(extra="forbid", frozen=True)

    @field_validator("value", "low", "high", "difference", "difference_low", "difference_high", mode="before")
    @classmethod
    def _nan_is_null(cls, value: Any) -> Any:
        return finite(value)

    @property
    def text(self) -> str:
        """The score of one rater with its interval, rounded for display.

        >>> Ceiling(value=0.53, low=0.516, high=0.543, n=9, against="the majority of the others").text
        '0.530 [0.516, 0.543]'
        """
        return display.with_interval(self.value, self.low, self.high)

    @property
    def comparison(self) -> str:
        """Whether the model is shown to be better or worse than one rater.

        >>> both = {"value": 0.5, "n": 9, "against": "the others", "difference": 0.1}
        >>> Ceiling(**both, difference_low=0.05, difference_high=0.15).comparison
        'better than one rater'
        >>> Ceiling(**both, difference_low=-0.05, difference_high=0.25).comparison
        'not shown to differ from one rater'
        """
        low, high = self.difference_low, self.difference_high
        if low is None or high is None:
            return "not compared with one rater"
        if not low > 0 and not high < 0:
            return "not shown to differ from one rater"
        return f"{'better' if (low > 0) == (self.better == 'higher') else 'worse'} than one rater"
