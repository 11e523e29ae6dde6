"""The names of a checkpoint's outputs: `id2label` and `label2id` of its config.json."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sertools.errors import ModelError
from sertools.files import read_json
from sertools.models.checkpoints.described_heads import layout_named
from sertools.models.checks import names
from sertools.models.model import Task
from sertools.models.task import task_of

if TYPE_CHECKING:
    from sertools.models.checkpoints.heads import Network

_PLACEHOLDER = re.compile(r"LABEL_\d+")
"""Names that transformers writes where nobody gave any; they contradict nothing."""

CURE = "correct config.json, or name the outputs in their order: --labels anger,neutral"


def outputs_of(
    network: "Network", config: Any, given: Sequence[str], folder: Path
) -> tuple[tuple[str, ...], Task]:
    """Labels and task; a bare encoder has no labels, whatever config.json names.

    Args:
        network: of the checkpoint
        config: of transformers
        given: names of the outputs, as named by the user; none for those of config.json
        folder: of the checkpoint

    Raises:
        ModelError: the outputs have no names, or a number of names that differs from theirs
    """
    path, layout = folder / "config.json", layout_named(network.layout)
    if not isinstance(config.id2label, dict) or set(config.id2label) != set(range(len(config.id2label))):
        raise ModelError(f"{path}: the keys of id2label are not 0, 1, 2, …")
    if network.layout == "none":
        return (), "encoder"
    if not given and path.is_file():
        content = read_json(path, error=ModelError, what="the settings of a checkpoint")
        check_label_names(content, path)
    stated = [str(config.id2label[i]) for i in range(len(config.id2label))]
    count = network.head.outputs if network.head is not None else len(stated)
    if layout.labels and len(stated) != count:
        stated = list(layout.labels)
    if len(stated) != count and not given:
        raise ModelError(
            f"the head in {folder} has {count} outputs, but config.json names {len(stated)} labels: "
            f"{', '.join(stated)}",
            hint="list the labels in output order as id2label in config.json, or name them: --labels anger,…",
        )
    labels = names(given, stated, count, str(folder))
    return labels, layout.task or task_of(config.problem_type, labels)


def check_label_names(content: Mapping[str, Any], path: Path) -> None:
    """Refuses a config.json whose `id2label` and `label2id` give an output different names.

    Raises:
        ModelError: they contradict each other

    >>> check_label_names({"id2label": {"0": "anger"}, "label2id": {"Anger": 0}}, Path("config.json"))
    """
    by_number, by_name = content.get("id2label"), content.get("label2id")
    if not isinstance(by_number, dict) or not isinstance(by_name, dict):
        return
    stated = {str(number): str(name) for number, name in by_number.items()}
    if _only_placeholders(stated.values()) or _only_placeholders(by_name):
        return
    for name, number in by_name.items():
        other = stated.get(str(number).strip())
        if other is None or other.strip().casefold() != name.strip().casefold():
            theirs = f"names output {number} {other!r}" if other is not None else f"has no output {number}"
            raise ModelError(
                f"{path} contradicts itself: label2id says that output {number} is {name!r}, but id2label "
                f"{theirs}",
                hint=CURE,
            )


def names_in_order(content: Mapping[str, Any], path: Path) -> list[str]:
    """The names in `id2label` in the order of the outputs; empty if it is absent or holds placeholders only.

    Raises:
        ModelError: its keys are not 0, 1, 2, …

    >>> names_in_order({"id2label": {"1": "neutral", "0": "anger"}}, Path("config.json"))
    ['anger', 'neutral']
    """
    stated = content.get("id2label")
    if stated is None:
        return []
    wanted = [str(i) for i in range(len(stated))] if isinstance(stated, dict) else []
    if not isinstance(stated, dict) or {str(number) for number in stated} != set(wanted):
        raise ModelError(f"{path}: the keys of id2label are not 0, 1, 2, …")
    found = {str(number): str(name) for number, name in stated.items()}
    return [] if _only_placeholders(found.values()) else [found[number] for number in wanted]


def _only_placeholders(stated: Any) -> bool:
    return all(_PLACEHOLDER.fullmatch(str(name)) for name in stated)
