"""Does the model work equally well for two groups without group labels?

Groups are defined by an attribute that is predicted or measured: `--attribute`, by default the column
`predicted_sex`, or else the sex that the mean pitch of a speaker suggests (female at 165 Hz or more). The
prediction for a speaker is that of most of the speaker's clips. Some predictions are wrong, and wrong
predictions mix the groups, so that the gap between the predicted groups is smaller than the true one: by the
factor r_a + r_b − 1 for means, where r is the share of a group that is predicted correctly.

The gap is corrected for this. Scores are functions of sums over clips (confusion counts for UAR, moments for
CCC), and the sums of the predicted groups are mixtures of those of the true groups: E[S'_j] = Σ_i P(predicted
j | truly i) S_i. The matrix of rates is inverted, and the scores are computed from the unmixed sums. Speakers
whose group is known (`--truth`, a column with values for some speakers, by default `sex`) count in their
group, and the rates are measured on them. Instead, the rates can be given, with the number of speakers on
which they were measured: `--rates female=0.95:200 --rates male=0.92:180`. The interval includes the
uncertainty of scores and rates: each speaker is left out of both at once (jackknife, Student's t; the
variances of speakers known to be in either group and of all others are added). The variance r (1 − r) / n of
given rates is added, with half a right and half a wrong prediction more, so that a rate of 1 is not taken as
exact. Rates that were measured on fewer than 12 speakers of a group give no interval. Without known groups
and rates nothing is judged; a table shows the gap for several assumed rates.

This assumes that the group is predicted wrongly as often for speakers that the model serves well as for the
others. Only gaps between two groups are corrected.

The limit is that of the audit `fairness` for two equally large groups, ± .15 (audEERING's ser-tests: ± .075
for group minus all). Only models that are shown to beat a constant can pass; failures stand.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sertools.auditing.contract import Needs, Outcome
from sertools.auditing.findings import detail, finding, skipped
from sertools.errors import AuditError, nearest
from sertools.metrics.better_than_chance import not_better_than_constant
from sertools.metrics.classification import uar_statistic
from sertools.metrics.regression import CCC
from sertools.results.keys import Asks
from sertools.results.result import Finding, Limit
from sertools.tables.pairs import pairs, scored_targets
from sertools.tables.tables import Tables

from . import presentation
from .attribute import PITCH, PREDICTED_SEX, attribute, parsed_rates, with_predicted_sex
from .correction import Gap, at_rates, gap_of

ASKS = Asks(question="Is it fair?", claim="fair to all groups", rank=30)

EXPLANATIONS = {
    "corrected_gap": (
        "Score of one group minus that of the other (UAR or CCC), with groups from a prediction, corrected "
        "for its error rates; 0 is equal."
    ),
    "uncorrected_gap": (
        "The same between the predicted groups as they are, which is nearer to 0 than the true gap "
        "wherever predictions are wrong."
    ),
    "gap_of_known": "The same between the speakers whose group is known.",
}

LIMITS = [
    Limit(
        name="corrected_gap",
        above=-0.15,
        below=0.15,
        source="audEERING ser-tests, ± 0.075 for group minus all: ± 0.15 between two equally large groups",
    )
]
UNKNOWN_RATES = "the accuracy of the prediction is not known; name known groups with --truth, or give --rates"


def needs(*, attribute: str, truth: str, rates: tuple[str, ...]) -> Needs:
    """Dimensions or emotion, and pitch where the sex is predicted from it."""
    return Needs(labels="either", optional_columns=(PITCH,) if attribute == PREDICTED_SEX else ())


def audit(
    tables: Tables,
    *,
    rng: np.random.Generator,
    attribute: str = PREDICTED_SEX,
    truth: str = "sex",
    rates: tuple[str, ...] = (),
) -> Outcome:
    """Correct the gap between two predicted groups for the error rates of the prediction.

    Args:
        tables: clips with a predicted attribute, and clean predictions
        rng: not used; this audit draws no random numbers
        attribute: column with two predicted groups; predicted_sex is derived from pitch where the corpus
            lacks it
        truth: column in which the group of some speakers is known; need not exist
        rates: share of a group that is predicted rightly, and on how many speakers that was measured, as
            GROUP=SHARE:SPEAKERS, for both groups; instead of known groups
    """
    clips = with_predicted_sex(tables.clips)
    if attribute not in clips or clips[attribute].isna().all():
        if attribute != PREDICTED_SEX:
            known = [str(column) for column in clips.columns]
            raise AuditError(f"the corpus has no column {attribute!r}", hint=nearest(attribute, known))
        reason = "the corpus has no predicted attribute, and its pitch could not be measured"
        return Outcome(answer=f"Not measured: {reason}.", findings=[skipped("corrected_gap", tables, reason)])
    parts = [_compared(tables, clips, target, attribute, truth, rates) for target in scored_targets(tables)]
    measured = [each.summary for each in parts if each.summary is not None]
    return Outcome(
        answer=presentation.answer(measured) or f"Not measured: {parts[0].findings[0].reason}.",
        findings=[f for each in parts for f in each.findings],
        tables=presentation.tables(measured),
        figures=presentation.figures(measured),
        notes=presentation.notes(measured),
    )


def plant(tables: Tables, rng: np.random.Generator) -> Tables:
    """Shuffle the predictions for men, and raise them by a third of the scale."""
    sex = tables.clips["sex"] if "sex" in tables.clips else pd.Series(index=tables.clips.index, dtype=object)
    male = np.flatnonzero((sex == "male").to_numpy())
    order = np.arange(len(tables.clips))
    order[male] = rng.permutation(male)
    planted = {}
    for condition, scores in tables.predictions.items():
        changed = scores.iloc[order].set_axis(scores.index)
        for dimension in tables.model_dimensions:
            changed.loc[changed.index[male], dimension] += 1 / 3
        planted[condition] = changed
    return tables.with_predictions(planted)


@dataclass(frozen=True, kw_only=True)
class _Part:
    """The findings of one target, and what the report shows of it."""

    findings: list[Finding]
    summary: "presentation.Summary | None" = None


def _compared(
    tables: Tables, clips: pd.DataFrame, target: str, column: str, truth: str, rates: tuple[str, ...]
) -> _Part:
    """The gap of one target between the two predicted groups."""
    pair = pairs(tables, target)
    try:
        groups = attribute(clips, pair, column, truth)
    except AuditError as error:
        if "values among" not in error.message:
            raise
        return _Part(findings=[skipped("corrected_gap", tables, error.message, target=target)])
    given = parsed_rates(rates, groups.names)
    statistic = uar_statistic(pair.classes) if pair.classes else CCC
    gap = gap_of(statistic, pair, groups, given)
    withheld = not_better_than_constant(pair, pair.classes)
    if gap.rates is None:
        withheld = UNKNOWN_RATES
    assumed = [(r, at_rates(statistic, pair, groups, (r, r))) for r in presentation.ASSUMED]
    return _Part(
        findings=_findings(gap, tables, target, groups.names, column, withheld),
        summary=presentation.Summary(target=target, groups=groups, gap=gap, assumed=assumed),
    )


def _findings(
    gap: Gap, tables: Tables, target: str, names: tuple[str, str], column: str, withheld: str
) -> list[Finding]:
    """The corrected gap, judged, and the others as details."""
    by_speaker = "speaker" in tables.clips and bool(tables.clips["speaker"].notna().any())
    where = f"{column}={names[0]} minus {names[1]}"
    if withheld == UNKNOWN_RATES:
        judged = skipped("corrected_gap", tables, withheld, target=target).model_copy(update={"slice": where})
    else:
        judged = finding(
            "corrected_gap",
            gap.corrected,
            by_speaker=by_speaker,
            target=target,
            slice=where,
            withheld=withheld,
        )
    found = [judged]
    for name, value in (("uncorrected_gap", gap.uncorrected), ("gap_of_known", gap.known)):
        if value.n:
            found.append(detail(finding(name, value, by_speaker=by_speaker, target=target, slice=where)))
    return found
