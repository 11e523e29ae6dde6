"""Findings on the scores of probes, and on differences between models."""

from collections.abc import Sequence

from sertools.auditing.findings import finding, left_out
from sertools.probing.layers import BEST
from sertools.probing.targets import Target
from sertools.results.result import Finding, LeftOut
from sertools.statistics.jackknife import contrast
from sertools.tables.tables import Tables

from .probing import THIS, ModelProbes, ProbeResults


def findings_of_probes(
    tables: Tables, targets: Sequence[Target], results: ProbeResults
) -> tuple[list[Finding], list[Finding], list[LeftOut]]:
    """Scores on this model, differences to other models, and leave-one-speaker-out values."""
    findings: list[Finding] = []
    differences: list[Finding] = []
    without_speaker: list[LeftOut] = []
    for target in targets:
        for probes in results.probes:
            if probes.model == THIS:
                found, left = _scores(tables, target, probes)
                findings += found
                without_speaker += left
            else:
                own = results.of_this_model(probes.kind)
                differences += _differences(tables, target, own, probes)
    return findings, differences, without_speaker


def _scores(tables: Tables, target: Target, probes: ModelProbes) -> tuple[list[Finding], list[LeftOut]]:
    """The score of every input, the best layer's margin above chance, and leave-one-speaker-out values."""
    findings: list[Finding] = []
    without_speaker: list[LeftOut] = []
    clips = tables.clips.index
    for name, prediction in probes.by_target[target.name].inputs.items():
        measure, where = f"probe_{target.metric}", f"{probes.kind}, {name}"
        score = target.score(prediction, clips)
        findings.append(
            finding(measure, score, target=target.name, slice=where, by_speaker=target.by_speaker)
        )
        values = left_out(target.statistic, target.pairs(prediction, clips), tables, target=target.name)
        without_speaker += [each.model_copy(update={"name": measure, "slice": where}) for each in values]
        if name == BEST:
            chance = target.chance
            above = score.minus(chance)
            found = finding(
                "above_chance", above, target=target.name, slice=where, by_speaker=target.by_speaker
            )
            findings.insert(0, found)
    return findings, without_speaker


def _differences(tables: Tables, target: Target, own: ModelProbes, other: ModelProbes) -> list[Finding]:
    """By how much each input scores better with this model than with another one, paired by speaker."""
    found = []
    theirs = other.by_target[target.name].inputs
    for name, prediction in own.by_target[target.name].inputs.items():
        if name not in theirs:
            continue
        a, b = (target.pairs(each, tables.clips.index) for each in (theirs[name], prediction))
        found.append(
            finding(
                f"probe_{target.metric}_gain",
                contrast(target.statistic, a.truth, a.prediction, b.prediction, a.unit),
                target=target.name,
                slice=f"{own.kind}, {name}, minus {other.model}",
                by_speaker=target.by_speaker,
            )
        )
    return found
