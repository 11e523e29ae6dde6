"""A head on the layers of another, frozen model: a directory with head.json and model.safetensors.

Such directories are written by trainings on kept features (methods `head` and `emo-superb`). head.json names
the model whose layers are read, by the text that --model takes and by its fingerprint, which is checked. Only
kinds of models that run no code of others can be named there.

- `weighted-sum`: a weighted sum of the means of all layers, a linear projection, a linear layer
- `frames`: the mean of the top layers for each frame, a linear layer with ReLU, the mean over frames, a
  linear layer
- `utterance`: the same for one vector for each clip, the mean of the outputs of emotion2vec's utterance
  tokens; `both`: the same for frames of the last layer with that vector beside each
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sertools.errors import ModelError
from sertools.files import read_json
from sertools.models.checkpoints.inputs import first_of, inputs_of
from sertools.models.checkpoints.weights.tensors import tensors_in
from sertools.models.derived.prepared import Preparation, prepared
from sertools.models.frames.tokens import read
from sertools.models.kinds.transformers import TransformersModel
from sertools.models.load import LoadOptions, load_model
from sertools.models.loaded import LoadedSignalModel, signal_facts
from sertools.models.model import Frames, Outputs, Signal, Task
from sertools.models.task import activated

if TYPE_CHECKING:
    import torch

SCHEME = "head"
READS = ("device",)
MARK = "head.json"
"""File by which a directory is recognised as one of this kind."""

WEIGHTS = "model.safetensors"
UPSTREAM = "upstream"
"""Folder of the model whose layers are read, if it is kept in the same directory."""

UPSTREAMS = ("fbank", "hf", "cnn14", "emotion2vec")
"""Kinds of models that may be named in head.json."""

FINGERPRINT_VERSION = "head-1"
"""Increased whenever a change of this kind of model changes results; part of the fingerprint."""

Reads = Literal["weighted-sum", "frames", "utterance", "both"]
TOKENS = "tokens"
"""Key of the vectors in front of the frames, for `utterance` and `both`."""

Finite = Annotated[float, Field(allow_inf_nan=False)]


class Stated(BaseModel):
    """The contents of head.json.

    Attributes:
        upstream: what --model takes to load the model whose layers are read
        fingerprint: of that model, see `identity`
        labels: names of the outputs
        task: kind of scores
        reads: how the layers are read
        layers: number of top layers whose mean is read, for `frames`
        mean: subtracted from each sample
        deviation: by which samples are then divided
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    upstream: str
    fingerprint: str
    labels: list[str] = Field(min_length=1)
    task: Literal["regression", "single_label", "joint"]
    reads: Reads
    layers: Annotated[int, Field(gt=0)] = 1
    mean: Finite = 0.0
    deviation: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0


