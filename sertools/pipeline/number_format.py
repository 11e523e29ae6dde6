"""Finds the audits of a model in bf16 whose verdicts depend on the number format, to repeat in fp32.

Where `--precision auto` chose bf16, an audit is run twice more, on predictions that are moved as far as the
comparison with fp32 allows: each by a random amount up to the largest difference seen, all of a label by the
largest mean difference, to either side, and the share of clips that may differ by more by twice the
tolerance. How far a finding moves in these two runs is the bound of what the number format does to it. An
audit in which a verdict changes, or has a finding that is within this bound of the limit, on whichever side,
is computed in fp32, on the whole corpus, and its results are those of fp32. This depends on the audit alone,
so no other audit of a run changes its numbers.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd

from sertools.auditing import run as auditing
from sertools.auditing.audit import PlannedAudit
from sertools.inference.precision import TOLERANCE, AnyModel, chooses_precision
from sertools.inference.settings import Settings
from sertools.labels import DIMENSIONS
from sertools.pipeline.kept import results as kept_results
from sertools.randomness import identity_rng
from sertools.results.collection import Results
from sertools.results.keys import FindingKey
from sertools.results.result import Finding, Result, Verdict
from sertools.results.verdicts.gate import judge
from sertools.tables.tables import Tables
from sertools.wording import plural

REASON = "a verdict of this audit depends on the number format"
"""The reason for fp32 in the results of an audit that is computed again."""

MOVES = ("precision_shift", "precision_difference", "precision_exceeding")
"""Facts on a model that say how far predictions are moved."""

ENDS = ("value", "low", "high", "low_90", "high_90")
"""Numbers of a finding that its verdict depends on."""

SHOWN = 5
"""Number of findings that a note names."""


def is_bf16_by_choice(facts: Mapping[str, Any]) -> bool:
    """Whether a model, by its facts, runs in bf16 because a comparison with fp32 allowed it."""
    return facts.get("precision") == "bf16" and "precision_exceeding" in facts


def in_fp32(model: AnyModel) -> AnyModel:
    """The model in fp32, with the reason among its facts."""
    assert chooses_precision(model)
    return cast(AnyModel, model.with_precision("fp32", precision_reason=REASON))


def doubtful_audits(
    audits: Sequence[PlannedAudit],
    tables: Tables,
    results: Sequence[Result],
    facts: Mapping[str, Any],
    settings: Settings,
) -> dict[int, list[FindingKey]]:
    """Position of each audit with doubtful verdicts → their findings; see `doubtful_verdicts`.

    Empty unless the model runs in bf16 by choice. What was found in an earlier run is kept.
    """
    if not is_bf16_by_choice(facts):
        return {}
    found = {
        i: _kept_or_found(planned, tables, result, facts, settings)
        for i, (planned, result) in enumerate(zip(audits, results, strict=True))
    }
    return {i: keys for i, keys in found.items() if keys}


def _kept_or_found(
    planned: PlannedAudit, tables: Tables, result: Result, facts: Mapping[str, Any], settings: Settings
) -> list[FindingKey]:
    """`doubtful_verdicts`, kept from an earlier run, or found and kept."""
    judged = _verdicts(result)
    if not _can_depend(planned, tables, judged):
        return []
    if not kept_results.can_be_kept(planned):
        return doubtful_verdicts(planned, tables, result, facts, settings.seed)
    verdicts = [(key.name, key.target, key.slice, verdict.value) for key, verdict in judged.items()]
    moves = [facts[name] for name in MOVES]
    about = ["number format", kept_results.of_files([Path(__file__)]), moves, verdicts]
    key = kept_results.fingerprint(planned, tables, settings.seed, about)
    known = None if settings.fresh else kept_results.read_doubts(settings.root, planned, key)
    if known is None:
        known = doubtful_verdicts(planned, tables, result, facts, settings.seed)
        kept_results.keep_doubts(settings.root, planned, key, known)
    return known


def _can_depend(planned: PlannedAudit, tables: Tables, judged: Mapping[FindingKey, Verdict]) -> bool:
    """Whether verdicts can depend on predictions: only those are compared with fp32, not layers or frames."""
    return bool(judged and not planned.reads_layers and tables.predictions)


def merged(results: Results, exact: Results, doubts: Mapping[int, list[FindingKey]]) -> Results:
    """Results in which those of doubtful audits are replaced by their results in fp32.

    Args:
        results: of all audits, in bf16
        exact: of the doubtful audits, in fp32, in the same order
        doubts: position of each doubtful audit → its findings
    """
    replaced = {
        i: _with_note(new, results[i], keys) for (i, keys), new in zip(doubts.items(), exact, strict=True)
    }
    return Results(
        [replaced.get(i, result) for i, result in enumerate(results)], {**results.answers, **exact.answers}
    )


def doubtful_verdicts(
    planned: PlannedAudit, tables: Tables, result: Result, facts: Mapping[str, Any], seed: int
) -> list[FindingKey]:
    """The judged findings whose verdict changes if predictions are moved as far as the comparison allows.

    Also those that are as near to their limit as they move: a random move in one direction may be undone by
    another, such as that of an interval by a clip that is now right. Empty for audits that read layers or
    frames: only predictions are compared with fp32.

    Args:
        planned: the audit
        tables: what it read
        result: what it gave
        facts: facts about the model, with those on the choice of its number format
        seed: random seed
    """
    judged = _verdicts(result)
    if not _can_depend(planned, tables, judged):
        return []
    found: set[FindingKey] = set()
    moves: list[dict[FindingKey, Finding]] = []
    for sign in (-1.0, 1.0):
        moved = {
            condition: shifted(scores, condition, sign, facts)
            for condition, scores in tables.predictions.items()
        }
        again = auditing.run(planned, tables.with_predictions(moved), seed=seed)
        verdicts = _verdicts(again)
        found |= {key for key, verdict in judged.items() if verdicts.get(key) != verdict}
        moves.append({f.key: f for f in again.findings})
    for finding in result.findings:
        if finding.key in judged and within_reach(
            finding, [m[finding.key] for m in moves if finding.key in m]
        ):
            found.add(finding.key)
    return [key for key in judged if key in found]


def within_reach(finding: Finding, moved: Sequence[Finding]) -> bool:
    """Whether the verdict of a finding changes if all its numbers move as far as one of them does.

    Args:
        finding: judged by its limit
        moved: the same finding of moved predictions
    """
    before = {end: getattr(finding, end) for end in ENDS}
    far = max(
        (
            abs(value - getattr(other, end))
            for other in moved
            for end, value in before.items()
            if value is not None and getattr(other, end) is not None
        ),
        default=0.0,
    )
    if finding.limit is None or not far > 0:
        return False
    for sign in (-1, 1):
        ends = {end: None if value is None else value + sign * far for end, value in before.items()}
        again = judge(finding.model_copy(update={**ends, "verdict": Verdict.NONE}), finding.limit)
        if again.verdict is not finding.verdict:
            return True
    return False


def _verdicts(result: Result) -> dict[FindingKey, Verdict]:
    """Verdicts of the findings that a limit judged."""
    decided = (Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE)
    return {f.key: f.verdict for f in result.findings if f.limit is not None and f.verdict in decided}


def shifted(scores: pd.DataFrame, condition: str, sign: float, facts: Mapping[str, Any]) -> pd.DataFrame:
    """Predictions moved as far as the comparison of bf16 with fp32 allows.

    What is drawn depends on the condition and the ids of the clips, not on the order of rows. Scores of
    classes that were probabilities stay so.

    Args:
        scores: predictions in bf16, one row per clip
        condition: the condition of the audio
        sign: −1 or 1, the side to which all predictions of a dimension are moved, and those of every second
            class; those of the other classes go to the other side
        facts: facts about the model: `precision_difference`, `precision_shift`, `precision_exceeding`
    """
    ordered = scores.sort_index()
    values = ordered.to_numpy(dtype=np.float64)
    rng = identity_rng(0, "number format", condition)
    classes = [i for i, name in enumerate(ordered) if name not in DIMENSIONS]
    side = np.full(len(ordered.columns), sign)
    side[classes[1::2]] *= -1
    moved = facts["precision_shift"] * side + facts["precision_difference"] * rng.uniform(-1, 1, values.shape)
    further = rng.random(len(values)) < facts["precision_exceeding"]
    moved[further] = 2 * TOLERANCE * side
    changed = values + moved
    if classes and np.nanmin(values[:, classes], initial=0.0) >= 0:
        before = values[:, classes].sum(axis=1, keepdims=True)
        after = np.maximum(changed[:, classes], 0.0)
        total = after.sum(axis=1, keepdims=True)
        changed[:, classes] = after * np.divide(before, total, out=np.ones_like(total), where=total > 0)
    frame = pd.DataFrame(changed, index=ordered.index, columns=ordered.columns)
    return frame.reindex(scores.index)


def _with_note(result: Result, before: Result, doubts: list[FindingKey]) -> Result:
    """The result in fp32, with a note on the verdicts that the number format could change, and those it did.

    Args:
        result: in fp32
        before: of the same audit in bf16
        doubts: from `doubtful_verdicts`
    """
    was, now = _verdicts(before), _verdicts(result)
    changed = [key for key in was if now.get(key, was[key]) != was[key]]
    named = ", ".join(key.label for key in doubts[:SHOWN])
    more = f" and {len(doubts) - SHOWN} more" if len(doubts) > SHOWN else ""
    words = [f"{key.label} from {was[key].value} to {now[key].value}" for key in changed[:SHOWN]]
    outcome = f"it changed {plural(len(changed), 'verdict')} ({'; '.join(words)})"
    note = (
        f"{plural(len(doubts), 'verdict')} could change by the rounding of bf16 ({named}{more}), so all "
        f"numbers of this audit are computed in fp32; {outcome if changed else 'it changed none'}."
    )
    return result.model_copy(update={"notes": [*result.notes, note]})
