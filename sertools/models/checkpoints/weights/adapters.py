"""PEFT adapters: a folder with adapter_config.json, merged into the checkpoint that it names as its base.

The weights are merged by `peft`, on copies of the adapted layers alone, so that the merged tensors are read
like those of any other checkpoint, with every key checked.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sertools.errors import ModelError, foreign
from sertools.files import read_json
from sertools.models.checkpoints.hub.files import folder_of
from sertools.models.checkpoints.label_names import names_in_order
from sertools.models.checkpoints.settings import check_numbers, check_settings
from sertools.models.checkpoints.weights.files import weight_files, weight_tensors
from sertools.models.checkpoints.weights.tensors import tensors_in
from sertools.models.checkpoints.weights.unread import listed

if TYPE_CHECKING:
    import torch

SETTINGS = "adapter_config.json"
WEIGHTS = ("adapter_model.safetensors", "adapter_model.bin")

PREFIX = "base_model.model."
"""Of all keys of an adapter."""

MARKS = ("lora_", "ia3_", "hada_", "lokr_", "oft_", "boft_", "vera_", "hra_", "vblora_", "fourierft_")
"""Parts of the keys of adapted layers; the other keys are layers that were saved whole."""

UNCHANGED_BASE = (True, False, "gaussian", "eva", "orthogonal")
"""Values of `init_lora_weights` with which the base keeps its own weights."""

NOT_OURS = ("modules_to_save", "layers_to_transform", "layers_pattern", "exclude_modules", "task_type")
"""Settings that say which layers are adapted; the keys of the weights say it too."""


@dataclass(frozen=True, kw_only=True)
class Adapter:
    """An adapter and its base.

    Attributes:
        folder: of the adapter
        base: folder of the checkpoint that it adapts
        source: how the adapter names that checkpoint
        kind: of the adapter, such as LORA
    """

    folder: Path
    base: Path
    source: str
    kind: str

    @property
    def files(self) -> list[Path]:
        """The files of the adapter that decide predictions; those of the base come on top."""
        return [self.folder / SETTINGS, _weights(self.folder)]

    @property
    def note(self) -> str:
        """A sentence for the report."""
        return f"A {self.kind} adapter was merged into its base, {self.source}."


def adapter_in(folder: Path, *, trust_remote_code: bool) -> Adapter | None:
    """The adapter in a folder, with its base checked; None if the folder holds a whole checkpoint.

    Raises:
        ModelError: the settings cannot be read or name no base, or there is no such base
    """
    path = folder / SETTINGS
    if not path.exists():
        return None
    content = _content(path)
    named = content.get("base_model_name_or_path")
    if not isinstance(named, str) or not named:
        raise ModelError(
            f"{path} is of an adapter without a base: base_model_name_or_path is missing",
            hint="write the checkpoint that was adapted into it, or merge the adapter and name the whole",
        )
    revision = content.get("revision")
    local = folder / named
    spec = str(local) if local.is_dir() else f"{named}@{revision}" if revision else named
    try:
        base, _ = folder_of(spec, trust_remote_code=trust_remote_code)
    except ModelError as error:
        raise ModelError(
            f"{folder} is an adapter of {named}, which cannot be loaded: {error.message}", hint=error.hint
        ) from error
    if (base / SETTINGS).exists():
        raise ModelError(
            f"{folder} is an adapter of {named}, which is an adapter itself", hint="merge that first"
        )
    check_settings(base, trust_remote_code=trust_remote_code)
    return Adapter(folder=folder, base=base, source=named, kind=str(content.get("peft_type", "PEFT")))


def merged_tensors(adapter: Adapter) -> dict[str, "torch.Tensor"]:
    """All tensors of the base with the adapter merged into them, and the layers that it saved whole.

    Raises:
        ModelError: peft is not installed or cannot merge this kind, or a key fits no layer of the base
    """
    given = {key.removeprefix(PREFIX): t for key, t in tensors_in(_weights(adapter.folder)).items()}
    tensors = weight_tensors(adapter.base)
    prefix = _prefix(given, tensors)
    whole = {key: tensor for key, tensor in given.items() if not any(mark in key for mark in MARKS)}
    layers = {key: tensor for key, tensor in given.items() if key not in whole}
    found = dict(tensors)
    if layers:
        found |= _merged(adapter, layers, tensors, prefix)
    for key, tensor in whole.items():
        name = key.replace(".modules_to_save", "").replace(".base_layer", "")
        inside = name.removeprefix(prefix)
        # a layer that the base lacks, such as the head, keeps its name
        found[inside if inside in tensors else name] = tensor
    return found


def with_labels(
    config: Any, tensors: "Mapping[str, torch.Tensor]", adapter: Adapter, labels: Sequence[str]
) -> Any:
    """The configuration of the base, with as many outputs as a native head that the adapter brings.

    Args:
        config: of the base
        tensors: from `merged_tensors`
        adapter: whose own config.json, if it has one, names the outputs
        labels: names that the user gives; they come first

    Raises:
        ModelError: the head has other outputs than the base, and nobody names them
    """
    own = adapter.folder / "config.json"
    content = read_json(own, error=ModelError, what="the settings of an adapter") if own.is_file() else {}
    stated = list(labels) or names_in_order(content if isinstance(content, dict) else {}, own)
    count = len(tensors["classifier.weight"]) if "classifier.weight" in tensors else 0
    if not stated and count not in {0, config.num_labels}:
        raise ModelError(
            f"the head in {adapter.folder} has {count} outputs, but neither it nor its base names them",
            hint="name them in their order: --labels anger,…",
        )
    if stated and count:
        config.id2label = dict(enumerate(stated)) if len(stated) == count else dict.fromkeys(range(count), "")
        config.label2id = {name: i for i, name in config.id2label.items()}
    return config


def _content(path: Path) -> dict[str, Any]:
    """The settings of an adapter, checked."""
    content = read_json(path, error=ModelError, what="the settings of an adapter")
    if not isinstance(content, dict):
        raise ModelError(f"{path} does not contain a JSON object")
    check_numbers(content, str(path))
    if content.get("megatron_config"):
        raise ModelError(f"{path} names code of Megatron, which is not run here")
    start = content.get("init_lora_weights", True)
    if start not in UNCHANGED_BASE:
        raise ModelError(
            f"{path}: init_lora_weights is {str(start)[:40]!r}, which changes the weights of the base",
            hint="convert the adapter to plain LoRA, or merge it and name the whole checkpoint",
        )
    return content


def _weights(folder: Path) -> Path:
    """The file with the weights of an adapter."""
    found = next((folder / name for name in WEIGHTS if (folder / name).is_file()), None)
    if found is None:
        raise ModelError(f"{folder} has no {WEIGHTS[0]}", hint="download or copy it too")
    return found


def _prefix(given: "Mapping[str, torch.Tensor]", tensors: "Mapping[str, torch.Tensor]") -> str:
    """What the names of layers in the adapter have in front of those in the base: `wav2vec2.`, or nothing.

    An adapter that was trained with a head on a bare encoder names its layers below the encoder.
    """
    layer = next((_layer(key) for key in given if _layer(key)), "")
    first = layer.partition(".")[0] + "."
    inside = f"{layer.removeprefix(first)}.weight"
    return first if f"{layer}.weight" not in tensors and inside in tensors else ""


def _layer(key: str) -> str:
    """The layer that a key of an adapter adapts; empty for a layer that was saved whole.

    >>> _layer("encoder.layers.0.q_proj.lora_A.weight"), _layer("classifier.weight")
    ('encoder.layers.0.q_proj', '')
    """
    parts = key.split(".")
    i = next((i for i, part in enumerate(parts) if part.startswith(MARKS)), 0)
    return ".".join(parts[:i])


def _merged(
    adapter: Adapter,
    given: "Mapping[str, torch.Tensor]",
    tensors: "Mapping[str, torch.Tensor]",
    prefix: str,
) -> dict[str, "torch.Tensor"]:
    """The tensors of the adapted layers, by their keys in the base."""
    peft = _peft()
    names = sorted({_layer(key) for key in given})
    absent = [name for name in names if f"{name.removeprefix(prefix)}.weight" not in tensors]
    if absent:
        raise ModelError(
            f"{adapter.folder} adapts layers that its base {adapter.source} lacks: {listed(absent)}",
            hint="name the base on which it was trained as base_model_name_or_path",
        )
    layers = _copies(dict.fromkeys(names, tensors), prefix)
    said = f"peft cannot merge the adapter in {adapter.folder}"
    with foreign(said, ModelError), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wrapped = peft.get_peft_model(layers, _config(peft, adapter, names))
        read = peft.set_peft_model_state_dict(wrapped, {f"{PREFIX}{key}": t for key, t in given.items()})
        unread = [*read.unexpected_keys, *(k for k in read.missing_keys if any(m in k for m in MARKS))]
        if unread:
            raise ModelError(f"{adapter.folder} has keys that do not fit: {listed(sorted(unread))}")
        if not hasattr(wrapped, "merge_and_unload"):
            raise ModelError(f"an adapter of the kind {adapter.kind} cannot be merged into weights")
        whole = wrapped.merge_and_unload()
    return {key.removeprefix(prefix): tensor.detach() for key, tensor in whole.state_dict().items()}


def _peft() -> Any:
    try:
        import peft
    except ImportError as error:
        raise ModelError("an adapter needs peft, which is not installed", hint="pip install peft") from error
    return peft


def _config(peft: Any, adapter: Adapter, names: list[str]) -> Any:
    """The settings of the adapter, for these layers alone."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        config = peft.PeftConfig.from_pretrained(str(adapter.folder))
    unknown = [str(each.message) for each in said if "nexpected keyword" in str(each.message)]
    if unknown:
        raise ModelError(
            f"{adapter.folder / SETTINGS} has settings that the installed peft does not know: {unknown[0]}",
            hint="pip install --upgrade peft",
        )
    for name in NOT_OURS:
        if hasattr(config, name):
            setattr(config, name, None)
    if hasattr(config, "init_lora_weights"):
        config.init_lora_weights = False
    config.target_modules, config.inference_mode = names, True
    return config


