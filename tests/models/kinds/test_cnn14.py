import json
import pickle

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers.audio_utils import spectrogram, window_function

from sertools.errors import ModelError
from sertools.models.cnn14.network import build
from sertools.models.cnn14.spectrogram import Config, log_mel, mel_filters
from sertools.models.load import LoadOptions, load_model
from tests.helpers.checkpoints import speech
from tests.helpers.cnn14_checkpoints import LABELS, write

librosa = pytest.importorskip("librosa", reason="its mel filters are the reference")

PUBLISHED = [
    Config(),
    Config(sampling_rate=32000, window=1024, hop=320, fmin=50, fmax=14000),
    Config(sampling_rate=8000, window=256, hop=80, fmin=50, fmax=4000),
]
WIDTH = 4  # a sixteenth of the published one, so that tests write kilobytes


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    made = build(len(LABELS), width=WIDTH).eval()
    generator = torch.Generator().manual_seed(1)
    for module in made.modules():  # statistics as after training, so that each of them matters
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean = torch.randn(module.num_features, generator=generator) * 0.1
            module.running_var = 0.5 + torch.rand(module.num_features, generator=generator)
    made.bn0.running_mean -= 30
    made.bn0.running_var *= 100
    return made


def naive_forward(tensors, bands, head="fc_out"):
    """CNN14 from the paper's table, with functions alone; batch norm as its formula."""

    def norm(x, name):
        mean, var = tensors[f"{name}.running_mean"], tensors[f"{name}.running_var"]
        weight, bias = tensors[f"{name}.weight"], tensors[f"{name}.bias"]
        shape = (1, -1, 1, 1)
        scaled = (x - mean.view(shape)) / torch.sqrt(var.view(shape) + 1e-5)
        return scaled * weight.view(shape) + bias.view(shape)

    x = norm(torch.from_numpy(bands).T[None, :, :, None], "bn0")[0, :, :, 0].T[None, None]
    means = []
    for i in range(1, 7):
        for j in (1, 2):
            x = torch.conv2d(x, tensors[f"conv_block{i}.conv{j}.weight"], padding=1)
            x = torch.clamp(norm(x, f"conv_block{i}.bn{j}"), min=0)
        if i < 6:
            n, c, t, f = x.shape
            x = x[:, :, : t // 2 * 2].reshape(n, c, t // 2, 2, f // 2, 2).mean(dim=(3, 5))
        means.append(x.mean(dim=(0, 2, 3)))
    x = x.mean(dim=3)
    x = x.max(dim=2).values + x.mean(dim=2)
    x = torch.clamp(x @ tensors["fc1.weight"].T + tensors["fc1.bias"], min=0)
    return (x @ tensors[f"{head}.weight"].T + tensors[f"{head}.bias"])[0], means


@pytest.mark.parametrize("config", PUBLISHED)
def test_mel_filters_are_those_of_librosa(config):
    expected = librosa.filters.mel(
        sr=config.sampling_rate, n_fft=config.window, n_mels=64, fmin=config.fmin, fmax=config.fmax
    )
    np.testing.assert_allclose(mel_filters(config), expected, atol=1e-8)


@pytest.mark.parametrize("config", PUBLISHED)
def test_log_mel_is_that_of_transformers_with_the_filters_of_librosa(config):
    signal = speech([config.sampling_rate + 77])[0]
    filters = librosa.filters.mel(
        sr=config.sampling_rate, n_fft=config.window, n_mels=64, fmin=config.fmin, fmax=config.fmax
    )
    expected = spectrogram(
        signal, window_function(config.window, "hann"), config.window, config.hop, power=2.0,
        mel_filters=filters.T, log_mel="dB", min_value=1e-10,
    ).T  # fmt: skip
    found = log_mel(signal, config)
    assert found.shape == (1 + len(signal) // config.hop, 64)
    np.testing.assert_allclose(found, expected, atol=1e-3)  # dB of float32 powers


@pytest.mark.acceptance  # where it is run for the first time, librosa is compiled for half a minute
@pytest.mark.parametrize("config", PUBLISHED)
def test_log_mel_is_that_of_librosa(config):
    signal = speech([config.sampling_rate + 77])[0]
    power = librosa.feature.melspectrogram(
        y=signal, sr=config.sampling_rate, n_fft=config.window, hop_length=config.hop, n_mels=64,
        fmin=config.fmin, fmax=config.fmax, center=True, pad_mode="reflect", power=2.0,
    )  # fmt: skip
    expected = librosa.power_to_db(power, ref=1.0, amin=1e-10, top_db=None).T
    found = log_mel(signal, config)
    assert found.shape == (1 + len(signal) // config.hop, 64)
    np.testing.assert_allclose(found, expected, atol=1e-3)  # dB of float32 powers


def test_silence_is_the_floor_of_minus_100_db():
    np.testing.assert_array_equal(log_mel(np.zeros(16000, np.float32), Config()), -100)


def test_scores_and_blocks_equal_the_papers_table_written_a_second_time(tmp_path, network):
    model = load_model(f"cnn14:{write(tmp_path / 'mine', network)}")
    signals = speech([16000, 5000])
    outputs = model.predict(signals, layers=True)
    assert outputs.layers.shape == (2, 6, 128)
    for i, signal in enumerate(signals):
        logits, means = naive_forward(network.state_dict(), log_mel(signal, Config()))
        np.testing.assert_allclose(outputs.scores[i], logits.softmax(-1).numpy(), atol=1e-5)
        for block, channels in enumerate([4, 8, 16, 32, 64, 128]):
            np.testing.assert_allclose(outputs.layers[i, block, :channels], means[block], atol=1e-4)
            assert not outputs.layers[i, block, channels:].any()
    assert np.abs(outputs.layers[0] - outputs.layers[1]).max() > 1e-3, "the clips must differ"
    assert model.predict(signals).layers is None


def test_number_of_parameters_is_the_published_one():
    # Kong et al. 2020, table on complexity: CNN14 for the 527 classes of AudioSet
    assert sum(p.numel() for p in build(527, "fc_audioset").parameters()) == 80_753_615


def panns_file(path, network, config=PUBLISHED[0], head="fc_audioset", **more):
    tensors = {k.replace("fc_out", head): v for k, v in network.state_dict().items()}
    tensors["spectrogram_extractor.stft.conv_real.weight"] = torch.zeros(
        config.window // 2 + 1, 1, config.window
    )
    tensors["logmel_extractor.melW"] = torch.from_numpy(mel_filters(config).T.copy())
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"iteration": 1, "model": tensors, "sampler": {"indexes": np.arange(5)}, **more}, path)


def test_a_checkpoint_of_panns_equals_ours_and_its_classes_answer_each_for_itself(tmp_path, network):
    ours = load_model(f"cnn14:{write(tmp_path / 'ours', network, task='multi_label')}")
    panns_file(tmp_path / "panns" / "Cnn14_16k.pth", network)
    (tmp_path / "panns" / "config.json").write_text(json.dumps({"labels": LABELS}))
    theirs = load_model(f"cnn14:{tmp_path / 'panns'}")
    assert (theirs.task, theirs.facts["head"]) == ("multi_label", "fc_audioset")
    signals = speech([8000])
    np.testing.assert_array_equal(theirs.predict(signals).scores, ours.predict(signals).scores)
    logits, _ = naive_forward(network.state_dict(), log_mel(signals[0], Config()))
    np.testing.assert_allclose(theirs.predict(signals).scores[0], logits.sigmoid().numpy(), atol=1e-5)


def test_the_head_of_panns_fine_tuning_example_is_read_and_not_the_old_one(tmp_path, network):
    tensors = {
        f"module.base.{k}".replace("base.fc_out", "fc_transfer"): v for k, v in network.state_dict().items()
    }
    tensors["module.base.fc_audioset.weight"] = torch.zeros(527, 128)
    tensors["module.base.fc_audioset.bias"] = torch.zeros(527)
    torch.save({"model": tensors}, tmp_path / "tuned.pth")
    (tmp_path / "config.json").write_text(json.dumps({"labels": LABELS}))
    model = load_model(f"cnn14:{tmp_path}")
    assert (model.facts["head"], model.task) == ("fc_transfer", "single_label")
    ours = load_model(f"cnn14:{write(tmp_path / 'ours', network)}")
    signals = speech([8000])
    np.testing.assert_array_equal(model.predict(signals).scores, ours.predict(signals).scores)


def test_settings_that_contradict_the_stored_spectrogram_are_refused(tmp_path, network):
    panns_file(tmp_path / "Cnn14.pth", network, PUBLISHED[1])
    (tmp_path / "config.json").write_text(json.dumps({"labels": LABELS}))
    with pytest.raises(ModelError, match="trained on a different spectrogram than config.json describes"):
        load_model(f"cnn14:{tmp_path}")
    settings = PUBLISHED[1].model_dump(exclude={"labels", "task"})
    (tmp_path / "config.json").write_text(json.dumps({"labels": LABELS, **settings}))
    model = load_model(f"cnn14:{tmp_path}")
    assert (model.sampling_rate, model.shortest) == (32000, 31 * 320)


def test_shortest_clip_is_answered_and_one_sample_less_is_too_short_for_the_network(tmp_path, network):
    model = load_model(f"cnn14:{write(tmp_path, network)}")
    clip = speech([model.shortest])
    assert np.isfinite(model.predict(clip).scores).all()
    with pytest.raises(RuntimeError, match="too small"):
        model.predict([clip[0][:-1]])


def test_every_key_is_accounted_for(tmp_path, network):
    folder = write(tmp_path, network)
    tensors = load_file(folder / "model.safetensors")
    del tensors["conv_block3.bn2.running_var"]
    save_file({**tensors, "odd.weight": torch.ones(1)}, folder / "model.safetensors")
    with pytest.raises(
        ModelError, match="missing keys conv_block3.bn2.running_var; unexpected keys odd.weight"
    ):
        load_model(f"cnn14:{folder}")
    save_file({k: v for k, v in tensors.items() if not k.startswith("fc_out")}, folder / "model.safetensors")
    with pytest.raises(ModelError, match="has no head: it has none of fc_out, fc_transfer, fc_audioset"):
        load_model(f"cnn14:{folder}")


def test_weights_that_are_no_numbers_or_of_another_shape_are_named(tmp_path, network):
    folder = write(tmp_path, network)
    tensors = load_file(folder / "model.safetensors")
    spoilt = tensors["fc1.bias"].clone()
    spoilt[3] = torch.inf
    save_file({**tensors, "fc1.bias": spoilt}, folder / "model.safetensors")
    with pytest.raises(ModelError, match="weights that are not finite: fc1.bias"):
        load_model(f"cnn14:{folder}")
    save_file({**tensors, "fc1.bias": torch.zeros(7)}, folder / "model.safetensors")
    with pytest.raises(ModelError, match="is not a CNN14 checkpoint: .*fc1.bias"):
        load_model(f"cnn14:{folder}")
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError, match="is not a complete safetensors file"):
        load_model(f"cnn14:{folder}")


