"""Training recipes: all settings that affect the result of a training, read from a TOML file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sertools.audio.files import MAX_MINUTES
from sertools.errors import ModelError
from sertools.files import read_toml
from sertools.training.objectives.emotion2vec import Options
from sertools.training.recipe import explained


def read_recipe(path: Path) -> "Recipe | BaselineRecipe":
    """Reads a recipe from its TOML file; with `kind = "baseline"`, a recipe of the classical baseline.

    Raises:
        ModelError: the file is missing or is not valid TOML, or a key or value in it is not valid
    """
    return recipe_of(read_toml(path, error=ModelError, what="the recipe"), str(path))


def recipe_of(table: Mapping[str, Any], path: str) -> "Recipe | BaselineRecipe":
    """The recipe in a table, see `read_recipe`."""
    kind = BaselineRecipe if table.get("kind") == "baseline" else Recipe
    try:
        return kind.model_validate(table)
    except ValidationError as error:
        raise explained(error, f"the recipe {path}", _keys(kind, error)) from error


def _keys(kind: type[BaseModel], error: ValidationError) -> list[str]:
    """The keys of the table in which the first problem is."""
    tables: dict[str, type[BaseModel]] = {
        "tapt": Tapt, "emotion2vec": Emotion2vec, "shape": Shape, "augmentation": Augmentation
    }  # fmt: skip
    above = error.errors()[0]["loc"][:-1]
    table = tables.get(str(above[-1])) if above else kind
    return [] if table is None else list(table.model_fields)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


Width = Annotated[int, Field(gt=0, le=2**16)]
"""A dimension of a network."""


class Shape(_Strict):
    """Dimensions of a wav2vec2 architecture.

    The values of `conv_stride` multiply to 320, i.e. one frame every 20 ms, as in all public wav2vec2 models.
    """

    conv_dim: list[Width] = [64, 64, 128]
    conv_kernel: list[Width] = [256, 20, 4]
    conv_stride: list[Width] = [16, 10, 2]
    hidden: Width = 128
    layers: Annotated[int, Field(gt=0, le=100)] = 4
    heads: Width = 4
    feed_forward: Width = 256
    pooled: Width = 64
    dropout: float = 0.1
    position_kernel: Width = 32
    position_groups: Width = 8

    @property
    def shortest_samples(self) -> int:
        """Number of samples from which the convolutions compute one frame: the shortest possible input.

        >>> Shape().shortest_samples
        1040
        """
        samples = 1
        for kernel, stride in zip(reversed(self.conv_kernel), reversed(self.conv_stride), strict=True):
            samples = (samples - 1) * stride + kernel
        return samples

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if len({len(self.conv_dim), len(self.conv_kernel), len(self.conv_stride)}) > 1:
            raise ValueError("conv_dim, conv_kernel and conv_stride must have the same length")
        if len(self.conv_dim) < 2 or self.conv_dim[0] < 4:
            raise ValueError("conv_dim needs at least two layers, the first with at least 4 channels")
        for name in ("heads", "position_groups"):
            if self.hidden % getattr(self, name):
                raise ValueError(
                    f"hidden = {self.hidden} is not a multiple of {name} = {getattr(self, name)}"
                )
        return self


class Augmentation(_Strict):
    """Limits of random augmentation, drawn anew for each training clip and epoch; 0 disables a change.

    `speed` is the largest change of playback speed (0.3: up to 1.3 times faster or slower; the pitch changes
    too), `tempo` the same at constant pitch, `tilt` the largest coefficient of a first-order filter,
    `noise_db` the lowest and highest signal-to-noise ratio of white noise, `mask_s` the maximum length of
    each of two silenced spans, `crop_s` the maximum length of the excerpt that is used.
    """

    speed: float = Field(default=0.2, ge=0, le=1)
    tempo: float = Field(default=0.0, ge=0, le=1)
    tilt: float = 0.3
    noise_db: tuple[float, float] | None = (10.0, 50.0)
    mask_s: float = 0.2
    crop_s: float = 3.0


class Phase(_Strict):
    """How a pre-training descends; weight decay, warm-up and augmentation are those of the recipe.

    Attributes:
        epochs: passes over the training clips, whose labels are not read
        batch: clips per step
        learning_rate: the maximum
    """

    epochs: int = Field(gt=0)
    batch: int = Field(default=32, gt=1)
    learning_rate: float = Field(default=5e-4, gt=0, allow_inf_nan=False)


class Tapt(Phase):
    """wav2vec 2.0's contrastive pre-training; the settings have the names and meanings of transformers'.

    The defaults suit a network of this size: wav2vec2-base has 2 × 320 codes and 100 negatives.

    Attributes:
        mask_time_prob: probability that a frame starts a masked span, times the length of a span
        mask_time_length: frames of a span
        num_codevectors_per_group: codes in each of two codebooks
        codevector_dim: width of a code, of both codebooks together
        proj_codevector_dim: width in which frames and codes are compared
        num_negatives: masked frames of the same clip from which each is told apart
    """

    method: Literal["tapt"]
    mask_time_prob: float = Field(default=0.5, gt=0, le=1)
    mask_time_length: Width = 5
    num_codevectors_per_group: Width = 32
    codevector_dim: Annotated[Width, Field(multiple_of=2)] = 32
    proj_codevector_dim: Width = 32
    num_negatives: Width = 20


class Emotion2vec(Options, Phase):
    """Online distillation; the settings are the options of the method `emotion2vec`, with its defaults."""

    method: Literal["emotion2vec"]
    downstream: Literal["frames"] = "frames"

    @model_validator(mode="after")
    def _learns_something(self) -> Self:
        if not (self.utterance_weight or self.frame_weight):
            raise ValueError("utterance_weight and frame_weight are both 0, so nothing would be learnt")
        return self


class Recipe(_Strict):
    """All settings that affect the result of a training; read from TOML with `read_recipe`.

    Attributes:
        corpora: specified as for `--data`
        max_minutes: longest clip that is read; a longer one is left out
        speakers: ids of the training speakers; clips of other speakers are not read from any corpus
        labels: ratings that the model predicts
        emotions: categories that the model predicts as well, from the same states; empty for ratings alone
        norms: norms from which the ratings are derived, by emotion; a corpus that has no emotions keeps its
            own ratings. Empty if all corpora have ratings
        seed: of the initial weights, clip order, dropout and augmentation
        epochs: passes over the clips
        batch: clips per step; a few dozen are needed for a meaningful concordance within a batch
        learning_rate: the maximum, reached after `warm_up` (a fraction of all steps), before it falls to 0
        weight_decay: of AdamW
        emotion_weight: weight of the emotion classifier; without `emotions` it is discarded after training
        average: decay of the running average of the weights, which is what is saved
        shape: the architecture
        augmentation: limits of the augmentation
        pretraining: how the encoder first learns from the same clips without their labels; none to start
            from random weights
    """

    corpora: list[str] = Field(min_length=1)
    max_minutes: float = Field(default=MAX_MINUTES, gt=0, allow_inf_nan=False)
    speakers: list[str] = Field(min_length=1)
    labels: list[Literal["arousal", "dominance", "valence"]] = ["arousal", "dominance", "valence"]
    emotions: list[str] = []
    norms: Literal["", "russell_mehrabian_1977"] = "russell_mehrabian_1977"
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    epochs: int = Field(gt=0)
    batch: int = Field(default=32, gt=1)
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    warm_up: float = 0.1
    emotion_weight: float = 0.3
    average: float = 0.98
    shape: Shape = Shape()
    augmentation: Augmentation = Augmentation()
    pretraining: Annotated[Tapt | Emotion2vec, Field(discriminator="method")] | None = None

    @property
    def outputs(self) -> list[str]:
        """Names of the model's outputs: its ratings, then its categories."""
        return [*self.labels, *self.emotions]

    @model_validator(mode="after")
    def _at_least_two_emotions(self) -> Self:
        if self.emotions and (len(set(self.emotions)) < 2 or len(set(self.emotions)) < len(self.emotions)):
            raise ValueError("emotions needs at least two different categories, or none")
        return self

    @model_validator(mode="after")
    def _teacher_has_the_layers(self) -> Self:
        how, layers = self.pretraining, self.shape.layers
        if isinstance(how, Emotion2vec) and how.top_layers > layers:
            raise ValueError(
                f"pretraining.top_layers = {how.top_layers}, but the network has {layers} layers"
            )
        return self


class BaselineRecipe(_Strict):
    """Settings of a linear model on openSMILE's eGeMAPS functionals.

    Attributes:
        kind: distinguishes this recipe from that of a network
        corpora: specified as for `--data`
        max_minutes: longest clip that is read; a longer one is left out
        labels: `["emotion"]`, or dimensions
        strength: of the regularisation, above 0
    """

    kind: Literal["baseline"]
    corpora: list[str] = Field(min_length=1)
    max_minutes: float = Field(default=MAX_MINUTES, gt=0, allow_inf_nan=False)
    labels: list[Literal["emotion", "arousal", "dominance", "valence"]] = ["emotion"]
    strength: float = Field(default=1.0, gt=0)
