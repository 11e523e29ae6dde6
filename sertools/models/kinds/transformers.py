"""Any transformers audio-classification checkpoint: a directory in the hub's layout, or `hf:owner/name`.

The convolutional encoder of the wav2vec2 family runs clip by clip; clips are padded only at frame level,
with a boolean mask. So the results do not depend on the batch, both with group norm and with layer norm.
"""

import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sertools.corpora.seen.record import beside
from sertools.models import padding
from sertools.models.checkpoints import (
    feature_extraction,
    gradients,
    padded_forward,
)
from sertools.models.checkpoints.described_heads import layout_named
from sertools.models.checkpoints.heads import Network, compared_with, hidden_of
from sertools.models.checkpoints.hub.card import licence
from sertools.models.checkpoints.hub.files import commit_of, folder_of
from sertools.models.checkpoints.hub.own_code import (
    digest_with,
    is_own,
)
from sertools.models.checkpoints.inputs import (
    Inputs,
    first_of,
    inputs_of,
    shapes,
    shortest_of,
    signal_input,
)
from sertools.models.checkpoints.label_names import outputs_of
from sertools.models.checkpoints.settings import check_settings
from sertools.models.checkpoints.weights.deciding import content_digest, deciding_files
from sertools.models.derived.random_twin import redrawn, twin_fingerprint, untrained
from sertools.models.device import find_device, first_precision, in_halves, in_precision, stamped
from sertools.models.load import LoadOptions
from sertools.models.loaded import LoadedSignalModel, facts_of_training, signal_facts
from sertools.models.mapped.read import read
from sertools.models.model import Frames, Outputs, Signal
from sertools.models.packed import passes
from sertools.models.task import activated

if TYPE_CHECKING:
    import torch

SCHEME = "hf"
READS = ("head", "labels", "model_scale", "device", "precision")

HARMLESS = ("Support for mismatched key", "The PyTorch API of nested", feature_extraction.EMPTY_FILTER)
"""Warnings of transformers and torch that are harmless for WavLM, packed frames and AST."""

FINGERPRINT_VERSION = "hf-5"
"""Increased whenever a change of this kind of model changes results; part of the fingerprint."""


