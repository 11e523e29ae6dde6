"""A trained encoder of voices through `py:`: its layers tell speakers far better than emotions.

The package `resemblyzer` (Apache-2.0) has the weights of a speaker encoder (Wan et al. 2018) in its wheel. It
is in no extra of sertools, because it brings some packages for a single test.
"""

import importlib.util
import json

import pandas as pd
import pytest
from typer.testing import CliRunner

from sertools.cli.app import app
from tests.helpers.places import ROOT

EMODB = ROOT.parent / "shared/data/emodb"
pytestmark = [
    pytest.mark.skipif(
        importlib.util.find_spec("resemblyzer") is None,
        reason="resemblyzer is not installed: pip install resemblyzer",
    ),
    pytest.mark.skipif(not EMODB.is_dir(), reason="real speech (../shared/data/emodb) is not at hand"),
    pytest.mark.filterwarnings("ignore"),  # of resemblyzer and webrtcvad
]

ENCODER = """
import numpy as np
import torch
from resemblyzer import VoiceEncoder
from resemblyzer.audio import wav_to_mel_spectrogram

encoder = VoiceEncoder("cpu", verbose=False)

def layers(signals, rate):
    found = []
    for signal in signals:
        mels = torch.from_numpy(wav_to_mel_spectrogram(signal))[None]
        with torch.no_grad():
            states, (hidden, _) = encoder.lstm(mels)
            voice = encoder.relu(encoder.linear(hidden[-1]))
        vectors = states[0].mean(0), hidden[0, 0], hidden[-1, 0], voice[0]
        found.append([vector.numpy() for vector in vectors])
    return np.array(found)

layers.task = "encoder"
layers.shortest = 1600
"""
"""Mean of the states, the last states of the first and the last recurrent layer, and the embedding."""


def test_a_speaker_encoder_knows_speakers_far_better_than_emotions(tmp_path):
    (tmp_path / "voices.py").write_text(ENCODER)
    clips = pd.read_csv(EMODB / "metadata.csv", dtype={"speaker": str}).groupby("speaker").head(12)
    clips.assign(file=[str(EMODB / file) for file in clips["file"]]).to_csv(tmp_path / "c.csv", index=False)
    words = ["probe-layers", "--model", f"py:{tmp_path / 'voices.py'}:layers", "--data", tmp_path / "c.csv"]
    words += ["--out", tmp_path / "r", "--cache", tmp_path / "s", "--quiet"]
    done = CliRunner().invoke(app, list(map(str, words)))
    assert done.exit_code in {0, 1}, done.stderr
    found = json.loads((tmp_path / "r" / "probe_layers.json").read_text(encoding="utf-8"))["findings"]
    above = {each["target"]: each["value"] for each in found if each["name"] == "above_chance"}
    assert above["speaker"] > above["emotion"] + 0.2
    assert above["sex"] > 0.45
