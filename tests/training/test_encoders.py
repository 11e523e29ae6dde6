"""Encoders in training: padding changes nothing, and masks are where they are drawn."""

import numpy as np
import pytest
import torch
from transformers import AutoConfig, AutoModel

from sertools.models.frames.clip_frames import contextual, features, frame_counts, masked_mean, projected
from sertools.training.encoders import FAMILY, spans, spec_augmented
from sertools.training.recipe import SpecAugment
from tests.helpers.tones import TINY

LENGTHS = (5000, 3000, 4100)


def network(name, **changes):
    settings = {**TINY, "hidden_dropout": 0.0, "mask_time_prob": 0.05, **changes}
    if name == "data2vec-audio":
        settings = {
            k: v for k, v in settings.items() if k not in {"feat_extract_norm", "do_stable_layer_norm"}
        }
        settings |= {"num_conv_pos_embeddings": 2, "conv_pos_kernel_size": 3}
    torch.manual_seed(0)
    return AutoModel.from_config(AutoConfig.for_model(name, **settings)).eval()


def clips():
    rng = np.random.default_rng(0)
    batch = np.zeros((3, max(LENGTHS)), np.float32)
    for row, n in zip(batch, LENGTHS, strict=True):
        row[:n] = rng.standard_normal(n)
    return torch.from_numpy(batch)


@pytest.mark.parametrize("stable", [True, False])
@pytest.mark.parametrize("name", FAMILY)
def test_a_clip_in_a_batch_has_the_states_that_transformers_gives_it_alone(name, stable):
    module = network(name, do_stable_layer_norm=stable, feat_extract_norm="layer" if stable else "group")
    batch, lengths = clips(), torch.tensor(LENGTHS)
    with torch.no_grad():
        frames = frame_counts(module, lengths)
        layers = contextual(module, projected(module, features(module, batch, lengths)), frames)
        for i, n in enumerate(LENGTHS):
            alone = module(batch[i : i + 1, :n])
            own = layers[-1][i, : frames[i]]
            # float32 through two layers
            torch.testing.assert_close(own, alone.last_hidden_state[0], atol=1e-5, rtol=0)
    assert len(layers) == module.config.num_hidden_layers + 1


def test_means_are_those_of_a_double_loop_without_padding():
    states = torch.randn(3, 6, 2, generator=torch.Generator().manual_seed(0))
    frames = [6, 1, 4]
    wanted = [
        [sum(float(states[i, t, d]) for t in range(n)) / n for d in range(2)] for i, n in enumerate(frames)
    ]
    np.testing.assert_allclose(masked_mean(states, torch.tensor(frames)), wanted, atol=1e-6)


def test_spans_cover_their_share_and_stay_inside_the_clip():
    rngs = [np.random.default_rng(i) for i in range(400)]
    frames = [100] * 200 + [50] * 200
    found = spans(frames, 0.1, 5, rngs)
    assert not found[200:, 50:].any()
    # a frame is not masked if none of the five frames up to it starts a span
    assert found[:200, 4:].mean() == pytest.approx(1 - 0.9**5, abs=0.01)
    assert spans([10], 0.0, 3, [np.random.default_rng(0)], least=2).sum() >= 3


def test_masks_are_the_learnt_vector_in_time_and_zero_in_features():
    module = network("wav2vec2")
    states = torch.randn(2, 30, 16, generator=torch.Generator().manual_seed(0))
    rngs = [np.random.default_rng(i) for i in range(2)]
    how = SpecAugment(time=0.5, time_length=3, feature=0.5, feature_length=2)
    changed = spec_augmented(module, states, torch.tensor([30, 20]), how, rngs).detach()
    off = (changed == 0).all(dim=1)
    assert off.any()
    assert not off.all()
    vector = module.masked_spec_embed.detach()
    for i in range(2):
        on = ~off[i]
        hidden = (changed[i][:, on] == vector[on]).all(dim=1)
        assert hidden.any()
        assert torch.equal(changed[i][~hidden][:, on], states[i][~hidden][:, on])
    assert not (changed[1, 20:][:, ~off[1]] == vector[~off[1]]).all(dim=1).any()
