"""The frozen model whose layers a head reads, and how model and head are written."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sertools.errors import ModelError
from sertools.models.derived.prepared import Preparation
from sertools.models.kinds.head import MARK, UPSTREAM, UPSTREAMS, WEIGHTS, Reads, identity
from sertools.models.load import LoadOptions, load_model
from sertools.models.model import hears
from sertools.training.answering import write_network
from sertools.training.data.targets import Targets
from sertools.training.encoders import RANDOM, start_of
from sertools.training.heads import bare_config, problem_type
from sertools.training.loop import CURVES
from sertools.training.recipe import Recipe

if TYPE_CHECKING:
    import torch

NOT_READ = ("layers_kept", "freeze", "pooling", "head", "dropout", "augment", "spec_augment", "precision")
"""Settings of a recipe that have no effect on a head on kept features."""


def check_recipe(recipe: Recipe, further: Sequence[str] = ()) -> None:
    """Refuses settings that a head on kept features cannot obey.

    Args:
        recipe: complete
        further: settings that this method does not read either

    Raises:
        ModelError: a setting differs from its default
    """
    fields = Recipe.model_fields
    changed = [
        name
        for name in (*NOT_READ, *further)
        if getattr(recipe, name) != fields[name].get_default(call_default_factory=True)
    ]
    if changed:
        raise ModelError(
            f"method {recipe.method} trains a head of its own on features that are computed once, so "
            f"{changed[0]} has no effect",
            hint="leave it out, or use method frozen",
        )


def _kept_upstream(upstream: "Upstream", out: Path) -> str:
    """What loads a model from a head's folder; a temporary one is copied there."""
    path = Path(upstream.spec).expanduser()
    if upstream.temporary:
        shutil.copytree(path, out / UPSTREAM, ignore=shutil.ignore_patterns(CURVES, "*.npy"))
        return UPSTREAM
    return str(path.resolve()) if path.exists() else upstream.spec


@dataclass(frozen=True, kw_only=True)
class Upstream:
    """A frozen model below a head.

    Attributes:
        model: computes layers from signals
        spec: what loads it again
        temporary: whether it is a folder that has to be kept beside the head
    """

    model: Any
    spec: str
    temporary: bool = False


def upstream_of(recipe: Recipe, work: Path) -> Upstream:
    """The model that a recipe names as `init`.

    Args:
        recipe: with `init`, any model with layers
        work: folder in which a network with random weights is written

    Raises:
        ModelError: it does not take audio, or its kind cannot be combined with a head
    """
    spec = recipe.init
    if spec.startswith(RANDOM):
        start, folder = start_of(recipe), work / "random-upstream"
        folder.mkdir(parents=True, exist_ok=True)
        write_network(start.encoder, start.encoder.config, {}, folder, scaled=start.scaled)
        spec = str(folder)
    elif recipe.architecture:
        raise ModelError("the recipe has a table [architecture], which only random: uses")
    scheme = spec.partition(":")[0] if ":" in spec or spec in UPSTREAMS else "hf"
    model = load_model(spec, LoadOptions(precision="fp32"))
    if not hears(model) or scheme not in UPSTREAMS:
        raise ModelError(
            f"init = {recipe.init!r} cannot be the frozen model below a head",
            hint=f"a checkpoint of transformers, or one of {', '.join(f'{name}:' for name in UPSTREAMS)}",
        )
    return Upstream(model=model, spec=spec, temporary=recipe.init.startswith(RANDOM))


def write_native(model: Any, head: Any, targets: Targets, out: Path) -> None:
    """Writes a transformers encoder with a weighted sum and a head as the class of transformers for them."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_AUDIO_CLASSIFICATION_MAPPING_NAMES

    module = model.network.module
    encoder = getattr(module, module.base_model_prefix, module)
    config = bare_config(encoder.config)
    config.use_weighted_layer_sum = True
    config.classifier_proj_size = head.projector.out_features
    config.id2label = dict(enumerate(targets.labels))
    config.label2id = {name: i for i, name in enumerate(targets.labels)}
    config.problem_type = problem_type(targets.dimensions, targets.classes)
    further = dict(head.state_dict().items())
    write_network(encoder, config, further, out, scaled=bool(model.extractor.do_normalize))
    config.architectures = [MODEL_FOR_AUDIO_CLASSIFICATION_MAPPING_NAMES[config.model_type]]
    config.to_json_file(out / "config.json")


def write_beside(
    upstream: Upstream,
    head: "Mapping[str, torch.Tensor]",
    targets: Targets,
    out: Path,
    *,
    reads: Reads,
    layers: int = 1,
    preparation: Preparation | None = None,
) -> None:
    """Writes a head that is loaded together with the model that it reads.

    Args:
        upstream: the frozen model
        head: weights of `projector` and `classifier`, and `layer_weights` for a weighted sum
        targets: names of the outputs
        out: an existing folder
        reads: how it reads the layers
        layers: number of top layers whose mean is read
        preparation: what is done to the samples of clips
    """
    from safetensors.torch import save_file

    task = {"regression": "regression", None: "joint"}.get(
        problem_type(targets.dimensions, targets.classes), "single_label"
    )
    stated = {
        "upstream": _kept_upstream(upstream, out),
        "fingerprint": identity(upstream.model),
        "labels": list(targets.labels),
        "task": task,
        "reads": reads,
        "layers": layers,
    }
    if preparation is not None:
        stated |= {"mean": preparation.mean, "deviation": preparation.deviation}
    (out / MARK).write_text(json.dumps(stated, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    save_file({key: value.detach().cpu().contiguous() for key, value in head.items()}, out / WEIGHTS)
