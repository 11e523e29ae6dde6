"""Pre-trains an encoder by online distillation, then a head on its frames (Ma et al. 2024, "emotion2vec").

The student hears a clip with masked frames and learns what its own moving average, the teacher, makes of the
whole clip: the mean of the top blocks at the masked frames, and the mean over the clip from one vector
(`token`), ten (`chunk`) or the mean of its frames (`global`). No labels are needed for this, and all clips
that may train take part. Then the encoder is frozen, its frames are computed once, and a linear layer of 256
with ReLU, the mean over frames and a linear layer learn the labels.

The paper's figures are the defaults. With a start probability of .5 and spans of 5 frames, 97 % of the frames
are masked, as the paper says; data2vec 2.0, on which it builds, calls .5 the share of the frames that is
masked, which is a start probability of about .13. The code of the pre-training was not published. That of the
head uses RMSprop with a learning rate that swings between 5e-4 and 1e-3, batches of 128 and 100 epochs, of
which the one with the best WA on the validation clips is kept; here it is Adam at 5e-4.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field

from sertools.errors import ModelError
from sertools.models.frames.tokens import read
from sertools.models.load import LoadOptions, load_model
from sertools.training.answering import load_encoder, write_network
from sertools.training.distillation.losses import collapse
from sertools.training.distillation.settings import Decoder, Distillation
from sertools.training.encoders import freeze
from sertools.training.heads import bare_config
from sertools.training.kept.clips import KeptClips, in_batches, keep
from sertools.training.kept.frames import head_of
from sertools.training.kept.frozen import frozen_phase
from sertools.training.kept.phase import HeadPhase
from sertools.training.kept.upstream import Upstream, write_beside
from sertools.training.phases import GradientPhase, Phase, Setting
from sertools.training.recipe import Share, Strict

if TYPE_CHECKING:
    import torch

DEFAULTS: dict[str, Any] = {
    "freeze": "encoder",
    "head": "frames-relu",
    "hidden": 256,
    "dropout": 0.0,
    "epochs": 100,
    "batch": 128,
    "learning_rate": 5e-4,
    "pretrain": {
        "epochs": 100,
        "batch_samples": 1_000_000,
        "accumulate": 16,
        "optimiser": "adam",
        "learning_rate": 7.5e-5,
        "weight_decay": 0.01,
        "schedule": "cosine",
        "warm_up": 0.05,
    },
}

UNLABELLED = True

TOKEN_FILE = "tokens.npy"
TOKENS = {"token": 1, "chunk": 10, "global": 0}
"""Vectors in front of the frames for each kind of utterance loss (section 3.2)."""

Decay = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Options(Strict):
    """Settings of the pre-training.

    Attributes:
        mask_start: probability that a frame starts a masked span
        mask_length: frames in a span
        utterance: what is compared with the teacher's mean over a clip
        utterance_weight: of the utterance loss, α
        frame_weight: of the frame loss
        top_layers: blocks of the teacher whose mean is learnt
        normalise_targets: whether each block is scaled over the frames of a clip first
        tau_start, tau_end: decay of the teacher at the first and the last update, linear between them
        decoder: after the student: a linear layer as in data2vec, the convolutions of data2vec 2.0, whose
            encoder then reads the frames that are not masked, or nothing
        downstream: what the head reads: frames, the utterance vector, or each frame with it beside (table 9)
    """

    mask_start: Share = 0.5
    mask_length: Annotated[int, Field(gt=0)] = 5
    utterance: Literal["token", "chunk", "global"] = "chunk"
    utterance_weight: Weight = 1.0
    frame_weight: Weight = 1.0
    top_layers: Annotated[int, Field(gt=0)] = 8
    normalise_targets: bool = False
    tau_start: Decay = 0.999
    tau_end: Decay = 0.99999
    decoder: Decoder = "linear"
    downstream: Literal["frames", "utterance", "both"] = "frames"

    def distillation(self, seed: int) -> Distillation:
        """The same settings, as `student_and_teacher` takes them."""
        return Distillation(
            mask_start=self.mask_start,
            mask_length=self.mask_length,
            tokens=TOKENS[self.utterance],
            frame_weight=self.frame_weight,
            utterance_weight=self.utterance_weight,
            top_layers=self.top_layers,
            normalised=self.normalise_targets,
            tau_start=self.tau_start,
            tau_end=self.tau_end,
            decoder=self.decoder,
            seed=seed,
        )


def phases(setting: Setting) -> Sequence[Phase]:
    """The pre-training on all clips, and the head on labelled ones.

    Raises:
        ModelError: the options do not fit the encoder, or nothing would be learnt
    """
    _check(setting)
    return [_pretraining(setting), _head(setting)]


def _check(setting: Setting) -> None:
    options, config = setting.options, setting.start.encoder.config
    layers = config.num_hidden_layers
    if options.top_layers > layers:
        raise ModelError(
            f"options.top_layers = {options.top_layers}, but the encoder has {layers} layers",
            hint=f"for example --set options.top_layers={max(1, round(layers * 2 / 3))}",
        )
    if not (options.utterance_weight or options.frame_weight):
        raise ModelError(
            "options.utterance_weight and options.frame_weight are both 0, so nothing would be learnt"
        )
    if options.downstream != "frames" and not TOKENS[options.utterance]:
        raise ModelError(
            f"options.downstream = {options.downstream!r} needs tokens, and options.utterance is 'global'",
            hint='use "token" or "chunk"',
        )
    if options.decoder == "cnn" and config.model_type == "wavlm":
        raise ModelError(
            "the decoder cnn cannot follow WavLM, whose attention counts the frames between two frames",
            hint='use options.decoder = "linear"',
        )


def _pretraining(setting: Setting) -> Phase:
    how = setting.options.distillation(setting.recipe.seed)

    def build(_: Path | None) -> "torch.nn.Module":
        from sertools.training.distillation.student import student_and_teacher

        freeze(setting.start.encoder, "nothing")
        return student_and_teacher(setting.start.encoder, how)

    def write(module: Any, out: Path) -> None:
        for note in collapse(*module.spreads.tolist()):
            setting.warn(note)
        config = bare_config(module.encoder.config)
        write_network(module.encoder, config, {}, out, scaled=setting.start.scaled)
        if module.tokens is not None:
            np.save(out / TOKEN_FILE, module.tokens.detach().cpu().numpy(), allow_pickle=False)

    return GradientPhase(
        name="distillation",
        build=build,
        write=write,
        clips=setting.pool,
        dev=setting.dev,
        how=setting.recipe.pretrain,
    )


def _head(setting: Setting) -> Phase:
    if setting.options.downstream != "frames":
        return HeadPhase(
            name="head",
            prepare=partial(_prepare_with_tokens, setting),
            write=partial(_write_with_tokens, setting),
            how=setting.recipe,
        )

    def encoder_of(before: Path | None) -> Any:
        assert before is not None, "the pre-training comes first"
        return load_encoder(before)

    return frozen_phase(setting, "head", encoder_of)


def _prepare_with_tokens(
    setting: Setting, before: Path | None
) -> "tuple[KeptClips, KeptClips | None, torch.nn.Module]":
    """Kept utterance vectors, or frames with them beside, and the head."""
    import torch

    assert before is not None, "the pre-training comes first"
    encoder = load_encoder(before).eval()
    tokens = torch.from_numpy(np.load(before / TOKEN_FILE, allow_pickle=False))

    def states(batch: "dict[str, torch.Tensor]") -> list[Any]:
        found = read(encoder, batch["signals"], batch["lengths"], tokens, setting.options.downstream)
        return [clip.numpy() for clip in found]

    train = keep(setting.train, partial(in_batches, step=states), setting.work / "head.train.npy")
    dev = None
    if setting.dev is not None:
        dev = keep(setting.dev, partial(in_batches, step=states), setting.work / "head.dev.npy")
    return train, dev, head_of(setting, train.kept.shape[1])


def _write_with_tokens(setting: Setting, head: Any, before: Path | None, out: Path) -> None:
    """The head beside its encoder, which transformers alone cannot give tokens."""
    import torch

    assert before is not None, "the pre-training comes first"
    targets = setting.train.targets
    assert targets is not None, "clips of this method have labels"
    tokens = torch.from_numpy(np.load(before / TOKEN_FILE, allow_pickle=False))
    model: Any = load_model(str(before), LoadOptions(device="cpu", precision="fp32"))
    upstream = Upstream(model=model, spec=str(before), temporary=True)
    weights = {**head.exported(), "tokens": tokens}
    write_beside(upstream, weights, targets, out, reads=setting.options.downstream)
