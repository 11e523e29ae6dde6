"""The share of the words, from original and from spliced clips."""

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.auditing.findings import detail, doubted, finding
from sertools.metrics.better_than_chance import not_better_than_constant
from sertools.results.result import Finding
from sertools.statistics.effects import Square, differences, share_of_first, square
from sertools.statistics.jackknife import MIN_UNITS, Estimate, estimate_from_left_out
from sertools.statistics.statistic import Statistic
from sertools.tables.changed.splice import SPLICE, Exchanged, Spliced, partners
from sertools.tables.condition import Condition
from sertools.tables.pairs import pairs, scored_targets
from sertools.tables.tables import Tables

from .design import Design, answers_of

SHARE, SPLICED = "share_of_words", "share_of_words_spliced"

SHOWN = 0.001
"""Largest p-value of the effect of the voice with which a small share of the words is worth anything."""

NOT_SHOWN = "the answers are not shown to follow the voice"

SIZE = Statistic(
    name="effect", sums=lambda *_: np.zeros((0, 0)), value=lambda s: s[..., 0], bounds=(0.0, np.inf)
)


def share_findings(tables: Tables, design: Design, target: str, values: NDArray[np.float64]) -> list[Finding]:
    """The judged share of the words, and the sizes of both effects, on original clips.

    Args:
        tables: clips and predictions
        design: which clips say what, and how
        target: a dimension, or `emotion`
        values: answers, shape (n, c)
    """
    index = tables.clips.index
    words, voice, unit = design.codes("words", index), design.codes("voice", index), design.units(index)
    used = (words >= 0) & np.isfinite(values[:, 0])
    if not used.any():
        return [_share(SHARE, None, None, 0, target)]
    _, speaker = np.unique(unit[used], return_inverse=True)
    of_words = square(differences(values[used], speaker, words[used], voice[used]))
    of_voice = square(differences(values[used], speaker, voice[used], words[used]))
    n = int(used.sum())
    made = _share(SHARE, of_words, of_voice, n, target, _not_better(tables, target))
    judged = doubted(made, NOT_SHOWN if not of_voice.p_value <= SHOWN else "")
    sizes = (("effect_of_words", of_words), ("effect_of_voice", of_voice))
    return [judged, *(_size(name, each, n, target) for name, each in sizes)]


def spliced_findings(
    tables: Tables, design: Design, target: str, values: NDArray[np.float64]
) -> list[Finding]:
    """The share of the words when the second half of clips is exchanged; a detail.

    Args:
        tables: clips, and predictions of clean and of spliced clips
        design: which clips say what, and how
        target: a dimension, or `emotion`
        values: answers to clean clips, shape (n, c)
    """
    found, n = [], 0
    for other in ("words", "voice"):
        apart, used = _exchanged(tables, design, target, values, other)
        n += used
        found.append(square(apart))
    return [detail(_share(SPLICED, found[0], found[1], n, target))]


def _exchanged(
    tables: Tables, design: Design, target: str, values: NDArray[np.float64], other: Exchanged
) -> tuple[NDArray[np.float64], int]:
    """Half the difference between splices from a to b and from b to a, (G, pairs, c), and how many clips.

    The cut changes both alike, so it cancels.
    """
    how = Spliced(other=other, words=design.words, voice=design.voice)
    index = tables.clips.index
    moved = answers_of(tables, target, str(Condition(perturbation=SPLICE, spliced=how))) - values
    level, unit = design.codes(other, index), design.units(index)
    used = (level >= 0) & np.isfinite(moved[:, 0])
    rows = np.flatnonzero(used)
    names = index.astype(str).to_numpy()
    partner_of = partners(tables.clips, how)
    to = level[index.get_indexer(pd.Index([partner_of(names[i]) for i in rows]))]
    rows, to = rows[to >= 0], to[to >= 0]
    _, speaker = np.unique(unit[rows], return_inverse=True)
    count = len(design.levels(other))
    first, second = np.triu_indices(count, 1)
    apart = np.full((speaker.max(initial=-1) + 1, len(first), values.shape[1]), np.nan)
    for i in range(len(apart)):
        own = speaker == i
        cell = level[rows[own]] * count + to[own]
        n = np.bincount(cell, minlength=count**2).astype(float)
        sums = [np.bincount(cell, weights=column, minlength=count**2) for column in moved[rows[own]].T]
        mean = (np.stack(sums, axis=-1) / np.where(n > 0, n, np.nan)[:, None]).reshape(count, count, -1)
        apart[i] = (mean[first, second] - mean[second, first]) / 2
    return apart, len(rows)


def _share(
    name: str, words: Square | None, voice: Square | None, n: int, target: str, withheld: str = ""
) -> Finding:
    """The finding of a share."""
    if words is None or voice is None:
        none = Estimate(value=np.nan, low=np.nan, high=np.nan, n=n, units=0, reason="no clip has an answer")
        return finding(name, none, target=target, by_speaker=True)
    value = share_of_first(words, voice, n)
    return finding(name, value, target=target, by_speaker=True, withheld=withheld)


def _size(name: str, found: Square, n: int, target: str) -> Finding:
    """The size of an effect: the root of its square, which counts as 0 below 0; a detail."""
    value = float(np.sqrt(max(found.value, 0.0))) if np.isfinite(found.value) else np.nan
    whole = estimate_from_left_out(SIZE, found.value, found.left_out, n)
    root = replace(whole, value=value)
    if len(found.left_out) >= MIN_UNITS and np.isfinite(whole.low):
        root = replace(
            root,
            low=float(np.sqrt(max(whole.low, 0.0))),
            high=float(np.sqrt(max(whole.high, 0.0))),
            inner=None,
        )
    return detail(finding(name, root, target=target, by_speaker=True))


def _not_better(tables: Tables, target: str) -> str:
    """Why the model is not shown to beat a constant, where the corpus has labels; else empty."""
    if target not in scored_targets(tables):
        return ""
    pair = pairs(tables, target)
    return not_better_than_constant(pair, pair.classes)
