"""Sentences: what is said, how often, and with which emotions."""

import pandas as pd

from sertools.exploration.sections import Row, Section, bars, span, table
from sertools.wording import plural

MOST_SHOWN = 15
"""Most sentences in the figure."""


def sentence_column(clips: pd.DataFrame) -> str:
    """The column that says what is spoken; empty if there is none.

    A column `sentence` names fixed sentences; otherwise the transcript.
    """
    known = [name for name in ("sentence", "transcript") if name in clips and clips[name].notna().any()]
    return next((name for name in known if clips[name].nunique() > 1), next(iter(known), ""))


def sentences_section(clips: pd.DataFrame) -> Section | None:
    """How many different sentences there are, and which emotions each has; None without transcripts."""
    column = sentence_column(clips)
    if not column:
        return None
    said = clips[column].dropna().astype(str)
    counts = said.value_counts()
    texts = clips["transcript"].dropna().astype(str) if "transcript" in clips else pd.Series(dtype=object)
    words = texts.str.split().str.len()
    length = f" They have {span(words.min(), words.max())} words." if len(words) else ""
    repeated = int((counts > 1).sum())
    answer = (
        f"{plural(len(said), 'clip')} say {plural(len(counts), 'different sentence')}; {repeated} of these "
        f"occur more than once.{length}"
    )
    sentences = []
    without = len(clips) - len(said)
    if without:
        sentences.append(f"{plural(without, 'clip has', 'clips have')} no {column}.")
    text_of = clips.dropna(subset="transcript").groupby(column)["transcript"].first() if len(texts) else {}
    columns = [column, *(["text"] if column != "transcript" and len(texts) else []), "clips"]
    rows: list[Row] = []
    emotions: list[str] = []
    by_emotion = pd.DataFrame()
    if "emotion" in clips and clips["emotion"].notna().any():
        by_emotion = pd.crosstab(clips[column].astype(str), clips["emotion"])
        emotions = list(map(str, by_emotion))
        common = by_emotion.loc[[name for name in counts.index[counts > 1] if name in by_emotion.index]]
        lacking = int((common == 0).any(axis=1).sum())
        if len(common):
            sentences.append(
                f"{lacking} of {plural(len(common), 'repeated sentence')} do not occur with every emotion."
                if lacking
                else "Every repeated sentence occurs with every emotion."
            )
    for name, n in counts.items():
        more = [str(text_of.get(name, ""))] if "text" in columns else []
        own = (
            [int(by_emotion.at[name, e]) for e in emotions]
            if name in by_emotion.index
            else [None] * len(emotions)
        )
        rows.append([str(name), *more, int(n), *own])
    first = {str(name): int(n) for name, n in counts.head(MOST_SHOWN).items()}
    figure = bars(
        "sentences",
        "Clips of each sentence",
        first,
        column,
        f"Clips of the {len(first)} most frequent sentences.",
    )
    return Section(
        name="sentences",
        title="Sentences",
        answer=answer,
        sentences=sentences,
        tables=[table("sentences", "Sentences", [*columns, *emotions], rows)],
        figures=[figure] if repeated else [],
    )
