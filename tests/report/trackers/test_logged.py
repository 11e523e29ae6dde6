"""What trackers of experiments get, and that MLflow and Weights & Biases have it afterwards, offline."""

import json
import sys
import time

import pytest
from typer.testing import CliRunner

import sertools
from sertools.cli.app import app
from sertools.errors import GateError
from sertools.pipeline.write import write_results
from sertools.report.trackers import logged
from sertools.results.result import Finding, Result, Verdict

pytestmark = pytest.mark.filterwarnings("ignore")  # of MLflow and Weights & Biases


def result(*findings: Finding) -> Result:
    origin = {"seed": 3, "versions": {"sertools": "9"}, "command": "sertools audit"}
    return Result(
        audit="fairness", question="?", method="", answer="", findings=list(findings),
        model={"name": "mine"}, data={"name": "voices"}, provenance=origin,
    )  # fmt: skip


FINDINGS = (
    Finding(name="sex_score", target="arousal", value=0.25, low=0.1, high=0.4, n=9, verdict=Verdict.FAIL),
    Finding(name="ccc", target="arousal", slice="sex=female", value=0.5, n=4),
    Finding(name="ccc", target="arousal", slice="sex:female", value=0.6, n=4),
    Finding(name="mae", target="valence", value=None, n=0, reason="none", verdict=Verdict.SKIPPED),
)
NUMBERS = {
    "fairness/arousal/sex_score": 0.25,
    "fairness/arousal/sex_score.low": 0.1,
    "fairness/arousal/sex_score.high": 0.4,
    "fairness/arousal/ccc/sex-female": 0.5,
    "fairness/arousal/ccc/sex-female.2": 0.6,
}


@pytest.fixture
def folder(tmp_path):
    write_results([result(*FINDINGS)], tmp_path / "out")
    sertools.render(tmp_path / "out", tmp_path / "out")
    return tmp_path / "out"


def test_numbers_have_their_ends_and_names_that_every_tracker_takes():
    assert logged.numbers([result(*FINDINGS)]) == NUMBERS


def test_settings_say_what_was_audited():
    found = logged.settings([result(), result()])
    assert found == {
        "model": "mine", "corpus": "voices", "seed": "3", "command": "sertools audit", "sertools": "9",
    }  # fmt: skip
    assert logged.run_name([result()]) == "mine on voices"


def test_mlflow_has_values_settings_and_the_report(folder, tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow", reason="the extra mlflow is not installed")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"file:{tmp_path / 'runs'}")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    run = mlflow.get_run(sertools.log_results(folder, "mlflow"))
    assert run.data.metrics == NUMBERS
    assert run.data.params["model"] == "mine"
    assert (run.data.tags["verdict.fail"], run.data.tags["verdict.skipped"]) == ("1", "1")
    names = {item.path for item in mlflow.MlflowClient().list_artifacts(run.info.run_id)}
    assert {"report.html", "fairness.json"} <= names


def test_wandb_has_values_settings_and_the_report_offline(folder, tmp_path, monkeypatch):
    pytest.importorskip("wandb", reason="the extra wandb is not installed")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    made = CliRunner().invoke(app, ["report", str(folder), "--log", "wandb"])
    assert made.exit_code == 0, made.output
    (stored,) = (tmp_path / "wandb").glob("offline-run-*")
    assert (stored / "files" / "report.html").exists()
    for _ in range(100):  # on a busy machine, the service of wandb writes after the run is finished
        written = b"".join(path.read_bytes() for path in stored.glob("*.wandb"))
        if json.dumps("mine on voices").encode()[1:-1] in written:
            break
        time.sleep(0.1)
    assert b"fairness/arousal/sex_score" in written
    assert json.dumps("mine on voices").encode()[1:-1] in written


@pytest.mark.parametrize("name", ["mlflow", "wandb"])
def test_a_tracker_that_is_not_installed_is_one_sentence(name, monkeypatch):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(GateError, match="is not installed") as raised:
        sertools.log_results([result(*FINDINGS)], name)
    assert name in raised.value.hint


def test_an_unknown_tracker_is_refused_before_anything_is_written(folder):
    made = CliRunner().invoke(app, ["report", str(folder), "--log", "comet"])
    assert (made.exit_code, "unknown tracker 'comet'" in made.output) == (2, True)
