"""Files for the folder `.eval_results` of a model on the Hugging Face hub.

A score there belongs to a task of a dataset on the hub, so each corpus needs its dataset, `--dataset
CORPUS=OWNER/NAME`. The task is named after measure and target, as in `ccc_arousal`; the `eval.yaml` of the
dataset must list it. Format: https://huggingface.co/docs/hub/eval-results.
"""

import re
from collections.abc import Mapping, Sequence

import yaml

from sertools.comparison.leaderboards.exports import Named, Score, scores
from sertools.comparison.leaderboards.leaderboard import Entry
from sertools.errors import GateError
from sertools.results.result import Result
from sertools.wording import plural

DESCRIPTION = "files for the folder .eval_results of a model on the Hugging Face hub; needs --dataset"

DATASET = re.compile(r"[\w.-]+/[\w.-]+")


def check(named: Named) -> None:
    """Checks that datasets are given.

    Raises:
        GateError: there is none, or one is not an id of the hub
    """
    if not named.datasets:
        raise GateError(
            "--export eval-results needs the dataset of each corpus on the Hugging Face hub",
            hint="--dataset CORPUS=OWNER/NAME",
        )
    for corpus, dataset in named.datasets.items():
        if not DATASET.fullmatch(dataset):
            raise GateError(f"--dataset {corpus}={dataset}: a dataset of the hub is named OWNER/NAME")


def files_of(model: str, entries: Sequence[Entry], named: Named) -> dict[str, str]:
    """The file of one model with its scores on all corpora that have a dataset; none without a score."""
    rows = [
        _row(score, entry.run.results[score.audit], named.datasets[entry.corpus])
        for entry in entries
        if entry.corpus in named.datasets
        for score in scores(entry)
        if score.audit == "correctness"
    ]
    folder = re.sub(r"[^A-Za-z0-9._-]+", "--", model).strip(".") or "model"
    text = yaml.safe_dump(rows, sort_keys=False, allow_unicode=True, width=1000)
    return {f"{folder}/.eval_results/sertools.yaml": text} if rows else {}


def _row(score: Score, result: Result, dataset: str) -> Mapping[str, object]:
    finding = score.finding
    interval = "" if finding.low is None else f", 95 % interval {finding.low!r} to {finding.high!r}"
    speakers = "" if finding.speakers is None else f", {plural(finding.speakers, 'speaker')}"
    date = str(result.provenance.get("date", ""))[:10]
    return {
        "dataset": {"id": dataset, "task_id": f"{finding.name}_{finding.target}"},
        "value": finding.value,
        **({"date": date} if re.fullmatch(r"\d{4}-\d\d-\d\d", date) else {}),
        "notes": f"sertools {score.audit}, {plural(finding.n, 'clip')}{speakers}{interval}",
    }
