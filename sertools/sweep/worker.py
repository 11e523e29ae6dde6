"""One worker of a sweep: takes cells that nobody has, runs their audits, and says how it went."""

import json
import os
import socket
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar

from sertools.corpora.corpus import Corpus
from sertools.errors import SertoolsError
from sertools.inference.settings import Settings
from sertools.pipeline.requests.audits import AuditRequest, LoadedRequest
from sertools.report.render import render
from sertools.results.collection import Results
from sertools.results.verdicts.gate import exit_code
from sertools.sweep import shared
from sertools.sweep.cells import Cell, cells_of, loaded_alone
from sertools.sweep.leases import name_of_worker
from sertools.sweep.spec import AnyModel, ModelEntry, Sweep

T = TypeVar("T")

KEPT_CLIPS = 500_000
"""Number of clips in the corpora that a worker keeps loaded; they are tables of labels."""


@dataclass(kw_only=True)
class Worker:
    """A worker with what it has loaded.

    Attributes:
        sweep: what to compute
        out: folder of the sweep
        run: the run that the worker takes part in
        number: its place among the workers, from 0; it begins at another model than the others
        of: number of workers
        cache: folder of the store; None for the user's
        done, failed, clips, seconds: what it has done so far
        waited: seconds for which models had to wait for decoded clips
    """

    sweep: Sweep
    out: Path
    run: str
    number: int = 0
    of: int = 1
    cache: Path | None = None
    done: int = 0
    failed: int = 0
    clips: int = 0
    seconds: float = 0.0
    waited: float = 0.0
    _model: tuple[ModelEntry, str, AnyModel] | None = None
    _corpora: dict[str, Corpus] = field(default_factory=dict)

    def work(self) -> None:
        """Does all cells of the sweep that no other worker has or has finished.

        It takes all cells of a model that no other worker has loaded, then those of the next one; when there
        is no such model left, it helps the others.

        Raises:
            StoreError: the folder of the sweep cannot be written
        """
        cells = cells_of(self.sweep, self.out)
        by_model = [list(of_model) for _, of_model in groupby(cells, lambda cell: cell.model)]
        for of_model in _from(by_model, self.number, self.of):
            if any(cell.is_open(self.run) for cell in of_model):
                with loaded_alone(self.out, of_model[0].model) as alone:
                    if alone:
                        self._do_all(of_model)
        self._do_all(_from(cells, self.number, self.of))
        self._report("")

    def _do_all(self, cells: Sequence[Cell]) -> None:
        """Does those of some cells that are open and that no other worker has."""
        for cell in cells:
            if cell.is_open(self.run):
                with cell.taken(self.run) as taken:
                    if taken:
                        self._do(cell)

    def _do(self, cell: Cell) -> None:
        self._report(cell.id)
        began = time.monotonic()
        with _log(cell.log) as log:
            log(f"worker {socket.gethostname()}:{os.getpid()}: {cell.id}")
            try:
                request = self._request(cell, log)
                results = request.run()
                if self.sweep.pages:
                    render(results, cell.folder)
                facts = _facts(results, request.corpus)
                state = "done"
            except SertoolsError as error:
                state, facts = "refused", {"reason": str(error)}
            except Exception as error:  # a failing cell never stops the others; the log has the traceback
                state, facts = "failed", {"reason": f"{type(error).__name__}: {error}"}
                log(traceback.format_exc())
            seconds = time.monotonic() - began
            shared.publish(cell.folder)
            log(f"{state} after {seconds:.1f} s {facts.get('reason', '')}".rstrip())
        shared.publish(cell.log)
        cell.write(state, self.run, seconds=seconds, **facts)  # type: ignore[arg-type] # one of three words
        self.done += state == "done"
        self.failed += state != "done"
        self.clips += facts.get("clips", 0)
        self.seconds += seconds

    def _request(self, cell: Cell, log: Callable[[str], None]) -> LoadedRequest:
        """The cell's audits with its model and corpus, which are kept for the next cell."""

        @contextmanager
        def progress(what: str, total: int, unit: str = "clips") -> Iterator[Callable[[int], None]]:
            log(f"{what}: {total} {unit}")
            yield lambda n: None

        corpus = self._corpus(cell)
        settings = Settings(
            seed=cell.seed,
            batch_size=cell.batch_size,
            cache=self.cache,
            label_map=cell.corpus.label_map,
            progress=progress,
            waited=self._wait,
        )
        request = AuditRequest(
            model=cell.model.request(),
            corpus=cell.corpus.request(self.sweep.data_root),
            audits=tuple(self.sweep.planned(cell.suite)),
            settings=settings,
            out=cell.folder,
            clips=0,
            command="sertools sweep",
        )
        return LoadedRequest(
            request=request, model=self._loaded(cell, corpus, settings), corpus=corpus, others={}
        )

    def _loaded(self, cell: Cell, corpus: Corpus, settings: Settings) -> AnyModel:
        """The model of a cell: the one that is loaded already, unless it was loaded for another corpus."""
        if self._model is not None:
            entry, label, model = self._model
            if entry == cell.model and (label == cell.corpus.label or not getattr(model, "of_corpus", False)):
                return model
        self._model = None  # frees the memory of the last one first
        model = cell.model.request().load(corpus, settings.label_map, settings)
        if cell.model.name:
            model = _renamed(model, cell.model.name)
        self._model = (cell.model, cell.corpus.label, model)
        return model

    def _wait(self, seconds: float) -> None:
        self.waited += seconds

    def _corpus(self, cell: Cell) -> Corpus:
        label = cell.corpus.label
        if label in self._corpora:
            return self._corpora[label]
        corpus = cell.corpus.request(self.sweep.data_root).load()
        corpus = replace(corpus, name=cell.corpus.name or corpus.name)
        # every model comes to all corpora in turn, so those that are kept stay, and the rest is read again
        if sum(len(each.clips) for each in self._corpora.values()) + len(corpus.clips) <= KEPT_CLIPS:
            self._corpora[label] = corpus
        return corpus

    def _report(self, current: str) -> None:
        """Writes one line on this worker, for `sertools sweep --status`."""
        name = name_of_worker()
        facts = {
            "worker": name,
            "current": current,
            "done": self.done,
            "failed": self.failed,
            "clips": self.clips,
            "seconds": self.seconds,
            "waited": self.waited,
        }
        path = self.out / "workers" / f"{name}.json"
        shared.write(path, json.dumps(facts) + "\n")


def _from(every: Sequence[T], number: int, of: int) -> list[T]:
    """The cells, or models, in the order of a worker: it begins at its own part, and ends at the others'."""
    begin = len(every) * number // max(1, of)
    return [*every[begin:], *every[:begin]]


def _renamed(model: AnyModel, name: str) -> AnyModel:
    model.name = name
    return model


def _facts(results: Results, corpus: Corpus) -> dict[str, Any]:
    """For the state of a finished cell: its clips, and the exit code that `sertools audit` would have."""
    return {"clips": len(corpus.clips), "exit_code": exit_code(results, strict=False, allow_empty=True)}


@contextmanager
def _log(path: Path) -> Iterator[Callable[[str], None]]:
    """Appends lines with the time to the log of a cell."""
    shared.fetch(path)  # another machine may have begun it
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:

        def log(text: str) -> None:
            file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n")
            file.flush()

        yield log
