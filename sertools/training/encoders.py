"""The encoders that are trained: where their weights come from, and their frames without any padding."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sertools.corpora.seen.record import TrainingRecord
from sertools.errors import ModelError, foreign, nearest
from sertools.models.checkpoints import feature_extraction
from sertools.models.checkpoints.hub.files import folder_of
from sertools.models.checkpoints.settings import check_numbers
from sertools.models.derived.random_twin import redrawn
from sertools.models.load import LoadOptions, load_model
from sertools.randomness import identity_rng
from sertools.training.recipe import Recipe, SpecAugment

if TYPE_CHECKING:
    import torch

RANDOM = "random:"
"""Beginning of `init` for an architecture with random weights."""

DEFAULT = Path(__file__).parents[1] / "data" / "default"
"""Folder of the embedded model."""

FAMILY = ("wav2vec2", "hubert", "wavlm", "unispeech", "unispeech-sat", "data2vec-audio")
"""Architectures that can be trained: a convolutional encoder of the signal, a projection, a transformer."""


MOST_PARAMETERS = 4_000_000_000
"""More than any published encoder of speech has; such a network would need 64 GB while it is trained."""


@dataclass(frozen=True, kw_only=True)
class Start:
    """An encoder before its training.

    Attributes:
        encoder: module of transformers without a head
        scaled: whether each clip is scaled to mean 0 and variance 1, as its feature extractor does
        source: what `init` named, and the fingerprint of its weights
        folder: of the checkpoint; None for random weights
        training: what the checkpoint was trained on, as far as it says so
    """

    encoder: Any
    scaled: bool
    source: str
    folder: Path | None = None
    training: TrainingRecord | None = None

    @property
    def shortest(self) -> int:
        """Minimum number of samples for two frames of the encoder."""
        config = self.encoder.config
        return feature_extraction.shortest(config) + int(np.prod(config.conv_stride))


def start_of(recipe: Recipe) -> Start:
    """The encoder that a recipe names as `init`, with the layers that it keeps.

    Raises:
        ModelError: no such checkpoint or architecture, it cannot be trained, or it has too few layers
    """
    if recipe.init.startswith(RANDOM):
        start = _random(recipe)
    elif recipe.architecture:
        raise ModelError(
            "the recipe has a table [architecture], which only random: uses",
            hint=f'init = "random:wav2vec2" in place of {recipe.init!r}, or leave out the table',
        )
    else:
        start = _loaded(recipe.init)
    _keep_layers(start.encoder, recipe.layers_kept)
    return start


def seeded(build: "Callable[[], torch.nn.Module]", seed: int, *identity: str) -> Any:
    """A module with weights drawn from a seed and a name; torch's global random state is not changed."""
    return redrawn(build, int(identity_rng(seed, "weights", *identity).integers(2**31)))


def _loaded(spec: str) -> Start:
    """The encoder of a checkpoint, whose every key has been checked, as for audits."""
    from sertools.models.kinds.transformers import TransformersModel

    model = load_model(spec, LoadOptions(device="cpu", precision="fp32"))
    if not isinstance(model, TransformersModel):
        raise ModelError(f"init = {spec!r} is not a checkpoint of transformers, so it cannot be trained")
    module: Any = model.network.module
    encoder = getattr(module, getattr(module, "base_model_prefix", ""), module)
    _check_family(encoder.config, spec)
    scaled = bool(getattr(model.extractor, "do_normalize", False))
    folder = DEFAULT if spec == "default" else folder_of(spec.removeprefix("hf:"), trust_remote_code=False)[0]
    return Start(
        encoder=encoder,
        scaled=scaled,
        source=f"{spec} ({model.fingerprint})",
        folder=folder,
        training=model.training,
    )


def _random(recipe: Recipe) -> Start:
    """An encoder with random weights: `random:` and a type of architecture, or a checkpoint for its shape."""
    from transformers import AutoConfig, AutoModel

    name = recipe.init.removeprefix(RANDOM)
    if name in FAMILY:
        _check_settings(name, recipe.architecture)
        with foreign(f"the recipe's [architecture] is not valid for {name}", ModelError):
            config = AutoConfig.for_model(name, **recipe.architecture)
    elif not name:
        raise ModelError(f"init = {recipe.init!r} names no architecture", hint=f"one of {', '.join(FAMILY)}")
    else:
        config = _config_of(name, recipe.architecture)
    config.layerdrop = 0.0  # a layer that is left out at random cannot be reproduced by names
    with foreign(f"{recipe.init} cannot be built", ModelError):
        _check_size(lambda: AutoModel.from_config(config), recipe.init)
        encoder = seeded(lambda: AutoModel.from_config(config), recipe.seed, "encoder")
    return Start(encoder=encoder, scaled=True, source=recipe.init)


