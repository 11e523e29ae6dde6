"""Records for Every Eval Ever, one for each model and corpus, in the schema 0.2.1 of that collection.

The record says who made the audits, `--by NAME`. Its interval is that of the finding; it respects speakers.
Schema: https://github.com/evaleval/every_eval_ever, `eval.schema.json`.
"""

import json
import re
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from sertools.comparison.leaderboards.exports import Named, Score, scores
from sertools.comparison.leaderboards.leaderboard import Entry
from sertools.errors import GateError
from sertools.results.provenance import fingerprint_of
from sertools.results.result import Result

DESCRIPTION = "records in the schema of Every Eval Ever; needs --by"

SCHEMA = "0.2.1"

RANGES = {"ccc": (-1, 1), "pcc": (-1, 1), "uar": (0, 1), "accuracy": (0, 1), "recall": (0, 1)}
"""Smallest and largest possible score, without which the schema does not call a score continuous."""


def check(named: Named) -> None:
    """Checks that the author of the audits is given.

    Raises:
        GateError: it is not
    """
    if not named.by:
        raise GateError("--export every-eval-ever needs who made the audits", hint="--by 'OUR LABORATORY'")


def files_of(model: str, entries: Sequence[Entry], named: Named) -> dict[str, str]:
    """The records of one model; none for a corpus without a score."""
    written = {}
    for entry in entries:
        found = scores(entry)
        if found:
            record = _record(model, entry, found, named)
            owner, _, name = model.rpartition("/")
            place = "/".join(_part(each) for each in (entry.corpus, owner or "unknown", name))
            identity = uuid.uuid5(uuid.NAMESPACE_URL, str(record["evaluation_id"]))
            written[f"{place}/{identity}.json"] = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
    return written


def _part(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip(".") or "unnamed"


def _record(model: str, entry: Entry, found: Sequence[Score], named: Named) -> dict[str, object]:
    results = list(entry.run.results.values())
    time = max(_epoch(result) for result in results)
    first = results[0]
    owner = model.rpartition("/")[0]
    versions = first.provenance.get("versions")
    version = versions.get("sertools") if isinstance(versions, dict) else None
    return {
        "schema_version": SCHEMA,
        "evaluation_id": f"sertools-{entry.corpus}/{model}/{time}",
        "evaluation_timestamp": str(time),
        "retrieved_timestamp": str(time),
        "source_metadata": {
            "source_name": "sertools leaderboard",
            "source_type": "evaluation_run",
            "source_organization_name": named.by,
            "evaluator_relationship": "other",
        },
        "eval_library": {"name": "sertools", "version": str(version or "unknown")},
        "model_info": {
            "name": str(first.model.get("name") or model),
            "id": model,
            **({"developer": owner} if owner else {}),
            "additional_details": _texts(first.model, ("kind", "revision", "precision", "parameters"))
            | {"fingerprint": fingerprint_of(first, "model_fingerprint")},
        },
        "evaluation_results": [_result(score, entry, named) for score in found],
    }


def _result(score: Score, entry: Entry, named: Named) -> dict[str, object]:
    finding, result = score.finding, entry.run.results[score.audit]
    bounds = RANGES.get(finding.name)
    details = {"audit": score.audit, "target": finding.target, "verdict": finding.decides.value}
    if finding.speakers is not None:
        details["speakers"] = str(finding.speakers)
    uncertainty: dict[str, object] = {"num_samples": finding.n}
    if finding.low is not None and finding.high is not None:
        uncertainty["confidence_interval"] = {
            "lower": finding.low,
            "upper": finding.high,
            "confidence_level": 0.95,
            "method": "respects speakers; see the documentation of sertools",
        }
    return {
        "evaluation_name": f"{score.audit}: {finding.label}",
        "source_data": _source(entry, result, named),
        "metric_config": {
            "evaluation_description": f"{finding.label} on {entry.corpus}",
            "lower_is_better": score.lower_is_better,
            **(
                {"score_type": "continuous", "min_score": bounds[0], "max_score": bounds[1]} if bounds else {}
            ),
        },
        "score_details": {"score": finding.value, "details": details, "uncertainty": uncertainty},
    }


def _source(entry: Entry, result: Result, named: Named) -> dict[str, object]:
    dataset = named.datasets.get(entry.corpus)
    return {
        "dataset_name": entry.corpus,
        **({"source_type": "hf_dataset", "hf_repo": dataset} if dataset else {"source_type": "other"}),
        "additional_details": _texts(result.data, ("version", "licence", "clips", "speakers", "simulated"))
        | {"fingerprint": fingerprint_of(result)},
    }


def _texts(facts: Mapping[str, object], keys: Sequence[str]) -> dict[str, str]:
    return {key: str(facts[key]) for key in keys if facts.get(key) not in (None, "")}


def _epoch(result: Result) -> int:
    """Seconds since 1970 at which the audit was made, as far as its file says; 0 if it does not."""
    date = str(result.provenance.get("date", ""))
    try:
        return int(datetime.strptime(date[:16], "%Y-%m-%d %H:%M").replace(tzinfo=UTC).timestamp())
    except ValueError:
        return 0
