"""An encoder with a head that answers: its loss, and the checkpoint that `--model` loads."""

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sertools.models.frames.clip_frames import contextual, features, frame_counts, projected
from sertools.training.data.batches import RATE_HZ, generators
from sertools.training.data.targets import Targets
from sertools.training.encoders import freeze, seeded, spec_augmented
from sertools.training.heads import HeadSettings, answering_config, build_head, described
from sertools.training.losses import class_weights, joint_loss
from sertools.training.networks.low_rank import merged
from sertools.training.phases import GradientPhase, Setting
from sertools.training.recipe import Recipe

if TYPE_CHECKING:
    import torch


def answering_phase(setting: Setting, name: str = "fine-tune") -> GradientPhase:
    """The phase in which an encoder and a head learn the labels, by the recipe.

    Its encoder is that of the phase before, if there is one, or else the one that `init` names.
    """

    def build(before: Path | None) -> "torch.nn.Module":
        encoder = setting.start.encoder if before is None else load_encoder(before)
        return answering(encoder, setting)

    def write(module: "torch.nn.Module", out: Path) -> None:
        write_answering(module, setting, out)

    return GradientPhase(
        name=name, build=build, write=write, clips=setting.train, dev=setting.dev, how=setting.recipe
    )


def answering(encoder: Any, setting: Setting, *, frozen: bool = True) -> "torch.nn.Module":
    """An encoder with the recipe's head, as a module that returns its loss and its outputs for a `Batch`.

    Args:
        encoder: module of transformers
        setting: recipe and clips
        frozen: whether `freeze` of the recipe is followed; False if the caller has done so
    """
    recipe, targets = setting.recipe, setting.train.targets
    assert targets is not None, "clips of this phase have labels"
    width = int(encoder.config.hidden_size)
    shape = HeadSettings(
        description=described(recipe.head, recipe.pooling),
        hidden=recipe.hidden or width,
        outputs=len(targets.labels),
        dropout=setting.dropout(),
    )
    if frozen:
        freeze(encoder, recipe.freeze)
    head = seeded(lambda: build_head(shape, width), recipe.seed, "head").train()
    return _module(encoder, head, recipe, loss_of(recipe, targets))


def loss_of(recipe: Recipe, targets: Targets) -> "Callable[..., dict[str, torch.Tensor]]":
    """The loss of outputs (n, c) with ratings (n, d) and shares (n, k), see `joint_loss`."""
    weights = class_weights(targets.shares, recipe.weights).tolist() if targets.classes else []
    return functools.partial(
        joint_loss,
        loss=recipe.loss,
        weights=weights,
        weighting=recipe.weights,
        class_share=recipe.class_share,
    )


def _module(
    encoder: Any, head: Any, recipe: Recipe, loss: "Callable[..., dict[str, torch.Tensor]]"
) -> "torch.nn.Module":
    """See `answering`."""
    import torch

    learns = any(parameter.requires_grad for parameter in encoder.parameters())

    class Answering(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder, self.head = encoder, head

        def train(self, mode: bool = True) -> "Answering":
            super().train(mode)
            if not learns:
                self.encoder.eval()  # a frozen encoder is used as it is, without dropout
            return self

        def states(self, batch: Mapping[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
            """States of the last layer (n, frames, d), and the number of each clip's own frames (n,)."""
            found = projected(self.encoder, features(self.encoder, batch["signals"], batch["lengths"]))
            frames = frame_counts(self.encoder, batch["lengths"])
            if self.training:
                rngs = generators(recipe.seed, "masks", batch)
                found = spec_augmented(self.encoder, found, frames, recipe.spec_augment, rngs)
            return contextual(self.encoder, found, frames)[-1], frames

        def forward(self, **batch: Any) -> dict[str, torch.Tensor]:
            outputs = self.head(*self.states(batch))
            return {**loss(outputs.float(), (batch["ratings"], batch["shares"])), "outputs": outputs}

    return Answering()


def write_answering(module: Any, setting: Setting, out: Path) -> None:
    """Writes an encoder with a head as a checkpoint of transformers."""
    targets: Targets | None = setting.train.targets
    assert targets is not None, "clips of this phase have labels"
    description = described(setting.recipe.head, setting.recipe.pooling)
    config = answering_config(module.encoder.config, targets.dimensions, targets.classes, description)
    write_network(module.encoder, config, module.head.exported(), out, scaled=setting.start.scaled)


def write_network(
    encoder: Any, config: Any, further: "Mapping[str, torch.Tensor]", out: Path, *, scaled: bool
) -> None:
    """Writes config.json, preprocessor_config.json and model.safetensors.

    Args:
        encoder: module of transformers
        config: its configuration, with the names of outputs if it has any
        further: weights besides those of the encoder, by key
        out: an existing folder
        scaled: whether each clip is scaled to mean 0 and variance 1
    """
    from safetensors.torch import save_file
    from transformers import Wav2Vec2FeatureExtractor

    prefix = encoder.base_model_prefix
    adapted = any(".lora_" in key for key in encoder.state_dict())
    own = merged(encoder) if adapted else encoder.state_dict()
    tensors = {f"{prefix}.{key}": value for key, value in own.items()} | dict(further)
    kept = {key: value.detach().cpu().contiguous().clone() for key, value in tensors.items()}
    save_file(kept, out / "model.safetensors", metadata={"format": "pt"})
    config.architectures = [type(encoder).__name__]
    config.to_json_file(out / "config.json")
    Wav2Vec2FeatureExtractor(
        feature_size=1,
        sampling_rate=RATE_HZ,
        padding_value=0.0,
        do_normalize=scaled,
        return_attention_mask=getattr(config, "feat_extract_norm", "layer") == "layer",
    ).save_pretrained(out)


def load_encoder(folder: Path) -> Any:
    """The encoder that a phase has written."""
    from transformers import AutoModel
    from transformers.utils import logging

    logging.disable_progress_bar()
    return AutoModel.from_pretrained(folder, dtype="float32", local_files_only=True)
