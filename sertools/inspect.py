"""What a model is: where it comes from, what it hears and says, how large and how fast it is here."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sertools.model import ClipModel, Model
from sertools.models.answers import noise
from sertools.models.card import licence
from sertools.models.heads import LAYOUTS

TRIAL_S = 3.0
"""Length of the clip of noise that speed is measured on."""

Rows = tuple[list[str], list[list[Any]]]


def inspect_model(model: Model | ClipModel) -> Rows:
    """Columns and rows, property and value, of a loaded model; what is not known is None, with no guess.

    Speed is the median of three forward passes over 3 s of white noise, after one that pays for set-up.
    Memory is that of the parameters at the precision in use; activations come on top.
    """
    facts = model.facts
    hearing = model if isinstance(model, Model) else None
    layers = _layers(hearing) if hearing else None
    parameters = facts.get("parameters")
    width = {"bf16": 2, "fp64": 8}.get(str(facts.get("precision")), 4)
    size = facts.get("parameter_bytes") or (parameters * width if parameters else None)
    shortest = hearing.shortest if hearing else None
    longest = getattr(model, "longest", None)
    rate = hearing.sampling_rate if hearing else None
    speed = _clip_s(hearing) / _seconds(hearing) if hearing else None
    rows: list[list[Any]] = [
        ["name", model.name],
        ["kind", facts.get("kind")],
        ["source", facts.get("source")],
        ["architecture", facts.get("architecture")],
        ["parameters", parameters],
        ["memory of the parameters in MB", size and size / 1e6],
        ["labels", ", ".join(model.labels) or None],
        ["task", model.task],
        ["head", _head(facts)],
        ["layers", layers and f"{layers[0]} of {layers[1]} values"],
        ["keys that nothing reads", ", ".join(facts.get("unexpected_keys", [])) or None],
        ["hears", "sound" if hearing else "nothing: it answers by clip"],
        *([["rows", facts["rows"]]] if "rows" in facts else []),
        ["sampling rate in Hz", rate],
        ["shortest clip in samples", shortest],
        ["longest clip in samples", longest],
        ["features", facts.get("features")],
        ["licence", facts.get("licence") or licence(Path(str(facts.get("source") or "-")))],
        ["device", facts.get("device")],
        ["precision", facts.get("precision")],
        ["reason for the precision", facts.get("precision_reason")],
        ["seconds of sound per second", speed],
        ["fingerprint", model.fingerprint],
        *(["note", note] for note in facts.get("notes", [])),
    ]
    return ["property", "value"], rows


def _clip_s(model: Model) -> float:
    """Length of the trial clip: 3 s, or what the model hears where that is another length."""
    longest = getattr(model, "longest", None)
    most = TRIAL_S if longest is None else min(TRIAL_S, longest / model.sampling_rate)
    return float(max(most, model.shortest / model.sampling_rate))


def _clip(model: Model) -> np.ndarray:
    samples = round(_clip_s(model) * model.sampling_rate)
    return noise(model.sampling_rate, _clip_s(model) + 1)[:samples].copy()


def _layers(model: Model) -> tuple[int, int] | None:
    """Number of layers and values in each; None where the model has none."""
    layers = model.predict([_clip(model)], layers=True).layers
    return None if layers is None or 0 in layers.shape[1:] else (layers.shape[1], layers.shape[2])


def _seconds(model: Model) -> float:
    clip = _clip(model)
    model.predict([clip])
    taken = []
    for _ in range(3):
        began = time.perf_counter()
        model.predict([clip])
        taken.append(time.perf_counter() - began)
    return float(np.median(taken))


def _head(facts: Mapping[str, Any]) -> str | None:
    """Where the head was found, and for a checkpoint of transformers how it is read."""
    head = facts.get("head")
    return f"{head}: {LAYOUTS[head]}" if head in LAYOUTS and "model_type" in facts else head
