"""SenseVoice equals FunASR's own inference, with random weights; its emotion token is an answer in words."""

import importlib.util

import numpy as np
import pytest
import torch
import yaml

from sertools.errors import ModelError
from sertools.models.kinds import sensevoice
from sertools.models.load import load_model
from tests.helpers.checkpoints import speech

NEEDED = ("funasr", "torchaudio", "sentencepiece")
INSTALLED = all(importlib.util.find_spec(name) for name in NEEDED)
needs_funasr = pytest.mark.skipif(not INSTALLED, reason="the extra sensevoice is not installed")
pytestmark = pytest.mark.filterwarnings("ignore")  # of FunASR

TOKENS = ("HAPPY", "SAD", "ANGRY", "NEUTRAL", "FEARFUL", "DISGUSTED", "SURPRISED", "OTHER", "EMO_UNKNOWN")
LEVELS = (0.1, 1, 3, 6, 0.5, 2)

FIRST = 25001
"""Number of the first emotion token, as in FunASR's class."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A small SenseVoice with random weights, in which the emotion tokens compete."""
    from funasr.models.sense_voice.model import SenseVoiceSmall
    from sentencepiece import sentencepiece_model_pb2 as pb

    root = tmp_path_factory.mktemp("sensevoice")
    words = pb.ModelProto()
    names = {FIRST + i: f"<|{name}|>" for i, name in enumerate(TOKENS)}
    for i in range(25055):
        piece = words.pieces.add()
        piece.piece = names.get(i, ["<unk>", "<s>", "</s>"][i] if i < 3 else f"w{i}")
        piece.score, piece.type = -float(i), {0: 2, 1: 3, 2: 3}.get(i, 4 if i in names else 1)
    (root / "chn.bpe.model").write_bytes(words.SerializeToString())
    config = {
        "model": "SenseVoiceSmall", "encoder": "SenseVoiceEncoderSmall",
        "encoder_conf": {"output_size": 16, "attention_heads": 2, "linear_units": 16, "num_blocks": 2,
                         "tp_blocks": 1, "kernel_size": 11, "sanm_shfit": 0, "input_layer": "pe",
                         "selfattention_layer_type": "sanm", "normalize_before": True},
        "model_conf": {"length_normalized_loss": True, "sos": 1, "eos": 2, "ignore_id": -1},
        "tokenizer": "SentencepiecesTokenizer", "tokenizer_conf": {"bpemodel": str(root / "chn.bpe.model")},
        "frontend": "WavFrontend",
        "frontend_conf": {"fs": 16000, "window": "hamming", "n_mels": 20, "frame_length": 25,
                          "frame_shift": 10, "lfr_m": 2, "lfr_n": 2, "dither": 0.0},
    }  # fmt: skip
    (root / "config.yaml").write_text(yaml.safe_dump(config))
    torch.manual_seed(1)
    network = SenseVoiceSmall(
        encoder=config["encoder"], encoder_conf=config["encoder_conf"], input_size=40, vocab_size=25055,
        **config["model_conf"],
    )  # fmt: skip
    with torch.no_grad():
        network.ctc.ctc_lo.weight[FIRST : FIRST + 9] *= 30
        network.ctc.ctc_lo.bias[FIRST : FIRST + 9] += 3
    torch.save(network.state_dict(), root / "model.pt")
    return root


@needs_funasr
def test_answers_are_those_of_funasr(folder):
    from funasr import AutoModel

    signals = [s * k for k, s in zip(LEVELS, speech([16000, 9000, 24000, 12000, 7000, 30000]), strict=True)]
    theirs = AutoModel(
        model=str(folder), device="cpu", disable_update=True, disable_pbar=True, log_level="ERROR",
        init_param=str(folder / "model.pt"),
    )  # fmt: skip
    texts = [theirs.generate(input=signal, language="auto", use_itn=False)[0]["text"] for signal in signals]
    model = load_model(f"sensevoice:{folder}")
    assert [model.text(signal) for signal in signals] == texts
    outputs = model.predict(signals)
    for text, scores, reason in zip(texts, outputs.scores, outputs.reasons, strict=True):
        said = sensevoice.answer(text)
        if said in sensevoice.EMOTIONS:
            np.testing.assert_allclose(scores, np.eye(7)[sensevoice.EMOTIONS.index(said)])
        else:
            assert np.isnan(scores).all()
            assert reason.startswith("no usable answer")
    assert len(set(texts)) > 1, "the clips must differ, or the test shows nothing"
    assert model.facts["answers"] == "words"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<|zh|><|ANGRY|><|Speech|><|woitn|>不", "angry"),
        ("<|en|><|EMO_UNKNOWN|><|BGM|><|woitn|>i am HAPPY", "<unk>"),
        ("<|nospeech|><|Event_UNK|>", None),
    ],
)
def test_the_emotion_token_is_the_answer(text, said):
    assert sensevoice.answer(text) == said


@needs_funasr
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: (f / "model.pt").unlink(), r"has no model\.pt"),
        (lambda f: (f / "chn.bpe.model").unlink(), r"has no \*\.bpe\.model"),
        (lambda f: (f / "config.yaml").write_text("model: Paraformer\n"), "of the model 'Paraformer'"),
        (lambda f: torch.save({"a": torch.ones(1)}, f / "model.pt"), "which FunASR would leave random"),
    ],
)
def test_what_cannot_be_loaded_is_one_sentence(folder, tmp_path, change, said):
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    change(copy)
    with pytest.raises(ModelError, match=said):
        load_model(f"sensevoice:{copy}")


def test_without_funasr_one_sentence_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match="needs FunASR, which is not installed"):
        load_model(f"sensevoice:{tmp_path}")
