"""Agreement with the ratings on the recording and on synthetic speech of the same words."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.auditing.findings import doubted, finding
from sertools.metrics.better_than_chance import not_better_than_constant
from sertools.metrics.classification import uar_statistic
from sertools.metrics.distribution import jensen_shannon_beyond_chance
from sertools.metrics.regression import CCC
from sertools.randomness import identity_rng
from sertools.results.result import Finding
from sertools.statistics.jackknife import Estimate, contrast, estimate
from sertools.statistics.shares import change_of_recall
from sertools.statistics.statistic import Statistic
from sertools.tables.condition import Condition
from sertools.tables.pairs import Pairs, pairs
from sertools.tables.tables import Tables

from .sentences import SentenceScore
from .spread import MEAN, SPREAD_RATIO

HIGH_LEVEL = 0.999
"""Coverage of the interval that shows that predictions on synthetic speech are related to the ratings."""

INCONCLUSIVE = "neither the sentences nor the predictions on synthetic speech are related to the ratings"


@dataclass(frozen=True, kw_only=True)
class PredictedTwice:
    """One target on the clips with predictions for both the recording and synthetic speech.

    Attributes:
        pair: truth and prediction on the original audio
        synthetic: prediction on synthetic speech of the same words, shape (n,)
        answered: whether the model answered both, shape (n,); an unanswered clip counts against it
        statistic: CCC or UAR
        classes: number of class codes; 0 for a dimension
    """

    pair: Pairs
    synthetic: NDArray[Any]
    answered: NDArray[np.bool_]
    statistic: Statistic
    classes: int

    def score(self, prediction: NDArray[Any], *, level: float = 0.95) -> Estimate:
        """The statistic for given predictions of these clips, with its interval."""
        pair = self.pair
        return estimate(self.statistic, pair.truth, prediction, pair.unit, pair.units, level=level)


def metric_of(target: str) -> str:
    """Name of the score: `uar` of emotion, `ccc` of a dimension."""
    return "uar" if target == "emotion" else "ccc"


def voice_condition(voice: str) -> Condition:
    """The condition of transcripts spoken by a synthetic voice."""
    return Condition(perturbation="spoken", voice=voice)


def predicted_twice(tables: Tables, target: str, voice: str) -> PredictedTwice:
    """One target on the clips with a truth that the model was asked twice."""
    original, synthetic = pairs(tables, target), pairs(tables, target, str(voice_condition(voice)))
    both = original.take(original.clips.isin(synthetic.clips))
    prediction = pd.Series(synthetic.prediction, index=synthetic.clips)
    classes = max(original.classes, synthetic.classes)
    answered = both.clips.isin(original.of_answered.clips) & both.clips.isin(synthetic.of_answered.clips)
    return PredictedTwice(
        pair=both,
        synthetic=prediction.reindex(both.clips).to_numpy(dtype=both.prediction.dtype),
        answered=answered,
        statistic=uar_statistic(classes) if classes else CCC,
        classes=classes,
    )


def voice_findings(
    clips: PredictedTwice, target: str, voice: str, sentence_score: SentenceScore
) -> list[Finding]:
    """Findings for one target and one voice.

    Args:
        clips: the target on the clips with both predictions
        target: a dimension, or `emotion`
        voice: name of the synthetic voice
        sentence_score: how well the sentence alone predicts the target
    """
    pair, metric = clips.pair, clips.statistic.name
    if clips.classes:
        change = change_of_recall(pair.truth, pair.prediction, clips.synthetic, pair.unit)
    else:
        change = contrast(clips.statistic, pair.truth, pair.prediction, clips.synthetic, pair.unit)
    values = {
        f"original_{metric}": clips.score(pair.prediction),
        f"synthetic_{metric}": clips.score(clips.synthetic),
        f"{metric}_change": change,
    }
    of_answered = {} if clips.classes else _distribution_values(clips)
    coverage = float(clips.answered.mean()) if len(clips.answered) else 1.0
    useless = "" if clips.classes else not_better_than_constant(pair)
    doubt = _unrelated(clips, sentence_score)
    made = [
        finding(
            name,
            value,
            target=target,
            slice=f"voice={voice}",
            by_speaker=pair.by_speaker,
            withheld=useless if name == f"synthetic_{metric}" else "",
            coverage=coverage if name in of_answered else 1.0,
        )
        for name, value in {**values, **of_answered}.items()
    ]
    return [doubted(each, doubt) if each.name == f"synthetic_{metric}" else each for each in made]


def _distribution_values(clips: PredictedTwice) -> dict[str, Estimate]:
    """Distances of both predictions to the ratings; spread and mean of the synthetic predictions.

    They are of the clips that the model answered twice.
    """
    pair, seed = clips.pair.take(clips.answered), "jensen_shannon"
    unit, synthetic = (pair.unit, pair.units), clips.synthetic[clips.answered]
    original, spoken = (
        jensen_shannon_beyond_chance(pair.truth, prediction, pair.unit, rng=identity_rng(0, seed))
        for prediction in (pair.prediction, synthetic)
    )
    return {
        "original_jensen_shannon": original,
        "synthetic_jensen_shannon": spoken,
        "synthetic_spread": estimate(SPREAD_RATIO, pair.prediction, synthetic, *unit),
        "synthetic_mean": estimate(MEAN, synthetic, synthetic, *unit),
    }


def _unrelated(clips: PredictedTwice, sentence_score: SentenceScore) -> str:
    """Why the score on synthetic speech could not show that words mislead the model; empty if it could."""
    if clips.classes or sentence_score.may_inform:
        return ""
    score = clips.score(clips.synthetic, level=HIGH_LEVEL)
    return INCONCLUSIVE if score.low <= 0 <= score.high else ""


def reason_without_clips(tables: Tables, voice: str) -> str:
    """Why no clip has both predictions: the most frequent reason for missing synthetic speech."""
    condition = str(voice_condition(voice))
    reasons = tables.missing.loc[tables.missing["condition"] == condition, "reason"]
    most = f": {reasons.value_counts().index[0]}" if len(reasons) else ""
    return f"no clip has predictions for both the recording and synthetic speech{most}"
