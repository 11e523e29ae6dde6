"""How do models differ, finding by finding and speaker by speaker?

The first run is the one that all others are compared with. A difference is the value of a run minus that of
the first. It has a 95 % interval where both result files keep the value without each speaker (CCC and UAR)
and were measured on the same speakers of the same corpus: the jackknife with Student's t, each speaker left
out of both runs at once, as in `sertools gate --baseline`. Elsewhere the difference stands alone, with the
reason. Intervals are not adjusted for the number of differences.

A run's rank is one more than the number of runs whose interval lies wholly on the better side of its own, so
runs that overlap are tied. Which side is better is known from the measure, or from a limit with one bound;
what has neither is not ranked, nor is what was measured on different corpora. Nor is a gap or a spread of a
model that the audit does not find to be better than a constant, which has none. Overlap is cautious: a paired
difference may tell two runs apart that are tied.

Scores by speaker are those of the audit `speakers`: the mean of the draws where its protocol judges at least
five speakers of every run (Wagner et al. 2023, §4.7), else the score over all clips. Two runs agree by
Spearman's correlation, signed, over the speakers that both have; its interval is a bootstrap over speakers,
widened to Student's t. Fewer than five speakers in common have none.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

from sertools import ci
from sertools.compare_figures import profile, scores
from sertools.compare_published import REASON
from sertools.compare_runs import (
    AUDIT,
    COLUMNS,
    PUBLISHED,
    Key,
    Run,
    check,
    direction,
    elsewhere,
    listed,
    rank,
    run_of,
)
from sertools.compare_speakers import Row, by_speaker
from sertools.metrics.intervals import MIN_UNITS
from sertools.report.text import plural
from sertools.result import Finding, Result, Table, Verdict

NOT_KEPT = "the result files keep no values by speaker of it"


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
    told = [run_of(name, results) for name, results in runs]
    check(told)
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
        figures=[figure for figure in (scores(told, keys), profile(told, keys), *drawn) if figure.series],
        notes=_notes(told),
        provenance={run.name: _made(run) for run in told},
    )


def _differences(first: Run, run: Run, keys: Iterable[Key]) -> dict[Key, Finding]:
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
            reason = elsewhere(run.results[audit], first.results[audit]) or _unpaired(run, first, key)
        there = [r.findings[key] for r in (run, first) if key in r.findings and not r.published]
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


def _unpaired(run: Run, first: Run, key: Key) -> str:
    """Why a difference on one corpus has no interval."""
    if run.published or first.published:
        return REASON
    counted = [r.findings[key].speakers or MIN_UNITS for r in (run, first)]
    return f"fewer than {MIN_UNITS} speakers" if min(counted) < MIN_UNITS else NOT_KEPT


def _paired(now: Result, then: Result) -> dict[tuple[str, str, str], Finding]:
    """Differences of what both keep without each speaker, by the statistic of the gate's baseline."""
    kept = []
    for result in (now, then):
        defined = {(f.name, f.target, f.slice) for f in result.findings if f.value is not None}
        kept.append(defined & {(v.name, v.target, v.slice) for v in result.left_out})
    both = kept[0] & kept[1]
    if not both or elsewhere(now, then):
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


def _values(runs: Sequence[Run], keys: Sequence[Key], pairs: Sequence[Mapping[Key, Finding]]) -> Table:
    columns = [*COLUMNS, *(run.name for run in runs)]
    for run in runs[1:]:
        against = f"{run.name} − {runs[0].name}"
        columns += [against, f"{against}, low", f"{against}, high"]
    rows: list[Row] = []
    for key in keys:
        differences = [found.get(key) for found in pairs]
        rows.append([*key, *(run.of(key, "value") for run in runs)])
        rows[-1] += [getattr(d, end, None) for d in differences for end in ("value", "low", "high")]
    return Table(
        name="values",
        title="Every finding side by side",
        columns=columns,
        rows=rows,
        note="low and high: 95 % interval of the difference, paired by speaker",
    )


def _intervals(runs: Sequence[Run], keys: Sequence[Key]) -> Table:
    ends = ("low", "high", "n", "speakers")
    return Table(
        name="intervals",
        title="The 95 % interval of every value",
        columns=[*COLUMNS, *(f"{run.name}, {end}" for run in runs for end in ends)],
        rows=[[*key, *(run.of(key, end) for run in runs for end in ends)] for key in keys],
    )


def _verdicts(runs: Sequence[Run], keys: Sequence[Key]) -> Table:
    """Findings with a limit on which not all runs that have them got the same verdict."""
    rows: list[Row] = []
    for key in keys:
        # a published value is judged by nobody here
        there = [None if run.published else run.findings.get(key) for run in runs]
        limits = dict.fromkeys(str(f.limit) for f in there if f and f.limit)
        if limits and len({finding.verdict for finding in there if finding}) > 1:
            rows.append([*key, " or ".join(limits), *(f.verdict.value if f else None for f in there)])
    return Table(
        name="verdicts",
        title="Verdicts that differ",
        columns=[*COLUMNS, "limit", *(run.name for run in runs)],
        rows=rows,
    )


