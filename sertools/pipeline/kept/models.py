"""Stores the facts about a checkpoint, so that it is loaded only if something is computed.

To audit a model again from kept predictions needs its names, facts and fingerprints, but neither its weights
nor torch. These are kept under a fingerprint of all files of the checkpoint that decide its predictions, of
the options, of the code of models, of the versions of libraries, and of the machine.
"""

import hashlib
import importlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sertools import files
from sertools import models as package
from sertools.corpora.seen.record import beside
from sertools.errors import SertoolsError
from sertools.models.checkpoints.hub.files import folder_of
from sertools.models.checkpoints.weights.deciding import content_digest, deciding_files
from sertools.models.derived.random_twin import untrained
from sertools.models.device import in_precision, stamped
from sertools.models.kinds.transformers import FINGERPRINT_VERSION, SCHEME, TransformersModel
from sertools.models.load import LoadOptions, load_model, scheme_and_rest
from sertools.models.loaded import LoadedSignalModel
from sertools.models.model import ClipModel, Frames, Model, Outputs, Signal
from sertools.pipeline.kept.results import of_files, versions
from sertools.store.cache import RESULTS
from sertools.store.machine import machine

STATED = (
    *("name", "labels", "task", "fingerprint", "facts", "ranges", "files", "keys_read", "compared_with"),
    *("sampling_rate", "shortest", "longest", "content", "needs_precision", "parts"),
    *("has_frames", "packs_clips"),
)
"""Fields of a model that are kept."""

SETTLED_NS = 2_000_000_000
"""A file that was last changed so long ago has another time of change if it changes again; in ns."""


@dataclass(kw_only=True)
class UnloadedModel(LoadedSignalModel):
    """A transformers checkpoint with known facts, whose weights are loaded when needed.

    Attributes:
        open: loads the model, once
        twins: file in which the facts of the random twin of a seed are kept
        content, longest, needs_precision, parts, has_frames, packs_clips: as of the loaded model
    """

    open: Callable[[], TransformersModel]
    twins: Callable[[int], Path]
    content: str
    longest: int | None
    needs_precision: bool
    parts: tuple[str, ...]
    has_frames: bool
    packs_clips: bool

    def get_ready(self) -> None:
        """Loads the weights."""
        self.open()

    def predict(self, signals: Sequence[Signal], *, layers: bool = False) -> Outputs:
        """Scores of signals (samples,) at `sampling_rate`; see `Model`."""
        return self.open().predict(signals, layers=layers)

    def predict_frames(self, signals: Sequence[Signal]) -> tuple[Outputs, list[Frames]]:
        """Scores, layer means and frames; see `Framed`."""
        return self.open().predict_frames(signals)

    def logits(self, signal: Any) -> Any:
        """Logits (c,) of a tensor with a signal (samples,), through which gradients flow back to it."""
        return self.open().logits(signal)

    def hidden(self, signals: Sequence[Signal]) -> NDArray[np.float32]:
        """The input of the head's last layer for each signal, shape (n, d)."""
        return self.open().hidden(signals)

    def with_precision(self, precision: str, **facts: Any) -> "UnloadedModel":
        """This model in `fp32` or `bf16`, see `TransformersModel.with_precision`."""
        chosen = in_precision(self.content, self.facts, precision, facts)
        return replace(
            self,
            needs_precision=False,
            fingerprint=chosen.fingerprint,
            facts=chosen.facts,
            open=cache(lambda: self.open().with_precision(precision, **facts)),
        )

    def random_twin(self, seed: int) -> "UnloadedModel | TransformersModel":
        """An untrained model with the same configuration, see `TransformersModel.random_twin`."""
        path = self.twins(seed)
        known = _read(path)
        if known is None:
            twin = self.open().random_twin(seed)
            _keep(path, twin)
            return twin
        content = str(known["content"])
        return untrained(
            self,
            seed,
            content=content,
            fingerprint=stamped(content, str(self.facts["precision"]), str(self.facts["device"])),
            packs_clips=bool(known["packs_clips"]),
            parts=tuple(known["parts"]),
            open=cache(lambda: self.open().random_twin(seed)),
        )


def with_weights(model: Model) -> Model:
    """The model itself, with its weights; one that is not kept is returned as it is."""
    return model.open() if isinstance(model, UnloadedModel) else model