class Attack:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_a_pickle_that_would_run_code_is_refused_and_does_not_run(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"labels": LABELS}))
    torch.save({"model": Attack(tmp_path / "pwned")}, tmp_path / "a.pth")
    with pytest.raises(ModelError, match="contains more than tensors"):
        load_model(f"cnn14:{tmp_path}")
    (tmp_path / "a.pth").write_bytes(pickle.dumps({"model": Attack(tmp_path / "pwned")}, protocol=2))
    with pytest.raises(ModelError, match="contains more than tensors|cannot read the weights"):
        load_model(f"cnn14:{tmp_path}")
    assert not (tmp_path / "pwned").exists()


CONFIGS = [
    ("{", "is not valid JSON"),
    ('{"lables": []}', "the key 'lables'"),
    ('{"sampling_rate": 0}', "are not valid together"),
    ('{"fmax": 9000}', "are not valid together .*fmax ≤ sampling_rate / 2"),
    ('{"window": 511}', "are not valid together .*the window even"),
    ('{"task": "guess"}', "'task': Input should be"),
    ('{"labels": ["anger"]}', "has 4 outputs, but there is 1 label"),
    ("{}", "declares no labels for its 4 outputs"),
]


@pytest.mark.parametrize(("text", "sentence"), CONFIGS)
def test_a_config_that_cannot_be_used_is_one_sentence(tmp_path, network, text, sentence):
    (write(tmp_path, network) / "config.json").write_text(text)
    with pytest.raises(ModelError, match=sentence):
        load_model(f"cnn14:{tmp_path}")


