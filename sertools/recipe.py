"""Everything that decides what a training gives, in one file that people write."""

import tomllib
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sertools.errors import ModelError


def read_recipe(path: Path) -> "Recipe | BaselineRecipe":
    """A recipe from its TOML file; `kind = "baseline"` makes it one of the classical baseline.

    Raises:
        ModelError: the file is missing, is no TOML, or holds a name or value that a recipe does not have
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        kind = BaselineRecipe if table.get("kind") == "baseline" else Recipe
        return kind.model_validate(table)
    except OSError as error:
        raise ModelError(f"cannot read the recipe {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"the recipe {path} is not TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ModelError(f"the recipe {path} is wrong at {where!r}: {first['msg']}") from error


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Shape(_Strict):
    """The numbers of a wav2vec2 architecture; defaults are those of the model `default`.

    `conv_stride` multiplies to 320 for frames of 20 ms, the rate of all public wav2vec2 models.
    """

    conv_dim: list[int] = [64, 64, 128]
    conv_kernel: list[int] = [256, 20, 4]
    conv_stride: list[int] = [16, 10, 2]
    hidden: int = 128
    layers: int = 4
    heads: int = 4
    feed_forward: int = 256
    pooled: int = 64
    dropout: float = 0.1
    position_kernel: int = 32
    position_groups: int = 8

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if len({len(self.conv_dim), len(self.conv_kernel), len(self.conv_stride)}) > 1:
            raise ValueError("conv_dim, conv_kernel and conv_stride must name equally many layers")
        if len(self.conv_dim) < 2 or self.conv_dim[0] < 4:
            raise ValueError("conv_dim needs two layers at least, the first of 4 channels at least")
        for name in ("heads", "position_groups"):
            if self.hidden % getattr(self, name):
                raise ValueError(f"hidden {self.hidden} is no multiple of {name} {getattr(self, name)}")
        return self


class Augmentation(_Strict):
    """How far a training clip may be changed; 0 switches a change off. Drawn anew per clip and epoch.

    `speed` is the largest change of playing speed (0.3: up to 1.3 times faster or slower, pitch moves along),
    `tempo` the same with the pitch kept, `tilt` the largest coefficient of a first-order filter, `noise_db`
    the lowest and highest signal-to-noise ratio of white noise, `mask_s` the longest of two silenced spans,
    `crop_s` the longest piece that is heard.
    """

    speed: float = Field(default=0.2, ge=0, le=1)
    tempo: float = Field(default=0.0, ge=0, le=1)
    tilt: float = 0.3
    noise_db: tuple[float, float] | None = (10.0, 50.0)
    mask_s: float = 0.2
    crop_s: float = 3.0


class Recipe(_Strict):
    """Everything that decides what a training gives; read from TOML with `read_recipe`.

    Attributes:
        corpora: what `--data` would take
        speakers: who is learnt from, named and not drawn: nobody else is read, from any of the corpora
        labels: what the model answers
        norms: from which norms the labels are derived, by emotion; empty where the corpora rate them
        seed: of first weights, order, dropout and changes to the clips
        epochs: passes over the clips
        batch: clips per step; a batch's concordance needs some dozens
        learning_rate: at its height, after `warm_up` (a share of all steps), before it falls to 0
        weight_decay: of AdamW
        emotion_weight: weight of an auxiliary classifier of emotions, thrown away after the training
        average: share of the old in the running average of the weights, which is what is saved
        shape: the architecture
        augmentation: how far clips are changed
    """

    corpora: list[str] = Field(min_length=1)
    speakers: list[str] = Field(min_length=1)
    labels: list[Literal["arousal", "dominance", "valence"]] = ["arousal", "dominance", "valence"]
    norms: Literal["", "russell_mehrabian_1977"] = "russell_mehrabian_1977"
    seed: int = 0
    epochs: int = Field(gt=0)
    batch: int = Field(default=32, gt=1)
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    warm_up: float = 0.1
    emotion_weight: float = 0.3
    average: float = 0.98
    shape: Shape = Shape()
    augmentation: Augmentation = Augmentation()


class BaselineRecipe(_Strict):
    """What decides a linear model on openSMILE's eGeMAPS functionals.

    Attributes:
        kind: tells this recipe from one of a network
        corpora: what `--data` would take
        labels: `["emotion"]`, or dimensions
        strength: of the regularisation, above 0
    """

    kind: Literal["baseline"]
    corpora: list[str] = Field(min_length=1)
    labels: list[Literal["emotion", "arousal", "dominance", "valence"]] = ["emotion"]
    strength: float = Field(default=1.0, gt=0)
