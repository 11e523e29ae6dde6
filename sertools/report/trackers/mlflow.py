"""Sends results to MLflow: values as metrics, model and corpus as parameters, the report as artifacts.

Where they go is MLflow's own setting, such as the environment variables MLFLOW_TRACKING_URI and
MLFLOW_EXPERIMENT_NAME; without them into a folder or database of the working directory.
"""

from collections.abc import Sequence
from pathlib import Path

from sertools.errors import GateError, foreign
from sertools.report.trackers import logged
from sertools.results.result import Result

MOST_CHARACTERS = 500
"""Longest parameter that all stores of MLflow take."""


def log(results: Sequence[Result], folder: Path | None = None) -> str:
    """Sends results as one run; returns its id.

    Args:
        results: audit results
        folder: of the results, whose files are sent along; None for no files

    Raises:
        GateError: MLflow is not installed, or the run cannot be written
    """
    try:
        import mlflow
    except ImportError as error:
        raise GateError(
            "MLflow is not installed", hint="pip install mlflow, or mlflow-skinny for a server"
        ) from error
    settings = {name: text[:MOST_CHARACTERS] for name, text in logged.settings(results).items()}
    with foreign("MLflow cannot write the run", GateError):
        with mlflow.start_run(run_name=logged.run_name(results)) as run:
            mlflow.log_params(settings)
            mlflow.log_metrics(logged.numbers(results))
            mlflow.set_tags({f"verdict.{name}": n for name, n in logged.verdicts(results).items()})
            for path in logged.pages(results, folder):
                mlflow.log_artifact(str(path))
        return str(run.info.run_id)
