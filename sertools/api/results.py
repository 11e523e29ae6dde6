"""Read, report, judge, compare and rank results from Python; models and audits are not run again."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sertools import files
from sertools.comparison import write
from sertools.comparison.common_clips import against_baseline
from sertools.comparison.compare import compare as compare_runs
from sertools.comparison.leaderboards import leaderboard as rankings
from sertools.comparison.leaderboards.files import read_entries, write_leaderboard
from sertools.comparison.leaderboards.leaderboard import Group
from sertools.comparison.leaderboards.published import published
from sertools.comparison.runs import are_usable_names, listed
from sertools.errors import GateError
from sertools.report import render as reports
from sertools.report.formats import ci, model_card
from sertools.report.trackers import logged
from sertools.results.collection import Results, joined
from sertools.results.read import read_result
from sertools.results.read import read_results as read_folder
from sertools.results.result import Result, Verdict
from sertools.results.verdicts import gate as gates
from sertools.results.verdicts.gate import Mode
from sertools.results.verdicts.limits import Override, read_gate

ResultSource = str | Path | Result | Iterable[Result]
"""Results, or a folder or file with results."""


def read_results(*places: str | Path) -> Results:
    """Read the results of earlier audits.

    Args:
        places: `out` folders of audits, or single result files

    Returns:
        The results, folder by folder, sorted by audit within a folder.

    Raises:
        GateError: no such folder, no results in it, or a file that is not a result of this version

    Example:
        ```python
        results = sertools.read_results("report")
        [finding.value for result in results for finding in result.findings if finding.name == "ccc"]
        ```
    """
    return joined(
        [read_result(place)] if place.is_file() else read_folder(place) for place in map(Path, places)
    )


def render(
    results: ResultSource,
    folder: str | Path,
    *,
    formats: Sequence[reports.Format] = reports.USUAL,
    recordings: str | Path | None = None,
    spreadsheet_safe: bool = False,
) -> list[Path]:
    """Write a report.

    Args:
        results: results, or a folder with results
        folder: folder to write to
        formats: `html` (one file), `md`, `json`, `csv`, `parquet` (all tables), `latex` (findings for papers)
        recordings: folder of the recordings that the results name; by default `sounds` in the folder of the
            results, or in `folder` if the results come from memory
        spreadsheet_safe: put `'` before texts in CSV that a spreadsheet would run as formulas

    Returns:
        The files written.

    Raises:
        GateError: there are no results, a recording cannot be read, or the folder cannot be written

    Example:
        ```python
        sertools.render("report", "paper", formats=["latex", "csv"])
        ```
    """
    if recordings is None and isinstance(results, str | Path) and Path(results).is_dir():
        recordings = Path(results) / "sounds"
    return reports.render(
        results_of(results),
        Path(folder),
        recordings=None if recordings is None else Path(recordings),
        formats=formats,
        spreadsheet_safe=spreadsheet_safe,
    )


def write_model_card(results: ResultSource, place: str | Path) -> Path:
    """Write findings and limitations into a Hugging Face model card; all else in the card is kept.

    Args:
        results: results of one model, or a folder with them
        place: a file whose name ends in .md, or a folder with a `README.md`

    Returns:
        The file.

    Raises:
        GateError: results of several models, or a file that is not a valid model card
        StoreError: the file cannot be written

    Example:
        ```python
        sertools.write_model_card("report", "my-checkpoint")
        ```
    """
    return model_card.write_card(results_of(results), Path(place))


def log_results(results: ResultSource, tracker: str) -> str:
    """Send values, settings and the report to a tracker of experiments, as one run.

    Args:
        results: results, or a folder with results, whose report is sent along
        tracker: `mlflow` or `wandb`, which must be installed; where results go, and whether offline, is the
            tracker's own setting, such as MLFLOW_TRACKING_URI or WANDB_MODE

    Returns:
        The id of the run (MLflow), or its folder on this machine (Weights & Biases).

    Raises:
        GateError: there is no such tracker, it is not installed, or the run cannot be written

    Example:
        ```python
        sertools.log_results("report", "mlflow")
        ```
    """
    folder = Path(results) if isinstance(results, str | Path) and Path(results).is_dir() else None
    sent: str = logged.tracker(tracker).log(results_of(results), folder)
    return sent


@dataclass(frozen=True, kw_only=True)
class GateOutcome:
    """Judged results, and the exit code that they give.

    Attributes:
        results: the results with their verdicts
        exit_code: 0 nothing failed, 1 a limit failed, 2 nothing was measured, 3 a finding was skipped or
            inconclusive (if strict)
        strict: whether findings without a verdict count
    """

    results: Results
    exit_code: int
    strict: bool = False

    @property
    def passed(self) -> bool:
        """Whether the exit code is 0."""
        return self.exit_code == gates.PASSED

    @property
    def verdicts(self) -> dict[str, int]:
        """Verdict → number of findings; findings without a limit count as `none`."""
        return {verdict.value: n for verdict, n in gates.verdicts(self.results).items()}

    @property
    def failed(self) -> pd.DataFrame:
        """The findings that failed, as rows of `results.to_pandas()`."""
        table = self.results.to_pandas()
        return table[table["verdict"] == Verdict.FAIL.value]

    def write_junit(self, path: str | Path) -> None:
        """Write JUnit XML, with one test case for each limit.

        Raises:
            StoreError: the file cannot be written
        """
        files.write_text(Path(path), ci.junit(self.results, strict=self.strict))

    def annotations(self) -> list[str]:
        """Lines that GitHub Actions shows as annotations."""
        return ci.annotations(self.results)

    def step_summary(self) -> str:
        """Markdown for the step summary of GitHub Actions."""
        return ci.step_summary(self.results)


def gate(
    results: ResultSource,
    *,
    limits: str | Path | Sequence[Override] = (),
    baseline: ResultSource | None = None,
    tolerance: float = 0.02,
    mode: Mode = "interval",
    strict: bool = False,
) -> GateOutcome:
    """Judge results by limits, and decide whether a release may go out.

    Args:
        results: results, or a folder with results
        limits: your own limits, each with a reason: a TOML file, or a list; they replace the audits' own
        baseline: results of an earlier model on the same corpus; a metric that got worse fails
        tolerance: allowed drop against the baseline, above 0, in the unit of the metric
        mode: `interval` judges the 95 % interval, `point` the value alone
        strict: whether a skipped or inconclusive finding gives the exit code 3

    Returns:
        The judged results with the exit code of `sertools gate`.

    Raises:
        GateError: results or limits cannot be read, or a limit matches no finding

    Example:
        ```python
        outcome = sertools.gate("report", limits="gate.toml")
        print(outcome.exit_code, outcome.failed)
        ```
    """
    found: Sequence[Result] = results_of(results)
    rules = read_gate(Path(limits)) if isinstance(limits, str | Path) else list(limits)
    source = str(limits) if isinstance(limits, str | Path) else "limits"
    if baseline is not None:
        place = str(baseline) if isinstance(baseline, str | Path) else "baseline"
        found = against_baseline(results_of(found), results_of(baseline), tolerance=tolerance, source=place)
    judged = Results(gates.gate(found, rules, source=source, mode=mode))
    return GateOutcome(results=judged, exit_code=gates.exit_code(judged, strict=strict), strict=strict)


def compare(*runs: ResultSource, references: Sequence[str] = (), out: str | Path | None = None) -> Result:
    """Compare audited models with the first one.

    Args:
        runs: results of one model each, or folders with results; all are compared with the first
        references: published models, such as `w2v2-L-robust`, that have values on the same corpus
        out: folder to write the comparison to, which must not hold results of audits; None to write nothing

    Returns:
        A result whose findings are differences, paired by speaker where that is possible.

    Raises:
        GateError: fewer than two models, results that cannot be compared, or a model without published values
        StoreError: `out` cannot be written

    Example:
        ```python
        comparison = sertools.compare("report", "report-of-another", out="comparison")
        print(comparison.answer)
        ```
    """
    places = [Path(run) for run in runs if isinstance(run, str | Path)]
    named: list[tuple[str, Sequence[Result]]] = (
        list(write.read_runs(places)) if len(places) == len(runs) else list(_named(runs))
    )
    measured = [results for _, results in named]
    named += [published(model, measured) for model in dict.fromkeys(references)]
    comparison = compare_runs(named)
    if out is not None:
        write.write_comparison(comparison, Path(out))
    return comparison


@dataclass(frozen=True, kw_only=True)
class Leaderboard:
    """Rankings of models.

    Attributes:
        groups: one ranking for each corpus and kind of labels
        notes: files that were left out, and why
    """

    groups: tuple[Group, ...]
    notes: tuple[str, ...]

    def to_pandas(self) -> pd.DataFrame:
        """All rankings, a row for each model.

        Columns: `corpus`, `labels`, `order_by` (the measure that decides the order), `place`, `place_to` (the
        last place that the model may have), `model`, `score` (on that measure), and `reason`, why it has no
        place. Missing places are `pandas.NA`.
        """
        columns = ["corpus", "labels", "order_by", "place", "place_to", "model", "score", "reason"]
        rows = [
            [
                *(group.corpus, group.labels, group.order_by, each.place),
                *(each.places.worst if each.places else None, each.entry.model, each.score, each.reason),
            ]
            for group in self.groups
            for each in group.standings
        ]
        types = {"place": "Int64", "place_to": "Int64", "score": "Float64"}
        return pd.DataFrame(rows, columns=columns).astype(types)

    def _repr_html_(self) -> str:
        """The rankings, for notebooks."""
        return self.to_pandas().to_html(index=False)


def leaderboard(folder: str | Path, out: str | Path | None = None) -> Leaderboard:
    """Rank models on the measures that they share.

    Args:
        folder: folder that contains `out` folders of audits, or is one
        out: folder to write a static site with a JSON feed to; None to write nothing

    Returns:
        The rankings.

    Raises:
        GateError: the folder does not exist or holds no result
        StoreError: the site cannot be written

    Example:
        ```python
        sertools.leaderboard(".", "site").to_pandas()[["corpus", "labels", "place", "model"]]
        ```
    """
    if out is not None:
        write_leaderboard(Path(folder), Path(out))
    found = read_entries(Path(folder), without=Path(out) if out is not None else None)
    return Leaderboard(groups=tuple(rankings.board(found.entries)), notes=tuple(found.notes))


def results_of(source: ResultSource) -> Results:
    """The results themselves, read if `source` only names their folder or file.

    Raises:
        GateError: the results cannot be read
    """
    if isinstance(source, str | Path):
        return read_results(source)
    if isinstance(source, Results):
        return source
    return Results([source] if isinstance(source, Result) else list(source))


def _named(runs: Sequence[ResultSource]) -> list[tuple[str, list[Result]]]:
    """Name and results of each run, named by the model if that is unique, otherwise by number.

    Raises:
        GateError: a run has no results
    """
    results = [list(results_of(run)) for run in runs]
    if not all(results):
        raise GateError("a run has no results", hint="pass what audit or read_results returned")
    models = [listed(list(dict.fromkeys(str(r.model.get("name", "")) for r in each))) for each in results]
    names = models if are_usable_names(models) else [f"run {i + 1}" for i in range(len(runs))]
    return list(zip(names, results, strict=True))
