"""Frames: the states whose means are the layers, each at its time."""

import numpy as np
import pytest
import torch
from transformers import AutoModelForAudioClassification

from sertools.models.cnn14.network import build
from sertools.models.load import load_model
from sertools.models.model import is_framed
from tests.helpers.checkpoints import speech, write_audeering_checkpoint, write_checkpoint
from tests.helpers.cnn14_checkpoints import write

SIGNALS = speech([16000, 9000, 24321, 5000])
FOLLOWING = [
    ("wav2vec2", {"feat_extract_norm": "group"}),
    ("wav2vec2", {"feat_extract_norm": "layer", "do_stable_layer_norm": True, "conv_bias": True}),
    ("hubert", {"feat_extract_norm": "group"}),
    ("wavlm", {"feat_extract_norm": "group"}),
    ("unispeech-sat", {}),
    ("data2vec-audio", {}),
    ("sew", {"conv_kernel": (10, 3, 3, 3, 3, 2, 2), "conv_stride": (5, 2, 2, 2, 2, 2, 2)}),
]


@pytest.mark.parametrize(("model_type", "settings"), FOLLOWING)
def test_frames_are_the_hidden_states_of_transformers_clip_by_clip(tmp_path, model_type, settings):
    folder = write_checkpoint(tmp_path, model_type, **settings)
    model = load_model(str(folder))
    assert is_framed(model)
    assert model.has_frames
    outputs, frames = model.predict_frames(SIGNALS)
    stock = AutoModelForAudioClassification.from_pretrained(folder).eval()
    for i, (signal, found) in enumerate(zip(SIGNALS, frames, strict=True)):
        x = torch.from_numpy((signal - signal.mean()) / np.sqrt(signal.var() + 1e-7))[None]
        with torch.no_grad():
            states = stock(x, output_hidden_states=True).hidden_states
        assert len(found.states) == len(states)
        for ours, theirs in zip(found.states, states, strict=True):
            np.testing.assert_allclose(ours, theirs[0].numpy(), atol=2e-5)
        np.testing.assert_allclose(outputs.layers[i], [s.mean(axis=0) for s in found.states], atol=2e-6)


@pytest.mark.parametrize(("model_type", "settings"), FOLLOWING[:2])
def test_scores_and_means_beside_frames_are_those_without(tmp_path, model_type, settings):
    model = load_model(str(write_checkpoint(tmp_path, model_type, **settings)))
    plain, (outputs, _) = model.predict(SIGNALS, layers=True), model.predict_frames(SIGNALS)
    assert np.array_equal(plain.scores, outputs.scores)
    assert np.array_equal(plain.layers, outputs.layers)


def test_frames_of_wav2vec2_are_20_ms_apart_and_about_the_middle_of_25_ms(tmp_path):
    model = load_model(str(write_checkpoint(tmp_path)))
    (frames,) = model.predict_frames(speech([16000]))[1]
    assert [len(state) for state in frames.states] == [49, 49, 49]
    assert frames.first_s == (0.0125,) * 3
    assert frames.step_s == (0.02,) * 3


def test_frames_of_a_squeezing_encoder_stand_in_the_middle_of_what_they_squeeze(tmp_path):
    model_type, settings = FOLLOWING[-1]
    model = load_model(str(write_checkpoint(tmp_path, model_type, **settings)))
    (frames,) = model.predict_frames(speech([16000]))[1]
    assert len(frames.states[0]) in {24, 25}
    assert frames.step_s[0] == 0.04
    assert frames.first_s[0] == pytest.approx(0.0125 + 0.01, abs=1e-12)


@pytest.mark.parametrize(("at", "frame"), [(4000, 12), (8000, 24), (12000, 37)])
def test_a_click_is_seen_by_the_frames_about_its_time(tmp_path, at, frame):
    # the front end alone, so that attention and positions do not spread it: layer 0 without a context
    folder, _, _ = write_audeering_checkpoint(tmp_path)
    model = load_model(str(folder))
    with torch.no_grad():
        model.network.module.encoder.pos_conv_embed.conv.bias.zero_()
        model.network.module.encoder.pos_conv_embed.conv.parametrizations.weight.original0.zero_()
    silence = 0.001 * speech([16000])[0]
    clicked = silence.copy()
    clicked[at : at + 8] += 0.5
    # both with the same scale: the click changes the clip's variance
    model.extractor.do_normalize = False
    before, after = (model.predict_frames([signal])[1][0] for signal in (silence, clicked))
    change = np.abs(after.states[0] - before.states[0]).sum(axis=1)
    assert int(change.argmax()) in {frame, frame + 1}
    seen_s = before.first_s[0] + before.step_s[0] * int(change.argmax())
    assert abs(seen_s - (at + 4) / 16000) <= 0.0125 + 1e-9


def test_frames_of_whisper_end_with_the_clip(tmp_path):
    model = load_model(str(write_checkpoint(tmp_path, "whisper")))
    frames = model.predict_frames(speech([16000, 8000]))[1]
    assert [len(clip.states[0]) for clip in frames] == [50, 25]
    assert frames[0].step_s[0] == 0.02


@pytest.mark.filterwarnings("ignore:At least one mel filter has all zero values")
def test_patches_of_a_spectrogram_are_no_frames(tmp_path):
    assert not load_model(str(write_checkpoint(tmp_path, "audio-spectrogram-transformer"))).has_frames


def test_a_model_from_elsewhere_has_no_frames():
    assert not is_framed(load_model("toy:loudness"))


def test_frames_of_cnn14_are_its_blocks_at_their_own_rates(tmp_path):
    torch.manual_seed(0)
    model = load_model(f"cnn14:{write(tmp_path, build(4, width=4))}")
    assert is_framed(model)
    outputs, (frames,) = model.predict_frames(speech([16000]))
    assert [state.shape for state in frames.states] == [
        (50, 4), (25, 8), (12, 16), (6, 32), (3, 64), (3, 128)
    ]  # fmt: skip
    # by hand: after one average a frame is the mean of those about 0 and 10 ms
    assert frames.first_s == pytest.approx([0.005, 0.015, 0.035, 0.075, 0.155, 0.155])
    assert frames.step_s == pytest.approx([0.02, 0.04, 0.08, 0.16, 0.32, 0.32])
    for block, state in enumerate(frames.states):
        mean = outputs.layers[0, block]
        np.testing.assert_allclose(state.mean(axis=0), mean[: state.shape[1]], atol=1e-6)
        assert not mean[state.shape[1] :].any()
