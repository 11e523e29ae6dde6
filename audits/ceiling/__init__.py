"""What do people reach on the same clips?

A score says little until one knows what people reach. Where a corpus has what each rater said, as votes for
emotions or ratings of dimensions, this audit measures, without any model:

- one rater, compared with the class that most of the other raters of the clip chose (votes whose others tie
  are left out), or against their mean,
- half of the raters, compared with the others, averaged over 20 random halves (of an odd number, the first
  half has one rater less; halves without a majority are left out),
- the best possible answer, against each rater in turn: no model can score higher against a random rater,
  because raters of the same clip differ.

For emotions all votes are pooled: UAR, accuracy and macro-F1, and the macro-F1 of soft labels, for which a
rater's vote and the distribution of the other votes are made binary at more than 1 / C, and each clip weighs
the same (Wu et al. 2024). For dimensions all ratings are pooled: CCC, Pearson's correlation, MAE and RMSE.
The best answer to a dimension is the mean of its raters, stretched to the spread of single ratings; its CCC
is the square root of the share of the variance of ratings that is between clips.

Krippendorff's α says how far raters agree beyond chance: 1 − D_o / D_e, the disagreement within clips divided
by that of all ratings, on classes (nominal) or on ratings (interval). Agreement below .2 is slight (Landis
& Koch 1977): such labels hardly are a truth, and the limit says so. The deviation of raters is the pooled
standard deviation of the ratings of a clip; errors are also given in this unit. Where the labels of the
corpus are not the majority of the votes, as the emotion that an actor intended, the share of votes that name
the label is given.

Every other audit shows one rater beside its scores, compared with the same labels as the model. A model is
said to be better than one rater only where the paired 95 % interval says so.

Intervals are 95 %: leave-one-speaker-out jackknife with Student's t, for the share of votes that name the
label Wilson's. They are of other speakers, with the
same kind of raters; that other raters would differ is not in them.
"""

import numpy as np

from sertools.auditing.contract import Needs, Outcome
from sertools.auditing.findings import skipped
from sertools.results.keys import Asks
from sertools.results.result import Limit
from sertools.tables.tables import Tables
from sertools.tables.votes import rated_dimensions, ratings_of, votes_of

from . import presentation
from .emotions import emotion_findings
from .plants import with_random_raters
from .ratings import dimension_findings

ASKS = Asks(question="What do people reach?", rank=15)

EXPLANATIONS = {
    "alpha": (
        "Krippendorff's α: 1 − D_o / D_e, the disagreement of raters of the same clip divided by that of all "
        "raters; 1 is perfect, 0 is chance (Krippendorff 2004)."
    ),
    "one_rater_uar": (
        "UAR of one rater against the class that most of the other raters of the clip chose; votes are "
        "pooled, and those whose others tie are left out."
    ),
    "half_of_raters_uar": (
        "UAR of the majority of a random half of the raters against that of the other half; mean of 20 "
        "random halves."
    ),
    "best_answer_uar": (
        "UAR of the best possible answer to each clip against each of its raters in turn; no model can "
        "reach more against a random rater."
    ),
    "one_rater_ccc": "CCC of the ratings of one rater with the mean of the other raters of the clip.",
    "half_of_raters_ccc": (
        "CCC of the mean of a random half of the raters with that of the other half; mean over 20 halves."
    ),
    "best_answer_ccc": (
        "CCC of the best possible answer with each rater in turn: the square root of the share of the "
        "variance of ratings that is between clips."
    ),
    "one_rater_error": (
        "RMSE of one rater against the mean of the others, divided by the deviation of raters; "
        "√(1 + 1/(m − 1)) is expected for m raters."
    ),
    "label_recognised": "Share of the votes that name the label of the corpus.",
    "one_rater_accuracy": "The same as accuracy: share of votes that agree with the others' majority.",
    "one_rater_macro_f1": "The same as the mean of the classes' F1.",
    "one_rater_soft_macro_f1": (
        "Macro-F1 of one rater compared with the shares of the others' votes, both taken as naming a class "
        "above 1/C (EMO-SUPERB)."
    ),
    "one_rater_recall": "Share of an emotion's clips for which one rater names it like most of the others.",
    "one_rater_pcc": "Pearson's correlation of one rater with the mean of the others, from −1 to 1.",
    "one_rater_mae": "Mean absolute difference of one rater from the mean of the others.",
    "one_rater_rmse": "Root mean square difference of one rater from the mean of the others.",
    "half_of_raters_accuracy": "Accuracy of the majority of a random half of the raters against the other.",
    "half_of_raters_macro_f1": "Mean F1 of the classes, for the majority of a half against the other half.",
    "half_of_raters_soft_macro_f1": "Soft-label macro-F1 of one half's shares of votes against the other's.",
    "half_of_raters_pcc": "Pearson's correlation between the means of two random halves of the raters.",
    "best_answer_accuracy": "Accuracy of the best possible answer, compared with a random rater.",
}

NEEDS = Needs(labels="none", conditions=())

SLIGHT = "Landis & Koch 1977: agreement below .2 is slight"
LIMITS = [Limit(name="alpha", above=0.2, source=SLIGHT)]

NOTHING = "the corpus has no votes and no ratings of individual raters"


def audit(tables: Tables, *, rng: np.random.Generator, halves: int = 20) -> Outcome:
    """Measure how well raters agree with each other, for the emotion and for every dimension.

    Args:
        tables: clips with the votes and ratings of their raters
        rng: not used; the halves of a clip's raters are drawn from its id
        halves: number of random halves of the raters
    """
    parts = []
    votes = votes_of(tables.clips)
    if votes is not None:
        parts.append(emotion_findings(tables, votes, halves))
    for dimension in rated_dimensions(tables.clips):
        ratings = ratings_of(tables.clips, dimension)
        if ratings is not None:
            parts.append(dimension_findings(tables, dimension, ratings, halves))
    if not parts:
        return Outcome(answer=f"Not measured: {NOTHING}.", findings=[skipped("alpha", tables, NOTHING)])
    findings = [f for part in parts for f in part.findings]
    return Outcome(
        answer=" ".join(presentation.sentence(part) for part in parts),
        findings=findings,
        tables=[presentation.reached_table(parts), *presentation.raters_tables(tables)],
        figures=[*presentation.reached_figures(parts), *(f for part in parts for f in part.figures)],
        notes=[note for part in parts for note in part.notes],
    )


def plant(tables: Tables, rng: np.random.Generator) -> Tables:
    """Shuffle the raters' labels between clips: they no longer carry information about their own clip."""
    return with_random_raters(tables, rng)
