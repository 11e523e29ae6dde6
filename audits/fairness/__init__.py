"""Does the model work equally well for all groups of speakers?

For the two sexes: the sex fairness score CCC_female − CCC_male (Wagner et al. 2023, Eq. 1; UAR for emotions)
and the sex fairness bias (m(p_f) − m(t_f)) − (m(p_m) − m(t_m)) (Eq. 2). For every column given as a group,
and for two crossed columns (`sex+language`): the score of each group, each group minus all clips, each pair
of groups, and the largest minus the smallest score; the shift of the mean error; precision and recall of
every emotion, or of the bins .25/.5/.75 of a dimension, each group minus all; equalised odds. Ages are cut
into <30, 30-50, >50, other numbers at their terciles; `pitch_group` is derived from the mean F0 of a
speaker's clips (low ≤ 145 Hz < medium ≤ 190 Hz < high, at least 25 clips). Where `language` is a group and
the corpus has a column `sentiment`: how much more the sentiment of the words shifts the prediction in one
language than in the others. `--match truth` first leaves clips out until all groups have the same size and
the same distribution of the truth, as ser-tests does.

A useless model is trivially fair: constant and random predictions have gaps near 0. So a gap is judged only
where the model is shown to be better than a constant (99.9 % interval) in at least one group. Permuting
group labels over speakers shows which gaps arise by chance alone; the report gives a p-value for each gap,
also adjusted for the number of gaps (Holm 1979), and the smallest gap that this corpus could detect (95th
percentile of the gaps by chance). A limit below it cannot be verified with this corpus. The same is done for
equalised odds.

Limits are those of audEERING's ser-tests for group minus all. Intervals are 95 %: leave-one-speaker-out
jackknife with Student's t, with Satterthwaite's degrees of freedom between groups; a bootstrap over speakers
for max − min and equalised odds. A group with fewer than 5 speakers has no interval and, where two others
have enough, is excluded from max − min, equalised odds and the permutations.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from sertools.auditing.contract import Needs, Outcome
from sertools.auditing.examples import furthest, in_turn
from sertools.auditing.findings import finding, skipped
from sertools.labels import DIMENSIONS
from sertools.metrics.better_than_chance import NOT_BETTER, not_better_than_constant
from sertools.metrics.classification import uar_statistic
from sertools.metrics.group_gaps import (
    BINS,
    binned,
    class_gaps,
    equalised_odds,
    equalised_odds_by_chance,
    large_enough,
)
from sertools.metrics.groups import F0, PITCH_GROUP, Groups, groups_of, matched
from sertools.metrics.regression import BIAS, CCC
from sertools.results.result import Figure, Finding, LeftOut, Limit, Series, Sound
from sertools.statistics.bootstrap import GroupedClips, max_minus_min
from sertools.statistics.jackknife import Estimate, estimate, gap, group_minus_all
from sertools.statistics.permutation import NullGap, permutation
from sertools.statistics.statistic import Statistic
from sertools.tables.pairs import Pairs, pairs
from sertools.tables.tables import Tables

from . import chance as by_chance
from .sentiment import sentiment_shift
from .without_speaker import of_groups

SER_TESTS = "audEERING ser-tests, group minus all"
OURS = "ours, by analogy with group minus all"
LIMIT = 0.075
"""Limit for the score of a group minus the score of all clips."""

FEWEST_IN_BIN = 67
"""Bins of a dimension with fewer clips are left out, as in ser-tests."""


def _within(name: str, limit: float, source: str = SER_TESTS, **where: str) -> Limit:
    return Limit(name=name, above=-limit, below=limit, source=source, **where)


LIMITS = [
    _within("sex_score", LIMIT),
    _within("sex_bias", LIMIT, OURS),
    _within("group_minus_all", LIMIT),
    _within("mean_shift", LIMIT, "audEERING ser-tests, accents; ours subtracts the mean of the truth"),
    _within(
        "mean_shift",
        0.03,
        "audEERING ser-tests, languages; ours subtracts the mean of the truth",
        slice="language=*",
    ),
    _within("recall_gap", 0.175),
    _within("precision_gap", LIMIT),
    _within("bin_recall_gap", 0.1),
    _within("bin_precision_gap", 0.1),
    *(
        _within(name, limit, "audEERING ser-tests, pitch", slice="pitch_group=*", target=target)
        for name, limit, target in (
            *(("group_minus_all", 0.1, dimension) for dimension in DIMENSIONS),
            ("recall_gap", 0.225, "*"),
            ("precision_gap", 0.1, "*"),
            ("bin_recall_gap", 0.125, "*"),
            ("bin_precision_gap", 0.125, "*"),
        )
    ),
    _within("sentiment_shift", 0.025, "audEERING ser-tests, linguistic sentiment"),
]
CANNOT_VERIFY = "this corpus cannot detect gaps below {:.3f}, so the limit cannot be verified here"


def needs(**options: Any) -> Needs:
    """Dimensions or emotion; the F0 of clips where speakers are grouped by pitch."""
    asked = {column for name in options.get("group", ()) for column in name.split("+")}
    return Needs(labels="either", measured_columns=(F0,) if PITCH_GROUP in asked else ())


def audit(
    tables: Tables,
    *,
    rng: np.random.Generator,
    group: tuple[str, ...] = ("sex",),
    match: Literal["none", "truth"] = "none",
    resamples: int = 2000,
) -> Outcome:
    """Measure gaps between groups for every dimension and for emotion.

    Args:
        tables: clips and clean predictions
        rng: for permutations, bootstrap and matching
        group: columns to group by, e.g. sex, language, age, pitch_group; sex+language crosses two columns
        match: truth leaves clips out until all groups are equally large in each class or bin of the truth
        resamples: number of permutations and of bootstrap draws
    """
    found: list[Finding] = []
    rows: list[by_chance.Row] = []
    odds: list[by_chance.Row] = []
    kept: list[LeftOut] = []
    figures: list[Figure] = []
    notes: list[str] = []
    heard: list[list[Sound]] = []
    for column in dict.fromkeys(group):
        if column == "sex" and column not in tables.clips:
            found.append(skipped("sex_score", tables, "the corpus has no column 'sex'"))
            continue
        everyone = groups_of(tables.clips, column)
        for target in [*tables.dimensions, *(["emotion"] if tables.classes else [])]:
            part = _of_target(tables, target, everyone, match, rng)
            if len(part.groups) < 2:
                found.append(skipped(f"{column}_gap", tables, _alone(part, column, target), target=target))
                continue
            gaps, chance = _gaps(part, column, target, tables.model_classes, resamples, rng)
            found += gaps
            compared = part.pairs.take(part.large.code >= 0)
            rows.append(by_chance.row(column, target, chance, compared))
            many = len(tables.model_classes) if target == "emotion" else 0
            of_odds = equalised_odds_by_chance(
                part.coded, part.large, many or len(BINS), fewest=1 if many else FEWEST_IN_BIN,
                draws=resamples, rng=rng,
            )  # fmt: skip
            odds.append(by_chance.row(column, target, of_odds, compared))
            score = uar_statistic(many) if many else CCC
            kept += of_groups(score, part.pairs, part.large, tables, column=column, target=target)
            notes += by_chance.too_small(column, target, chance, part.pairs, part.groups, LIMIT)
            figures.append(_figure(gaps, column, target))
            heard.append(_of_lowest(tables, gaps, everyone, target))
        if column == "language" and "sentiment" in tables.clips:
            found += _sentiment(tables, everyone)
    found_by_chance = [
        by_chance.table("chance", "the gap", by_chance.SCORE, rows),
        by_chance.table("odds_by_chance", "equalised odds", by_chance.ODDS, odds),
    ]
    if match == "truth":
        notes.insert(0, "Groups were matched: equally many clips of each in every class or bin of the truth.")
    return Outcome(
        answer=_answer(found, rows),
        findings=found,
        tables=found_by_chance if rows else [],
        figures=figures,
        notes=notes,
        sounds=in_turn(heard),
        left_out=kept,
    )


def plant(tables: Tables, rng: np.random.Generator) -> Tables:
    """Raise the predictions for men by a third of the scale, and shuffle them among men."""
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


@dataclass(frozen=True, kw_only=True)
class Part:
    """The clips with one target, their groups, and the class codes for counting right and wrong predictions.

    `large` holds the groups that enter statistics over all groups (max − min, equalised odds, permutations).
    """

    pairs: Pairs
    groups: Groups
    large: Groups
    coded: Pairs


def _of_target(tables: Tables, target: str, everyone: Groups, match: str, rng: np.random.Generator) -> Part:
    """Truth, prediction and groups of one target; matched on the truth if requested."""
    pair = pairs(tables, target)
    code = everyone.code[tables.clips.index.get_indexer(pair.clips)]
    coded = pair if target == "emotion" else binned(pair)
    if match == "truth":
        kept = matched(coded.truth, _there(everyone, code), list(pair.clips), rng=rng)
        pair, coded, code = pair.take(kept), coded.take(kept), code[kept]
    groups = _there(everyone, code)
    return Part(pairs=pair, coded=coded, groups=groups, large=large_enough(pair, groups))


def _there(everyone: Groups, code: np.ndarray) -> Groups:
    """The groups that have at least one of these clips."""
    return replace(everyone, code=code).only(np.unique(code[code >= 0]))


def _alone(part: Part, column: str, target: str) -> str:
    only = f": all are {part.groups.names[0]}" if len(part.groups) == 1 else ""
    return f"the clips with {target} have fewer than two groups of {column}{only}"


def _gaps(
    part: Part, column: str, target: str, classes: tuple[str, ...], resamples: int, rng: np.random.Generator
) -> tuple[list[Finding], NullGap]:
    pair, groups = part.pairs, part.groups
    many = len(classes) if target == "emotion" else 0
    statistic = uar_statistic(many) if many else CCC
    inside = [pair.take(groups.code == code) for code in range(len(groups))]
    # without an interval (too few speakers) the gate is inconclusive by itself
    useless = NOT_BETTER if all(not_better_than_constant(p, many) == NOT_BETTER for p in inside) else ""
    of_groups = (pair.truth, pair.prediction, pair.unit, groups.code, len(groups))
    by_unit = GroupedClips(
        pair.truth, pair.prediction, pair.unit, pair.units, part.large.code, len(part.large)
    )
    chance = permutation(statistic, by_unit, draws=resamples, rng=rng)

    def found(name: str, value: Estimate, where: str, what: str = target, withheld: str = useless) -> Finding:
        return finding(name, value, target=what, slice=where, by_speaker=pair.by_speaker, withheld=withheld)

    where = [f"{column}={name}" for name in groups.names]
    gaps = []
    for one, p in zip(where, inside, strict=True):
        score = estimate(statistic, p.truth, p.prediction, p.unit, p.units)
        gaps.append(found(statistic.name, score, one, withheld=""))
    if column == "sex" and {"female", "male"} <= set(groups.names):
        gaps += _sex(part, statistic, found, many, chance, judged=not useless)
    for name, what in (("group_minus_all", statistic), *([] if many else [("mean_shift", BIAS)])):
        differences = group_minus_all(what, *of_groups)
        gaps += [found(name, one, place) for one, place in zip(differences, where, strict=True)]
    gaps += _pairwise(part, statistic, column, found)
    extent = max_minus_min(statistic, by_unit, draws=resamples, rng=rng)
    gaps.append(found("max_minus_min", extent, f"{column}=*", withheld=""))
    odds = equalised_odds(
        part.coded, part.large, many or len(BINS), fewest=1 if many else FEWEST_IN_BIN,
        draws=resamples, rng=rng,
    )  # fmt: skip
    gaps.append(found("equalised_odds", odds, f"{column}=*", withheld=""))
    return gaps + _by_class(part, target, classes if many else BINS, where, found), chance


def _by_class(
    part: Part, target: str, names: tuple[str, ...], where: list[str], found: Callable[..., Finding]
) -> list[Finding]:
    """Recall and precision of every emotion, or bin of a dimension: each group minus all clips."""
    emotion = target == "emotion"
    gaps = []
    for code, name in enumerate(names):
        clips = int((part.coded.truth == code).sum())
        if not clips or not (emotion or clips >= FEWEST_IN_BIN):
            continue
        for metric in ("recall", "precision"):
            differences = class_gaps(part.coded, part.groups, code, metric)
            for one, place in zip(differences, where, strict=True):
                if not one.n:
                    continue  # this class was never predicted: recall shows it
                label = (f"{metric}_gap", name) if emotion else (f"bin_{metric}_gap", f"{target} {name}")
                gaps.append(found(label[0], one, place, label[1]))
    return gaps


def _pairwise(part: Part, statistic: Statistic, column: str, found: Callable[..., Finding]) -> list[Finding]:
    """Each group minus each later group; none for the two sexes, where the sex score is this difference."""
    groups = part.groups
    if column == "sex" and set(groups.names) == {"female", "male"}:
        return []
    return [
        found(
            "group_difference",
            gap(statistic, _members(part, a), _members(part, b)),
            f"{column}={groups.names[a]} - {groups.names[b]}",
        )
        for a, b in itertools.combinations(range(len(groups)), 2)
    ]


def _members(part: Part, code: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    mask = part.groups.code == code
    return part.pairs.truth[mask], part.pairs.prediction[mask], part.pairs.unit[mask]


def _sex(
    part: Part, statistic: Statistic, found: Callable[..., Finding], many: int, chance: NullGap, judged: bool
) -> list[Finding]:
    """Sex fairness score and, for a dimension, sex fairness bias."""
    female, male = (_members(part, part.groups.names.index(sex)) for sex in ("female", "male"))
    score = found("sex_score", gap(statistic, female, male), "female-male")
    if judged and chance.smallest_detectable > LIMIT and not score.reason:
        score = score.model_copy(update={"reason": CANNOT_VERIFY.format(chance.smallest_detectable)})
    bias = [] if many else [found("sex_bias", gap(BIAS, female, male), "female-male")]
    return [score, *bias]


def _sentiment(tables: Tables, language: Groups) -> list[Finding]:
    """Shifts by sentiment in each language, for the dimensions that are rated."""
    sentiment = groups_of(tables.clips, "sentiment")
    found = []
    for dimension in tables.dimensions:
        pair = pairs(tables, dimension)
        at = tables.clips.index.get_indexer(pair.clips)
        spoken, felt = _there(language, language.code[at]), _there(sentiment, sentiment.code[at])
        if len(spoken) < 2 or len(felt) < 2:
            reason = f"the clips with {dimension} have fewer than two languages or two sentiments"
            found.append(skipped("sentiment_shift", tables, reason, target=dimension))
            continue
        useless = NOT_BETTER if not_better_than_constant(pair) == NOT_BETTER else ""
        shifts = sentiment_shift(pair.prediction, spoken, felt, pair.unit, pair.units)
        for (tongue, word), shift in shifts.items():
            where = f"language={tongue}, sentiment={word}"
            found.append(
                finding("sentiment_shift", shift, target=dimension, slice=where, by_speaker=pair.by_speaker,
                        withheld=useless)
            )  # fmt: skip
    return found


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


def _of_lowest(tables: Tables, found: list[Finding], everyone: Groups, target: str) -> list[Sound]:
    """Clips of the group with the lowest score, starting with the largest error."""
    scores = [f for f in found if f.name in {"ccc", "uar"} and f.value is not None]
    if not scores:
        return []
    lowest = min(scores, key=lambda f: f.value or 0.0)
    why = f"{lowest.slice} has the lowest {lowest.name.upper()} of {target}"
    inside = everyone.code == everyone.names.index(lowest.slice.partition("=")[2])
    return furthest(tables, target, why, inside)


def _answer(findings: list[Finding], rows: list[by_chance.Row]) -> str:
    gaps = [f for f in findings if f.name in {"sex_score", "max_minus_min"} and f.value is not None]
    if not gaps:
        return f"No gap between groups could be measured: {findings[0].reason}."
    judged = [f for f in findings if f.name in {"sex_score", "group_minus_all"} and f.value is not None]
    if judged and all(NOT_BETTER in f.reason for f in judged):
        return (
            "Not judged: the model is not shown to be better than a constant, "
            "and a useless model is trivially fair."
        )
    # differences of small groups are large by chance and have no interval
    largest = max(gaps, key=lambda f: (f.low is not None, abs(f.value or 0.0)))
    interval = (
        "" if largest.low is None or largest.high is None else f" [{largest.low:.2f}, {largest.high:.2f}]"
    )
    if largest.name == "sex_score":
        return _of_sexes(largest, interval) + by_chance.beyond(rows)
    column = largest.slice.removesuffix("=*")
    found = f"The largest gap is in {largest.target} by {column}: {largest.value:.2f}{interval}."
    return found + by_chance.beyond(rows)


def _of_sexes(score: Finding, interval: str) -> str:
    """For which sex the model works better and by how much, if the interval shows a difference."""
    if score.value == 0:
        return "There is no gap: the scores of women and men are equal."
    gap = f"female − male = {score.value:.2f}{interval}"
    if score.low is None or score.high is None:
        return f"The largest gap is in {score.target}: {gap}, without an interval: {score.reason}."
    if score.low <= 0 <= score.high:
        return f"The largest gap is in {score.target}: {gap}; neither sex is shown to have a better score."
    who = "women" if score.low > 0 else "men"
    return f"The largest gap is in {score.target}: the model works better for {who}, {gap}."
