"""What the README says is so."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

from sertools.discovery import discover, question

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_the_table_of_audits_is_the_folder():
    rows = re.findall(r"^\| \[`([\w-]+)`\]\((audits/\w+\.py)\) \| (.*) \|$", README, flags=re.MULTILINE)
    expected = [
        (name.replace("_", "-"), f"audits/{path.name}", question(path)) for name, path in discover().items()
    ]
    assert rows == expected


def test_links_lead_somewhere():
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


@pytest.mark.slow
def test_the_walk_through_runs(tmp_path, monkeypatch):
    from tests.checkpoints import DIMENSIONS, speech, write_checkpoint

    write_checkpoint(tmp_path / "my-checkpoint", labels=DIMENSIONS, problem_type="regression")
    (tmp_path / "wav").mkdir()
    for name, signal in zip("ab", speech([16000, 12000]), strict=True):
        soundfile.write(tmp_path / "wav" / f"{name}.wav", signal, 16000)
    script = next(block for block in blocks("sh") if "clips.csv" in block)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:/usr/bin:/bin")
    codes, said = [], []
    for command in re.split(r"\n(?=sertools )", script.strip()):
        done = subprocess.run(
            ["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert "Traceback" not in done.stderr, done.stderr
        codes.append(done.returncode)
        said.append(done.stderr)
    # two clips of two speakers decide nothing: the audit is inconclusive, and --strict says so
    assert codes == [0, 0, 0, 0, 3], said
    assert (tmp_path / "sertools-report" / "report.html").exists()


@pytest.mark.slow
def test_the_lines_of_python_run(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    code = next(iter(blocks("python")))
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert re.match(r"On 288 clips of 16 speakers: arousal CCC", done.stdout)


def test_the_limits_in_the_readme_are_a_gate_file(tmp_path):
    from sertools.gate import read_limits

    text = next(block for block in blocks("toml") if "[[limit]]" in block)
    (tmp_path / "gate.toml").write_text(text)
    assert [limit.above for limit in read_limits(tmp_path / "gate.toml")] == [0.4]