@dataclass(kw_only=True)
class TransformersModel(LoadedSignalModel):
    """A transformers checkpoint that computes scores and layer means from signals."""

    network: Network
    extractor: Any
    device: "torch.device"
    dtype: "torch.dtype"
    content: str
    needs_precision: bool = False
    longest: int | None = None
    encoder: passes.Encoder | None = None
    unpacked: bool = False
    exact: tuple[str, ...] = ()

    @property
    def parts(self) -> tuple[str, ...]:
        """Parts of the network that can stay in fp32 while the rest is computed in bf16."""
        return passes.PARTS if self._is_fast() else ()

    def with_precision(self, precision: str, **facts: Any) -> "TransformersModel":
        """This model in `fp32` or `bf16`, with the same weights; `facts` (e.g. the reason) are added.

        With the fact `precision_exact_parts`, these parts of it stay in fp32.
        """
        import torch

        chosen = in_precision(self.content, self.facts, precision, facts)
        return replace(
            self,
            dtype=torch.bfloat16 if precision == "bf16" else torch.float32,
            needs_precision=False,
            encoder=None,
            **chosen._asdict(),
        )

    def random_twin(self, seed: int) -> "TransformersModel":
        """An untrained model with the same configuration, device and number format, without a head.

        The weights are initialised as transformers does before training.
        """
        trained: Any = self.network.module
        module = redrawn(lambda: type(trained)(trained.config), seed).to(self.device)
        settings = f"{self.extractor.to_json_string()} {trained.config.to_json_string()}"
        content = twin_fingerprint(module, settings)
        return untrained(
            self,
            seed,
            network=Network(held=module, head=None, layout="none", unexpected=()),
            content=content,
            fingerprint=stamped(content, str(self.facts["precision"]), self.device),
            exact=(),
            encoder=None,
        )

    @property
    def has_frames(self) -> bool:
        """Whether the states have a time axis; those of models on spectrogram patches (AST) do not."""
        return feature_extraction.follows_time(self.network.config)

    @property
    def packs_clips(self) -> bool:
        """Whether the forward pass packs the frames of any number of clips."""
        return self._is_fast()

    def predict(self, signals: Sequence[Signal], *, layers: bool = False) -> Outputs:
        """Scores of signals (samples,) at `sampling_rate`; see `Model`."""
        return self._outputs(signals, layers, frames=False)[0]

    def predict_frames(self, signals: Sequence[Signal]) -> tuple[Outputs, list[Frames]]:
        """Scores, layer means and frames. Layer 0 is the input of the first transformer layer.

        It is the output of the convolutional encoder, projected, with the positional convolution added and,
        if the architecture has a norm at this point, normalised. Whisper always processes 30 s; only its
        frames up to the end of the clip are returned.
        """
        config = self.network.config
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

    def logits(self, signal: "torch.Tensor") -> "torch.Tensor":
        """Logits (c,) of a signal (samples,), in fp32, through which gradients flow back to the samples."""
        return gradients.logits(self, signal)

    def hidden(self, signals: Sequence[Signal]) -> NDArray[np.float32]:
        """The input of the head's last layer for each signal, shape (n, d)."""
        import torch

        with torch.inference_mode():
            found = [hidden_of(self.network, batch, self.dtype) for batch in self._batches(signals)]
        return np.concatenate([each.float().cpu().numpy() for each in found])

    def _outputs(
        self, signals: Sequence[Signal], layers: bool, frames: bool
    ) -> tuple[Outputs, list[list[NDArray[np.float32]]]]:
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
        clips = [clip for _, _, found in parts for clip in found]
        return Outputs(scores=self.rated(scores), layers=means), clips

    def _batches(self, signals: Sequence[Signal]) -> list[list[Inputs]]:
        """Model inputs (each with a leading axis of 1), grouped into batches for one forward pass."""
        rate = self.sampling_rate
        if self._is_fast():  # which packs clips of any length, and computes each the same in any batch
            return [
                [signal_input(self.extractor, signal, rate=rate, device=self.device) for signal in signals]
            ]
        module = self.network.module
        padded = padded_forward.pads_frames(module)
        inputs = [
            inputs_of(self.extractor, signal, rate=rate, module=module, device=self.device, masked=not padded)
            for signal in signals
        ]
        same_shape = len({shapes(x) for x in inputs}) == 1
        # bf16 rounding depends on the shape of a product, by far more than 1e-5, and a batch gains little
        alone = self.device.type == "cpu" and str(self.dtype) == "torch.bfloat16"
        if (same_shape or padded) and not alone:
            return [inputs]
        return [[x] for x in inputs]

    def _forward(
        self, inputs: list[Inputs], layers: bool, keep: bool
    ) -> tuple[NDArray[np.float32], NDArray[np.float32] | None, list[list[NDArray[np.float32]]]]:
        """Scores (n, c), layer means (n, l, d) and, with `keep`, the frames of each clip by layer."""
        import torch

        if self._is_fast():
            return self._fast_forward(inputs, layers, keep)
        every = layers or self.network.reads_all_layers
        outputs, frames = padded_forward.states(self.network.module, inputs, layers=every, dtype=self.dtype)
        if self.network.layout == "native":
            logits = outputs.logits
        elif self.network.head is not None:
            logits = self.network.logits(outputs, frames)
        else:
            logits = torch.empty(len(inputs), 0)
        scores = self._activated(logits.float()).cpu().numpy()
        if not layers:
            return scores, None, []
        states = [state.float() for state in outputs.hidden_states]
        means = torch.stack([padding.pooled(state, frames) for state in states], dim=1).cpu().numpy()
        return scores, means, padding.frames_by_clip(states, frames) if keep else []

    def _activated(self, logits: "torch.Tensor") -> "torch.Tensor":
        """Scores from logits; a layout with a task of its own has activated them."""
        own = layout_named(self.network.layout)
        return logits if own.task else activated(logits, self.task, self.labels)

    def _is_fast(self) -> bool:
        return passes.is_possible(self.network, self.device) and not self.unpacked

    def _fast_forward(
        self, inputs: list[Inputs], layers: bool, keep: bool
    ) -> tuple[NDArray[np.float32], NDArray[np.float32] | None, list[list[NDArray[np.float32]]]]:
        """Same as `_forward`, with packed frames."""
        import torch

        if self.encoder is None:
            self.encoder = passes.encoder_of(self.network, self.device, self.dtype, self.exact)
        if self.encoder is None:
            self.unpacked = True
            return self._forward(inputs, layers, keep)
        found = passes.computed(self.encoder, [first_of(x)[0] for x in inputs], keep=keep)
        logits = [self._activated(passes.logits(self.network, clip)) for clip in found]
        means = torch.stack([clip.layers for clip in found]).cpu().numpy() if layers else None
        frames = [[state.cpu().numpy() for state in clip.frames] for clip in found if keep]
        return torch.cat(logits).cpu().numpy(), means, frames