def loaded(spec: str | Callable[..., Any], options: LoadOptions, root: Path | None) -> Model | ClipModel:
    """The model that `load_model` loads; where it is a known checkpoint, its weights only once it computes.

    Args:
        spec: as for `load_model`
        options: as for `load_model`
        root: root folder of the store; None to load the model at once

    Raises:
        ModelError: see `load_model`
    """
    place = _place(spec, options, root) if root else None
    if place is None:
        return load_model(spec, options)
    known = _read(place)
    if known is not None:
        return _unloaded(known, str(spec), options, place)
    model = load_model(spec, options)
    if type(model) is not TransformersModel:
        return model
    _keep(place, model)
    known = _read(place)
    # as in a later run, so that what is asked of it, such as its random twin, is kept from the first one on
    return model if known is None else _unloaded(known, str(spec), options, place, model)


def _unloaded(
    known: Mapping[str, Any],
    spec: str,
    options: LoadOptions,
    place: Path,
    there: TransformersModel | None = None,
) -> UnloadedModel:
    """The model that these facts describe, and which may be loaded already."""

    @cache
    def opened() -> TransformersModel:
        model = there or load_model(spec, options)
        assert isinstance(model, TransformersModel), "only models of this kind are kept"
        return model

    named = {name: tuple(known[name]) for name in ("labels", "files", "parts")}
    ranges = tuple(None if ends is None else (ends[0], ends[1]) for ends in known["ranges"])
    fields = {**known, **named, "ranges": ranges}
    folder, _ = folder_of(scheme_and_rest(spec)[1], trust_remote_code=False)
    return UnloadedModel(
        **fields,
        training=beside(folder),
        open=opened,
        twins=lambda seed: place.with_name(f"{place.stem}-twin-{seed}.json"),
    )


def _place(spec: str | Callable[..., Any], options: LoadOptions, root: Path) -> Path | None:
    """The file of what is kept of a model; None for one of which nothing is kept, or that does not load."""
    if not isinstance(spec, str) or options.trust_remote_code or options.window is not None:
        return None
    try:
        scheme, rest = scheme_and_rest(spec)
        if scheme != SCHEME:
            return None
        folder, source = folder_of(rest, trust_remote_code=False)
        content = _content(folder, options, root / RESULTS)
    except (SertoolsError, OSError):
        return None  # loading it says why
    of_corpus: dict[str, Any] = {
        "known": (),
        "emotions": (),
        "label_map": {},
    }  # which checkpoints do not read
    decides = [
        *(spec, source, str(folder.resolve()), content),
        *(asdict(replace(options, **of_corpus)), versions(), machine()),
        of_files([Path(package.__path__[0]), Path(files.__file__)]),
        *(path.read_text("utf-8", "replace") for path in [folder / "README.md"] if path.is_file()),
    ]
    key = hashlib.blake2b(repr(decides).encode(), digest_size=20).hexdigest()
    return root / RESULTS / f"model-{key}.json"


def _content(folder: Path, options: LoadOptions, kept: Path) -> str:
    """The digest of what decides a checkpoint's predictions, kept for files that have not changed since.

    A file that was written within the last seconds could change once more without a new time of change, so
    that its digest is not kept.

    Raises:
        SertoolsError, OSError: the files cannot be found or read
    """
    states = {str(path): files.state_of(path) for path in deciding_files(folder)}
    told = (FINGERPRINT_VERSION, sorted(options.head.items()), options.labels, states)
    place = kept / f"digest-{hashlib.blake2b(repr(told).encode(), digest_size=20).hexdigest()}.txt"
    content = files.read_sealed(place)
    if content is None:
        with ThreadPoolExecutor(1) as pool:
            given = (folder, FINGERPRINT_VERSION, options.head, options.labels)
            hashed = pool.submit(content_digest, *given)
            _import_meanwhile()
            content = hashed.result()
        if time.time_ns() - max(state[2] for state in states.values()) > SETTLED_NS:
            files.write_sealed(place, content)
    return content


def _import_meanwhile() -> None:
    """Imports what a checkpoint that is not known yet will need to be loaded, which takes a second."""
    importlib.import_module("safetensors.torch")  # and torch


def _read(path: Path) -> dict[str, Any] | None:
    """What is kept in a file; None if there is nothing, or if a single bit of it has changed."""
    text = files.read_sealed(path)
    known: dict[str, Any] | None = json.loads(text) if text else None
    return known


def _keep(path: Path, model: TransformersModel) -> None:
    """Keeps what is known of a model, unless a fact of it would not be the same after reading it."""
    stated = {name: getattr(model, name) for name in STATED}
    facts = dict(model.facts)
    if json.loads(json.dumps(facts)) == facts:
        files.write_sealed(path, json.dumps({**stated, "facts": facts}))
