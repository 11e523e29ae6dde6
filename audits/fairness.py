"""Does the model serve all groups of speakers alike?

For two sexes: the sex fairness score CCC_female − CCC_male (Wagner et al. 2023, Eq. 1; UAR for emotions) and
the sex fairness bias (m(p_f) − m(t_f)) − (m(p_m) − m(t_m)) (Eq. 2). For every column named as a group: the
score of each group, each group minus all clips, and the largest minus the smallest. Groups are kept as they
are; truth distributions are not matched.

A useless model is trivially fair: constant and random answers have gaps near 0. So a gap is judged only
where the model is shown to be better than a constant (99.9 % interval) in at least one group. Beside each
gap stands what chance alone makes of it when group labels are permuted over speakers: a p-value, and the
smallest gap that this corpus could detect (95th percentile of the gaps by chance). A limit below it cannot
be verified here.

Limits are those of audEERING's ser-tests for group minus all (.075). Intervals are 95 %: leave-one-speaker-
out jackknife with Student's t, Satterthwaite's degrees of freedom between groups; max − min by a bootstrap
over speakers. There is no interval with fewer than 5 speakers in a group.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sertools.audit import Needs, Outcome, finding, skipped
from sertools.errors import AuditError
from sertools.metrics.classify import uar_statistic
from sertools.metrics.intervals import Estimate, estimate, gap, group_minus_all
from sertools.metrics.regress import BIAS, CCC
from sertools.metrics.resample import NullGap, max_minus_min, permutation
from sertools.metrics.skill import NOT_BETTER, doubt
from sertools.metrics.sums import Statistic
from sertools.result import Figure, Finding, Limit, Series, Table
from sertools.tables import Pairs, Tables, pairs

NEEDS = Needs(labels="either")

SER_TESTS = "audEERING ser-tests, group minus all"
LIMITS = [
    Limit(name="sex_score", above=-0.075, below=0.075, source=SER_TESTS),
    Limit(name="sex_bias", above=-0.075, below=0.075, source="ours, by analogy with the score"),
    Limit(name="group_minus_all", above=-0.075, below=0.075, source=SER_TESTS),
]
CANNOT_VERIFY = "this corpus cannot show gaps below {:.3f}, so the limit cannot be verified here"


@dataclass(frozen=True, kw_only=True)
class Groups:
    """Clips by group: names, and a code for each clip, −1 where it belongs to none."""

    names: tuple[str, ...]
    code: np.ndarray

    def __len__(self) -> int:
        return len(self.names)


def audit(
    tables: Tables, *, rng: np.random.Generator, group: tuple[str, ...] = ("sex",), draws: int = 2000
) -> Outcome:
    """Gaps between groups for every dimension and for emotion.

    Args:
        tables: clips and clean predictions
        rng: for permutations and bootstrap
        group: columns of the corpus that name groups, e.g. `sex`, `language`
        draws: permutations, and draws of the bootstrap
    """
    targets = [*tables.dimensions, *(["emotion"] if tables.classes else [])]
    findings: list[Finding] = []
    rows: list[list[str | float | int | None]] = []
    figures: list[Figure] = []
    for column in group:
        if column not in tables.clips and column == "sex":
            findings.append(skipped("sex_score", tables, "the corpus has no column 'sex'"))
            continue
        if column not in tables.clips:
            known = [str(c) for c in tables.clips if tables.clips[c].nunique() in range(2, 30)]
            raise AuditError(
                f"the corpus has no column {column!r} to group by",
                hint=f"columns with groups: {', '.join(known)}",
            )
        for target in targets:
            pair = pairs(tables, target)
            groups = _groups(tables.clips.loc[pair.clips, column])
            if len(groups) < 2:
                reason = f"there are not two groups of {column} among the clips with {target}"
                findings.append(skipped(f"{column}_gap", tables, reason, target=target))
                continue
            classes = len(tables.model_classes) if target == "emotion" else 0
            found, row = _gaps(pair, groups, column, target, classes, draws, rng)
            findings += found
            rows.append(row)
            figures.append(_figure(found, column, target))
    columns = ["group", "target", "gap", "p-value", "smallest detectable gap", "clips", "speakers"]
    chance = Table(
        name="chance",
        title="What chance alone makes of the gap",
        columns=columns,
        rows=rows,
        note="gap: largest minus smallest score over groups; group labels permuted over speakers",
    )
    return Outcome(
        answer=_answer(findings), findings=findings, tables=[chance] if rows else [], figures=figures
    )


def plant(tables: Tables, rng: np.random.Generator) -> Tables:
    """For men the predictions of a third of the scale too high, and shuffled among each other."""
    male = (tables.clips["sex"] == "male").to_numpy()
    planted = {}
    for condition, scores in tables.predictions.items():
        values = scores.to_numpy(copy=True)
        values[male] = values[rng.permutation(np.flatnonzero(male))]
        biased = pd.DataFrame(values, index=scores.index, columns=scores.columns)
        for dimension in tables.model_dimensions:
            biased.loc[male, dimension] += 1 / 3
        planted[condition] = biased
    return tables.with_predictions(planted)


def _groups(values: pd.Series) -> Groups:
    code, names = pd.factorize(values, sort=True)
    return Groups(names=tuple(map(str, names)), code=code)


def _gaps(
    pair: Pairs,
    groups: Groups,
    column: str,
    target: str,
    classes: int,
    draws: int,
    rng: np.random.Generator,
) -> tuple[list[Finding], list[str | float | int | None]]:
    statistic = uar_statistic(classes) if classes else CCC
    inside = [pair.take(groups.code == code) for code in range(len(groups))]
    doubts = [doubt(part, classes) for part in inside]
    # without an interval (too few speakers) the gate is inconclusive by itself
    useless = NOT_BETTER if all(reason == NOT_BETTER for reason in doubts) else ""
    chance = permutation(
        statistic,
        pair.truth,
        pair.prediction,
        pair.unit,
        pair.units,
        groups.code,
        len(groups),
        draws=draws,
        rng=rng,
    )

    def found(name: str, value: Estimate, where: str, *, withheld: str = "") -> Finding:
        return finding(name, value, target=target, slice=where, by_speaker=pair.by_speaker, withheld=withheld)

    findings = [
        found(statistic.name, _score(statistic, part), f"{column}={name}")
        for name, part in zip(groups.names, inside, strict=True)
    ]
    if column == "sex" and {"female", "male"} <= set(groups.names):
        findings += _sex(pair, groups, statistic, target, classes, useless, chance)
    differences = group_minus_all(statistic, pair.truth, pair.prediction, pair.unit, groups.code, len(groups))
    for name, difference in zip(groups.names, differences, strict=True):
        findings.append(found("group_minus_all", difference, f"{column}={name}", withheld=useless))
    extent = max_minus_min(
        statistic,
        pair.truth,
        pair.prediction,
        pair.unit,
        pair.units,
        groups.code,
        len(groups),
        draws=draws,
        rng=rng,
    )
    findings.append(found("max_minus_min", extent, f"{column}=*"))
    row: list[str | float | int | None]
    row = [column, target, chance.observed, chance.p_value, chance.smallest_detectable, pair.n, pair.speakers]
    return findings, row


def _score(statistic: Statistic, part: Pairs) -> Estimate:
    return estimate(statistic, part.truth, part.prediction, part.unit, part.units)


def _sex(
    pair: Pairs,
    groups: Groups,
    statistic: Statistic,
    target: str,
    classes: int,
    useless: str,
    chance: NullGap,
) -> list[Finding]:
    """Sex fairness score and, for a dimension, sex fairness bias."""
    female, male = (
        (pair.truth[mask], pair.prediction[mask], pair.unit[mask])
        for mask in (groups.code == groups.names.index(sex) for sex in ("female", "male"))
    )
    named = [("sex_score", statistic)] if classes else [("sex_score", statistic), ("sex_bias", BIAS)]
    findings = []
    for name, what in named:
        found = finding(
            name,
            gap(what, female, male),
            target=target,
            slice="female-male",
            by_speaker=pair.by_speaker,
            withheld=useless,
        )
        limit = 0.075
        if name == "sex_score" and not useless and chance.smallest_detectable > limit and not found.reason:
            found = found.model_copy(update={"reason": CANNOT_VERIFY.format(chance.smallest_detectable)})
        findings.append(found)
    return findings


def _figure(found: list[Finding], column: str, target: str) -> Figure:
    shown = [f for f in found if f.name in {"ccc", "uar"}]
    metric = shown[0].name.upper()
    series = Series(
        x=[f.slice.partition("=")[2] for f in shown],
        y=[f.value for f in shown],
        low=[f.low for f in shown],
        high=[f.high for f in shown],
    )
    return Figure(
        name=f"{column}_{target}",
        kind="interval",
        title=f"{metric} of {target} by {column}",
        alt="; ".join(f"{f.slice}: {f.value:.2f}" for f in shown if f.value is not None),
        x_label=metric,
        series=[series],
    )


def _answer(findings: list[Finding]) -> str:
    gaps = [f for f in findings if f.name in {"sex_score", "max_minus_min"} and f.value is not None]
    if not gaps:
        return "No gap between groups could be measured."
    largest = max(gaps, key=lambda f: abs(f.value or 0.0))
    interval = (
        "" if largest.low is None or largest.high is None else f" [{largest.low:.2f}, {largest.high:.2f}]"
    )
    if largest.name == "sex_score":
        if largest.value == 0:
            return "There is no gap: women and men are served exactly alike."
        who = "women" if (largest.value or 0) > 0 else "men"
        what = f"it agrees better with {who}: the score differs by {abs(largest.value or 0):.2f}"
        sign = f"female − male = {largest.value:.2f}{interval}"
        return f"The largest gap is in {largest.target}: {what} ({sign})."
    column = largest.slice.removesuffix("=*")
    return f"The largest gap is in {largest.target} by {column}: {largest.value:.2f}{interval}."
