"""The corpus that is asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from sertools.audio.files import MAX_MINUTES
from sertools.corpora.attached.beside import NOTHING, Beside
from sertools.corpora.corpus import Corpus, join_corpora
from sertools.corpora.folds.first_look import NO_LIMIT, Limit, first_look
from sertools.corpora.load import load_corpus
from sertools.corpora.seen.sides import load_sides
from sertools.errors import CorpusError
from sertools.tables import emotion_norms

DERIVED = (
    "The dimensions are derived from the emotion labels, not rated: each clip has the mean rating that the "
    "name of its emotion has in Russell & Mehrabian (1977)."
)


@dataclass(frozen=True, kw_only=True)
class CorpusRequest:
    """A corpus to load; several corpora are joined.

    Attributes:
        specs: the texts after `--data`, or tables of clips
        data_root: folder of a registered corpus, or its parent folder, or that of a table's paths
        column_map: theirs → ours, for columns of a manifest
        scale: dimension (`*` for all) → lowest and highest rating
        value_map: column → theirs → ours, for values of a column
        label_map: theirs → ours, for emotions
        derive: whether the dimensions are derived from the emotions
        train, test: the sides of a split, which are compared with each other, instead of `specs`
        folds: tables of a published split, instead of `specs`, or names of folds of `specs`
        max_minutes: longest clip that is read; a longer one counts as missing
        beside: where the votes of raters and further attributes are
        limit: how much of the corpus is used
    """

    specs: tuple[str | pd.DataFrame, ...]
    data_root: Path | None = None
    column_map: Mapping[str, str] = field(default_factory=dict)
    scale: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    value_map: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    label_map: Mapping[str, str] = field(default_factory=dict)
    derive: bool = False
    train: tuple[str, ...] = ()
    test: tuple[str, ...] = ()
    folds: tuple[str, ...] = ()
    max_minutes: float = MAX_MINUTES
    beside: Beside = NOTHING
    limit: Limit = NO_LIMIT

    def load(self) -> Corpus:
        """Loads the corpus.

        Raises:
            CorpusError: a corpus does not exist or cannot be read
        """
        if self.train or self.test or self.folds:
            if self.limit != NO_LIMIT:
                raise CorpusError("--limit does not apply to the sides of a split, which are compared whole")
            return load_sides(
                self.train,
                self.test,
                self.folds,
                data=[spec for spec in self.specs if isinstance(spec, str)],
                data_root=self.data_root,
                column_map=self.column_map,
            )
        loaded = self.parts()
        corpus = loaded[0] if len(loaded) == 1 else join_corpora(loaded)
        corpus = first_look(replace(corpus, max_minutes=self.max_minutes), self.limit)
        return with_derived_dimensions(corpus) if self.derive else corpus

    def parts(self) -> list[Corpus]:
        """The corpora by themselves.

        Raises:
            CorpusError: a corpus does not exist or cannot be read
        """
        return [
            load_corpus(
                spec,
                data_root=self.data_root,
                column_map=self.column_map,
                scale=self.scale,
                value_map=self.value_map,
                label_map=self.label_map,
                beside=self.beside,
            )
            for spec in self.specs
        ]


def with_derived_dimensions(corpus: Corpus) -> Corpus:
    """The corpus with the mean ratings that the names of its emotions have in Russell & Mehrabian (1977).

    Raises:
        CorpusError: the corpus has no emotion labels
    """
    if "emotion" not in corpus.clips:
        raise CorpusError(f"{corpus.name} has no emotion labels to derive dimensions from")
    derived = emotion_norms.derive(corpus.clips["emotion"])
    clips = corpus.clips.drop(columns=[c for c in derived if c in corpus.clips]).join(derived)
    without = corpus.clips["emotion"][derived.isna().all(axis=1)].value_counts()
    notes = [
        f"{n} clips of {emotion} have no norm and therefore no ratings" for emotion, n in without.items()
    ]
    return replace(corpus, clips=clips, simulated=DERIVED, notes=(*corpus.notes, *notes))
