"""The learning curves of a training, as a figure next to the weights."""

import io
from collections.abc import Mapping
from typing import Any

FILE = "train.svg"
"""Name of the figure in the folder of a checkpoint."""

WIDTH_IN, HEIGHT_IN = 7.0, 2.8
"""Size of the panels of one phase, in inches."""

SHORT = {"uar": "UAR", "ccc": "CCC", "f1": "F1", "mse": "MSE", "mae": "MAE", "rmse": "RMSE"}
"""Abbreviations in the keys of measures."""


def in_words(key: str) -> str:
    """The name of a measure by its key.

    >>> in_words("macro_f1"), in_words("ccc_arousal"), in_words("eval_uar")
    ('macro F1', 'CCC arousal', 'UAR')
    """
    words = key.removeprefix("eval_").split("_")
    return " ".join(SHORT.get(word, word) for word in words)


def drawn(curves: Mapping[str, Any]) -> bytes:
    """An SVG with two panels for each phase: the loss in training and on dev clips, and the dev measures.

    Text stays text, and the same curves give the same bytes.

    Args:
        curves: phase → `log`, a list of what was written down at each `step`, as in `train.json`
    """
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "curves", "font.size": 11}):
        figure = Figure(figsize=(WIDTH_IN, HEIGHT_IN * max(1, len(curves))), layout="constrained")
        axes = figure.subplots(max(1, len(curves)), 2, squeeze=False)
        for (name, phase), (left, right) in zip(curves.items(), axes, strict=False):
            _panel(left, phase["log"], {"loss": "training", "eval_loss": "dev"}, f"{name}: loss")
            _panel(right, phase["log"], _measures(phase["log"]), f"{name}: dev speakers")
            if phase.get("best_step"):
                right.axvline(phase["best_step"], color="0.6", linewidth=0.8, linestyle=":")
        _lay_out(figure)
        out = io.BytesIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return out.getvalue()


def _lay_out(figure: Any) -> None:
    """Arranges the panels once; matplotlib would draw all of it twice, the first time for the layout."""
    figure.get_layout_engine().execute(figure)
    figure.set_layout_engine(None)


def _measures(log: list[dict[str, Any]]) -> dict[str, str]:
    """Keys of the dev measures → their names; not the losses, which are in the other panel."""
    shown = [key for entry in log for key in entry if key.startswith("eval_") and key != "eval_loss"]
    return {key: in_words(key) for key in dict.fromkeys(shown)}


def _panel(axis: Any, log: list[dict[str, Any]], keys: Mapping[str, str], title: str) -> None:
    for key, label in keys.items():
        points = [(entry["step"], entry[key]) for entry in log if entry.get(key) is not None]
        if points:
            axis.plot(*zip(*points, strict=True), label=label, linewidth=1.2, marker=".", markersize=3)
    axis.set_title(title, fontsize=11)
    if axis.lines:
        axis.set_xlabel("updates")
        axis.locator_params(axis="x", integer=True, nbins=6)  # there is no half update
        axis.legend(frameon=False, fontsize=10)
    else:
        axis.set_axis_off()
        axis.text(0.5, 0.5, "not measured", ha="center", transform=axis.transAxes, color="0.5")
