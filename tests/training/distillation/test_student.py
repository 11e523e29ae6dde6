"""emotion2vec's losses, masks, targets and teacher, each against loops over numbers."""

import numpy as np
import pytest
import torch

from sertools.models.frames import tokens
from sertools.models.frames.clip_frames import contextual, features, frame_counts, projected
from sertools.randomness import identity_rng
from sertools.training.distillation import frames as of_frames
from sertools.training.distillation import losses
from sertools.training.distillation.settings import Distillation
from sertools.training.distillation.student import from_masked, from_visible, student_and_teacher
from sertools.training.encoders import spans
from tests.helpers.tones import TINY

FRAMES = [5, 3, 1]


def drawn(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape).astype(np.float32))


def how(**changes):
    settings = {
        "mask_start": 0.3, "mask_length": 2, "tokens": 3, "frame_weight": 1.0, "utterance_weight": 1.0,
        "top_layers": 2, "normalised": False, "tau_start": 0.5, "tau_end": 0.9, "decoder": "linear",
        "seed": 0,
    }  # fmt: skip
    return Distillation(**{**settings, **changes})


def encoder_of(kind, **changes):
    from transformers import AutoConfig, AutoModel

    further = {"conv_pos_kernel_size": 3} if kind == "data2vec-audio" else {}
    settings = {"hidden_dropout": 0.0, "attention_dropout": 0.0, "activation_dropout": 0.0, "layerdrop": 0.0}
    torch.manual_seed(0)
    config = AutoConfig.for_model(kind, **{**TINY, **settings, **further, **changes})
    return AutoModel.from_config(config).eval()


def batch_of(lengths, seed=0):
    rng = np.random.default_rng(seed)
    signals = np.zeros((len(lengths), max(lengths)), np.float32)
    for row, n in zip(signals, lengths, strict=True):
        row[:n] = rng.normal(size=n)
    n = len(lengths)
    return {
        "signals": torch.from_numpy(signals),
        "lengths": torch.tensor(lengths),
        "keys": torch.arange(100, 100 + n),
        "epochs": torch.zeros(n, dtype=torch.long),
    }


def alone(batch, row):
    """One clip of a batch, without padding."""
    n = int(batch["lengths"][row])
    return {
        key: value[row : row + 1, :n] if key == "signals" else value[row : row + 1]
        for key, value in batch.items()
    }


def test_spans_start_where_the_generator_says_and_never_leave_the_clip():
    frames, start, length = [40, 7, 25], 0.2, 5
    found = spans(frames, start, length, [identity_rng(0, str(i)) for i in range(3)])
    assert found.shape == (3, 40)
    for i, n in enumerate(frames):
        chance = identity_rng(0, str(i)).random(n)
        for t in range(40):
            begun = any(chance[s] < start for s in range(max(0, t - length + 1), t + 1) if s < n)
            assert found[i, t] == (t < n and begun)


def test_the_papers_masks_hide_97_percent_of_the_frames():
    found = spans([20_000], 0.5, 5, [identity_rng(0, "clip")])
    assert found.mean() == pytest.approx(1 - 0.5**5, abs=0.01)


def test_targets_are_the_mean_of_the_top_blocks():
    blocks = [drawn(3, 5, 4, seed=i) for i in range(4)]
    found = losses.targets(blocks, torch.tensor(FRAMES), 2)
    for i in range(3):
        for t in range(5):
            for d in range(4):
                expected = (blocks[2][i, t, d] + blocks[3][i, t, d]) / 2
                assert found[i, t, d] == pytest.approx(float(expected), abs=1e-6)


def test_normalised_targets_use_a_clips_own_frames():
    blocks = [drawn(3, 5, 4, seed=i) for i in range(2)]
    found = losses.targets(blocks, torch.tensor(FRAMES), 2, normalised=True)
    for i, n in enumerate(FRAMES):
        for d in range(4):
            expected = np.zeros(n)
            for block in blocks:
                own = block[i, :n, d].double().numpy()
                expected += (own - own.mean()) / np.sqrt(own.var() + 1e-5) / 2
            np.testing.assert_allclose(found[i, :n, d], expected, atol=1e-5)
    assert (found[1, 3:] == 0).all()


