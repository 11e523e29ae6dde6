"""Runs a planned audit on tables, which gives a result."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from sertools.auditing import ceilings
from sertools.auditing.audit import PlannedAudit
from sertools.auditing.contract import Needs, Outcome
from sertools.auditing.coverage import coverage_findings, findings_of_answered, left_out_clips, sentence
from sertools.auditing.findings import skipped, with_known_speakers
from sertools.auditing.phrases import standing_out, without_speakers
from sertools.errors import AuditError, code_of_user
from sertools.labels import DIMENSIONS
from sertools.randomness import identity_rng
from sertools.results.coverage import unanswered
from sertools.results.result import Finding, Missing, Result
from sertools.results.verdicts.details import watched
from sertools.results.verdicts.gate import judge_all
from sertools.tables.columns import CHECKPOINT
from sertools.tables.condition import CLEAN, PROMPT
from sertools.tables.tables import ModelData, Tables
from sertools.threads import one_thread

NEVER_TRAINED = "the network was never trained"


def tables_of(planned: PlannedAudit, own: ModelData, comparison: Mapping[str, ModelData]) -> Tables:
    """The tables that one audit reads: of the model and of the models that it is compared with.

    Sums over frames are only those of the audit's kind of cells and levels; the other models are the
    checkpoints that it names, or else those whose layers are compared. What only some audits need is given to
    these alone, so that the time a model takes, for one, does not change what the results of others are kept
    under.

    Args:
        planned: the audit
        own: the data of the audited model
        comparison: role → data of a comparison model
    """

    def chosen(data: ModelData) -> Tables:
        whole, needs = data.tables, planned.needs
        tables = replace(
            whole,
            running_cost=whole.running_cost if needs.running_cost else None,
            sound_quality=whole.sound_quality if needs.sound_quality else None,
            attacks=whole.attacks if needs.attacks else None,
        )
        needed = needs.frame_sums
        if needed is None:
            return tables
        found = data.frame_sums.get((needed.groups, needed.by), {})
        sums = {level: found[level] for level in needed.levels if level in found}
        if not needed.between_layers:
            sums = {level: replace(each, between={}) for level, each in sums.items()}
        return replace(tables, frame_sums=sums)

    wanted = {
        role: chosen(data)
        for role, data in comparison.items()
        if role.startswith(CHECKPOINT) == bool(planned.needs.models)
    }
    return replace(chosen(own), others=wanted)


def obstacle(needs: Needs, tables: Tables) -> str:
    """Why an audit cannot run on these tables; empty if it can."""
    absent = [c for c in needs.columns if c not in tables.clips or tables.clips[c].isna().all()]
    if absent:
        return f"the corpus has no column {', '.join(map(repr, absent))}"
    # before the conditions, which are not computed for an audit that lacks labels
    unlabelled = _without_labels(needs, tables)
    if unlabelled:
        return unlabelled
    absent = [str(c) for c in needs.conditions if str(c) not in tables.predictions]
    if absent and all(name.startswith(f"{PROMPT}@") for name in absent) and len(absent) > 1:
        return "the model takes no prompts, or there are no answers to the other prompts"
    if absent:
        more = f" and {len(absent) - 3} more" if len(absent) > 3 else ""
        return f"there are no predictions for {', '.join(absent[:3])}{more}"
    if needs.layers and (tables.layers is None or not tables.layers.n_layers):
        return "the model has no layers"
    if needs.frame_sums and not tables.frame_sums:
        return "the model has no layers with readable frames"
    return ""


def _without_labels(needs: Needs, tables: Tables) -> str:
    """Which labels an audit lacks; empty if it has them."""
    if needs.labels == "dimensions" and not tables.dimensions:
        return f"corpus and model share no dimension{_how_derived(tables)}"
    if needs.labels == "emotion" and not tables.classes:
        return "corpus and model share no emotion"
    if needs.labels == "either" and not tables.dimensions and not tables.classes:
        return f"corpus and model share neither a dimension nor an emotion{_how_derived(tables)}"
    if needs.labels == "predicted" and not tables.classes and not _predicts_dimension(tables):
        return "the model predicts no dimension and no emotion of the corpus"
    return ""


def _predicts_dimension(tables: Tables) -> bool:
    return bool(tables.predictions and tables.model_dimensions)


def _how_derived(tables: Tables) -> str:
    """That dimensions can be derived, where the corpus has emotions and the model predicts dimensions."""
    predicted = {column for scores in tables.predictions.values() for column in scores.columns}
    if "emotion" not in tables.clips or tables.clips["emotion"].isna().all():
        return ""
    if not predicted & set(DIMENSIONS):
        return ""
    return "; --derive-dimensions derives ratings from the emotions of the corpus"


def run(
    planned: PlannedAudit,
    tables: Tables,
    *,
    seed: int,
    model: Mapping[str, Any] | None = None,
    data: Mapping[str, Any] | None = None,
    provenance: Mapping[str, Any] | None = None,
) -> Result:
    """Run one audit; its findings are judged by its own limits and then by those of the plan.

    If something that the audit needs is missing, the result is a single skipped finding with the reason.
    Clips that the model did not answer count against it in the judged findings; the findings on the answered
    clips alone, and the coverage, are added.

    Args:
        planned: from `Audit.plan`
        tables: what the audit reads
        seed: random seed
        model: facts about the model, for the report
        data: facts about the corpus, for the report
        provenance: how the result came about, for the report

    Raises:
        AuditError: the audit changes its tables, returns something other than an outcome, or is one of the
            user and raises anything
    """
    facts = {"model": dict(model or {}), "data": dict(data or {})}
    origin = {"seed": seed, **(provenance or {})}
    if not planned.is_of_user:
        with one_thread():
            return _result(planned, tables, facts, origin)
    with one_thread(), code_of_user(f"audit {planned.name} failed ({planned.audit.path})"):
        result = _result(planned, tables, facts, origin)
        result.to_json()  # what cannot be written is found while the results of other audits are kept
        return result


def _result(
    planned: PlannedAudit,
    tables: Tables,
    facts: Mapping[str, dict[str, Any]],
    provenance: dict[str, Any],
) -> Result:
    """What `run` returns."""
    audit, seed = planned.audit, int(provenance["seed"])
    reason = obstacle(planned.needs, tables)
    if not reason:
        outcome = _outcome(planned, tables, seed)
    else:
        outcome = Outcome(answer=f"Not measured: {reason}.", findings=[skipped(audit.name, tables, reason)])
    findings, unanswered_words = _findings(planned, tables, outcome, seed)
    findings = ceilings.with_ceilings(watched(findings), tables)
    return Result(
        audit=audit.name,
        question=audit.question,
        asks=audit.asks,
        method=audit.method,
        answer="".join(
            [
                outcome.answer,
                ceilings.sentence(findings),
                without_speakers(findings),
                standing_out(findings),
                unanswered_words,
            ]
        ),
        model=facts["model"],
        data=facts["data"],
        options={name: list(v) if isinstance(v, tuple) else v for name, v in planned.settings.items()},
        findings=findings,
        tables=outcome.tables,
        figures=ceilings.with_ceilings_in_figures(outcome.figures, findings),
        dropped=[] if reason else left_out_clips(planned.needs, tables),
        missing=_missing(planned.needs, tables),
        notes=[*tables.notes, *outcome.notes],
        left_out=outcome.left_out,
        sounds=outcome.sounds,
        provenance=provenance,
    )


def _missing(needs: Needs, tables: Tables) -> list[Missing]:
    """The clips that are missing on clean audio or under a condition that the audit reads.

    The tables of a run also hold what is missing under the conditions of its other audits.
    """
    attacks = needs.attacks.conditions if needs.attacks else ()
    read = {CLEAN, *map(str, (*needs.conditions, *attacks))}
    rows = tables.missing.to_dict("records")
    return [Missing.model_validate(row) for row in rows if row["condition"] in read]


def _of_a_trained_model(findings: Sequence[Finding], tables: Tables) -> list[Finding]:
    """The findings; those of a network that was never trained say so, and pass no limit."""
    if not tables.never_trained:
        return list(findings)
    return [
        each.model_copy(
            update={
                "reason": "; ".join(filter(None, [each.reason, NEVER_TRAINED])),
                "reason_code": each.reason_code or "never_trained",
            }
        )
        for each in findings
    ]


def _findings(
    planned: PlannedAudit, tables: Tables, outcome: Outcome, seed: int
) -> tuple[list[Finding], str]:
    """The judged findings, those on the answered clips alone, and the coverage; a sentence on the latter."""
    made = with_known_speakers(_of_a_trained_model(outcome.findings, tables), tables)
    findings = judge_all(made, [*planned.audit.limits, *planned.limits])
    measured = any(finding.value is not None for finding in findings)
    coverage = coverage_findings(planned.needs, tables) if measured else []
    of_answered: list[Finding] = []
    if any(unanswered(finding) for finding in coverage):
        alone = _outcome(planned, replace(tables, leaves_out_unanswered=True), seed)
        of_answered = findings_of_answered(findings, alone)
    every = (*findings, *of_answered, *judge_all(coverage, planned.limits))
    return with_known_speakers(every, tables), sentence(coverage, of_answered)


def _outcome(planned: PlannedAudit, tables: Tables, seed: int) -> Outcome:
    """What the audit returns."""
    audit = planned.audit
    before = _digest(tables)
    outcome: Any = audit.function(tables, rng=identity_rng(seed, audit.name), **planned.settings)
    if _digest(tables) != before:
        raise AuditError(f"audit {audit.name} changed its input tables")
    if not isinstance(outcome, Outcome):
        raise AuditError(f"audit {audit.name} returned {type(outcome).__name__}, not an Outcome")
    odd = next((each for each in outcome.findings if not isinstance(each, Finding)), None)
    if odd is not None:
        raise AuditError(
            f"audit {audit.name} returned {type(odd).__name__} among its findings, not a Finding"
        )
    return outcome


def _digest(tables: Tables) -> tuple[object, ...]:
    """Equal for equal tables: text as it is, since Arrow never changes it in place, and numbers as a hash."""
    frames = [tables.clips, tables.missing, *tables.predictions.values()]
    return tuple(
        (tuple(f.columns), _held(f.index), *(_held(column) for _, column in f.items())) for f in frames
    )


def _held(values: "pd.Series[Any] | pd.Index[Any]") -> pa.ChunkedArray | bytes:
    """The text of a column or an index, shared with it, or a hash of its other values."""
    if isinstance(values.dtype, pd.StringDtype):
        return pa.chunked_array(pa.array(values))
    array = np.asarray(values)
    objects = array.dtype == object  # such as the lists that Parquet columns may hold
    content = repr(array.tolist()).encode() if objects else np.ascontiguousarray(array).view("u1").data
    return hashlib.blake2b(content, digest_size=16).digest()
