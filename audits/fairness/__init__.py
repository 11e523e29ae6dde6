"""Does the model work equally well for all groups of speakers?

For the two sexes: the sex fairness score CCC_female − CCC_male (Wagner et al. 2023, Eq. 1; UAR for emotions)
and the sex fairness bias (m(p_f) − m(t_f)) − (m(p_m) − m(t_m)) (Eq. 2). For every column given as a group,
and for two crossed columns (`sex+language`): the score of each group, each group minus all clips, each pair
of groups, and the largest minus the smallest score; the shift of the mean error; precision and recall of
every emotion, or of the bins .25/.5/.75 of a dimension, each group minus all; equalised odds. Ages are cut
into <30, 30-50, >50, other numbers at their terciles; `pitch_group` is derived from the mean F0 of a
speaker's clips (low ≤ 145 Hz < medium ≤ 190 Hz < high, at least 25 clips). Recall and precision are also
compared between the groups: the first of two minus the second, or the largest minus the smallest. Where
`language` is a group and the corpus has a column `sentiment`: how much more the sentiment of the words shifts
the prediction in one language than in the others. `--match truth` first leaves clips out until all groups
have the same size and the same distribution of the truth, as ser-tests does.

A useless model is trivially fair: constant and random predictions have gaps near 0. So a gap passes only
where the model is shown to beat a constant in at least one group (predictions permuted among each speaker's
clips, p ≤ .001); a gap beyond the limit fails in any case. Permuting group labels over speakers shows which
gaps arise by chance alone; the report gives a p-value for each gap, also adjusted for the number of gaps
(Holm 1979). Permuted is the studentised gap, so that groups may differ in clips per speaker. The report also
gives the smallest gap that this corpus detects, and the smallest limit that it can verify, in 80 % of cases.
The same is done for equalised odds, and for recall and precision of each class.

CCC is higher where ratings spread more, for the same errors. So gaps of MAE and RMSE (of the Brier score for
emotions) and the spread of each group's ratings are reported, too. Where the sex score differs from 0 while
the 90 % interval of the gap in MAE lies within ± .02, the reason says that the range of the ratings makes it.

Limits are those of audEERING's ser-tests for group minus all: ± .075, which is ± .15 on the difference of two
equally large groups, the limit of the sex score. Intervals are 95 %: leave-one-speaker-out jackknife with
Student's t, with Satterthwaite's degrees of freedom between groups; for differences of UAR and recall between
two groups, Wilson's bounds of both, joined by MOVER (Zou & Donner 2008). Max − min and equalised odds are
above 0 for equal groups, too. So the lower end of their intervals is corrected for all pairs of groups (Games
& Howell 1976; for equalised odds by the permutations) and reaches down to 0; the upper end is that of the
pair with the highest. A group with fewer than 5 speakers has no interval and, where two others have enough,
is excluded from max − min, equalised odds and the permutations.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from sertools.auditing.contract import Needs, Outcome
from sertools.auditing.examples import in_turn
from sertools.auditing.findings import skipped
from sertools.labels import DIMENSIONS
from sertools.metrics.groups import F0, PITCH_GROUP, Groups, groups_of
from sertools.results.keys import Asks
from sertools.results.result import Figure, Finding, LeftOut, Limit, Sound
from sertools.tables.pairs import scored_targets
from sertools.tables.tables import Tables

from . import chance, presentation
from .class_differences import class_differences, finely_tested
from .error_gaps import groups_table
from .gaps import gap_findings, odds_by_chance, tested
from .grouped import GroupedPairs, grouped_pairs
from .sentiment import sentiment_findings
from .without_speaker import group_scores_without_speaker

SER_TESTS = "audEERING ser-tests, group minus all"
PITCH = "audEERING ser-tests, pitch"
HALVES, SEXES = ("group_minus_all", "mean_shift"), ("female", "male")
OURS = "ours, by analogy with group minus all"
LIMIT = 0.075
"""Limit for the score of a group minus the score of all clips."""

GAP_LIMIT = 2 * LIMIT
"""The same for the difference of two equally large groups: each is half of it away from all clips."""

DERIVED = "audEERING ser-tests, ± 0.075 for group minus all: ± 0.15 between two equally large groups"

MATCHED = "Groups were matched: equally many clips of each in every class or bin of the truth."


def _within(name: str, limit: float, source: str = SER_TESTS, *, detail: bool = False, **where: str) -> Limit:
    return Limit(name=name, above=-limit, below=limit, source=source, detail=detail, **where)


ASKS = Asks(question="Is it fair?", claim="fair to all groups", rank=30)

EXPLANATIONS = {
    "sex_score": (
        "How much better the model predicts women than men: CCC_female − CCC_male, or UAR for "
        "emotions; 0 is equal (Wagner et al. 2023, Eq. 1)."
    ),
    "sex_bias": (
        "How much higher the model rates women than men, beyond their ratings: (m(p_f) − m(t_f)) − "
        "(m(p_m) − m(t_m)), on a scale from 0 to 1; 0 is none (Wagner et al. 2023, Eq. 2)."
    ),
    "group_minus_all": (
        "Score of a group minus the score of all clips, by CCC for a dimension and UAR for emotions; "
        "0 is equal."
    ),
    "max_minus_min": (
        "The largest score of a group minus the smallest, by CCC for a dimension and UAR for "
        "emotions; 0 is equal."
    ),
    "mae_gap": (
        "MAE of one group minus that of the other; unlike that of CCC, the gap does not depend on how widely "
        "the ratings of a group spread."
    ),
    "rmse_gap": "Root mean square error of one group minus that of the other.",
    "brier_gap": "Brier score (mean squared error of the probabilities) of one group minus the other's.",
    "mean_shift": "Mean error p − t of a group minus that of all clips, on the scale from 0 to 1.",
    "recall_gap": "Recall of an emotion in a group minus that in all clips.",
    "precision_gap": "Precision of an emotion in a group minus that in all clips.",
    "recall_difference": (
        "Recall of an emotion in the first of two groups minus that in the second (female − male), or, of "
        "more groups, the largest minus the smallest."
    ),
    "precision_difference": (
        "Precision of an emotion in the first of two groups minus that in the second (female − male), or, of "
        "more groups, the largest minus the smallest."
    ),
    "bin_recall_gap": "Recall of a part of the scale (ends .25, .5, .75) in a group minus that in all clips.",
    "bin_precision_gap": "Precision of a part of the scale in a group minus that in all clips.",
    "bin_recall_difference": (
        "Recall of a part of the scale in the first of two groups minus that in the second, or, of more "
        "groups, the largest minus the smallest."
    ),
    "bin_precision_difference": (
        "Precision of a part of the scale in the first of two groups minus that in the second, or, of more "
        "groups, the largest minus the smallest."
    ),
}

LIMITS = [
    _within("sex_score", GAP_LIMIT, DERIVED),
    _within("sex_bias", LIMIT, OURS),
    _within("group_minus_all", LIMIT),
    _within("mean_shift", LIMIT, "audEERING ser-tests, accents; ours subtracts the mean of the truth"),
    _within(
        "mean_shift",
        0.03,
        "audEERING ser-tests, languages; ours subtracts the mean of the truth",
        slice="language=*",
    ),
    # with two sexes, each of these is half of the sex score or of the sex bias
    *(_within(name, LIMIT, slice=f"sex={sex}", detail=True) for name in HALVES for sex in SEXES),
    _within("recall_gap", 0.175, detail=True),
    _within("precision_gap", LIMIT, detail=True),
    _within("bin_recall_gap", 0.1, detail=True),
    _within("bin_precision_gap", 0.1, detail=True),
    *(_within("group_minus_all", 0.1, PITCH, slice="pitch_group=*", target=d) for d in DIMENSIONS),
    *(
        _within(name, limit, PITCH, slice="pitch_group=*", detail=True)
        for name, limit in (
            ("recall_gap", 0.225),
            ("precision_gap", 0.1),
            ("bin_recall_gap", 0.125),
            ("bin_precision_gap", 0.125),
        )
    ),
    _within("sentiment_shift", 0.025, "audEERING ser-tests, linguistic sentiment"),
]


def needs(*, group: tuple[str, ...], match: str, resamples: int) -> Needs:
    """Dimensions or emotion; the F0 of clips where speakers are grouped by pitch."""
    columns = {column for name in group for column in name.split("+")}
    return Needs(labels="either", measured_columns=(F0,) if PITCH_GROUP in columns else ())


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
        rng: for permutations and matching
        group: columns to group by, e.g. sex, language, age, pitch_group; sex+language crosses two columns
        match: truth leaves clips out until all groups are equally large in each class or bin of the truth
        resamples: number of permutations
    """
    findings: list[Finding] = []
    comparisons: list[_Comparison] = []
    for column in dict.fromkeys(group):
        if column == "sex" and column not in tables.clips:
            findings.append(skipped("sex_score", tables, "the corpus has no column 'sex'"))
            continue
        groups = groups_of(tables.clips, column)
        for target in scored_targets(tables):
            part = grouped_pairs(tables, column, target, groups, match=match, rng=rng)
            if len(part.groups) < 2:
                findings.append(skipped(f"{column}_gap", tables, part.reason_one_group, target=target))
                continue
            comparisons.append(_compare(tables, part, groups, resamples, rng))
            findings += comparisons[-1].findings
        if column == "language" and "sentiment" in tables.clips:
            findings += sentiment_findings(tables, groups)
    gap_rows = [each.gap for each in comparisons]
    matched = [MATCHED] if match == "truth" else []
    return Outcome(
        answer=presentation.answer(findings, gap_rows),
        findings=findings,
        tables=[
            *chance.tables(gap_rows, [each.odds for each in comparisons]),
            *groups_table([each.part for each in comparisons]),
        ],
        figures=[each.figure for each in comparisons],
        notes=[*matched, *(note for each in comparisons for note in each.notes)],
        sounds=in_turn([each.sounds for each in comparisons]),
        left_out=[values for each in comparisons for values in each.without_speaker],
    )


