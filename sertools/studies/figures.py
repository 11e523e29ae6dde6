"""The figures of a study: a measure against each numeric grid key, and the learning curves."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sertools.results.result import Figure, Series
from sertools.results.terms.names import in_words
from sertools.studies.run import DoneCell
from sertools.studies.scores import Score
from sertools.studies.study import SEED, Study, text_of
from sertools.studies.summary import Key, Scores, mean

FEWEST_SPOKES = 3
"""Fewest test corpora of a radar plot."""


def figures(study: Study, every: Scores, done: Sequence[DoneCell]) -> list[Figure]:
    """All figures."""
    found = []
    for (test, measure), keys in every.items():
        found += [against(keys, test, measure, key) for key in axes(study)]
        if not axes(study):
            found.append(dots(keys, test, measure))
    if not axes(study) and len({test for test, _ in every}) >= FEWEST_SPOKES:
        found += [radar(every, measure) for measure in dict.fromkeys(measure for _, measure in every)]
    return [*found, *layer_weights(done), *curves(done)]


def axes(study: Study) -> list[str]:
    """Grid keys with several numbers."""
    return [
        key
        for key, values in study.grid.items()
        if key != SEED and len(values) > 1 and all(isinstance(v, int | float) for v in values)
    ]


def against(keys: Mapping[Key, Mapping[int, Score]], test: str, measure: str, key: str) -> Figure:
    """A measure against a grid key: mean over seeds with its interval over speakers."""
    lines: dict[str, list[tuple[Any, ...]]] = {}
    for (variant, at), scores in keys.items():
        found, values = mean(scores), dict(at)
        others = text_of({name: value for name, value in values.items() if name != key})
        name = f"{variant}, {others}" if others else variant
        low, high = found.by_speakers if math.isfinite(found.by_speakers[0]) else found.by_seeds
        lines.setdefault(name, []).append((values[key], found.value, low, high))
    return Figure(
        name=f"{measure}_against_{key}",
        kind="line",
        title=f"{in_words(measure)} on {test} against {key}",
        alt=f"Mean over seeds of {in_words(measure)} on {test} for each {key}, with intervals over "
        "speakers, or over seeds where there are fewer than five speakers.",
        x_label=key,
        y_label=in_words(measure),
        series=[_series(name, sorted(points)) for name, points in lines.items()],
    )


def dots(keys: Mapping[Key, Mapping[int, Score]], test: str, measure: str) -> Figure:
    """A measure of each variant and grid value: mean over seeds with its interval over speakers."""
    points = []
    for (variant, at), scores in keys.items():
        found, others = mean(scores), text_of(dict(at))
        points.append((f"{variant}, {others}" if others else variant, found.value, *found.by_speakers))
    return Figure(
        name=f"{measure}_{test}",
        kind="interval",
        title=f"{in_words(measure)} on {test}",
        alt=f"Mean over seeds of {in_words(measure)} on {test} for each variant, with 95 % intervals over "
        "speakers.",
        x_label=in_words(measure),
        series=[_series(measure, points)],
    )


def radar(every: Scores, measure: str) -> Figure:
    """A measure of each variant on all test corpora, one spoke for each: mean over seeds."""
    lines: dict[str, list[tuple[str, float]]] = {}
    for (test, name), keys in every.items():
        for (variant, at), scores in keys.items() if name == measure else ():
            others = text_of(dict(at))
            line = lines.setdefault(f"{variant}, {others}" if others else variant, [])
            line.append((test, mean(scores).value))
    return Figure(
        name=f"{measure}_radar",
        kind="radar",
        title=f"{in_words(measure)} on all test corpora",
        alt=f"Mean over seeds of {in_words(measure)} of each variant, with one spoke for each test corpus.",
        series=[_plain(name, points) for name, points in lines.items()],
    )


def layer_weights(done: Sequence[DoneCell]) -> list[Figure]:
    """The weight of each layer in the sum that a head reads, averaged over folds and seeds; empty without."""
    found: dict[str, list[list[float]]] = {}
    for each in done:
        others = text_of(each.cell.at)
        name = f"{each.cell.variant}, {others}" if others else each.cell.variant
        weights = [curve["layer_weights"] for curve in each.curves.values() if "layer_weights" in curve]
        found.setdefault(name, []).extend(weights)
    means = {name: np.mean(weights, axis=0).tolist() for name, weights in found.items() if weights}
    if not means:
        return []
    return [
        Figure(
            name="layer_weights",
            kind="line",
            title="Weights of the layers",
            alt="Weight of each layer in the sum that a head reads, averaged over folds and seeds.",
            x_label="layer",
            y_label="weight after softmax",
            series=[_plain(name, list(enumerate(weights))) for name, weights in means.items()],
        )
    ]


def curves(done: Sequence[DoneCell]) -> list[Figure]:
    """For each phase and dev measure, mean ± standard deviation over seeds at each step."""
    found: dict[tuple[str, str], dict[str, dict[int, list[float]]]] = {}
    for each in done:
        others = text_of(each.cell.at)
        name = f"{each.cell.variant}, {others}" if others else each.cell.variant
        for phase, curve in each.curves.items():
            for entry in curve["log"]:
                for measure in ("eval_ccc", "eval_uar", "eval_loss"):
                    if entry.get(measure) is not None:
                        line = found.setdefault((phase, measure), {}).setdefault(name, {})
                        line.setdefault(int(entry["step"]), []).append(float(entry[measure]))
    return [_curve(phase, measure.removeprefix("eval_"), lines) for (phase, measure), lines in found.items()]


def _curve(phase: str, measure: str, lines: dict[str, dict[int, list[float]]]) -> Figure:
    series = []
    for name, steps in lines.items():
        points = []
        for step, values in sorted(steps.items()):
            sd = float(np.std(values, ddof=1)) if len(values) > 1 else math.nan
            centre = float(np.mean(values))
            points.append((step, centre, centre - sd, centre + sd))
        series.append(_series(name, points))
    return Figure(
        name=f"{phase}_{measure}",
        kind="line",
        title=f"{phase}: {in_words(measure)} on dev speakers",
        alt=f"{in_words(measure)} on dev speakers at each step of {phase}, mean ± standard deviation over "
        "seeds.",
        x_label="updates",
        y_label=in_words(measure),
        series=series,
    )


def _plain(name: str, points: Sequence[tuple[Any, float]]) -> Series:
    return Series(name=name, x=[x for x, _ in points], y=[y for _, y in points])


def _series(name: str, points: Sequence[tuple[Any, ...]]) -> Series:
    x, y, low, high = (list(column) for column in zip(*points, strict=True))
    return Series(name=name, x=x, y=y, low=low, high=high)