def test_directories_without_config_or_weights_are_told_apart(tmp_path):
    with pytest.raises(ModelError, match="it has no config.json"):
        load_model(f"cnn14:{tmp_path}")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match="has no weight files: none"):
        load_model(f"cnn14:{tmp_path}")
    for name in ("a.pth", "b.pth"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(ModelError, match=r"has 2 weight files: a\.pth, b\.pth"):
        load_model(f"cnn14:{tmp_path}")


def test_fingerprint_follows_weights_and_settings(tmp_path, network):
    folder = write(tmp_path, network)
    first = load_model(f"cnn14:{folder}")
    assert load_model(f"cnn14:{folder}").fingerprint == first.fingerprint
    renamed = load_model(f"cnn14:{folder}", LoadOptions(labels=("sadness", *LABELS[1:3], "anger")))
    assert renamed.fingerprint != first.fingerprint
    other = load_model(f"cnn14:{write(folder, network, hop=200)}")
    assert other.fingerprint != first.fingerprint


@pytest.mark.parametrize(
    ("key", "shape", "said"),
    [
        ("fc_audioset.bias", (), "has 1 output, but there are 4 labels|is not a CNN14"),
        ("conv_block1.conv1.weight", (), "is not a CNN14"),
        ("logmel_extractor.melW", (3,), "was trained on a different spectrogram"),
    ],
)
def test_a_tensor_of_an_impossible_shape_is_one_sentence(tmp_path, network, key, shape, said):
    path = tmp_path / "Cnn14_16k.pth"
    panns_file(path, network)
    (tmp_path / "config.json").write_text(json.dumps({"labels": LABELS}))
    content = torch.load(path, weights_only=False)
    content["model"][key] = torch.zeros(shape)
    torch.save(content, path)
    with pytest.raises(ModelError, match=said):
        load_model(f"cnn14:{tmp_path}")


def test_a_published_checkpoint_without_names_for_its_classes_is_a_bare_encoder(tmp_path, network):
    panns_file(tmp_path / "panns" / "Cnn14_16k.pth", network)
    (tmp_path / "panns" / "config.json").write_text("{}")
    model = load_model(f"cnn14:{tmp_path / 'panns'}")
    assert (model.task, model.labels, model.facts["head"]) == ("encoder", (), "none")
    named = load_model(f"cnn14:{tmp_path / 'panns'}", LoadOptions(labels=tuple(LABELS)))
    signals = speech([8000, 9000])
    np.testing.assert_array_equal(
        model.predict(signals, layers=True).layers, named.predict(signals, layers=True).layers
    )
    assert model.predict(signals).scores.shape == (2, 0)
    assert model.fingerprint != named.fingerprint
