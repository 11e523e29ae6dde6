"""The command line: data to stdout, talk to stderr, an exit code that means something."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from sertools import __version__
from sertools.auditing.discovery import discover
from sertools.cli.app import app
from tests.helpers.places import ROOT
from tests.helpers.small import SLOW, write_noises


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def manifest(tmp_path) -> str:
    return str(write_noises(tmp_path / "c", 24))


def sertools(*words: str | Path):
    return CliRunner().invoke(app, [str(word) for word in words])


def told(result) -> list[str]:
    return result.stderr.splitlines()


def audited(manifest: str, out: Path, *words: str):
    return sertools("audit", "correctness", "--data", manifest, "--out", out, *words)


def test_an_audit_writes_a_result_and_a_report_and_says_where(tmp_path, manifest):
    result = audited(manifest, tmp_path / "out", "--model", "toy:loudness")
    assert result.exit_code in {0, 1}
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"correctness.json", "report.md", "report.html"} <= written
    assert told(result)[-1] == f"Report: {tmp_path / 'out' / 'report.html'}"
    assert "Is it correct?" in result.stdout
    assert "clips/s" in result.stderr
    assert "clips/s" not in result.stdout


def test_a_second_audit_has_nothing_to_predict(tmp_path, manifest):
    first = audited(manifest, tmp_path / "a", "--model", "toy:loudness")
    second = audited(manifest, tmp_path / "b", "--model", "toy:loudness")
    assert "clean: 24 clips" in first.stderr
    assert "clean" not in second.stderr
    findings = [json.loads((tmp_path / d / "correctness.json").read_text())["findings"] for d in "ab"]
    assert findings[0] == findings[1]


def test_json_is_the_only_thing_on_stdout(tmp_path, manifest):
    result = audited(manifest, tmp_path / "out", "--model", "toy:loudness", "--format", "json")
    summary = json.loads(result.stdout)
    assert summary["schema"] == 1
    written = json.loads((tmp_path / "out" / "correctness.json").read_text())
    assert summary["audits"][0]["findings"] == written["findings"]


def test_quiet_says_nothing_and_writes_the_same(tmp_path, manifest):
    result = audited(manifest, tmp_path / "out", "--model", "toy:loudness", "--quiet")
    assert (result.stdout, result.stderr) == ("", "")
    assert (tmp_path / "out" / "correctness.json").exists()


def test_verbose_says_what_is_read_where_it_is_kept_and_what_was_found(tmp_path, manifest):
    result = audited(manifest, tmp_path / "out", "--model", "toy:loudness", "--verbose")
    said = told(result)
    assert said[:3] == [
        "Audits: correctness",
        "Corpus clips: 24 clips of 6 speakers",
        "Model toy-loudness: arousal, dominance, valence",
    ]
    assert any(line.startswith("Predictions are cached in ") for line in said)
    assert "mae of arousal" in result.stdout


@pytest.mark.parametrize("command", ["audit", "correctness", "gate"])
def test_quiet_and_verbose_together_are_one_sentence(tmp_path, manifest, command):
    data = ["--data", manifest] if command != "gate" else []
    result = sertools(command, *data, "--quiet", "--verbose")
    assert result.exit_code == 2
    assert told(result)[0] == "Error: --quiet and --verbose were both given"


def test_a_log_of_a_whole_audit_holds_no_control_character(tmp_path, manifest):
    words = ["audit", "correctness", "--data", manifest, "--model", "toy:loudness", "--verbose"]
    done = subprocess.run(
        [sys.executable, "-m", "sertools", *words, "--out", str(tmp_path / "out")],
        capture_output=True,
        env=os.environ | {"FORCE_COLOR": "1", "CI": "true"},
        check=False,
    )
    assert done.returncode in {0, 1}, done.stderr
    assert not [byte for byte in done.stdout + done.stderr if byte < 32 and byte != ord("\n")]


def test_exit_code_0_where_nothing_failed_and_1_where_a_limit_failed(tmp_path, manifest):
    assert audited(manifest, tmp_path / "a", "--model", "toy:oracle").exit_code == 0
    assert audited(manifest, tmp_path / "b", "--model", "toy:random").exit_code == 1


def test_exit_code_3_only_with_strict_where_something_could_not_be_judged(tmp_path, manifest):
    words = ("--model", "toy:oracle", "--map", "speaker=who")
    assert audited(manifest, tmp_path / "a", *words).exit_code == 0
    assert audited(manifest, tmp_path / "b", *words, "--strict").exit_code == 3
    assert sertools("gate", tmp_path / "b", "--strict").exit_code == 3
    assert sertools("gate", tmp_path / "b").exit_code == 0


def test_a_failed_limit_is_1_even_with_strict(tmp_path, manifest):
    result = audited(manifest, tmp_path / "b", "--model", "toy:random", "--strict")
    assert result.exit_code == 1
    assert sertools("gate", tmp_path / "b", "--strict").exit_code == 1


def test_an_audit_has_a_command_of_its_own_with_its_own_options(tmp_path, manifest):
    words = ("--data", manifest, "--model", "toy:oracle", "--out", tmp_path / "out")
    result = sertools("fairness", *words, "--resamples", "50", "--group", "sex", "--group", "emotion")
    assert result.exit_code == 0, result.stderr
    written = json.loads((tmp_path / "out" / "fairness.json").read_text())
    assert written["options"].items() >= {"group": ["sex", "emotion"], "resamples": 50}.items()
    assert {f["slice"] for f in written["findings"]} >= {"sex=female", "emotion=anger"}


def test_an_audit_that_is_named_twice_runs_once(tmp_path, manifest):
    words = ("--data", manifest, "--model", "toy:oracle", "--out", tmp_path / "out", "--format", "json")
    result = sertools("audit", "speakers", "correctness", "speakers", *words)
    assert [a["audit"] for a in json.loads(result.stdout)["audits"]] == ["speakers", "correctness"]


@pytest.mark.parametrize("name", sorted(discover()))
def test_the_help_of_an_audit_is_its_docstring_with_an_example(name):
    result = sertools(name.replace("_", "-"), "--help")
    assert result.exit_code == 0
    assert f"Example: sertools {name.replace('_', '-')}" in " ".join(result.stdout.split())


COMMANDS = [
    *(
        ["audit"],
        ["predict"],
        ["plan"],
        ["report"],
        ["gate"],
        ["compare"],
        ["perturb"],
        ["finetune"],
        ["tts"],
    ),
    *(
        ["list"],
        ["cache"],
        ["corpus", "check"],
        ["corpus", "scan"],
        ["corpus", "split"],
        ["model", "inspect"],
        ["model", "shift"],
        ["train"],
        ["study"],
    ),
]


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_shows_an_example(words):
    result = sertools(*words, "--help")
    assert result.exit_code == 0
    assert f"Example: sertools {' '.join(words)}" in " ".join(result.stdout.split())


def test_help_lists_every_audit_of_the_folder():
    text = sertools("--help").stdout
    for name in discover():
        assert f" {name.replace('_', '-')} " in text


def test_the_version_is_the_packages():
    assert sertools("--version").stdout == f"sertools {__version__}\n"


def test_debug_shows_the_traceback_that_is_hidden_otherwise(tmp_path):
    quiet = sertools("audit", "--data", "nowhere", "--model", "toy:random", "--out", tmp_path / "o")
    loud = sertools("--debug", "audit", "--data", "nowhere", "--model", "toy:random", "--out", tmp_path / "o")
    assert isinstance(quiet.exception, SystemExit)
    assert type(loud.exception).__name__ == "CorpusError"


def test_predictions_have_every_bit_in_corpus_order_and_empty_cells_where_missing(tmp_path, manifest):
    (tmp_path / "c" / "005.wav").write_bytes(b"rubbish")
    result = sertools("predict", "--model", "toy:loudness", "--data", manifest, "--csv", tmp_path / "p.csv")
    assert result.exit_code == 0
    assert result.stdout == ""
    assert f"24 predictions written to {tmp_path / 'p.csv'}" in told(result)
    assert any(
        line.startswith("Warning: missing: clip 005: 005.wav cannot be decoded as audio")
        for line in told(result)
    )
    table = pd.read_csv(tmp_path / "p.csv")
    assert list(table) == ["clip", "file", "arousal", "dominance", "valence"]
    assert table["clip"].tolist() == [f"clip {i:03d}" for i in range(24)]
    assert table.loc[5, ["arousal", "dominance", "valence"]].isna().all()
    again = tmp_path / "p.parquet"
    sertools("predict", "--model", "toy:loudness", "--data", manifest, "--parquet", again, "--quiet")
    binary = pd.read_parquet(again)
    assert binary["arousal"].dtype == np.float32
    assert np.array_equal(table["arousal"].to_numpy().astype("f4"), binary["arousal"], equal_nan=True)


def test_an_exported_table_is_a_model(tmp_path, manifest):
    sertools("predict", "--model", "toy:loudness", "--data", manifest, "--csv", tmp_path / "p.csv", "--quiet")
    audited(manifest, tmp_path / "a", "--model", "toy:loudness", "--quiet")
    audited(manifest, tmp_path / "b", "--model", f"predictions:{tmp_path / 'p.csv'}", "--quiet")
    values = [
        [f["value"] for f in json.loads((tmp_path / d / "correctness.json").read_text())["findings"]]
        for d in "ab"
    ]
    assert values[0] == values[1]


def test_a_missing_clip_is_listed_in_result_and_report(tmp_path, manifest):
    (tmp_path / "c" / "005.wav").write_bytes(b"rubbish")
    audited(manifest, tmp_path / "out", "--model", "toy:loudness", "--quiet")
    written = json.loads((tmp_path / "out" / "correctness.json").read_text())
    assert [(m["clip"], m["condition"]) for m in written["missing"]] == [("clip 005", "clean")]
    assert {f["n"] for f in written["findings"] if f["name"] == "ccc"} == {23}
    for report in ("report.md", "report.html"):
        text = (tmp_path / "out" / report).read_text()
        assert "clip 005" in text
        assert "005.wav cannot be decoded as audio" in text


def test_a_plan_counts_what_is_stored_and_computes_nothing(tmp_path, manifest):
    words = ("correctness", "--model", "toy:loudness", "--data", manifest, "--format", "json")
    before = json.loads(sertools("plan", *words).stdout)[0]
    assert (before["condition"], before["clips"], before["to compute"]) == ("clean", 24, 24)
    sertools("predict", "--model", "toy:loudness", "--data", manifest, "--quiet")
    after = json.loads(sertools("plan", *words).stdout)[0]
    assert (after["stored"], after["to compute"], after["minutes"]) == (24, 0, 0.0)


def test_a_report_is_made_anew_from_results_alone(tmp_path, manifest):
    audited(manifest, tmp_path / "out", "--model", "toy:loudness", "--quiet")
    shutil.rmtree(tmp_path / "c")
    old = (tmp_path / "out" / "report.md").read_text()
    (tmp_path / "out" / "report.md").unlink()
    result = sertools("report", tmp_path / "out")
    assert result.exit_code == 0
    assert (tmp_path / "out" / "report.md").read_text() == old


def test_every_list_is_there_and_all_together_are_one_object():
    everything = json.loads(sertools("list", "--format", "json").stdout)
    named = ["audits", "models", "checkpoints", "corpora", "perturbations", "suites", "methods", "studies"]
    assert list(everything) == named
    for name, rows in everything.items():
        assert json.loads(sertools("list", name, "--format", "json").stdout) == rows
        assert rows
        assert sertools("list", name).exit_code == 0
        assert sertools("list", name, "--format", "csv").stdout.count("\n") >= len(rows) + 1
    assert {row["audit"] for row in everything["audits"]} == {n.replace("_", "-") for n in discover()}


def test_a_corpus_is_checked_in_sentences_on_stdout(manifest):
    result = sertools("corpus", "check", manifest)
    assert result.exit_code == 0
    assert result.stdout.startswith("clips: 24 clips in 24 files\n6 speakers (3 male, 3 female)\n")


def test_a_perturbed_file_is_written_and_described(tmp_path, manifest):
    out = tmp_path / "loud.wav"
    result = sertools("perturb", "gain", "6", tmp_path / "c" / "001.wav", out)
    assert result.exit_code == 0
    assert result.stderr.startswith("gain at 6 dB: 0.05 s in")
    from sertools.audio.files import read_audio

    was, now = read_audio(tmp_path / "c" / "001.wav", 16000), read_audio(out, 16000)
    assert np.allclose(now, was * 10 ** (6 / 20), atol=1e-6)  # float32 samples


def test_a_label_map_joins_names(tmp_path, manifest):
    words = pd.read_csv(manifest, usecols=["clip", "emotion"])
    table = pd.DataFrame({"clip": words["clip"]})
    for name in ("anger", "happiness", "neutral", "sadness"):
        table[f"x_{name}"] = (words["emotion"] == name).astype(float)
    table.to_csv(tmp_path / "p.csv", index=False)
    maps = [w for name in ("anger", "happiness", "neutral", "sadness") for w in
            ("--label-map", f"x_{name}={name}")]  # fmt: skip
    result = audited(manifest, tmp_path / "out", "--model", f"predictions:{tmp_path / 'p.csv'}", *maps)
    assert result.exit_code == 0, result.stderr
    findings = json.loads((tmp_path / "out" / "correctness.json").read_text())["findings"]
    assert [f["value"] for f in findings if f["name"] == "uar"] == [1.0]


def process(*words: str | Path, cache: Path, **settings) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "sertools", *map(str, words)],
        cwd=ROOT,
        env={**os.environ, "XDG_CACHE_HOME": str(cache)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **settings,
    )


@pytest.mark.slow
def test_ctrl_c_is_one_sentence_and_the_same_command_goes_on(tmp_path):
    manifest = write_noises(tmp_path / "c", 400, samples=400)
    (tmp_path / "model.py").write_text(SLOW)
    cache = tmp_path / "cache"
    words = ("predict", "--model", f"py:{tmp_path / 'model.py'}:slow", "--data", manifest)
    running = process(*words, cache=cache)
    deadline = time.monotonic() + 60
    while not list(cache.rglob("00001.parquet")) and time.monotonic() < deadline:
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 130, err
    assert out == ""
    assert err.splitlines()[-1] == (
        "Warning: interrupted; finished work is saved: run the same command again to continue"
    )
    assert "Traceback" not in err
    kept = {path: path.read_bytes() for path in cache.rglob("*.parquet")}
    assert 2 <= len(kept) < 7
    assert not list(cache.rglob("*.part"))
    again = process(*words, "--csv", tmp_path / "p.csv", cache=cache)
    _, err = again.communicate(timeout=60)
    assert again.returncode == 0
    assert f"clean: {400 - 64 * len(kept)} clips in" in err
    assert all(path.read_bytes() == old for path, old in kept.items())
    assert len(pd.read_csv(tmp_path / "p.csv").dropna()) == 400


@pytest.mark.slow
def test_a_pipe_that_closes_early_is_no_traceback(tmp_path):
    running = process("list", "perturbations", "--format", "csv", cache=tmp_path)
    running.stdout.close()
    err = running.stderr.read()
    running.wait(timeout=60)
    running.stderr.close()
    assert "Traceback" not in err


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root may mount a small disk")
def test_a_disk_that_is_really_full_is_one_sentence_and_keeps_what_was_finished(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32k", "tmpfs", disk], capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting is not allowed here")
    try:
        (tmp_path / "c").mkdir()
        manifest = write_noises(tmp_path / "c", 700, samples=400)
        words = ("predict", "--model", "toy:loudness", "--data", manifest, "--quiet", "--cache")
        running = process(*words, disk / "store", cache=tmp_path / "cache")
        out, err = running.communicate(timeout=60)
        assert (running.returncode, out) == (2, "")
        assert err.startswith("Error: the disk is full: cannot write under")
        assert err.splitlines()[1].startswith("Hint: free some space and run the same command again")
        assert len(err.splitlines()) == 2
        kept = {path.name: path.read_bytes() for path in disk.rglob("*.parquet")}
        assert kept
        assert not list(disk.rglob("*.part"))
        subprocess.run(["mount", "-o", "remount,size=8m", disk], check=True)
        running = process(*words, disk / "store", cache=tmp_path / "cache")
        assert running.communicate(timeout=60) == ("", "")
        assert running.returncode == 0
        now = {path.name: path.read_bytes() for path in disk.rglob("*.parquet")}
        assert kept.items() < now.items()
        assert len(now) == -(-700 // 64)
    finally:
        subprocess.run(["umount", disk], check=False, capture_output=True)
