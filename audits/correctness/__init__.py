"""How correct is the model on this corpus?

Predicted dimensions are compared with the ratings by the concordance correlation coefficient CCC = 2 s_tp /
(s²_t + s²_p + (m_t − m_p)²), moments divided by n (Lin 1989), Pearson's correlation, MAE and RMSE; emotions
by the unweighted average recall (UAR) over the classes in the truth, unweighted average precision, accuracy
and F1. The distribution of the predictions is compared with that of the truth: by the Jensen-Shannon distance
(base 2) over 10 equal bins, and by the relative difference (n_p − n_t) / n of each class. Distributions of
few clips differ by chance, so the distance is √max(0, d² − m), where d is the observed one and m the mean of
d² when truth and prediction of each speaker are swapped, or not, at random. Where the corpus labels emotions,
every predicted dimension that it does not rate is compared with the range that the literature expects for
each emotion (low ≤ .45, neutral .3 to .6, high ≥ .55); the score is the share of clips in that range.

The AUC is the mean over emotions of the area under the ROC curve of an emotion's score against the rest.
Where the corpus has votes of raters, the predicted distribution is compared with theirs, on all clips with
votes: by the macro-F1 of soft labels, pooled and in batches of 32 clips, and by the Jensen-Shannon distance.
Where ratings are steps of a scale, Cohen's kappa with quadratic weights compares them with the nearest step.

A clip that the model was asked and did not answer counts against it: it is wrong in recall, UAR, accuracy and
F1, and for a dimension it has the end of the scale that is farther from the truth. Precision, AUC, the
distances of distributions and relative differences use the answered clips, and are inconclusive below 95 % of
them. The scores on the answered clips alone are given too.

With a closed set of emotions (`--classes`) only their clips are judged, and the answer is the highest score
among them: probabilities are divided by their sum over the set. An answer in words outside the set is wrong.
Where it differs, the UAR among all classes of the model is given too (`uar_open_set`).

Scores of ratings, and scores over all emotions, are shown together with those of trivial models: the constant
mean or majority class, random predictions, and the constant that is best for this metric. Limits are passed
only where the model is shown to beat a constant: its predictions are permuted among the clips of each
speaker, at most one of 1999 permutations reaches its CCC or UAR (p ≤ .001), and the predictions differ
(standard deviation of at least .03). A failure stands in any case.

Limits are those of audEERING's ser-tests. An error depends on how far the ratings spread: of a calibrated
model with a CCC of c, it has the standard deviation s √(2(1 − c)/(2 − c)), where s is that of the ratings.
Where a CCC of .5 does not suffice for an MAE below .1 (from s = .154 on), the two limits contradict each
other; CCC is judged, and MAE is a detail that says which CCC it would take. The Jensen-Shannon distance is a
detail, because the predictions of a calibrated model spread less than the ratings, by Pearson's correlation.
So are recall, precision and relative difference of each emotion.

Intervals are 95 %: leave-one-speaker-out jackknife with Student's t, for CCC and Pearson's correlation on
Fisher's scale; for shares, Wilson's interval with the effective number of clips. That of the Jensen-Shannon
distance reaches down to 0 where chance may explain it.
"""

import numpy as np

from sertools.auditing.contract import Needs, Outcome
from sertools.auditing.examples import furthest, in_turn
from sertools.auditing.findings import left_out, skipped
from sertools.auditing.tables import Row
from sertools.metrics.classification import uar_statistic
from sertools.metrics.regression import CCC
from sertools.results.keys import Asks
from sertools.results.result import Figure, Finding, LeftOut, Limit
from sertools.tables.pairs import pairs, scored_targets
from sertools.tables.tables import Tables

from . import presentation
from .baselines import baseline_rows
from .expected_ranges import expected_range_findings
from .generalisation import generalisation_drops
from .scores import (
    CCC_LIMIT,
    DIMENSION_STATISTICS,
    MAE_LIMIT,
    class_statistics,
    dimension_findings,
    emotion_findings,
    open_set_findings,
)
from .soft_labels import auc_findings, kappa_findings, soft_label_findings

ASKS = Asks(question="Is it correct?", claim="correct", rank=10)

