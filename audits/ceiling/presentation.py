"""The answer, tables and figures."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sertools.auditing.figures import interval_series
from sertools.auditing.phrases import interval_text
from sertools.auditing.tables import Row
from sertools.results.result import Figure, Finding, Table
from sertools.results.terms.names import in_words
from sertools.statistics.statistic import ratio
from sertools.tables.tables import Tables
from sertools.tables.votes import RATERS, RATINGS, rated_dimensions, unpacked
from sertools.wording import plural

from .part import WHO, Part

MAX_RATERS = 100
"""Most raters in the table, those who agree least first."""

MIN_CLIPS = 10
"""Fewest clips of a rater in the table."""


def sentence(part: Part) -> str:
    """Human scores on one target, with intervals."""
    alpha = part.of("alpha")
    if alpha is None or alpha.value is None:
        reason = alpha.reason if alpha else "no ratings"
        return f"What people reach in {part.target} was not measured: {reason}."
    speakers = f" of {plural(alpha.speakers, 'speaker')}" if alpha.speakers else ""
    few, many = int(part.raters.min()), int(part.raters.max())
    rated = plural(few, "person", "people") if few == many else f"{few} to {many} people"
    start = f"On {plural(alpha.n, 'clip')}{speakers}, {part.target} rated by {rated}"
    reached = []
    for who, words in zip(WHO, _WORDS[part.main], strict=True):
        found = part.of(f"{who}_{part.main}")
        if found is not None and found.value is not None:
            reached.append(words.format(f"{found.value:.3f}{interval_text(found, '.3f')}"))
    agree = f"Krippendorff's α is {alpha.value:.3f}{interval_text(alpha, '.3f')}"
    return f"{start}: {'; '.join([*reached, agree])}.{_recognised(part)}"


_WORDS = {
    "uar": (
        "one rater reaches a UAR of {} against the majority of the others",
        "half of the raters {} against the other half",
        "the best possible answer {} against a random rater",
    ),
    "ccc": (
        "one rater reaches a CCC of {} with the mean of the others",
        "half of the raters {} with the other half",
        "the best possible answer {} with a random rater",
    ),
}


def _recognised(part: Part) -> str:
    found = part.of("label_recognised")
    if found is None or found.value is None:
        return ""
    return f" The label of the corpus is named by {100 * found.value:.1f} % of the votes."


def reached_table(parts: Sequence[Part]) -> Table:
    """Human scores with intervals: one row for each target, metric and kind of rater."""
    rows: list[Row] = []
    for part in parts:
        for f in part.findings:
            who = next((who for who in WHO if f.name.startswith(f"{who}_")), "")
            if who and f.slice == "all" and f.target == part.target:
                metric = in_words(f.name.removeprefix(f"{who}_"))
                rows.append([part.target, metric, in_words(who), f.value, f.low, f.high, f.n, f.speakers])
    columns = ["target", "metric", "who", "value", "low", "high", "clips", "speakers"]
    return Table(name="people", title="What people reach", columns=columns, rows=rows)


def reached_figures(parts: Sequence[Part]) -> list[Figure]:
    """Dots for one rater, half of the raters and the best answer; none if nothing was measured."""
    rows: list[tuple[str, Finding]] = []
    for part in parts:
        for who in WHO:
            found = part.of(f"{who}_{part.main}")
            if found is not None and found.value is not None:
                rows.append((f"{part.target} ({part.main.upper()}), {in_words(who)}", found))
    if not rows:
        return []
    return [
        Figure(
            name="people",
            kind="interval",
            title="What people reach",
            alt="; ".join(f"{name} {f.value:.3f}{interval_text(f, '.3f')}" for name, f in rows),
            x_label="score",
            series=[interval_series([name for name, _ in rows], [f for _, f in rows])],
            reference=0.0,
        )
    ]


def raters_tables(tables: Tables) -> list[Table]:
    """How far each rater agrees with the others, lowest first; none if the raters have no ids."""
    if RATERS not in tables.clips:
        return []
    found = []
    for label in ("emotion", *rated_dimensions(tables.clips)):
        if f"{RATINGS}{label}" in tables.clips:
            rows = _agreement(tables.clips, label)
            said = "share of clips on which the rater agrees with the majority of the others"
            if label != "emotion":
                said = "mean distance of the rater from the mean of the others, in [0, 1]"
            found.append(
                Table(
                    name=f"raters_{label}",
                    title=f"Raters of {label}",
                    columns=["rater", "clips", "agreement" if label == "emotion" else "distance"],
                    rows=rows[:MAX_RATERS],
                    note=f"{said}; raters with at least {MIN_CLIPS} such clips, those who agree least first"
                    + (f"; {len(rows) - MAX_RATERS} more are not listed" if len(rows) > MAX_RATERS else ""),
                )
            )
    return [table for table in found if table.rows]


def _agreement(clips: pd.DataFrame, label: str) -> list[Row]:
    """Rater, number of clips, and agreement or distance; those who agree least first."""
    said = unpacked(clips[f"{RATINGS}{label}"])
    names = unpacked(clips[RATERS])
    pieces = [
        (name, value, i)
        for i, (row, given) in enumerate(zip(names, said, strict=True))
        for name, value in zip(row, given, strict=False)
        if value is not None
    ]
    frame = pd.DataFrame(pieces, columns=["rater", "value", "clip"])
    if frame.empty:
        return []
    if label == "emotion":
        frame["score"] = _agrees(frame)
    else:
        value = frame["value"].astype(float)
        total = value.groupby(frame["clip"]).transform("sum")
        number = value.groupby(frame["clip"]).transform("count").to_numpy()
        frame["score"] = np.abs(value - ratio((total - value).to_numpy(), number - 1))
    known = frame.dropna(subset="score").groupby("rater")["score"].agg(["count", "mean"])
    known = known[known["count"] >= MIN_CLIPS].sort_values(
        "mean", ascending=label == "emotion", kind="stable"
    )
    return [[str(name), int(n), float(mean)] for name, n, mean in known.itertuples()]


def _agrees(frame: pd.DataFrame) -> pd.Series:
    """1 where a vote is that of most others, 0 where it is not, nan where the others tie."""
    votes = frame.groupby(["clip", "value"]).size().unstack(fill_value=0)
    own = votes.columns.get_indexer(pd.Index(frame["value"]))
    others = votes.loc[frame["clip"]].to_numpy(dtype=float, copy=True)
    others[np.arange(len(frame)), own] -= 1
    most = others.max(axis=1)
    clear = ((others == most[:, None]).sum(axis=1) == 1) & (most > 0)
    return pd.Series(np.where(clear, (others.argmax(axis=1) == own).astype(float), np.nan), index=frame.index)
