"""emotion2vec where FunASR is there, but cannot be imported."""

import sys

import pytest
import torch

from sertools.errors import ModelError
from sertools.models.load import load_model
from tests.helpers.emotion2vec_checkpoints import INSTALLED, TOKENS, config, write_files

BROKEN = "raise OSError('Could not load this library: _torchaudio.so')"


@pytest.mark.skipif(INSTALLED, reason="FunASR is installed here")
def test_a_funasr_whose_torchaudio_does_not_fit_torch_is_one_sentence(tmp_path, monkeypatch):
    folder = write_files(tmp_path / "e", config(), {"proj.weight": torch.zeros(len(TOKENS), 3)}, TOKENS)
    site = tmp_path / "site"
    for part in ("", "models", "models/emotion2vec"):
        (site / "funasr" / part).mkdir(parents=True, exist_ok=True)
        (site / "funasr" / part / "__init__.py").touch()
    (site / "funasr" / "models" / "emotion2vec" / "model.py").write_text(BROKEN)
    (site / "funasr-1.4.dist-info").mkdir()
    (site / "funasr-1.4.dist-info" / "METADATA").write_text("Name: funasr\nVersion: 1.4\n")
    monkeypatch.syspath_prepend(str(site))
    with pytest.raises(
        ModelError, match=r"FunASR cannot be imported: Could not load .*torchaudio.*match it to torch"
    ):
        load_model(f"emotion2vec:{folder}")
    for name in [name for name in sys.modules if name.partition(".")[0] == "funasr"]:
        monkeypatch.delitem(sys.modules, name)
