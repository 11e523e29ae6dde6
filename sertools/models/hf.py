"""Any transformers audio-classification checkpoint: a directory in the hub's layout, or `hf:owner/name`.

The convolutional encoder of the wav2vec2 family runs clip by clip; clips are padded only at frame level,
with a boolean mask. So a batch gives what each clip alone gives, for group norm as for layer norm.
"""

import hashlib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sertools.errors import ModelError
from sertools.labels import DIMENSIONS, canonical
from sertools.model import LoadOptions, Outputs, Task
from sertools.models import fast, layout
from sertools.models.card import licence
from sertools.models.device import find_device, first_precision, in_halves, moved, stamped
from sertools.models.heads import Network, build, weight_files

if TYPE_CHECKING:
    import torch

SCHEME = "hf"

FRAME_PADDED = ("wav2vec2", "hubert", "wavlm", "unispeech", "unispeech-sat")
"""Architectures in which a mask at frame level hides padding entirely; the others run clip by clip.
(data2vec-audio stacks positional convolutions, which carry padding into the clip.)"""

HARMLESS = ("Support for mismatched key_padding_mask", "At least one mel filter has all zero values")
"""What transformers and torch warn of while WavLM and AST compute just what they were trained to."""

ENGINE = "hf-2"
"""Rises when this file changes a number; part of the fingerprint."""


