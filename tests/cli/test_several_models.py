"""`sertools seeds` takes several `--model`."""

import json

import numpy as np
import pandas as pd
from typer.testing import CliRunner

from sertools.cli.app import app
from sertools.selftest import toy_corpus


def test_each_further_model_is_a_checkpoint(tmp_path):
    clips = toy_corpus.clips(speakers=6, per_speaker=10)
    table = clips[["file", "speaker", "sex", "emotion", "arousal"]]
    table.to_csv(tmp_path / "clips.csv", index=False)
    models = []
    for seed in range(3):
        noise = np.random.default_rng(seed).normal(0, 0.05, len(clips))
        predicted = pd.DataFrame({"file": clips["file"], "arousal": clips["arousal"] + noise})
        predicted.to_csv(tmp_path / f"{seed}.csv", index=False)
        models += ["--model", f"predictions:{tmp_path / f'{seed}.csv'}"]
    out = tmp_path / "out"
    done = CliRunner().invoke(
        app, ["seeds", *models, "--data", str(tmp_path / "clips.csv"), "--out", str(out), "--quiet"]
    )
    assert done.exit_code in (0, 1), done.output
    result = json.loads((out / "seeds.json").read_text())
    assert [c[0] for c in result["tables"][0]["columns"] if c[1:3] == ": "] == ["1", "2", "3"]
    assert len(result["options"]["checkpoints"]) == 2
    assert "Over 3 checkpoints" in result["answer"]
