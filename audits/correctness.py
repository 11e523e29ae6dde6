"""How correct is the model on this corpus?

Predicted dimensions are compared with the ratings by the concordance correlation coefficient
CCC = 2 s_tp / (s²_t + s²_p + (m_t − m_p)²), moments divided by n (Lin 1989), Pearson's correlation, MAE and
RMSE; emotions by the unweighted average recall (UAR) over the classes in the truth, unweighted average
precision, accuracy and F1. The distribution of the predictions is compared with that of the truth: by the
Jensen-Shannon distance (base 2) over 10 equal bins, and by the relative difference (n_p − n_t) / n of each
class. Where the corpus labels emotions, every predicted dimension that it does not rate is compared with the
range that the literature expects for each emotion (low ≤ .45, neutral .3 to .6, high ≥ .55); the score is the
share of clips in that range.

Every score is shown together with the scores of trivial models: the constant mean or majority class, random
predictions, and the constant that is best for this metric. Limits that a trivial model can meet are judged
only where the 99.9 % interval of CCC or UAR shows the model to be better than a constant.

Limits are those of audEERING's ser-tests. Intervals are 95 %: leave-one-speaker-out jackknife with Student's
t; for shares, Wilson's interval with the effective number of clips.
"""

import itertools

import numpy as np

from sertools.auditing.contract import Needs, Outcome
from sertools.auditing.examples import furthest, in_turn
from sertools.auditing.findings import finding, left_out, skipped
from sertools.errors import AuditError
from sertools.metrics import classification, distribution, regression
from sertools.metrics.better_than_chance import LEVEL_OF_SKILL_TEST, NOT_BETTER, not_better_than_constant
from sertools.results.result import Figure, Finding, LeftOut, Limit, Series, Table
from sertools.statistics.jackknife import Estimate, estimate, proportion
from sertools.statistics.statistic import Statistic
from sertools.tables.condition import CLEAN
from sertools.tables.pairs import Pairs, pairs, speaker_codes
from sertools.tables.tables import Tables

NEEDS = Needs(labels="none")

SER_TESTS = "audEERING ser-tests"
LIMITS = [
    Limit(name="ccc", above=0.5, source=SER_TESTS),
    Limit(name="pcc", above=0.5, source=SER_TESTS),
    Limit(name="mae", below=0.1, source=SER_TESTS),
    Limit(name="jensen_shannon", below=0.2, source=SER_TESTS),
    Limit(name="uar", above=0.5, source=SER_TESTS),
    Limit(name="uap", above=0.5, source=SER_TESTS),
    Limit(name="recall", above=0.5, source=SER_TESTS),
    Limit(name="precision", above=0.5, source=SER_TESTS),
    Limit(name="relative_difference", above=-0.15, below=0.15, source=SER_TESTS),
    Limit(name="in_expected_range", above=0.75, source=SER_TESTS),
]

RANGES = {"low": (-np.inf, 0.45), "neutral": (0.3, 0.6), "high": (0.55, np.inf)}
EXPECTED = {
    "arousal": {
        "low": ("boredom", "sadness"),
        "neutral": ("neutral",),
        "high": ("anger", "fear", "surprise"),
    },
    "dominance": {
        "low": ("fear", "sadness"),
        "neutral": ("happiness", "neutral", "surprise"),
        "high": ("anger",),
    },
    "valence": {
        "low": ("anger", "disgust", "fear", "frustration", "sadness"),
        "neutral": ("boredom", "neutral"),
        "high": ("happiness",),
    },
}
"""The range of each dimension that the literature expects for an emotion, as collected by ser-tests."""

OF_DIMENSIONS = (regression.CCC, regression.PCC, regression.MAE, regression.RMSE)