@dataclass(kw_only=True)
class HeadModel(LoadedSignalModel):
    """A head on the layers of another model; see `Model`.

    Attributes:
        upstream: the model whose layers are read
        weights: of the head, by key
        stated: the contents of head.json
    """

    upstream: Any
    weights: "Mapping[str, torch.Tensor]"
    stated: Stated

    @property
    def has_frames(self) -> bool:
        """Whether the upstream has frames."""
        return bool(getattr(self.upstream, "has_frames", False))

    def predict(self, signals: Sequence[Signal], *, layers: bool = False) -> Outputs:
        """Scores of signals; the layers are those of the upstream."""
        found = None
        if layers or self.stated.reads == "weighted-sum":
            found = self.upstream.predict(signals, layers=True).layers
        return Outputs(scores=self._scores(self._hidden(signals, found)), layers=found if layers else None)

    def predict_frames(self, signals: Sequence[Signal]) -> tuple[Outputs, list[Frames]]:
        """Same as `predict` with layers, and the frames of the upstream."""
        found: tuple[Outputs, list[Frames]] = self.upstream.predict_frames(signals)
        layers = found[0].layers
        return Outputs(scores=self._scores(self._hidden(signals, layers)), layers=layers), found[1]

    def hidden(self, signals: Sequence[Signal]) -> NDArray[np.float32]:
        """The input of the head's last layer for each signal, shape (n, hidden)."""
        return self._hidden(signals, None)

    def _hidden(
        self, signals: Sequence[Signal], layers: NDArray[np.floating[Any]] | None
    ) -> NDArray[np.float32]:
        """Same as `hidden`, with the layers of the upstream if they are known."""
        if self.stated.reads == "weighted-sum":
            known = self.upstream.predict(signals, layers=True).layers if layers is None else layers
            return self._projected(known)
        if self.stated.reads == "frames":
            frames = self.upstream.predict_frames(signals)[1]
            return np.array([self._pooled(mean_of_top(each, self.stated.layers)) for each in frames])
        return np.array([self._pooled(self._with_tokens(signal)) for signal in signals])

    def _with_tokens(self, signal: Signal) -> NDArray[np.float32]:
        """What emotion2vec's utterance tokens make of a clip, shape (1, d) or (frames, 2 d)."""
        import torch

        upstream, what = self.upstream, self.stated.reads
        assert what in {"utterance", "both"}, "the other ways to read have no tokens"
        network = upstream.network.module
        given = inputs_of(
            upstream.extractor,
            signal,
            rate=self.sampling_rate,
            module=network,
            device=upstream.device,
            masked=False,
        )
        samples, tokens = first_of(given), self.weights[TOKENS].to(upstream.device)
        encoder = getattr(network, network.base_model_prefix, network)
        with torch.inference_mode():
            (states,) = read(encoder, samples, torch.tensor([samples.shape[1]]), tokens, what)
        found: NDArray[np.float32] = states.float().cpu().numpy()
        return found

    def _projected(self, layers: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """The projection of the weighted sum, shape (n, hidden)."""
        import torch

        given = torch.from_numpy(np.ascontiguousarray(layers, dtype=np.float32))
        mixed = torch.einsum("nld,l->nd", given, self.weights["layer_weights"].softmax(dim=0))
        found: NDArray[np.float32] = self._linear("projector", mixed).numpy()
        return found

    def _pooled(self, states: NDArray[np.float32]) -> NDArray[np.float32]:
        """The mean over rows (n, d) after the linear layer and ReLU, shape (hidden,)."""
        import torch

        found: NDArray[np.float32] = (
            self._linear("projector", torch.from_numpy(states)).relu().mean(dim=0).numpy()
        )
        return found

    def _scores(self, hidden: NDArray[np.float32]) -> NDArray[np.float32]:
        import torch

        logits = self._linear("classifier", torch.from_numpy(hidden))
        scores: NDArray[np.float32] = activated(logits, self.task, self.labels).numpy()
        return scores

    def _linear(self, name: str, states: "torch.Tensor") -> "torch.Tensor":
        import torch

        return torch.nn.functional.linear(
            states, self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
        )


def load(rest: str, options: LoadOptions) -> HeadModel:
    """Loads a head and the model that it reads.

    Raises:
        ModelError: no such directory, a damaged file, a model that has changed or may not be named there, or
            weights that do not fit
    """
    folder = Path(rest).expanduser()
    stated = _stated(folder)
    spec = str(folder / UPSTREAM) if stated.upstream == UPSTREAM else stated.upstream
    named = stated.upstream
    scheme = named.partition(":")[0] if ":" in named or named in UPSTREAMS else "hf"
    if scheme not in UPSTREAMS:
        raise ModelError(
            f"{folder / MARK}: upstream is {stated.upstream!r}, which may not be named there",
            hint=f"one of {', '.join(f'{name}:' for name in UPSTREAMS)}, or a checkpoint of transformers",
        )
    plain: Any = load_model(spec, LoadOptions(device=options.device, precision="fp32"))
    if identity(plain) != stated.fingerprint:
        raise ModelError(
            f"{stated.upstream} is not the model that the head in {folder} was trained on: its weights or "
            "settings differ"
        )
    upstream: Any = prepared(plain, Preparation(mean=stated.mean, deviation=stated.deviation))
    weights = _weights(folder, stated, upstream)
    task: Task = stated.task
    return HeadModel(
        name=folder.resolve().name,
        labels=tuple(stated.labels),
        task=task,
        sampling_rate=upstream.sampling_rate,
        shortest=upstream.shortest,
        fingerprint=_fingerprint(folder, upstream.fingerprint),
        files=(MARK, WEIGHTS),
        keys_read=len(weights),
        facts=signal_facts(
            "head on a frozen model",
            str(folder),
            {**_facts_of(plain), "head": stated.reads},
            labels=stated.labels,
            task=task,
            sampling_rate=upstream.sampling_rate,
            further={
                "upstream": stated.upstream,
                "features": plain.facts.get("features"),
                "precision": "fp32",
            },
        ),
        upstream=upstream,
        weights=weights,
        stated=stated,
    )


def mean_of_top(frames: Frames, layers: int) -> NDArray[np.float32]:
    """The mean of the top layers for each frame, shape (frames, d).

    Raises:
        ModelError: there are fewer layers, or they differ in shape
    """
    top = frames.states[-layers:]
    if len(top) < layers or len({states.shape for states in top}) > 1:
        raise ModelError(
            f"the mean of {layers} layers cannot be read: the model has {len(frames.states)} layers, or they "
            "differ in width or frame rate"
        )
    found: NDArray[np.float32] = np.mean(top, axis=0, dtype=np.float32)
    return found


def identity(model: Any) -> str:
    """The identity of a model, independent of its device and number format."""
    found: str = getattr(model, "content", "") or model.fingerprint
    return found


def _stated(folder: Path) -> Stated:
    content = read_json(folder / MARK, error=ModelError, what="the description of the head")
    try:
        return Stated.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ModelError(
            f"{folder / MARK} has an error{f' at {where!r}' if where else ''}: {first['msg']}"
        ) from error


def _facts_of(model: Any) -> dict[str, Any]:
    return {
        name: model.facts[name] for name in ("architecture", "parameters", "layers") if name in model.facts
    }


def _fingerprint(folder: Path, upstream: str) -> str:
    digest = hashlib.blake2b(f"{FINGERPRINT_VERSION} {upstream}".encode(), digest_size=16)
    for name in (MARK, WEIGHTS):
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()


def _weights(folder: Path, stated: Stated, upstream: Any) -> "Mapping[str, torch.Tensor]":
    """The weights of a head, after checking every shape against the layers that it reads.

    Raises:
        ModelError: a key is missing or unknown, or a shape does not fit
    """
    tensors = {key: tensor.float() for key, tensor in tensors_in(folder / WEIGHTS).items()}
    silence = np.zeros(max(int(upstream.sampling_rate), int(upstream.shortest)), np.float32)
    layers = upstream.predict([silence], layers=True).layers.shape[1:]
    hidden = len(tensors["projector.bias"]) if "projector.bias" in tensors else 0
    width = layers[1] * (2 if stated.reads == "both" else 1)
    wanted = {
        "projector.weight": (hidden, width),
        "projector.bias": (hidden,),
        "classifier.weight": (len(stated.labels), hidden),
        "classifier.bias": (len(stated.labels),),
    }
    if stated.reads == "weighted-sum":
        wanted["layer_weights"] = (layers[0],)
    if stated.reads in {"utterance", "both"}:
        wanted[TOKENS] = (len(tensors.get(TOKENS, ())), layers[1])
        if not isinstance(upstream, TransformersModel):
            raise ModelError(f"the head in {folder} needs a checkpoint of transformers below it")
    odd = sorted(set(wanted) ^ set(tensors))
    wrong = odd or [key for key, shape in wanted.items() if tuple(tensors[key].shape) != shape]
    if wrong or stated.layers > layers[0]:
        raise ModelError(
            f"the head in {folder} does not fit {stated.upstream}: {', '.join(wrong) or 'layers'}"
        )
    if not all(bool(tensor.isfinite().all()) for tensor in tensors.values()):
        raise ModelError(f"{folder / WEIGHTS} has weights that are not finite")
    return tensors
