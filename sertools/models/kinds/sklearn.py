"""A scikit-learn estimator on eGeMAPS functionals, the classical baseline for emotion: `FILE.skops`.

The features are the 88 functionals of eGeMAPSv02 (Eyben et al. 2016, "The Geneva minimalistic acoustic
parameter set", IEEE Trans. Affective Computing 7), computed by openSMILE from each clip at 16 kHz. They are
only layer, (n, 1, 88). The labels are the classes of a classifier, or are given in `FILE.json` in the same
folder (`{"labels": ["arousal", "valence"]}`) or with `--labels`. Files are read with skops, which runs no
code from them: a file with types that skops does not consider safe is refused, and the error names these
types.
"""

import contextlib
import hashlib
import importlib
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sertools.audio.opensmile import FUNCTIONALS, RATE_HZ, SHORTEST, functionals
from sertools.errors import ModelError, reason
from sertools.files import read_json
from sertools.models.checks import check_finite, names, trial
from sertools.models.load import LoadOptions
from sertools.models.loaded import LoadedSignalModel, signal_facts
from sertools.models.model import Outputs, Signal, Task
from sertools.models.task import task_of

SCHEME = "sklearn"
READS = ("labels", "model_scale")

MAX_UNPACKED_BYTES = 2 * 2**30
"""Largest size of an unpacked estimator; a random forest of a thousand trees is smaller."""

FINGERPRINT_VERSION = "sklearn-1"
"""Increased whenever a change of this kind of model changes results; part of the fingerprint."""


@dataclass(kw_only=True)
class SklearnModel(LoadedSignalModel):
    """A scikit-learn estimator that computes scores from functionals; see `Model`."""

    estimator: Any

    def predict(self, signals: Sequence[Signal], *, layers: bool = False) -> Outputs:
        """Scores of signals (samples,) at 16 kHz; the only layer is the functionals, (n, 1, 88)."""
        outputs = self.from_functionals(functionals(signals))
        return outputs if layers else replace(outputs, layers=None)

    def from_functionals(self, functionals: NDArray[np.float64]) -> Outputs:
        """Same as `predict` with layers, from the functionals of the clips, shape (n, 88)."""
        return Outputs(
            scores=self.rated(answers(self.estimator, functionals)).astype(np.float32),
            layers=functionals[:, None, :].astype(np.float32),
        )


def answers(estimator: Any, features: NDArray[np.float64]) -> NDArray[np.float64]:
    """Class probabilities or regression predictions, shape (n, c); nan for rows that contain nan.

    Args:
        estimator: fitted classifier or regressor
        features: shape (n, 88)
    """
    whole = np.asarray(np.isfinite(features).all(axis=1))
    predict = estimator.predict_proba if hasattr(estimator, "classes_") else estimator.predict
    # estimators reject the whole array if it contains nan, so such rows are set to 0 and their scores dropped
    found = np.asarray(predict(np.where(whole[:, None], features, 0.0)), dtype=np.float64)
    scores = found[:, None] if found.ndim == 1 else found
    return np.where(whole[:, None], scores, np.nan)


def load(rest: str, options: LoadOptions) -> SklearnModel:
    """Loads the estimator from a skops file.

    Raises:
        ModelError: no such file, not a skops file, types that could run code, an estimator for other
            features, or labels that do not fit
    """
    path = Path(rest).expanduser()
    estimator = _read(path)
    _check_estimator(estimator, path)
    described = _described(path.with_suffix(".json"))
    scores = answers(estimator, functionals(trial(RATE_HZ)))
    check_finite(scores, str(path))
    labels, task = _labels(estimator, options, described, scores.shape[1], path)
    last = getattr(estimator, "steps", [("", estimator)])[-1][1]
    return SklearnModel(
        name=path.stem,
        labels=labels,
        task=task,
        sampling_rate=RATE_HZ,
        shortest=SHORTEST,
        fingerprint=_fingerprint(path, labels),
        facts=signal_facts(
            "scikit-learn on eGeMAPS functionals",
            str(path),
            {
                "architecture": type(last).__name__,
                "parameters": _parameters(last),
                "head": "the estimator's own",
                "features": "eGeMAPSv02 functionals, 88, by openSMILE",
            },
            labels=labels,
            task=task,
            sampling_rate=RATE_HZ,
            further={
                "device": "cpu",
                "precision": "fp64",
                "notes": [],
                **{key: described[key] for key in ("trained_on",) if key in described},
            },
        ),
        estimator=estimator,
    )


