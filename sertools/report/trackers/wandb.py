"""Sends results to Weights & Biases: values as a summary, model and corpus as config, the report as files.

Project, account and mode are its own settings, such as the environment variables WANDB_PROJECT and
WANDB_MODE; `offline` writes into a folder, which `wandb sync` sends later.
"""

from collections.abc import Sequence
from pathlib import Path

from sertools.errors import GateError, foreign
from sertools.report.trackers import logged
from sertools.results.result import Result


def log(results: Sequence[Result], folder: Path | None = None) -> str:
    """Sends results as one run; returns its folder on this machine.

    Args:
        results: audit results
        folder: of the results, whose files are sent along; None for no files

    Raises:
        GateError: Weights & Biases is not installed, or the run cannot be written
    """
    try:
        import wandb
    except ImportError as error:
        raise GateError("Weights & Biases is not installed", hint="pip install wandb") from error
    with foreign("Weights & Biases cannot write the run", GateError):
        run = wandb.init(
            name=logged.run_name(results),
            job_type="audit",
            config=logged.settings(results),
            settings=wandb.Settings(silent=True),
        )
        try:
            run.summary.update(logged.numbers(results))
            run.summary.update({f"verdicts/{name}": n for name, n in logged.verdicts(results).items()})
            for path in logged.pages(results, folder):
                run.save(str(path), base_path=str(path.parent), policy="now")
        finally:
            run.finish()
        return str(Path(run.dir).parent)
