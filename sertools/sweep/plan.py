"""Estimates the cost of a sweep before it starts: clips, hours, hours on a GPU, and disk."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sertools.corpora.corpus import Corpus
from sertools.errors import SertoolsError
from sertools.inference.settings import Settings
from sertools.pipeline.forecast.forecast import forecast
from sertools.sweep.cells import Cell
from sertools.sweep.spec import Sweep
from sertools.wording import plural

MOST_MODELS = 8
"""Number of models that are timed; those after them are taken to cost the mean of these."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """The cost of the cells of a sweep that are not done.

    Attributes:
        clips: clips to predict, each condition of the audio counted
        hours: hours of one worker
        gpu_hours: those of them on a GPU
        megabytes: disk space of the store
        timed: number of cells that were timed
        cells: number of cells that are not done
        refused: cells that cannot be run, each with the reason
    """

    clips: float
    hours: float
    gpu_hours: float
    megabytes: float
    timed: int
    cells: int
    refused: Sequence[str] = ()

    @property
    def sentence(self) -> str:
        """The estimate in one sentence."""
        if not self.cells:
            return "All cells are done."
        if not self.timed:
            return "No cell could be timed."
        return (
            f"{plural(self.cells, 'cell')} to do: about {self.clips:.3g} clips to predict, "
            f"{_time(self.hours)} of one worker ({_time(self.gpu_hours)} of them on a GPU) and "
            f"{self.megabytes:.3g} MB of disk, from {plural(self.timed, 'timed cell')} scaled by clips."
        )


def _time(hours: float) -> str:
    """Hours, or minutes below one hour.

    >>> _time(2.34), _time(0.5), _time(0.0)
    ('2.3 hours', '30 minutes', '0 minutes')
    """
    return f"{hours:.2g} hours" if hours >= 1 else f"{60 * hours:.2g} minutes"


def estimate(
    sweep: Sweep, every: Sequence[Cell], corpora: Mapping[str, Corpus], settings: Settings
) -> Estimate:
    """Times each model on the smallest corpus that it can be audited on, and scales that by clips.

    Args:
        sweep: what is to be computed
        every: all cells
        corpora: label → corpus
        settings: where the store is, whose content counts as computed
    """
    todo = [cell for cell in every if cell.read().get("state") != "done"]
    by_model: dict[tuple[str, str], list[Cell]] = {}
    for cell in todo:
        by_model.setdefault((cell.model.label, cell.suite), []).append(cell)
    sums, refused, timed, counted = [0.0] * 4, [], 0, 0
    suites = len({cell.suite for cell in todo})
    for cells in list(by_model.values())[: MOST_MODELS * max(1, suites)]:
        ordered = sorted(cells, key=lambda cell: len(corpora[cell.corpus.label].clips))
        for cell in ordered:
            try:
                costs = _costs(sweep, cell, corpora[cell.corpus.label], settings)
            except SertoolsError as error:
                refused.append(f"{cell.model.label} on {cell.corpus.label}, {cell.suite}: {error.message}")
                continue
            scale = sum(len(corpora[c.corpus.label].clips) for c in cells) / len(
                corpora[cell.corpus.label].clips
            )
            sums = [total + each * scale for total, each in zip(sums, costs, strict=True)]
            timed, counted = timed + 1, counted + len(cells)
            break
    more = len(todo) / counted if counted else 0.0
    clips, hours, gpu_hours, megabytes = (total * more for total in sums)
    return Estimate(
        clips=clips, hours=hours, gpu_hours=gpu_hours, megabytes=megabytes,
        timed=timed, cells=len(todo), refused=refused,
    )  # fmt: skip


def _costs(sweep: Sweep, cell: Cell, corpus: Corpus, settings: Settings) -> tuple[float, float, float, float]:
    """Clips, hours, hours on a GPU and megabytes of one cell."""
    model = cell.model.request().load(corpus, cell.corpus.label_map)
    costs, model = forecast(model, corpus, sweep.planned(cell.suite), settings=settings)
    hours = sum(cost.minutes for cost in costs) / 60
    on_gpu = str(model.facts.get("device", "cpu")).startswith(("cuda", "mps"))
    clips = sum(cost.todo for cost in costs if cost.kind == "condition")
    return clips, hours, hours if on_gpu else 0.0, sum(cost.megabytes for cost in costs)