def _check_estimator(estimator: Any, path: Path) -> None:
    """Refuses an estimator for other features, and a classifier without probabilities."""
    wanted = getattr(estimator, "n_features_in_", None)
    if wanted != FUNCTIONALS or not hasattr(estimator, "predict"):
        raise ModelError(
            f"{path} contains {type(estimator).__name__}, which is not an estimator for the {FUNCTIONALS} "
            "functionals of eGeMAPSv02" + (f" but for {wanted} features" if wanted else ""),
            hint="write a function that computes its features: --model py:FILE.py:FUNCTION",
        )
    if hasattr(estimator, "classes_") and not hasattr(estimator, "predict_proba"):
        raise ModelError(
            f"{path} contains {type(estimator).__name__}, a classifier without probabilities",
            hint="use one with predict_proba, such as LogisticRegression or CalibratedClassifierCV",
        )


def _labels(
    estimator: Any, options: LoadOptions, described: Mapping[str, Any], outputs: int, path: Path
) -> tuple[tuple[str, ...], Task]:
    """Labels and task; the labels of a regression must be dimensions."""
    classifies = hasattr(estimator, "classes_")
    own = [str(name) for name in estimator.classes_] if classifies else []
    labels = names(options.labels, described.get("labels") or own, outputs, str(path))
    if not classifies and task_of(None, labels) != "regression":
        raise ModelError(
            f"{path} is a regression model, but its labels are not dimensions: {', '.join(labels)}"
        )
    return labels, "single_label" if classifies else "regression"


def _parameters(estimator: Any) -> int | None:
    """Number of fitted parameters of a linear estimator; None for other estimators."""
    fitted = [
        np.asarray(getattr(estimator, name)) for name in ("coef_", "intercept_") if hasattr(estimator, name)
    ]
    return sum(numbers.size for numbers in fitted) or None


def _read(path: Path) -> Any:
    try:
        skops: Any = importlib.import_module("skops.io")
    except ImportError as error:
        raise ModelError(
            "loading a scikit-learn model needs skops, which is not installed", hint="pip install skops"
        ) from error
    if not path.is_file():
        raise ModelError(f"no such file: {path}", hint="name a .skops file written by skops.io.dump")
    _check_unpacked_size(path)
    try:
        unknown = skops.get_untrusted_types(file=path)
        if unknown:
            raise ModelError(
                f"{path} contains types that could run code when loaded: {', '.join(sorted(unknown))}",
                hint="only estimators from scikit-learn itself are accepted",
            )
        return skops.load(path)
    except (zipfile.BadZipFile, KeyError, json.JSONDecodeError, EOFError) as error:
        raise ModelError(
            f"{path} is not a skops file: {error}",
            hint="save the model with skops.io.dump; pickle and joblib files are never loaded",
        ) from error
    except ModelError:
        raise
    except Exception as error:  # skops raises anything for a file that it does not expect
        raise ModelError(
            f"{path} is not compatible with this version of scikit-learn: {reason(error)}"
        ) from error


def _check_unpacked_size(path: Path) -> None:
    """Refuses a file that would grow without measure when it is unpacked; other faults are found later."""
    with contextlib.suppress(zipfile.BadZipFile, OSError), zipfile.ZipFile(path) as file:
        size = sum(each.file_size for each in file.infolist())
        if size > MAX_UNPACKED_BYTES:
            raise ModelError(f"{path} unpacks to {size / 1e9:.1f} GB, too large for an estimator")


def _described(path: Path) -> dict[str, Any]:
    """The contents of the JSON file next to an estimator; empty if there is none."""
    if not path.is_file():
        return {}
    found = read_json(path, error=ModelError, what="the description of the estimator")
    labels = found.get("labels", []) if isinstance(found, dict) else None
    if not isinstance(labels, list) or not all(isinstance(name, str) for name in labels):
        raise ModelError(
            f"{path} has no valid list of labels",
            hint='write, for example, {"labels": ["arousal", "valence"]}',
        )
    return dict(found)


def _fingerprint(path: Path, labels: Sequence[str]) -> str:
    digest = hashlib.blake2b(f"{FINGERPRINT_VERSION} {labels}".encode(), digest_size=16)
    digest.update(path.read_bytes())
    return digest.hexdigest()
