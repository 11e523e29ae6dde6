"""How do models differ, finding by finding and speaker by speaker?

The first run is the one that all others are compared with. A difference is the value of a run minus that of
the first. It has a 95 % interval where both result files keep the value without each speaker (CCC and UAR)
and were measured on the same speakers of the same corpus: the jackknife with Student's t, each speaker left
out of both runs at once, as in `sertools gate --baseline`. Elsewhere the difference stands alone, with the
reason. Intervals are not adjusted for the number of differences.

A run's rank is one more than the number of runs whose interval lies wholly on the better side of its own, so
runs that overlap are tied. Which side is better is known from the measure, or from a limit with one bound;
what has neither is not ranked, nor is what was measured on different corpora. Overlap is cautious: a paired
difference may tell two runs apart that are tied.

Scores by speaker are those of the audit `speakers`: the mean of the draws where its protocol judges at least
five speakers of every run (Wagner et al. 2023, §4.7), else the score over all clips. Two runs agree by
Spearman's correlation, signed, over the speakers that both have; its interval is a bootstrap over speakers,
widened to Student's t. Fewer than five speakers in common have none.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from sertools import ci
from sertools.compare_speakers import Row, by_speaker
from sertools.errors import GateError
from sertools.metrics.intervals import MIN_UNITS
from sertools.result import Figure, Finding, Result, Series, Table, Verdict

AUDIT = "compare"
"""Stands in the place of the audit's name in the result of a comparison."""

COLUMNS = ("audit", "measure", "target", "slice")

NOT_KEPT = "the result files keep no values by speaker of it"

Key = tuple[str, str, str, str]
"""Audit, name, target and slice of a finding."""


@dataclass(frozen=True, kw_only=True)
class _Run:
    """One model's results, by audit, and their findings by key."""

    name: str
    results: Mapping[str, Result]
    findings: Mapping[Key, Finding]


def compare(runs: Sequence[tuple[str, Sequence[Result]]]) -> Result:
    """What differs between runs, as a result whose findings are differences and agreements.

    Tables: `verdicts` that are not the same everywhere, `ranks`, `speakers`, `agreement`, all `values` side
    by side with the differences, and their `intervals`; but for `values` only where they have rows.
    A finding's slice names its runs. No limit applies.

    Args:
        runs: name and results of each, the first being the one to compare with

    Raises:
        GateError: fewer than two runs, names that repeat or are headers, a run with two results of one
            audit, a comparison among the results, or no audit that two runs share
    """
    told = [_run(name, results) for name, results in runs]
    _check(told)
    keys = list(dict.fromkeys(key for run in told for key in run.findings))
    pairs = [_differences(told[0], run, keys) for run in told[1:]]
    heard = _heard(told)
    speakers, agreements, drawn = by_speaker(
        [run.name for run in heard], [run.results["speakers"] for run in heard]
    )
    # what is short and says most stands first
    tables = [_verdicts(told, keys), _ranks(told, keys), *speakers, _values(told, keys, pairs)]
    tables.append(_intervals(told, keys))
    return Result(
        audit=AUDIT,
        question=(__doc__ or "").splitlines()[0],
        method="\n".join((__doc__ or "").splitlines()[2:]),
        answer=_answer(told, keys, pairs),
        model={"name": listed([run.name for run in told]), "licence": _licences(told)},
        data=_data(told),
        findings=[*(f for found in pairs for f in found.values()), *agreements],
        tables=[table for table in tables if table.rows or table.name == "values"],
        figures=[figure for figure in (_scores(told, keys), *drawn) if figure.series],
        notes=_notes(told),
        provenance={run.name: _made(run) for run in told},
    )


def _run(name: str, results: Sequence[Result]) -> _Run:
    by_audit = {result.audit: result for result in results}
    if len(by_audit) < len(results):
        raise GateError(f"{name} has two results of one audit", hint="name one folder for each model")
    if AUDIT in by_audit:
        raise GateError(f"{name} holds a comparison, not the audits of a model")
    findings: dict[Key, Finding] = {}
    for result in results:
        for finding in result.findings:
            # whoever is the worst speaker of one model need not be that of another
            part = "speaker=*" if finding.slice.startswith("speaker=") else finding.slice
            findings.setdefault((result.audit, finding.name, finding.target, part), finding)
    return _Run(name=name, results=by_audit, findings=findings)