def load(rest: str, options: LoadOptions) -> TransformersModel:
    """A checkpoint from a directory or the hub (its cache, when offline).

    Raises:
        ModelError: no such checkpoint, an unknown architecture, weights that do not fit, or no head
    """
    import torch

    folder, source = _found(rest, options)
    device = find_device(options.device)
    with ThreadPoolExecutor(1) as pool:  # the weights are hashed while they are read and checked
        hashed = pool.submit(content_digest, folder, FINGERPRINT_VERSION, options.head, options.labels)
        config, extractor, notes, network = read(folder, options, device)
        content = hashed.result()
    own = network.code_files(config, extractor)
    content = digest_with(content, own)
    labels, task = outputs_of(network, config, options.labels, folder)
    network.move_to(device)
    rate = int(extractor.sampling_rate)
    precision, reason, needs_precision = first_precision(options.precision, device)
    return TransformersModel(
        name=folder.resolve().name if source == str(folder) else source.replace("/", "--"),
        labels=labels,
        task=task,
        sampling_rate=rate,
        shortest=feature_extraction.shortest(config) or _shortest(network, extractor, device),
        longest=feature_extraction.longest(extractor, rate),
        fingerprint=stamped(content, precision, device),
        training=beside(folder),
        files=tuple(path.name for path in (*deciding_files(folder), *own)),
        keys_read=network.keys,
        compared_with="" if network.runs_own_code else compared_with(network.layout),
        facts=signal_facts(
            "transformers checkpoint",
            source,
            _network_facts(network, config, folder),
            labels=labels,
            task=task,
            sampling_rate=rate,
            further={
                **_further_facts(network, extractor, folder),
                "precision": precision,
                "precision_reason": reason,
                "device": str(device),
                **facts_of_training(notes, never=network.never_trained),
            },
        ),
        network=network,
        extractor=extractor,
        device=device,
        dtype=torch.bfloat16 if precision == "bf16" else torch.float32,
        content=content,
        needs_precision=needs_precision,
    )


def _found(rest: str, options: LoadOptions) -> tuple[Path, str]:
    """The folder of a checkpoint, whose settings are checked, and where it comes from."""
    folder, source = folder_of(rest, trust_remote_code=options.trust_remote_code)
    check_settings(folder, trust_remote_code=options.trust_remote_code, may_adapt=True)
    return folder, source


def _shortest(network: Network, extractor: Any, device: "torch.device") -> int:
    """Fewest samples of which a network without a known convolutional encoder makes an output."""
    import torch

    module: Any = network.module
    rate = int(extractor.sampling_rate)

    def forward(signal: Signal) -> Any:
        given = inputs_of(extractor, signal, rate=rate, module=module, device=device, masked=True)
        with torch.inference_mode():
            return module(**given)

    return shortest_of(extractor, rate, forward if is_own(module) else None)


def _network_facts(network: Network, config: Any, folder: Path) -> dict[str, Any]:
    own = network.runs_own_code and network.layout == "native"
    return {
        "licence": licence(folder),
        "architecture": network.architecture,
        "model_type": config.model_type,
        "parameters": network.parameters,
        "head": "computed by code of the checkpoint" if own else network.layout,
        **({"pooling": network.pooling} if network.head is not None else {}),
    }


def _further_facts(network: Network, extractor: Any, folder: Path) -> dict[str, Any]:
    return {
        "features": feature_extraction.features(extractor),
        "revision": commit_of(folder) or None,
        "unexpected_keys": list(network.unexpected),
    }