def _copies(layers: "Mapping[str, Mapping[str, torch.Tensor]]", prefix: str) -> Any:
    """A module with nothing but copies of some layers of the base, under their names in the adapter."""
    import torch
    from torch import nn

    root = nn.Module()
    for name, tensors in layers.items():
        key = name.removeprefix(prefix)
        weight, bias = tensors[f"{key}.weight"].float(), tensors.get(f"{key}.bias")
        outputs, inputs = weight.shape[:2]
        if weight.ndim == 2:
            layer: Any = nn.Linear(inputs, outputs, bias=bias is not None)
        elif weight.ndim == 3:
            layer = nn.Conv1d(inputs, outputs, weight.shape[2], bias=bias is not None)
        else:
            raise ModelError(
                f"the adapted layer {key} has weights of {weight.ndim} axes, which are not merged"
            )
        with torch.no_grad():
            layer.weight.copy_(weight)
            if bias is not None:
                layer.bias.copy_(bias.float())
        *parents, last = name.split(".")
        place = root
        for parent in parents:
            if not hasattr(place, parent):
                place.add_module(parent, nn.Module())
            place = getattr(place, parent)
        place.add_module(last, layer)
    return root


def base_files(adapter: Adapter) -> list[Path]:
    """The files of the base that decide predictions."""
    settings = [adapter.base / name for name in ("config.json", "preprocessor_config.json")]
    return [*(path for path in settings if path.is_file()), *weight_files(adapter.base)]