def _check(runs: Sequence[_Run]) -> None:
    if len(runs) < 2:
        raise GateError("one run is nothing to compare", hint="name the --out folders of two audits or more")
    names = [run.name for run in runs]
    if not tell_apart(names):
        raise GateError(f"the names of the runs are no names to tell them apart: {', '.join(names)}")
    if not any(a.results.keys() & b.results.keys() for a, b in combinations(runs, 2)):
        raise GateError(
            f"no two of {listed(names)} have an audit in common", hint="run the same audits on both"
        )


def tell_apart(names: Sequence[str]) -> bool:
    """Whether names can stand for runs: none is empty, none repeats, none is a header of a table."""
    reserved = ["", *COLUMNS, "limit", "better", "speaker", "run"]
    return len({*names, *reserved}) == len(names) + len(reserved)


def _elsewhere(one: Result, other: Result) -> str:
    """Why two results are not of the same clips, as far as their files say; empty where they are."""
    corpora = [str(result.data.get("name", "")) for result in (one, other)]
    if corpora[0] != corpora[1]:
        return f"the corpora are not the same: {corpora[0]} and {corpora[1]}"
    sounds = [result.provenance.get("corpus_fingerprint", ci.NOT_OPENED) for result in (one, other)]
    if ci.NOT_OPENED not in sounds and sounds[0] != sounds[1]:
        return f"the two corpora named {corpora[0]} differ in clips, labels or sound"
    return ""


def _differences(first: _Run, run: _Run, keys: Iterable[Key]) -> dict[Key, Finding]:
    """The value of a run minus that of the first, for every finding of either."""
    shared = [audit for audit in run.results if audit in first.results]
    paired = {audit: _paired(run.results[audit], first.results[audit]) for audit in shared}
    found = {}
    for key in keys:
        audit, name, target, part = key
        now, then = run.findings.get(key), first.findings.get(key)
        if now is None and then is None:
            continue
        value, low, high, reason = None, None, None, ""
        if now is None or then is None:
            reason = f"{(run if now is None else first).name} does not have it"
        elif now.value is None or then.value is None:
            reason = f"it is undefined in {(run if now.value is None else first).name}"
        elif key[1:] in paired[audit]:
            known = paired[audit][key[1:]]
            value, low, high, reason = known.value, known.low, known.high, known.reason
        else:
            value = now.value - then.value
            reason = _elsewhere(run.results[audit], first.results[audit])
            few = min(now.speakers or MIN_UNITS, then.speakers or MIN_UNITS) < MIN_UNITS
            reason = reason or (f"fewer than {MIN_UNITS} speakers" if few else NOT_KEPT)
        there = [finding for finding in (now, then) if finding is not None]
        counted = [finding.speakers for finding in there if finding.speakers is not None]
        against = f"{run.name} − {first.name}"
        found[key] = Finding(
            name=f"{audit}.{name}",
            target=target,
            slice=against if part == "all" else f"{against}, {part}",
            value=value,
            low=low,
            high=high,
            n=min(finding.n for finding in there),
            speakers=min(counted) if len(counted) == len(there) else None,
            verdict=Verdict.SKIPPED if value is None else Verdict.NONE,
            reason=reason,
        )
    return found


def _paired(now: Result, then: Result) -> dict[tuple[str, str, str], Finding]:
    """Differences of what both keep without each speaker, by the statistic of the gate's baseline."""
    kept = []
    for result in (now, then):
        defined = {(f.name, f.target, f.slice) for f in result.findings if f.value is not None}
        kept.append(defined & {(v.name, v.target, v.slice) for v in result.left_out})
    both = kept[0] & kept[1]
    if not both or _elsewhere(now, then):
        return {}
    halves = [
        result.model_copy(
            update={"left_out": [v for v in result.left_out if (v.name, v.target, v.slice) in both]}
        )
        for result in (now, then)
    ]
    # the tolerance only makes a limit, which a comparison does not use
    (found,) = ci.against(halves[:1], halves[1:], tolerance=1.0)
    changes = found.findings[len(now.findings) :]
    return {(f.name.removesuffix(ci.SUFFIX), f.target, f.slice): f for f in changes}


