"""Packed inference for the wav2vec2 family on a graphics card: the frames of many clips as one matrix.

As on the CPU (`wav2vec2_cpu`), linear layers see no padding. The front end and the positional convolution
work on batches of clips of similar lengths, attention on nested tensors, for which torch has kernels for
sequences of various lengths; only the gated relative positions of WavLM need a padded mask. How many frames
are computed at once depends on the memory; when it runs out, half as many are tried.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from sertools.errors import ModelError
from sertools.models.wav2vec2_cpu.arranged import Gate, Layer
from sertools.models.wav2vec2_cpu.attention import gate_of, position_biases
from sertools.models.wav2vec2_cpu.forward import Computed
from sertools.models.wav2vec2_gpu.front import front
from sertools.models.wav2vec2_gpu.weights import Budget, GpuEncoder, Positional

if TYPE_CHECKING:
    import torch

TRIAL_SAMPLES = (16_000, 37_000)
"""Lengths of the noises on which a packed pass is compared with the module's own."""

AGREE = {"torch.float32": 1e-3, "torch.bfloat16": 0.1}
"""Largest difference of the means of both, in standard deviations of the module's."""


def computed(encoder: GpuEncoder, signals: Sequence["torch.Tensor"], *, keep: bool = False) -> list[Computed]:
    """The encoder output for each clip, in order, on the device; arguments as on the CPU.

    Raises:
        ModelError: a single clip does not fit into memory
    """
    import torch

    _, step = receptive_field(encoder)
    order = sorted(range(len(signals)), key=lambda i: len(signals[i]))
    found: dict[int, Computed] = {}
    while len(found) < len(order):
        left = order[len(found) :]
        some = fitting([len(signals[i]) // step + 1 for i in left], encoder.budget)
        pack = left[:some]
        try:
            with torch.inference_mode():
                clips = _pack(encoder, [signals[i] for i in pack], keep)
            found |= dict(zip(pack, clips, strict=True))
            continue
        except torch.OutOfMemoryError as error:
            sentence = str(error).partition(".")[0]
        # outside the handler, so that the traceback no longer holds the tensors of the failed attempt
        _halve(encoder.budget, some, sentence)
    return [found[i] for i in range(len(signals))]


def fitting(frames: Sequence[int], budget: Budget) -> int:
    """How many of the clips, the shortest first, are computed at once: at least one.

    All count as the longest of them, to which the front end pads them.

    >>> fitting([10, 20, 30, 40], Budget(frames=90)), fitting([100], Budget(frames=90))
    (3, 1)
    """
    fit = [i for i, n in enumerate(frames, start=1) if i * n <= budget.frames]
    return max(fit, default=1)


def _halve(budget: Budget, clips: int, sentence: str) -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if clips == 1:
        raise ModelError(
            f"a single clip does not fit into the memory of the device: {sentence}",
            hint="use --device cpu, or shorten the clip",
        )
    budget.frames = max(1, budget.frames // 2)


def agrees(encoder: GpuEncoder, base: "torch.nn.Module") -> bool:
    """Whether a packed pass agrees with the module, clip by clip, on noise of two lengths."""
    import torch

    module: Any = base
    draw = torch.Generator().manual_seed(0)
    device = encoder.norm.weight.device
    signals = [torch.randn(n, generator=draw).to(device) for n in TRIAL_SAMPLES]
    try:
        ours = torch.stack([clip.last for clip in computed(encoder, signals)])
    except (RuntimeError, NotImplementedError, ModelError):  # torch has no such kernel for this device
        return False
    with torch.inference_mode():
        theirs = torch.stack([module(s[None]).last_hidden_state[0].mean(dim=0).float() for s in signals])
    furthest = (ours - theirs).abs().max() / theirs.std()
    return bool(furthest <= AGREE[str(encoder.layers[0].up.weight.dtype)])


def receptive_field(encoder: GpuEncoder) -> tuple[int, int]:
    """Samples that a frame depends on, and samples from one frame to the next."""
    field, step = encoder.first.kernel, encoder.first.stride
    for convolution in encoder.convolutions:
        field += (convolution.kernel - 1) * step
        step *= convolution.stride
    return field, step


def _pack(encoder: GpuEncoder, signals: Sequence["torch.Tensor"], keep: bool) -> list[Computed]:
    """What the encoder makes of clips of similar lengths."""
    import torch
    from torch.nn.utils.rnn import pad_sequence

    field, step = receptive_field(encoder)
    lengths = [len(signal) for signal in signals]
    frames = [(n - field) // step + 1 for n in lengths]
    places = _places(frames, signals[0].device)
    features = front(encoder, pad_sequence(list(signals), batch_first=True), lengths)
    packed = features.flatten(0, 1)[places]
    if encoder.feature_norm is not None:
        packed = encoder.feature_norm(packed.float())
    packed = encoder.projection(packed).float()
    packed = packed + _position(encoder.positional, packed, frames, places)
    if not encoder.norm_first:
        packed = encoder.norm(packed)
    counts = torch.tensor(frames, device=packed.device)
    pooled, kept = [_pooled(packed, counts)], [packed] if keep else []
    for layer, biases in zip(encoder.layers, _biases(encoder, frames), strict=True):
        packed = _transformed(encoder, layer, packed, frames, places, biases)
        pooled.append(_pooled(packed, counts))
        if keep:
            kept.append(packed)
    last = _pooled(encoder.norm(packed), counts) if encoder.norm_first else pooled[-1]
    layers = torch.stack(pooled, dim=1)
    states = list(zip(*(torch.split(state, frames) for state in kept), strict=True)) or [()] * len(frames)
    return [Computed(last=last[i], layers=layers[i], frames=states[i]) for i in range(len(frames))]


def _places(frames: Sequence[int], device: "torch.device") -> "torch.Tensor":
    """Rows of the clips' own frames in a padded batch (n · longest), made here, so that no device waits."""
    import torch

    longest = max(frames)
    rows = torch.cat([torch.arange(n) + i * longest for i, n in enumerate(frames)])
    return rows.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else rows


def _padded(packed: "torch.Tensor", frames: Sequence[int], places: "torch.Tensor") -> "torch.Tensor":
    """Packed rows (frames, …) as a batch (n, longest, …), zero behind each clip."""
    n, longest = len(frames), max(frames)
    batch = packed.new_zeros(n * longest, *packed.shape[1:])
    batch[places] = packed
    return batch.view(n, longest, *packed.shape[1:])


def _pooled(packed: "torch.Tensor", counts: "torch.Tensor") -> "torch.Tensor":
    """Mean over the frames of each clip, each summed in order."""
    import torch

    return torch.segment_reduce(packed, "mean", lengths=counts)


def _position(
    positional: Positional, packed: "torch.Tensor", frames: Sequence[int], places: "torch.Tensor"
) -> "torch.Tensor":
    """GELU of the positional convolution of each clip, (frames, d) → (frames, d), fp32."""
    from torch.nn.functional import conv1d, gelu

    batch = _padded(packed.to(positional.weight.dtype), frames, places).transpose(1, 2)
    kernel = positional.weight.shape[2]
    moved = conv1d(batch, positional.weight, padding=kernel // 2, groups=positional.groups)
    moved = moved[..., : batch.shape[2]].transpose(1, 2).flatten(0, 1)[places]
    return gelu(moved.float() + positional.bias)


def _biases(encoder: GpuEncoder, frames: Sequence[int]) -> "Iterator[torch.Tensor | None]":
    """What WavLM adds to attention by distance, and −∞ behind a clip: (2, n, heads, longest, longest)."""
    import torch

    bias = None
    if encoder.distances is not None:
        device, longest = encoder.norm.weight.device, max(frames)
        (apart,) = position_biases(encoder.distances, [longest])
        bias = apart.expand(len(frames), *apart.shape)
        behind = torch.arange(longest, device=device)[None] >= torch.tensor(frames, device=device)[:, None]
        bias = torch.stack([bias, torch.zeros_like(bias).masked_fill(behind[:, None, None], float("-inf"))])
    for _ in encoder.layers:
        yield bias


def _transformed(
    encoder: GpuEncoder,
    layer: Layer,
    packed: "torch.Tensor",
    frames: Sequence[int],
    places: "torch.Tensor",
    bias: "torch.Tensor | None",
) -> "torch.Tensor":
    """One transformer layer, (frames, d) → (frames, d), fp32."""
    from torch.nn.functional import gelu

    read = layer.first_norm(packed) if encoder.norm_first else packed
    joint = layer.attention(read).view(len(packed), 3, layer.heads, -1)
    if layer.gate is None or bias is None:
        attended = _nested(joint, frames)
    else:
        attended = _gated(layer.gate, _padded(read, frames, places), _padded(joint, frames, places), bias)
        attended = attended.flatten(0, 1)[places]
    packed = packed + layer.output(attended.flatten(1))
    if encoder.norm_first:
        return packed + layer.down(gelu(layer.up(layer.second_norm(packed))))
    packed = layer.first_norm(packed)
    return layer.second_norm(packed + layer.down(gelu(layer.up(packed))))


def _nested(joint: "torch.Tensor", frames: Sequence[int]) -> "torch.Tensor":
    """Attention within each clip, (frames, 3, heads, d / heads) → (frames, heads, d / heads)."""
    import torch
    from torch.nn.functional import scaled_dot_product_attention

    ends = [0]
    for n in frames:
        ends.append(ends[-1] + n)
    offsets = torch.tensor(ends, device=joint.device)
    shortest, longest = min(b - a for a, b in pairwise(ends)), max(frames)
    query, key, value = (
        torch.nested.nested_tensor_from_jagged(
            part.contiguous(), offsets, min_seqlen=shortest, max_seqlen=longest
        ).transpose(1, 2)
        for part in joint.unbind(1)
    )
    found: torch.Tensor = scaled_dot_product_attention(query, key, value).transpose(1, 2).values()
    return found


def _gated(gate: Gate, read: "torch.Tensor", joint: "torch.Tensor", bias: "torch.Tensor") -> "torch.Tensor":
    """Attention with gated relative positions on a padded batch, → (n, longest, heads, d / heads)."""
    from torch.nn.functional import scaled_dot_product_attention

    n, longest, _, heads, width = joint.shape
    opened = gate_of(gate, read.view(n * longest, heads, width)).view(heads, n, longest, 1).transpose(0, 1)
    mask = (opened * bias[0] + bias[1]).to(joint.dtype)
    query, key, value = joint.permute(2, 0, 3, 1, 4)
    return scaled_dot_product_attention(query, key, value, attn_mask=mask).transpose(1, 2)
