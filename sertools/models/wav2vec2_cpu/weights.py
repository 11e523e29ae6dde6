"""Arranges the weights of the wav2vec2 family for `forward`, as one matrix per matrix product."""

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from sertools.models.wav2vec2_cpu.arranged import (
    SPECTRA,
    Convolution,
    Distances,
    Encoder,
    FirstConvolution,
    Gate,
    Layer,
    Linear,
    Norm,
    Positional,
)
from sertools.models.wav2vec2_cpu.packing import same_bits
from sertools.threads import one_thread_of_torch, side_by_side

if TYPE_CHECKING:
    import torch

FAMILY = ("wav2vec2", "hubert", "unispeech", "unispeech-sat", "wavlm")
"""Architectures with the same network but for the attention of WavLM, which has gated relative positions."""

FRONT_END, LAST_LAYERS = "front end", "last layers"
"""Parts that can stay in fp32 while the rest is computed in bf16."""

ROWS = 16
"""In bf16, the number of frames is padded to a multiple of this. The CPU library compiles and caches a kernel
for every new shape of a product, so clips of many different lengths would use more and more memory."""


def why_not(config: Any) -> str:
    """Why a configuration cannot use the fast path; empty if it can."""
    if config.model_type not in FAMILY:
        return f"{config.model_type} is a different architecture"
    if config.feat_extract_activation != "gelu" or config.hidden_act != "gelu":
        return "its activation is not gelu"
    for setting in ("add_adapter", "adapter_attn_dim", "conv_pos_batch_norm"):
        if getattr(config, setting, None):
            return f"it has {setting}"
    return ""


