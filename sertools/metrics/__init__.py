"""Metrics for speech emotion recognition: `from sertools.metrics import ccc, uar, ece`.

Classes are integer codes, ratings floats, and a metric that is undefined is nan. Each metric that has an
interval also exists as a `Statistic` in its module (`regression.CCC`, `classification.uar_statistic(4)`),
which `sertools.statistics.jackknife.estimate` takes.

>>> from sertools.metrics import accuracy, ccc
>>> accuracy([0, 0, 1, 1], [0, 1, 1, 1]), round(ccc([1, 2, 3, 4, 5], [2, 3, 4, 5, 6]), 12)
(0.75, 0.8)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sertools.metrics.better_than_chance import not_better_than_constant
    from sertools.metrics.calibration import brier_losses, confidence_bins, ece, ece_by_chance
    from sertools.metrics.cca import cca_of_large, cka, covariance, mean_cca, pwcca
    from sertools.metrics.classification import (
        accuracy,
        confusion,
        macro_f1,
        precision,
        rating_bins,
        recall,
        uap,
        uar,
        weighted_f1,
    )
    from sertools.metrics.distribution import in_range, jensen_shannon, relative_difference, share_in_range
    from sertools.metrics.fingerprints import similar_pairs
    from sertools.metrics.group_gaps import class_gaps, equalised_odds, equalised_odds_by_chance
    from sertools.metrics.groups import groups_of, matched, pitch_groups
    from sertools.metrics.neighbours import chance_of_purity, nearest, purity, weighted_silhouette
    from sertools.metrics.regression import bias, ccc, mae, pcc, rmse
    from sertools.metrics.speakers import (
        anova_p_value,
        rank_correlation,
        scores_of_draws,
        spearman,
        unit_means,
    )
    from sertools.metrics.unchanged import (
        draw_variance,
        mean_share,
        scale_free_tolerance,
        share_of_equal_pairs,
        spread,
        tolerated_level,
        unchanged_classes,
        unchanged_ratings,
    )
    from sertools.metrics.word_error_rate import normalised_text, word_errors
    from sertools.metrics.words import word_agreement, word_effect, word_means, words_of

__all__ = [
    "accuracy",
    "anova_p_value",
    "bias",
    "brier_losses",
    "cca_of_large",
    "ccc",
    "chance_of_purity",
    "cka",
    "class_gaps",
    "confidence_bins",
    "confusion",
    "covariance",
    "draw_variance",
    "ece",
    "ece_by_chance",
    "equalised_odds",
    "equalised_odds_by_chance",
    "groups_of",
    "in_range",
    "jensen_shannon",
    "macro_f1",
    "mae",
    "matched",
    "mean_cca",
    "mean_share",
    "nearest",
    "normalised_text",
    "not_better_than_constant",
    "pcc",
    "pitch_groups",
    "precision",
    "purity",
    "pwcca",
    "rank_correlation",
    "rating_bins",
    "recall",
    "relative_difference",
    "rmse",
    "scale_free_tolerance",
    "scores_of_draws",
    "share_in_range",
    "share_of_equal_pairs",
    "similar_pairs",
    "spearman",
    "spread",
    "tolerated_level",
    "uap",
    "uar",
    "unchanged_classes",
    "unchanged_ratings",
    "unit_means",
    "weighted_f1",
    "weighted_silhouette",
    "word_agreement",
    "word_effect",
    "word_errors",
    "word_means",
    "words_of",
]

_MODULE_OF = {
    "accuracy": "classification",
    "anova_p_value": "speakers",
    "bias": "regression",
    "brier_losses": "calibration",
    "cca_of_large": "cca",
    "ccc": "regression",
    "chance_of_purity": "neighbours",
    "cka": "cca",
    "class_gaps": "group_gaps",
    "confidence_bins": "calibration",
    "confusion": "classification",
    "covariance": "cca",
    "draw_variance": "unchanged",
    "ece": "calibration",
    "ece_by_chance": "calibration",
    "equalised_odds": "group_gaps",
    "equalised_odds_by_chance": "group_gaps",
    "groups_of": "groups",
    "in_range": "distribution",
    "jensen_shannon": "distribution",
    "macro_f1": "classification",
    "mae": "regression",
    "matched": "groups",
    "mean_cca": "cca",
    "mean_share": "unchanged",
    "nearest": "neighbours",
    "normalised_text": "word_error_rate",
    "not_better_than_constant": "better_than_chance",
    "pcc": "regression",
    "pitch_groups": "groups",
    "precision": "classification",
    "purity": "neighbours",
    "pwcca": "cca",
    "rank_correlation": "speakers",
    "rating_bins": "classification",
    "recall": "classification",
    "relative_difference": "distribution",
    "rmse": "regression",
    "scale_free_tolerance": "unchanged",
    "scores_of_draws": "speakers",
    "share_in_range": "distribution",
    "share_of_equal_pairs": "unchanged",
    "similar_pairs": "fingerprints",
    "spearman": "speakers",
    "spread": "unchanged",
    "tolerated_level": "unchanged",
    "uap": "classification",
    "uar": "classification",
    "unchanged_classes": "unchanged",
    "unchanged_ratings": "unchanged",
    "unit_means": "speakers",
    "weighted_f1": "classification",
    "weighted_silhouette": "neighbours",
    "word_agreement": "words",
    "word_effect": "words",
    "word_errors": "word_error_rate",
    "word_means": "words",
    "words_of": "words",
}


def __getattr__(name: str) -> Any:
    """Import a metric on first use, so that none costs the import of all."""
    if name in _MODULE_OF:
        return getattr(import_module(f"sertools.metrics.{_MODULE_OF[name]}"), name)
    raise AttributeError(f"module 'sertools.metrics' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