def test_losses_are_those_of_loops_without_padding():
    outputs, wanted = drawn(3, 5, 4, seed=1), drawn(3, 5, 4, seed=2)
    hidden = torch.from_numpy(np.random.default_rng(3).random((3, 5)) < 0.5)
    hidden &= torch.arange(5)[None] < torch.tensor(FRAMES)[:, None]
    squares = [
        float((outputs[i, t, d] - wanted[i, t, d]) ** 2)
        for i in range(3) for t in range(5) for d in range(4) if hidden[i, t]
    ]  # fmt: skip
    assert losses.frame_loss(outputs, wanted, hidden) == pytest.approx(np.mean(squares), rel=1e-5)
    assert losses.frame_loss(outputs, wanted, hidden & False) == 0
    summary, total = drawn(3, 4, seed=4), 0.0
    for i, n in enumerate(FRAMES):
        for d in range(4):
            mean = sum(float(wanted[i, t, d]) for t in range(n)) / n
            total += (mean - float(summary[i, d])) ** 2 / 12
    assert losses.utterance_loss(summary, wanted, torch.tensor(FRAMES)) == pytest.approx(total, rel=1e-5)


def test_spread_is_zero_only_if_the_frames_of_each_clip_are_equal():
    frames = torch.tensor(FRAMES)
    same = drawn(3, 1, 4).expand(3, 5, 4).clone()
    same[1, 3:] = 9  # padding
    assert losses.spread(same, frames) < 1e-7
    states = drawn(3, 5, 4)
    expected = np.mean([states[i, :n].numpy().std(axis=0).mean() for i, n in enumerate(FRAMES)])
    assert losses.spread(states, frames) == pytest.approx(expected, rel=1e-5)


def test_tau_rises_linearly_and_the_teacher_follows_weight_by_weight():
    taus = [losses.tau_at(step, 5, 0.999, 0.99999) for step in range(1, 6)]
    np.testing.assert_allclose(np.diff(taus), (0.99999 - 0.999) / 4, rtol=1e-6)
    assert (taus[0], taus[-1]) == (0.999, 0.99999)
    assert losses.tau_at(1, 1, 0.9, 1.0) == 0.9
    module = student_and_teacher(encoder_of("wav2vec2"), how())
    teacher, expected = module.teacher, {}
    small = [name for name, p in module.teacher.named_parameters() if p.numel() <= 64]
    for step in (1, 2, 3):
        with torch.no_grad():
            for p in module.encoder.parameters():
                p += 0.1 * step
        student = {name: p.detach().numpy() for name, p in module.encoder.encoder.named_parameters()}
        tau = 0.5 + 0.4 * (step - 1) / 2
        for name in small:
            p = teacher.get_parameter(name)
            before = expected.get(name, p.detach().numpy().copy())
            expected[name] = np.empty_like(before)
            for at in np.ndindex(before.shape):
                expected[name][at] = tau * before[at] + (1 - tau) * student[name][at]
        module.after_update(step, 3)
    assert len(small) > 20
    for name in small:
        found = teacher.get_parameter(name).numpy()
        np.testing.assert_allclose(found, expected[name], rtol=1e-5, atol=1e-6, err_msg=name)
    assert not any(p.requires_grad for p in teacher.parameters())


KINDS = ("wav2vec2", "hubert", "data2vec-audio")


