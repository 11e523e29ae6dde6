"""Do two versions of sertools give the same results? All audits on the embedded corpus and on EmoDB.

    python -m tests.bench.same_results write build/before     # in a checkout of the one version
    python -m tests.bench.same_results write build/after      # in a checkout of the other
    python -m tests.bench.same_results compare build/before build/after            # equal to the byte
    python -m tests.bench.same_results compare build/before build/after --numbers  # equal in every number

`write` runs `sertools audit` with a new cache, so that every number is computed again. `compare` ignores the
provenance of a result. With `--numbers` it also ignores all texts, except the names by which other programs
find a number: keys, names of findings, targets, slices and verdicts. It exits with 1 if anything differs, and
prints the first forty differences.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench.inference import show

RUNS: dict[str, list[str]] = {
    "voices": ["--data", "voices"],
    "emodb": ["--data", "emodb"],
    "loudness": ["--data", "voices", "--model", "toy:loudness"],
}
TIMED = {"efficiency"}
"""Audits whose numbers are times, which differ from run to run."""

NAMES = {"audit", "name", "target", "slice", "verdict", "better", "kind"}
"""Keys whose texts are part of the contract, so that they are compared with `--numbers` too."""


def write(folder: Path, data_root: Path, only: list[str]) -> None:
    """Runs each audit by itself on each corpus into `folder/RUN/AUDIT.json`."""
    listed = [sys.executable, "-m", "sertools", "list", "audits", "--format", "json"]
    rows = json.loads(subprocess.run(listed, check=True, capture_output=True, text=True).stdout)
    for name, words in RUNS.items():
        for audit in only or [row["audit"] for row in rows if row["audit"] not in TIMED]:
            command = [sys.executable, "-m", "sertools", "audit", audit, *words, "--audio", "none", "--quiet",
                       "--precision", "fp32", "--cache", str(folder / "cache"), "--out", str(folder / name),
                       "--seed", "3"]  # fmt: skip
            if name == "emodb":
                command += ["--data-root", str(data_root)]
            done = subprocess.run(command, check=False, stdout=subprocess.DEVNULL)
            show(f"{name} {audit}: exit {done.returncode}")


def results(folder: Path) -> dict[str, Any]:
    """Path below the folder → content of each result file, without its provenance."""
    found = {}
    for run in RUNS:
        for path in sorted((folder / run).glob("*.json")):
            content = json.loads(path.read_text(encoding="utf-8"))
            if isinstance(content, dict) and "findings" in content:
                content.pop("provenance", None)
                found[f"{run}/{path.name}"] = content
    return found


def differences(one: Any, two: Any, place: str, numbers: bool, key: str = "") -> Iterator[str]:
    """Places where two JSON values differ."""
    if isinstance(one, dict) and isinstance(two, dict):
        for name in [*one, *(set(two) - set(one))]:
            if name not in one or name not in two:
                yield f"{place}.{name}: only in {'the first' if name in one else 'the second'}"
            else:
                yield from differences(one[name], two[name], f"{place}.{name}", numbers, name)
    elif isinstance(one, list) and isinstance(two, list):
        if len(one) != len(two):
            yield f"{place}: {len(one)} and {len(two)} entries"
        for i, (a, b) in enumerate(zip(one, two, strict=False)):
            yield from differences(a, b, f"{place}[{i}]", numbers, key)
    elif numbers and isinstance(one, str) and isinstance(two, str) and key not in NAMES:
        return
    elif one != two or type(one) is not type(two):
        yield f"{place}: {one!r} and {two!r}"


def main() -> None:
    """Writes results, or compares two folders of them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    writing = commands.add_parser("write")
    writing.add_argument("folder", type=Path)
    writing.add_argument("--data-root", type=Path, default=Path("../shared/data/emodb"))
    writing.add_argument("--audit", action="append", default=[], help="only these")
    comparing = commands.add_parser("compare")
    comparing.add_argument("one", type=Path)
    comparing.add_argument("two", type=Path)
    comparing.add_argument("--numbers", action="store_true")
    given = parser.parse_args()
    if given.command == "write":
        write(given.folder, given.data_root, given.audit)
        return
    one, two = results(given.one), results(given.two)
    found = list(differences(one, two, "", given.numbers))
    for place in found[:40]:
        show(place)
    show(f"{len(one)} and {len(two)} results; {len(found)} differences")
    sys.exit(bool(found) or not one)


if __name__ == "__main__":
    main()
