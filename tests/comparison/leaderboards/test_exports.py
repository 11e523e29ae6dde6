"""Scores in the formats of other collections hold what the result files hold."""

import json
from pathlib import Path

import pytest
import yaml
from huggingface_hub import parse_eval_result_entries
from typer.testing import CliRunner

from sertools.cli.app import app
from sertools.comparison.leaderboards.exports import Named, export, names
from sertools.errors import GateError
from tests.helpers.comparisons import WITHOUT, ccc, kept, result


@pytest.fixture
def folder(tmp_path) -> Path:
    for name, kind, value in (("owner/one", "", 0.5), ("two", "", 1 / 3), ("toy:random", "toy", 0.0)):
        made = result([ccc(value, value - 0.05, value + 0.05), ccc(None, reason="none", target="valence")],
                      left_out=[kept(WITHOUT["a"])], model=name)  # fmt: skip
        told = made.provenance | {"date": "2026-01-02 03:04 UTC", "versions": {"sertools": "9.9"}}
        made = made.model_copy(update={"provenance": told, "model": {"name": name, "kind": kind}})
        place = tmp_path / "in" / name.replace("/", "-").replace(":", "-")
        place.mkdir(parents=True)
        (place / "correctness.json").write_text(made.to_json())
    return tmp_path / "in"


def test_eval_results_are_read_by_the_hubs_own_library(folder, tmp_path):
    n = export(folder, tmp_path / "site", ["eval-results"], Named(datasets={"voices": "us/voices"}))
    assert n == {"eval-results": 2}
    path = tmp_path / "site" / "exports" / "eval-results" / "two" / ".eval_results" / "sertools.yaml"
    (entry,) = parse_eval_result_entries(yaml.safe_load(path.read_text()))
    assert (entry.dataset_id, entry.task_id, entry.value) == ("us/voices", "ccc_arousal", 1 / 3)
    assert entry.date == "2026-01-02"
    assert entry.notes.startswith(
        "sertools correctness, 50 clips, 5 speakers, 95 % interval 0.28333333333333"
    )
    assert not list((tmp_path / "site" / "exports").rglob("*toy*")), "a toy model is a check"


def test_records_of_every_eval_ever_have_what_its_schema_requires(folder, tmp_path):
    named = Named(datasets={"voices": "us/voices"}, by="Our laboratory")
    assert export(folder, tmp_path / "site", ["every-eval-ever"], named) == {"every-eval-ever": 2}
    (path,) = (tmp_path / "site" / "exports" / "every-eval-ever" / "voices" / "owner" / "one").iterdir()
    record = json.loads(path.read_text())
    required = {"schema_version", "evaluation_id", "retrieved_timestamp", "source_metadata", "model_info"}
    assert required | {"eval_library", "evaluation_results"} <= set(record)
    assert record["retrieved_timestamp"] == "1767323040"
    assert record["eval_library"] == {"name": "sertools", "version": "9.9"}
    assert record["model_info"]["developer"] == "owner"
    (score,) = record["evaluation_results"]
    assert score["metric_config"]["lower_is_better"] is False
    assert (score["metric_config"]["min_score"], score["metric_config"]["max_score"]) == (-1, 1)
    assert score["score_details"]["score"] == 0.5
    interval = score["score_details"]["uncertainty"]["confidence_interval"]
    assert (interval["lower"], interval["upper"], interval["confidence_level"]) == (0.45, 0.55, 0.95)
    assert score["source_data"]["hf_repo"] == "us/voices"
    every = [score["source_data"], score["score_details"], record["model_info"]]
    texts = [v for part in every for k in ("details", "additional_details") for v in part.get(k, {}).values()]
    assert all(isinstance(text, str) for text in texts), "the schema allows texts only"
    again = path.read_bytes()
    export(folder, tmp_path / "site", ["every-eval-ever"], named)
    assert path.read_bytes() == again


@pytest.mark.parametrize(
    ("wanted", "named", "problem"),
    [
        ("eval-results", {}, "needs the dataset"),
        ("eval-results", {"datasets": {"voices": "voices"}}, "OWNER/NAME"),
        ("eval-results", {"datasets": {"voicse": "us/voices"}}, "no results on it"),
        ("every-eval-ever", {}, "who made the audits"),
        ("every-eval", {"by": "us"}, "no such format"),
    ],
)
def test_what_a_format_needs_and_lacks_is_one_sentence(folder, tmp_path, wanted, named, problem):
    with pytest.raises(GateError, match=problem):
        export(folder, tmp_path / "site", [wanted], Named(**{"datasets": {}, **named}))
    assert not (tmp_path / "site" / "exports").exists()


def test_the_command_exports_and_refuses_options_without_a_format(folder, tmp_path):
    words = ["leaderboard", str(folder), "--out", str(tmp_path / "site"), "--by", "us"]
    refused = CliRunner().invoke(app, words)
    assert refused.exit_code != 0
    done = CliRunner().invoke(app, [*words, *(part for name in names()[1:] for part in ("--export", name))])
    assert done.exit_code == 0, done.output
    assert "Exported: 2 files" in done.stderr
