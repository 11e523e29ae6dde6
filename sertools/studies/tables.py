"""The tables of a study: means over seeds, differences from the reference, published values, cells."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sertools.results.result import Table
from sertools.studies.figures import DEV_MEASURES, logged
from sertools.studies.run import DoneCell
from sertools.studies.study import PLAIN, Published, Study, text_of
from sertools.studies.summary import Key, Mean, Scores, difference, mean, ratio

ENDS = (
    "low over speakers",
    "high over speakers",
    "low over seeds",
    "high over seeds",
    "seeds",
    "clips",
    "speakers",
)
"""Columns after a value: both 95 % intervals, and what they rest on."""


def _ends(found: Mean) -> list[Any]:
    return [*found.by_speakers, *found.by_seeds, found.seeds, found.n, found.speakers]


def _at(key: Key) -> str:
    return text_of(dict(key[1]))


def means(every: Scores) -> Table:
    """Each measure, averaged over seeds."""
    rows: list[list[Any]] = []
    for (test, measure), keys in every.items():
        for key, scores in keys.items():
            found = mean(scores)
            rows.append([test, measure, key[0], _at(key), found.value, found.sd, *_ends(found)])
    return Table(
        name="means",
        title="Means over seeds",
        columns=["corpus", "measure", "variant", "at", "mean", "sd over seeds", *ENDS],
        rows=rows,
        note="The interval over speakers says how far other speakers would move the mean of these models, "
        "that over seeds how far other seeds would move it on these speakers.",
    )


def differences(study: Study, every: Scores) -> Table:
    """Each variant minus the reference at the same grid values."""
    reference = study.reference or next(iter(study.variants or {PLAIN: {}}))
    rows: list[list[Any]] = []
    for (test, measure), keys in every.items():
        for key, scores in keys.items():
            other = keys.get((reference, key[1]))
            if key[0] == reference or other is None:
                continue
            found = difference(scores, other)
            if found is not None:
                rows.append([test, measure, key[0], _at(key), found.value, found.sd, *_ends(found)])
    return Table(
        name="differences",
        title=f"Differences from {reference}, paired by seed and speaker",
        columns=["corpus", "measure", "variant", "at", "difference", "sd over seeds", *ENDS],
        rows=rows,
    )


def ratios(study: Study, every: Scores) -> Table:
    """How much of one gain another reaches."""
    rows: list[list[Any]] = []
    for (test, measure), keys in every.items():
        for wanted in study.ratios:
            for at in dict.fromkeys(key[1] for key in keys):
                parts = [keys.get((name, at)) for name in (*wanted.top, *wanted.bottom)]
                if any(part is None for part in parts):
                    continue
                a, b, c, d = (part for part in parts if part is not None)
                found = ratio((a, b), (c, d))
                if found is not None:
                    ends = [*found.by_speakers, found.seeds, found.n, found.speakers]
                    rows.append([test, measure, wanted.name, text_of(dict(at)), found.value, *ends])
    return Table(
        name="ratios",
        title="Ratios of gains",
        columns=["corpus", "measure", "ratio", "at", "value", *ENDS[:2], *ENDS[4:]],
        rows=rows,
        note="A ratio whose divisor may be 0 is not informative: see the differences.",
    )


def published(study: Study, every: Scores) -> Table:
    """Published values and ours, where the corpus is the same."""
    rows: list[list[Any]] = []
    for value in study.published:
        keys = every.get((value.test, value.measure), {})
        ours = [mean(scores) for key, scores in keys.items() if _is_of(value, key)]
        for found in ours:
            low, high = found.by_speakers
            row = [value.test, value.measure, value.variant, text_of(value.at), value.value, found.value]
            rows.append([*row, low, high, value.source])
    columns = [
        "corpus",
        "measure",
        "variant",
        "at",
        "published",
        "ours",
        "low over speakers",
        "high over speakers",
    ]
    return Table(name="published", title="Published values and ours", columns=[*columns, "source"], rows=rows)


def _is_of(value: Published, key: Key) -> bool:
    return key[0] == value.variant and all(dict(key[1]).get(name) == at for name, at in value.at.items())


def every_seed(every: Scores) -> Table:
    """The score of each seed."""
    rows: list[list[Any]] = []
    for (test, measure), keys in every.items():
        for key, scores in keys.items():
            for seed, one in scores.items():
                row = [key[0], _at(key), seed, test, measure]
                rows.append([*row, one.value, one.n, len(one.without)])
    return Table(
        name="seeds",
        title="All seeds",
        columns=["variant", "at", "seed", "corpus", "measure", "value", "clips", "speakers"],
        rows=rows,
    )


def learning(done: Sequence[DoneCell]) -> Table:
    """First and last loss in training, and first, best and last measure on dev speakers, of each phase."""
    losses = logged(done, "loss")
    dev = [(key, logged(done, key)) for key in DEV_MEASURES]
    rows: list[list[Any]] = []
    for at, steps in losses.items():
        row: list[Any] = [*at, max(steps), *_first_and_last(steps)]
        key, lines = next(((k, v) for k, v in dev if at in v), ("", {}))
        scored = [float(np.mean(values)) for _, values in sorted(lines.get(at, {}).items())]
        ends = [scored[0], max(scored), scored[-1]] if scored else [None] * 3
        rows.append([*row, key.removeprefix("eval_"), *ends])
    columns = ["variant", "phase", "updates", "first loss", "last loss", "dev measure"]
    return Table(
        name="learning",
        title="Learning",
        columns=[*columns, "first", "best", "last"],
        rows=rows,
        note="Means over seeds and folds of what was written down first and last: the loss in training since "
        "the point before, and the measure on dev speakers, where there are some.",
    )


def _first_and_last(steps: Mapping[int, Sequence[float]]) -> list[float]:
    means = [float(np.mean(values)) for _, values in sorted(steps.items())]
    return [means[0], means[-1]]


def audits(done: Sequence[DoneCell]) -> Table:
    """The answers of the audits of cells."""
    columns = ("audit", "data", "answer", "report")
    return Table(
        name="audits",
        title="Audits of trained models",
        columns=["variant", "at", "seed", "audit", "corpus", "answer", "report"],
        rows=[
            [each.cell.variant, text_of(each.cell.at), each.cell.seed, *(row[k] for k in columns)]
            for each in done
            for row in each.audits
        ],
    )
