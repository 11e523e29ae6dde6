"""Speakers: how many there are, their sexes, ages and languages, and the emotions of each group."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from sertools.exploration.sections import Row, Section, bars, histogram, listed, span, table
from sertools.results.result import Figure, Series, Table
from sertools.wording import plural

GROUPS = ("sex", "language", "corpus", "split")
"""Columns by which emotions are counted."""

MIN_DIFFERENCE = 0.03
"""Smallest difference of shares between groups that is told."""

MOST_GROUPS = 20
"""Most values of such a column."""


def people_section(clips: pd.DataFrame) -> Section:
    """Speakers, with their numbers of clips, sexes, ages and languages."""
    if "speaker" not in clips or clips["speaker"].isna().all():
        return Section(
            name="speakers",
            title="Speakers",
            answer="The corpus names no speakers, so that intervals are too narrow if they repeat.",
        )
    counts = clips["speaker"].value_counts()
    people = clips.dropna(subset="speaker").drop_duplicates("speaker").set_index("speaker")
    numbers = np.asarray(counts, dtype=np.float64)
    sentences = []
    unknown = int(clips["speaker"].isna().sum())
    if unknown:
        sentences.append(f"{plural(unknown, 'clip has', 'clips have')} no known speaker.")
    several = _changing(clips, ("sex", "language", "age"))
    sentences += [
        f"{column} differs between clips of {listed(names[:5])}." for column, names in several.items()
    ]
    figures = [
        histogram(
            "clips_per_speaker", "Clips per speaker", {"": numbers}, "clips of a speaker", of="speakers"
        )
    ]
    for said, figure in (_ages(people), _languages(clips)):
        sentences += [said] if said else []
        figures += [figure] if figure else []
    known = [column for column in ("sex", "age", "language") if column in people]
    rows: list[Row] = [
        [str(name), int(n), *(_of(people, name, column) for column in known)] for name, n in counts.items()
    ]
    return Section(
        name="speakers",
        title="Speakers",
        answer=f"{plural(len(counts), 'speaker')}{_shares(people, 'sex')}, with "
        f"{span(numbers.min(), numbers.max())} clips each (median {np.median(numbers):g}).",
        sentences=sentences,
        tables=[table("speakers", "Speakers", ["speaker", "clips", *known], rows)],
        figures=figures,
    )


def _ages(people: pd.DataFrame) -> tuple[str, Figure | None]:
    """A sentence on the ages of the speakers and their histogram; empty where no age is known."""
    if "age" not in people:
        return "", None
    ages = pd.to_numeric(people["age"], errors="coerce").to_numpy(dtype=float)
    known = ages[np.isfinite(ages)]
    if not len(known):
        return "", None
    return (
        f"Ages: {span(known.min(), known.max())} (median {np.median(known):g}), known of "
        f"{len(known)} of {plural(len(people), 'speaker')}.",
        histogram("ages", "Ages of the speakers", {"": ages}, "age", bins=12, of="speakers"),
    )


def _languages(clips: pd.DataFrame) -> tuple[str, Figure | None]:
    """A sentence on the languages, and their figure where there are several; empty without languages."""
    if "language" not in clips:
        return "", None
    spoken = {str(name): int(n) for name, n in clips["language"].value_counts().items()}
    if len(spoken) < 2:
        return f"Language: {next(iter(spoken), 'unknown')}.", None
    sentence = f"Languages: {', '.join(f'{name} {n}' for name, n in spoken.items())} clips."
    return sentence, bars("languages", "Clips of each language", spoken, "language", sentence)


def groups_section(clips: pd.DataFrame) -> Section | None:
    """The emotions of each group; None without emotions or groups."""
    if "emotion" not in clips:
        return None
    tables: list[Table] = []
    figures: list[Figure] = []
    sentences = []
    for column in GROUPS:
        if column not in clips:
            continue
        counts = pd.crosstab(clips[column], clips["emotion"])
        if not 1 < len(counts) <= MOST_GROUPS:
            continue
        rows: list[Row] = [[str(name), *map(int, row), int(row.sum())] for name, row in counts.iterrows()]
        tables.append(
            table(f"by_{column}", f"Emotions by {column}", [column, *map(str, counts), "all"], rows)
        )
        figures.append(_heat(counts, column))
        sentences += _largest_difference(counts, column)
    if not tables:
        return None
    return Section(
        name="groups",
        title="Emotions by group",
        answer=sentences[0]
        if sentences
        else f"No share of an emotion differs by {MIN_DIFFERENCE:.0%} or more.",
        sentences=sentences[1:],
        tables=tables,
        figures=figures,
    )


def _shares(people: pd.DataFrame, column: str) -> str:
    if column not in people or people[column].isna().all():
        return ""
    counts = people[column].fillna("unknown").value_counts()
    return f" ({', '.join(f'{n} {name}' for name, n in counts.items())})"


def _of(people: pd.DataFrame, speaker: object, column: str) -> str | float | None:
    value: Any = people.at[speaker, column]
    if pd.isna(value):
        return None
    return float(value) if isinstance(value, int | float | np.number) else str(value)


def _changing(clips: pd.DataFrame, columns: Sequence[str]) -> dict[str, list[str]]:
    """Column → speakers of whom it has several values."""
    found = {}
    for column in columns:
        if column in clips:
            different = clips.groupby("speaker")[column].nunique()
            names = [str(name) for name in different.index[different > 1]]
            if names:
                found[column] = names
    return found


def _heat(counts: pd.DataFrame, column: str) -> Figure:
    shares = counts.div(counts.sum(axis=1), axis=0)
    return Figure(
        name=f"emotions_by_{column}",
        kind="heat",
        title=f"Share of each emotion by {column}",
        alt=f"Share of the emotions (columns) in the clips of each {column} (rows).",
        x_label="emotion",
        y_label=column,
        series=[
            Series(name=str(name), x=list(map(str, shares)), y=[float(v) for v in row])
            for name, row in shares.iterrows()
        ],
    )


def _largest_difference(counts: pd.DataFrame, column: str) -> list[str]:
    """A sentence on the emotion whose share differs most between two groups of at least 20 clips."""
    shares = counts[counts.sum(axis=1) >= 20]
    if len(shares) < 2:
        return []
    shares = shares.div(shares.sum(axis=1), axis=0)
    spread = shares.max() - shares.min()
    emotion = str(spread.idxmax())
    if float(spread.max()) < MIN_DIFFERENCE:
        return []
    high, low = shares[emotion].idxmax(), shares[emotion].idxmin()
    return [
        f"By {column}, {emotion} differs most: {shares[emotion].max():.1%} of the clips with {column} "
        f"{high}, {shares[emotion].min():.1%} of those with {low}."
    ]
