"""Valid input made invalid at random, with fixed seeds, to look for what ends a run without a sentence."""

import copy
import math
import os
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from sertools.errors import SertoolsError

DEEP: Any = []
for _ in range(150):
    DEEP = [DEEP]

ODD: list[Any] = [
    None, True, False, "", " ", "abc", "é\x00", "::error::x", "\x1b[2J", "../../x", "/dev/zero", "1e400",
    "nan", "x" * 5000, 0, 1, -1, 3, 2**31, 2**63, 10**30, 10**400, -(10**400), 0.5, -0.0, 1e308, 5e-324,
    math.nan, math.inf, -math.inf, [], {}, [None], [[]], [1, "a"], {"": None}, {"a": {"b": 1}}, [0.1] * 50,
    ["a"] * 50, DEEP,
]  # fmt: skip
"""Values that take the place of others."""


def budget(n: int) -> int:
    """Number of attempts; SERTOOLS_FUZZ multiplies it, for an hour by hand."""
    return n * int(os.environ.get("SERTOOLS_FUZZ", "1"))


def generator(name: str) -> np.random.Generator:
    """The random numbers of one fuzzer; SERTOOLS_FUZZ_SEED gives others."""
    return np.random.default_rng([int(os.environ.get("SERTOOLS_FUZZ_SEED", "0")), *name.encode()])


def places(value: Any) -> list[tuple[Any, Any]]:
    """All (container, key) in nested dicts and lists."""
    found: list[tuple[Any, Any]] = []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found += [(value, key), *places(inner)]
    return found


def mutated(value: Any, rng: np.random.Generator, odd: list[Any] = ODD) -> Any:
    """A copy of nested dicts and lists with one to three changes."""
    changed = copy.deepcopy(value)
    for _ in range(int(rng.integers(1, 4))):
        known = places(changed)
        if not known:
            return odd[rng.integers(len(odd))]
        # all depths alike, or long lists would get all changes
        container, key = known[rng.integers(len(known))]
        if isinstance(container, list) and rng.random() < 0.7:
            short = [each for each in known if isinstance(each[0], dict)]
            container, key = short[rng.integers(len(short))] if short else (container, key)
        kind = rng.integers(10)
        if kind == 0:
            del container[key]
        elif kind == 1 and isinstance(container, dict):
            container["unknown"] = container.pop(key)
        elif kind == 2 and isinstance(container[key], list):
            container[key] = container[key] * 2
        elif kind == 3 and isinstance(container[key], list):
            container[key] = container[key][:-1]
        elif kind == 4:
            container[key] = str(container[key])
        elif kind == 5:
            container[key] = [container[key]]
        else:
            container[key] = copy.deepcopy(odd[rng.integers(len(odd))])
    return changed


def damaged(content: bytes, rng: np.random.Generator) -> bytes:
    """Bytes that are flipped, cut, doubled, moved or replaced, mostly near the start."""
    data = bytearray(content)
    for _ in range(int(rng.integers(1, 6))):
        if not data:
            break
        near = min(len(data), 400) if rng.random() < 0.7 else len(data)
        at, kind = int(rng.integers(near)), rng.integers(7)
        n = int(rng.integers(1, 9))
        if kind <= 2:
            data[at] = rng.integers(256)
        elif kind == 3:
            del data[at : at + n]
        elif kind == 4:
            data[at:at] = data[at : at + n * 4]
        elif kind == 5:
            data[at : at + n] = bytes([int(rng.choice([0, 255, 44, 34, 10, 13, 123, 91]))]) * n
        elif rng.random() < 0.3:
            del data[at:]
    return bytes(data)


def faults(attempt: Callable[[int], Any], n: int) -> list[str]:
    """What went wrong otherwise than with a `SertoolsError` in one sentence, and the number of each."""
    found: Counter[str] = Counter()
    for i in range(n):
        try:
            attempt(i)
        except SertoolsError as error:
            if "\n" in error.message:
                found[f"a message of several lines: {error.message[:200]!r}"] += 1
        except Exception as error:
            trace = error.__traceback__
            at = ""
            while trace is not None:
                name = trace.tb_frame.f_code.co_filename
                if "/sertools/" in name:
                    at = f"{name.rpartition('/sertools/')[2]}:{trace.tb_lineno}"
                trace = trace.tb_next
            found[f"{type(error).__name__} at {at}: {str(error)[:100]} (attempt {i})".replace("\n", " ")] += 1
    listed = [f"{count} × {what}" for what, count in found.items()]
    if "SERTOOLS_FUZZ" in os.environ:
        print("\n".join([f"{n} tried, {found.total()} faults", *listed]))  # noqa: T201 (pytest shortens it)
    return listed
