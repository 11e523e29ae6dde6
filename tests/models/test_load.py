"""What a kind of model cannot follow is refused, never passed over in silence."""

import json

import pytest
from safetensors.torch import load_file, save_file

from sertools.errors import ModelError
from sertools.inference.precision import chooses_precision
from sertools.models.load import LoadOptions, load_model
from sertools.models.model import hears, is_by_clip, is_framed
from tests.helpers.checkpoints import speech, write_checkpoint
from tests.helpers.onnx_networks import write_audonnx

IDLE = [
    ({"sampling_rate": 8000}, "--sampling-rate is not supported by hf: models .supported here: --head"),
    ({"output": "logits"}, "--output is not supported by hf: models"),
]


@pytest.mark.parametrize(("given", "said"), IDLE)
def test_an_option_that_a_checkpoint_cannot_follow_is_refused(tmp_path, given, said):
    with pytest.raises(ModelError, match=said):
        load_model(str(write_checkpoint(tmp_path)), LoadOptions(**given))


def test_a_toy_follows_no_option(tmp_path):
    with pytest.raises(ModelError, match=r"--labels is not supported by toy: models .leave it out"):
        load_model("toy:constant", LoadOptions(labels=("anger",)))


@pytest.mark.parametrize("device", ["rubbish", "meta", "cuda:x", "cuda:", "CPU", ""])
@pytest.mark.parametrize("spec", ["toy:constant", "default"])
def test_a_name_that_no_device_has_is_refused_by_every_kind(spec, device):
    with pytest.raises(ModelError, match="unknown device .*cpu, cuda, cuda:N, mps or auto"):
        load_model(spec, LoadOptions(device=device))


def test_bf16_is_refused_by_a_network_that_runs_as_it_is_written(tmp_path):
    write_audonnx(tmp_path)
    with pytest.raises(ModelError, match="ONNX models cannot run on device 'mps'"):
        load_model(f"onnx:{tmp_path}", LoadOptions(device="mps"))
    for kind in ("cnn14", "emotion2vec", "onnx", "toy", "fbank"):
        with pytest.raises(ModelError, match=f"--precision bf16 is not supported by {kind}: models"):
            load_model(f"{kind}:{tmp_path}", LoadOptions(precision="bf16"))


@pytest.mark.parametrize("options", [{"device": "cuda"}, {"precision": "bf16"}])
def test_a_model_without_a_network_refuses_what_it_would_ignore(options):
    ((name, value),) = options.items()
    for spec in ("toy:constant", "chat:name@http://localhost:1/v1", "predictions:absent.csv"):
        with pytest.raises(ModelError, match=f"--{name} {value} is not supported by"):
            load_model(spec, LoadOptions(**options))
    assert load_model("toy:constant", LoadOptions(device="cpu", precision="fp32")).labels


def test_labels_of_the_command_line_name_the_outputs_of_a_checkpoint(tmp_path):
    folder = str(write_checkpoint(tmp_path, labels=[f"LABEL_{i}" for i in range(3)]))
    plain = load_model(folder)
    named = load_model(folder, LoadOptions(labels=("anger", "neutral", "sadness")))
    assert named.labels == ("anger", "neutral", "sadness")
    assert named.fingerprint != plain.fingerprint, "the store keeps scores by their labels"
    assert (named.predict(speech([8000])).scores == plain.predict(speech([8000])).scores).all()
    with pytest.raises(ModelError, match="has 3 outputs, but there are 2 labels"):
        load_model(folder, LoadOptions(labels=("anger", "neutral")))


SETTINGS = [
    (
        "config.json",
        {"model_type": "llama"},
        "has the architecture 'llama', for which transformers has no audio model",
    ),
    ("config.json", {"hidden_size": "wide"}, "cannot read .*hidden_size"),
    ("config.json", {"hidden_size": 40}, r"has shape \(.*32.*\), but config.json requires \(.*40.*\)"),
    (
        "config.json",
        {"problem_type": "ranking"},
        "unknown problem_type 'ranking' in config.json; it must be one of regression",
    ),
    ("preprocessor_config.json", {"sampling_rate": "fast"}, "sampling_rate is 'fast', not a number of Hz"),
    ("preprocessor_config.json", {"sampling_rate": 0}, "sampling_rate is 0, not a number of Hz"),
]


@pytest.mark.parametrize(("name", "changed", "said"), SETTINGS)
def test_settings_that_describe_no_model_are_one_sentence(tmp_path, name, changed, said):
    path = write_checkpoint(tmp_path) / name
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))
    with pytest.raises(ModelError, match=said) as told:
        load_model(str(tmp_path))
    assert "\n" not in str(told.value)


def test_a_feature_extractor_that_is_a_list_is_one_sentence(tmp_path):
    (write_checkpoint(tmp_path) / "preprocessor_config.json").write_text("[1]")
    with pytest.raises(ModelError, match=r"preprocessor_config\.json does not contain a JSON object"):
        load_model(str(tmp_path))


def test_a_weight_of_another_shape_is_named_with_both(tmp_path):
    path = write_checkpoint(tmp_path) / "model.safetensors"
    tensors = load_file(path)
    tensors["projector.bias"] = tensors["projector.bias"][:-1].clone()
    save_file(tensors, path, metadata={"format": "pt"})
    with pytest.raises(
        ModelError, match=r"projector.bias has shape \(15,\), but config.json requires \(16,\)"
    ):
        load_model(str(tmp_path))


class Wrapped:
    """What users write to count or log: everything is passed on."""

    def __init__(self, model) -> None:
        self._model = model

    def __getattr__(self, name: str):
        return getattr(self._model, name)


def test_a_wrapper_has_the_interfaces_of_its_model(tmp_path):
    """Since Python 3.12, `isinstance` with a protocol does not see what `__getattr__` passes on."""
    heard = Wrapped(load_model(str(write_checkpoint(tmp_path / "m"))))
    assert (hears(heard), is_framed(heard), is_by_clip(heard)) == (True, True, False)
    assert chooses_precision(heard)
    looked_up = Wrapped(load_model("toy:oracle"))
    assert (hears(looked_up), is_framed(looked_up), is_by_clip(looked_up)) == (False, False, True)
    assert not is_framed(Wrapped(load_model("toy:loudness")))