def audit(tables: Tables, *, rng: np.random.Generator, in_domain: tuple[str, ...] = ()) -> Outcome:
    """Score every dimension and emotion, with baselines, distributions and consistency.

    Args:
        tables: clips and clean predictions
        rng: for the random baseline
        in_domain: scores on the corpus that the model was trained on, e.g. `arousal=0.745`; adds the
            generalisation drop 1 − metric here / metric there (CCC of a dimension, UAR of `emotion`)
    """
    findings: list[Finding] = []
    baselines: list[list[str | float | None]] = []
    figures: list[Figure] = []
    without: list[LeftOut] = []
    for dimension in tables.dimensions:
        pair = pairs(tables, dimension)
        without += left_out(regression.CCC, pair, tables, target=dimension)
        findings += _of_dimension(pair, dimension)
        baselines += _baselines(pair, dimension, OF_DIMENSIONS, rng)
        figures.append(_histograms(pair, dimension))
    if tables.classes:
        pair = pairs(tables, "emotion")
        without += left_out(
            classification.uar_statistic(len(tables.model_classes)), pair, tables, target="emotion"
        )
        findings += _of_emotion(pair, tables)
        baselines += _baselines(pair, "emotion", _of_classes(len(tables.model_classes)), rng)
        figures.append(_confusion(pair, tables))
    consistency = _consistency(tables) if "emotion" in tables.clips else []
    findings += consistency
    if not findings:
        reason = (
            "corpus and model share neither a dimension nor an emotion, and no emotion implies a dimension"
        )
        return Outcome(answer=f"Not measured: {reason}.", findings=[skipped("ccc", tables, reason)])
    findings += _drops(findings, in_domain)
    main = [f for f in findings if f.name in {"ccc", "uar"}]
    if main:
        figures.insert(0, _overview(main))
    if consistency:
        figures.append(_consistency_figure(consistency))
    columns = ["target", "metric", "model", "mean or majority", "random", "best constant"]
    beside = Table(name="baselines", title="Compared with trivial models", columns=columns, rows=baselines)
    return Outcome(
        answer=_answer(main, consistency),
        findings=findings,
        tables=[beside] if baselines else [],
        figures=figures,
        left_out=without,
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


def _of_dimension(pair: Pairs, dimension: str) -> list[Finding]:
    useless = _withheld(not_better_than_constant(pair))
    found = []
    for statistic in (*OF_DIMENSIONS, distribution.jensen_shannon_statistic()):
        value = estimate(statistic, pair.truth, pair.prediction, pair.unit, pair.units)
        # a constant cannot reach a high correlation, so these two are always judged
        withheld = "" if statistic.name in {"ccc", "pcc"} else useless
        found.append(
            finding(statistic.name, value, target=dimension, by_speaker=pair.by_speaker, withheld=withheld)
        )
    return found


def _of_classes(classes: int) -> tuple[Statistic, ...]:
    return (
        classification.uar_statistic(classes),
        classification.uap_statistic(classes),
        classification.accuracy_statistic(classes),
        classification.weighted_f1_statistic(classes),
        classification.macro_f1_statistic(classes),
    )


def _of_emotion(pair: Pairs, tables: Tables) -> list[Finding]:
    useless = _withheld(not_better_than_constant(pair, len(tables.model_classes)))
    found = []
    for statistic in _of_classes(len(tables.model_classes)):
        value = estimate(statistic, pair.truth, pair.prediction, pair.unit, pair.units)
        if statistic.name == "accuracy":
            value = proportion(pair.truth == pair.prediction, pair.unit, pair.units)
        # a trivial model has a UAR of 1 / classes, which is below the limit for three or more classes
        alone = statistic.name == "uar" and len(np.unique(pair.truth)) > 2
        withheld = "" if alone else useless
        found.append(
            finding(statistic.name, value, target="emotion", by_speaker=pair.by_speaker, withheld=withheld)
        )
    for code, name in enumerate(tables.model_classes):
        if name not in tables.classes:
            continue
        of_class, answered = pair.take(pair.truth == code), pair.take(pair.prediction == code)
        recall = proportion(of_class.prediction == code, of_class.unit, of_class.units)
        precision = proportion(answered.truth == code, answered.unit, answered.units)
        excess = estimate(
            distribution.relative_difference_statistic(code),
            pair.truth,
            pair.prediction,
            pair.unit,
            pair.units,
        )
        for metric, value in (("recall", recall), ("precision", precision), ("relative_difference", excess)):
            found.append(finding(metric, value, target=name, by_speaker=pair.by_speaker, withheld=useless))
    return found


def _withheld(reason: str) -> str:
    """Withhold judgement only of a useless model; without an interval the gate is inconclusive anyway."""
    return reason if reason == NOT_BETTER else ""


def _consistency(tables: Tables) -> list[Finding]:
    found = []
    scores = tables.predictions[CLEAN]
    codes, by_speaker = speaker_codes(tables.clips)
    emotion = tables.clips["emotion"].to_numpy(dtype=object)
    for dimension in (d for d in tables.model_dimensions if d not in tables.dimensions):
        prediction = scores[dimension].to_numpy()
        expected = {
            name: level
            for level, names in EXPECTED[dimension].items()
            for name in names
            if name in set(emotion)
        }
        if not expected:
            continue
        order = np.array([list(RANGES).index(expected[e]) if e in expected else -1 for e in emotion])
        known = (order >= 0) & np.isfinite(prediction)
        useless = _useless(order[known], prediction[known], codes[known])
        for name, level in expected.items():
            here = known & (emotion == name)
            kept, unit = np.unique(codes[here], return_inverse=True)
            inside = distribution.in_range(prediction[here], *RANGES[level])
            found.append(
                finding(
                    "in_expected_range",
                    proportion(inside, unit, len(kept)),
                    target=dimension,
                    slice=f"emotion={name}",
                    by_speaker=by_speaker,
                    withheld=useless,
                )
            )
    return found


def _useless(expected: np.ndarray, prediction: np.ndarray, codes: np.ndarray) -> str:
    """Why no limit applies: a mid-scale constant is in most ranges, so predictions must rise with them."""
    _, unit = np.unique(codes, return_inverse=True)
    rises = estimate(
        regression.PCC,
        expected / 2.0,
        prediction,
        unit,
        int(unit.max()) + 1 if len(unit) else 0,
        level=LEVEL_OF_SKILL_TEST,
    )
    if np.isnan(rises.value):
        return NOT_BETTER
    return NOT_BETTER if rises.low <= 0 else ""


def _baselines(
    pair: Pairs, target: str, statistics: tuple[Statistic, ...], rng: np.random.Generator
) -> list[list[str | float | None]]:
    """Rows of target, metric, model, mean or majority, random, best constant; empty without clips."""
    rows: list[list[str | float | None]] = []
    if not pair.n:
        return rows
    if target == "emotion":
        classes = np.unique(pair.truth)
        usual = classes[np.argmax([np.sum(pair.truth == c) for c in classes])]
        drawn = rng.choice(classes, pair.n)
        constants = classes.astype(float)
    else:
        usual = pair.truth.mean()
        drawn = np.clip(rng.normal(0.5, 1 / 6, pair.n), 0, 1)
        constants = np.array([pair.truth.mean(), np.median(pair.truth), 0.5])

    def score(statistic: Statistic, prediction: np.ndarray) -> float:
        prediction = prediction.astype(pair.truth.dtype)
        return float(statistic.value(statistic.sums(pair.truth, prediction, np.zeros(pair.n, int), 1)[0]))

    for statistic in statistics:
        of_constants = [score(statistic, np.full(pair.n, constant)) for constant in constants]
        best = min if statistic.name in {"mae", "rmse"} else max
        defined = [value for value in of_constants if np.isfinite(value)]
        rows.append(
            [
                target,
                statistic.name,
                score(statistic, pair.prediction),
                score(statistic, np.full(pair.n, usual)),
                score(statistic, drawn),
                best(defined) if defined else None,
            ]
        )
    return rows


def _drops(findings: list[Finding], in_domain: tuple[str, ...]) -> list[Finding]:
    """The generalisation drop of each target with a given in-domain score."""
    drops = []
    scores = {f.target: f for f in findings if f.name in {"ccc", "uar"}}
    for text in in_domain:
        target, _, number = text.partition("=")
        try:
            home = float(number)
        except ValueError as error:
            raise AuditError(f"--in-domain {text!r} must have the form arousal=0.745") from error
        if target not in scores or home <= 0:
            raise AuditError(
                f"--in-domain {text!r} needs a positive score of {', '.join(scores) or 'a measured target'}"
            )
        here = scores[target]
        nan = float("nan")
        ends = [nan if end is None else 1 - end / home for end in (here.value, here.high, here.low)]
        drop = Estimate(value=ends[0], low=ends[1], high=ends[2], n=here.n, units=here.speakers or here.n)
        reason = "" if here.value is not None else here.reason
        drops.append(
            finding(
                "generalisation_drop",
                drop,
                target=target,
                by_speaker=here.speakers is not None,
                withheld=reason,
            )
        )
    return drops


def _histograms(pair: Pairs, dimension: str) -> Figure:
    edges = np.linspace(0, 1, 11)
    bins = [f"{low:.1f}-{high:.1f}" for low, high in itertools.pairwise(edges)]
    share = {
        name: np.histogram(np.clip(values, 0, 1), bins=edges)[0] / max(pair.n, 1)
        for name, values in (("truth", pair.truth), ("prediction", pair.prediction))
    }
    return Figure(
        name=f"distribution_{dimension}",
        kind="histogram",
        title=f"Distribution of {dimension}",
        alt=f"Share of the {pair.n} clips in each tenth of the scale of {dimension}: truth and prediction.",
        x_label=dimension,
        y_label="share of clips",
        series=[Series(name=name, x=list(bins), y=values.tolist()) for name, values in share.items()],
    )


def _confusion(pair: Pairs, tables: Tables) -> Figure:
    counts = classification.confusion(pair.truth, pair.prediction, len(tables.model_classes))
    present = [i for i, name in enumerate(tables.model_classes) if name in tables.classes]
    names = list(tables.model_classes)
    rows = counts[present] / np.maximum(counts[present].sum(axis=1, keepdims=True), 1)
    return Figure(
        name="confusion",
        kind="heat",
        title="Confusion matrix of emotions",
        alt=f"Share of the clips of each true emotion (rows) by predicted emotion (columns), {pair.n} clips.",
        x_label="prediction",
        y_label="truth",
        series=[
            Series(name=names[i], x=list(names), y=row.tolist()) for i, row in zip(present, rows, strict=True)
        ],
    )


def _overview(main: list[Finding]) -> Figure:
    series = Series(
        x=[f"{f.target} ({f.name.upper()})" for f in main],
        y=[f.value for f in main],
        low=[f.low for f in main],
        high=[f.high for f in main],
    )
    return Figure(
        name="scores",
        kind="interval",
        title="Agreement with the truth",
        alt="; ".join(_score(f) for f in main),
        x_label="score",
        series=[series],
        band=(0.5, None),
        reference=0.0,
    )


def _consistency_figure(found: list[Finding]) -> Figure:
    series = Series(
        x=[f"{f.target}, {f.slice.removeprefix('emotion=')}" for f in found],
        y=[f.value for f in found],
        low=[f.low for f in found],
        high=[f.high for f in found],
    )
    return Figure(
        name="consistency",
        kind="interval",
        title="Share of clips in the range expected from the literature",
        alt="Share of each emotion's clips whose predicted dimension is in the expected range.",
        x_label="share of clips",
        series=[series],
        band=(0.75, None),
    )


def _answer(main: list[Finding], consistency: list[Finding]) -> str:
    if main:
        clips = max(f.n for f in main)
        speakers = max((f.speakers or 0) for f in main)
        by = f" of {speakers} speaker{'s' * (speakers > 1)}" if speakers else ""
        return f"On {clips} clips{by}: {', '.join(_score(f) for f in main)}."
    if not consistency:
        return "Not measured."
    met = [f for f in consistency if f.value is not None]
    inside = sum((f.value or 0) * f.n for f in met) / max(sum(f.n for f in met), 1)
    return (
        f"The corpus rates no dimension that the model predicts; for {inside:.0%} of its clips with an "
        "emotion, the predicted dimension is in the range expected from the literature."
    )


def _score(f: Finding) -> str:
    if f.value is None:
        return f"{f.target} {f.name.upper()} undefined ({f.reason})"
    interval = "" if f.low is None or f.high is None else f" [{f.low:.2f}, {f.high:.2f}]"
    return f"{f.target} {f.name.upper()} {f.value:.2f}{interval}"
