"""Do the model's confidence and its errors agree?

For emotions, confidence is the probability of the predicted class. It is compared with accuracy by the
expected calibration error ECE = Σ_b n_b/n |accuracy_b − mean confidence_b| over 15 equal bins (top label;
Naeini et al. 2015, Guo et al. 2017), by the same without what chance gives, by overconfidence = mean
confidence − accuracy (signed), by the Brier score Σ_c (p_c − y_c)² averaged over clips (0 to 2; Brier 1950),
and by the negative log-likelihood −ln p of the true class. Where the corpus has votes of raters, their
cross-entropy −Σ_c t_c ln p_c is given too, beside that of the votes themselves. With few clips even a
calibrated model has an ECE above 0; the report gives that ECE (for independent clips), and the Brier score of
a model that always predicts the class shares. `ece_beyond_chance` is √max(0, Σ w (gap² − SE²)) over 15 bins
with equally many clips, with standard errors SE of the gaps over speakers; its interval holds 0 where chance
may explain the gaps. A limit on calibration should name it, since no interval of the ECE itself can hold 0.

Models give no confidence for dimensions, so the question there is whether the error depends on the
prediction. The residual slope is the least-squares slope of truth − prediction on the prediction: 0 where a
prediction can be taken at face value, above 0 where the truth is more extreme than predicted, below 0 where
the model exaggerates. The spread is sd(prediction) / sd(truth): far below 1, the model avoids the extremes.
The bias m(p) − m(t) is given for the clips with their truth in each quarter of the scale; regression to the
mean makes it fall from the lowest to the highest quarter for every model that makes errors.

All values are of the clips that the model answered; below 95 % of the clips that it was asked, no limit is
decided. There are no published limits; ours mark where a reader would be misled: overconfidence beyond ±.1, a
truth that changes by less than 0.5 or more than 1.5 times the change in the prediction (slope beyond ±.5).
The spread is a detail: that of a calibrated model is Pearson's correlation, so a limit of the spread would
accuse a calibrated model of correlation .4; and a spread above 2 already means a slope below −.5. Limits are
passed only by models that are shown to beat a constant (predictions permuted among each speaker's clips,
p ≤ .001): a model that always gives each of six classes a probability of 1/6 is calibrated and useless.
Failures stand. Intervals are 95 %: leave-one-speaker-out jackknife with Student's t. The ECE has
none.
"""

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sertools.auditing.contract import Needs, Outcome
from sertools.auditing.figures import interval_series
from sertools.auditing.findings import finding, left_out, skipped
from sertools.auditing.phrases import interval_text
from sertools.auditing.tables import Row
from sertools.metrics.better_than_chance import not_better_than_constant
from sertools.metrics.calibration import (
    BINS,
    BRIER,
    OVERCONFIDENCE,
    RESIDUAL_SLOPE,
    SPREAD,
    brier_losses,
    confidence_bins,
    ece_beyond_chance,
    ece_by_chance,
    ece_statistic,
    probabilities_problem,
)
from sertools.metrics.classification import rating_bins
from sertools.metrics.regression import BIAS
from sertools.results.keys import Asks
from sertools.results.result import Figure, Finding, LeftOut, Limit, Series, Table
from sertools.results.terms.names import slice_words
from sertools.statistics.jackknife import MIN_UNITS, Estimate, estimate
from sertools.statistics.proportions import proportion
from sertools.statistics.statistic import Statistic
from sertools.tables.condition import CLEAN
from sertools.tables.pairs import Pairs, pairs
from sertools.tables.tables import Tables
from sertools.wording import plural

from .losses import loss_findings

ASKS = Asks(question="Is it calibrated?", claim="calibrated", rank=60)

EXPLANATIONS = {
    "ece": (
        "Expected calibration error: Σ_b n_b/n |accuracy_b − mean confidence_b| over 15 equal bins of "
        "the confidence in the predicted class; 0 is calibrated (Naeini et al. 2015, Guo et al. "
        "2017)."
    ),
    "overconfidence": (
        "Mean confidence minus accuracy; above 0 the model is surer than it is right, below 0 less sure."
    ),
    "brier": "Brier score: Σ_c (p_c − y_c)², averaged over clips, from 0 to 2; 0 is perfect (Brier 1950).",
    "nll": (
        "Negative log-likelihood: −ln of the probability of the true class, averaged over clips; 0 is "
        "perfect, probabilities below 1e-7 count as 1e-7."
    ),
    "cross_entropy": (
        "Cross-entropy of the votes of raters: −Σ_c t_c ln p_c with the share t_c of the votes, averaged "
        "over clips; at best the entropy of the votes."
    ),
    "residual_slope": (
        "Least-squares slope of truth − prediction on the prediction; 0 where a prediction can be "
        "taken at face value."
    ),
}

