"""Classifiers run by SpeechBrain itself: `speechbrain:DIR`, or `speechbrain:owner/name` of the hub.

hyperparams.yaml names the Python objects to build, and custom_interface.py may hold code, so this kind needs
`--trust-remote-code`. The classifier is asked clip by clip through `classify_batch`; its scores must be
probabilities or their logarithms, or `--activation softmax` says what makes probabilities of them. The
classifiers on wav2vec2 that sertools reads as data (`--model owner/name`) need neither SpeechBrain nor trust.
"""

import ast
import contextlib
import hashlib
import importlib.util
import re
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sertools.errors import ModelError, foreign
from sertools.models.checkpoints.hub.card import licence
from sertools.models.checkpoints.hub.files import commit_of, local_or_downloaded, name_and_source
from sertools.models.checkpoints.hub.own_code import own_code
from sertools.models.checks import check_finite, names, trial
from sertools.models.device import find_device
from sertools.models.load import LoadOptions
from sertools.models.loaded import LoadedSignalModel, signal_facts
from sertools.models.model import Outputs, Signal

if TYPE_CHECKING:
    import torch

SCHEME = "speechbrain"
READS = ("labels", "activation", "device")

HYPERPARAMS, INTERFACE = "hyperparams.yaml", "custom_interface.py"

OWN_PATH = re.compile(r"^pretrained_path:", re.MULTILINE)
"""The line of the settings that says where the weights are, as an id of the hub."""

FILES = ("*.yaml", "*.ckpt", "*.txt", "*.py", "*.json", "README.md")
"""Files that are downloaded for a classifier of the hub."""

FINGERPRINT_VERSION = "speechbrain-2"
"""Increased whenever a change of this kind of model changes results; part of the fingerprint."""

TOLERANCE = 1e-3
"""How far the sum of probabilities may be from 1."""

NORMALISED = "SpeechBrain itself computes the scores; sertools does not know what it does with the signal."


@dataclass(kw_only=True)
class SpeechBrainModel(LoadedSignalModel):
    """A classifier of SpeechBrain; see `Model`.

    Attributes:
        classifier: of SpeechBrain, with `classify_batch`
        activation: `softmax`, or `none` for scores that are probabilities or their logarithms
        device: of the classifier
    """

    classifier: Any
    activation: str
    device: "torch.device"

    def predict(self, signals: Sequence[Signal], *, layers: bool = False) -> Outputs:
        """Scores of signals (samples,), clip by clip; no layers."""
        rows = [self._of_clip(signal) for signal in signals]
        return Outputs(scores=np.stack(rows).astype(np.float32))

    def _of_clip(self, signal: Signal) -> NDArray[np.float64]:
        """Probabilities of one clip, shape (c,).

        Raises:
            ModelError: the scores are neither probabilities nor their logarithms
        """
        import torch

        wave = torch.from_numpy(np.ascontiguousarray(signal)).to(self.device)[None]
        with (
            torch.random.fork_rng(),
            torch.inference_mode(),
            contextlib.redirect_stdout(sys.stderr),
            warnings.catch_warnings(),
        ):
            torch.manual_seed(0)  # the pooling of x-vectors adds noise, which would differ from run to run
            warnings.simplefilter("ignore")
            given = self.classifier.classify_batch(wave)[0]
        scores = given.reshape(-1).float().cpu().numpy().astype(np.float64)
        if self.activation == "softmax":
            shifted = np.exp(scores - scores.max())
            return np.asarray(shifted / shifted.sum())
        return _probabilities(scores, self.name)


