"""Corpus columns computed from the audio: level, noise, pitch, eGeMAPS, audio fingerprints, recognised text.

Each measure is implemented as a model, so the engine decodes the audio, the store caches and resumes, and a
clip that cannot be decoded counts as missing. The scores become columns of the corpus, which audits request
with `Needs.measured_columns`.
"""

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import pandas as pd

from sertools.corpora.corpus import Corpus
from sertools.errors import AuditError, CorpusError, ModelError, nearest
from sertools.features.fingerprint import Prints
from sertools.features.functionals import Functionals
from sertools.features.sound import SoundMeasures
from sertools.features.speech_recognition import Recogniser
from sertools.models.model import Model
from sertools.tables.columns import SOUND_COLUMNS
from sertools.tables.egemaps import FUNCTIONAL_COLUMNS


class Measure(Model, Protocol):
    """A model whose scores become corpus columns."""

    def columns(self, scores: pd.DataFrame) -> pd.DataFrame:
        """The corpus columns computed from the scores, with the same rows."""
        ...


MEASURES: Mapping[str, Callable[..., Measure]] = {
    "f0_hz": Functionals,
    "audio_hash": Prints,
    "audio_print": Prints,
    "recognised": lambda checkpoint: Recogniser(checkpoint=checkpoint),
    **dict.fromkeys(SOUND_COLUMNS, SoundMeasures),
    **dict.fromkeys(FUNCTIONAL_COLUMNS, Functionals),
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
    corpus: Corpus,
    columns: Iterable[str],
    scores_of: Callable[[Measure, Corpus], pd.DataFrame],
    optional: Iterable[str] = (),
) -> Corpus:
    """The corpus with added columns computed from its audio; existing columns are not changed.

    If no clip can be decoded (e.g. a corpus of labels without audio), the columns are empty and a note is
    added; so it is for optional columns whose package is not installed.

    Args:
        corpus: the corpus whose audio is measured
        columns: names, see `MEASURES`
        scores_of: (measure, corpus) → scores, one row per clip; usually `run.predict`
        optional: those that may stay empty

    Raises:
        AuditError: a column cannot be computed from the audio
        ModelError: a package that computes a column is not installed, and the column is not optional
    """
    columns_of: dict[Callable[[], Measure], list[str]] = {}
    for column in dict.fromkeys(columns):
        if column not in corpus.clips:
            columns_of.setdefault(maker(column), []).append(column)
    parts, notes = [corpus.clips], list(corpus.notes)
    for make, wanted in columns_of.items():
        measure = make()
        try:
            parts.append(measure.columns(scores_of(measure, corpus))[wanted])
        except CorpusError as error:
            notes.append(f"Nothing could be measured from the audio: {error.message}.")
            parts.append(_empty(corpus, wanted))
        except ModelError as error:
            if not set(wanted) <= set(optional):
                raise
            notes.append(f"Not measured: {error}.")
            parts.append(_empty(corpus, wanted))
    return replace(corpus, clips=pd.concat(parts, axis=1), notes=tuple(dict.fromkeys(notes)))


def _empty(corpus: Corpus, columns: Sequence[str]) -> pd.DataFrame:
    """Columns without a value."""
    return pd.DataFrame({c: pd.Series(None, index=corpus.clips.index, dtype=object) for c in columns})