@dataclass(frozen=True, kw_only=True)
class _Comparison:
    """The groups of one column, compared on one target.

    Attributes:
        part: the clips, with their groups
        findings: scores, gaps and equalised odds
        gap, odds: the permutation tests of the gap and of equalised odds
        without_speaker: the scores of the groups without each speaker in turn
        notes, figure, sounds: what the report adds to the findings
    """

    part: GroupedPairs
    findings: list[Finding]
    gap: chance.ChanceRow
    odds: chance.ChanceRow
    without_speaker: list[LeftOut]
    notes: list[str]
    figure: Figure
    sounds: list[Sound]


def _compare(
    tables: Tables, part: GroupedPairs, groups: Groups, resamples: int, rng: np.random.Generator
) -> _Comparison:
    """Compare the groups of one column on one target."""
    odds = finely_tested(lambda draws: odds_by_chance(part, draws, rng), resamples)
    findings, gap_by_chance = gap_findings(part, GAP_LIMIT, resamples, odds, rng)
    findings = [*tested(findings, gap_by_chance, odds), *class_differences(part, resamples, rng)]
    return _Comparison(
        part=part,
        findings=findings,
        gap=chance.row(part, gap_by_chance),
        odds=chance.row(part, odds),
        without_speaker=group_scores_without_speaker(part, tables),
        notes=chance.notes(part, gap_by_chance, GAP_LIMIT),
        figure=presentation.score_figure(findings, part),
        sounds=presentation.clips_of_lowest_group(tables, findings, groups, part.target),
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