NEEDS = Needs(labels="either")

OURS = "ours: beyond this limit a reader is misled"
LIMITS = [
    Limit(name="overconfidence", above=-0.1, below=0.1, source=OURS),
    Limit(name="residual_slope", above=-0.5, below=0.5, source=OURS),
    Limit(name="spread", above=0.5, below=2, source=OURS, detail=True),
]
ABOVE_0 = "the ECE is above 0 by chance alone, so no interval can hold it; ece_beyond_chance has one"
QUARTERS = (0.25, 0.5, 0.75)
TENTHS = tuple(i / 10 for i in range(1, 10))


def audit(tables: Tables, *, rng: np.random.Generator) -> Outcome:
    """Measure the calibration of the class probabilities and of every dimension.

    Args:
        tables: clips and clean predictions; class scores are probabilities
        rng: not used; this audit draws no random numbers
    """
    outcomes = [_dimension_outcome(pairs(tables, dimension), dimension) for dimension in tables.dimensions]
    if tables.classes:
        outcomes.append(_emotion_outcome(tables))
    return Outcome(
        answer=" ".join(o.answer for o in outcomes),
        findings=[f for o in outcomes for f in o.findings],
        tables=[t for o in outcomes for t in o.tables],
        figures=[f for o in outcomes for f in o.figures],
        left_out=[each for o in outcomes for each in o.left_out],
    )


def plant(tables: Tables, rng: np.random.Generator) -> Tables:
    """Shrink dimensions to a third of their spread; sharpen emotions and make a third of them wrong."""
    wrong = rng.permutation(len(tables.clips)) % 3 == 0
    planted = {}
    for condition, scores in tables.predictions.items():
        changed = scores.copy()
        for dimension in tables.model_dimensions:
            mean = scores[dimension].mean()
            changed[dimension] = mean + (scores[dimension] - mean) / 3
        if tables.model_classes:
            classes = list(tables.model_classes)
            p = scores[classes].to_numpy(dtype=float, copy=True)
            p[wrong] = np.roll(p[wrong], 1, axis=1)
            sharp = p**8
            changed[classes] = sharp / sharp.sum(axis=1, keepdims=True)
        planted[condition] = changed
    return tables.with_predictions(planted)


def _emotion_outcome(tables: Tables) -> Outcome:
    """ECE, overconfidence and Brier score, with accuracy by confidence bin."""
    asked = pairs(tables, "emotion")
    pair = asked.of_answered
    scores = tables.predictions[CLEAN].loc[pair.clips, list(tables.model_classes)].to_numpy(dtype=np.float64)
    reason = _no_confidence(scores, in_words=tables.in_words)
    if reason:
        return Outcome(
            answer=f"Confidence in emotions was not measured: {reason}.",
            findings=[skipped("ece", tables, reason, target="emotion")],
        )
    # softmax in single precision may slightly exceed 1
    confidence = np.clip(scores.max(axis=1), 0.0, 1.0)
    correct = (pair.truth == pair.prediction).astype(np.float64)
    withheld = _withheld(asked, asked.classes)
    ece = _estimate(ece_statistic(), pair, correct, confidence)
    ece = replace(ece, low=np.nan, high=np.nan, inner=None, reason=ece.reason or ABOVE_0)
    beyond = ece_beyond_chance(correct, confidence, pair.unit)
    over = _estimate(OVERCONFIDENCE, pair, correct, confidence)
    chance = ece_by_chance(confidence)
    brier, brier_rows, without_speaker = _brier(asked, scores, tables)
    losses, loss_rows = ([], []) if tables.in_words else loss_findings(asked, scores, tables)
    found = [
        _finding("ece", ece, asked, "emotion"),
        _finding("ece_beyond_chance", beyond, asked, "emotion", withheld),
        _finding("overconfidence", over, asked, "emotion", withheld),
        brier,
        *losses,
    ]
    rows: list[Row] = [
        ["ece", ece.value, chance, "a calibrated model on as many independent clips"],
        *brier_rows,
        *loss_rows,
    ]
    compared = Table(
        name="beside",
        title="Calibration of emotion compared with chance",
        columns=["metric", "model", "for comparison", "of"],
        rows=rows,
    )
    table, figure = _reliability(pair, confidence, correct)
    return Outcome(
        answer=_confidence_sentence(over, ece, chance),
        findings=found,
        tables=[compared, table],
        figures=[figure],
        left_out=without_speaker,
    )


