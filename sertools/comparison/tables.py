"""Tables of a comparison: values, intervals, verdicts and ranks of all runs side by side."""

from collections.abc import Mapping, Sequence
from itertools import combinations

from sertools.comparison.runs import COLUMNS, Measure, Run, direction, rank, why_other_clips
from sertools.comparison.speakers import Row
from sertools.results.result import Finding, Table


def values(
    runs: Sequence[Run], measures: Sequence[Measure], pairs: Sequence[Mapping[Measure, Finding]]
) -> Table:
    """The value of every finding in each run, and its difference from the first run.

    Args:
        runs: the runs, of which the first is the one that others are compared with
        measures: the rows
        pairs: differences of each run but the first
    """
    columns = [*COLUMNS, *(run.name for run in runs)]
    for run in runs[1:]:
        against = f"{run.name} − {runs[0].name}"
        columns += [against, f"{against}, low", f"{against}, high"]
    rows: list[Row] = []
    for measure in measures:
        differences = [found.get(measure) for found in pairs]
        rows.append([*measure.columns, *(run.of(measure, "value") for run in runs)])
        rows[-1] += [getattr(d, end, None) for d in differences for end in ("value", "low", "high")]
    return Table(
        name="values",
        title="All findings side by side",
        columns=columns,
        rows=rows,
        note="low and high: 95 % interval of the difference, paired by speaker",
    )


def intervals(runs: Sequence[Run], measures: Sequence[Measure]) -> Table:
    """Both ends of the interval, and the numbers of clips and speakers, of every finding in each run."""
    ends = ("low", "high", "n", "speakers")
    return Table(
        name="intervals",
        title="95 % intervals of all values",
        columns=[*COLUMNS, *(f"{run.name}, {end}" for run in runs for end in ends)],
        rows=[
            [*measure.columns, *(run.of(measure, end) for run in runs for end in ends)]
            for measure in measures
        ],
    )


def verdicts(runs: Sequence[Run], measures: Sequence[Measure]) -> Table:
    """Findings with a limit whose verdict differs between the runs that have them."""
    rows: list[Row] = []
    for measure in measures:
        # published values are not judged
        there = [None if run.published else run.findings.get(measure) for run in runs]
        limits = dict.fromkeys(str(f.limit) for f in there if f and f.limit)
        if limits and len({finding.verdict for finding in there if finding}) > 1:
            rows.append(
                [*measure.columns, " or ".join(limits), *(f.verdict.value if f else None for f in there)]
            )
    return Table(
        name="verdicts",
        title="Verdicts that differ",
        columns=[*COLUMNS, "limit", *(run.name for run in runs)],
        rows=rows,
    )


def ranks(runs: Sequence[Run], measures: Sequence[Measure]) -> Table:
    """Ranks of the runs for every finding on which all judged runs have an interval on the same clips."""
    rows: list[Row] = []
    for measure in measures:
        better = direction(runs, measure)
        judged = [run for run in runs if not run.is_unranked(measure)]
        ends = {run.name: interval for run in judged if (interval := run.interval(measure))}
        ranked = [run for run in runs if run.name in ends]
        same_clips = [
            why_other_clips(a.results[measure.audit], b.results[measure.audit]) == ""
            for a, b in combinations(ranked, 2)
        ]
        if better and len(ranked) > 1 and all(same_clips):
            rows.append([*measure.columns, better, *(rank(ends, run.name, better) for run in runs)])
    return Table(
        name="ranks",
        title="Ranks (tied if intervals overlap)",
        columns=[*COLUMNS, "better", *(run.name for run in runs)],
        rows=rows,
        note="1 is best; no rank without an interval, or if the audit finds the model useless",
    )
