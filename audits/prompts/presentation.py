"""Sentences, tables and figures about prompts."""

import numpy as np

from sertools.auditing.figures import interval_series
from sertools.auditing.phrases import interval_text
from sertools.auditing.tables import Row
from sertools.results.result import Figure, Finding, Table
from sertools.results.terms.names import slice_words

from .design import Design
from .variance import FACTORS


def answer(findings: list[Finding]) -> str:
    """Effects of prompt and order, the bias towards the first option, and what the answers depend on."""
    by_name = {f.name: f for f in findings if f.slice == "all"}
    parts = []
    for factor, of in (("prompt", "the prompt"), ("order", "the order of the options")):
        worth = by_name.get(f"{factor}_range")
        if worth is not None and worth.value is not None:
            points = f"{100 * worth.value:.1f} points of UAR{_points(worth)}"
            parts.append(f"The choice of {of} is worth {points}.")
    bias = by_name.get("first_option_bias")
    if bias is not None and bias.value is not None:
        more = "more" if bias.value >= 0 else "less"
        parts.append(
            f"A class is the answer {100 * abs(bias.value):.1f} points {more} often where it is listed first."
        )
    shares = [
        f"{100 * found.value:.0f} % to the {name}"
        for name in FACTORS
        if (found := by_name.get(f"variance_of_{name}")) is not None and found.value is not None
    ]
    if shares:
        parts.append(f"The variance of the answers is due {', '.join(shares)}.")
    return " ".join(parts) or "Not measured: the answers do not vary."


def positions_table(design: Design) -> Table:
    """How often the answer is the option at each position of the list."""
    rows: list[Row] = []
    orders = design.answers.shape[1]
    for position in range(design.classes):
        listed = [(order + position) % design.classes for order in range(orders)]
        hits = [design.answers[:, order] == listed[order] for order in range(orders)]
        true = [design.truth == code for code in listed]
        rows.append([position + 1, float(np.mean(hits)), float(np.mean(true)), design.n])
    rows.append(["no usable answer", float(np.mean(design.answers == design.classes)), None, design.n])
    return Table(
        name="positions",
        title="Share of answers that are the option at each position of the list",
        columns=["position", "share of answers", "share in the truth", "clips"],
        rows=rows,
    )


def figures(findings: list[Finding]) -> list[Figure]:
    """UAR by prompt and by order, and the shares of the variance."""
    scores = [f for f in findings if f.name in {"uar_of_prompt", "uar_of_order"} and f.value is not None]
    shares = [f for f in findings if f.name.startswith("variance_of_") and f.value is not None]
    found = []
    if scores:
        found.append(
            Figure(
                name="uar_by_prompt",
                kind="interval",
                title="UAR by prompt and by order of the options",
                alt="; ".join(f"{slice_words(f.slice)}: {f.value:.2f}" for f in scores),
                x_label="UAR",
                series=[interval_series([slice_words(f.slice) for f in scores], scores)],
            )
        )
    if shares:
        names = [f.name.removeprefix("variance_of_") for f in shares]
        found.append(
            Figure(
                name="variance",
                kind="interval",
                title="What the variance of the answers is due to",
                alt="; ".join(f"{name}: {f.value:.2f}" for name, f in zip(names, shares, strict=True)),
                x_label="share of the variance",
                series=[interval_series(names, shares)],
            )
        )
    return found


def notes(design: Design) -> list[str]:
    """Number of questions, and which effects cannot be separated."""
    prompts, orders, repeats, n = design.answers.shape
    found = [
        f"{n} clips were asked {prompts * orders * repeats} times: prompts {prompts}, orders {orders}, "
        f"repetitions {repeats}. Order 1 lists {', '.join(design.names)}."
    ]
    if repeats < 2:
        found.append("No question was repeated, so the effect of the order includes that of repetition.")
    return found


def _points(worth: Finding) -> str:
    if worth.low is None or worth.high is None:
        return interval_text(worth)
    return f" [{100 * worth.low:.1f}, {100 * worth.high:.1f}]"
