"""How many times does a model change packages on its way through a run? Prints the road and three numbers.

    python -m tests.bench.road

A run of two audits on a few clips is traced. The road is the list of functions of sertools in the order in
which they are first entered with the model, or with what `--model` says of it, among their arguments. A stay
is a stretch of the road within one package, and a climb is a step to a package that imports the one before.
"""

import os
import re
import sys
from itertools import groupby, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any

from tests.helpers.places import ROOT
from tests.helpers.small import write_noises

NAME = "toy:loudness"
ROWS = re.findall(
    r"^\| `(\w+)` \| (.*) \|$", (ROOT / "docs" / "code.md").read_text("utf-8"), flags=re.MULTILINE
)
MAY_IMPORT = {package: set(re.findall(r"`(\w+)`", others)) for package, others in ROWS}
"""The table of packages on the page about the code, which the tests compare with the rule of imports."""


def package_of(path: str) -> str:
    """The package of a file of sertools; empty for other files."""
    file = Path(path)
    for folder in (ROOT / "sertools", ROOT / "audits"):
        if file.is_relative_to(folder):
            first = file.relative_to(folder).parts[0]
            return "audits" if folder.name == "audits" else first.removesuffix(".py")
    return ""


def carries(value: Any) -> bool:
    """Whether a value is the model, or the text or the request that names it."""
    if isinstance(value, str):
        return value == NAME
    return type(value).__name__ in {"LoudnessModel", "ModelRequest", "AuditRequest"}


def road() -> list[tuple[str, str]]:
    """Package and function of every first entry with the model, in order."""
    found: dict[tuple[str, str], None] = {}

    def enter(frame: FrameType, event: str, _: Any) -> None:
        if event != "call":
            return
        code = frame.f_code
        package = package_of(code.co_filename)
        if package not in {*MAY_IMPORT, "cli"} or code.co_name.startswith("<"):
            return
        given = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        values = [frame.f_locals.get(name) for name in given]
        every = [*values, *(each for v in values if isinstance(v, dict) for each in v.values())]
        if any(map(carries, every)):
            found.setdefault((package, f"{Path(code.co_filename).stem}.{code.co_qualname}"))

    from typer.testing import CliRunner

    from sertools.cli.app import app

    with TemporaryDirectory() as place:
        data = str(write_noises(Path(place) / "c", 12))
        os.environ["XDG_CACHE_HOME"] = place
        words = ["audit", "correctness", "robustness", "--model", NAME, "--data", data, "--out", f"{place}/o"]
        sys.setprofile(enter)
        done = CliRunner().invoke(app, words)
        sys.setprofile(None)
    assert done.exit_code in {0, 1}, done.output
    return list(found)


def imports(package: str, other: str) -> bool:
    """Whether a package may import the other, and not the other way round."""
    above = package == "cli" or other in MAY_IMPORT.get(package, set())
    return above and package not in MAY_IMPORT.get(other, set())


if __name__ == "__main__":
    way = road()
    stays = [
        (package, [name for _, name in part]) for package, part in groupby(way, key=lambda step: step[0])
    ]
    climbs = [(one, other) for (one, _), (other, _) in pairwise(stays) if imports(other, one)]
    for package, names in stays:
        sys.stdout.write(f"{package}: {', '.join(names)}\n")
    rooms = len({package for package, _ in stays})
    sys.stdout.write(f"{len(stays)} stays in {rooms} packages, {len(climbs)} climbs\n")
