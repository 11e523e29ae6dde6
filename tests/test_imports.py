"""Light start, and imports that go one way."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.places import ROOT
from tests.helpers.syntax import statements

HEAVY = ("torch", "transformers", "matplotlib", "umap", "pandas", "scipy", "sklearn", "opensmile")

GROUND = {"errors", "labels", "randomness", "files", "threads", "wording"}
"""Modules at the top of the package that every package may import."""

MAY_IMPORT: dict[str, set[str]] = {
    "ground": set(),
    "tables": set(),
    "statistics": set(),
    "metrics": {"tables", "statistics"},
    "probing": {"metrics", "tables", "statistics"},
    "results": {"statistics"},
    "auditing": {"results", "metrics", "tables", "statistics"},
    "audits": {
        "auditing", "probing", "metrics", "results", "tables", "statistics", "perturbations.selection"
    },
    "audio": {"tables"},
    "speech": set(),
    "store": set(),
    "perturbations": {"tables"},
    "corpora": {"audio", "speech", "tables"},
    "models": {"corpora", "audio", "tables"},
    "features": {"models", "store", "corpora", "audio", "tables", "metrics"},
    "training": {
        "models", "corpora", "perturbations", "audio", "tables", "metrics", "inference", "features", "store",
        "probing",
    },
    "inference": {"features", "models", "store", "corpora", "perturbations", "speech", "audio", "tables"},
    "pipeline": {
        "inference", "features", "models", "store", "corpora", "speech", "audio", "auditing", "results",
        "tables",
    },
    "report": {"results"},
    "comparison": {"report", "results", "metrics", "statistics"},
    "selftest": {
        "pipeline", "inference", "models", "corpora", "audio", "auditing", "results", "metrics", "tables"
    },
    "sweep": {
        "comparison", "report", "pipeline", "inference", "training", "features", "models", "corpora",
        "perturbations", "store", "speech", "audio", "auditing", "results", "metrics", "statistics", "tables",
    },
    "studies": {
        "sweep", "training", "pipeline", "inference", "features", "models", "corpora", "perturbations",
        "store", "speech", "audio", "auditing", "comparison", "report", "results", "metrics", "statistics",
        "tables",
    },
    "exploration": {"features", "corpora", "audio", "tables", "metrics", "statistics", "results", "report"},
    "api": {
        "exploration", "sweep", "studies", "selftest", "comparison", "report", "pipeline", "inference",
        "training", "features", "models", "corpora", "perturbations", "store", "speech", "audio", "auditing",
        "results", "metrics", "statistics", "tables",
    },
    "data": set(),
}  # fmt: skip
"""Package → what it may import besides itself and the ground; docs/code.md draws the picture."""

RIM = {"cli", "__init__", "__main__"}
"""What may import anything; nothing may import the command line."""


def package_of(path: Path) -> str:
    """The package that a file belongs to: a folder of `sertools/`, `audits`, `ground` or a part of the rim.

    An audit is a package of its own, `audits.NAME`, so that audits cannot import each other.
    """
    if path.is_relative_to(ROOT / "audits"):
        first = path.relative_to(ROOT / "audits").parts[0].removesuffix(".py")
        return "audits" if first == "__init__" else f"audits.{first}"
    first, *rest = path.relative_to(ROOT / "sertools").parts
    stem = first.removesuffix(".py")
    return stem if rest or stem in RIM else "ground" if stem in GROUND else stem


def imported(path: Path) -> set[str]:
    """Dotted names below `sertools` that a file imports, at its top or inside functions."""
    found = set()
    for node in statements(path.read_text(encoding="utf-8")):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            if node.module.split(".")[0] == "sertools":
                below = node.module.removeprefix("sertools").strip(".")
                found |= {f"{below}.{alias.name}".strip(".") for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {a.name.removeprefix("sertools.") for a in node.names if a.name.startswith("sertools.")}
        elif isinstance(node, ast.ImportFrom) and node.level > 1:
            found.add(f"a relative import that leaves the folder, line {node.lineno}")
    return found


def forbidden(path: Path) -> list[str]:
    """The imports of a file that the table does not allow."""
    package = package_of(path)
    if package in RIM:
        return []
    allowed = MAY_IMPORT[package.partition(".")[0]]
    kept = []
    for name in sorted(imported(path)):
        first, _, rest = name.partition(".")
        own = package.startswith("audits.") and (name + ".").startswith(package + ".")
        if own or first == package or first in GROUND or name in {"__version__", "audits"}:
            continue
        if first not in allowed and f"{first}.{rest.partition('.')[0]}" not in allowed:
            kept.append(name)
    return kept


FILES = sorted([*(ROOT / "sertools").rglob("*.py"), *(ROOT / "audits").rglob("*.py")])


def test_every_package_stands_in_the_table():
    packages = {package_of(path).partition(".")[0] for path in FILES}
    assert packages <= {*MAY_IMPORT, *RIM}, "a new package: give it a row in MAY_IMPORT"
    assert set(MAY_IMPORT) <= packages, "a row without a package"
    top = {path.stem for path in (ROOT / "sertools").glob("*.py")}
    assert top == GROUND | {"__init__", "__main__"}


def test_imports_go_down_the_table():
    faults = {str(path.relative_to(ROOT)): forbidden(path) for path in FILES}
    assert {path: found for path, found in faults.items() if found} == {}


def test_the_table_has_no_circle():
    placed: set[str] = set()
    rest = {package: {name.partition(".")[0] for name in names} for package, names in MAY_IMPORT.items()}
    while rest:
        free = {package for package, names in rest.items() if names <= placed}
        assert free, f"these packages import each other: {', '.join(sorted(rest))}"
        placed |= free
        rest = {package: names for package, names in rest.items() if package not in free}


def test_the_table_of_imports_on_the_page_is_the_one_that_is_tested():
    page = (ROOT / "docs" / "code.md").read_text(encoding="utf-8")
    table = page.partition("<!-- imports: begin -->")[2].partition("<!-- imports: end -->")[0]
    rows = [
        f"| `{package}` | {', '.join(f'`{name}`' for name in sorted(names)) or 'nothing else'} |"
        for package, names in MAY_IMPORT.items()
        if package != "ground"
    ]
    assert table.strip().splitlines()[2:] == rows, "between the marks must be:\n" + "\n".join(rows)


def test_only_the_command_line_prints():
    for path in FILES:
        if package_of(path) not in RIM:
            text = path.read_text(encoding="utf-8")
            # names, not text: examples in docstrings print
            nodes = ast.walk(ast.parse(text)) if "print" in text else ()
            assert "print" not in {node.id for node in nodes if isinstance(node, ast.Name)}, path


def loaded_by(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\nprint(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    return set(done.stdout.split())


def test_importing_sertools_loads_nothing_heavy():
    assert not loaded_by("import sertools, sertools.cli.app") & set(HEAVY)


def test_help_loads_nothing_heavy():
    code = "from sertools.cli.app import app\ntry:\n    app(['--help'])\nexcept SystemExit:\n    pass"
    assert not loaded_by(code) & set(HEAVY)


def test_judging_results_loads_no_torch():
    assert not loaded_by(
        "import sertools.results.verdicts.gate, sertools.auditing.audit, sertools.report.render"
    ) & {
        "torch",
        "transformers",
    }


def test_starting_an_audit_loads_neither_networks_nor_slow_parts_of_scipy():
    """They are a third of the start, and most runs need none of them."""
    loaded = loaded_by("import sertools.pipeline.run, sertools.features.sound, sertools.cli.run_audits")
    assert not loaded & {"torch", "transformers", "matplotlib", "sklearn", "scipy.signal", "scipy.stats"}


def test_predicting_loads_neither_audits_nor_statistics():
    """They are a third of the time of a prediction that is kept."""
    loaded = loaded_by(
        "import sertools.cli.commands.predict, sertools.inference.predict, sertools.inference.share\n"
        "import sertools.pipeline.requests.models, sertools.pipeline.requests.corpora\n"
        "import sertools.pipeline.export"
    )
    assert not loaded & {"torch", "scipy", "sertools.auditing.run", "sertools.statistics.jackknife"}


def imported_tests(text: str) -> list[str]:
    """Files with tests that a file imports from, also in a program that it holds as text."""
    words = re.findall(r"^\s*(?:from|import)\s+([\w.]+)", text, flags=re.MULTILINE)
    several = r"^\s*from\s+([\w.]+)\s+import\s+(\([^)]*\)|[^(\n]*)"
    for module, names in re.findall(several, text, flags=re.MULTILINE):
        if module.startswith(("tests", ".")):
            words += re.findall(r"\w+", names)
    return [word for word in words if any(part.startswith("test_") for part in word.split("."))]


def test_tests_import_helpers_but_no_other_tests():
    for path in sorted((ROOT / "tests").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        assert not imported_tests(text), f"{path}: move what it imports to tests/helpers/"


@pytest.mark.parametrize(
    "line",
    [
        "from tests.models.test_load import given",
        "import tests.models.test_load",
        "from tests.models import (\n    test_load,\n)",
        "from . import test_load",
        "from .test_load import given",
        'PROGRAM = """\nfrom tests.models.test_load import given\n"""',
    ],
)
def test_an_import_from_tests_is_seen(line):
    assert imported_tests(line)
    assert not imported_tests(line.replace("test_load", "loading"))
