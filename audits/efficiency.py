"""How fast is the model, and what does it cost to run?

One clip of noise of each length (`--lengths`, by default 1, 3 and 10 s) is predicted at a time, as in a
service, in every number format of the model: once to warm up, then at least three times, and more often until
two seconds have passed. The real-time factor is the time of a prediction divided by the length of the clip;
below 1 the model is faster than people speak. The value is the mean over the runs, with the interval of the
mean by Student's t on the logarithm. The interval shows how steady this machine is, not how other machines
compare.

Arithmetic is counted by torch in matrix products and convolutions (FLOPs: multiplications and additions), in
fp32. Memory is the most that the runs use on top of the loaded model and the libraries, in the process or on
the graphics card; in a process it varies by some MB from time to time. Energy is that of the whole processor
during a run, from its own counters (RAPL, on Linux if they can be read), and includes whatever else the
machine does. Reading the audio is not included in any of these numbers. A model that takes text prompts is
not timed, because it may be a service that charges for each answer.

The limit is ours: a real-time factor below 1 for clips of the middle length, in the number format in which
the model runs. The numbers of other lengths and formats are details. A constant is the fastest model of all,
so only models that are shown to beat a constant, on at least 5 speakers of the corpus, can pass. The command
`compare` plots the scores of several models against their real-time factors.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import stdtrit

from sertools.auditing.contract import Needs, Outcome
from sertools.auditing.findings import detail, doubted, finding, skipped
from sertools.auditing.tables import Row
from sertools.errors import AuditError
from sertools.metrics.better_than_chance import not_better_than_constant
from sertools.results.keys import Asks
from sertools.results.result import Figure, Finding, Limit, Series, Table
from sertools.statistics.jackknife import MIN_UNITS, Estimate
from sertools.tables.condition import CLEAN
from sertools.tables.pairs import known_speakers, pairs, scored_targets
from sertools.tables.running_cost import CostNeeded, CostOfLength, RunningCost
from sertools.tables.tables import Tables
from sertools.wording import plural

ASKS = Asks(question="What does it cost to run?", claim="faster than real time", rank=90)

EXPLANATIONS = {
    "real_time_factor": (
        "Time of a prediction divided by the length of the clip, one clip at a time on this machine; below "
        "1 the model is faster than people speak."
    ),
    "parameters": "Number of parameters of the model.",
    "gflops_per_second": (
        "Multiplications and additions in matrix products and convolutions, in billions for each second of "
        "audio."
    ),
    "working_memory_mb": (
        "Most memory that a prediction uses on top of the loaded model, in MB; it varies by some MB."
    ),
    "joules_per_second": "Energy of the whole processor during a prediction, in J for each second of audio.",
}

LIMITS = [
    Limit(
        name="real_time_factor", below=1, source="ours: a slower model cannot follow speech as it is spoken"
    )
]
LONGEST_S = 3600.0
"""Longest clip that is timed, in s, as the longest that is read by default."""

COUNTED = "a count, which has no interval"
OF_RUNS = "measured once over all runs, without an interval"


def needs(*, lengths: tuple[float, ...]) -> Needs:
    """Clean predictions, to know whether the model is better than a constant, and the cost of running it.

    Raises:
        AuditError: no length, or one that is not above 0, or longer than `LONGEST_S`
    """
    if not lengths or not all(0 < each <= LONGEST_S for each in lengths):
        raise AuditError(
            f"lengths is {', '.join(map(str, lengths)) or 'empty'}",
            hint=f"give lengths above 0 s and up to {LONGEST_S:g} s",
        )
    return Needs(labels="either", running_cost=CostNeeded(lengths_s=tuple(sorted(set(lengths)))))


def audit(
    tables: Tables, *, rng: np.random.Generator, lengths: tuple[float, ...] = (1.0, 3.0, 10.0)
) -> Outcome:
    """Report time, memory, arithmetic and energy of predictions.

    Args:
        tables: clips, clean predictions, and the running cost of the model
        rng: not used; this audit draws no random numbers
        lengths: lengths of the clips that are timed, in s
    """
    cost = tables.running_cost
    if cost is None:
        reason = "the model is a table of predictions or takes text prompts, and is not timed"
        return Outcome(
            answer=f"Not measured: {reason}.", findings=[skipped("real_time_factor", tables, reason)]
        )
    judged = _judged(cost)
    doubt = _doubt(tables)
    answered = tables.predictions[CLEAN].notna().all(axis=1)
    about = _About(clips=int(answered.sum()), speakers=known_speakers(tables.clips[answered]))
    findings = [doubted(_factor(judged, about, where="all"), doubt)]
    for each in cost.lengths:
        findings += [] if each is judged else [detail(_factor(each, about, where=_where(each)))]
        findings += [about.number(*value, where=_where(each)) for value in _numbers(each)]
    if cost.parameters is not None:
        findings.append(about.number("parameters", float(cost.parameters), COUNTED))
    return Outcome(
        answer=_answer(cost, judged),
        findings=findings,
        tables=[_table(cost)],
        figures=[_figure(cost)],
        notes=[f"Measured on {cost.machine}.", *(f"{note[:1].upper()}{note[1:]}." for note in cost.notes)],
    )


def plant(tables: Tables, rng: np.random.Generator) -> Tables:
    """Let every prediction take a thousand times as long."""
    if tables.running_cost is None:
        return tables
    slow = [
        replace(each, seconds=tuple(1000 * s for s in each.seconds)) for each in tables.running_cost.lengths
    ]
    return replace(tables, running_cost=replace(tables.running_cost, lengths=tuple(slow)))


@dataclass(frozen=True, kw_only=True)
class _About:
    """The answered clips, on which it is shown whether the model is better than a constant."""

    clips: int
    speakers: int | None

    def number(self, name: str, value: float, reason: str, where: str = "all") -> Finding:
        """A number without an interval, as a detail."""
        return Finding(
            name=name,
            slice=where,
            value=value,
            n=self.clips,
            speakers=self.speakers,
            reason=reason,
            detail=True,
        )


def _judged(cost: RunningCost) -> CostOfLength:
    """The middle length in the format in which the model runs."""
    own = sorted((each for each in cost.lengths if each.in_use), key=lambda each: each.length_s)
    return own[len(own) // 2]


def _doubt(tables: Tables) -> str:
    """Why a fast model is worth nothing: it is not shown to beat a constant; empty if it is."""
    speakers = known_speakers(tables.clips)
    if speakers is not None and speakers < MIN_UNITS:
        return f"fewer than {MIN_UNITS} speakers do not show whether it is better than a constant"
    reasons = []
    for target in scored_targets(tables):
        pair = pairs(tables, target)
        reasons.append(not_better_than_constant(pair, pair.classes))
    return reasons[0] if reasons and all(reasons) else ""


def factor_of(each: CostOfLength) -> Estimate:
    """The real-time factor with the interval of the mean over runs, on the logarithmic scale."""
    factors = np.array(each.seconds) / each.length_s
    value = float(factors.mean())
    found = Estimate(value=value, low=np.nan, high=np.nan, n=len(factors), units=len(factors))
    if len(factors) < 2:
        return found
    error = float(np.log(factors).std(ddof=1)) / math.sqrt(len(factors))

    def bounds(coverage: float) -> tuple[float, float]:
        half = float(stdtrit(len(factors) - 1, (1 + coverage) / 2)) * error
        return value * math.exp(-half), value * math.exp(half)

    return found.within(bounds, 0.95)


def _factor(each: CostOfLength, about: _About, where: str) -> Finding:
    made = finding("real_time_factor", factor_of(each), by_speaker=True, slice=where)
    return made.model_copy(update={"n": about.clips, "speakers": about.speakers})


def _where(each: CostOfLength) -> str:
    """Number format and length, e.g. `bf16, 3 s`."""
    return ", ".join(filter(None, [each.precision, f"{each.length_s:g} s"]))


def _numbers(each: CostOfLength) -> list[tuple[str, float, str]]:
    """Arithmetic, memory and energy of a length, where they are known."""
    found = []
    if each.flops is not None:
        found.append(("gflops_per_second", each.flops / each.length_s / 1e9, COUNTED))
    if each.working_bytes is not None:
        found.append(("working_memory_mb", each.working_bytes / 1e6, OF_RUNS))
    if each.joules is not None:
        found.append(("joules_per_second", each.joules / each.length_s, OF_RUNS))
    return found


def _table(cost: RunningCost) -> Table:
    rows: list[Row] = []
    for each in cost.lengths:
        factor = factor_of(each)
        of_name = {name: value for name, value, _ in _numbers(each)}
        rows.append(
            [
                *(each.precision or "own", each.in_use, each.length_s, len(each.seconds)),
                *(float(np.mean(each.seconds)), factor.value, factor.low, factor.high),
                *(of_name.get(n) for n in ("gflops_per_second", "working_memory_mb", "joules_per_second")),
            ]
        )
    columns = ["number format", "in use", "length of the clip in s", "runs", "seconds", "real-time factor"]
    columns += ["low", "high", "GFLOPs per s", "working memory in MB", "energy in J per s"]
    return Table(
        name="costs",
        title="What a prediction costs",
        columns=columns,
        rows=rows,
        note=f"one clip at a time on {cost.machine}; per s: for each second of audio",
    )


def _figure(cost: RunningCost) -> Figure:
    formats = dict.fromkeys(each.precision for each in cost.lengths)
    series = []
    for name in formats:
        own = sorted((e for e in cost.lengths if e.precision == name), key=lambda e: e.length_s)
        factors = [factor_of(each) for each in own]
        series.append(
            Series.model_validate(
                {
                    "name": name or "own format",
                    "x": [each.length_s for each in own],
                    "y": [each.value for each in factors],
                    "low": [each.low for each in factors],
                    "high": [each.high for each in factors],
                }
            )
        )
    return Figure(
        name="real_time_factor",
        kind="line",
        title="Real-time factor by length of the clip",
        alt="; ".join(f"{_where(each)}: {factor_of(each).value:.3g}" for each in cost.lengths),
        x_label="length of the clip in s",
        y_label="time of a prediction / length",
        series=series,
    )


def _count(parameters: int) -> str:
    """The number of parameters in words.

    >>> _count(94_371_712), _count(850)
    ('94.4 million parameters', '850 parameters')
    """
    if parameters >= 1e6:
        return f"{parameters / 1e6:.3g} million parameters"
    return plural(parameters, "parameter")


def _answer(cost: RunningCost, judged: CostOfLength) -> str:
    factor = factor_of(judged)
    speed = 1 / factor.value
    size = f"{_count(cost.parameters)}, " if cost.parameters is not None else ""
    how = f"{speed:.3g} times faster" if speed >= 1 else f"{factor.value:.3g} times slower"
    in_format = f" in {judged.precision}" if judged.precision else ""
    words = (
        f"A clip of {judged.length_s:g} s takes {1000 * factor.value * judged.length_s:.3g} ms{in_format}, "
        f"{how} than it lasts ({size}{cost.machine})"
    )
    memory = (
        f", with about {judged.working_bytes / 1e6:.0f} MB of memory on top of the loaded model"
        if judged.working_bytes is not None
        else ""
    )
    energy = f" and {judged.joules:.2g} J" if judged.joules is not None else ""
    return f"{words}{memory}{energy}."
