"""The share of clips that the model answered, and its scores on the answered clips alone."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sertools.auditing.contract import Needs, Outcome
from sertools.auditing.phrases import counted
from sertools.results.coverage import COVERAGE, LIMIT, MIN_COVERAGE, OF_ANSWERED, unanswered
from sertools.results.result import Finding, Verdict
from sertools.results.verdicts.gate import judge
from sertools.tables.condition import CLEAN
from sertools.tables.pairs import known_speakers, predictions_of, scored_targets, truth_of, unanswered_clips
from sertools.tables.tables import Tables
from sertools.wording import listed

COUNTED = "a count, which has no interval"


def coverage_findings(needs: Needs, tables: Tables) -> list[Finding]:
    """The coverage of each target on clean audio, and under other conditions where it is incomplete.

    Below 95 % it fails; otherwise it is reported without a verdict. There are none for an audit that does not
    compare predictions with the truth, such as one that reads layers.

    Args:
        needs: what the audit reads
        tables: clips and predictions
    """
    if not needs.conditions or needs.layers or needs.frame_sums:
        return []
    found = []
    for target in _targets(needs, tables):
        for condition in dict.fromkeys(map(str, needs.conditions)):
            if condition not in tables.predictions:
                continue
            asked, answered = asked_clips(tables, target, condition)
            if not asked.any() or (condition != CLEAN and answered[asked].all()):
                continue
            share = float(answered[asked].mean())
            finding = Finding(
                name=COVERAGE,
                target=target,
                slice="all" if condition == CLEAN else condition,
                value=share,
                n=int(asked.sum()),
                speakers=known_speakers(tables.clips[asked]),
                exact=True,
                reason=COUNTED,
            )
            found.append(judge(finding, LIMIT) if share < MIN_COVERAGE else finding)
    return found


def asked_clips(tables: Tables, target: str, condition: str) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which clips the model was asked, and which clips it answered, both of shape (n,).

    A dimension that nobody rated is asked where an emotion says what to expect of it.
    """
    prediction = predictions_of(tables, target, condition)
    answered = np.isfinite(prediction)
    if target in scored_targets(tables):
        has_truth = np.isfinite(truth_of(tables, target))
    else:
        has_truth = tables.clips["emotion"].notna().to_numpy()
    return has_truth & (answered | unanswered_clips(tables, prediction, condition)), answered


@dataclass(frozen=True)
class ClipsUsed:
    """On how many clips a score is, in words: `42 of 81 clips`, and why others are left out."""

    clips: str
    left_out: str


def clips_used(tables: Tables, target: str) -> ClipsUsed:
    """On how many of all clips the scores of a target are, and why not on all.

    Args:
        tables: clips and predictions
        target: a rated dimension, or `emotion`
    """
    asked, _ = asked_clips(tables, target, CLEAN)
    if asked.all():
        return ClipsUsed(counted(len(asked), "clip"), "")
    labelled = tables.clips[target].notna().to_numpy()
    has_truth = np.isfinite(truth_of(tables, target))
    chosen = "closed set" if tables.open_answers else "model"
    reasons = {
        f"without {target}": ~labelled,
        f"with emotions that the {chosen} lacks": labelled & ~has_truth,
        "that could not be predicted": has_truth & ~asked,
    }
    parts = [f"{counted(n, 'clip')} {why}" for why, clips in reasons.items() if (n := int(clips.sum()))]
    verb = "is" if (~asked).sum() == 1 else "are"
    return ClipsUsed(f"{int(asked.sum())} of {len(asked)} clips", f" ({listed(parts)} {verb} left out)")


def left_out_clips(needs: Needs, tables: Tables) -> list[str]:
    """A sentence for each target whose scores are not on all clips, with the reasons; empty without scores.

    Args:
        needs: what the audit reads
        tables: clips and predictions
    """
    if not needs.conditions or needs.layers or needs.frame_sums or CLEAN not in tables.predictions:
        return []
    found = [(target, clips_used(tables, target)) for target in scored_targets(tables)]
    return [
        f"The scores of {target} are on {used.clips}{used.left_out}."
        + (_other_names(tables) if target == "emotion" else "")
        for target, used in found
        if used.left_out
    ]


def _other_names(tables: Tables) -> str:
    """A sentence on emotions that only the corpus, and that only the model has; empty unless both have some.

    They may be the same emotions under other names, of which a score on the rest would say nothing.
    """
    here, there = set(tables.clips["emotion"].dropna()), set(tables.model_classes)
    only_here, only_there = sorted(here - there), sorted(there - here)
    if tables.open_answers or not (only_here and only_there):
        return ""
    return (
        f" Only the corpus has {listed(only_here)}, only the model {listed(only_there)}: where two mean the "
        f"same, name them, as in --label-map {only_there[0]}=NAME."
    )


def findings_of_answered(judged: list[Finding], of_answered: Outcome) -> list[Finding]:
    """The findings on the answered clips alone that differ from the judged ones, without verdicts.

    Args:
        judged: findings in which unanswered clips count against the model
        of_answered: what the audit returns if these clips are left out
    """
    values = {finding.key: finding.value for finding in judged}
    return [
        finding.model_copy(
            update={"name": f"{finding.name}{OF_ANSWERED}", "verdict": Verdict.NONE, "limit": None}
        )
        for finding in of_answered.findings
        if finding.value is not None and values.get(finding.key) != finding.value
    ]


def sentence(coverage: list[Finding], of_answered: list[Finding]) -> str:
    """Unanswered clips, and the main scores on the others; empty if the model answered everything."""
    incomplete = [f for f in coverage if f.slice == "all" and unanswered(f)]
    if not incomplete:
        return ""
    parts = [f"{unanswered(f)} of {counted(f.n, 'clip')} ({f.target})" for f in incomplete]
    words = f" Not answered: {', '.join(parts)}; scores count these clips against the model."
    main = [
        f for f in of_answered if f.name in {f"ccc{OF_ANSWERED}", f"uar{OF_ANSWERED}"} and f.slice == "all"
    ]
    if main:
        scores = [f"{f.target} {f.name.removesuffix(OF_ANSWERED).upper()} {f.value:.2f}" for f in main]
        words += f" On the answered clips alone: {', '.join(scores)}."
    return words


def _targets(needs: Needs, tables: Tables) -> list[str]:
    """What is compared with a truth; for audits without required labels also what an emotion lets expect."""
    targets = scored_targets(tables)
    if needs.labels in {"none", "predicted"} and "emotion" in tables.clips:
        targets += [d for d in tables.model_dimensions if d not in targets]
    return targets
