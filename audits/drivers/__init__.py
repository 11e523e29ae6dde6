"""Which acoustic features do the answers follow, and more than people do?

Plain acoustics are the 88 functionals of eGeMAPSv02 of a clip (Eyben et al. 2016: pitch, loudness, spectrum,
formants, voice quality, tempo, MFCC) and its duration. Ridge regression predicts three things from them, for
speakers that it was not fitted on (five groups of speakers; its strength is chosen on left-out speakers of
the other groups): the answers (predicted ratings, or the scores of all emotions), the truth (ratings, or
which emotion is true), and the errors, that is answers minus truth. The share explained is 1 − Σ|y − ŷ|² /
Σ|y − mean y|², for all features and for each group of features alone; it is 0 or less if the features explain
nothing. A model whose answers are explained much better than the ratings uses less than people do.

These shares depend on how noisy the ratings are: the answers of a perfect model are explained better than
ratings with noise. The errors do not have this problem: noise in the ratings cannot be predicted from the
audio, and neither can the errors of a model that is right, or that is unsure but uses all that plain
acoustics contain. So what is judged is `explained_error`, the root mean square of the part of the errors that
plain acoustics explain. It is the root of the covariance of the errors with their least-squares predictions
for unseen speakers, which, unlike a share of explained variance, is not biased downwards if speakers are
few. Its unit is that of the rating scale, or of probability (for emotions, squares are summed over the
classes). It is above 0 if the answers follow a feature more than people do, and if they follow it less. The
limits are ours: .05, the tolerance of Wagner et al. (2023), for dimensions, and .15 for emotions. Only models
that are shown to beat a constant can pass.

Correlations within speakers show which features these are: the correlation of each feature with the answers,
with the ratings, and with the answers if the truth is held constant (partial correlation: what the answers
follow beyond the truth; noise in the ratings increases this one). Values are relative to each speaker's mean.
Features are cut at their .5 % and 99.5 % quantiles; an undefined one gets the median. p-values are two-sided
and adjusted for all features and answers of a target (Holm 1979). Intervals are 95 %: jackknife over speakers
with Student's t, on Fisher's scale for correlations; the regression is not fitted again.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sertools.auditing.contract import Needs, Outcome
from sertools.auditing.findings import detail, finding, skipped
from sertools.metrics.better_than_chance import not_better_than_constant
from sertools.results.keys import Asks
from sertools.results.result import Finding, Limit
from sertools.statistics.jackknife import MIN_UNITS
from sertools.tables.pairs import pairs, scored_targets
from sertools.tables.tables import Tables

from . import presentation
from .material import ALL, COLUMNS, material
from .partial import correlations
from .surrogate import KINDS, Explained, explained, folds_of

ASKS = Asks(question="Which acoustic features does it follow?", rank=75)

EXPLANATIONS = {
    "explained_error": (
        "Root mean square of the part of answers minus ratings that least squares on eGeMAPS predict for "
        "unseen speakers, in units of the rating scale or of probability; 0 where nothing is left to explain."
    ),
    "answers_explained": (
        "Share of the variance of the answers that ridge regression on eGeMAPS predicts for unseen "
        "speakers: 1 − Σ|y − ŷ|² / Σ|y − mean y|², at most 1; 0 or less where it explains nothing."
    ),
    "truth_explained": "The same share for the ratings, or for the true emotion.",
    "errors_explained": "The same share of the variance of answers minus ratings.",
    "answers_minus_truth": "Share explained of the answers minus that of the truth.",
}

LOUDNESS = "egemaps:loudness_sma3_amean"

NEEDS = Needs(labels="either", optional_columns=COLUMNS)

LIMITS = [
    Limit(
        name="explained_error", below=0.05, source="ours: the tolerance of Wagner et al. 2023 for a rating"
    ),
    Limit(
        name="explained_error",
        target="emotion",
        below=0.15,
        source="ours: the same for probabilities: about a tenth for each of two emotions",
    ),
]


def audit(tables: Tables, *, rng: np.random.Generator, by_group: bool = True, shown: int = 15) -> Outcome:
    """Explain answers, truth and errors by plain acoustics.

    Args:
        tables: clips with the functionals of eGeMAPS, and clean predictions
        rng: not used; this audit draws no random numbers
        by_group: also explain by each group of features alone
        shown: number of features in the table of correlations, for each answer
    """
    parts = [_explained(tables, target, by_group, shown) for target in scored_targets(tables)]
    measured = [each.summary for each in parts if each.summary is not None]
    return Outcome(
        answer=presentation.answer(measured) or f"Not measured: {parts[0].findings[0].reason}.",
        findings=[f for each in parts for f in each.findings],
        tables=presentation.tables(measured),
        figures=[figure for each in measured for figure in presentation.figures(each)],
        notes=[f"{each.target}: {each.note}" for each in measured if each.note],
    )


def plant(tables: Tables, rng: np.random.Generator) -> Tables:
    """Let every answer follow loudness alone: its rank is the rating, and chooses the emotion.

    Without a measured loudness nothing is changed.
    """
    if LOUDNESS not in tables.clips:
        return tables
    loudness = pd.to_numeric(tables.clips[LOUDNESS], errors="coerce")
    rank = loudness.rank(pct=True).fillna(0.5).to_numpy(dtype=np.float64)
    planted = {}
    for condition, scores in tables.predictions.items():
        changed = scores.copy()
        for dimension in tables.model_dimensions:
            changed[dimension] = rank
        if tables.model_classes:
            classes = list(tables.model_classes)
            chosen = np.minimum((rank * len(classes)).astype(np.int64), len(classes) - 1)
            changed[classes] = np.where(
                chosen[:, None] == np.arange(len(classes)), 0.9, 0.1 / max(len(classes) - 1, 1)
            )
        planted[condition] = changed.where(scores.notna())
    return tables.with_predictions(planted)


@dataclass(frozen=True, kw_only=True)
class _Part:
    """The findings of one target, and what the report shows of it."""

    findings: list[Finding]
    summary: "presentation.Summary | None" = None


def _explained(tables: Tables, target: str, by_group: bool, shown: int) -> _Part:
    """One target explained by all features and by each group."""
    asked = pairs(tables, target)
    pair = asked.of_answered
    found = material(tables, pair, target)
    if found is None:
        reason = "no acoustic features could be measured (they need opensmile, and the audio)"
        return _Part(findings=[skipped("explained_error", tables, reason, target=target)])
    if found.pair.units < MIN_UNITS:
        reason = f"fewer than {MIN_UNITS} speakers"
        return _Part(findings=[skipped("explained_error", tables, reason, target=target)])
    fold = folds_of(found, tables.clips)
    sets = found.feature_sets if by_group else {ALL: found.feature_sets[ALL]}
    parts = {group: explained(found, fold, features) for group, features in sets.items()}
    withheld = not_better_than_constant(asked, asked.classes)
    coverage = asked.coverage
    judged = finding(
        "explained_error",
        parts[ALL].error,
        by_speaker=pair.by_speaker,
        target=target,
        withheld=withheld,
        coverage=coverage,
    )
    findings = [judged]
    for group, each in parts.items():
        findings += _details(each, target, group, by_speaker=pair.by_speaker, coverage=coverage)
    left_out = pair.n - found.pair.n
    return _Part(
        findings=findings,
        summary=presentation.Summary(
            target=target,
            material=found,
            by_group=parts,
            correlations=correlations(found),
            shown=shown,
            note=f"{left_out} clips without acoustic features are left out." if left_out else "",
        ),
    )


def _details(each: Explained, target: str, group: str, *, by_speaker: bool, coverage: float) -> list[Finding]:
    """The shares that a group of features explains, which are shown and not judged."""
    values = {f"{kind}_explained": each.shares[kind] for kind in KINDS} | {"answers_minus_truth": each.more}
    if group != ALL:
        values["explained_error"] = each.error
    return [
        detail(
            finding(
                name,
                value,
                by_speaker=by_speaker,
                target=target,
                slice="all" if group == ALL else f"features={group}",
                coverage=coverage,
            )
        )
        for name, value in values.items()
    ]
