"""Trains a linear head on the frames of a frozen model (downstream of emotion2vec, Ma et al. 2024).

For each frame the mean of the top layers, a linear layer of 256 with ReLU, the mean over frames, and a linear
layer; Adam at 5e-4, batches of 128, 100 epochs. Frames are computed once and kept while the head trains.
`init` may be any model with frames: a checkpoint of transformers, emotion2vec by FunASR, CNN14, `fbank`.

The tasks of the paper differ in corpora and target: speech; song, in the folds `random-5` of `ravdess-song`,
whose parts share speakers; sentiment on MOSI or MOSEI with `target = "sentiment"`, where neutral clips are
left out, and `options.layers = 4` for the mean of the last four layers.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from sertools.errors import ModelError
from sertools.models.derived.prepared import Preparation, prepared
from sertools.models.model import is_framed
from sertools.training.data.batches import RATE_HZ
from sertools.training.data.targets import Targets
from sertools.training.encoders import seeded
from sertools.training.heads import HEADS, HeadSettings, build_head
from sertools.training.kept.by_engine import kept_frames
from sertools.training.kept.clips import KeptClips
from sertools.training.kept.phase import HeadPhase
from sertools.training.kept.upstream import Upstream, check_recipe, upstream_of, write_beside
from sertools.training.phases import Phase, Setting
from sertools.training.recipe import Strict

if TYPE_CHECKING:
    import torch

DEFAULTS: dict[str, Any] = {"learning_rate": 5e-4, "batch": 128, "epochs": 100, "hidden": 256}
ENCODER = False
SHORTEST = 400


class Options(Strict):
    """Settings of the features.

    Attributes:
        layers: number of top layers whose mean is read
    """

    layers: Annotated[int, Field(gt=0)] = 1


def phases(setting: Setting) -> Sequence[Phase]:
    """The training of the head.

    Raises:
        ModelError: a setting that the head cannot obey
    """
    check_recipe(setting.recipe)
    loaded: list[Upstream] = []

    def prepare(before: Path | None) -> "tuple[KeptClips, KeptClips | None, torch.nn.Module]":
        loaded.append(upstream_of(setting.recipe, setting.work))
        model: Any = loaded[-1].model
        if not is_framed(model) or not model.has_frames:
            raise ModelError(
                f"the layers of {model.name} have no frames", hint="use method emo-superb, which reads means"
            )
        layers = setting.options.layers
        inner: Any = model
        cut: Any = prepared(inner, Preparation(longest=int(setting.recipe.cut_s * RATE_HZ)))
        train = kept_frames(cut, setting.train, layers, setting.work / "head.train.npy")
        dev = None
        if setting.dev is not None:
            dev = kept_frames(model, setting.dev, layers, setting.work / "head.dev.npy")
        return train, dev, _head(setting, train.kept.shape[1])

    def write(head: Any, before: Path | None, out: Path) -> None:
        write_beside(
            loaded[-1],
            head.exported(),
            _targets(setting),
            out,
            reads="frames",
            layers=setting.options.layers,
        )

    return [HeadPhase(name="head", prepare=prepare, write=write, how=setting.recipe)]


def _head(setting: Setting, width: int) -> "torch.nn.Module":
    recipe = setting.recipe
    shape = HeadSettings(
        description=HEADS["frames-relu"].format(pooling="mean"),
        hidden=recipe.hidden or width,
        outputs=len(_targets(setting).labels),
        dropout=0.0,
    )
    head: torch.nn.Module = seeded(lambda: build_head(shape, width), recipe.seed, "head")
    return head.train()


def _targets(setting: Setting) -> Targets:
    targets = setting.train.targets
    assert targets is not None, "clips of this method have labels"
    return targets
