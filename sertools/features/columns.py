"""Corpus columns computed from the audio: pitch, audio fingerprints, recognised text.

Each measure is implemented as a model, so the engine decodes the audio, the store caches and resumes, and a
clip that cannot be decoded counts as missing. The scores become columns of the corpus, which audits request
with `Needs.sound`.
"""

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Protocol

import pandas as pd

from sertools.corpora.corpus import Corpus
from sertools.errors import AuditError, CorpusError, nearest
from sertools.features.fingerprint import Prints
from sertools.features.pitch import Pitch
from sertools.features.speech_recognition import Recogniser
from sertools.models.model import Model


class Measure(Model, Protocol):
    """A model whose scores become corpus columns."""

    def columns(self, scores: pd.DataFrame) -> pd.DataFrame:
        """The corpus columns computed from the scores, with the same rows."""
        ...


MEASURES: Mapping[str, Callable[..., Measure]] = {
    "f0_hz": Pitch,
    "audio_hash": Prints,
    "audio_print": Prints,
    "recognised": lambda checkpoint: Recogniser(checkpoint=checkpoint),
}
"""Column → the measure that computes it; in `recognised@CHECKPOINT`, the text after @ is its argument."""


@functools.cache
def maker(column: str) -> Callable[[], Measure]:
    """The factory of the measure for a column; identical for all columns of the same measure.

    Raises:
        AuditError: the column cannot be computed from the audio
    """
    name, at, of = column.partition("@")
    if name not in MEASURES:
        raise AuditError(
            f"column {column!r} cannot be measured from the audio", hint=nearest(column, list(MEASURES))
        )
    return functools.partial(MEASURES[name], of) if at else MEASURES[name]


def measures(corpus: Corpus, columns: Iterable[str]) -> list[Measure]:
    """The measures that compute the columns which a corpus lacks, each once.

    Raises:
        AuditError: a column cannot be computed from the audio
    """
    wanted = [column for column in dict.fromkeys(columns) if column not in corpus.clips]
    return [make() for make in dict.fromkeys(maker(column) for column in wanted)]


def measured(
    corpus: Corpus, columns: Iterable[str], scores_of: Callable[[Measure, Corpus], pd.DataFrame]
) -> Corpus:
    """The corpus with added columns computed from its audio; existing columns are not changed.

    If no clip can be decoded (e.g. a corpus of labels without audio), the columns are empty and a note is
    added.

    Args:
        corpus: the corpus whose audio is measured
        columns: names, see `MEASURES`
        scores_of: (measure, corpus) → scores, one row per clip; usually `run.predict`

    Raises:
        AuditError: a column cannot be computed from the audio
    """
    wanted = [column for column in dict.fromkeys(columns) if column not in corpus.clips]
    clips, notes = corpus.clips, list(corpus.notes)
    for measure in measures(corpus, wanted):
        try:
            found = measure.columns(scores_of(measure, corpus))
        except CorpusError as error:
            found = pd.DataFrame({c: pd.Series(None, index=clips.index, dtype=object) for c in wanted})
            notes.append(f"Nothing could be measured from the audio: {error.message}.")
        clips = clips.join(found[[c for c in wanted if c in found and c not in clips]])
    return replace(corpus, clips=clips, notes=tuple(notes))