def _probabilities(scores: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    """Probabilities, or what makes them of their logarithms, shape (c,).

    >>> _probabilities(np.log([0.25, 0.75]), "mine").round(6).tolist()
    [0.25, 0.75]
    """
    if (scores >= 0).all() and abs(scores.sum() - 1) <= TOLERANCE:
        return scores
    if (scores <= 0).all() and abs(np.exp(scores).sum() - 1) <= TOLERANCE:
        return np.asarray(np.exp(scores))
    raise ModelError(
        f"{name} returns scores that are neither probabilities nor their logarithms",
        hint="say what makes probabilities of them: --activation softmax",
    )


def load(rest: str, options: LoadOptions) -> SpeechBrainModel:
    """The classifier in a directory, or `owner/name` of the hub.

    Raises:
        ModelError: its code is not trusted, SpeechBrain is not installed, or the classifier cannot be built
    """
    if not options.trust_remote_code:
        raise ModelError(
            f"speechbrain:{rest} builds whatever its {HYPERPARAMS} names, so that its code could run",
            hint="if you trust it: --trust-remote-code",
        )
    if importlib.util.find_spec("speechbrain") is None:
        raise ModelError(
            f"speechbrain:{rest} needs SpeechBrain, which is not installed", hint="pip install speechbrain"
        )
    device = find_device(options.device)
    folder = local_or_downloaded(rest, FILES)
    if not (folder / HYPERPARAMS).is_file():
        raise ModelError(f"{folder} has no {HYPERPARAMS}", hint="name a directory of SpeechBrain")
    name, source = name_and_source(rest, folder)
    classifier = _built(folder, device)
    labels = names(options.labels, _labels(classifier), _count(classifier, device), str(folder))
    rate = int(getattr(classifier.hparams, "sample_rate", 16000))
    code = own_code(folder)
    model = SpeechBrainModel(
        name=name,
        labels=labels,
        task="single_label",
        sampling_rate=rate,
        shortest=rate // 10,
        fingerprint=_fingerprint(folder, labels, options.activation),
        files=tuple(path.name for path in _deciding(folder)),
        facts=signal_facts(
            "classifier of SpeechBrain",
            source,
            {"architecture": type(classifier).__name__, "licence": licence(folder), "head": "SpeechBrain's"},
            labels=labels,
            task="single_label",
            sampling_rate=rate,
            further={
                "features": "SpeechBrain's",
                "revision": commit_of(folder) or None,
                "device": str(device),
                "notes": [NORMALISED, *([f"Code of the checkpoint was run: {code}."] if code else [])],
            },
        ),
        classifier=classifier,
        activation=options.activation or "none",
        device=device,
    )
    check_finite(model.predict(trial(rate)[:1]).scores, str(folder))
    return model


def _built(folder: Path, device: "torch.device") -> Any:
    """The classifier that SpeechBrain builds, by the class of custom_interface.py if there is one.

    Raises:
        ModelError: SpeechBrain cannot build it, or it is no classifier of clips
    """
    from speechbrain.inference.classifiers import EncoderClassifier
    from speechbrain.inference.interfaces import foreign_class

    how: dict[str, Any] = {"source": str(folder), "run_opts": {"device": str(device)}}
    if OWN_PATH.search((folder / HYPERPARAMS).read_text(encoding="utf-8", errors="replace")):
        # SpeechBrain would download the weights again, and those of the newest revision
        how["overrides"] = {"pretrained_path": str(folder)}
    with (
        foreign(f"SpeechBrain cannot build the classifier in {folder}", ModelError),
        contextlib.redirect_stdout(sys.stderr),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        own = folder / INTERFACE
        if own.is_file():
            built = foreign_class(pymodule_file=INTERFACE, classname=_class_in(own), **how)
        else:
            built = EncoderClassifier.from_hparams(**how)
    if not callable(getattr(built, "classify_batch", None)):
        raise ModelError(f"{folder} holds a {type(built).__name__}, which has no answer for a whole clip")
    built.eval()
    return built


def _class_in(path: Path) -> str:
    """Name of the first class in a Python file, found without running it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = next((each.name for each in tree.body if isinstance(each, ast.ClassDef)), "")
    if not found:
        raise ModelError(f"{path} defines no class")
    return found


def _labels(classifier: Any) -> list[str]:
    """The labels in the order of the outputs; empty if the classifier has no encoder of labels."""
    known: Any = getattr(getattr(classifier.hparams, "label_encoder", None), "ind2lab", {})
    return [str(known[i]) for i in range(len(known))] if set(known) == set(range(len(known))) else []


def _count(classifier: Any, device: "torch.device") -> int:
    """Number of scores for a clip of noise."""
    import torch

    wave = torch.from_numpy(trial(16000)[0]).to(device)[None]
    with torch.inference_mode(), contextlib.redirect_stdout(sys.stderr), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return int(classifier.classify_batch(wave)[0].numel())


def _deciding(folder: Path) -> list[Path]:
    """The files that decide predictions."""
    return sorted(path for pattern in ("*.yaml", "*.ckpt", "*.txt", "*.py") for path in folder.glob(pattern))


def _fingerprint(folder: Path, labels: Sequence[str], activation: str) -> str:
    digest = hashlib.blake2b(f"{FINGERPRINT_VERSION} {labels} {activation}".encode(), digest_size=16)
    for path in _deciding(folder):
        digest.update(path.name.encode())
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "blake2b").digest())
    return digest.hexdigest()
