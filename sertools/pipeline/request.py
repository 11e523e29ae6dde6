"""The request to `sertools audit`: model, corpus, audits and output, before anything is loaded."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from sertools import files
from sertools.audio.files import MAX_MINUTES
from sertools.auditing.audit import PlannedAudit
from sertools.corpora.attached.beside import NOTHING, Beside
from sertools.corpora.corpus import Corpus, join_corpora
from sertools.corpora.folds.first_look import NO_LIMIT, Limit, first_look
from sertools.corpora.load import load_clips, load_corpus
from sertools.corpora.seen.sides import load_sides
from sertools.errors import CorpusError
from sertools.inference.settings import Settings
from sertools.models.load import LoadOptions
from sertools.models.model import ClipModel, Model
from sertools.models.no_model import NoModel
from sertools.pipeline.kept import models as kept_models
from sertools.pipeline.needs import checkpoints
from sertools.pipeline.run import FailedAuditsError, run
from sertools.pipeline.unseen import on_unseen, training_of
from sertools.pipeline.write import set_aside, write_run
from sertools.results.collection import Results
from sertools.tables import emotion_norms
from sertools.tables.columns import AGAINST

DERIVED = (
    "The dimensions are derived from the emotion labels, not rated: each clip has the mean rating that the "
    "name of its emotion has in Russell & Mehrabian (1977)."
)


@dataclass(frozen=True, kw_only=True)
class ModelRequest:
    """A model to load.

    Attributes:
        spec: the text after `--model`, or a function of signals and their sampling rate
        options: device, precision and others
    """

    spec: str | Callable[..., Any]
    options: LoadOptions = field(default_factory=LoadOptions)

    def load(
        self,
        corpus: Corpus | None = None,
        label_map: Mapping[str, str] | None = None,
        settings: Settings | None = None,
    ) -> Model | ClipModel:
        """Loads the model; with settings, a checkpoint that an earlier run knew only once it computes.

        Args:
            corpus: whose labels tell the answers in a table of predictions from its other columns
            label_map: theirs → ours, for the labels of the model
            settings: where is kept what earlier runs knew, unless they say to compute all again

        Raises:
            ModelError: the model does not exist or cannot be loaded
        """
        emotions = _emotions(corpus) if corpus else []
        known = (*(label_map or {}), *emotions)
        options = replace(self.options, known=known, emotions=tuple(emotions), label_map=label_map or {})
        return kept_models.loaded(
            self.spec, options, None if settings is None or settings.fresh else settings.root
        )


def model_for(audits: Sequence[PlannedAudit], spec: object) -> ClipModel | None:
    """A placeholder if no audit needs a model and the user names none; None if a model has to be loaded."""
    if spec != "default" or any(planned.asks_a_model for planned in audits):
        return None
    nothing: Any = NoModel()  # it has all that a model by clip has
    none: ClipModel = nothing
    return none


def _emotions(corpus: Corpus) -> list[str]:
    """The emotions of a corpus, sorted."""
    if "emotion" not in corpus.clips:
        return []
    return sorted(map(str, corpus.clips["emotion"].dropna().unique()))


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


@dataclass(frozen=True, kw_only=True)
class AuditRequest:
    """Everything that decides what one run of audits computes and writes.

    Attributes:
        model: the model to audit
        corpus: the corpus to audit it on
        audits: the audits, each with its options, needs and limits
        against: a second model that layer audits compare the model with
        random_twin: whether layer audits also compare it with an untrained copy; None for where one can be
            built
        settings: how to compute
        out: folder for results, clips and report
        clips: maximum number of clips to write per audit; None for the default of the corpus
        command: what the user typed, for the report
        trained_on: name or table of what the model was trained on; empty for what the model itself says
        allow_training_data: whether clips that were in the training are judged like others
    """

    model: ModelRequest
    corpus: CorpusRequest
    audits: tuple[PlannedAudit, ...]
    against: ModelRequest | None = None
    random_twin: bool | None = None
    settings: Settings = field(default_factory=Settings)
    out: Path
    clips: int | None = None
    command: str = ""
    trained_on: str = ""
    allow_training_data: bool = False

    def load(self) -> "LoadedRequest":
        """Loads the corpus and the models, after checking that the output folder can be written.

        Raises:
            SertoolsError: the folder, the corpus or a model is not usable
        """
        files.check_writable(self.out)
        corpus, renamed = self.corpus.load(), self.settings.label_map
        model = model_for(self.audits, self.model.spec) or self.model.load(corpus, renamed, self.settings)
        others = {AGAINST: self.against.load(corpus, renamed, self.settings)} if self.against else {}
        others |= {
            role: replace(self.model, spec=spec).load(corpus, renamed, self.settings)
            for role, spec in checkpoints(self.audits).items()
        }
        trained_on = None
        if self.trained_on:
            read = self.corpus
            trained_on = load_clips(self.trained_on, data_root=read.data_root, column_map=read.column_map)
        return LoadedRequest(request=self, model=model, corpus=corpus, others=others, trained_on=trained_on)


@dataclass(frozen=True, kw_only=True)
class LoadedRequest:
    """A request with its corpus and its models, and what the model was trained on, if that was named."""

    request: AuditRequest
    model: Model | ClipModel
    corpus: Corpus
    others: Mapping[str, Model | ClipModel]
    trained_on: Corpus | None = None

    def run(self) -> Results:
        """Runs the audits and writes results and clips; the report is not rendered.

        Raises:
            FailedAuditsError: an audit failed; the results of the others are written
            SertoolsError: see `pipeline.run.run` and `write_run`
        """
        request = self.request
        training = training_of(self.model, self.trained_on, allowed=request.allow_training_data)
        runs = partial(
            run,
            self.model,
            settings=request.settings,
            command=request.command,
            others=self.others,
            random_twin=request.random_twin,
        )
        try:
            results = on_unseen(runs, self.corpus, request.audits, training)
        except FailedAuditsError as failed:
            set_aside(request.out, failed)
            if failed.results:
                self._write(failed.results)
            raise
        self._write(results)
        return results

    def _write(self, results: Results) -> None:
        request = self.request
        write_run(
            results,
            request.out,
            model=self.model,
            corpus=self.corpus,
            audits=request.audits,
            settings=request.settings,
            clips=request.clips,
        )