def _values(runs: Sequence[_Run], keys: Sequence[Key], pairs: Sequence[Mapping[Key, Finding]]) -> Table:
    columns = [*COLUMNS, *(run.name for run in runs)]
    for run in runs[1:]:
        against = f"{run.name} − {runs[0].name}"
        columns += [against, f"{against}, low", f"{against}, high"]
    rows: list[Row] = []
    for key in keys:
        differences = [found.get(key) for found in pairs]
        rows.append([*key, *(_of(run, key, "value") for run in runs)])
        rows[-1] += [getattr(d, end, None) for d in differences for end in ("value", "low", "high")]
    return Table(
        name="values",
        title="Every finding side by side",
        columns=columns,
        rows=rows,
        note="low and high: 95 % interval of the difference, paired by speaker",
    )


def _intervals(runs: Sequence[_Run], keys: Sequence[Key]) -> Table:
    ends = ("low", "high", "n", "speakers")
    return Table(
        name="intervals",
        title="The 95 % interval of every value",
        columns=[*COLUMNS, *(f"{run.name}, {end}" for run in runs for end in ends)],
        rows=[[*key, *(_of(run, key, end) for run in runs for end in ends)] for key in keys],
    )


def _of(run: _Run, key: Key, what: str) -> float | None:
    value: float | None = getattr(run.findings.get(key), what, None)
    return value


def _verdicts(runs: Sequence[_Run], keys: Sequence[Key]) -> Table:
    """Findings with a limit on which not all runs that have them got the same verdict."""
    rows: list[Row] = []
    for key in keys:
        there = [run.findings.get(key) for run in runs]
        limits = dict.fromkeys(str(f.limit) for f in there if f and f.limit)
        if limits and len({finding.verdict for finding in there if finding}) > 1:
            rows.append([*key, " or ".join(limits), *(f.verdict.value if f else None for f in there)])
    return Table(
        name="verdicts",
        title="Verdicts that differ",
        columns=[*COLUMNS, "limit", *(run.name for run in runs)],
        rows=rows,
    )


def _ranks(runs: Sequence[_Run], keys: Sequence[Key]) -> Table:
    rows: list[Row] = []
    for key in keys:
        better = _better(runs, key)
        ranked = [run for run in runs if _of(run, key, "low") is not None]
        alike = [_elsewhere(a.results[key[0]], b.results[key[0]]) == "" for a, b in combinations(ranked, 2)]
        if better and len(ranked) > 1 and all(alike):
            ends = {run.name: (_of(run, key, "low"), _of(run, key, "high")) for run in ranked}
            rows.append([*key, better, *(_rank(ends, run.name, better) for run in runs)])
    return Table(
        name="ranks",
        title="Ranks, tied where intervals overlap",
        columns=[*COLUMNS, "better", *(run.name for run in runs)],
        rows=rows,
        note="1 is best; no rank without an interval",
    )


def _rank(ends: Mapping[str, tuple[float | None, float | None]], name: str, better: str) -> int | None:
    """One more than the number of intervals that lie wholly on the better side of this one."""
    if name not in ends:
        return None
    low, high = np.array([ends[name]], dtype=float).T
    lows, highs = np.array(list(ends.values()), dtype=float).T
    return 1 + int(np.sum(lows > high if better == "higher" else highs < low))


def _better(runs: Sequence[_Run], key: Key) -> str:
    """Which way an improvement goes: what the files keep says it, or a limit with one bound; else empty."""
    for run in runs:
        for kept in run.results[key[0]].left_out if key[0] in run.results else []:
            if (kept.name, kept.target, kept.slice) == key[1:]:
                return kept.better
        finding = run.findings.get(key)
        if finding and finding.limit and (finding.limit.above is None or finding.limit.below is None):
            return "lower" if finding.limit.above is None else "higher"
    return ""


