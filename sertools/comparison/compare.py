"""How do models differ, finding by finding and speaker by speaker?

All runs are compared with the first one. A difference is the value of a run minus that of the first run. It
has a 95 % interval if both result files contain its leave-one-speaker-out values (as for CCC and UAR) and
both runs were measured on the same speakers of the same corpus. The interval is a paired jackknife with
Student's t that leaves each speaker out of both runs at once, as in `sertools gate --baseline`; of UAR it is
that of the clips gained and lost, and of other shares of clips never narrower than their number allows, so
that it never has width 0. Otherwise the difference has no interval and the reason is given. Intervals are not
adjusted for multiple comparisons. Where two runs did not answer the same clips, CCC and UAR are compared on
the clips that both answered, and nothing else is.

Ranks come from the paired differences of all pairs of runs, adjusted by Holm's method: a run's best rank is
one plus the number of runs that are significantly better, its worst rank the number of runs minus those that
are significantly worse. Which side is better is known from the measure, or from a limit with one bound;
findings without either are not ranked, nor are runs on different corpora, nor measures of different clips. A
run that answered less than 95 % of what it was asked has no rank. A gap or a spread is not ranked for a model
that the audit does not find to be better than a constant, because a constant has no gaps.

Scores by speaker come from the audit `speakers`: the mean of the draws if its protocol judges at least five
speakers of every run (Wagner et al. 2023, §4.7), otherwise the score over all clips. The agreement of two
runs is Spearman's rank correlation (with its sign) over their common speakers, with an interval on Fisher's
scale and the standard error of Bonett and Wright (2000). It needs at least five common speakers.
"""

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Any

from sertools.comparison import tables
from sertools.comparison.common_clips import changes, different_answers
from sertools.comparison.figures import pareto, profile, scores
from sertools.comparison.leaderboards.published import REASON
from sertools.comparison.runs import (
    AUDIT,
    MOST_NAMES,
    PUBLISHED,
    Measure,
    Run,
    check,
    listed,
    run_of,
    why_other_clips,
)
from sertools.comparison.speakers import by_speaker
from sertools.comparison.summary import answer
from sertools.results.keys import FindingKey
from sertools.results.result import Finding, Result, Verdict
from sertools.results.verdicts.regression_check import COMMON_CLIPS, Change
from sertools.statistics.jackknife import MIN_UNITS

NOT_KEPT = "the result files contain no leave-one-speaker-out values for it"


def compare(runs: Sequence[tuple[str, Sequence[Result]]]) -> Result:
    """Compares runs; the findings of the result are differences and agreements between runs.

    Tables: `verdicts` that differ between runs, `ranks`, `people` (what one rater reaches), `speakers`,
    `agreement`, all `values` side by side with their differences, and their `intervals`. Tables other than
    `values` are left out if they have no rows. The slice of a finding names its runs. No limits apply.

    Args:
        runs: name and results of each run; all others are compared with the first

    Raises:
        GateError: fewer than two runs, names that repeat or are column headers, a run with two results
            of the same audit, a comparison among the results, or no audit that two runs share
    """
    compared = [run_of(name, results) for name, results in runs]
    check(compared)
    measures = list(dict.fromkeys(measure for run in compared for measure in run.findings))
    pairs = [_differences(compared[0], run, measures) for run in compared[1:]]
    with_speakers = _with_speakers(compared)
    speakers, agreements, drawn = by_speaker(
        [run.name for run in with_speakers], [run.results["speakers"] for run in with_speakers]
    )
    # short summary tables come first
    shown = [
        tables.verdicts(compared, measures),
        tables.ranks(compared, measures),
        tables.people(compared, measures),
        *speakers,
        tables.values(compared, measures, pairs),
    ]
    shown.append(tables.intervals(compared, measures))
    return Result(
        audit=AUDIT,
        question=(__doc__ or "").splitlines()[0],
        method="\n".join((__doc__ or "").splitlines()[2:]),
        answer=answer(str(_data(compared)["name"]), compared, measures, pairs),
        model={"name": listed([run.name for run in compared]), "licence": _licences(compared)},
        data=_data(compared),
        findings=[*(f for found in pairs for f in found.values()), *agreements],
        tables=[table for table in shown if table.rows or table.name == "values"],
        figures=[
            figure
            for figure in (
                scores(compared, measures),
                profile(compared, measures),
                pareto(compared, measures),
                *(drawn if len(compared) <= MOST_NAMES else []),
            )
            if figure.series
        ],
        notes=_notes(compared),
        provenance={run.name: _made(run) for run in compared},
    )