@dataclass(kw_only=True)
class TransformersModel:
    """A transformers checkpoint that turns signals into scores and layer means."""

    name: str
    labels: tuple[str, ...]
    task: Task
    sampling_rate: int
    shortest: int
    fingerprint: str
    facts: Mapping[str, Any]
    network: Network
    extractor: Any
    device: "torch.device"
    dtype: "torch.dtype"
    content: str
    undecided: bool = False
    longest: int | None = None
    encoder: layout.Encoder | None = None

    def at(self, precision: str, **facts: Any) -> "TransformersModel":
        """This model in `fp32` or `bf16`, with the same weights; `facts` say why."""
        import torch

        return replace(
            self,
            dtype=torch.bfloat16 if precision == "bf16" else torch.float32,
            undecided=False,
            fingerprint=stamped(self.content, precision, self.device),
            facts={**self.facts, "precision": precision, **facts},
            encoder=None,
        )

    def random_twin(self, seed: int) -> "TransformersModel":
        """The same architecture with random weights from this seed."""
        from sertools.models.twin import of_transformers

        return of_transformers(self, seed)

    def predict(self, signals: Sequence[np.ndarray], *, layers: bool = False) -> Outputs:
        """Scores of signals (samples,) at `sampling_rate`; see `Model`."""
        import torch

        with torch.inference_mode(), warnings.catch_warnings():
            for message in HARMLESS:
                warnings.filterwarnings("ignore", message=message)
            parts = [
                part
                for batch in self._batches(signals)
                for part in in_halves(lambda clips: self._forward(list(clips), layers), batch)
            ]
        scores = np.concatenate([scores for scores, _ in parts])
        means = np.concatenate([means for _, means in parts if means is not None]) if layers else None
        return Outputs(scores=scores, layers=means)

    def _batches(self, signals: Sequence[np.ndarray]) -> list[list["torch.Tensor"]]:
        """Inputs (each with a leading axis of one), in batches that one forward pass may take."""
        import torch

        inputs = []
        for signal in signals:
            # clip by clip: normalisation must not see the padding of a neighbour
            features = self.extractor(signal, sampling_rate=self.sampling_rate, return_tensors="np")
            array = features[self.extractor.model_input_names[0]]
            inputs.append(moved(torch.from_numpy(np.ascontiguousarray(array)), self.device))
        same_shape = len({tuple(x.shape) for x in inputs}) == 1
        config: Any = self.network.module.config
        padded = config.model_type in FRAME_PADDED and not getattr(config, "add_adapter", False)
        # how bf16 rounds depends on the shape of a product, by far more than 1e-5, and a batch gains little
        alone = self.device.type == "cpu" and self.dtype == torch.bfloat16
        if (same_shape or padded) and not alone:
            return [inputs]
        return [[x] for x in inputs]

    def _forward(self, inputs: list["torch.Tensor"], layers: bool) -> tuple[np.ndarray, np.ndarray | None]:
        import torch

        module = self.network.module
        if self._is_fast():
            return self._fast_forward(inputs, layers)
        wanted: dict[str, Any] = {"output_hidden_states": True} if layers else {}
        lengths = [x.shape[1] for x in inputs]
        padded = len(set(lengths)) > 1
        if padded:
            batch = torch.zeros(len(inputs), max(lengths), device=self.device)
            mask = torch.zeros(len(inputs), max(lengths), dtype=torch.long, device=self.device)
            for i, (x, length) in enumerate(zip(inputs, lengths, strict=True)):
                batch[i, :length] = x[0]
                mask[i, :length] = 1
            wanted["attention_mask"] = mask
        else:
            batch = torch.cat(inputs)
        base = getattr(module, getattr(module, "base_model_prefix", ""), module)
        encoder = getattr(base, "feature_extractor", None)
        if encoder is not None:
            base.feature_extractor = _clip_by_clip(encoder, lengths)
        try:
            with torch.autocast(self.device.type, dtype=self.dtype, enabled=self.dtype != torch.float32):
                outputs = module(batch, **wanted)
        finally:
            if encoder is not None:
                base.feature_extractor = encoder
        frames = self._frames(base, lengths) if padded else None
        if self.network.layout == "native":
            logits = outputs.logits
        elif self.network.head is not None:
            logits = self.network.head(_mean(outputs.last_hidden_state.float(), frames))
        else:
            logits = torch.empty(len(inputs), 0)
        scores = _activate(logits.float(), self.task).cpu().numpy()
        if not layers:
            return scores, None
        states = [_mean(state.float(), frames) for state in outputs.hidden_states]
        return scores, torch.stack(states, dim=1).cpu().numpy()

    def _is_fast(self) -> bool:
        module: Any = self.network.module
        own_head = self.network.layout != "native" or hasattr(module, "projector")
        return self.device.type == "cpu" and own_head and not layout.why_not(module.config)

    def _fast_forward(
        self, inputs: list["torch.Tensor"], layers: bool
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """As `_forward`; heads are linear up to the mean over frames, so they read the means."""
        import torch

        module: Any = self.network.module
        if self.encoder is None:
            base = getattr(module, getattr(module, "base_model_prefix", ""), module)
            self.encoder = layout.encoder(base, self.dtype)
        last, means = fast.means(self.encoder, [x[0] for x in inputs])
        if self.network.layout == "native":
            if module.config.use_weighted_layer_sum:
                last = (means * module.layer_weights.softmax(dim=-1)[:, None]).sum(dim=1)
            logits = module.classifier(module.projector(last))
        elif self.network.head is not None:
            logits = self.network.head(last)
        else:
            logits = torch.empty(len(inputs), 0)
        return _activate(logits, self.task).numpy(), means.numpy() if layers else None

    def _frames(self, base: Any, lengths: list[int]) -> list[int]:
        import torch

        return [int(n) for n in base._get_feat_extract_output_lengths(torch.tensor(lengths))]


def _clip_by_clip(encoder: Any, lengths: list[int]) -> Any:
    """The convolutional encoder on each clip's own samples, zero-padded afterwards: (n, channels, frames)."""
    import torch

    class ClipByClip(torch.nn.Module):
        def forward(self, batch: torch.Tensor) -> torch.Tensor:
            features = [encoder(batch[i : i + 1, :length])[0] for i, length in enumerate(lengths)]
            frames = max(feature.shape[-1] for feature in features)
            return torch.stack([torch.nn.functional.pad(f, (0, frames - f.shape[-1])) for f in features])

    return ClipByClip()


def _mean(states: "torch.Tensor", frames: list[int] | None) -> "torch.Tensor":
    """Mean over each clip's own frames, (n, frames, d) → (n, d)."""
    import torch

    if frames is None:
        return states.mean(dim=1)
    return torch.stack([state[:n].mean(dim=0) for state, n in zip(states, frames, strict=True)])


def _activate(logits: "torch.Tensor", task: Task) -> "torch.Tensor":
    if task == "single_label":
        return logits.softmax(dim=-1)
    return logits.sigmoid() if task == "multi_label" else logits


def load(rest: str, options: LoadOptions) -> TransformersModel:
    """A checkpoint from a directory or the hub (its cache, when offline).

    Raises:
        ModelError: no such checkpoint, an unknown architecture, weights that do not fit, or no head
    """
    import torch
    import transformers
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    folder, source = _folder(rest)
    try:
        config = transformers.AutoConfig.from_pretrained(
            folder, local_files_only=True, trust_remote_code=options.trust_remote_code
        )
    except (ValueError, KeyError, OSError, TypeError) as error:
        raise ModelError(f"cannot read {folder / 'config.json'}: {str(error).splitlines()[0]}") from error
    extractor, notes = _extractor(folder, config)
    network = build(folder, config, head=options.head, trust_remote_code=options.trust_remote_code)
    labels = tuple(str(config.id2label[i]) for i in range(len(config.id2label)))
    task = task_of(config.problem_type, labels) if network.layout != "none" else "encoder"
    device = find_device(options.device)
    network.module.to(device)
    parameters = sum(p.numel() for p in network.module.parameters())
    rate = int(extractor.sampling_rate)
    precision, reason, undecided = first_precision(options.precision, device)
    content = _content(folder, options)
    return TransformersModel(
        name=folder.resolve().name if source == str(folder) else source.replace("/", "--"),
        labels=() if task == "encoder" else labels,
        task=task,
        sampling_rate=rate,
        shortest=_shortest(config),
        longest=_longest(extractor, rate),
        fingerprint=stamped(content, precision, device),
        facts={
            "kind": "transformers checkpoint",
            "source": source,
            "licence": licence(folder),
            "architecture": type(network.module).__name__,
            "model_type": config.model_type,
            "parameters": parameters,
            "head": network.layout,
            "labels": list(labels) if task != "encoder" else [],
            "task": task,
            "sampling_rate": rate,
            "normalised_per_clip": bool(getattr(extractor, "do_normalize", False)),
            "unexpected_keys": list(network.unexpected),
            "precision": precision,
            "precision_reason": reason,
            "device": str(device),
            "notes": notes,
        },
        network=network,
        extractor=extractor,
        device=device,
        dtype=torch.bfloat16 if precision == "bf16" else torch.float32,
        content=content,
        undecided=undecided,
    )


def task_of(problem_type: str | None, labels: Sequence[str]) -> Task:
    """Whether the outputs are ratings or probabilities.

    `problem_type` of the checkpoint decides; without it, one output or nothing but dimensions is a
    regression, and everything else is one label out of many.

    >>> task_of(None, ["arousal", "dominance", "valence"]), task_of(None, ["ang", "neu"])
    ('regression', 'single_label')
    """
    named: dict[str, Task] = {
        "regression": "regression",
        "single_label_classification": "single_label",
        "multi_label_classification": "multi_label",
    }
    if problem_type:
        return named[problem_type]
    ratings = len(labels) == 1 or all(canonical(label) in DIMENSIONS for label in labels)
    return "regression" if ratings else "single_label"


def _folder(rest: str) -> tuple[Path, str]:
    path = Path(rest).expanduser()
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise ModelError(
                f"{path} is no checkpoint: it has no config.json",
                hint="name a directory in the layout of the hub, as save_pretrained writes it",
            )
        return path, str(path)
    if path.exists():
        raise ModelError(
            f"{path} is a file, not a checkpoint's directory", hint="name the directory it lies in"
        )
    if rest.startswith((".", "/", "~")) or rest.count("/") != 1:
        raise ModelError(f"no directory {rest}", hint="--model default, a directory, or a hub id owner/name")
    return _hub(rest), rest


def _hub(name: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    wanted = ["*.json", "*.safetensors", "pytorch_model*.bin", "README.md", "*.txt"]
    try:
        return Path(snapshot_download(name, allow_patterns=wanted))
    except HFValidationError as error:
        raise ModelError(f"{name!r} is no id of the model hub: {error}") from error
    except LocalEntryNotFoundError as error:
        raise ModelError(
            f"{name} is not in the local cache of the model hub, and the hub cannot be reached",
            hint="connect once, or copy the checkpoint here and name its directory",
        ) from error
    except HfHubHTTPError as error:
        raise ModelError(f"the model hub does not give {name}: {str(error).splitlines()[0]}") from error
    except OSError as error:
        raise ModelError(
            f"the model hub cannot be reached for {name}",
            hint="connect once, or copy the checkpoint here and name its directory",
        ) from error


def _extractor(folder: Path, config: Any) -> tuple[Any, list[str]]:
    from transformers import AutoFeatureExtractor, Wav2Vec2FeatureExtractor

    if (folder / "preprocessor_config.json").is_file():
        try:
            extractor = AutoFeatureExtractor.from_pretrained(folder, local_files_only=True)
        except (ValueError, KeyError, OSError, TypeError) as error:
            where = folder / "preprocessor_config.json"
            raise ModelError(f"cannot read {where}: {str(error).splitlines()[0]}") from error
        return extractor, []
    if not hasattr(config, "conv_stride"):
        raise ModelError(
            f"{folder} has no preprocessor_config.json", hint="copy it from where the checkpoint comes from"
        )
    note = (
        "The checkpoint has no preprocessor_config.json; the architecture's defaults were taken: 16 kHz, "
        "every clip scaled to zero mean and unit variance."
    )
    return Wav2Vec2FeatureExtractor(do_normalize=True, sampling_rate=16000), [note]


def _shortest(config: Any) -> int:
    """Fewest samples that give one frame: the receptive field of the convolutional encoder.

    For wav2vec2's seven layers that is 400.
    """
    if not hasattr(config, "conv_stride"):
        return 1
    field, step = 1, 1
    for kernel, stride in zip(config.conv_kernel, config.conv_stride, strict=True):
        field += (kernel - 1) * step
        step *= stride
    return field


def _longest(extractor: Any, rate: int) -> int | None:
    """Most samples that an extractor with a fixed window sees; it would cut longer clips silently."""
    if getattr(extractor, "n_samples", None):
        return int(extractor.n_samples)
    if getattr(extractor, "num_mel_bins", None) and getattr(extractor, "max_length", None):
        return int((extractor.max_length - 1) * rate * 0.010 + rate * 0.025)
    return None


def _content(folder: Path, options: LoadOptions) -> str:
    digest = hashlib.blake2b(digest_size=16)
    digest.update(f"{ENGINE} {sorted(options.head.items())}".encode())
    settings = [folder / "config.json", folder / "preprocessor_config.json"]
    for path in [*(path for path in settings if path.is_file()), *weight_files(folder)]:
        digest.update(path.name.encode())
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "blake2b").digest())
    return digest.hexdigest()