def _scores(runs: Sequence[_Run], keys: Sequence[Key]) -> Figure:
    """The scores that can be paired, of all runs side by side."""
    kept = {
        (r.audit, v.name, v.target, v.slice) for run in runs for r in run.results.values() for v in r.left_out
    }
    shown = [key for key in keys if key in kept]
    series = [
        Series(
            name=run.name,
            x=[f"{key[1]} of {key[2]}" for key in shown],
            y=[_of(run, key, "value") for key in shown],
            low=[_of(run, key, "low") for key in shown],
            high=[_of(run, key, "high") for key in shown],
        )
        for run in runs
    ]
    return Figure(
        name="scores",
        kind="interval",
        title="Scores of each model",
        alt=f"{listed([key[1] + ' of ' + key[2] for key in shown])} for {listed([r.name for r in runs])}, "
        "with 95 % intervals.",
        x_label="score",
        series=series if shown else [],
    )


def _heard(runs: Sequence[_Run]) -> list[_Run]:
    """The runs whose speakers can be compared: they have the audit, on one corpus."""
    asked = [run for run in runs if "speakers" in run.results]
    heard = [run for run in asked if not _elsewhere(run.results["speakers"], asked[0].results["speakers"])]
    return heard if len(heard) > 1 else []


def _answer(runs: Sequence[_Run], keys: Sequence[Key], pairs: Sequence[Mapping[Key, Finding]]) -> str:
    """For each run how many paired scores are shown better, worse and neither than those of the first."""
    sentences = []
    for run, found in zip(runs[1:], pairs, strict=True):
        signs = []
        for key, change in found.items():
            if change.low is not None and change.high is not None:
                sign = (change.low > 0) - (change.high < 0)
                signs.append(sign if _better(runs, key) == "higher" else -sign)
        counts = f"{signs.count(1)} better, {signs.count(-1)} worse, {signs.count(0)} not told apart"
        sentences.append(
            f"{run.name} against {runs[0].name}, scores paired by speaker: {counts if signs else 'none'}."
        )
    n = len(_verdicts(runs, keys).rows)
    return " ".join([*sentences, f"{n} verdict{'' if n == 1 else 's'} differ{'s' if n == 1 else ''}."])


def _notes(runs: Sequence[_Run]) -> list[str]:
    """Where runs are not of the same sound or not made with the same options, which no number shows."""
    notes = []
    for one, other in combinations(runs, 2):
        for audit in [audit for audit in one.results if audit in other.results]:
            a, b = one.results[audit], other.results[audit]
            if _elsewhere(a, b):
                notes.append(f"{audit} of {one.name} and {other.name}: {_elsewhere(a, b)}.")
            changed = [o for o in {**a.options, **b.options} if a.options.get(o) != b.options.get(o)]
            if changed:
                notes.append(f"{audit} of {one.name} and {other.name}: other options, {listed(changed)}.")
    absent = {audit for run in runs for audit in run.results}
    for run in runs:
        lacking = sorted(absent - run.results.keys())
        if lacking:
            notes.append(f"{run.name} has no results of {listed(lacking)}.")
    return notes


def _data(runs: Sequence[_Run]) -> dict[str, Any]:
    """What the corpora are; the facts of the first where all are the same."""
    every = [result for run in runs for result in run.results.values()]
    if not any(_elsewhere(one, every[0]) for one in every):
        return every[0].data
    corpora = list(dict.fromkeys(str(result.data.get("name", "unnamed data")) for result in every))
    simulated = dict.fromkeys(str(result.data.get("simulated") or "") for result in every)
    return {"name": listed(corpora), "simulated": " ".join(filter(None, simulated))}


def _licences(runs: Sequence[_Run]) -> str:
    told = {run.name: next(iter(run.results.values())).model.get("licence") for run in runs}
    return "; ".join(f"{name}: {licence or 'not stated'}" for name, licence in told.items())


def _made(run: _Run) -> dict[str, Any]:
    """How the run's results were made: one entry where all audits say the same."""
    made: dict[str, Any] = {}
    for result in run.results.values():
        for key in ("command", "date", "model_fingerprint", "corpus_fingerprint"):
            if key in result.provenance:
                made.setdefault(key, []).append(str(result.provenance[key]))
    return {key: list(dict.fromkeys(values)) for key, values in made.items()}


def listed(names: Sequence[str]) -> str:
    """Names as in a sentence.

    >>> listed(["a", "b", "c"]), listed(["a"])
    ('a, b and c', 'a')
    """
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
