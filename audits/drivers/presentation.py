"""Tables, figures and sentences on what plain acoustics explain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sertools.auditing.figures import interval_series
from sertools.auditing.phrases import interval_text
from sertools.auditing.tables import Row
from sertools.results.result import Figure, Series, Table
from sertools.statistics.permutation import holm
from sertools.tables.egemaps import readable
from sertools.wording import listed

from .material import ALL, Material
from .partial import Correlations
from .surrogate import KINDS, Explained

SURE = 0.05
IN_WORDS = {ALL: "all features"}


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Results for one target.

    Attributes:
        target: a dimension, or `emotion`
        material: features, answers and truth
        by_group: group of features → what it explains; `all` for all features
        correlations: of each feature with each output
        shown: number of features in the table, for each output
        note: which clips are left out; empty if none is
    """

    target: str
    material: Material
    by_group: Mapping[str, Explained]
    correlations: Correlations
    shown: int
    note: str

    @property
    def adjusted(self) -> NDArray[np.float64]:
        """p-values of the partial correlations, adjusted for their number, shape (f, c)."""
        p = self.correlations.p_value
        return holm(p.reshape(-1)).reshape(p.shape)


def tables(summaries: Sequence[Summary]) -> list[Table]:
    """Variance explained by each group of features, and the features that answers follow beyond the truth."""
    if not summaries:
        return []
    return [_groups_table(summaries), _features_table(summaries)]


def _groups_table(summaries: Sequence[Summary]) -> Table:
    rows: list[Row] = []
    for each in summaries:
        for group, found in each.by_group.items():
            count = len(each.material.feature_sets[group])
            shares = [x for kind in KINDS for x in _ends(found.shares[kind])]
            error = found.error
            rows.append(
                [each.target, IN_WORDS.get(group, group), count, *shares, *_ends(error), error.n, error.units]
            )
    columns = ["target", "features", "number"]
    for kind in (*KINDS, "explained error"):
        columns += [kind, f"{kind}: low", f"{kind}: high"]
    return Table(
        name="groups",
        title="Share of answers, truth and errors that plain acoustics explain on unseen speakers",
        columns=[*columns, "clips", "speakers"],
        rows=rows,
        note="explained error: root mean square of the part of the errors that the features explain",
    )


def _ends(value: object) -> list[float]:
    return [getattr(value, name) for name in ("value", "low", "high")]


def _features_table(summaries: Sequence[Summary]) -> Table:
    rows: list[Row] = []
    for each in summaries:
        found, adjusted = each.correlations, each.adjusted
        for k, output in enumerate(each.material.outputs):
            rows += [
                [
                    *(each.target, output, each.material.names[i], readable(each.material.names[i])),
                    each.material.groups[i],
                    *(float(found.with_ratings[i, k]), float(found.with_answers[i, k])),
                    *(float(found.beyond[i, k]), float(found.low[i, k]), float(found.high[i, k])),
                    float(adjusted[i, k]),
                ]
                for i in _strongest(found, k)[: each.shown]
            ]
    columns = ["target", "answer", "feature", "in words", "group", "with the truth", "with the answers"]
    columns += ["beyond the truth", "low", "high", "p-value (Holm)"]
    return Table(
        name="features",
        title="Features that the answers follow most beyond the truth",
        columns=columns,
        rows=rows,
        note="correlations within speakers; beyond the truth: partial correlation of feature and answer, the "
        "truth held constant",
    )


def _strongest(found: Correlations, k: int) -> list[int]:
    """Indices of the features with a partial correlation with output k, the strongest first."""
    size = np.abs(found.beyond[:, k])
    return [int(i) for i in np.argsort(-np.nan_to_num(size), kind="stable") if np.isfinite(size[i])]


