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

DEV_MEASURES = {"eval_ccc": "CCC on dev speakers", "eval_uar": "UAR on dev speakers"}
"""Measures of which learning curves are drawn, by their keys in the curves of a training."""

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
    return [*found, *layer_weights(done), *panels(done), *curves(done)]


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
        title=f"{_capital(in_words(measure))} on {test} against {in_words(key)}",
        alt=f"Mean over seeds of {in_words(measure)} on {test} for each value of {in_words(key)}, with "
        "intervals over speakers, or over seeds where there are fewer than five speakers.",
        x_label=in_words(key),
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
        title=f"{_capital(in_words(measure))} on {test}",
        alt=f"Mean over seeds of {in_words(measure)} on {test} for each variant, with 95 % intervals over "
        "speakers where there are at least five of them.",
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
        title=f"{_capital(in_words(measure))} on all test corpora",
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


def panels(done: Sequence[DoneCell]) -> list[Figure]:
    """The loss in training and the measure on dev speakers, a panel for each phase of each variant.

    A loss is the mean over the updates since the point before. Phases of one point are left out.
    """
    found = []
    for key, what in (("loss", "loss in training"), *DEV_MEASURES.items()):
        lines = {at: steps for at, steps in logged(done, key).items() if len(steps) > 1}
        twice = {name for name, _ in lines if sum(other == name for other, _ in lines) > 1}
        named = {at: f"{at[0]}: {at[1]}" if at[0] in twice else at[0] for at in lines}
        if not lines:
            continue
        found.append(
            Figure(
                name=f"{key}_by_variant",
                kind="panels",
                title=f"{_capital(what)} against updates",
                alt=f"{_capital(what)} at each step of each phase of each variant, mean ± "
                "standard deviation over seeds and folds.",
                x_label="updates",
                y_label=what,
                series=[_over_steps(named[at], steps) for at, steps in lines.items()],
            )
        )
    return found


def logged(done: Sequence[DoneCell], key: str) -> dict[tuple[str, str], dict[int, list[float]]]:
    """What was written down as `key`: variant with grid values, and phase → step → value of each model."""
    found: dict[tuple[str, str], dict[int, list[float]]] = {}
    for each in done:
        others = text_of(each.cell.at)
        name = f"{each.cell.variant}, {others}" if others else each.cell.variant
        for phase, curve in each.curves.items():
            for entry in curve["log"]:
                if entry.get(key) is not None:
                    steps = found.setdefault((name, phase), {})
                    steps.setdefault(int(entry["step"]), []).append(float(entry[key]))
    return found


def curves(done: Sequence[DoneCell]) -> list[Figure]:
    """For each phase and dev measure that several variants have, mean ± sd over seeds at each step."""
    found = []
    by_key = {key: logged(done, key) for key in (*DEV_MEASURES, "eval_loss")}
    for phase in dict.fromkeys(phase for each in done for phase in each.curves):
        for key, lines in by_key.items():
            own = {name: steps for (name, of), steps in lines.items() if of == phase}
            if len(own) > 1:
                found.append(_curve(phase, key.removeprefix("eval_"), own))
    return found


def _curve(phase: str, measure: str, lines: dict[str, dict[int, list[float]]]) -> Figure:
    what = f"{in_words(measure)} on dev speakers"
    return Figure(
        name=f"{phase}_{measure}",
        kind="line",
        title=f"{phase}: {what}",
        alt=f"{_capital(what)} at each step of {phase}, mean ± standard deviation over seeds.",
        x_label="updates",
        y_label=in_words(measure),
        series=[_over_steps(name, steps) for name, steps in lines.items()],
    )


def _over_steps(name: str, steps: Mapping[int, Sequence[float]]) -> Series:
    """Mean ± standard deviation over models at each step."""
    points = []
    for step, values in sorted(steps.items()):
        sd = float(np.std(values, ddof=1)) if len(values) > 1 else math.nan
        centre = float(np.mean(values))
        points.append((step, centre, centre - sd, centre + sd))
    return _series(name, points)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _plain(name: str, points: Sequence[tuple[Any, float]]) -> Series:
    return Series(name=name, x=[x for x, _ in points], y=[y for _, y in points])


def _series(name: str, points: Sequence[tuple[Any, ...]]) -> Series:
    x, y, low, high = (list(column) for column in zip(*points, strict=True))
    return Series(name=name, x=x, y=y, low=low, high=high)
