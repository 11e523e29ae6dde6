"""The weights of a checkpoint of the wav2vec2 family, mapped from its file, in the shape of its network."""

from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from sertools.threads import one_thread_of_torch

if TYPE_CHECKING:
    import torch

Shapes = dict[str, tuple[int, ...]]
"""Key of a weight, as transformers writes it → its shape."""

POSITION = "encoder.pos_conv_embed.conv"
LENGTHS, DIRECTIONS = (f"{POSITION}.parametrizations.weight.original{i}" for i in range(2))
"""Keys of the lengths and directions of the kernels of the positional convolution."""

EARLIER = {f"{POSITION}.weight_g": LENGTHS, f"{POSITION}.weight_v": DIRECTIONS}
"""Keys that earlier versions of transformers wrote → those of today."""

CONVOLUTION_NORM_EPS = 1e-5
"""Of the norms of the front end, which no setting changes."""

MASK = "masked_spec_embed"
"""A weight that only training reads, so that a checkpoint may lack it."""


class Part(SimpleNamespace):
    """A part of a network: its weights and settings as attributes, as of a module of torch."""

    def __call__(self, states: "torch.Tensor") -> "torch.Tensor":
        """The output of a part that is a linear layer, (n, in) → (n, out)."""
        from torch.nn.functional import linear

        return linear(states, self.weight, self.bias)


def encoder_shapes(config: Any) -> Shapes:
    """Shapes of the weights of the encoder, by their keys below it; without `MASK`."""
    width, inner = config.hidden_size, config.conv_dim[-1]
    kernel, groups = config.num_conv_pos_embeddings, config.num_conv_pos_embedding_groups
    shapes: Shapes = {}
    channels = [1, *config.conv_dim]
    for i, taps in enumerate(config.conv_kernel):
        name = f"feature_extractor.conv_layers.{i}"
        shapes[f"{name}.conv.weight"] = (channels[i + 1], channels[i], taps)
        if config.conv_bias:
            shapes[f"{name}.conv.bias"] = (channels[i + 1],)
        if config.feat_extract_norm == "layer" or i == 0:
            shapes |= _norm(f"{name}.layer_norm", channels[i + 1])
    if getattr(config, "feat_proj_layer_norm", True) or config.model_type != "hubert":
        shapes |= _norm("feature_projection.layer_norm", inner)
    shapes |= _linear("feature_projection.projection", inner, width)
    shapes |= {LENGTHS: (1, 1, kernel), DIRECTIONS: (width, width // groups, kernel)}
    shapes |= {f"{POSITION}.bias": (width,), **_norm("encoder.layer_norm", width)}
    for i in range(config.num_hidden_layers):
        shapes |= {f"encoder.layers.{i}.{key}": shape for key, shape in _layer_shapes(config, i).items()}
    return shapes


def head_shapes(config: Any, layout: str) -> Shapes:
    """Shapes of the weights of the head of transformers; none for another layout."""
    if layout != "native":
        return {}
    inner = config.classifier_proj_size
    shapes = _linear("projector", config.hidden_size, inner)
    if config.use_weighted_layer_sum:
        shapes["layer_weights"] = (config.num_hidden_layers + 1,)
    return {**shapes, **_linear("classifier", inner, len(config.id2label))}


def _layer_shapes(config: Any, i: int) -> Shapes:
    width, heads = config.hidden_size, config.num_attention_heads
    shapes: Shapes = {}
    for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
        shapes |= _linear(f"attention.{name}", width, width)
    shapes |= _norm("layer_norm", width) | _norm("final_layer_norm", width)
    shapes |= _linear("feed_forward.intermediate_dense", width, config.intermediate_size)
    shapes |= _linear("feed_forward.output_dense", config.intermediate_size, width)
    if config.model_type == "wavlm":
        shapes |= _linear("attention.gru_rel_pos_linear", width // heads, 8)
        shapes["attention.gru_rel_pos_const"] = (1, heads, 1, 1)
        if i == 0:
            shapes["attention.rel_attn_embed.weight"] = (config.num_buckets, heads)
    return shapes


def _linear(name: str, inputs: int, outputs: int) -> Shapes:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def _norm(name: str, width: int) -> Shapes:
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}


def network_of(tensors: "Mapping[str, torch.Tensor]", config: Any) -> Part:
    """The encoder with the attributes that `wav2vec2_cpu.weights` reads of a module of transformers.

    Args:
        tensors: of the encoder, fp32, by the keys of `encoder_shapes`
        config: settings of the checkpoint
    """
    import torch

    network: Part = _tree(tensors)
    network.config = config
    front = network.feature_extractor.conv_layers
    for i, layer in enumerate(front):
        layer.conv.bias = getattr(layer.conv, "bias", None)
        layer.conv.kernel_size, layer.conv.stride = (config.conv_kernel[i],), (config.conv_stride[i],)
        if hasattr(layer, "layer_norm"):
            layer.layer_norm.eps = CONVOLUTION_NORM_EPS
    if config.feat_extract_norm == "group":
        front[0].layer_norm.num_groups = config.conv_dim[0]
    position = network.encoder.pos_conv_embed.conv
    position.kernel_size = (config.num_conv_pos_embeddings,)
    position.groups = config.num_conv_pos_embedding_groups
    with one_thread_of_torch():  # or the last bits of these norms would depend on the number of cores
        position.weight = torch._weight_norm(tensors[DIRECTIONS], tensors[LENGTHS], 2)
    norms = [network.encoder.layer_norm, getattr(network.feature_projection, "layer_norm", None)]
    norms += [norm for layer in network.encoder.layers for norm in (layer.layer_norm, layer.final_layer_norm)]
    for norm in norms:
        if norm is not None:
            norm.eps = config.layer_norm_eps
    return network


def norm_values(tensors: "Mapping[str, torch.Tensor]") -> "Iterator[tuple[torch.Tensor, float]]":
    """Scales and shifts of all layers of normalisation, and the values with which they are created."""
    for key, tensor in tensors.items():
        module, _, name = key.rpartition(".")
        if module.endswith("layer_norm"):
            yield tensor, 1.0 if name == "weight" else 0.0


def _tree(tensors: "Mapping[str, torch.Tensor]") -> Any:
    """Tensors by key as nested parts; parts that are numbered are lists."""
    root: dict[str, Any] = {}
    for key, tensor in tensors.items():
        *path, last = key.split(".")
        place = root
        for name in path:
            place = place.setdefault(name, {})
        place[last] = tensor

    def part(content: Any) -> Any:
        if not isinstance(content, dict):
            return content
        if all(name.isdecimal() for name in content):
            return [part(content[str(i)]) for i in range(len(content))]
        return Part(**{name: part(each) for name, each in content.items()})

    return part(root)


def head_part(tensors: "Mapping[str, torch.Tensor]", encoder: Part, config: Any, prefix: str) -> Part:
    """The class of transformers with an encoder and a head.

    Args:
        tensors: of the head, fp32, by the keys of `head_shapes`
        encoder: from `network_of`
        config: settings of the checkpoint
        prefix: name of the encoder in that class
    """
    return Part(**vars(_tree(tensors)), config=config, base_model_prefix=prefix, **{prefix: encoder})
