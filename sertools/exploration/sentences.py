"""Sentences: the spoken texts, how often they occur, and with which emotions."""

import numpy as np
import pandas as pd

from sertools.corpora.corpus import Corpus
from sertools.corpora.layouts.published.textgrid import words
from sertools.errors import CorpusError
from sertools.exploration.sections import Row, Section, bars, span, table
from sertools.wording import plural

MOST_SHOWN = 15
"""Most sentences in the figure."""


PACE = "words_per_s"
"""Column with the words per second, from the first word to the end of the last one."""


def with_pace(corpus: Corpus) -> tuple[pd.DataFrame, list[str]]:
    """The clips with the words per second of those that have alignments, and sentences on problems."""
    clips = corpus.clips
    if "alignment" not in clips or clips["alignment"].isna().all():
        return clips, []
    pace, wrong = [], list[str]()
    for file in clips["alignment"]:
        spoken: list[tuple[str, float, float]] = []
        if isinstance(file, str):
            try:
                spoken = words(corpus.root / file)
            except CorpusError as error:
                wrong.append(error.message)
        length = spoken[-1][2] - spoken[0][1] if spoken else 0.0
        pace.append(len(spoken) / length if length > 0 else np.nan)
    told = [f"{plural(len(wrong), 'alignment')} cannot be read: {wrong[0]}"] if wrong else []
    return clips.assign(**{PACE: pace}), told


def sentence_column(clips: pd.DataFrame) -> str:
    """The column with the spoken text; empty if there is none.

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
    words = texts.map(lambda text: len(text.split()))
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
    sentences += _pace(clips)
    text_of: dict[str, str] = {}
    if len(texts):
        spoken = clips.dropna(subset="transcript").drop_duplicates(column)
        text_of = dict(zip(spoken[column].astype(str), spoken["transcript"].astype(str), strict=True))
    by_emotion = pd.DataFrame()
    if "emotion" in clips and clips["emotion"].notna().any():
        by_emotion = pd.crosstab(clips[column].astype(str), clips["emotion"])
        sentences += _missing_emotions(by_emotion, counts)
    with_text = column != "transcript" and len(texts) > 0
    of_emotion = {str(name): [int(each) for each in row] for name, row in by_emotion.iterrows()}
    rows: list[Row] = []
    for name, n in counts.items():
        more = [str(text_of.get(str(name), ""))] if with_text else []
        rows.append([str(name), *more, int(n), *of_emotion.get(str(name), [None] * by_emotion.shape[1])])
    columns = [column, *(["text"] if with_text else []), "clips", *map(str, by_emotion)]
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
        tables=[table("sentences", "Sentences", columns, rows)],
        figures=[figure] if repeated else [],
    )


def _pace(clips: pd.DataFrame) -> list[str]:
    """A sentence on the words per second, where alignments tell them."""
    known = clips[PACE].dropna() if PACE in clips else pd.Series(dtype=float)
    if known.empty:
        return []
    low, middle, high = known.quantile([0.25, 0.5, 0.75])
    return [
        f"By the alignments of {plural(len(known), 'clip')}, {middle:.1f} words are spoken per second "
        f"(median; half of the clips have {low:.1f} to {high:.1f})."
    ]


def _missing_emotions(by_emotion: pd.DataFrame, counts: "pd.Series[int]") -> list[str]:
    """A sentence that says whether the sentences that are repeated occur with every emotion."""
    common = by_emotion.loc[[name for name in counts.index[counts > 1] if name in by_emotion.index]]
    if not len(common):
        return []
    lacking = int((common == 0).any(axis=1).sum())
    if not lacking:
        return ["Every repeated sentence occurs with every emotion."]
    return [f"{lacking} of {plural(len(common), 'repeated sentence')} do not occur with every emotion."]
