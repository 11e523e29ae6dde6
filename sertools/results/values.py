"""Checks of values that result files hold."""

import math
from collections.abc import Iterable
from numbers import Real
from typing import Any


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
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ValueError(f"{str(value)[:50]!r} is not a number")
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError as error:
        raise ValueError("the number is too large") from error
