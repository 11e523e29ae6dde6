"""Completion by the shell: commands, options, their values, and names of audits, suites and corpora."""

import pytest
from typer.testing import CliRunner

from sertools.cli.app import app


def completed(line: str, shell: str = "bash") -> list[str]:
    """What the shell offers for the last word of a line."""
    words = line.split(" ")
    env = {"_SERTOOLS_COMPLETE": f"complete_{shell}", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    if shell != "bash":
        env |= {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    made = CliRunner().invoke(app, [], prog_name="sertools", env=env)
    assert made.exit_code == 0, made.output
    return made.stdout.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("sertools audit", ["audit"]),
        ("sertools fairness --gro", ["--group"]),
        ("sertools corpus ch", ["check"]),
        ("sertools audit --precision bf", ["bf16"]),
        ("sertools audit corr", ["correctness"]),
        ("sertools audit --suite wag", ["wagner2023"]),
        ("sertools correctness --data crema", ["crema-d"]),
    ],
)
def test_bash_completes(line, offered):
    assert completed(line) == offered


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_complete_too(shell):
    assert "audit" in " ".join(completed("sertools aud", shell))


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_for_a_shell_names_the_command(shell):
    made = CliRunner().invoke(app, [], prog_name="sertools", env={"_SERTOOLS_COMPLETE": f"source_{shell}"})
    assert made.exit_code == 0
    assert "_SERTOOLS_COMPLETE=complete_" + shell in made.stdout.replace(" ", "")
