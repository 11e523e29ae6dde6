"""Classifiers of autrainer equal its network and transforms, rebuilt here."""

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from torch import nn
from transformers import Wav2Vec2Config, Wav2Vec2Model

from sertools.errors import ModelError
from sertools.models.checkpoints import foreign_layouts
from sertools.models.load import load_model
from tests.helpers.checkpoints import SMALL, speech

LENGTHS = [16000, 9000, 24321, 5000]
ENCODER = "somebody/small-wav2vec2"
LARGE = {"feat_extract_norm": "layer", "do_stable_layer_norm": True}
SIZE = 12000


@pytest.fixture(autouse=True)
def _known(monkeypatch):
    small = {"model_type": "wav2vec2", **SMALL, **LARGE}
    monkeypatch.setitem(foreign_layouts.KNOWN_ENCODERS, ENCODER, small)


class Network(nn.Module):
    """The backbone averages over time; the frontend alternates linear layers and ReLU."""

    def __init__(self, layers: int) -> None:
        super().__init__()
        torch.manual_seed(6)
        self.backbone = nn.Module()
        self.backbone.model = Wav2Vec2Model(Wav2Vec2Config(**SMALL, **LARGE))
        self.frontend = nn.Module()
        sizes = [32, *[20] * (layers - 1), 4]
        for i in range(layers):
            self.frontend.add_module(f"Linear{i}", nn.Linear(sizes[i], sizes[i + 1]))
        for parameter in self.frontend.parameters():
            parameter.data += 0.3 * torch.randn_like(parameter)
        self.eval()

    def forward(self, signal: np.ndarray, expand: str) -> torch.Tensor:
        if expand and len(signal) < SIZE:
            missing = SIZE - len(signal)
            more = np.resize(signal, missing) if expand == "replicate" else np.zeros(missing, np.float32)
            signal = np.concatenate([signal, more])
        signal = (signal - signal.mean()) / np.sqrt(signal.var() + 1e-7)
        with torch.no_grad():
            found = self.backbone.model(torch.from_numpy(signal)[None])[0].mean(1)
            for i, layer in enumerate(self.frontend.children()):
                found = layer(torch.relu(found) if i else found)
        return found[0]


def described(name: str, **arguments: object) -> dict[str, object]:
    return {f"$autrainer.somewhere.{name}==0.4.0": arguments}


def write(folder: Path, layers: int = 2, expand: str = "pad", **changes: object) -> Network:
    model = Network(layers)
    scaled = described("FeatureExtractor", fe_type="W2V2", fe_transfer=None, sampling_rate=16000, order=-80)
    longer = described("Expand", size=SIZE, method=expand, axis=-1, order=-85)
    transforms = [scaled, *([longer] if expand else []), *changes.get("transforms", [])]
    labels = {"labels": ["S", "A", "N", "H"]}
    files = {
        "model.yaml": described("W2V2FFNN", output_dim=4, model_name=ENCODER, freeze_extractor=True,
                                hidden_size=20, num_layers=layers, dropout=0.5),
        "target_transform.yaml": described("LabelEncoder", **labels),
        "inference_transform.yaml": described("SmartCompose", transforms=transforms),
        "preprocess_pipeline.yaml": described("SmartCompose", transforms=[]),
        "file_handler.yaml": described("AudioFileHandler", target_sample_rate=16000),
        **{name: content for name, content in changes.items() if name.endswith(".yaml")},
    }  # fmt: skip
    for name, content in files.items():
        (folder / name).write_text(yaml.safe_dump(content))
    (folder / "_best").mkdir(exist_ok=True)
    torch.save(model.state_dict(), folder / "_best" / "model.pt")
    return model


@pytest.mark.parametrize(("layers", "expand"), [(1, ""), (2, "pad"), (3, "replicate")])
def test_it_equals_the_network_of_its_authors(tmp_path, layers, expand):
    original, signals = write(tmp_path, layers, expand), speech(LENGTHS)
    expected = torch.stack([original(signal, expand).softmax(-1) for signal in signals]).numpy()
    assert expected.std(axis=0).max() > 1e-3, "the clips must differ, or the test shows nothing"
    model = load_model(str(tmp_path))
    assert (model.labels, model.task) == (("A", "H", "N", "S"), "single_label")
    np.testing.assert_allclose(model.predict(signals).scores, expected, atol=1e-5)
    alone = np.concatenate([model.predict([signal]).scores for signal in signals])
    np.testing.assert_allclose(alone, expected, atol=1e-5)
    assert len(model.predict_frames(signals)[1][0].states) == 3


def test_several_labels_at_once_are_independent_and_keep_their_order(tmp_path):
    targets = described("MultiLabelEncoder", labels=["S", "A", "N", "H"], threshold=0.5)
    original, signals = write(tmp_path, **{"target_transform.yaml": targets}), speech(LENGTHS)
    model = load_model(str(tmp_path))
    expected = torch.stack([original(signal, "pad").sigmoid() for signal in signals]).numpy()
    assert (model.labels, model.task) == (("S", "A", "N", "H"), "multi_label")
    np.testing.assert_allclose(model.predict(signals).scores, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model.yaml": described("Cnn14", output_dim=4)}, "names the network Cnn14"),
        ({"target_transform.yaml": described("MinMaxScaler", minimum=1, maximum=7)}, "targets MinMaxScaler"),
        ({"transforms": [described("PannMel", order=-90)]}, "would not be obeyed here: PannMel"),
        ({"file_handler.yaml": described("AudioFileHandler", target_sample_rate=8000)}, "8000 Hz"),
        ({"model.yaml": {"a": 1, "b": 2}}, "does not describe one object"),
        ({"model.yaml": described("W2V2FFNN", model_name="./nowhere")}, "whose settings cannot be read"),
        ({"target_transform.yaml": described("LabelEncoder", labels=["A", "B"])}, "Linear1 has shape"),
    ],
)  # fmt: skip
def test_what_would_not_be_obeyed_is_refused(tmp_path, changes, said):
    write(tmp_path, **changes)
    with pytest.raises(ModelError, match=said):
        load_model(str(tmp_path))


def test_a_missing_file_is_named(tmp_path):
    write(tmp_path)
    (tmp_path / "_best" / "model.pt").unlink()
    with pytest.raises(ModelError, match=r"lacks _best/model\.pt"):
        load_model(str(tmp_path))


def test_what_yaml_names_is_not_built(tmp_path):
    write(tmp_path)
    (tmp_path / "model.yaml").write_text("!!python/object/apply:os.mkdir ['mark']\n")
    with pytest.raises(ModelError, match="has the tag"):
        load_model(str(tmp_path))
    assert not Path("mark").exists()
