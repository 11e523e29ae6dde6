"""The answer, tables and figures."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.auditing.figures import interval_series
from sertools.auditing.phrases import interval_text
from sertools.auditing.tables import Row
from sertools.results.result import Figure, Finding, Table
from sertools.statistics.jackknife import Estimate, estimate_from_sums
from sertools.statistics.statistic import Statistic, ratio, unit_sums
from sertools.tables.changed.splice import Spliced, exchanged_half
from sertools.tables.condition import CLEAN
from sertools.tables.pairs import speaker_codes
from sertools.tables.tables import Tables as Input

from .design import NO_WORDS, Design
from .shares import SHARE, SPLICED


def _no_sums(*_: object) -> NDArray[np.float64]:
    """The sums are made here, not by the statistic, of which only the value is used."""
    raise AssertionError


MEAN = Statistic(name="mean", sums=_no_sums, value=lambda sums: ratio(sums[..., 1], sums[..., 0]))
MAX_CELLS = 12
"""Most words whose cells are shown."""

ENDS_ALIKE = ", because most texts end alike"

MATCHED = {
    ("positive", "high"): "matched",
    ("negative", "low"): "matched",
    ("positive", "low"): "mismatched",
    ("negative", "high"): "mismatched",
    ("neutral", "normal"): "neutral",
}
"""Sentiment and effort of the synthetic corpora → how words and voice go together."""


def tables(tables: Input, design: Design) -> list[Table]:
    """The mean answer to all words in every voice, for each dimension, or each emotion if there is none."""
    rows: list[Row] = []
    cells = _Cells(tables, design)
    levels = [*design.levels("words")[:MAX_CELLS], *([NO_WORDS] if cells.has(NO_WORDS) else [])]
    names = list(tables.model_dimensions) or list(tables.model_classes)
    for target in names:
        for said in levels:
            for how in design.levels("voice"):
                mean = cells.mean(target, said, how)
                if mean.n:
                    kind = "voice only" if said == NO_WORDS else MATCHED.get((said, how), "")
                    rows.append([target, said, how, kind, mean.value, mean.low, mean.high, mean.n])
    return [
        Table(
            name="cells",
            title="Mean answers by words and voice",
            columns=["target", "words", "voice", "together", "mean", "low", "high", "clips"],
            rows=rows,
            note=f"words: {design.words}; voice: {design.voice}; intervals over speakers",
        )
    ]


class _Cells:
    """The clips by words and voice.

    Args:
        tables: clips and clean predictions
        design: names the columns of words and voice
    """

    def __init__(self, tables: Input, design: Design) -> None:
        clips = tables.clips
        self.scores = tables.predictions[CLEAN]
        self.unit, _ = speaker_codes(clips)
        self.words, self.voice = (
            clips[column].astype(str).to_numpy(dtype=object) for column in (design.words, design.voice)
        )

    def has(self, said: str) -> bool:
        """Whether any clip has these words."""
        return bool((self.words == said).any())

    def mean(self, target: str, said: str, how: str) -> Estimate:
        """The mean answer to these words in this voice, with its interval over speakers."""
        inside = np.flatnonzero((self.words == said) & (self.voice == how))
        values = self.scores[target].to_numpy(dtype=float)[inside]
        known = np.isfinite(values)
        n = int(known.sum())
        if not n:
            return Estimate(value=np.nan, low=np.nan, high=np.nan, n=0, units=0)
        units, names = pd.factorize(self.unit[inside[known]])
        rows = np.column_stack([np.ones(n), values[known]])
        return estimate_from_sums(MEAN, unit_sums(rows, units, len(names)), n)


def figures(findings: Sequence[Finding], tables: Input, design: Design) -> list[Figure]:
    """The shares of the words by target, and the mean answers by voice, one line for each text."""
    named = {SHARE: "clips as they are", SPLICED: "second half exchanged"}
    series = []
    for name, title in named.items():
        own = [f for f in findings if f.name == name and f.value is not None]
        if own:
            series.append(interval_series([f.target for f in own], own, title))
    drawn = []
    if series:
        drawn.append(
            Figure(
                name="shares",
                kind="interval",
                title="Share of the decision that is due to the words",
                alt="; ".join(
                    f"{f.target}: {f.value:.2f}" for f in findings if f.name == SHARE and f.value is not None
                ),
                x_label="share of the words (0: voice alone, 1: words alone)",
                series=series,
                band=(None, 0.25),
            )
        )
    return [*drawn, *_cells(tables, design)]


def _cells(tables: Input, design: Design) -> list[Figure]:
    """Mean answers of each dimension by voice, for few words."""
    cells = _Cells(tables, design)
    levels = [said for said in [*design.levels("words"), NO_WORDS] if cells.has(said)]
    if len(levels) > 5:
        return []
    drawn = []
    voices = _ordered(design.levels("voice"))
    for target in tables.model_dimensions:
        series = []
        for said in levels:
            found = [cells.mean(target, said, how) for how in voices]
            series.append(interval_series(list(voices), found, said if said != NO_WORDS else "voice only"))
        drawn.append(
            Figure(
                name=f"cells_{target}",
                kind="interval",
                title=f"Mean {target} by voice and words",
                alt=f"Mean predicted {target} for each {design.voice}, by {design.words}.",
                x_label=f"predicted {target}",
                series=series,
            )
        )
    return drawn


def _ordered(levels: Sequence[str]) -> list[str]:
    """Levels of effort from low to high, others by name."""
    rank = {"low": 0, "normal": 1, "high": 2}
    return sorted(levels, key=lambda each: (rank.get(each, 3), each))


def answer(findings: Sequence[Finding], design: Design) -> str:
    """The share of the words for each target, and how much a text-only predictor explains."""
    shares = [f for f in findings if f.name == SHARE]
    known = [f for f in shares if f.value is not None]
    if not known:
        return f"Not measured: {shares[0].reason if shares else 'the model predicts nothing'}."
    certain = [f for f in known if f.low is not None]
    if not certain:
        return f"Not decided: {known[0].reason}."
    parts = [f"{f.value:.0%}{interval_text(f, '.0%')} for {f.target}" for f in certain]
    text = [f for f in findings if f.name == "explained_by_text" and f.value is not None]
    most = max(text, key=lambda f: f.value or 0.0, default=None)
    read = (
        f" A reader of the transcript alone explains at most {max(most.value or 0.0, 0.0):.0%} of the "
        f"answers ({most.target})."
        if most is not None and pd.notna(most.value)
        else ""
    )
    against = f"{design.words} against {design.voice}"
    return f"Share of the decision that is due to the words ({against}): {', '.join(parts)}.{read}"


def notes_on_splices(tables: Input, findings: Sequence[Finding], design: Design) -> list[str]:
    """Which half of clips was exchanged, and where shares of whole clips and of halves disagree."""
    how = Spliced(other="words", words=design.words, voice=design.voice)
    exchanged = exchanged_half(tables.clips, how)
    why = ENDS_ALIKE if exchanged == "first" else ""
    notes = [f"Spliced: the {exchanged} half of clips was exchanged{why}."]
    halves = {f.target: f for f in findings if f.name == SPLICED}
    for whole in (f for f in findings if f.name == SHARE and f.target in halves):
        half = halves[whole.target]
        if _apart(whole, half) or _apart(half, whole):
            notes.append(
                f"The shares of the words disagree for {whole.target}: {whole.value:.0%} of whole clips and "
                f"{half.value:.0%} of halves."
            )
    return notes


def _apart(one: Finding, other: Finding) -> bool:
    """Whether the interval of one finding ends below that of the other."""
    return one.high is not None and other.low is not None and one.high < other.low