def _no_confidence(scores: NDArray[np.float64], *, in_words: bool) -> str:
    """Why class scores (n, c) hold no confidence; empty if they do."""
    if in_words:
        stated = bool(((scores > 0) & (scores < 1)).any())
        return "" if stated else "the model answers in words, without a confidence"
    problem = probabilities_problem(scores)
    return f"the class scores are not probabilities: {problem}" if problem else ""


def _brier(
    asked: Pairs, scores: NDArray[np.float64], tables: Tables
) -> tuple[Finding, list[Row], list[LeftOut]]:
    """The Brier score, its row beside that of the class shares, and its values without each speaker.

    An answer in words states only the confidence in the class that it names, so its score is not defined.
    """
    pair = asked.of_answered
    if tables.in_words:
        reason = "an answer in words states no probabilities of the other classes"
        return skipped("brier", tables, reason, target="emotion"), [], []
    losses = brier_losses(pair.truth, scores)
    correct = (pair.truth == pair.prediction).astype(np.float64)
    brier = _estimate(BRIER, pair, correct, losses)
    shares = np.bincount(pair.truth, minlength=scores.shape[1]) / max(pair.n, 1)
    by_shares = float(1 - (shares**2).sum()) if pair.n else None
    scored = replace(pair, truth=correct, prediction=losses)
    return (
        _finding("brier", brier, asked, "emotion"),
        [["brier", brier.value, by_shares, "predicting class shares"]],
        left_out(BRIER, scored, tables, target="emotion", better="lower"),
    )


def _reliability(
    pair: Pairs, confidence: NDArray[np.float64], correct: NDArray[np.float64]
) -> tuple[Table, Figure]:
    """Accuracy by confidence bin, as a table and a figure."""
    edges = np.linspace(0, 1, BINS + 1)
    code = confidence_bins(confidence)
    rows: list[Row] = []
    for b in np.unique(code):
        here = pair.take(code == b)
        accuracy = proportion(correct[code == b], here.unit, here.units)
        name = f"{edges[b]:.2f}-{edges[b + 1]:.2f}"
        speakers = here.speakers
        mean = float(confidence[code == b].mean())
        rows.append([name, here.n, speakers, mean, accuracy.value, accuracy.low, accuracy.high])
    columns = ["confidence", "clips", "speakers", "mean confidence", "accuracy", "low", "high"]
    table = Table(
        name="reliability", title="Accuracy of predictions by confidence", columns=columns, rows=rows
    )
    x = [row[3] for row in rows]
    means: list[float | str] = [float(value) for value in x if isinstance(value, float)]
    accuracies, lows, highs = ([row[i] for row in rows] for i in (4, 5, 6))
    figure = Figure(
        name="reliability",
        kind="line",
        title="Accuracy by confidence",
        alt=f"Accuracy of {pair.n} predictions in {len(rows)} confidence bins, and accuracy = confidence.",
        x_label="confidence",
        y_label="accuracy",
        series=[
            Series.model_validate({"name": "model", "x": means, "y": accuracies, "low": lows, "high": highs}),
            Series(name="calibrated", x=[0.0, 1.0], y=[0.0, 1.0]),
        ],
    )
    return table, figure


