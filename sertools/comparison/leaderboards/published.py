"""Adds a published model to a comparison: its values on the same corpus, as measured by others."""

from collections.abc import Sequence

from sertools.comparison.runs import PUBLISHED, Measure, measure_of
from sertools.errors import GateError, nearest
from sertools.results.published import ser_tests
from sertools.results.result import Finding, Result

REASON = "published without an interval"


def published(model: str, measured: Sequence[Sequence[Result]]) -> tuple[str, list[Result]]:
    """Name and results of a published model: its values for findings that are in the measured results.

    The values have neither interval nor verdict, and the clips behind them are unknown.

    Args:
        model: name in the source, e.g. `w2v2-L-robust`
        measured: results of each run that it is compared with

    Raises:
        GateError: there is no such model, or none of its published values is in the measured results
    """
    if model not in ser_tests.models():
        raise GateError(f"no published model named {model!r}", hint=nearest(model, ser_tests.models()))
    ours: dict[str, tuple[Result, set[Measure]]] = {}
    for result in (result for results in measured for result in results):
        _, measures = ours.setdefault(result.audit, (result, set()))
        measures |= {measure_of(result.audit, finding) for finding in result.findings}
    found = []
    for audit, (result, measures) in ours.items():
        corpus = str(result.data.get("name", ""))
        values = [v for v in ser_tests.values(model, corpus) if Measure(audit, v.key) in measures]
        if values:
            found.append(_result(model, result, values))
    if not found:
        corpora = list(dict.fromkeys(str(result.data.get("name", "")) for result, _ in ours.values()))
        raise GateError(
            f"no published value of {model} matches these results on {', '.join(corpora)}",
            hint=f"it has values on {', '.join(ser_tests.corpora_of(model))}",
        )
    return f"{model} (published)", found


def _result(model: str, ours: Result, values: Sequence[ser_tests.Value]) -> Result:
    """The published values for one audit, under our names of findings."""
    data = list(dict.fromkeys(value.data for value in values))
    return Result(
        audit=ours.audit,
        question=ours.question,
        method="",
        answer=f"Published values of {model}.",
        model={
            "name": model,
            "licence": "published values: MIT",
            PUBLISHED: f"published by {ser_tests.SOURCE}, rounded there, on {', '.join(data)}; "
            "the corresponding clips of our corpus are unknown.",
        },
        data={"name": ours.data.get("name", ""), "simulated": ours.data.get("simulated", "")},
        findings=[
            Finding(name=v.name, target=v.target, slice=v.slice, value=v.value, n=0, reason=REASON)
            for v in values
        ],
        provenance={"source": f"{ser_tests.SOURCE}: {', '.join(data)}"},
    )
