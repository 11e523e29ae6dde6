"""Figures and the answer."""

from collections.abc import Sequence

from sertools.auditing.figures import interval_series
from sertools.auditing.phrases import counted
from sertools.metrics.better_than_chance import NOT_BETTER
from sertools.results.result import Figure, Finding, Limit
from sertools.results.terms.names import slice_words
from sertools.wording import listed

from .predictions import UNLABELLED, PerturbedPredictions


def figures(
    findings: Sequence[Finding], perturbed: Sequence[PerturbedPredictions], limits: Sequence[Limit]
) -> list[Figure]:
    """Figures of unchanged ratios and mean shifts of all perturbations.

    Args:
        findings: findings of the audit
        perturbed: the predictions for each target
        limits: limits of the audit; the one that all perturbations share is drawn as a band
    """
    drawn = []
    shared = _shared_limit(perturbed[0].perturbations, limits)
    band = None if shared is None else (shared, None)
    for name, title, label, tolerated, line in (
        ("unchanged_ratio", "Unchanged predictions by perturbation", "unchanged ratio", band, None),
        ("mean_shift", "Mean shift of the predictions by perturbation", "mean shift", None, 0.0),
    ):
        measured = [f for f in findings if f.name == name and f.value is not None]
        series = [
            interval_series([slice_words(f.slice) for f in own], own, target)
            for target in (each.clean.target for each in perturbed)
            if (own := [f for f in measured if f.target == target])
        ]
        if series:
            drawn.append(
                Figure(
                    name=name,
                    kind="interval",
                    title=title,
                    alt=f"{label.capitalize()} with 95 % interval for each perturbation and target.",
                    x_label=label,
                    series=series,
                    band=tolerated,
                    reference=line,
                )
            )
    return drawn


def _shared_limit(perturbations: Sequence[str], limits: Sequence[Limit]) -> float | None:
    """The limit of the unchanged ratio that all these perturbations share; None if they differ."""
    bounds = {limit.slice: limit.above for limit in limits if limit.name == "unchanged_ratio"}
    different = {bounds.get(name) for name in perturbations}
    return different.pop() if len(different) == 1 else None


def answer(findings: list[Finding], perturbed: Sequence[PerturbedPredictions]) -> str:
    """The averages, the largest effect, and which targets are not in them, because they cannot pass."""
    no_better = [each.clean.target for each in perturbed if NOT_BETTER in each.clean.reason]
    unlabelled = [each.clean.target for each in perturbed if each.clean.reason == UNLABELLED]
    left_out = (*no_better, *unlabelled, "dimensions")
    judged = [f for f in findings if f.value is not None and f.target not in left_out]
    averages = [f for f in judged if f.name == "mean_unchanged_ratio"]
    if not averages:
        return "Not judged: clean predictions are not shown to be better than a constant."
    ratios = ", ".join(f"{f.value:.1%} for {f.target}" for f in averages)
    least = min((f for f in judged if f.name == "unchanged_ratio"), key=lambda f: f.value or 0.0)
    name, _, level = least.slice.replace("_", " ").partition("@")
    at = "" if level == "drawn" else f" at {level}"
    largest = f"Largest effect: {name}{at}; {least.value:.1%} of {least.target} predictions stay unchanged."
    return (
        f"Averaged over {counted(len(perturbed[0].perturbations), 'perturbation')}, the unchanged ratio "
        f"is {ratios}. {largest if least.value != 1 else 'No prediction changes.'}"
        + _cannot_pass(no_better, "the clean predictions are not shown to be better than a constant")
        + _cannot_pass(unlabelled, "the corpus has no labels to judge them by")
    )


def _cannot_pass(targets: Sequence[str], why: str) -> str:
    """A sentence on targets for which staying unchanged is no merit; empty if there are none.

    >>> _cannot_pass(["valence"], "the corpus has no labels of it")
    ' Valence can fail but not pass: the corpus has no labels of it.'
    """
    names = listed(targets)
    return f" {names[:1].upper()}{names[1:]} can fail but not pass: {why}." if targets else ""
