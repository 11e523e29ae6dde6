"""Scores of a leaderboard in the formats of other collections: a module per format, found by listing.

A module here has `DESCRIPTION`, one line, `check(named)`, which raises a `GateError` if something that the
format requires is not given, and `files_of(model, entries, named)`: path → text of the files for one model.
"""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from sertools import files
from sertools.comparison.leaderboards.leaderboard import Entry
from sertools.comparison.leaderboards.sources import Source, Sources, entries_of, search
from sertools.comparison.runs import direction, measure_of
from sertools.errors import GateError, nearest
from sertools.results.result import Finding


@dataclass(frozen=True, kw_only=True)
class Named:
    """Metadata that other collections require and result files lack.

    Attributes:
        datasets: corpus → its dataset on the Hugging Face hub, `owner/name`
        by: who made the audits, such as the name of a laboratory
    """

    datasets: Mapping[str, str]
    by: str = ""


@dataclass(frozen=True, kw_only=True)
class Score:
    """A finding on a whole corpus whose better side is known.

    Attributes:
        audit: its audit
        finding: the finding
        lower_is_better: the better side
    """

    audit: str
    finding: Finding
    lower_is_better: bool


def names() -> list[str]:
    """The available formats, as named on the command line."""
    return sorted(info.name.replace("_", "-") for info in pkgutil.iter_modules(__path__))


def export(folder: Path, out: Path, wanted: Sequence[str], named: Named) -> dict[str, int]:
    """Writes the scores of all models below a folder to `out/exports/FORMAT`; toy models are left out.

    Args:
        folder: folder of results
        out: folder of the site
        wanted: names of formats
        named: what the result files do not say

    Returns:
        format → number of files

    Raises:
        GateError: there is no such format, it lacks something, or a corpus is not there
        StoreError: a file cannot be written
    """
    formats = {name: _format(name) for name in wanted}
    found = search(folder, without=out)
    unknown = sorted(set(named.datasets) - set(found.by_corpus))
    if unknown:
        raise GateError(
            f"--dataset {unknown[0]}: there are no results on it",
            hint=nearest(unknown[0], list(found.by_corpus)),
        )
    for each in formats.values():
        each.check(named)
    written = dict.fromkeys(formats, 0)
    for model, sources in _models(found):
        entries = entries_of(folder, sources)
        for name, each in formats.items():
            for path, text in each.files_of(model, entries, named).items():
                files.write_text(out / "exports" / name / path, text)
                written[name] += 1
    return written


def scores(entry: Entry) -> list[Score]:
    """The findings of an entry on all clips with a value and a known better side; details are left out."""
    found = []
    for audit, result in entry.run.results.items():
        for finding in result.findings:
            if finding.slice != "all" or finding.value is None or finding.detail or finding.exact:
                continue
            side = direction([entry.run], measure_of(audit, finding))
            if side:
                found.append(Score(audit=audit, finding=finding, lower_is_better=side == "lower"))
    return found


def _models(found: Sources) -> Iterator[tuple[str, Sequence[Source]]]:
    for model, sources in found.by_model.items():
        if not any(source.toy for source in sources):
            yield model, sources


def _format(name: str) -> ModuleType:
    if name not in names():
        raise GateError(f"--export {name!r}: there is no such format", hint=nearest(name, names()))
    return importlib.import_module(f"{__name__}.{name.replace('-', '_')}")
