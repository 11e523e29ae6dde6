"""The packed pass for graphics cards, on the CPU: the same code but for the kernels that torch chooses."""

import warnings
from dataclasses import replace

import pytest
import torch

from sertools.errors import ModelError
from sertools.models.load import load_model
from sertools.models.packed import passes
from sertools.models.wav2vec2_cpu.weights import FAMILY
from sertools.models.wav2vec2_gpu import forward, weights
from sertools.models.wav2vec2_gpu.weights import Budget
from tests.helpers.checkpoints import SMALL, speech, write_checkpoint
from tests.helpers.wav2vec2 import GROUP, LAYER, MIXED, stock, stock_means

pytestmark = pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors:UserWarning")
LENGTHS = [16000, 400, 719, 720, 9001, 24321]


def of(lengths: list[int]) -> list[torch.Tensor]:
    return [torch.from_numpy(10 * signal) for signal in speech(lengths)]


@pytest.mark.parametrize("settings", [GROUP, LAYER, MIXED], ids=["group", "layer", "mixed"])
@pytest.mark.parametrize("model_type", ["wav2vec2", "hubert", "wavlm"])
def test_every_layer_of_unequal_clips_equals_the_stock_forward_clip_by_clip(model_type, settings):
    assert model_type in FAMILY
    model = stock(model_type, **SMALL, **settings)
    encoder = weights.encoder(model, torch.float32)
    signals = of(LENGTHS)
    for clip, signal in zip(forward.computed(encoder, signals, keep=True), signals, strict=True):
        last, layers = stock_means(model, signal.numpy())
        scale = layers.square().mean(dim=1, keepdim=True).sqrt().clamp(min=1)
        torch.testing.assert_close(clip.last, last, atol=1e-5, rtol=0)
        torch.testing.assert_close(clip.layers / scale, layers / scale, atol=1e-5, rtol=0)
        means = torch.stack([state.mean(dim=0) for state in clip.frames])
        torch.testing.assert_close(means / scale, clip.layers / scale, atol=1e-5, rtol=0)


def test_bf16_is_near_fp32():
    model = stock("wav2vec2", **SMALL, **LAYER)
    exact, quick = (
        torch.stack([clip.last for clip in forward.computed(weights.encoder(model, dtype), of(LENGTHS))])
        for dtype in (torch.float32, torch.bfloat16)
    )
    assert 1e-5 < (exact - quick).abs().max() < 0.05 * exact.std()


def test_a_small_budget_changes_nothing_but_the_number_of_passes(monkeypatch):
    encoder = weights.encoder(stock("wav2vec2", **SMALL, **GROUP), torch.float32)
    signals = of(LENGTHS)
    whole = forward.computed(encoder, signals)
    counts = []
    real = forward._pack
    monkeypatch.setattr(
        forward, "_pack", lambda e, some, keep: counts.append(len(some)) or real(e, some, keep)
    )
    parts = forward.computed(replace(encoder, budget=Budget(frames=60)), signals)
    assert len(counts) > 2
    for one, other in zip(whole, parts, strict=True):
        torch.testing.assert_close(one.layers, other.layers, atol=1e-6, rtol=0)


def test_the_budget_is_halved_when_memory_runs_out_and_stays_so(monkeypatch):
    encoder = weights.encoder(stock("wav2vec2", **SMALL, **GROUP), torch.float32)
    encoder = replace(encoder, budget=Budget(frames=1000))
    expected = [clip.last for clip in forward.computed(encoder, of(LENGTHS))]
    real = forward._pack

    def small(e, some, keep):
        if len(some) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return real(e, some, keep)

    monkeypatch.setattr(forward, "_pack", small)
    found = [clip.last for clip in forward.computed(encoder, of(LENGTHS))]
    assert encoder.budget.frames < 1000
    for one, other in zip(expected, found, strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=0)


def test_a_single_clip_that_does_not_fit_is_an_explained_error(monkeypatch):
    def never(e, some, keep):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    monkeypatch.setattr(forward, "_pack", never)
    encoder = weights.encoder(stock("wav2vec2", **SMALL, **GROUP), torch.float32)
    with pytest.raises(
        ModelError, match="a single clip does not fit into the memory of the device: CUDA out"
    ):
        forward.computed(encoder, of([16000, 9000]))


def test_a_packed_pass_that_disagrees_with_the_module_is_noticed():
    model = stock("wav2vec2", **SMALL, **LAYER)
    encoder = weights.encoder(model, torch.float32)
    assert forward.agrees(encoder, model)
    wrong = replace(encoder, layers=encoder.layers[:1])
    assert not forward.agrees(wrong, model)
    assert forward.agrees(weights.encoder(model, torch.bfloat16), model)


def test_scores_of_both_packed_passes_agree(tmp_path):
    model = load_model(str(write_checkpoint(tmp_path, "wavlm")))
    signals = speech([16000, 9000, 5000])
    expected = model.predict(signals, layers=True)
    base = model.network.module.wavlm
    model.encoder = weights.encoder(base, torch.float32)
    with warnings.catch_warnings():
        found = model.predict(signals, layers=True)
    assert isinstance(model.encoder, passes.gpu_weights.GpuEncoder)
    assert abs(found.scores - expected.scores).max() < 1e-5
    assert abs(found.layers - expected.layers).max() < 1e-5
