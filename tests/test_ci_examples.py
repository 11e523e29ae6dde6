"""`sertools gate` with a baseline, and the example workflows that use it."""

import dataclasses
import json
import shlex

import numpy as np
import pytest
import typer.main
import yaml
from typer.testing import CliRunner

from sertools.cli.app import app
from sertools.results.verdicts.limits import read_gate
from tests.helpers.audit_tables import made
from tests.helpers.baselines import result_of, worse
from tests.helpers.places import ROOT

EXAMPLES = ROOT / "examples"


@pytest.fixture(scope="module")
def stored():
    """Result files of a good model and of a worse one, by folder and audit."""
    tables = made([40] * 16, dimensions=("arousal", "valence"), noise=0.02)
    number = tables.clips["speaker"].str[1:].astype(int)
    tables = dataclasses.replace(
        tables, clips=tables.clips.assign(sex=np.where(number % 2, "male", "female"))
    )
    good, bad = (
        {name: result_of(of, name).to_json() for name in ("correctness", "fairness", "speakers")}
        for of in (tables, worse(tables, 0.3))
    )
    return {"sertools-report": good, "last-release": good, "worse": bad}


@pytest.fixture
def folder(stored, tmp_path, monkeypatch):
    """A working directory like that of the workflows: results, baseline and gate.toml, from toy tables."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    for place, results in stored.items():
        (tmp_path / place).mkdir()
        for name, text in results.items():
            (tmp_path / place / f"{name}.json").write_text(text, encoding="utf-8")
    (tmp_path / "gate.toml").write_text(
        (EXAMPLES / "gate.toml").read_text(encoding="utf-8"), encoding="utf-8"
    )
    return tmp_path


def sertools(*arguments):
    return CliRunner().invoke(app, list(arguments))


def test_the_command_fails_a_worse_model_and_passes_the_same_model(folder):
    assert sertools("gate", "--baseline", "last-release").exit_code == 0
    done = sertools("gate", "worse", "--baseline", "last-release", "--format", "json")
    assert done.exit_code == 1
    failed = {
        f["name"] for a in json.loads(done.stdout)["audits"] for f in a["findings"] if f["verdict"] == "fail"
    }
    assert "ccc_against_baseline" in failed


def test_a_users_limit_can_apply_to_the_comparison_with_the_baseline(folder):
    (folder / "gate.toml").write_text(
        '[[limit]]\naudit="correctness"\nname="ccc_against_baseline"\nabove=0.1\nwhy="must get better"',
        encoding="utf-8",
    )
    done = sertools("gate", "--baseline", "last-release", "--limits", "gate.toml")
    assert done.exit_code == 1
    assert "arousal, CCC against baseline 0.000" in " ".join(done.stdout.split())


def test_bad_baselines_give_a_sentence_and_exit_code_2(folder):
    for arguments in (("--baseline", "nowhere"), ("--baseline", "last-release", "--tolerance", "0")):
        done = sertools("gate", *arguments)
        assert done.exit_code == 2
        assert done.stderr.startswith("Error: ")


def test_every_limit_of_the_example_applies_to_a_finding_of_the_audits(folder):
    limits = read_gate(EXAMPLES / "gate.toml").limit
    assert {limit.audit for limit in limits} == {"correctness", "fairness", "speakers"}
    done = sertools("gate", "--limits", "gate.toml", "--format", "json")
    assert done.exit_code == 0
    judged = [
        f for a in json.loads(done.stdout)["audits"] for f in a["findings"] if (f["limit"] or {}).get("why")
    ]
    assert {f["limit"]["why"] for f in judged} == {limit.why for limit in limits}


def commands(name):
    """The sertools commands of a workflow."""
    found = []

    def walk(node):
        if isinstance(node, dict | list):
            for part in node.values() if isinstance(node, dict) else node:
                walk(part)
        elif isinstance(node, str):
            found.extend(line.strip() for line in node.splitlines() if line.strip().startswith("sertools "))

    walk(yaml.safe_load((EXAMPLES / name).read_text(encoding="utf-8")))
    return [shlex.split(line.partition("||")[0])[1:] for line in found]


@pytest.mark.parametrize("name", ["github-actions.yml", "gitlab-ci.yml"])
def test_the_commands_of_a_workflow_are_valid_and_its_gate_runs(folder, name):
    audit, gated = commands(name)
    group = typer.main.get_command(app)
    parsed = group.get_command(None, audit[0]).make_context(audit[0], audit[1:])
    assert parsed.params["names"] == ["correctness", "fairness", "speakers"]
    done = sertools(*gated)
    assert done.exit_code == 0, done.stderr
    assert (folder / "junit.xml").read_text(encoding="utf-8").count("<testsuite ") == 3


def test_the_workflows_have_the_structure_that_their_services_read():
    github = yaml.safe_load((EXAMPLES / "github-actions.yml").read_text(encoding="utf-8"))
    # in YAML 1.1, the key `on` means true
    assert set(github) == {"name", True, "permissions", "jobs"}
    steps = github["jobs"]["audit"]["steps"]
    assert all(("uses" in step) != ("run" in step) for step in steps)
    gitlab = yaml.safe_load((EXAMPLES / "gitlab-ci.yml").read_text(encoding="utf-8"))
    assert all(isinstance(line, str) for line in gitlab["audit"]["script"])
    assert gitlab["audit"]["artifacts"]["reports"]["junit"] == "junit.xml"


def test_the_pre_commit_hook_gates_the_last_report(folder):
    hook = yaml.safe_load((EXAMPLES / "pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"][0][
        "hooks"
    ][0]
    assert hook["language"] == "system"
    assert hook["pass_filenames"] is False
    done = sertools(*shlex.split(hook["entry"])[1:])
    assert done.exit_code == 0, done.stderr
