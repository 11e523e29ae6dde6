"""Any transformers audio-classification checkpoint: a directory in the hub's layout, or `hf:owner/name`.

The convolutional encoder of the wav2vec2 family runs clip by clip; clips are padded only at frame level,
with a boolean mask. So the results do not depend on the batch, both with group norm and with layer norm.
"""

import hashlib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sertools.models.checkpoints import feature_extraction
from sertools.models.checkpoints.card import licence
from sertools.models.checkpoints.heads import Network, build, weight_files
from sertools.models.checkpoints.hub import folder_of
from sertools.models.checks import names
from sertools.models.device import find_device, first_precision, in_halves, moved, stamped
from sertools.models.load import LoadOptions
from sertools.models.model import Frames, Outputs, Task
from sertools.models.task import _activate, task_of
from sertools.models.wav2vec2_cpu import forward as fast
from sertools.models.wav2vec2_cpu import weights

if TYPE_CHECKING:
    import torch

from sertools.models.random_twin import _facts, fingerprint, redrawn, twin_name

if TYPE_CHECKING:
    import torch


SCHEME = "hf"


READS = ("head", "labels")


FRAME_PADDED = ("wav2vec2", "hubert", "wavlm", "unispeech", "unispeech-sat")
"""Architectures in which a frame-level mask hides padding completely; all others run clip by clip.
(In data2vec-audio, stacked positional convolutions let padding affect the clip.)"""


HARMLESS = ("Support for mismatched key_padding_mask", feature_extraction.EMPTY_FILTER)
"""Warnings of transformers and torch that are harmless for WavLM and AST."""


ENGINE = "hf-2"
"""Increased whenever a change of this file changes results; part of the fingerprint."""


@dataclass(kw_only=True)
class TransformersModel:
    """A transformers checkpoint that computes scores and layer means from signals."""

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
    needs_precision: bool = False
    longest: int | None = None
    encoder: weights.Encoder | None = None

    def with_precision(self, precision: str, **facts: Any) -> "TransformersModel":
        """This model in `fp32` or `bf16`, with the same weights; `facts` (e.g. the reason) are added."""
        import torch

        return replace(
            self,
            dtype=torch.bfloat16 if precision == "bf16" else torch.float32,
            needs_precision=False,
            fingerprint=stamped(self.content, precision, self.device),
            facts={**self.facts, "precision": precision, **facts},
            encoder=None,
        )

    def random_twin(self, seed: int) -> "TransformersModel":
        """An untrained model of the same architecture, with random weights from this seed."""
        from sertools.models.kinds.transformers import of_transformers

        return of_transformers(self, seed)

    @property
    def has_frames(self) -> bool:
        """Whether the states have a time axis; those of models on spectrogram patches (AST) do not."""
        config: Any = self.network.module.config
        return feature_extraction.follows_time(config)

    def predict(self, signals: Sequence[np.ndarray], *, layers: bool = False) -> Outputs:
        """Scores of signals (samples,) at `sampling_rate`; see `Model`."""
        return self._outputs(signals, layers, frames=False)[0]

    def predict_frames(self, signals: Sequence[np.ndarray]) -> tuple[Outputs, list[Frames]]:
        """Scores, layer means and frames. Layer 0 is the input of the first transformer layer.

        It is the output of the convolutional encoder, projected, with the positional convolution added and,
        if the architecture has a norm at this point, normalised. Whisper always processes 30 s; only its
        frames up to the end of the clip are returned.
        """
        config: Any = self.network.module.config
        outputs, states = self._outputs(signals, True, frames=True)
        found = []
        for signal, clip in zip(signals, states, strict=True):
            grids = [
                feature_extraction.grid(config, self.sampling_rate, len(signal), len(state)) for state in clip
            ]
            found.append(
                Frames(
                    states=tuple(state[: grid.n] for state, grid in zip(clip, grids, strict=True)),
                    first_s=tuple(grid.first_s for grid in grids),
                    step_s=tuple(grid.step_s for grid in grids),
                )
            )
        return outputs, found

    def _outputs(
        self, signals: Sequence[np.ndarray], layers: bool, frames: bool
    ) -> tuple[Outputs, list[list[np.ndarray]]]:
        import torch

        with torch.inference_mode(), warnings.catch_warnings():
            for message in HARMLESS:
                warnings.filterwarnings("ignore", message=message)
            parts = [
                part
                for batch in self._batches(signals)
                for part in in_halves(lambda clips: self._forward(list(clips), layers, frames), batch)
            ]
        scores = np.concatenate([scores for scores, _, _ in parts])
        means = np.concatenate([means for _, means, _ in parts if means is not None]) if layers else None
        return Outputs(scores=scores, layers=means), [clip for _, _, clips in parts for clip in clips]

    def _batches(self, signals: Sequence[np.ndarray]) -> list[list["torch.Tensor"]]:
        """Model inputs (each with a leading axis of 1), grouped into batches for one forward pass."""
        import torch

        inputs = []
        for signal in signals:
            # clip by clip: normalisation must not include the padding added for longer clips
            features = self.extractor(signal, sampling_rate=self.sampling_rate, return_tensors="np")
            array = features[self.extractor.model_input_names[0]]
            inputs.append(moved(torch.from_numpy(np.ascontiguousarray(array)), self.device))
        same_shape = len({tuple(x.shape) for x in inputs}) == 1
        config: Any = self.network.module.config
        padded = config.model_type in FRAME_PADDED and not getattr(config, "add_adapter", False)
        # bf16 rounding depends on the shape of a product, by far more than 1e-5, and a batch gains little
        alone = self.device.type == "cpu" and self.dtype == torch.bfloat16
        if (same_shape or padded) and not alone:
            return [inputs]
        return [[x] for x in inputs]

    def _forward(
        self, inputs: list["torch.Tensor"], layers: bool, keep: bool
    ) -> tuple[np.ndarray, np.ndarray | None, list[list[np.ndarray]]]:
        """Scores (n, c), layer means (n, l, d) and, with `keep`, the frames of each clip by layer."""
        import torch

        module = self.network.module
        if self._is_fast():
            return self._fast_forward(inputs, layers, keep)
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
            return scores, None, []
        states = [state.float() for state in outputs.hidden_states]
        means = torch.stack([_mean(state, frames) for state in states], dim=1).cpu().numpy()
        return scores, means, _by_clip(states, frames) if keep else []

    def _is_fast(self) -> bool:
        module: Any = self.network.module
        own_head = self.network.layout != "native" or hasattr(module, "projector")
        return self.device.type == "cpu" and own_head and not weights.why_not(module.config)

    def _fast_forward(
        self, inputs: list["torch.Tensor"], layers: bool, keep: bool
    ) -> tuple[np.ndarray, np.ndarray | None, list[list[np.ndarray]]]:
        """Same as `_forward`, on the fast CPU path.

        The head is linear before pooling, so it can be applied to the mean over frames.
        """
        import torch

        module: Any = self.network.module
        if self.encoder is None:
            base = getattr(module, getattr(module, "base_model_prefix", ""), module)
            self.encoder = weights.encoder(base, self.dtype)
        last, means, states = fast.means_and_frames(self.encoder, [x[0] for x in inputs], keep=keep)
        if self.network.layout == "native":
            if module.config.use_weighted_layer_sum:
                last = (means * module.layer_weights.softmax(dim=-1)[:, None]).sum(dim=1)
            logits = module.classifier(module.projector(last))
        elif self.network.head is not None:
            logits = self.network.head(last)
        else:
            logits = torch.empty(len(inputs), 0)
        kept = [[state.numpy() for state in clip] for clip in zip(*states, strict=True)]
        return _activate(logits, self.task).numpy(), means.numpy() if layers else None, kept

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


