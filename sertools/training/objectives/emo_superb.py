"""Trains a head on all layers of a frozen model, with soft labels (EMO-SUPERB, Wu et al. 2024).

Layer means are computed once, by the engine of the audits, and kept in its store. The head is a weighted sum
of all layers with equal weights at first, a linear projection to 256 and a linear layer, which is what the
authors compute frame by frame and average. The target is the share of the raters' votes, smoothed by .05.
The loss is class-balanced: `weights = "balanced"` weights the classes (Eq. 1 of the paper),
`"balanced-clips"` the clips by Σ w t, as the released code does, and is the default. AdamW at 1e-4, batches
of 32, 200 epochs (the released configurations: 25 to 110), of which the one with the lowest loss on dev clips
is kept; the authors average that loss over batches, here over clips. train.json has the weight of each layer.

Clips are cut at 10 s, and samples are scaled by mean and standard deviation of the training clips. A network
that scales each clip itself, or whose first layer is normalised over time, gives the same layers without
that, so that it is left out for such networks. `init` may be any model with layers: a checkpoint, or `fbank`,
whose means over time are 0, so that its answers are constant.
The trained model takes whole clips.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sertools.errors import ModelError
from sertools.models.derived.prepared import Preparation, prepared
from sertools.models.kinds.transformers import TransformersModel
from sertools.training.data.batches import RATE_HZ, Clips
from sertools.training.encoders import FAMILY
from sertools.training.kept.clips import KeptClips
from sertools.training.kept.layers import kept_layers, scaling_of, weighted_sum_head
from sertools.training.kept.phase import HeadPhase
from sertools.training.kept.upstream import Upstream, check_recipe, upstream_of, write_beside, write_native
from sertools.training.phases import Phase, Setting
from sertools.training.recipe import Strict

if TYPE_CHECKING:
    import torch

DEFAULTS: dict[str, Any] = {
    "target": "soft",
    "smoothing": 0.05,
    "weights": "balanced-clips",
    "optimiser": "adamw",
    "learning_rate": 1e-4,
    "batch": 32,
    "epochs": 200,
    "hidden": 256,
    "best_by": "loss",
    "cut_s": 10.0,
}
ENCODER = False
SHORTEST = 400


class Options(Strict):
    """Settings of the features.

    Attributes:
        scaling: of samples before the network: by mean and standard deviation of the training clips, or none
    """

    scaling: Literal["training", "none"] = "training"


def phases(setting: Setting) -> Sequence[Phase]:
    """The training of the head.

    Raises:
        ModelError: a setting that the head cannot obey
    """
    check_recipe(setting.recipe)
    work = _Work(setting)
    return [
        HeadPhase(
            name="head", prepare=work.prepare, write=work.write, how=setting.recipe, facts=layer_weights
        )
    ]


def layer_weights(head: Any) -> dict[str, list[float]]:
    """The weight of each layer after the softmax, the first layer first."""
    return {"layer_weights": head.layer_weights.detach().softmax(dim=0).tolist()}


class _Work:
    """The frozen model, prepared once for features and for the output."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.upstream: Upstream | None = None
        self.preparation = Preparation()

    def prepare(self, before: Path | None) -> "tuple[KeptClips, KeptClips | None, torch.nn.Module]":
        """Kept layer means of training and dev clips, and the head."""
        setting, recipe = self.setting, self.setting.recipe
        self.upstream = upstream_of(recipe, setting.work)
        self.preparation = _preparation(self.upstream.model, setting)
        hearing = prepared(
            self.upstream.model, replace(self.preparation, longest=int(recipe.cut_s * RATE_HZ))
        )
        train = kept_layers(hearing, setting.train, setting.work / "head.train.npy")
        dev = (
            None if setting.dev is None else kept_layers(hearing, setting.dev, setting.work / "head.dev.npy")
        )
        targets = setting.train.targets
        assert targets is not None, "clips of this method have labels"
        head = weighted_sum_head(
            train.kept.shape[1],
            int(train.lengths[0]),
            recipe.hidden or train.kept.shape[1],
            len(targets.labels),
            recipe.seed,
        )
        return train, dev, head

    def write(self, head: Any, before: Path | None, out: Path) -> None:
        """The trained model: a transformers checkpoint, or a separate head for a model of another kind."""
        targets = self.setting.train.targets
        assert targets is not None, "clips of this method have labels"
        assert self.upstream is not None, "prepare() comes first"
        if _in_family(self.upstream.model) and self.preparation == Preparation():
            write_native(self.upstream.model, head, targets, out)
        else:
            state, how = head.state_dict(), self.preparation
            write_beside(self.upstream, state, targets, out, reads="weighted-sum", preparation=how)


def _in_family(model: Any) -> bool:
    if not isinstance(model, TransformersModel):
        return False
    config: Any = model.network.module.config
    return config.model_type in FAMILY


def _preparation(model: Any, setting: Setting) -> Preparation:
    """The scaling by the training clips, where it can make a difference."""
    if setting.options.scaling == "none" or _scales_itself(model):
        return Preparation()
    clips: Clips = replace(setting.train, cut=0, cached={}, cached_bytes=0)
    mean, deviation = scaling_of(clips)
    if not deviation:
        raise ModelError("the training clips are silent, so their samples cannot be scaled")
    return Preparation(mean=mean, deviation=deviation)


def _scales_itself(model: Any) -> bool:
    """Whether an offset and a factor of all samples leave a network's layers as they are."""
    if not _in_family(model):
        return False
    normalises = bool(getattr(model.extractor, "do_normalize", False))
    return normalises or model.network.module.config.feat_extract_norm == "group"
