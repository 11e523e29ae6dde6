"""The audits that are asked for, of a model on a corpus."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from sertools import files
from sertools.auditing.audit import PlannedAudit
from sertools.corpora.corpus import Corpus
from sertools.corpora.load import load_clips
from sertools.inference.settings import Settings
from sertools.models.model import ClipModel, Model
from sertools.pipeline.needs import checkpoints
from sertools.pipeline.requests.corpora import CorpusRequest
from sertools.pipeline.requests.models import ModelRequest, model_for
from sertools.pipeline.run import FailedAuditsError, run
from sertools.pipeline.unseen import on_unseen, training_of
from sertools.pipeline.write import set_aside, write_run
from sertools.results.collection import Results
from sertools.tables.columns import AGAINST


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