EXPLANATIONS = {
    "coverage": (
        "Share of the clips that the model was asked and did answer, from 0 to 1; a clip without an "
        "answer counts against the model."
    ),
    "in_expected_range": (
        "Share of an emotion's clips whose predicted dimension is in the range that the literature "
        "expects: low up to .45, neutral from .3 to .6, high from .55."
    ),
    "soft_macro_f1": (
        "Macro-F1 of soft labels: the votes of raters and the predicted distribution are made binary at "
        "more than 1 / C; over all clips at once, or as the mean over batches of 32 clips in the order of "
        "their files, as EMO-SUPERB publishes it (Wu et al. 2024)."
    ),
    "soft_jensen_shannon": (
        "Jensen-Shannon distance (base 2) between the votes of raters and the predicted distribution of a "
        "clip, averaged over clips; 0 is equal."
    ),
    "relative_difference": (
        "How much more often a class is predicted than it occurs: (n_p − n_t) / n over all n clips; 0 "
        "is equal."
    ),
    "uar_open_set": (
        "UAR of the clips of a closed set of emotions, where all classes of the model compete: an answer "
        "outside the set is wrong. From 0 to 1."
    ),
}

NEEDS = Needs(labels="none")

SER_TESTS = "audEERING ser-tests"
LIMITS = [
    Limit(name="ccc", above=CCC_LIMIT, source=SER_TESTS),
    Limit(name="pcc", above=0.5, source=SER_TESTS),
    Limit(name="mae", below=MAE_LIMIT, source=SER_TESTS),
    # a calibrated model's predictions spread less than the ratings: this asks for a CCC of about .65
    Limit(name="jensen_shannon", below=0.2, source=SER_TESTS, detail=True),
    Limit(name="uar", above=0.5, source=SER_TESTS),
    Limit(name="uap", above=0.5, source=SER_TESTS),
    Limit(name="recall", above=0.5, source=SER_TESTS, detail=True),
    Limit(name="precision", above=0.5, source=SER_TESTS, detail=True),
    Limit(name="relative_difference", above=-0.15, below=0.15, source=SER_TESTS, detail=True),
    Limit(name="in_expected_range", above=0.75, source=SER_TESTS),
]


def audit(tables: Tables, *, rng: np.random.Generator, in_domain: tuple[str, ...] = ()) -> Outcome:
    """Score every dimension and emotion, with baselines, distributions and consistency.

    Args:
        tables: clips and clean predictions
        rng: for the random baseline
        in_domain: scores on the corpus that the model was trained on, e.g. `arousal=0.745`, or
            `arousal=0.745:0.71:0.78` with its 95 % interval, without which the drop has none; adds the
            generalisation drop 1 − metric here / metric there (CCC of a dimension, UAR of `emotion`)
    """
    findings: list[Finding] = []
    baselines: list[Row] = []
    figures: list[Figure] = []
    without_speaker: list[LeftOut] = []
    for target in scored_targets(tables):
        pair = pairs(tables, target)
        if target == "emotion":
            statistics, main_score = class_statistics(pair.classes), uar_statistic(pair.classes)
            findings += emotion_findings(pair, tables)
            findings += [*auc_findings(pair, tables), *open_set_findings(pair, tables)]
            figures.append(presentation.confusion_figure(pair, tables))
        else:
            statistics, main_score = DIMENSION_STATISTICS, CCC
            findings += [*dimension_findings(pair, target), *kappa_findings(pair, target)]
            figures.append(presentation.distribution_figure(pair.of_answered, target))
        without_speaker += left_out(main_score, pair, tables, target=target)
        baselines += baseline_rows(pair, target, statistics, rng)
    findings += soft_label_findings(tables)
    consistency = expected_range_findings(tables)
    findings += consistency
    if not findings:
        reason = (
            "corpus and model share neither a dimension nor an emotion, and no emotion implies a dimension"
        )
        return Outcome(answer=f"Not measured: {reason}.", findings=[skipped("ccc", tables, reason)])
    findings += generalisation_drops(findings, in_domain)
    main = [f for f in findings if f.name in {"ccc", "uar"}]
    return Outcome(
        answer=presentation.answer(main, consistency, tables),
        findings=findings,
        tables=[presentation.baselines_table(baselines)] if baselines else [],
        notes=presentation.distance_notes(tables),
        figures=[
            *presentation.score_figure(main),
            *figures,
            *presentation.expected_range_figure(consistency),
        ],
        left_out=without_speaker,
        sounds=in_turn([furthest(tables, f.target) for f in main]),
    )


def plant(tables: Tables, rng: np.random.Generator) -> Tables:
    """Assign the predictions to the wrong clips: every distribution is right, every prediction is wrong."""
    order = rng.permutation(len(tables.clips))
    wrong = {
        condition: scores.iloc[order].set_axis(scores.index)
        for condition, scores in tables.predictions.items()
    }
    return tables.with_predictions(wrong)
