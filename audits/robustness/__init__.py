"""Which perturbations of the audio change the model's predictions?

The model predicts each clip clean and under each perturbation. A prediction of a dimension is unchanged if
|p(x) − p(x′)| < .05 (Wagner et al. 2023, section 3.4), one of emotion if the class with the highest score
stays the same. The unchanged ratio is the share of unchanged clips, per perturbation and target, then
averaged over perturbations, over dimensions, and over both. Random levels are drawn per clip from the
published list.

Also reported: the change of CCC or UAR, paired by clip; the mean shift of a dimension (does noise make people
sound angrier?); the gap between women and men with a p-value from permuting the sexes over speakers; the
speakers and clips that change most; with `ladder` the level up to which 95 % and 90 % of predictions stay
unchanged, interpolated; with `draws` the share of variance that is due to the random draw.

A model whose predictions hardly vary is trivially unchanged: a constant scores 1. So each ratio is reported
together with a scale-free one, with tolerance .05 · sd(p) / sd(t). No limit is judged if the clean
predictions are not shown to be better than a constant (99.9 % interval; a dimension without ratings must
instead increase with the emotions' mean ratings by Russell & Mehrabian 1977), or if the share of pairs of
*different* clips whose predictions would count as unchanged already reaches the limit. A drop is not judged
either if the clean score is too low to drop that far. A clip that a perturbation cannot be applied to is
missing under it: it is counted as missing, never as unchanged.

Limits: .95 for small perturbations, for larger ones those of audEERING's ser-tests. Intervals are 95 %: for
shares Wilson's with the effective number of clips, for differences leave-one-speaker-out jackknife with
Student's t, for levels a bootstrap over speakers. No interval is given for fewer than 5 speakers.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from sertools.auditing.contract import Needs, Outcome
from sertools.auditing.examples import moved
from sertools.auditing.findings import finding, skipped
from sertools.metrics.better_than_chance import NOT_BETTER
from sertools.metrics.regression import BIAS
from sertools.metrics.unchanged import mean_share, mean_share_statistic, tolerated_level
from sertools.perturbations.selection import Selection, get, select
from sertools.results.gate import matches
from sertools.results.result import Figure, Finding, Limit, Series, Table, Verdict
from sertools.statistics.bootstrap import GroupedClips
from sertools.statistics.jackknife import Estimate, contrast, estimate, gap
from sertools.statistics.permutation import NullGap, holm, permutation
from sertools.tables.condition import Condition
from sertools.tables.tables import Tables

from . import presentation
from .answers import (
    UNLABELLED,
    Answers,
    Changed,
    changed_answers,
    clean_answers,
    targets,
)
from .without_speaker import of_changes

SER_TESTS = "audEERING ser-tests"
BY_ANALOGY = "audEERING ser-tests, by analogy (there, two rooms are compared)"
SMALL = ("additive_tone", "append_zeros", "clip", "crop_beginning", "crop_end", "gain", "highpass", "lowpass",
         "prepend_zeros", "white_noise")  # fmt: skip
BACKGROUND = ("white_noise@20dB", "babble@20dB", "recorded_noise@20dB")
PHONE, TILT, ROOM = "low_quality_phone@25dB", "spectral_tilt_*@3dB/octave", "*_room@*"

LIMITS = [
    *(Limit(name="unchanged_ratio", slice=f"{p}@drawn", above=0.95, source=SER_TESTS) for p in SMALL),
    *(Limit(name="unchanged_ratio", slice=noise, above=0.9, source=SER_TESTS) for noise in BACKGROUND),
    *(Limit(name="change_of_*", slice=noise, above=-0.05, source=SER_TESTS) for noise in BACKGROUND),
    *(Limit(name="mean_shift", slice=n, above=-0.03, below=0.03, source=SER_TESTS) for n in BACKGROUND),
    Limit(name="unchanged_ratio", slice=PHONE, above=0.5, source=SER_TESTS),
    Limit(name="change_of_*", slice=PHONE, above=-0.05, source=SER_TESTS),
    Limit(name="mean_shift", slice=PHONE, above=-0.05, below=0.05, source=SER_TESTS),
    Limit(name="unchanged_ratio", slice=TILT, above=0.8, source=SER_TESTS),
    Limit(name="change_of_ccc", slice=TILT, above=-0.05, source=SER_TESTS),
    Limit(name="change_of_uar", slice=TILT, above=-0.02, source=SER_TESTS),
    Limit(name="mean_shift", slice=TILT, above=-0.03, below=0.03, source=SER_TESTS),
    Limit(name="unchanged_ratio", slice=ROOM, above=0.8, source=BY_ANALOGY),
]
WANTED = (0.95, 0.9)


def needs(
    *,
    perturbations: tuple[str, ...],
    ladder: bool,
    draws: int,
    noise_dir: str,
    rir_dir: str,
    tolerance: float,
    resamples: int,
) -> Needs:
    """Clean audio, and all conditions that the options name."""
    chosen = select(perturbations, ladder=ladder, draws=draws, noise_dir=noise_dir, rir_dir=rir_dir)
    return Needs(labels="none", conditions=(Condition(), *chosen.every))


def audit(
    tables: Tables,
    *,
    rng: np.random.Generator,
    perturbations: tuple[str, ...] = ("small",),
    ladder: bool = False,
    draws: int = 1,
    tolerance: float = 0.05,
    noise_dir: str = "",
    rir_dir: str = "",
    resamples: int = 2000,
) -> Outcome:
    """Measure unchanged ratios and related scores for each perturbation and target.

    Args:
        tables: clips, and predictions for clean and perturbed audio
        rng: for bootstrap and permutations
        perturbations: sets (small, ser-tests, all), names, or name@level
        ladder: also test all levels of each perturbation, mild to severe
        draws: how often random perturbations are repeated
        tolerance: ratings that differ by less than this count as unchanged
        noise_dir: folder with recordings of noise, music or coughing
        rir_dir: folder with measured room impulse responses
        resamples: number of permutations and of bootstrap draws
    """
    chosen = select(perturbations, ladder=ladder, draws=draws, noise_dir=noise_dir, rir_dir=rir_dir)
    groups = _groups(chosen.conditions)
    clean = [clean_answers(tables, name, tolerance) for name in targets(tables)]
    heard = [changed_answers(tables, of, groups, tolerance) for of in clean]
    if not heard:
        reason = "the model predicts no dimension and no emotion of the corpus"
        return Outcome(
            answer=f"Not measured: {reason}.", findings=[skipped("unchanged_ratio", tables, reason)]
        )
    known = [each for each in heard if each.of.labelled]
    findings = [
        skipped("unchanged_ratio", tables, UNLABELLED, target=h.of.target) for h in heard if h not in known
    ]
    findings += [
        skipped("unchanged_ratio", tables, reason).model_copy(update={"slice": change})
        for change, reason in chosen.absent.items()
    ]
    for each in known:
        findings += _averages([each], each.of.target)
        for change in each.changes:
            findings += _changed(each, change)
    dimensions = [each for each in known if not each.of.classes]
    if len(dimensions) > 1:
        findings += _averages(dimensions, "dimensions")
        findings += _over_targets(dimensions)
    worst = presentation.worst(tables, heard)
    gaps, gap_findings = _sexes(tables, known, resamples, rng)
    doses, dose_findings, curves = _doses(tables, known, chosen, tolerance, resamples, rng)
    shown = [
        presentation.ratios(tables, heard),
        presentation.spreads(heard, tolerance),
        gaps,
        doses,
        presentation.speakers(tables, known),
        worst,
        presentation.luck(known, tolerance),
        presentation.absentees(tables, groups),
    ]
    return Outcome(
        answer=_answer(findings, heard),
        findings=[*findings, *gap_findings, *dose_findings],
        tables=[table for table in shown if table.rows],
        figures=[*presentation.figures(findings, heard, _wanted(heard[0].changes)), *curves],
        sounds=moved(tables, worst),
        left_out=[kept for each in known for kept in of_changes(tables, each)],
    )


def plant(tables: Tables, rng: np.random.Generator) -> Tables:
    """A sine tone of 6 kHz raises every dimension by .2 and turns every emotion into another one."""
    planted = {}
    for condition, scores in tables.predictions.items():
        reacting = scores.copy()
        if condition.startswith("additive_tone@"):
            classes, dimensions = list(tables.model_classes), list(tables.model_dimensions)
            reacting[dimensions] += 0.2
            reacting[classes] = np.roll(scores[classes].to_numpy(), 1, axis=1) if classes else []
        planted[condition] = reacting
    return tables.with_predictions(planted)


def _groups(conditions: Sequence[Condition]) -> dict[str, tuple[str, ...]]:
    """Name of each perturbation → its conditions, one for each repeated draw."""
    groups: dict[str, tuple[str, ...]] = {}
    for condition in conditions:
        change = str(replace(condition, draw=0))
        groups[change] = (*groups.get(change, ()), str(condition))
    return groups


def _wanted(of: Sequence[str]) -> float | None:
    """The limit of the unchanged ratio that all these perturbations share; None if they differ."""
    bounds = {limit.slice: limit.above for limit in LIMITS if limit.name == "unchanged_ratio"}
    wanted = {bounds.get(change) for change in of}
    return wanted.pop() if len(wanted) == 1 else None


def _changed(heard: Changed, change: str) -> Iterator[Finding]:
    """Unchanged ratio, scale-free ratio, change of the score and mean shift under one perturbation."""
    of, k = heard.of, heard.changes.index(change)
    yield _found("unchanged_ratio", mean_share(heard.unchanged[:, [k]], of.unit, of.units), of, change)
    if heard.scale_free is not None:
        scale_free = mean_share(heard.scale_free[:, [k]], of.unit, of.units)
        yield _found("scale_free_ratio", scale_free, of, change)
    clean, after, clip = heard.stacked(change)
    n = len(np.unique(clip))
    if not of.classes:
        shift = estimate(BIAS, clean, after, of.unit[clip], of.units)
        yield _found("mean_shift", replace(shift, n=n), of, change)
    rated = np.isfinite(of.truth[clip])
    if rated.any():
        truth, unit = of.truth[clip][rated], of.unit[clip][rated]
        moved = contrast(of.statistic, truth, clean[rated], after[rated], unit)
        n = len(np.unique(clip[rated]))
        yield _found(f"change_of_{of.statistic.name}", replace(moved, n=n), of, change)


def _averages(heard: Sequence[Changed], target: str) -> list[Finding]:
    """The unchanged ratio averaged over targets and over perturbations applicable to at least one clip."""
    of = heard[0].of
    every = np.concatenate([each.unchanged for each in heard], axis=1)
    there = np.isfinite(every).any(axis=0)
    average = mean_share(every[:, there], of.unit, of.units)
    if not there.all():
        names = [change for each in heard for change in each.changes]
        without = dict.fromkeys(name for name, has in zip(names, there, strict=True) if not has)
        reason = f"without {', '.join(without)}, which could not be applied to any clip"
        average = replace(average, reason="; ".join(filter(None, [average.reason, reason])))
    return [_plain("mean_unchanged_ratio", average, heard[0], "all", target)]


def _over_targets(heard: Sequence[Changed]) -> list[Finding]:
    """The unchanged ratio of each perturbation, averaged over dimensions."""
    of = heard[0].of
    found = []
    for k, change in enumerate(heard[0].changes):
        columns = np.stack([each.unchanged[:, k] for each in heard], axis=1)
        average = mean_share(columns, of.unit, of.units)
        found.append(_plain("mean_unchanged_ratio", average, heard[0], change, "dimensions"))
    return found


def _found(name: str, value: Estimate, of: Answers, change: str) -> Finding:
    """The finding; its limit is not judged if the clean predictions make it meaningless."""
    made = finding(name, value, target=of.target, slice=change, by_speaker=of.by_speaker)
    limit = next((limit for limit in reversed(LIMITS) if matches(limit, made)), None)
    doubt = _doubt(name, of, limit) if limit else ""
    if not doubt:
        return made
    return finding(name, value, target=of.target, slice=change, by_speaker=of.by_speaker, withheld=doubt)


def _doubt(name: str, of: Answers, limit: Limit) -> str:
    """Why a limit would be meaningless for these predictions; empty if it is meaningful."""
    if of.reason == NOT_BETTER:
        return f"predictions do not vary: {NOT_BETTER}" if of.alike == 1 else NOT_BETTER
    if name.startswith("change_of_") and of.score + (limit.above or 0.0) <= of.chance:
        return f"a clean score of {of.score:.2f} is too low to drop that far"
    if of.alike >= (limit.above or 0.0 if name == "unchanged_ratio" else 0.95):
        return f"predictions hardly vary: {of.alike:.0%} of pairs of different clips get the same prediction"
    return ""


def _sexes(
    tables: Tables, known: Sequence[Changed], resamples: int, rng: np.random.Generator
) -> tuple[Table, list[Finding]]:
    """The gap of unchanged ratios between women and men, for each perturbation and on average."""
    rows: list[presentation.Row] = []
    findings: list[Finding] = []
    p_values: list[float] = []
    sex = tables.clips.get("sex", pd.Series(pd.NA, index=tables.clips.index))
    group = sex.map({"female": 0, "male": 1}).fillna(-1).to_numpy(dtype=np.int64)
    for heard in known if {0, 1} <= set(group.tolist()) else []:
        every = np.flatnonzero(np.isfinite(heard.unchanged).any(axis=0))
        for change, columns in [("all", every), *((heard.changes[k], np.array([k])) for k in every)]:
            found, null = _gap(heard, columns, group, resamples, rng)
            if change == "all":
                findings.append(_plain("unchanged_gap", found, heard, "female-male"))
            if not np.nanmin(heard.unchanged[:, columns]) < 1:
                continue
            p_values.append(null.p_value)
            row: presentation.Row = [heard.of.target, change, found.value, found.low, found.high]
            rows.append([*row, null.p_value, null.smallest_detectable, found.n])
    columns_of = [
        "target",
        "change",
        "female − male",
        "low",
        "high",
        "p-value",
        "smallest detectable",
        "clips",
    ]
    return Table(
        name="sexes",
        title="Does a perturbation affect one sex more?",
        columns=[*columns_of, "p (Holm)"],
        rows=[[*row, float(p)] for row, p in zip(rows, holm(p_values), strict=True)],
        note="gap of unchanged ratios, only where any prediction changes; p-values from permuting the sexes "
        "over speakers; Holm: adjusted for all rows together",
    ), findings


def _gap(
    heard: Changed, columns: np.ndarray, group: np.ndarray, resamples: int, rng: np.random.Generator
) -> tuple[Estimate, NullGap]:
    """The gap women minus men, averaged over some perturbations, and its permutation test."""
    success, unit = heard.unchanged[:, columns], heard.of.unit
    statistic = mean_share_statistic(success)
    rows = np.flatnonzero(np.isfinite(success).any(axis=1) & (group >= 0))
    women, men = rows[group[rows] == 0], rows[group[rows] == 1]
    found = gap(statistic, (women, women, unit[women]), (men, men, unit[men]))
    null = permutation(
        statistic,
        GroupedClips(rows, rows, unit[rows], heard.of.units, group[rows], 2),
        draws=resamples,
        rng=rng,
    )
    return found, null


def _plain(name: str, value: Estimate, heard: Changed, where: str, target: str = "") -> Finding:
    """A finding without a limit."""
    of = heard.of
    return finding(name, value, target=target or of.target, slice=where, by_speaker=of.by_speaker)


def _doses(
    tables: Tables,
    known: Sequence[Changed],
    chosen: Selection,
    tolerance: float,
    resamples: int,
    rng: np.random.Generator,
) -> tuple[Table, list[Finding], list[Figure]]:
    """Dose–response: ratios at each level, and the levels up to which enough predictions stay unchanged."""
    rows: list[presentation.Row] = []
    findings: list[Finding] = []
    figures: list[Figure] = []
    for name, ladder in chosen.ladders.items():
        perturbation, lines = get(name), []
        for each in known:
            of = each.of
            steps = changed_answers(tables, of, {str(c): (str(c),) for c in ladder}, tolerance)
            levels = np.array([c.level for c in ladder], dtype=np.float64)
            there = np.isfinite(steps.unchanged).any(axis=0)
            ratios = [mean_share(steps.unchanged[:, [k]], of.unit, of.units) for k in np.flatnonzero(there)]
            rows += [
                [name, of.target, float(level), r.value, r.low, r.high, r.n]
                for level, r in zip(levels[there], ratios, strict=True)
            ]
            lines.append(
                Series(name=of.target, x=levels[there].tolist(), y=[r.value for r in ratios],
                       low=[r.low for r in ratios], high=[r.high for r in ratios])
            )  # fmt: skip
            for wanted in WANTED:
                up_to = tolerated_level(
                    steps.unchanged[:, there], levels[there], wanted, of.unit,
                    identity=perturbation.identity, draws=resamples, rng=rng,
                )  # fmt: skip
                findings.append(_plain(f"level_{100 * wanted:.0f}", up_to, each, name))
        figures.append(
            Figure(
                name=f"dose_{name}",
                kind="line",
                title=f"Dose–response: {name.replace('_', ' ')}",
                alt=f"Unchanged ratio by level of {name} in {perturbation.unit}, from "
                f"{perturbation.ladder[0]:g} (mild) to {perturbation.ladder[-1]:g} (severe).",
                x_label=f"{perturbation.meaning} ({perturbation.unit})",
                y_label="unchanged ratio",
                series=lines,
                reference=0.95,
            )
        )
    return (
        Table(
            name="doses",
            title="Dose–response: unchanged ratio by level",
            columns=["perturbation", "target", "level", "unchanged", "low", "high", "clips"],
            rows=rows,
        ),
        findings,
        figures,
    )


def _answer(findings: list[Finding], heard: Sequence[Changed]) -> str:
    """The averages, the largest effect, and which targets are not judged."""
    useless = [each.of.target for each in heard if each.of.reason in (NOT_BETTER, UNLABELLED)]
    told = [f for f in findings if f.value is not None and f.target not in (*useless, "dimensions")]
    averages = [f for f in told if f.name == "mean_unchanged_ratio"]
    if not averages:
        return "Not judged: clean predictions are not shown to be better than a constant."
    said = ", ".join(f"{f.value:.1%} for {f.target}" for f in averages)
    least = min((f for f in told if f.name == "unchanged_ratio"), key=lambda f: f.value or 0.0)
    name, _, level = least.slice.replace("_", " ").partition("@")
    at = "" if level == "drawn" else f" at {level}"
    most = f"Largest effect: {name}{at}; {least.value:.1%} of {least.target} predictions stay unchanged."
    return (
        f"Averaged over {presentation.counted(len(heard[0].changes), 'perturbation')}, the unchanged ratio "
        f"is {said}. {most if least.value != 1 else 'No prediction changes.'}"
        + (f" Not judged: {', '.join(useless)}." if useless else "")
    )