def figures(summary: Summary) -> list[Figure]:
    """The shares by group of features, and the strongest partial correlations."""
    groups = [group for group in summary.by_group if group != ALL]
    groups = sorted(groups, key=lambda group: -summary.by_group[group].shares["answers"].value)
    names = [IN_WORDS.get(group, group) for group in [ALL, *groups]]
    series = []
    for kind in KINDS:
        values = [summary.by_group[group].shares[kind] for group in [ALL, *groups]]
        if not np.isnan([each.value for each in values]).all():
            series.append(interval_series(names, values, kind))
    shares = Figure(
        name=f"explained_{summary.target}",
        kind="interval",
        title=f"Share of {summary.target} that plain acoustics explain",
        alt="; ".join(f"{s.name} by all features: {s.y[0]:.2f}" for s in series if s.y[0] is not None),
        x_label="share of the variance explained on unseen speakers",
        series=series,
        reference=0.0,
    )
    return [shares, *_correlation_figure(summary)]


def _correlation_figure(summary: Summary) -> list[Figure]:
    """The strongest partial correlations of any output; none where nothing is left beyond the truth."""
    found, outputs = summary.correlations, summary.material.outputs
    size = np.nan_to_num(np.abs(found.beyond))
    order = np.argsort(-size, axis=None, kind="stable")[:12]
    chosen = [tuple(int(x) for x in np.unravel_index(at, size.shape)) for at in order]
    chosen = [(i, k) for i, k in chosen if np.isfinite(found.beyond[i, k])]
    if not chosen:
        return []
    names = [
        readable(summary.material.names[i]) + (f" ({outputs[k]})" if len(outputs) > 1 else "")
        for i, k in chosen
    ]
    values = [[float(part[i, k]) for i, k in chosen] for part in (found.beyond, found.low, found.high)]
    ratings = [float(found.with_ratings[i, k]) for i, k in chosen]
    return [
        Figure(
            name=f"features_{summary.target}",
            kind="interval",
            title=f"Features that {summary.target} follows most beyond the truth",
            alt="; ".join(f"{name}: {value:.2f}" for name, value in zip(names, values[0], strict=True)),
            x_label="correlation within speakers",
            series=[
                Series.model_validate(
                    {
                        "name": "answers, truth held constant",
                        "x": names,
                        "y": values[0],
                        "low": values[1],
                        "high": values[2],
                    }
                ),
                Series.model_validate({"name": "truth", "x": names, "y": ratings}),
            ],
            reference=0.0,
        )
    ]


def answer(summaries: Sequence[Summary]) -> str:
    """The explained errors, the shares explained, and the features followed most beyond the truth."""
    if not summaries:
        return ""
    every = [each.by_group[ALL] for each in summaries]
    errors = [
        f"{found.error.value:.2f}{interval_text(found.error)} in {each.target}"
        for each, found in zip(summaries, every, strict=True)
    ]
    shares = [
        f"{_percent(found.shares['answers'].value)} of the answers and "
        f"{_percent(found.shares['truth'].value)} of the truth in {each.target}"
        for each, found in zip(summaries, every, strict=True)
    ]
    followed = [_followed(each) for each in summaries]
    words = [
        f"On unseen speakers, plain acoustics predict errors of {listed(errors)}.",
        f"They explain {'; '.join(shares)}.",
    ]
    if any(followed):
        words.append(f"Beyond the truth, {listed([each for each in followed if each])}.")
    return " ".join(words)


def _followed(summary: Summary) -> str:
    """The feature that the answers follow most beyond the truth; empty if none is shown to be followed."""
    found, adjusted = summary.correlations, summary.adjusted
    size = np.where(adjusted < SURE, np.nan_to_num(np.abs(found.beyond)), 0.0)
    if not size.max(initial=0.0) > 0:
        return ""
    i, k = (int(x) for x in np.unravel_index(size.argmax(), size.shape))
    output = summary.material.outputs[k]
    value = f"r = {found.beyond[i, k]:.2f} [{found.low[i, k]:.2f}, {found.high[i, k]:.2f}]"
    return f"{output} goes most with {readable(summary.material.names[i])} ({value} within speakers)"


def _percent(share: float) -> str:
    """A share in percent; below 0, nothing is explained."""
    return f"{100 * max(share, 0.0):.0f} %" if not np.isnan(share) else "an undefined share"
