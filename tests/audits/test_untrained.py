"""No network that was never trained passes anything, whatever its architecture, and its results say why."""

import dataclasses
import json

import pytest
import torch
from safetensors.torch import load_file, save_file

import sertools
from sertools.corpora import speak
from sertools.corpora.load import load_corpus
from sertools.models.checks import never_trained
from sertools.models.cnn14.network import build
from sertools.results.result import Verdict
from sertools.speech.engines import engine
from tests.helpers.checkpoints import write_audeering_checkpoint, write_checkpoint

BIAS = (0.8, -0.3, 0.1, -0.6)
"""Unequal, so that the emotions do not all have the same score."""

LABELS = ["anger", "happiness", "neutral", "sadness"]
ARCHITECTURES = ("wav2vec2", "hubert", "wavlm", "whisper", "audeering", "cnn14")
FULLY_ASKED = ("cnn14", "audeering")
"""One network of emotions and one of dimensions, of which every audit is asked in each run of the tests; of
the others only `correctness`, for that they were never trained is found out for each architecture."""


def fresh(folder, architecture: str) -> str:
    """What `--model` takes for a freshly initialised network with unequal head biases."""
    if architecture == "cnn14":
        torch.manual_seed(0)
        network = build(len(LABELS), width=8)
        with torch.no_grad():
            network.fc_out.bias.copy_(torch.tensor(BIAS))
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps({"labels": LABELS}))
        save_file(network.state_dict(), folder / "model.safetensors")
        return f"cnn14:{folder}"
    if architecture == "audeering":
        write_audeering_checkpoint(folder)
        changed = {"classifier.out_proj.bias": torch.tensor([0.7, 0.4, 0.5])}
    else:
        write_checkpoint(folder, architecture, LABELS, window_s=6)  # no clip is longer
        changed = {"classifier.bias": torch.tensor(BIAS)}
    weights = load_file(folder / "model.safetensors")
    assert set(changed) <= set(weights)
    save_file({**weights, **changed}, folder / "model.safetensors", metadata={"format": "pt"})
    return str(folder)


@pytest.fixture(scope="module")
def acted(voices_cache):
    """Every sixth clip of the embedded corpus."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(voices_cache))
        corpus = load_corpus("voices")
    return dataclasses.replace(corpus, clips=corpus.clips.iloc[::6])


@pytest.fixture(scope="module")
def worded(tmp_path_factory):
    """Sentences with a negative, neutral or positive word, by six voices."""
    script = speak.built_in(["eng"], per_word=1)
    plain = [line for line in script.lines if line.labels["kind"] == "plain"]
    folder = tmp_path_factory.mktemp("worded")
    speak.make_corpus(dataclasses.replace(script, lines=plain), engine("espeak"), folder / "corpus")
    return load_corpus(str(folder / "corpus"))


@pytest.mark.parametrize(
    ("architecture", "fully"),
    [
        *((each, each in FULLY_ASKED) for each in ARCHITECTURES),
        *(pytest.param(each, True, marks=pytest.mark.acceptance) for each in ARCHITECTURES),
    ],
)
def test_a_freshly_initialised_network_never_passes(architecture, fully, tmp_path, acted, worded):
    model = sertools.load_model(fresh(tmp_path / "model", architecture))
    assert model.facts["never_trained"]
    settings = sertools.Settings(cache=tmp_path / "cache")
    if not fully:
        few = dataclasses.replace(acted, clips=acted.clips.iloc[::2])
        never_passes(sertools.audit(model, few, "correctness", settings=settings))
        return
    asked = ("correctness", "fairness", "speakers", "calibration", "robustness")
    asked += ("audibility", "listening", "adversarial")
    options = {
        "robustness": {"perturbations": ["gain"]},
        "audibility": {"perturbations": ["gain"], "clips": 5},
        "adversarial": {"snr_db": [45.0], "clips": 2},
    }
    never_passes(sertools.audit(model, acted, *asked, options=options, settings=settings))
    never_passes(sertools.audit(model, worded, "tts-sentiment", settings=settings))


def never_passes(results):
    found = [finding for result in results for finding in result.findings]
    assert Verdict.PASS not in {finding.verdict for finding in found}
    judged = [finding for finding in found if finding.limit and not finding.detail]
    assert judged
    assert {finding.verdict for finding in judged} <= {Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.SKIPPED}
    for result in results:
        assert any("was never trained" in note for note in result.notes)


def test_a_network_is_trained_as_soon_as_one_normalisation_layer_has_moved():
    network = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.LayerNorm(4), torch.nn.GroupNorm(2, 4))
    assert never_trained(network)
    with torch.no_grad():
        network[2].weight[1] = 1.001
    assert not never_trained(network)
    assert not never_trained(torch.nn.Linear(4, 4)), "nothing tells a bare layer from a trained one"


def test_the_embedded_model_is_trained():
    model = sertools.load_model("default")
    assert "never_trained" not in model.facts