def _differences(first: Run, run: Run, measures: Iterable[Measure]) -> dict[Measure, Finding]:
    """The value of a run minus that of the first run, for every finding of either run."""
    shared = [audit for audit in run.results if audit in first.results]
    paired = {audit: _paired(run, first, audit) for audit in shared}
    found = {}
    for measure in measures:
        audit, key = measure.audit, measure.key
        now, then = run.findings.get(measure), first.findings.get(measure)
        if now is None and then is None:
            continue
        value, low, high, reason = None, None, None, ""
        clips, speakers = None, None
        if now is None or then is None:
            reason = f"{(run if now is None else first).name} does not contain it"
        elif now.value is None or then.value is None:
            reason = f"it is undefined in {(run if now.value is None else first).name}"
        elif key in paired[audit]:
            change = paired[audit][key]
            value, low, high, reason = change.value, change.low, change.high, change.reason
            clips, speakers = change.n, change.speakers if change.n else None
            reason = reason or (COMMON_CLIPS if change.different_clips else "")
        else:
            value = now.value - then.value
            reason = why_other_clips(run.results[audit], first.results[audit]) or _unpaired(
                run, first, measure
            )
        there = [r.findings[measure] for r in (run, first) if measure in r.findings and not r.published]
        counted = [finding.speakers for finding in there if finding.speakers is not None]
        against = f"{run.name} − {first.name}"
        found[measure] = Finding(
            name=f"{audit}.{key.name}",
            target=key.target,
            slice=against if key.slice == "all" else f"{against}, {key.slice}",
            value=value,
            low=low,
            high=high,
            n=min(finding.n for finding in there) if clips is None else clips,
            speakers=speakers or (min(counted) if len(counted) == len(there) else None),
            verdict=Verdict.SKIPPED if value is None else Verdict.NONE,
            reason=reason,
        )
    return found


def _unpaired(run: Run, first: Run, measure: Measure) -> str:
    """Why a difference between runs on the same corpus has no interval."""
    if run.published or first.published:
        return REASON
    counted = [r.findings[measure].speakers or MIN_UNITS for r in (run, first)]
    return f"fewer than {MIN_UNITS} speakers" if min(counted) < MIN_UNITS else NOT_KEPT


def _paired(run: Run, first: Run, audit: str) -> dict[FindingKey, Change]:
    """Changes of the findings that have a value, and values without each speaker, in both results.

    Also of all findings that the two models have on different clips: those have no value, unless they were
    computed anew on the clips that both answered.
    """
    now, then = run.results[audit], first.results[audit]
    if why_other_clips(now, then):
        return {}
    in_both = _comparable(now) & _comparable(then)
    found = changes(now, then, run.answers.get(audit), first.answers.get(audit))
    return {key: change for key, change in found.items() if key in in_both or change.different_clips}


def _comparable(result: Result) -> set[FindingKey]:
    """Keys of the findings with a value and with leave-one-speaker-out values."""
    defined = {finding.key for finding in result.findings if finding.value is not None}
    return defined & {without.key for without in result.left_out}


def _with_speakers(runs: Sequence[Run]) -> list[Run]:
    """The runs whose speakers can be compared: those with the audit `speakers` on the same corpus."""
    having = [run for run in runs if "speakers" in run.results]
    same = [
        run for run in having if not why_other_clips(run.results["speakers"], having[0].results["speakers"])
    ]
    return same if len(same) > 1 else []


def _notes(runs: Sequence[Run]) -> list[str]:
    """Which runs used different audio or different options, and which audits a run lacks."""
    notes = [
        f"{run.name}: {audit}, {result.model[PUBLISHED]}"
        for run in runs
        for audit, result in run.results.items()
        if run.published
    ]
    for one, other in combinations([run for run in runs if not run.published], 2):
        for audit in [audit for audit in one.results if audit in other.results]:
            a, b = one.results[audit], other.results[audit]
            if why_other_clips(a, b):
                notes.append(f"{audit} of {one.name} and {other.name}: {why_other_clips(a, b)}.")
            elif audit in one.answers and audit in other.answers:
                notes += different_answers({each.name: each.answers[audit] for each in (one, other)})
            changed = [o for o in {**a.options, **b.options} if a.options.get(o) != b.options.get(o)]
            if changed:
                notes.append(f"{audit} of {one.name} and {other.name}: different options: {listed(changed)}.")
    absent = {audit for run in runs for audit in run.results}
    for run in (run for run in runs if not run.published):
        lacking = sorted(absent - run.results.keys())
        if lacking:
            notes.append(f"{run.name} has no results of {listed(lacking)}.")
    return list(dict.fromkeys(notes))


def _data(runs: Sequence[Run]) -> dict[str, Any]:
    """Facts about the corpus if all runs used the same one, otherwise the names of the corpora."""
    every = [result for run in runs for result in run.results.values()]
    if not any(why_other_clips(one, every[0]) for one in every):
        return every[0].data
    corpora = list(dict.fromkeys(str(result.data.get("name", "unnamed data")) for result in every))
    simulated = dict.fromkeys(str(result.data.get("simulated") or "") for result in every)
    return {"name": listed(corpora), "simulated": " ".join(filter(None, simulated))}


def _licences(runs: Sequence[Run]) -> str:
    licences = {run.name: next(iter(run.results.values())).model.get("licence") for run in runs}
    return "; ".join(f"{name}: {licence or 'not stated'}" for name, licence in licences.items())


def _made(run: Run) -> dict[str, Any]:
    """How the results of a run were produced; equal entries of its audits are listed once."""
    made: dict[str, Any] = {}
    for result in run.results.values():
        for key in ("command", "date", "model_fingerprint", "corpus_fingerprint", "source"):
            if key in result.provenance:
                made.setdefault(key, []).append(str(result.provenance[key]))
    return {key: list(dict.fromkeys(values)) for key, values in made.items()}
