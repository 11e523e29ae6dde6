"""Whether the README, CONTRIBUTING.md and docs/ describe sertools as it is."""

import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import pytest
import soundfile
import typer.main
from typer.testing import CliRunner

from sertools.auditing.discovery import discover, question
from tests.helpers.places import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = {path.name: path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").glob("*.md"))}
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
FOR_DEVELOPERS = {"CONTRIBUTING.md": CONTRIBUTING, "docs/code.md": PAGES["code.md"]}
COMMAND = r"sertools [^|]*(\|\| \[ \$\? -eq 1 \])?"
"""A line of a page that is run here: one command, and whether its exit code may be 1."""

RUN = {
    "python.md": {
        "wav", "clips.csv", "predictions.csv", "loudness", "constant", "comparison", "junit.xml",
    },
    "tutorial.md": {"first", "loudness", "constant", "comparison", "site", "junit.xml"},
}  # fmt: skip
"""Pages whose blocks of sh and python are run here, one after the other, and what they write."""


def run_block(language: str, code: str) -> None:
    """Runs a block in this process, as Python or line by line as commands; it knows no other block."""
    if language == "python":
        exec(compile(code, "page", "exec"), {"__name__": "__main__"})
        return
    for line in code.strip().splitlines():
        assert re.fullmatch(COMMAND, line), line
        command, _, may_fail = line.partition(" || ")
        assert run_command(command) in ({0, 1} if may_fail else {0}), line


def run_command(line: str) -> int:
    """The exit code of a command, which must have ended as planned."""
    from sertools.cli.app import app

    done = CliRunner().invoke(app, shlex.split(line)[1:])
    assert done.exception is None or isinstance(done.exception, SystemExit), (line, done.exception)
    return done.exit_code


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_the_table_of_audits_is_the_folder():
    rows = re.findall(r"^\| \[`([\w-]+)`\]\((audits/[\w.]+)\) \| (.*) \|$", README, flags=re.MULTILINE)
    expected = [
        (name.replace("_", "-"), f"audits/{file_or_folder(path)}", question(path))
        for name, path in discover().items()
    ]
    assert rows == expected


def file_or_folder(path: Path) -> str:
    """What a link to an audit names: its file, or its folder if it has more than one file."""
    return path.parent.name if path.stem == "__init__" else path.name


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_links_of_a_page_at_the_top_lead_somewhere(page):
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", (ROOT / page).read_text(encoding="utf-8"))
    assert links
    for target in links:
        assert (ROOT / target).exists(), target


@pytest.mark.parametrize("page", FOR_DEVELOPERS)
def test_every_path_in_the_pages_for_developers_exists(page):
    names = re.findall(
        r"`((?:sertools|audits|tests|docs|examples|reports|\.ci)/[^`\s]*)`", FOR_DEVELOPERS[page]
    )
    assert len(names) > 15
    for name in names:
        place = ROOT / name
        assert place.is_dir() if name.endswith("/") else place.exists(), name


def test_every_make_target_in_the_guide_exists():
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    named = set(re.findall(r"(?:`|^)make ([\w-]+)", CONTRIBUTING, flags=re.MULTILINE))
    assert {"test", "quick", "lint", "docs"} <= named
    assert named <= set(targets)


def test_every_module_that_a_page_runs_exists():
    for text in (README, CONTRIBUTING, *PAGES.values()):
        for module in re.findall(r"python -m (tests[\w.]+)", text):
            assert (ROOT / module.replace(".", "/")).with_suffix(".py").is_file(), module


def test_the_supported_versions_of_python_are_those_of_the_package():
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    versions = [kind.rpartition(" ")[2] for kind in project["classifiers"] if "Python :: 3." in kind]
    assert f"(tested with {', '.join(versions[:-1])} and {versions[-1]})" in CONTRIBUTING
    assert project["requires-python"] == f">={versions[0]}"


BY_NAME = re.compile(r"pip3?\s+install\s+(?:[^\n`]*?\s)?['\"]?sertools(?![\w./])")
"""An installation by the name sertools, with or without extras, or by a name that begins with it."""


def test_nobody_is_told_to_install_the_project_of_the_same_name_on_pypi():
    assert BY_NAME.search("pip install sertools")
    assert BY_NAME.search("python -m pip install -q 'sertools[probe]'")
    assert BY_NAME.search("pip install sertools-audit")  # not on PyPI today
    assert not BY_NAME.search("python -m pip install ./sertools")
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    ends = (".py", ".md", ".toml", ".yml", ".yaml", ".html", ".json", "Makefile", "run")
    named = [name for name in listed.splitlines() if name.endswith(ends) and name != "tests/test_docs.py"]
    files = [ROOT / name for name in named if (ROOT / name).is_file()]
    assert ROOT / "README.md" in files
    assert ROOT / "sertools/cli/app.py" in files
    for file in files:
        assert not BY_NAME.search(file.read_text(encoding="utf-8")), file


def test_the_version_does_not_depend_on_how_the_distribution_is_called():
    import sertools

    with (ROOT / "pyproject.toml").open("rb") as file:
        read = tomllib.load(file)
    assert read["project"]["name"] == "sertools-audit"
    assert read["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "sertools.__version__"}
    extras = read["project"]["optional-dependencies"].values()
    own = [need for needs in extras for need in needs if need.startswith("sertools")]
    assert own
    assert all(need.startswith("sertools-audit[") for need in own)
    code = [*(ROOT / "sertools").rglob("*.py"), *(ROOT / "audits").rglob("*.py")]
    assert not [p for p in code if re.search(r"version\(['\"]sertools", p.read_text(encoding="utf-8"))]
    assert re.fullmatch(r"\d+\.\d+\.\d+", sertools.__version__)


@pytest.mark.slow
def test_the_walk_through_runs(tmp_path, monkeypatch):
    from tests.helpers.checkpoints import DIMENSIONS, speech, write_checkpoint

    write_checkpoint(tmp_path / "my-checkpoint", labels=DIMENSIONS, problem_type="regression")
    (tmp_path / "wav").mkdir()
    for name, signal in zip("ab", speech([16000, 12000]), strict=True):
        soundfile.write(tmp_path / "wav" / f"{name}.wav", signal, 16000)
    script = next(block for block in blocks("sh") if "clips.csv" in block)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    table, *commands = re.split(r"\n(?=sertools )", script.strip())
    subprocess.run(["bash", "-euc", table], check=True)
    # two clips of two speakers decide nothing: the audit is inconclusive, so --strict exits with 3
    assert [run_command(command) for command in commands] == [0, 0, 0, 3]
    assert (tmp_path / "sertools-report" / "report.html").exists()


@pytest.mark.slow
def test_the_lines_of_python_run(embedded_cache, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(embedded_cache))
    monkeypatch.chdir(tmp_path)
    run_block("python", next(iter(blocks("python"))))
    assert re.match(r"On 288 clips of 16 speakers: arousal CCC", capsys.readouterr().out)


def test_the_limits_in_the_readme_are_a_gate_file(tmp_path):
    from sertools.results.verdicts.limits import read_limits

    text = next(block for block in blocks("toml") if "[[limit]]" in block)
    (tmp_path / "gate.toml").write_text(text)
    assert [limit.above for limit in read_limits(tmp_path / "gate.toml")] == [0.4]


@pytest.mark.slow
@pytest.mark.parametrize("page", RUN)
def test_the_blocks_of_a_page_run_one_after_the_other(page, embedded_cache, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(embedded_cache))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for language, code in re.findall(r"```(sh|python)\n(.*?)```", PAGES[page], flags=re.DOTALL):
        run_block(language, code)
    assert {path.name for path in (tmp_path / "here").iterdir()} == RUN[page]


def test_no_page_shows_code_that_is_not_run():
    shown = [name for name, text in PAGES.items() if re.search(r"```(sh|python)\n", text)]
    assert shown == list(RUN)


def test_every_name_on_the_page_of_the_python_interface_is_public():
    import sertools

    table = re.findall(r"^\| `sertools .*$", PAGES["python.md"], flags=re.MULTILINE)
    functions = re.findall(r"sertools\.(\w+)", PAGES["python.md"])
    functions += [name for row in table for name in re.findall(r"`(\w+)`", row.split("|")[2])]
    assert set(functions) <= set(dir(sertools))


def test_every_command_on_a_page_is_understood():
    from sertools.cli.app import app

    code = [block for text in PAGES.values() for block in re.findall(r"```\w+\n(.*?)```", text, flags=re.S)]
    lines = [line for block in code for line in re.findall(r"^sertools .*$", block, flags=re.M)]
    assert len(lines) > 8
    group = typer.main.get_command(app)
    for line in lines:
        words = shlex.split(line.partition(" || ")[0], comments=True)[1:]
        command = group.get_command(None, words[0])
        assert command is not None, line
        command.make_context(words[0], words[1:])


def test_links_between_pages_lead_somewhere():
    for name, text in PAGES.items():
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", text):
            # the reports of the gallery are added when the site is built
            source = ROOT / "reports" / Path(target).stem if target.startswith("gallery/") else None
            assert (source or ROOT / "docs" / target).exists(), (name, target)


@pytest.fixture
def docs(monkeypatch):
    """Makes the modules in docs/ importable; they need the extra `docs`, which `test` includes."""
    monkeypatch.syspath_prepend(str(ROOT / "docs"))


@pytest.mark.parametrize("name", list(discover()))
def test_every_audit_has_a_page_with_its_question_options_and_limits(docs, name):
    import hooks

    from sertools.auditing.audit import load

    audit, page = load(name), hooks.audit_page(name)
    assert hooks.prose(audit.question) in page
    assert all(f"`--{option.replace('_', '-')}`" in page for option in audit.options())
    assert page.count("\n| ") >= len(audit.limits) + len(audit.options())


def test_text_of_a_docstring_is_literal_in_a_page(docs):
    import hooks

    page = "<b> *x* _y_ [a](b) # | `c|d` https://e.org"
    assert hooks.prose(page) == (
        "&#60;b&#62; &#42;x&#42; &#95;y&#95; &#91;a&#93;(b) &#35; &#124; <code>c&#124;d</code> <https://e.org>"
    )


def test_the_feed_is_described_name_by_name(docs):
    import hooks

    from sertools.comparison.leaderboards.feed import Feed, Model, Ranking, Score

    tables = hooks.feed_tables()
    for part in (Model, Ranking, Score):
        assert all(f"<code>{field}</code>" in tables for field in part.model_fields)
    assert "<code>schema</code>" in tables
    assert set(Feed.model_fields) == {"schema_version", "groups"}


def test_the_reference_holds_every_module_but_those_of_the_command_line(docs):
    import hooks

    found = hooks.modules()
    assert {"metrics.regression", "results.result", "comparison.compare", "report.render"} <= set(found)
    assert not [name for name in found if name.split(".")[0] in {"cli", "__main__"}]


def test_doctests_are_shown_as_code(docs):
    import doctests

    text = "One.\n\n    >>> f(\n    ...     1)\n    2\n\nTwo > three >>> four."
    code = "    ```pycon\n    >>> f(\n    ...     1)\n    2\n    ```"
    assert doctests.fenced(text) == f"One.\n\n{code}\n\nTwo > three >>> four."
