from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import AutoConfig

from sertools.models.load import LoadOptions, load_model
from sertools.models.wav2vec2_cpu import arranged, forward, front, weights
from tests.helpers.checkpoints import SMALL, speech, write_audeering_checkpoint, write_checkpoint
from tests.helpers.wav2vec2 import GROUP, LAYER, MIXED, stock, stock_means

LARGE = {
    "hidden_size": 1024,
    "num_hidden_layers": 3,
    "num_attention_heads": 16,
    "intermediate_size": 4096,
}
TWELVE = {"num_hidden_layers": 12}


def check(model: torch.nn.Module, lengths: list[int]) -> None:
    signals = [10 * signal for signal in speech(lengths)]
    with torch.inference_mode():
        last, layers = forward.means(
            weights.encoder(model, torch.float32), [torch.from_numpy(s) for s in signals]
        )
    for i, signal in enumerate(signals):
        expected_last, expected_layers = stock_means(model, signal)
        assert expected_layers.std() > 0.02
        torch.testing.assert_close(last[i], expected_last, atol=1e-5, rtol=0)
        # states between the layers of the large models grow with depth; rounding grows with them
        scale = expected_layers.square().mean(dim=1, keepdim=True).sqrt().clamp(min=1)
        torch.testing.assert_close(layers[i] / scale, expected_layers / scale, atol=1e-5, rtol=0)


@pytest.mark.parametrize("settings", [GROUP, LAYER, MIXED], ids=["group", "layer", "mixed"])
@pytest.mark.parametrize("model_type", weights.FAMILY)
def test_every_layer_of_unequal_clips_equals_the_stock_forward_clip_by_clip(model_type, settings):
    check(stock(model_type, **SMALL, **settings), [16000, 400, 719, 720, 9001, 24321])


def test_a_long_clip_in_several_chunks_equals_the_stock_forward():
    # the receptive field of frame t begins at sample 320 t and has 400 samples
    samples = 320 * (2 * front.CHUNK) + 400
    check(stock("wav2vec2", **SMALL, **GROUP), [samples, samples - 1])
    check(stock("wav2vec2", **SMALL, **LAYER), [320 * front.CHUNK + 80])


@pytest.mark.parametrize("kernel", [1, 2, 15, 16, 17])
def test_positional_kernels_of_every_parity_are_aligned_as_the_stock_ones(kernel):
    check(stock("wav2vec2", **{**SMALL, "num_conv_pos_embeddings": kernel}, **GROUP), [16000, 5000])


def test_front_ends_with_other_kernels_and_strides_equal_the_stock_forward():
    other = {"conv_dim": [16] * 3, "conv_kernel": [8, 5, 1], "conv_stride": [4, 3, 2]}
    check(stock("wav2vec2", **{**SMALL, **other, "num_feat_extract_layers": 3}, **GROUP), [4000, 2500])
    check(stock("wav2vec2", **{**SMALL, **other, "num_feat_extract_layers": 3}, **LAYER), [4000, 2500])


@pytest.mark.parametrize("settings", [GROUP, LAYER], ids=["group", "layer"])
def test_packed_clips_and_clips_alone_without_filling_agree(settings):
    encoder = weights.encoder(stock("wav2vec2", **SMALL, **settings), torch.float32)
    signals = [torch.from_numpy(s) for s in speech([16000, 5000, 320 * front.CHUNK + 5000])]
    plain = forward.means(replace(encoder, sizes=(), rows=1), signals)
    for one, other in zip(plain, forward.means(encoder, signals), strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=0)


