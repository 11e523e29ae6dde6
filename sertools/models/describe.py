"""Describes a model: its source, input and output, its size, and its speed on this machine."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sertools.models.checkpoints.hub.card import licence
from sertools.models.checkpoints.layouts import LAYOUTS
from sertools.models.checks import noise
from sertools.models.model import ClipModel, Model, Signal, hears
from sertools.models.published.table import NOT_TRIED, of_source

TRIAL_S = 3.0
"""Length of the noise clip used to measure speed, in s."""

Rows = tuple[list[str], list[list[Any]]]


def inspect_model(model: Model | ClipModel) -> Rows:
    """Columns and rows (property, value) that describe a loaded model; unknown values are None.

    Speed is the median of three forward passes over 3 s of white noise, after one warm-up pass. Memory is
    that of the parameters at the precision in use, without activations.
    """
    facts = model.facts
    hearing = model if hears(model) else None
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
        ["commit on the hub", facts.get("revision")],
        ["architecture", facts.get("architecture")],
        ["parameters", parameters],
        ["memory of the parameters in MB", size and size / 1e6],
        ["labels", ", ".join(model.labels) or None],
        ["task", model.task],
        ["head", _head(facts)],
        ["pooling", _pooling(facts)],
        ["layers", layers and f"{layers[0]} of {layers[1]} values"],
        ["files read", ", ".join(getattr(model, "files", ())) or None],
        ["checkpoint keys read", getattr(model, "keys_read", None)],
        ["checkpoint keys not read", _unread(facts)],
        ["numbers in the tests", getattr(model, "compared_with", "") or None],
        ["numbers of this checkpoint", _listed(facts)],
        ["input", "audio" if hearing else "precomputed (by clip id)"],
        *([["rows", facts["rows"]]] if "rows" in facts else []),
        ["sampling rate in Hz", rate],
        ["shortest clip in samples", shortest],
        ["longest clip in samples", longest],
        ["windows", facts.get("window")],
        ["features", facts.get("features")],
        ["licence", facts.get("licence") or licence(Path(str(facts.get("source") or "-")))],
        ["device", facts.get("device")],
        ["precision", facts.get("precision")],
        ["reason for the precision", facts.get("precision_reason")],
        ["seconds of audio processed per second", speed],
        ["fingerprint", model.fingerprint],
        *(["note", note] for note in facts.get("notes", [])),
    ]
    return ["property", "value"], rows


def _clip_s(model: Model) -> float:
    """Length of the test clip in s: 3 s, limited to the range of lengths that the model accepts."""
    longest = getattr(model, "longest", None)
    most = TRIAL_S if longest is None else min(TRIAL_S, longest / model.sampling_rate)
    return float(max(most, model.shortest / model.sampling_rate))


def _clip(model: Model) -> Signal:
    samples = round(_clip_s(model) * model.sampling_rate)
    return noise(model.sampling_rate, _clip_s(model) + 1)[:samples].copy()


def _layers(model: Model) -> tuple[int, int] | None:
    """Number of layers and of values per layer; None if the model has no layers."""
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
    """Name of the head, with a description of its layout for transformers checkpoints."""
    head = facts.get("head")
    if not isinstance(head, str) or head not in LAYOUTS or "model_type" not in facts:
        return head
    return f"{head}: {LAYOUTS[head].description}"


def _pooling(facts: Mapping[str, Any]) -> str | None:
    """How the frames of a clip become one vector, if a head is applied to that."""
    if facts.get("head") == "native":
        return "that of the transformers class"
    return f"{facts['pooling']} over all frames" if "pooling" in facts else None


def _unread(facts: Mapping[str, Any]) -> str | None:
    """Keys of the checkpoint that were not read; None if nobody looked."""
    return ", ".join(facts["unexpected_keys"]) or "none" if "unexpected_keys" in facts else None


def _listed(facts: Mapping[str, Any]) -> str | None:
    """Whether the real weights were ever tried, for a checkpoint of `sertools list checkpoints`."""
    return NOT_TRIED if of_source(str(facts.get("source"))) else None
