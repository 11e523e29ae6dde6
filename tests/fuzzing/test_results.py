"""Result files in any state: each is read, or refused in one sentence, by every command that reads them."""

import json
import shutil

import pytest
from typer.testing import CliRunner

from sertools.cli.app import app
from sertools.results.read import read_result
from tests.helpers.mutations import budget, damaged, faults, generator, mutated
from tests.helpers.report_results import KINDS, figure, small_result


def result_texts() -> list[str]:
    return [small_result().to_json(), *(small_result(figures=[figure(kind)]).to_json() for kind in KINDS)]


def test_any_result_file_is_read_or_refused(tmp_path):
    rng, texts = generator("results"), result_texts()

    def attempt(i: int) -> None:
        content = mutated(json.loads(texts[i % len(texts)]), rng)
        (tmp_path / "a.json").write_text(json.dumps(content))
        read_result(tmp_path / "a.json")

    assert faults(attempt, budget(400)) == []


def test_any_bytes_are_read_or_refused(tmp_path):
    rng, texts = generator("result bytes"), result_texts()

    def attempt(i: int) -> None:
        (tmp_path / "a.json").write_bytes(damaged(texts[i % len(texts)].encode(), rng))
        read_result(tmp_path / "a.json")

    assert faults(attempt, budget(200)) == []


@pytest.mark.parametrize("command", ["report", "gate", "compare", "leaderboard"])
def test_no_command_that_reads_results_fails_over_one(tmp_path, command):
    rng, texts = generator(command), result_texts()
    whole = tmp_path / "whole"
    whole.mkdir()
    (whole / "correctness.json").write_text(texts[0])
    words = {
        "report": ["report", str(tmp_path / "a"), "--out", str(tmp_path / "o")],
        "gate": [
            "gate",
            str(tmp_path / "a"),
            "--baseline",
            str(whole),
            "--junit",
            str(tmp_path / "j"),
            "--github",
        ],
        "compare": ["compare", str(whole), str(tmp_path / "a"), "--out", str(tmp_path / "o")],
        "leaderboard": ["leaderboard", str(tmp_path), "--out", str(tmp_path / "l")],
    }[command]

    def attempt(i: int) -> None:
        shutil.rmtree(tmp_path / "a", ignore_errors=True)
        (tmp_path / "a").mkdir()
        text = json.dumps(mutated(json.loads(texts[i % len(texts)]), rng))
        (tmp_path / "a" / "correctness.json").write_text(text)
        done = CliRunner().invoke(app, words)
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code in {0, 1, 2}
        if command == "leaderboard":
            assert done.exit_code == 0, done.output

    assert faults(attempt, budget(15 if command == "leaderboard" else 40)) == []
