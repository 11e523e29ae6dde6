"""All inputs that a feature extractor makes go into the forward pass, if they are of the right kind."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import (
    ASTFeatureExtractor,
    SeamlessM4TFeatureExtractor,
    Wav2Vec2BertConfig,
    Wav2Vec2BertForSequenceClassification,
    Wav2Vec2FeatureExtractor,
    WhisperFeatureExtractor,
)

from sertools.errors import ModelError
from sertools.models.load import load_model
from tests.helpers.checkpoints import EMOTIONS, speech, write_checkpoint

pytestmark = pytest.mark.filterwarnings("ignore:At least one mel filter has all zero values")


def write_w2v_bert(folder: Path) -> Wav2Vec2BertForSequenceClassification:
    torch.manual_seed(0)
    config = Wav2Vec2BertConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        feature_projection_input_dim=160, classifier_proj_size=16, conv_depthwise_kernel_size=5,
        id2label=dict(enumerate(EMOTIONS)), label2id={name: i for i, name in enumerate(EMOTIONS)},
    )  # fmt: skip
    model = Wav2Vec2BertForSequenceClassification(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.startswith(("classifier", "projector")):
                parameter.mul_(20)
    model.save_pretrained(folder)
    SeamlessM4TFeatureExtractor(feature_size=80, num_mel_bins=80, stride=2).save_pretrained(folder)
    return model


def test_the_attention_mask_of_w2v_bert_reaches_the_model(tmp_path):
    model = write_w2v_bert(tmp_path)
    extractor = SeamlessM4TFeatureExtractor.from_pretrained(tmp_path)
    signals = speech([16000, 9000, 24321, 5000, 8161])
    rows, masked, means = [], [], []
    for signal in signals:
        inputs = extractor(signal, sampling_rate=16000, return_tensors="pt")
        masked.append(int((inputs["attention_mask"] == 0).sum()))
        with torch.no_grad():
            found = model(**inputs, output_hidden_states=True)
        rows.append(found.logits.softmax(-1)[0])
        own = inputs["attention_mask"][0].bool()
        means.append(torch.stack([state[0, own].mean(dim=0) for state in found.hidden_states]))
    assert any(masked), "no clip has a masked frame, so the test shows nothing"
    loaded = load_model(str(tmp_path))
    expected = torch.stack(rows).numpy()
    outputs = loaded.predict(signals, layers=True)
    np.testing.assert_allclose(outputs.scores, expected, atol=1e-5)
    np.testing.assert_allclose(outputs.layers, torch.stack(means).numpy(), atol=1e-5)
    alone = np.concatenate([loaded.predict([signal]).scores for signal in signals])
    np.testing.assert_allclose(alone, expected, atol=1e-5)


def test_a_clip_of_which_no_frame_would_be_heard_is_too_short(tmp_path):
    write_w2v_bert(tmp_path / "bert")
    model = load_model(str(tmp_path / "bert"))
    assert model.shortest == 400 + 160, "two windows of 25 ms, 10 ms apart, make the first frame"
    write_checkpoint(tmp_path / "ast", "audio-spectrogram-transformer")
    other = load_model(str(tmp_path / "ast"))
    assert 1 < other.shortest <= 400
    with pytest.raises(ValueError, match="dimension"):
        other.predict(speech([other.shortest - 1]))
    for each in (model, other):
        outputs = each.predict(speech([each.shortest]), layers=True)
        assert np.isfinite(outputs.scores).all()
        assert np.isfinite(outputs.layers).all()


OTHER_KINDS = [
    ("wav2vec2", (WhisperFeatureExtractor, {}), "input_features of shape .* takes input_values, a signal"),
    ("wav2vec2", (ASTFeatureExtractor, {}), "input_values of shape .* takes input_values, a signal"),
    ("hubert", (SeamlessM4TFeatureExtractor, {}), "input_features of shape .* takes input_values, a signal"),
    (
        "whisper",
        (Wav2Vec2FeatureExtractor, {}),
        "input_values of shape .* takes input_features, a spectrogram",
    ),
    ("whisper", (WhisperFeatureExtractor, {"feature_size": 128}), "a spectrogram of 80 bands"),
    ("audio-spectrogram-transformer", (Wav2Vec2FeatureExtractor, {}), "takes input_values, a spectrogram"),
    ("audio-spectrogram-transformer", (ASTFeatureExtractor, {"max_length": 512}), "takes input_values"),
    (
        "audio-spectrogram-transformer",
        (ASTFeatureExtractor, {"num_mel_bins": 64}),
        "a spectrogram of 128 bands",
    ),
]


@pytest.mark.parametrize(("model_type", "extractor", "said"), OTHER_KINDS)
def test_a_feature_extractor_of_another_kind_is_refused(tmp_path, model_type, extractor, said):
    write_checkpoint(tmp_path, model_type)
    kind, settings = extractor
    kind(**settings).save_pretrained(tmp_path)
    with pytest.raises(ModelError, match=said) as told:
        load_model(str(tmp_path))
    assert "preprocessor_config.json is of a" in str(told.value)


def test_w2v_bert_with_the_features_of_whisper_is_refused(tmp_path):
    write_w2v_bert(tmp_path)
    WhisperFeatureExtractor().save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="takes input_features, a spectrogram of 160 bands"):
        load_model(str(tmp_path))