def _config_of(name: str, changes: Mapping[str, Any]) -> Any:
    """The configuration of a checkpoint, with changes."""
    if "/" not in name and "." not in name and name != "default":
        raise ModelError(f"init = 'random:{name}': unknown architecture", hint=nearest(name, list(FAMILY)))
    config = _loaded(name).encoder.config
    _check_settings(config.model_type, changes)
    with foreign(f"the recipe's [architecture] is not valid for {name}", ModelError):
        return type(config).from_dict({**config.to_dict(), **changes})


def _check_settings(model_type: str, changes: Mapping[str, Any]) -> None:
    """Refuses settings that the architecture does not have, and numbers that no network can have."""
    from transformers import AutoConfig

    known = AutoConfig.for_model(model_type).to_dict()
    for key in changes:
        if key not in known:
            raise ModelError(f"[architecture] has the unknown key {key!r}", hint=nearest(key, list(known)))
    check_numbers(changes, "[architecture]")


def _check_size(build: "Callable[[], torch.nn.Module]", init: str) -> None:
    """Refuses a network that is far too large, without the memory for it."""
    import torch

    with torch.device("meta"):
        parameters = sum(weight.numel() for weight in build().parameters())
    if parameters > MOST_PARAMETERS:
        raise ModelError(
            f"{init} with this [architecture] has {parameters:,} parameters, but at most "
            f"{MOST_PARAMETERS:,} can be trained"
        )


def _check_family(config: Any, spec: str) -> None:
    if config.model_type not in FAMILY or getattr(config, "add_adapter", False):
        raise ModelError(
            f"init = {spec!r} has the architecture {config.model_type}, which no method can train",
            hint=f"use a checkpoint of {', '.join(FAMILY)}",
        )


def _keep_layers(encoder: Any, kept: int) -> None:
    """Drops the upper layers of the transformer."""
    have = int(encoder.config.num_hidden_layers)
    if kept > have:
        raise ModelError(f"layers_kept = {kept}, but the encoder has {have} layers")
    if kept:
        encoder.encoder.layers = encoder.encoder.layers[:kept]
        encoder.config.num_hidden_layers = kept


def freeze(encoder: Any, what: str) -> None:
    """Lets nothing, the convolutional encoder (`cnn`), or the whole encoder keep its weights."""
    if what == "encoder":
        encoder.requires_grad_(False)
    elif what == "cnn":
        encoder.feature_extractor.requires_grad_(False)
    # otherwise transformers asks for gradients with respect to the signal
    encoder.feature_extractor._requires_grad = False


def spans(
    frames: Sequence[int], start: float, length: int, rngs: Sequence[np.random.Generator], least: int = 0
) -> NDArray[np.bool_]:
    """Random spans of frames, shape (n, longest), which may overlap.

    Args:
        frames: number of each clip's own frames
        start: probability that a frame starts a span
        length: frames in a span; fewer at the end of a clip
        rngs: a generator for each clip
        least: spans of each clip; if fewer are drawn, this many are drawn in their place
    """
    found = np.zeros((len(frames), max(frames)), dtype=bool)
    for row, n, rng in zip(found, frames, rngs, strict=True):
        starts = np.flatnonzero(rng.random(n) < start)
        if len(starts) < least:
            starts = rng.choice(
                max(1, n - length + 1), size=min(least, max(1, n - length + 1)), replace=False
            )
        for i in starts:
            row[i : min(i + length, n)] = True
    return found


def spec_augmented(
    encoder: Any, states: "torch.Tensor", frames: "torch.Tensor", how: SpecAugment, rngs: Sequence[Any]
) -> "torch.Tensor":
    """Inputs of the transformer with masks: spans of frames are the learnt vector, spans of dimensions 0."""
    import torch

    if how.time and getattr(encoder, "masked_spec_embed", None) is not None:
        rows = spans(frames.tolist(), how.time / how.time_length, how.time_length, rngs)
        hidden = torch.from_numpy(np.pad(rows, ((0, 0), (0, states.shape[1] - rows.shape[1])))).to(
            states.device
        )
        states = torch.where(hidden[..., None], encoder.masked_spec_embed.to(states.dtype), states)
    if how.feature:
        width = states.shape[2]
        start = how.feature / how.feature_length
        columns = spans([width] * len(rngs), start, how.feature_length, rngs)
        states = states * ~torch.from_numpy(columns).to(states.device)[:, None]
    return states
