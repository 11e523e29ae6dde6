"""Pre-trains an encoder on clusters of emotional frames, then V-FT (P-TAPT of Chen & Rudnicky 2023).

1. A convolutional model of wav2vec's shape learns the labels of utterances (10 000 updates). The paper begins
   with published weights of wav2vec; here it begins with random ones.
2. Its frames are clustered by k-means, with 64, 512 and 4096 clusters.
3. The encoder predicts the cluster of masked frames (.06 × 15) in all clusterings, 20 000 updates.
4. V-FT.

Each phase is kept, so that an interruption costs no more than the phase that it interrupts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from sertools.errors import CorpusError
from sertools.training.answering import answering_phase, write_network
from sertools.training.networks import clusters
from sertools.training.networks.pseudo_labels import pseudo_labelled
from sertools.training.objectives.tapt import DEFAULTS as TAPT
from sertools.training.phases import GradientPhase, Phase, Setting
from sertools.training.recipe import Optimisation, Strict

DEFAULTS: dict[str, Any] = TAPT
UNLABELLED = True

CENTRES = "centres.safetensors"


class Options(Strict):
    """Settings of the phases before V-FT.

    Attributes:
        channels: of the convolutional model
        clusters: numbers of clusters
        convolutional: how the convolutional model learns the labels
        mask: share of the frames that start a span, times its length
        mask_length: frames of a span
    """

    channels: Annotated[int, Field(gt=0)] = 512
    clusters: Annotated[tuple[Annotated[int, Field(gt=1)], ...], Field(min_length=1)] = (64, 512, 4096)
    convolutional: Optimisation = Optimisation(steps=10_000, batch=64, every=1000)
    mask: Annotated[float, Field(gt=0, le=1)] = 0.06
    mask_length: Annotated[int, Field(gt=0)] = 15


@dataclass(frozen=True, kw_only=True)
class _Clustering:
    """The phase that clusters frames."""

    name: str = "clusters"

    def run(self, before: Path | None, out: Path, setting: Setting) -> None:
        """Writes the centres of each clustering, and the convolutional model again."""
        import torch
        from safetensors.torch import save_file

        assert before is not None, "the convolutional model is trained before"
        module = clusters.load(before)
        try:
            found = clusters.centres(module, setting.train, setting.options.clusters, setting.recipe.seed)
        except ValueError as error:
            raise CorpusError(str(error), hint="name fewer clusters, such as clusters = [64]") from error
        save_file({k: torch.from_numpy(value) for k, value in found.items()}, out / CENTRES)
        clusters.save(module, out, {"width": setting.options.channels, "outputs": module.out.out_features})


def phases(setting: Setting) -> Sequence[Phase]:
    """The four phases."""
    options: Options = setting.options
    targets = setting.train.targets
    if targets is None or not targets.classes:
        raise CorpusError('p-tapt learns classes: use target = "categories" or "soft"')
    outputs, seed = len(targets.classes), setting.recipe.seed

    def write_convolutional(module: Any, out: Path) -> None:
        clusters.save(module, out, {"width": options.channels, "outputs": outputs})

    def build(before: Path | None) -> Any:
        from safetensors.torch import load_file

        assert before is not None, "frames are clustered before"
        return pseudo_labelled(
            setting.start.encoder,
            clusters.load(before),
            load_file(before / CENTRES),
            mask=(options.mask, options.mask_length),
            seed=seed,
        )

    def write(module: Any, out: Path) -> None:
        write_network(module.encoder, module.encoder.config, {}, out, scaled=setting.start.scaled)

    return [
        GradientPhase(
            name="convolutional",
            build=lambda before: clusters.convolutional(options.channels, outputs, seed),
            write=write_convolutional,
            clips=setting.train,
            dev=setting.dev,
            how=options.convolutional,
        ),
        _Clustering(),
        GradientPhase(
            name="p-tapt",
            build=build,
            write=write,
            clips=setting.pool,
            dev=setting.dev,
            how=setting.recipe.pretrain,
        ),
        answering_phase(setting, "v-ft"),
    ]
