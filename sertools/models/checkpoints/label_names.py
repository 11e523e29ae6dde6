"""The names of a checkpoint's outputs: `id2label` and `label2id` of its config.json."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sertools.errors import ModelError

_PLACEHOLDER = re.compile(r"LABEL_\d+")
"""Names that transformers writes where nobody gave any; they contradict nothing."""

CURE = "correct config.json, or name the outputs in their order: --labels anger,neutral"


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


def _only_placeholders(names: Any) -> bool:
    return all(_PLACEHOLDER.fullmatch(str(name)) for name in names)