def _dimension_outcome(asked: Pairs, dimension: str) -> Outcome:
    """Residual slope, spread, and bias for each quarter of the scale of the truth."""
    withheld, pair = _withheld(asked), asked.of_answered
    slope = _estimate(RESIDUAL_SLOPE, pair, pair.truth, pair.prediction)
    spread = _estimate(SPREAD, pair, pair.truth, pair.prediction)
    found = [
        _finding("residual_slope", slope, asked, dimension, withheld),
        _finding("spread", spread, asked, dimension, withheld),
    ]
    quarter = rating_bins(pair.truth, QUARTERS)
    for code, name in enumerate(_names(QUARTERS)):
        here = pair.take(quarter == code)
        if here.n:
            bias = _estimate(BIAS, here, here.truth, here.prediction)
            found.append(_finding("bias", bias, asked, dimension, where=f"truth={name}"))
    return Outcome(
        answer=_dimension_sentence(dimension, spread, slope),
        findings=found,
        figures=[_bias_figure(found, dimension), _residual_figure(pair, dimension)],
    )


def _bias_figure(found: list[Finding], dimension: str) -> Figure:
    biases = [f for f in found if f.name == "bias"]
    return Figure(
        name=f"bias_{dimension}",
        kind="interval",
        title=f"Bias of {dimension} by quarter of the scale",
        alt="; ".join(f"{slice_words(f.slice)}: {f.value:+.2f}" for f in biases if f.value is not None),
        x_label="mean prediction minus mean truth",
        series=[interval_series([f"{slice_words(f.slice)} ({plural(f.n, 'clip')})" for f in biases], biases)],
        reference=0.0,
    )


def _residual_figure(pair: Pairs, dimension: str) -> Figure:
    """Mean residual for each tenth of the scale of the prediction."""
    code = rating_bins(pair.prediction, TENTHS)
    means, residuals = [], []
    for b in np.unique(code):
        here = pair.take(code == b)
        means.append(float(here.prediction.mean()))
        # the residual is truth minus prediction: the bias with its sign reversed
        residuals.append(_estimate(BIAS, here, here.prediction, here.truth))
    return Figure(
        name=f"residual_{dimension}",
        kind="line",
        title=f"Mean residual of {dimension} by predicted {dimension}",
        alt=f"Mean of truth minus prediction in each tenth of predicted {dimension}, "
        f"{plural(pair.n, 'clip')}.",
        x_label=f"predicted {dimension}",
        y_label="truth − prediction",
        series=[interval_series(means, residuals)],
        reference=0.0,
    )


def _names(edges: tuple[float, ...]) -> list[str]:
    return [f"{low:g}-{high:g}" for low, high in itertools.pairwise((0.0, *edges, 1.0))]


def _withheld(pair: Pairs, classes: int = 0) -> str:
    """Why no limit applies; empty with too few speakers, where the gate is inconclusive without it."""
    return not_better_than_constant(pair, classes) if pair.units >= MIN_UNITS else ""


def _estimate(statistic: Statistic, pair: Pairs, truth: NDArray[Any], prediction: NDArray[Any]) -> Estimate:
    return estimate(statistic, truth, prediction, pair.unit, pair.units)


def _finding(
    name: str, value: Estimate, asked: Pairs, target: str, withheld: str = "", where: str = "all"
) -> Finding:
    """A finding on the answered clips; no limit can decide it if there are too few of them."""
    return finding(
        name,
        value,
        target=target,
        slice=where,
        by_speaker=asked.by_speaker,
        withheld=withheld,
        coverage=asked.coverage,
    )


def _confidence_sentence(over: Estimate, ece: Estimate, chance: float) -> str:
    if np.isnan(over.value):
        return f"Confidence in emotions is undefined: {over.reason}."
    clear = over.low > 0 or over.high < 0
    kind = "over-confident" if over.value > 0 else "under-confident"
    judged = f"is {kind}" if clear else "is not clearly over- or under-confident"
    difference = f"{over.value:+.2f}{interval_text(over, '+.2f')}"
    return (
        f"On emotion the model {judged}: confidence − accuracy = {difference}, "
        f"ECE {ece.value:.2f} ({chance:.2f} expected by chance)."
    )


def _dimension_sentence(dimension: str, spread: Estimate, slope: Estimate) -> str:
    if np.isnan(spread.value):
        return f"The calibration of {dimension} is undefined: {spread.reason}."
    words = f"Predicted {dimension} varies {spread.value:.2f} times as much as the ratings"
    if np.isnan(slope.value):
        return f"{words}."
    return (
        f"{words}; a rise of 0.10 in the prediction corresponds to "
        f"{0.1 * (1 + slope.value):.2f} in the ratings."
    )
