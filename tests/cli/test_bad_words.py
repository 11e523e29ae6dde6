"""Words that cannot be spoken, read or recognised: one sentence, exit code 2, no traceback."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from sertools.audio.files import write_audio
from sertools.cli.app import app


@pytest.fixture
def manifest(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    rng = np.random.default_rng(0)
    rows = []
    for i in range(6):
        write_audio(tmp_path / f"{i}.wav", rng.normal(0, 0.1, 4000).astype(np.float32), 16000)
        rows.append({"file": f"{i}.wav", "transcript": "Yes.", "language": "eng", "arousal": i / 5})
    pd.DataFrame(rows).to_csv(tmp_path / "clips.csv", index=False)
    return tmp_path / "clips.csv"


@pytest.mark.parametrize(
    ("command", "sentence", "hint"),
    [
        (["text-fusion", "--text-model", "nothing"], "no such directory: nothing", "hub id"),
        (["text-fusion", "--asr", "nothing"], "no such directory: nothing", "hub id"),
        (["text-fusion", "--folds", "2"], "folds is 2", "at least 3"),
        (["tts-transcripts", "--voice", "espeak:en-us+f99"], "no voice 'en-us+f99'", "did you mean"),
        (
            ["tts-transcripts", "--voice", "espaek:1"],
            "unknown speech engine 'espaek'",
            "did you mean 'espeak'",
        ),
        (["tts-transcripts", "--voice", "espeak"], "is not a voice", "ENGINE:NUMBER"),
        (["word-cloud", "--min-clips", "1"], "min-clips is 1", "at least 2"),
    ],
)
def test_what_cannot_be_asked_is_one_sentence(manifest, command, sentence, hint):
    name, *options = command
    given = [name, "--data", str(manifest), "--model", "toy:loudness", *options]
    done = CliRunner().invoke(app, [*given, "--out", str(manifest.parent / "out")])
    assert done.exit_code == 2, done.output
    assert sentence in done.output
    assert hint in done.output
    assert "Traceback" not in done.output


def test_a_corpus_without_transcripts_is_skipped_and_not_spoken(manifest):
    pd.read_csv(manifest).drop(columns="transcript").to_csv(manifest, index=False)
    out = manifest.parent / "out"
    given = ["--data", str(manifest), "--model", "toy:loudness", "--out", str(out), "--format", "json"]
    for name in ("tts-transcripts", "word-cloud", "text-fusion"):
        done = CliRunner().invoke(app, [name, *given])
        assert done.exit_code == 2, done.output
        assert "the corpus has no column 'transcript'" in done.stdout
        assert "Error: nothing was measured: the corpus has no column 'transcript'" in done.stderr
        assert CliRunner().invoke(app, [name, *given, "--allow-empty"]).exit_code == 0