def dtypes_of(
    layers: int, dtype: "torch.dtype", exact: Sequence[str]
) -> "tuple[torch.dtype, list[torch.dtype]]":
    """Number formats of the front end and of each layer, if the parts in `exact` stay in fp32.

    The last layers are the last quarter of them.
    """
    import torch

    last = -(-layers // 4) if LAST_LAYERS in exact else 0
    front = torch.float32 if FRONT_END in exact else dtype
    return front, [dtype] * (layers - last) + [torch.float32] * last


def encoder(base: "torch.nn.Module", dtype: "torch.dtype", exact: Sequence[str] = ()) -> Encoder:
    """The fast form of a transformers module (Wav2Vec2Model, HubertModel, …); draws no random numbers.

    Args:
        base: the bare encoder module, in evaluation mode, whose configuration `why_not` accepts
        dtype: of the factors of matrix products
        exact: parts that stay in fp32, of FRONT_END and LAST_LAYERS
    """
    import torch

    module: Any = base
    config = module.config
    stack = module.encoder
    of_front, of_layers = dtypes_of(len(stack.layers), dtype, exact)
    convolutions = list(module.feature_extractor.conv_layers)
    projection = module.feature_projection
    each_layer = [
        partial(layer_of, *each, config.num_attention_heads)
        for each in zip(stack.layers, of_layers, strict=True)
    ]
    projected = linear_of([projection.projection], of_front)
    with one_thread_of_torch():  # the norm of a module's weights, whose last bits depend on how a sum is cut
        positional = _positional(stack.pos_conv_embed.conv)
    first = each_layer[0]()
    last = each_layer[-1]() if len(each_layer) > 1 else first
    checked = partial(_sizes, [projected, *_products(first), *_products(last)], positional)
    further = partial(_convolutions, convolutions[1:], of_front)
    tasks: list[Callable[[], Any]] = [checked, further, *each_layer[1:-1]]
    sizes, arranged, *between = side_by_side(tasks)
    return Encoder(
        first=first_of(convolutions[0]),
        convolutions=arranged,
        feature_norm=norm_of(getattr(projection, "layer_norm", None)),
        projection=projected,
        positional=positional,
        layers=(first, *between, last)[-len(each_layer) :],
        norm=norm_of(stack.layer_norm),  # type: ignore[arg-type] # both kinds of encoder have one
        norm_first=bool(config.do_stable_layer_norm),
        distances=distances_of(stack.layers[0].attention, config),
        dtype=of_front,
        rows=ROWS if dtype == torch.bfloat16 else 1,
        sizes=sizes,
        channels=config.conv_dim[-1],
    )


def _products(layer: Layer) -> list[Linear]:
    """The products of a layer; those of all layers have the same shapes."""
    return [layer.attention, layer.output, layer.up, layer.down]


def _sizes(products: Sequence[Linear], positional: Positional) -> tuple[int, ...]:
    """The numbers of rows at which all products keep the bits of their rows on this processor.

    It is called on one thread, as products are computed.
    """
    known = [_same_bits(*product.weight.shape, product.weight.dtype) for product in products]
    if not _keeps_spectra(*positional.spectrum.shape[1:3]):
        return ()
    return tuple(size for size in known[0] if all(size in each for each in known))


@lru_cache
def _same_bits(outputs: int, inputs: int, dtype: "torch.dtype") -> tuple[int, ...]:
    """`packing.same_bits` of a product of this shape, whose weights do not matter."""
    import torch

    draw = torch.Generator().manual_seed(outputs)
    bias = torch.rand(outputs, generator=draw)
    # of rank one, which is quick to make, and its products round as those of any other matrix
    weight = torch.outer(bias - 0.5, torch.randn(inputs, generator=draw) / inputs**0.5)
    return same_bits(linear_of([SimpleNamespace(weight=weight, bias=bias)], dtype), inputs)


@lru_cache
def _keeps_spectra(groups: int, inner: int) -> bool:
    """Whether a spectrum keeps the bits of its product at any place among the SPECTRA of a product."""
    import torch

    frequencies = 4  # each of which is a product of its own
    draw = torch.Generator().manual_seed(inner)
    shape = (frequencies, groups, SPECTRA, inner)
    kernel = torch.randn(frequencies, groups, inner, inner, dtype=torch.complex64, generator=draw)
    spectra = torch.randn(shape, dtype=torch.complex64, generator=draw)
    product = torch.matmul(spectra, kernel)
    few = torch.zeros_like(spectra)
    few[:, :, 0] = spectra[:, :, -1]
    turned = torch.matmul(spectra.flip(2), kernel).flip(2)
    return torch.equal(turned, product) and torch.equal(torch.matmul(few, kernel)[:, :, 0], product[:, :, -1])


def norm_of(module: Any) -> Norm | None:
    """A layer or group norm; None for none."""
    if module is None:
        return None
    return Norm(weight=module.weight.detach(), bias=module.bias.detach(), eps=module.eps)


def linear_of(modules: Sequence[Any], dtype: "torch.dtype") -> Linear:
    """One product for several linear layers of the same input, their outputs side by side."""
    import torch

    weights, biases = zip(
        *((m.weight.detach().to(dtype), m.bias.detach().to(dtype)) for m in modules), strict=True
    )
    # a single weight is not copied
    weight, bias = (each[0] if len(modules) == 1 else torch.cat(each) for each in (weights, biases))
    blocks = torch.ops.mkldnn
    # the weight format of torch's own compiler; without these operations the result is the same, but slower
    if (
        dtype == torch.bfloat16
        and weight.device.type == "cpu"
        and hasattr(blocks, "_linear_pointwise")
        and blocks._is_mkldnn_bf16_supported()
    ):
        weight = blocks._reorder_linear_weight(weight)
    return Linear(weight=weight, bias=bias)


def first_of(module: Any) -> FirstConvolution:
    """The convolution on the signal."""
    norm = getattr(module, "layer_norm", None)
    over_time = hasattr(norm, "num_groups")  # of a group norm
    return FirstConvolution(
        weight=module.conv.weight.detach()[:, 0],
        bias=None if module.conv.bias is None else module.conv.bias.detach(),
        group=norm_of(norm) if over_time else None,
        norm=None if over_time else norm_of(norm),
        kernel=module.conv.kernel_size[0],
        stride=module.conv.stride[0],
    )


def _convolutions(modules: Sequence[Any], dtype: "torch.dtype") -> tuple[Convolution, ...]:
    return tuple(convolution_of(module, dtype) for module in modules)


def convolution_of(module: Any, dtype: "torch.dtype") -> Convolution:
    """A further convolution of the front end."""
    conv = module.conv
    kernel, stride = conv.kernel_size[0], conv.stride[0]
    taps = conv.weight.detach().permute(2, 1, 0).to(dtype)  # (kernel, in, out)
    pieces = [taps[i : i + stride].reshape(-1, taps.shape[2]) for i in range(0, kernel, stride)]
    return Convolution(
        pieces=tuple(piece.contiguous() for piece in pieces),
        bias=None if conv.bias is None else conv.bias.detach().to(dtype),
        norm=norm_of(getattr(module, "layer_norm", None)),
        kernel=kernel,
        stride=stride,
    )


def _positional(conv: Any) -> Positional:
    import torch

    kernel, groups = conv.kernel_size[0], conv.groups
    block = 1 << (2 * kernel - 1).bit_length()
    weight = conv.weight.detach()  # the weight norm is computed here, once: (d, d / groups, kernel)
    weight = weight.reshape(groups, -1, weight.shape[1], kernel)
    spectrum = torch.fft.rfft(weight, n=block).conj().permute(3, 0, 2, 1)
    return Positional(
        spectrum=spectrum.resolve_conj().contiguous(), bias=conv.bias.detach(), kernel=kernel, block=block
    )


def layer_of(module: Any, dtype: "torch.dtype", heads: int) -> Layer:
    """One transformer layer."""
    attention, feed_forward = module.attention, module.feed_forward
    return Layer(
        gate=_gate(attention) if hasattr(attention, "gru_rel_pos_linear") else None,
        attention=linear_of([attention.q_proj, attention.k_proj, attention.v_proj], dtype),
        output=linear_of([attention.out_proj], dtype),
        heads=heads,
        first_norm=norm_of(module.layer_norm),  # type: ignore[arg-type] # every layer has both
        up=linear_of([feed_forward.intermediate_dense], dtype),
        down=linear_of([feed_forward.output_dense], dtype),
        second_norm=norm_of(module.final_layer_norm),  # type: ignore[arg-type] # every layer has both
    )


def distances_of(attention: Any, config: Any) -> Distances | None:
    """The relative positions that the first layer of WavLM has for all; None for other models."""
    embedded = getattr(attention, "rel_attn_embed", None)
    if embedded is None:
        return None
    return Distances(values=embedded.weight.detach(), furthest=config.max_bucket_distance)


def _gate(attention: Any) -> Gate:
    """The sum of the four outputs of each half is the output for the sum of their weights."""
    linear = attention.gru_rel_pos_linear
    return Gate(
        weight=linear.weight.detach().view(2, 4, -1).sum(dim=1),
        bias=linear.bias.detach().view(2, 4).sum(dim=1),
        scale=attention.gru_rel_pos_const.detach().flatten(),
    )
