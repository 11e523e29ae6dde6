"""The parts of results sent to experiment trackers (settings, numbers, files), and the known trackers."""

import importlib
import pkgutil
import re
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from sertools.errors import GateError, nearest
from sertools.report import content, trackers
from sertools.results.result import Result

PAGES = ("report.html", "report.md", "report.json")
"""Files of a report that are sent along, if they are there; recordings are not."""

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_. -]+")


def tracker(name: str) -> ModuleType:
    """The module of a tracker, found by listing the folder.

    Raises:
        GateError: there is no such tracker
    """
    own = __name__.rpartition(".")[2]
    known = sorted(info.name for info in pkgutil.iter_modules(trackers.__path__) if info.name != own)
    if name not in known:
        raise GateError(f"unknown tracker {name!r}", hint=nearest(name, known))
    return importlib.import_module(f"{trackers.__name__}.{name}")


def numbers(results: Sequence[Result]) -> dict[str, float]:
    """Every measured value as `audit/target/name` (and the clips, if not all), with the ends of its interval.

    An undefined value is absent. Names hold letters, digits, `_`, `.`, `-`, blanks and `/` alone, which every
    tracker takes; of two names that would be the same, the second gets `.2`.

    >>> from sertools.results.result import Finding
    >>> found = [Finding(name="ccc", target="arousal", value=0.5, n=9, slice="sex=f")]
    >>> about = {"question": "?", "method": "", "answer": "", "model": {}, "data": {}, "provenance": {}}
    >>> numbers([Result(audit="correctness", findings=found, **about)])
    {'correctness/arousal/ccc/sex-f': 0.5}
    """
    found: dict[str, float] = {}
    for result in results:
        for finding in result.findings:
            parts = [result.audit, finding.target, finding.name]
            parts += [finding.slice] if finding.slice not in ("", "all") else []
            name = "/".join(_NOT_IN_NAMES.sub("-", part).strip("-") or "-" for part in parts)
            copies = sum(known.startswith(f"{name}.") and known[len(name) + 1 :].isdigit() for known in found)
            name = f"{name}.{copies + 2}" if name in found else name
            ends = {"": finding.value, ".low": finding.low, ".high": finding.high}
            found |= {f"{name}{end}": value for end, value in ends.items() if value is not None}
    return found


def settings(results: Sequence[Result]) -> dict[str, str]:
    """Model, corpus, seed, fingerprints and versions, as texts; values that differ are joined."""
    found: dict[str, dict[str, None]] = {}
    for result in results:
        origin = result.provenance
        versions = origin.get("versions")
        known = {
            "model": content.name_of(result.model, "unnamed"),
            "corpus": content.name_of(result.data, "unnamed"),
            "seed": origin.get("seed"),
            "command": origin.get("command"),
            "model_fingerprint": origin.get("model_fingerprint"),
            "corpus_fingerprint": origin.get("corpus_fingerprint"),
            "sertools": versions.get("sertools") if isinstance(versions, dict) else None,
        }
        for name, value in known.items():
            if value not in (None, ""):
                found.setdefault(name, {})[str(value)] = None
    return {name: ", ".join(values) for name, values in found.items()}


def verdicts(results: Sequence[Result]) -> dict[str, int]:
    """Verdict → number of findings, over all results."""
    counted = content.counts(finding for result in results for finding in result.findings)
    return {verdict.value: n for verdict, n in counted.items()}


def pages(results: Sequence[Result], folder: Path | None) -> list[Path]:
    """Files to send along: the report and the result files of the folder; none without a folder."""
    if folder is None:
        return []
    names = [*PAGES, *(f"{result.audit}.json" for result in results)]
    return [folder / name for name in names if (folder / name).is_file()]


def run_name(results: Sequence[Result]) -> str:
    """A name for the run: model and corpus."""
    known = settings(results)
    return f"{known.get('model', 'model')} on {known.get('corpus', 'corpus')}"
