"""Findings on how many predictions stay unchanged, and why some of them are not judged."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from sertools.auditing.findings import doubted, finding, skipped
from sertools.metrics.better_than_chance import NOT_BETTER
from sertools.metrics.regression import BIAS
from sertools.metrics.unchanged import mean_share
from sertools.results.result import Finding, Limit
from sertools.results.verdicts.rules import matches
from sertools.statistics.jackknife import Estimate, estimate
from sertools.tables.tables import Tables

from .predictions import UNLABELLED, CleanPredictions, PerturbedPredictions


def unchanged_findings(
    tables: Tables,
    perturbed: Sequence[PerturbedPredictions],
    unavailable: Mapping[str, str],
    limits: Sequence[Limit],
) -> list[Finding]:
    """Findings for each target and perturbation, and averages over both.

    Args:
        tables: clips, and predictions for clean and perturbed audio
        perturbed: predictions for each target
        unavailable: perturbation → why it cannot be applied here
        limits: limits of the audit
    """
    labelled = [each for each in perturbed if each.clean.labelled]
    findings = [
        skipped("unchanged_ratio", tables, UNLABELLED, target=each.clean.target)
        for each in perturbed
        if not each.clean.labelled
    ]
    findings += [
        skipped("unchanged_ratio", tables, reason).model_copy(update={"slice": name})
        for name, reason in unavailable.items()
    ]
    for each in labelled:
        findings.append(_average([each], each.clean.target))
        for perturbation in each.perturbations:
            findings += _perturbation_findings(each, perturbation, limits)
    dimensions = [each for each in labelled if not each.clean.classes]
    if len(dimensions) > 1:
        findings.append(_average(dimensions, "dimensions"))
        findings += _averages_over_dimensions(dimensions)
    return findings


def finding_without_limit(
    name: str, value: Estimate, clean: CleanPredictions, where: str, target: str = ""
) -> Finding:
    """A finding that no limit of this audit judges; its target is that of the predictions by default."""
    return finding(name, value, target=target or clean.target, slice=where, by_speaker=clean.by_speaker)


def _perturbation_findings(
    perturbed: PerturbedPredictions, perturbation: str, limits: Sequence[Limit]
) -> Iterator[Finding]:
    """Unchanged ratio, scale-free ratio, change of the score and mean shift under one perturbation."""
    clean, k = perturbed.clean, perturbed.perturbations.index(perturbation)

    def judged(name: str, value: Estimate, coverage: float = 1.0) -> Finding:
        return _judgeable_finding(name, value, clean, perturbation, limits, coverage)

    yield judged("unchanged_ratio", mean_share(perturbed.unchanged[:, [k]], clean.unit, clean.units))
    if perturbed.scale_free is not None:
        scale_free = mean_share(perturbed.scale_free[:, [k]], clean.unit, clean.units)
        yield judged("scale_free_ratio", scale_free)
    if not clean.classes:
        before, after, clip = perturbed.stacked(perturbation)
        shift = estimate(BIAS, before, after, clean.unit[clip], clean.units)
        yield judged("mean_shift", replace(shift, n=len(np.unique(clip))), perturbed.coverage(perturbation))
    change = perturbed.change_of_score(perturbation)
    if change is not None:
        yield judged(f"change_of_{clean.statistic.name}", change)


def _average(perturbed: Sequence[PerturbedPredictions], target: str) -> Finding:
    """The unchanged ratio averaged over targets and over perturbations applicable to at least one clip."""
    clean = perturbed[0].clean
    every = np.concatenate([each.unchanged for each in perturbed], axis=1)
    applicable = np.isfinite(every).any(axis=0)
    average = mean_share(every[:, applicable], clean.unit, clean.units)
    if not applicable.all():
        names = [name for each in perturbed for name in each.perturbations]
        without = dict.fromkeys(name for name, has in zip(names, applicable, strict=True) if not has)
        reason = f"without {', '.join(without)}, which could not be applied to any clip"
        average = replace(average, reason="; ".join(filter(None, [average.reason, reason])))
    return finding_without_limit("mean_unchanged_ratio", average, clean, "all", target)


def _averages_over_dimensions(perturbed: Sequence[PerturbedPredictions]) -> list[Finding]:
    """The unchanged ratio of each perturbation, averaged over dimensions."""
    clean = perturbed[0].clean
    found = []
    for k, perturbation in enumerate(perturbed[0].perturbations):
        columns = np.stack([each.unchanged[:, k] for each in perturbed], axis=1)
        average = mean_share(columns, clean.unit, clean.units)
        found.append(
            finding_without_limit("mean_unchanged_ratio", average, clean, perturbation, "dimensions")
        )
    return found


def _judgeable_finding(
    name: str,
    value: Estimate,
    clean: CleanPredictions,
    perturbation: str,
    limits: Sequence[Limit],
    coverage: float,
) -> Finding:
    """The finding; its limit is not passed if the clean predictions meet it trivially."""
    made = finding(name, value, target=clean.target, slice=perturbation, by_speaker=clean.by_speaker)
    limit = next((limit for limit in reversed(limits) if matches(limit, made)), None)
    judged = finding(
        name,
        value,
        target=clean.target,
        slice=perturbation,
        by_speaker=clean.by_speaker,
        withheld=_not_better(clean) if limit else "",
        coverage=coverage,
    )
    return doubted(judged, _trivially_met(name, clean, limit)) if limit else judged


def _not_better(clean: CleanPredictions) -> str:
    """Why the clean predictions are not shown to beat a constant; empty if they are."""
    if NOT_BETTER not in clean.reason:
        return ""
    return f"predictions do not vary: {clean.reason}" if clean.equal_pairs == 1 else clean.reason


def _trivially_met(name: str, clean: CleanPredictions, limit: Limit) -> str:
    """Why these predictions would meet a limit whatever they are worth; empty if they would not."""
    equal = clean.equal_pairs
    if name.startswith("change_of_") and clean.score + (limit.above or 0.0) <= clean.chance:
        return f"a clean score of {clean.score:.2f} is too low to drop that far"
    if equal >= (limit.above or 0.0 if name == "unchanged_ratio" else 0.95):
        return f"predictions hardly vary: {equal:.0%} of pairs of different clips get the same prediction"
    return ""
