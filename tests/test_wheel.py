"""The wheel holds everything: installed away from the checkout, sertools audits."""

import json
import os
import site
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.helpers.places import ROOT
from tests.helpers.small import write_noises


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """A wheel of all files that git does not ignore, built in a copy, so the checkout stays clean."""
    folder = tmp_path_factory.mktemp("wheel")
    listed = subprocess.run(
        ["git", "ls-files", "-coz", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("this is no git checkout, so there is no list of what belongs to the project")
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / "source" / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / "source" / name).write_bytes((ROOT / name).read_bytes())
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, folder / "source"],
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def elsewhere(wheel, tmp_path_factory) -> Path:
    """The console script of an environment that has the wheel, and of the checkout only its dependencies."""
    home = tmp_path_factory.mktemp("elsewhere")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home / "env"], check=True)
    python = home / "env" / "bin" / "python"
    where = subprocess.run(
        [python, "-c", "import site; print(site.getsitepackages()[0])"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    # as an entry of sys.path, whose own .pth files (the editable install among them) are not read
    Path(where, "dependencies.pth").write_text("\n".join(site.getsitepackages()) + "\n")
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", "--quiet",
         "--disable-pip-version-check", "--ignore-installed", wheel],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return home


def run(elsewhere: Path, *words: str | Path, code: tuple[int, ...] = (0,)) -> str:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "COV_"))}
    environment["XDG_CACHE_HOME"] = str(elsewhere / "cache")
    done = subprocess.run(
        [elsewhere / "env" / "bin" / words[0], *words[1:]],
        cwd=elsewhere,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in code, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_wheel_holds_audits_suites_templates_and_the_default_model(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    for path in (ROOT / "audits").rglob("*"):
        if path.suffix in {".py", ".toml"}:
            tracked = subprocess.run(["git", "ls-files", "--error-unmatch", path], cwd=ROOT,
                                     capture_output=True, check=False)  # fmt: skip
            if not tracked.returncode:
                assert f"sertools/audits/{path.relative_to(ROOT / 'audits').as_posix()}" in names
    listed = subprocess.run(["git", "ls-files", "sertools"], cwd=ROOT, capture_output=True, text=True,
                            check=True)  # fmt: skip
    assert not set(listed.stdout.split()) - names, "tracked files of the package that the wheel lacks"
    assert not [name for name in names if name.startswith(("tests/", "examples/"))]


@pytest.mark.slow
def test_nothing_is_read_from_the_checkout(elsewhere):
    code = "import sertools, sertools.audits; print(sertools.__file__); print(*sertools.audits.__path__)"
    for place in run(elsewhere, "python", "-c", code).split():
        assert Path(place).is_relative_to(elsewhere)


@pytest.mark.slow
def test_the_installed_command_audits(elsewhere):
    manifest = write_noises(elsewhere / "c", 24)
    words = ("audit", "correctness", "fairness", "--model", "toy:loudness", "--data", manifest, "--quiet")
    run(elsewhere, "sertools", *words, "--out", "out", code=(0, 1))
    written = json.loads((elsewhere / "out" / "fairness.json").read_text())
    assert written["data"]["clips"] == 24
    assert (elsewhere / "out" / "report.html").stat().st_size > 10_000
    assert "correctness" in run(elsewhere, "sertools", "list", "audits")
    assert "quick" in run(elsewhere, "sertools", "list", "suites")


@pytest.mark.slow
def test_the_installed_command_without_arguments_audits_what_is_embedded(elsewhere):
    run(elsewhere, "sertools", "audit", "--quiet", code=(0, 1))
    written = json.loads((elsewhere / "sertools-report" / "correctness.json").read_text())
    assert (written["model"]["name"], written["data"]["name"]) == ("default", "voices")
    assert written["data"]["clips"] == 288


@pytest.mark.slow
def test_the_installed_default_model_predicts(elsewhere):
    manifest = write_noises(elsewhere / "d", 4, samples=2000)
    run(elsewhere, "sertools", "predict", "--data", manifest, "--device", "cpu", "--csv", "p.csv", "--quiet")
    lines = (elsewhere / "p.csv").read_text().splitlines()
    assert lines[0] == "clip,file,arousal,dominance,valence"
    assert len(lines) == 5
