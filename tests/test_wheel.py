"""The wheel is complete: sertools audits when it is installed outside the checkout."""

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
    """A wheel of all files that git does not ignore, built in a copy so that the checkout stays clean."""
    folder = tmp_path_factory.mktemp("wheel")
    listed = subprocess.run(
        ["git", "ls-files", "-coz", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git checkout, so there is no list of the project's files")
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
    """An environment with the wheel installed, which shares the checkout's dependencies but not its code."""
    home = tmp_path_factory.mktemp("elsewhere")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home / "env"], check=True)
    python = home / "env" / "bin" / "python"
    where = subprocess.run(
        [python, "-c", "import site; print(site.getsitepackages()[0])"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    # .pth files in these folders, such as that of the editable install, are not read
    Path(where, "dependencies.pth").write_text("\n".join(site.getsitepackages()) + "\n")
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", "--quiet",
         "--no-compile", "--disable-pip-version-check", "--ignore-installed", wheel],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return home


def run(elsewhere: Path, *words: str | Path, cache: Path = Path("cache")) -> str:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "COV_"))}
    environment["XDG_CACHE_HOME"] = str(elsewhere / cache)
    done = subprocess.run(
        [elsewhere / "env" / "bin" / words[0], *words[1:]],
        cwd=elsewhere,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout


def tracked(folder: str) -> set[str]:
    """Files below a folder of the checkout that git tracks."""
    listed = subprocess.run(
        ["git", "ls-files", folder], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    return set(listed.split())


@pytest.fixture(scope="module")
def names(wheel) -> set[str]:
    """Names of the files in the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.mark.slow
def test_the_wheel_contains_every_file_of_the_package(names):
    assert not tracked("sertools") - names
    assert not [name for name in names if not name.startswith(("sertools/", "sertools_audit-"))]


@pytest.mark.slow
def test_the_wheel_contains_every_file_of_every_audit_and_every_suite(names):
    wanted = {f"sertools/{file}" for file in tracked("audits") if file.endswith((".py", ".toml"))}
    assert wanted <= names
    # an audit of one file, the files of an audit that is a folder, and a suite
    examples = {
        "audits/calibration/__init__.py",
        "audits/fairness/__init__.py",
        "audits/fairness/chance.py",
        "audits/suites/demonstration.toml",
        "audits/suites/quick.toml",
    }
    assert {f"sertools/{file}" for file in examples} <= wanted


def test_setup_lists_every_folder_with_python_files_as_a_package():
    packages = setup_packages()
    for folder, prefix in (("sertools", ""), ("audits", "sertools.")):
        found = {path.parent.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob("*.py")}
        assert {prefix + name.replace("/", ".") for name in found} <= set(packages)


def setup_packages() -> list[str]:
    """The packages that setup.py passes to setuptools."""
    code = (
        "import runpy, setuptools\n"
        "setuptools.setup = lambda **given: print(*given['packages'])\n"
        "runpy.run_path('setup.py')"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.split()


COMMANDS = """
import sys
import sertools, sertools.audits
from sertools.cli.app import main
print(sertools.__file__, *sertools.audits.__path__)
for line in sys.argv[1:]:
    print("then:")
    sys.argv[1:] = line.split()
    try:
        main()
    except SystemExit as end:
        assert end.code in ({None, 0, 1} if line.startswith("audit") else {None, 0}), (line, end.code)
"""


@pytest.fixture(scope="module")
def said(elsewhere, embedded_cache) -> list[str]:
    """Where the installed package is, and what four of its commands say, all in one process."""
    manifest, few = write_noises(elsewhere / "c", 24), write_noises(elsewhere / "d", 4, samples=2000)
    commands = [
        f"audit correctness fairness --model toy:loudness --data {manifest} --quiet --out out",
        "list audits",
        f"predict --data {few} --device cpu --csv p.csv --quiet",
        "audit --quiet",
    ]
    return run(elsewhere, "python", "-c", COMMANDS, *commands, cache=embedded_cache).split("then:\n")


@pytest.mark.slow
def test_nothing_is_read_from_the_checkout(elsewhere, said):
    places = said[0].split()
    assert len(places) >= 2
    for place in places:
        assert Path(place).is_relative_to(elsewhere)


@pytest.mark.slow
def test_the_installed_command_audits(elsewhere, said):
    written = json.loads((elsewhere / "out" / "fairness.json").read_text())
    assert written["data"]["clips"] == 24
    assert (elsewhere / "out" / "report.html").stat().st_size > 10_000
    assert {"correctness", "fairness"} <= set(said[2].split())


@pytest.mark.slow
def test_the_installed_program_lists_the_suites(elsewhere):
    assert "quick" in run(elsewhere, "sertools", "list", "suites")


@pytest.mark.slow
def test_without_arguments_the_embedded_model_is_audited_on_the_embedded_corpus(elsewhere, said):
    written = json.loads((elsewhere / "sertools-report" / "correctness.json").read_text())
    assert (written["model"]["name"], written["data"]["name"]) == ("default", "voices")
    assert written["data"]["clips"] == 288


@pytest.mark.slow
def test_the_installed_default_model_predicts(elsewhere, said):
    lines = (elsewhere / "p.csv").read_text().splitlines()
    emotions = "anger,boredom,disgust,fear,happiness,neutral,sadness"
    assert lines[0] == f"clip,file,arousal,dominance,valence,{emotions}"
    assert len(lines) == 5
