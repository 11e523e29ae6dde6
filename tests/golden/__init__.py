"""Results that are not to change without a reason in the commit message."""

import json
from pathlib import Path

import pytest

from sertools.results.result import Result

KEYS = ("name", "target", "slice", "value", "low", "high", "n", "speakers")


def findings(result: Result) -> list[dict]:
    return [{key: getattr(f, key) for key in KEYS} | {"verdict": f.verdict.value} for f in result.findings]


def path_of(result: Result) -> Path:
    return Path(__file__).parent / f"{result.audit}.json"


def renew(result: Result) -> None:
    path_of(result).write_text(json.dumps(findings(result), indent=1) + "\n", encoding="utf-8")


def check(result: Result) -> None:
    """Every finding is what it was; tolerance: other processors round sums in another order."""
    golden = json.loads(path_of(result).read_text(encoding="utf-8"))
    for now, before in zip(findings(result), golden, strict=True):
        for key, value in before.items():
            assert now[key] == (pytest.approx(value, abs=1e-9) if isinstance(value, float) else value), now