def _ranks(runs: Sequence[Run], keys: Sequence[Key]) -> Table:
    rows: list[Row] = []
    for key in keys:
        better = direction(runs, key)
        told = [run for run in runs if not run.says_nothing(key)]
        ends = {run.name: interval for run in told if (interval := run.interval(key))}
        ranked = [run for run in runs if run.name in ends]
        alike = [elsewhere(a.results[key[0]], b.results[key[0]]) == "" for a, b in combinations(ranked, 2)]
        if better and len(ranked) > 1 and all(alike):
            rows.append([*key, better, *(rank(ends, run.name, better) for run in runs)])
    return Table(
        name="ranks",
        title="Ranks, tied where intervals overlap",
        columns=[*COLUMNS, "better", *(run.name for run in runs)],
        rows=rows,
        note="1 is best; no rank without an interval, nor where an audit says that the model is useless",
    )


def _heard(runs: Sequence[Run]) -> list[Run]:
    """The runs whose speakers can be compared: they have the audit, on one corpus."""
    asked = [run for run in runs if "speakers" in run.results]
    heard = [run for run in asked if not elsewhere(run.results["speakers"], asked[0].results["speakers"])]
    return heard if len(heard) > 1 else []


def _answer(runs: Sequence[Run], keys: Sequence[Key], pairs: Sequence[Mapping[Key, Finding]]) -> str:
    """What was compared, and how many scores of each run are shown to differ from those of the first."""
    first = runs[0].name
    sentences = [f"Compared on {_data(runs)['name']}: {listed([run.name for run in runs])}."]
    for run, found in zip(runs[1:], pairs, strict=True):
        signs = []
        for key, change in found.items():
            judged = not (runs[0].says_nothing(key) or run.says_nothing(key))
            if judged and change.low is not None and change.high is not None:
                sign = (change.low > 0) - (change.high < 0)
                signs.append(sign if direction(runs, key) == "higher" else -sign)
        if signs:
            good, bad, open_ = (signs.count(sign) for sign in (1, -1, 0))
            rest = f"; {open_} {'is' if open_ == 1 else 'are'} not told apart" if open_ else ""
            sentences.append(
                f"Of {plural(len(signs), 'score')} paired by speaker, {run.name} is beyond chance better "
                f"than {first} in {good} and worse in {bad} (95 % intervals){rest}."
            )
        else:
            beside = sum(change.value is not None for change in found.values())
            sentences.append(
                f"{run.name} has {plural(beside, 'value')} beside those of {first}, none paired by speaker, "
                "so none is shown to differ beyond chance."
            )
    rows = _verdicts(runs, keys).rows
    turned = sum({Verdict.PASS, Verdict.FAIL} <= set(row[len(COLUMNS) + 1 :]) for row in rows)
    differ = f"{plural(len(rows), 'verdict')} differ{'s' if len(rows) == 1 else ''}"
    return " ".join(
        [*sentences, f"{differ}, {turned} of them between pass and fail." if rows else f"{differ}."]
    )


def _notes(runs: Sequence[Run]) -> list[str]:
    """Where runs are not of the same sound or not made with the same options, which no number shows."""
    notes = [
        f"{run.name}: {audit}, {result.model[PUBLISHED]}"
        for run in runs
        for audit, result in run.results.items()
        if run.published
    ]
    for one, other in combinations([run for run in runs if not run.published], 2):
        for audit in [audit for audit in one.results if audit in other.results]:
            a, b = one.results[audit], other.results[audit]
            if elsewhere(a, b):
                notes.append(f"{audit} of {one.name} and {other.name}: {elsewhere(a, b)}.")
            changed = [o for o in {**a.options, **b.options} if a.options.get(o) != b.options.get(o)]
            if changed:
                notes.append(f"{audit} of {one.name} and {other.name}: other options, {listed(changed)}.")
    absent = {audit for run in runs for audit in run.results}
    for run in (run for run in runs if not run.published):
        lacking = sorted(absent - run.results.keys())
        if lacking:
            notes.append(f"{run.name} has no results of {listed(lacking)}.")
    return notes


def _data(runs: Sequence[Run]) -> dict[str, Any]:
    """What the corpora are; the facts of the first where all are the same."""
    every = [result for run in runs for result in run.results.values()]
    if not any(elsewhere(one, every[0]) for one in every):
        return every[0].data
    corpora = list(dict.fromkeys(str(result.data.get("name", "unnamed data")) for result in every))
    simulated = dict.fromkeys(str(result.data.get("simulated") or "") for result in every)
    return {"name": listed(corpora), "simulated": " ".join(filter(None, simulated))}


def _licences(runs: Sequence[Run]) -> str:
    told = {run.name: next(iter(run.results.values())).model.get("licence") for run in runs}
    return "; ".join(f"{name}: {licence or 'not stated'}" for name, licence in told.items())


def _made(run: Run) -> dict[str, Any]:
    """How the run's results were made: one entry where all audits say the same."""
    made: dict[str, Any] = {}
    for result in run.results.values():
        for key in ("command", "date", "model_fingerprint", "corpus_fingerprint", "source"):
            if key in result.provenance:
                made.setdefault(key, []).append(str(result.provenance[key]))
    return {key: list(dict.fromkeys(values)) for key, values in made.items()}
