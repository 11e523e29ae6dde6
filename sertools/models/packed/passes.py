"""Heads on the output of a packed forward pass: the mean over time of each clip."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sertools.models.checkpoints.heads import Network
from sertools.models.checkpoints.layouts import OwnHead
from sertools.models.wav2vec2_cpu import arranged
from sertools.models.wav2vec2_cpu import forward as on_cpu
from sertools.models.wav2vec2_cpu import weights as cpu_weights
from sertools.models.wav2vec2_cpu.forward import Computed
from sertools.models.wav2vec2_gpu import forward as on_gpu
from sertools.models.wav2vec2_gpu import weights as gpu_weights

if TYPE_CHECKING:
    import torch

PARTS = (cpu_weights.FRONT_END, cpu_weights.LAST_LAYERS)
"""Parts that can stay in fp32 while the rest is computed in bf16, first the one that rounding harms most."""

Encoder = arranged.Encoder | gpu_weights.GpuEncoder


def is_possible(network: Network, device: "torch.device") -> bool:
    """Whether frames of this network can be packed: a known encoder, and a head on the mean over time."""
    module = network.readable
    own_head = network.layout != "native" or hasattr(module, "projector")
    # the mean of the last layer is the only pooling that packed passes compute
    pooled = network.pooling == "mean" and getattr(network.head, "frames", None) is None
    known = device.type in {"cpu", "cuda"} and not cpu_weights.why_not(module.config)
    return known and own_head and pooled


def encoder_of(
    network: Network, device: "torch.device", dtype: "torch.dtype", exact: Sequence[str]
) -> Encoder | None:
    """The encoder arranged for packed passes; None on a graphics card where it disagrees with the module.

    Args:
        network: for which `is_possible`
        device: of its module
        dtype: of the factors of products
        exact: parts that stay in fp32, of PARTS
    """
    module = network.readable
    base = getattr(module, getattr(module, "base_model_prefix", ""), module)
    if device.type == "cpu":
        return cpu_weights.encoder(base, dtype, exact)
    arranged = gpu_weights.encoder(base, dtype, exact)
    return arranged if on_gpu.agrees(arranged, base) else None


def computed(encoder: Encoder, signals: "list[torch.Tensor]", *, keep: bool) -> list[Computed]:
    """The encoder output for each clip, see `wav2vec2_cpu.forward`."""
    if isinstance(encoder, gpu_weights.GpuEncoder):
        return on_gpu.computed(encoder, signals, keep=keep)
    return on_cpu.computed(encoder, signals, keep=keep)


def logits(network: Network, clip: Computed) -> "torch.Tensor":
    """Logits of one clip, (1, c); the head is linear before pooling, so it can read the mean.

    Clip by clip, because the number of rows of a product would change its bits.
    """
    import torch

    module = network.readable
    last = clip.last[None]
    if network.layout == "native":
        if module.config.use_weighted_layer_sum:
            last = (clip.layers * module.layer_weights.softmax(dim=-1)[:, None]).sum(dim=0)[None]
        found: torch.Tensor = module.classifier(module.projector(last))
    elif isinstance(network.head, OwnHead):
        found = network.head(last)
    else:
        found = torch.empty(1, 0)
    return found
