"""Pre-training and heads against transformers and naive second implementations."""

import numpy as np
import pytest
import torch
from transformers import AutoConfig, AutoModel, Wav2Vec2ForPreTraining

from sertools.models.checkpoints.described_heads import layout_named
from sertools.models.checkpoints.layouts import own_head
from sertools.models.cnn14.spectrogram import Config, log_mel
from sertools.training.data.targets import Targets
from sertools.training.encoders import Start
from sertools.training.heads import HEADS, HeadSettings, build_head, described
from sertools.training.networks import contrastive
from sertools.training.networks.low_rank import adapted, merged
from sertools.training.networks.pseudo_labels import pseudo_labelled
from sertools.training.networks.spectral import spectral
from sertools.training.recipe import recipe_of
from tests.helpers.tones import TINY

SETTINGS = {
    **TINY,
    "hidden_dropout": 0.0,
    "attention_dropout": 0.0,
    "feat_quantizer_dropout": 0.0,
    "codevector_dim": 8,
    "proj_codevector_dim": 8,
    "num_codevectors_per_group": 5,
    "num_negatives": 4,
    "mask_time_prob": 0.3,
    "mask_time_length": 3,
    "layerdrop": 0.0,
    "apply_spec_augment": True,
}


def encoder():
    torch.manual_seed(0)
    return AutoModel.from_config(AutoConfig.for_model("wav2vec2", **SETTINGS))


def batch(lengths=(5000, 5000)):
    generator = torch.Generator().manual_seed(0)
    signals = torch.zeros(len(lengths), max(lengths))
    for row, n in zip(signals, lengths, strict=True):
        row[:n] = torch.randn(n, generator=generator)
    return {
        "signals": signals,
        "lengths": torch.tensor(lengths),
        "keys": torch.arange(len(lengths)),
        "epochs": torch.zeros(len(lengths), dtype=torch.long),
    }


def test_the_contrastive_loss_is_that_of_transformers():
    module, stored = contrastive.contrastive(Start(encoder=encoder(), scaled=True, source="x"), seed=3)
    assert not stored
    given = batch()
    config = module.encoder.config
    whole = Wav2Vec2ForPreTraining(config)
    whole.wav2vec2 = module.encoder
    for part in contrastive.PARTS:
        setattr(whole, part, module.get_submodule(part))
    frames = [14, 14]
    mask, negatives = contrastive.drawn(config, frames, contrastive.generators(3, "contrastive", given))
    at = np.flatnonzero(mask.reshape(-1))
    every = np.zeros((*mask.shape, config.num_negatives), dtype=np.int64)
    every[mask] = at[negatives]
    whole.eval()
    module.eval()
    with torch.no_grad():
        theirs = whole(
            given["signals"],
            mask_time_indices=torch.from_numpy(mask),
            sampled_negative_indices=torch.from_numpy(every),
        )
        ours = module(**given)
    assert ours["frames"].item() == mask.sum()
    # float32, sums in another order
    assert ours["loss"].item() * mask.sum() == pytest.approx(theirs.loss.item(), rel=1e-5)
    assert ours["contrastive"].item() * mask.sum() == pytest.approx(theirs.contrastive_loss.item(), rel=1e-5)


def test_negatives_are_other_masked_frames_of_the_same_clip():
    config = encoder().config
    rngs = [np.random.default_rng(i) for i in range(3)]
    mask, negatives = contrastive.drawn(config, [40, 25, 40], rngs)
    owner = np.repeat(np.arange(3), mask.sum(axis=1))
    assert (owner[negatives] == owner[:, None]).all()
    assert (negatives != np.arange(len(negatives))[:, None]).all()
    assert not mask[1, 25:].any()