@pytest.mark.parametrize("packed", [True, False], ids=["packed", "clip by clip"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("model_type", ["wav2vec2", "wavlm"])
def test_no_batch_order_or_number_of_threads_changes_a_bit(model_type, dtype, packed):
    wide = {"hidden_size": 192, "intermediate_size": 320, "conv_dim": [64] * 7}
    encoder = weights.encoder(stock(model_type, **{**SMALL, **wide}, **LAYER), dtype)
    encoder = encoder if packed else replace(encoder, sizes=())
    lengths = [400, 700, 5000, 9001, 16000, 24321, 40000, 52345, 99999]
    signals = [torch.from_numpy(s) for s in speech(lengths)]
    expected = [forward.computed(encoder, [signal], keep=True)[0] for signal in signals]
    draw = np.random.default_rng(0)
    for size, threads in ((1, 2), (4, 2), (9, 1), (9, 3)):
        order = draw.permutation(len(signals))
        for some in np.split(order, range(size, len(order), size)):
            found = computed_by(threads, encoder, [signals[i] for i in some])
            for clip, i in zip(found, some, strict=True):
                assert torch.equal(clip.last, expected[i].last)
                assert torch.equal(clip.layers, expected[i].layers)
                assert all(map(torch.equal, clip.frames, expected[i].frames))


def computed_by(threads: int, encoder: arranged.Encoder, signals: list) -> list[forward.Computed]:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        return forward.computed(encoder, signals, keep=True)
    finally:
        assert torch.get_num_threads() == threads, "threads are as they were"
        torch.set_num_threads(before)


def test_hubert_without_a_norm_of_its_features_equals_the_stock_forward():
    check(stock("hubert", **SMALL, **GROUP, feat_proj_layer_norm=False), [16000, 5000])


@pytest.mark.parametrize("offset", [0.0, 0.5])
@pytest.mark.parametrize("loudness", [0.0, 0.01])
def test_silence_and_offsets_equal_the_stock_forward_in_float64(offset, loudness):
    # in float32 the stock group norm itself is off by more than 1e-4 where the signal is a constant
    model = stock("wav2vec2", **SMALL, **GROUP)
    encoder = weights.encoder(model, torch.float32)
    signal = (offset + loudness * speech([8000])[0]).astype(np.float32)
    with torch.inference_mode():
        last, _ = forward.means(encoder, [torch.from_numpy(signal)])
    expected, _ = stock_means(model.double(), signal.astype(np.float64))
    torch.testing.assert_close(last[0], expected.float(), atol=1e-5, rtol=0)


def test_an_encoder_with_an_adapter_goes_the_stock_way():
    assert (
        weights.why_not(AutoConfig.for_model("wav2vec2", **SMALL, add_adapter=True)) == "it has add_adapter"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model_type", "settings"),
    [
        ("wav2vec2", GROUP),
        ("wav2vec2", {**LAYER, **LARGE}),
        pytest.param("wav2vec2", {**LAYER, **LARGE, **TWELVE}, marks=pytest.mark.acceptance),
        pytest.param("hubert", GROUP, marks=pytest.mark.acceptance),
        pytest.param("hubert", {**LAYER, **LARGE, **TWELVE}, marks=pytest.mark.acceptance),
    ],
    ids=["wav2vec2-base", "wav2vec2-large-3", "wav2vec2-large-12", "hubert-base", "hubert-large-12"],
)
def test_true_shapes_equal_the_stock_forward(model_type, settings):
    model = stock(model_type, **settings)
    check(model, [16000, 4000, 30001])
    # one frame alone, where no mean evens out rounding: as near to float64 as the stock forward is
    signal = 10 * speech([400])[0]
    with torch.inference_mode():
        _, layers = forward.means(weights.encoder(model, torch.float32), [torch.from_numpy(signal)])
    in_single = stock_means(model, signal)[1]
    in_double = stock_means(model.double(), signal.astype(np.float64))[1]
    assert (layers[0] - in_double).abs().max() < 1.5 * (in_single - in_double).abs().max() < 1e-4


@pytest.mark.parametrize("weighted", [False, True])
def test_native_heads_read_the_means_as_they_read_the_frames(tmp_path, weighted):
    folder = write_checkpoint(tmp_path, "hubert", use_weighted_layer_sum=weighted)
    model = load_model(str(folder))
    module = model.network.module
    if weighted:
        with torch.no_grad():
            module.layer_weights.copy_(torch.tensor([0.3, -1.0, 2.0]))
    signals = speech([16000, 7000])
    for signal, row in zip(signals, model.predict(signals).scores, strict=True):
        normalised = torch.from_numpy((signal - signal.mean()) / np.sqrt(signal.var() + 1e-7))[None]
        with torch.inference_mode():
            expected = module(normalised).logits.softmax(dim=-1)[0].numpy()
        np.testing.assert_allclose(row, expected, atol=1e-5)
    assert model.encoder is not None, "or the fast way was not taken"


@pytest.mark.parametrize(
    ("model_type", "settings", "reason"),
    [
        ("data2vec-audio", {}, "data2vec-audio is a different architecture"),
        ("wav2vec2", {"hidden_act": "relu"}, "activation"),
        ("wav2vec2", {"adapter_attn_dim": 16, "do_stable_layer_norm": True}, "adapter_attn_dim"),
        ("hubert", {"conv_pos_batch_norm": True}, "conv_pos_batch_norm"),
    ],
)
def test_networks_that_are_not_quite_the_same_go_the_stock_way(tmp_path, model_type, settings, reason):
    folder = write_checkpoint(tmp_path, model_type, **settings)
    model = load_model(str(folder))
    assert reason in weights.why_not(model.network.module.config)
    assert np.isfinite(model.predict(speech([8000])).scores).all()
    assert model.encoder is None


@pytest.mark.parametrize("weighted", [False, True])
def test_scores_of_a_native_head_have_the_same_bits_in_any_batch(tmp_path, weighted):
    model = load_model(str(write_checkpoint(tmp_path, "wavlm", use_weighted_layer_sum=weighted)))
    signals = speech([16000, 7000, 30000, 400, 12345])
    together = model.predict(signals).scores
    alone = np.concatenate([model.predict([signal]).scores for signal in signals])
    np.testing.assert_array_equal(together, alone)


def test_bf16_is_near_fp32_and_does_not_depend_on_the_batch(tmp_path):
    folder, _, _ = write_audeering_checkpoint(tmp_path)
    signals = speech([16000, 9000, 24321, 5000])
    exact = load_model(str(folder), LoadOptions(precision="fp32")).predict(signals, layers=True)
    model = load_model(str(folder), LoadOptions(precision="bf16"))
    quick = model.predict(signals, layers=True)
    # bf16 has 8 significant bits: one rounding moves a number by up to 2^-9, and some of them add up
    assert 1e-5 < np.abs(quick.scores - exact.scores).max() < 0.05
    alone = [model.predict([signal], layers=True) for signal in reversed(signals)]
    np.testing.assert_array_equal(quick.scores, np.concatenate([o.scores for o in alone])[::-1])
    np.testing.assert_array_equal(quick.layers, np.concatenate([o.layers for o in alone])[::-1])


@pytest.mark.parametrize("blocks", [True, False], ids=["in blocks", "as they are"])
@pytest.mark.parametrize("frames", [1, 16, 133])
def test_a_bf16_product_is_that_of_its_rounded_factors_however_its_weight_lies(monkeypatch, frames, blocks):
    if not blocks:  # as where torch has no such operations
        monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: False)
    modules = [torch.nn.Linear(96, 160) for _ in range(3)]
    product = weights.linear_of(modules, torch.bfloat16)
    states = torch.randn(frames, 96)
    rounded = states.bfloat16().double()
    products = [rounded @ m.weight.bfloat16().double().T + m.bias.bfloat16() for m in modules]
    expected = torch.cat(products, dim=1)
    with torch.inference_mode():
        found = product(states).double()
    # bf16 keeps eight bits of a sum
    torch.testing.assert_close(found, expected, rtol=2**-8, atol=2**-9)
