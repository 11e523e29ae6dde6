"""Light start, and arrows that go one way."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HEAVY = ("torch", "transformers", "matplotlib", "umap", "pandas", "scipy", "sklearn", "opensmile")

LAYERS = [
    {"errors", "labels", "seeds", "discovery", "norms"},
    {"moments", "egemaps", "reading"},
    {"tables"},
    {"condition"},
    {"metrics", "perturb", "reference"},
    {"targets", "probing", "embedded"},
    {"result"},
    {"gate", "gate_formats", "ci"},
    {
        "audit",
        "changes",
        "chance",
        "kept",
        "worst",
        "layer_tables",
        "reference_layers",
        "probe_tables",
        "maps",
    },
    {"audits"},
]
"""From the bottom: a module imports from its own layer and those before it, nothing after it."""

HEARING = [
    {"errors", "labels", "seeds", "discovery", "norms"},
    {"moments", "egemaps", "reading"},
    {"tables"},
    {"condition", "espeak", "sentences", "sentiment_sentences"},
    {"tts_engines"},
    {"spoken"},
    {"voiced"},
    {"audio", "perturb", "manifest", "audformat_folder", "acoustics", "cells"},
    {"corpora", "readers", "recordings"},
    {"corpus", "model", "models"},
    {"store", "accumulate", "recogniser"},
    {"plan", "descriptors", "text_encoder"},
    {"engine"},
    {"frames"},
    {"frame_moments"},
    {"scale", "tts", "recipe"},
    {"finetune", "baseline", "augment", "left_out"},
]


def imported(path: Path) -> set[str]:
    """Second parts of the names of sertools modules that a file imports, lazily or not."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            if node.module == "sertools":
                found |= {alias.name for alias in node.names}
            elif node.module.startswith("sertools."):
                found.add(node.module.split(".")[1])
        elif isinstance(node, ast.Import):
            found |= {a.name.split(".")[1] for a in node.names if a.name.startswith("sertools.")}
    return found - {"__version__"}


def files_of(name: str) -> list[Path]:
    folder = ROOT / "audits" if name == "audits" else ROOT / "sertools" / name
    return sorted(folder.rglob("*.py")) if folder.is_dir() else [ROOT / "sertools" / f"{name}.py"]


@pytest.mark.parametrize("layers", [LAYERS, HEARING], ids=["judging", "hearing"])
def test_imports_go_one_way(layers):
    allowed: set[str] = set()
    for layer in layers:
        allowed |= layer
        for name in layer:
            for path in files_of(name):
                if path.exists():
                    beyond = imported(path) - allowed
                    assert not beyond, f"{path.relative_to(ROOT)} imports {', '.join(sorted(beyond))}"


def test_only_the_rim_prints_and_nothing_imports_the_command_line():
    for path in sorted((ROOT / "sertools").rglob("*.py")):
        users = {"cli", "cli_inputs", "cli_outputs", "__main__", "audit_commands"}
        if path.stem not in users:
            assert "cli" not in imported(path), path
        if path.stem not in {*users, "console", "options"}:
            assert "console" not in imported(path), path


def test_reports_are_made_from_results_alone():
    for path in files_of("report"):
        assert imported(path) <= {"errors", "result", "report", "store", "gate"}, path


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
    assert not loaded_by("import sertools.results.gate, sertools.auditing.audit, sertools.report.render") & {
        "torch",
        "transformers",
    }
