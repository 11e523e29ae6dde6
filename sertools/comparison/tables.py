"""Tables of a comparison: values, intervals, verdicts and ranks of all runs side by side."""

from collections.abc import Mapping, Sequence

from sertools.comparison.common_clips import label_of
from sertools.comparison.ranks import Differences, ranks_of
from sertools.comparison.runs import COLUMNS, Measure, Run, direction, in_ranking
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


def people(runs: Sequence[Run], measures: Sequence[Measure]) -> Table:
    """The score of one rater on each measure, and how each run compares with it."""
    rows: list[Row] = []
    for measure in measures:
        ceilings = [run.ceiling(measure) for run in runs]
        one = next((c for c in ceilings if c is not None), None)
        if one is not None:
            compared = [c.comparison.removesuffix(" than one rater") if c else None for c in ceilings]
            rows.append([*measure.columns, one.value, one.low, one.high, one.against, *compared])
    return Table(
        name="people",
        title="One rater on the same clips",
        columns=[*COLUMNS, "one rater", "low", "high", "held against", *(run.name for run in runs)],
        rows=rows,
        note="better and worse: the paired 95 % interval of the difference between model and rater, both "
        "held against the same truth, excludes 0",
    )


def verdicts(runs: Sequence[Run], measures: Sequence[Measure]) -> Table:
    """Findings with a limit whose verdict differs between the runs that have them."""
    rows: list[Row] = []
    for measure in measures:
        # published values are not judged
        there = [None if run.published else run.findings.get(measure) for run in runs]
        limits = dict.fromkeys(str(f.limit) for f in there if f and f.limit)
        if limits and len({finding.decides for finding in there if finding}) > 1:
            rows.append(
                [*measure.columns, " or ".join(limits), *(f.decides.value if f else None for f in there)]
            )
    return Table(
        name="verdicts",
        title="Verdicts that differ",
        columns=[*COLUMNS, "limit", *(run.name for run in runs)],
        rows=rows,
    )


def ranks(runs: Sequence[Run], measures: Sequence[Measure]) -> Table:
    """Ranks of the runs for every measure on which all pairs of ranked runs have a paired difference."""
    rows: list[Row] = []
    differences = Differences()
    for measure in measures:
        better = direction(runs, measure)
        ranked = [run for run in in_ranking(runs) if not (run.is_unranked(measure) or run.published)]
        ranked = [run for run in ranked if not run.answers_too_little(label_of(measure.key.target))]
        found = ranks_of(ranked, [measure], better, differences) if better else {}
        if found:
            cells = [str(found[run.name]) if run.name in found else None for run in runs]
            rows.append([*measure.columns, better, *cells])
    return Table(
        name="ranks",
        title="Ranks (from paired differences, Holm)",
        columns=[*COLUMNS, "better", *(run.name for run in runs)],
        rows=rows,
        note="1 is best; 1–3: the differences do not show which of these ranks it is; no rank without paired "
        "differences on the same clips, for a model that answered less than 95 %, that is not shown to "
        "beat a constant, or for a toy model",
    )