@pytest.mark.parametrize("kind", KINDS)
def test_without_masks_and_tokens_the_student_computes_what_its_encoder_does(kind):
    encoder, batch = encoder_of(kind), batch_of([4000, 2600])
    with torch.no_grad():
        frames = frame_counts(encoder, batch["lengths"])
        states = projected(encoder, features(encoder, batch["signals"], batch["lengths"]))
        expected = contextual(encoder, states, frames)[-1]
        found, _ = tokens.with_tokens(encoder, tokens.positioned(encoder, states, frames), frames, None)
    for i, n in enumerate(frames.tolist()):
        torch.testing.assert_close(found[i, :n], expected[i, :n], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("decoder", ["linear", "cnn"])
def test_padding_changes_no_loss(kind, decoder):
    module = student_and_teacher(encoder_of(kind), how(decoder=decoder)).eval()
    batch = batch_of([4000, 2600, 1400])
    with torch.no_grad():
        together = module(**batch)
        apart = [module(**alone(batch, i)) for i in range(3)]
    assert together["utterance_loss"] == pytest.approx(
        np.mean([x["utterance_loss"] for x in apart]), rel=1e-4
    )
    frames = frame_counts(module.encoder, batch["lengths"]).tolist()
    drawn_masks = [
        spans([n], 0.3, 2, [identity_rng(0, "masks", str(100 + i), "0")])[0] for i, n in enumerate(frames)
    ]
    masked = [max(int(m.sum()), 0) for m in drawn_masks]
    expected = sum(n * float(x["frame_loss"]) for n, x in zip(masked, apart, strict=True)) / sum(masked)
    assert together["frame_loss"] == pytest.approx(expected, rel=1e-4)


def test_a_token_reaches_all_frames():
    encoder, frames, states = encoder_of("wav2vec2"), torch.tensor([6, 4]), drawn(2, 6, 16)
    with torch.no_grad():
        base, summary = tokens.with_tokens(encoder, states, frames, drawn(2, 16, seed=5))
        other, _ = tokens.with_tokens(encoder, states, frames, drawn(2, 16, seed=6))
    assert summary.shape == (2, 2, 16)
    assert ((base[0] - other[0]).abs().amax(dim=1) > 1e-6).all()


@pytest.mark.parametrize("decoder", ["linear", "cnn"])
def test_the_student_does_not_hear_masked_frames(decoder):
    module = student_and_teacher(encoder_of("wav2vec2"), how(decoder=decoder)).eval()
    heard, frames = drawn(1, 12, 16), torch.tensor([12])
    hidden = torch.zeros(1, 12, dtype=torch.bool)
    hidden[0, 2:5] = True
    found = []
    for states in (heard, torch.where(hidden[..., None], heard + 7, heard), heard + 7):
        with torch.no_grad():
            if decoder == "cnn":
                found.append(from_visible(module, states, frames, hidden, [identity_rng(0, "noise")])[0])
            else:
                found.append(from_masked(module, states, frames, hidden)[0])
    torch.testing.assert_close(found[0], found[1])
    assert (found[0] - found[2]).abs().max() > 0.01


def test_visible_frames_come_back_to_their_places():
    states, frames = drawn(3, 5, 4), torch.tensor(FRAMES)
    hidden = torch.tensor([[0, 1, 1, 0, 1], [1, 0, 0, 0, 0], [0, 0, 0, 0, 0]]).bool()
    visible, counts, order = of_frames.visible_frames(states, hidden, frames)
    assert counts.tolist() == [2, 2, 1]
    torch.testing.assert_close(visible[0], states[0, [0, 3]])
    back = of_frames.put_back(visible, counts, order, torch.full((3, 5, 4), 9.0))
    for i, n in enumerate(FRAMES):
        for t in range(5):
            expected = states[i, t] if t < n and not hidden[i, t] else torch.full((4,), 9.0)
            torch.testing.assert_close(back[i, t], expected)


def test_the_teacher_gets_no_gradient_and_the_student_learns():
    module = student_and_teacher(encoder_of("wav2vec2"), how(tokens=0)).train()
    optimiser = torch.optim.Adam([p for p in module.parameters() if p.requires_grad], lr=0.01)
    batch, falling, spreads = batch_of([4000, 2600]), [], []
    for _ in range(15):
        optimiser.zero_grad()
        found = module(**batch)
        found["loss"].backward()
        assert all(p.grad is None for p in module.teacher.parameters())
        optimiser.step()
        falling.append(found["loss"].item())
        spreads.append(found["target_spread"].item())
    assert falling[-1] < 0.5 * falling[0]
    assert module.spreads.tolist() == [spreads[0], spreads[-1]]
    parts = {name: value.item() for name, value in module(**batch).items()}
    assert parts["loss"] == pytest.approx(parts["frame_loss"] + parts["utterance_loss"], rel=1e-5)