def _by_clip(states: Sequence["torch.Tensor"], frames: list[int] | None) -> list[list[np.ndarray]]:
    """The frames of each clip without padding, l times (n, frames, d) → n times l arrays (frames, d)."""
    arrays = [state.cpu().numpy() for state in states]
    n = len(arrays[0])
    return [[array[i, : frames[i] if frames else None] for array in arrays] for i in range(n)]


def load(rest: str, options: LoadOptions) -> TransformersModel:
    """A checkpoint from a directory or the hub (its cache, when offline).

    Raises:
        ModelError: no such checkpoint, an unknown architecture, weights that do not fit, or no head
    """
    import torch
    import transformers
    from huggingface_hub.errors import StrictDataclassError
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    folder, source = folder_of(rest)
    try:
        config = transformers.AutoConfig.from_pretrained(
            folder, local_files_only=True, trust_remote_code=options.trust_remote_code
        )
    except (ValueError, KeyError, OSError, TypeError, StrictDataclassError) as error:
        raise feature_extraction.unreadable(
            folder / "config.json", error, options.trust_remote_code
        ) from error
    extractor, notes = feature_extraction.extractor_of(
        folder, config, trust_remote_code=options.trust_remote_code
    )
    network = build(folder, config, head=options.head, trust_remote_code=options.trust_remote_code)
    stated = [str(config.id2label[i]) for i in range(len(config.id2label))]
    labels = names(options.labels, stated, len(stated), str(folder))
    task = task_of(config.problem_type, labels) if network.layout != "none" else "encoder"
    device = find_device(options.device)
    network.module.to(device)
    parameters = sum(p.numel() for p in network.module.parameters())
    rate = int(extractor.sampling_rate)
    precision, reason, needs_precision = first_precision(options.precision, device)
    content = _content(folder, options)
    return TransformersModel(
        name=folder.resolve().name if source == str(folder) else source.replace("/", "--"),
        labels=() if task == "encoder" else labels,
        task=task,
        sampling_rate=rate,
        shortest=feature_extraction.shortest(config),
        longest=feature_extraction.longest(extractor, rate),
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
            "features": feature_extraction.features(extractor),
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
        needs_precision=needs_precision,
    )


def _content(folder: Path, options: LoadOptions) -> str:
    digest = hashlib.blake2b(digest_size=16)
    named = f" {options.labels}" if options.labels else ""
    digest.update(f"{ENGINE} {sorted(options.head.items())}{named}".encode())
    settings = [folder / "config.json", folder / "preprocessor_config.json"]
    for path in [*(path for path in settings if path.is_file()), *weight_files(folder)]:
        digest.update(path.name.encode())
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "blake2b").digest())
    return digest.hexdigest()


def of_transformers(model: "TransformersModel", seed: int) -> "TransformersModel":
    """An untrained model with the same configuration, extractor, device and number format, without a head.

    The weights are initialised as transformers does before training.

    Args:
        model: in fp32 or bf16; if its precision has yet to be chosen, so has that of the copy
        seed: of the weights
    """
    from sertools.models.checkpoints.heads import Network
    from sertools.models.device import stamped

    trained: Any = model.network.module
    module = redrawn(lambda: type(trained)(trained.config), seed).to(model.device)
    content = fingerprint(module, f"{model.extractor.to_json_string()} {trained.config.to_json_string()}")
    precision = str(model.facts["precision"])
    return replace(
        model,
        name=twin_name(model.name),
        labels=(),
        task="encoder",
        network=Network(module=module, head=None, layout="none", unexpected=()),
        content=content,
        fingerprint=stamped(content, precision, model.device),
        facts=_facts(model.facts, seed),
        encoder=None,
    )
