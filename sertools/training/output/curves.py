"""The learning curves of a training, as a figure next to the weights."""

import io
from collections.abc import Mapping
from typing import Any

FILE = "train.svg"
"""Name of the figure in the folder of a checkpoint."""

WIDTH_IN, HEIGHT_IN = 7.0, 2.6
"""Size of the panels of one phase, in inches."""


def drawn(curves: Mapping[str, Any]) -> bytes:
    """An SVG with two panels for each phase: the loss in training and on dev clips, and the dev measures.

    Text stays text, and the same curves give the same bytes.

    Args:
        curves: phase → `log`, a list of what was written down at each `step`, as in `train.json`
    """
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "curves", "font.size": 9}):
        figure = Figure(figsize=(WIDTH_IN, HEIGHT_IN * max(1, len(curves))), layout="constrained")
        axes = figure.subplots(max(1, len(curves)), 2, squeeze=False)
        for (name, phase), (left, right) in zip(curves.items(), axes, strict=False):
            _panel(left, phase["log"], {"loss": "training", "eval_loss": "dev"}, f"{name}: loss")
            _panel(right, phase["log"], _measures(phase["log"]), f"{name}: dev speakers")
            if phase.get("best_step"):
                right.axvline(phase["best_step"], color="0.6", linewidth=0.8, linestyle=":")
        out = io.BytesIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return out.getvalue()


def _measures(log: list[dict[str, Any]]) -> dict[str, str]:
    """Keys of the dev measures → their names; not the losses, which are in the other panel."""
    shown = [key for entry in log for key in entry if key.startswith("eval_") and key != "eval_loss"]
    return {key: key.removeprefix("eval_").replace("_", " ") for key in dict.fromkeys(shown)}


def _panel(axis: Any, log: list[dict[str, Any]], keys: Mapping[str, str], title: str) -> None:
    for key, label in keys.items():
        points = [(entry["step"], entry[key]) for entry in log if entry.get(key) is not None]
        if points:
            axis.plot(*zip(*points, strict=True), label=label, linewidth=1.2, marker=".", markersize=3)
    axis.set_title(title, fontsize=9)
    axis.set_xlabel("updates")
    if axis.lines:
        axis.legend(frameon=False, fontsize=7)
    else:
        axis.text(0.5, 0.5, "not measured", ha="center", transform=axis.transAxes, color="0.5")