def test_pseudo_labels_are_the_nearest_centres_and_their_losses_add_up():
    width = 4

    class Frames(torch.nn.Module):
        def frames(self, signals, lengths):
            n = (lengths - 400) // 320 + 1
            found = torch.randn(len(signals), int(n.max()), width, generator=torch.Generator().manual_seed(5))
            return found, n

    centres = {"3": torch.randn(3, width), "2": torch.randn(2, width)}
    module = pseudo_labelled(encoder(), Frames(), centres, mask=(0.4, 2), seed=0)
    given = batch((5000, 3500))
    labels = module.labels(given, 15)
    found, n = Frames().frames(given["signals"], given["lengths"])
    for k, points in centres.items():
        for i in range(2):
            for t in range(15):
                frame = found[i, min(t, int(n[i]) - 1)]
                distances = [float(((frame - point) ** 2).sum()) for point in points]
                assert int(labels[k][i, t]) == int(np.argmin(distances))
    module.eval()
    parts = module(**given)
    assert parts["loss"].item() == pytest.approx(
        sum(parts[f"clusters_{k}"].item() for k in centres), rel=1e-6
    )


@pytest.mark.parametrize("name", list(HEADS))
@pytest.mark.parametrize("pooling", ["mean", "max"])
def test_a_head_answers_in_training_as_it_does_when_it_is_loaded(name, pooling, tmp_path):
    description = described(name, pooling)
    head = build_head(HeadSettings(description=description, hidden=6, outputs=3, dropout=0.5), 5).eval()
    states = torch.randn(2, 7, 5, generator=torch.Generator().manual_seed(0))
    frames = torch.tensor([7, 4])
    layout = layout_named(description)
    loaded = own_head(head.exported(), layout, "", 5, tmp_path)
    reduced = {"mean": lambda x: x.mean(0), "max": lambda x: x.amax(0)}[pooling]
    with torch.no_grad():
        wanted = torch.stack(
            [
                loaded(reduced(loaded.of_frames(clip[:n]))[None])[0]
                for clip, n in zip(states, frames, strict=True)
            ]
        )
        torch.testing.assert_close(head(states, frames), wanted, atol=1e-6, rtol=0)


def test_merged_adapters_give_the_outputs_of_the_adapted_encoder():
    plain = encoder().eval()
    other = adapted(encoder().eval(), rank=2, alpha=4.0, dropout=0.0, targets=("q_proj", "v_proj"), seed=0)
    with torch.no_grad():
        for name, parameter in other.named_parameters():
            if "lora_B" in name:
                parameter.normal_(generator=torch.Generator().manual_seed(1))
    trains = [name for name, parameter in other.named_parameters() if parameter.requires_grad]
    assert trains
    assert all("lora_" in name for name in trains)
    signals = batch()["signals"]
    with torch.no_grad():
        wanted = other(signals).last_hidden_state
        assert not torch.allclose(wanted, plain(signals).last_hidden_state, atol=1e-3)
        plain.load_state_dict(merged(other))
        torch.testing.assert_close(plain(signals).last_hidden_state, wanted, atol=1e-5, rtol=0)


def test_cnn14_in_training_answers_as_it_does_when_it_is_loaded():
    targets = Targets(
        dimensions=("arousal",),
        classes=("anger", "neutral"),
        ratings=np.float32([[0.1], [0.9]]),
        shares=np.eye(2, dtype=np.float32),
    )
    module = spectral(recipe_of({"method": "cnn14", "corpora": ["-"]}), targets, width=2).eval()
    signal = torch.randn(1, 8000, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        wanted, _ = module.network(torch.from_numpy(log_mel(signal[0].numpy(), Config()))[None, None])
        found = module.outputs(signal, torch.tensor([8000]))
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)
    longer = torch.cat([signal, signal[:, :4000]], dim=1)  # the same clip in a batch with a longer one
    with torch.no_grad():
        repeated = module.outputs(longer, torch.tensor([8000]))
    # the last frames see the clip again in place of nothing, so they differ a little
    torch.testing.assert_close(repeated, wanted, atol=0.1, rtol=0)
