"""Columns of a corpus that are measured in its sound: pitch, fingerprints, what a recogniser hears.

What measures them is a model like any other, so the engine decodes, the store keeps and resumes, and a clip
that cannot be heard is missing; only that its scores become columns of the corpus, which audits may ask for
(`Needs.sound`).
"""

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Protocol

import pandas as pd

from sertools.corpus import Corpus
from sertools.errors import AuditError, CorpusError, nearest
from sertools.model import Model
from sertools.pitch import Pitch
from sertools.prints import Prints
from sertools.recogniser import Recogniser


class Measure(Model, Protocol):
    """A model whose scores become columns."""

    def columns(self, scores: pd.DataFrame) -> pd.DataFrame:
        """The columns that the scores stand for, same rows."""
        ...


MEASURES: Mapping[str, Callable[..., Measure]] = {
    "f0_hz": Pitch,
    "audio_hash": Prints,
    "audio_print": Prints,
    "recognised": lambda checkpoint: Recogniser(checkpoint=checkpoint),
}
"""Column → what measures it; `recognised@CHECKPOINT` by what stands behind the @."""


@functools.cache
def maker(column: str) -> Callable[[], Measure]:
    """What makes the measure of a column; the same for all columns of one measure.

    Raises:
        AuditError: nothing measures such a column
    """
    name, at, of = column.partition("@")
    if name not in MEASURES:
        raise AuditError(f"nothing measures a column {column!r}", hint=nearest(column, list(MEASURES)))
    return functools.partial(MEASURES[name], of) if at else MEASURES[name]


def measured(
    corpus: Corpus, columns: Iterable[str], scores_of: Callable[[Measure, Corpus], pd.DataFrame]
) -> Corpus:
    """The corpus with the columns that its sound tells; a column that it has already stays as it is.

    Where no clip can be heard, as with labels and predictions alone, they are empty and a note says so.

    Args:
        corpus: whose sound is measured
        columns: names, see `MEASURES`
        scores_of: measure, corpus → its scores, one row a clip; what `run.predict` gives

    Raises:
        AuditError: nothing measures such a column
    """
    wanted = [column for column in dict.fromkeys(columns) if column not in corpus.clips]
    clips, notes = corpus.clips, list(corpus.notes)
    for make in dict.fromkeys(maker(column) for column in wanted):
        measure = make()
        try:
            found = measure.columns(scores_of(measure, corpus))
        except CorpusError as error:
            found = pd.DataFrame({c: pd.Series(None, index=clips.index, dtype=object) for c in wanted})
            notes.append(f"Nothing could be measured in the sound: {error.message}.")
        clips = clips.join(found[[c for c in wanted if c in found and c not in clips]])
    return replace(corpus, clips=clips, notes=tuple(notes))
