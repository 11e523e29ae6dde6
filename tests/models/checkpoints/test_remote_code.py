"""Code that comes with a checkpoint runs only where the user says so."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from sertools.cli.app import app
from sertools.errors import ModelError
from sertools.models.load import LoadOptions, load_model
from tests.helpers.checkpoints import speech, write_checkpoint
from tests.helpers.small import write_noises

CODE = """
from pathlib import Path
from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2ForSequenceClassification

Path({mark!r}).touch()

class OwnConfig(Wav2Vec2Config):
    model_type = "own-speech"

class OwnModel(Wav2Vec2ForSequenceClassification):
    config_class = OwnConfig

class OwnExtractor(Wav2Vec2FeatureExtractor):
    pass
"""


def own(folder: Path, mark: Path, *, extractor_only: bool = False) -> Path:
    """A checkpoint whose classes are in a file beside its weights, which leaves a mark when it is run."""
    write_checkpoint(folder)
    (folder / "own_speech.py").write_text(CODE.format(mark=str(mark)))
    if extractor_only:
        path, named = folder / "preprocessor_config.json", {"AutoFeatureExtractor": "own_speech.OwnExtractor"}
        changed = json.loads(path.read_text()) | {"feature_extractor_type": "OwnExtractor"}
    else:
        path = folder / "config.json"
        named = {
            "AutoConfig": "own_speech.OwnConfig",
            "AutoModelForAudioClassification": "own_speech.OwnModel",
        }
        changed = json.loads(path.read_text()) | {"model_type": "own-speech"}
    path.write_text(json.dumps(changed | {"auto_map": named}))
    return folder


@pytest.fixture(autouse=True)
def _own_modules(monkeypatch, tmp_path):
    """transformers copies such code into a folder of its own; that of this test."""
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.syspath_prepend(str(tmp_path / "modules"))


@pytest.mark.parametrize("extractor_only", [False, True], ids=["model", "feature extractor"])
def test_own_code_is_refused_and_not_run_unless_trusted(tmp_path, extractor_only):
    mark = tmp_path / "was run"
    folder = own(tmp_path / "m", mark, extractor_only=extractor_only)
    with pytest.raises(
        ModelError, match="requires code that comes with the checkpoint, which is not run by default"
    ) as failed:
        load_model(str(folder))
    assert "--trust-remote-code" in failed.value.hint
    assert not mark.exists()


@pytest.mark.parametrize("extractor_only", [False, True], ids=["model", "feature extractor"])
def test_own_code_that_is_trusted_answers_as_the_class_it_is_made_of(tmp_path, extractor_only):
    mark = tmp_path / "was run"
    folder = own(tmp_path / "m", mark, extractor_only=extractor_only)
    model = load_model(str(folder), LoadOptions(trust_remote_code=True))
    assert mark.exists()
    stock = load_model(str(write_checkpoint(tmp_path / "stock")))
    signals = speech([4000, 6000])
    np.testing.assert_allclose(model.predict(signals).scores, stock.predict(signals).scores, atol=1e-5)


def test_the_command_line_says_which_flag(tmp_path):
    mark = tmp_path / "was run"
    folder, manifest = own(tmp_path / "m", mark), write_noises(tmp_path / "c")
    words = ["predict", "--model", str(folder), "--data", str(manifest), "--cache", str(tmp_path / "store")]
    refused = CliRunner().invoke(app, [*words, "--quiet"])
    assert refused.exit_code == 2
    assert "--trust-remote-code" in refused.stderr
    assert not mark.exists()
    trusted = CliRunner().invoke(app, [*words, "--quiet", "--trust-remote-code"])
    assert trusted.exit_code == 0, trusted.stderr
