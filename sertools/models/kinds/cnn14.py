"""CNN14 of PANNs: a directory with config.json and the weights, `model.safetensors` or PANNs' own `.pth`.

Log-mel spectrogram (64 bands) → batch norm per band → six blocks of two 3×3 convolutions, each with batch
norm and ReLU, with 64, 128, … 2048 channels, 2×2 average pooling after all but the last → mean over bands →
maximum plus mean over time → a linear layer with ReLU → one output per label (Kong et al. 2020, "PANNs",
IEEE/ACM TASLP 28, table I and section III). The state-dict keys match the published checkpoints, and so do
these settings:

    {"labels": ["anger", "neutral"], "task": "single_label", "sampling_rate": 16000,
     "window": 512, "hop": 160, "fmin": 50, "fmax": 8000}

at 16 kHz, and 1024, 320, 50, 14000 at 32 kHz. A network with fewer channels can be loaded too.
The layers are the six blocks, each averaged over bands and time and zero-padded to the widest block:
(n, 6, 2048). Clips are processed one at a time.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sertools.models.checkpoints.hub.files import commit_of, local_or_downloaded, name_and_source
from sertools.models.checks import check_finite, names, trial
from sertools.models.cnn14.files import AUDIOSET, config_of, network_of, weight_file
from sertools.models.cnn14.network import BLOCKS, build
from sertools.models.cnn14.spectrogram import BANDS, Config, log_mel
from sertools.models.derived.random_twin import redrawn, twin_fingerprint, untrained
from sertools.models.device import find_device
from sertools.models.load import LoadOptions
from sertools.models.loaded import LoadedSignalModel, signal_facts, trained_facts
from sertools.models.model import Frames, Outputs, Signal, Task
from sertools.models.task import activated, task_of

if TYPE_CHECKING:
    import torch

SCHEME = "cnn14"
ORIGINAL = "equal to the table of the paper, written again, with random weights"
READS = ("labels", "model_scale", "device")

FILES = ("config.json", "model.safetensors", "*.pth", "*.pt", "README.md")
"""Files that are downloaded of a checkpoint of the hub."""

FINGERPRINT_VERSION = "cnn14-2"
"""Increased whenever a change of this kind of model changes results; part of the fingerprint."""


@dataclass(kw_only=True)
class Cnn14Model(LoadedSignalModel):
    """A CNN14 that computes scores and block means from signals; see `Model`."""

    network: "torch.nn.Module"
    config: Config
    device: "torch.device"

    def random_twin(self, seed: int) -> "Cnn14Model":
        """An untrained CNN14 of the same width on the same spectrogram."""
        trained: Any = self.network
        network: Any = redrawn(lambda: build(1, width=len(trained.conv_block1.conv1.weight)), seed)
        # not learnt: the mean and variance of the spectrogram's bands are statistics of the input
        network.bn0.running_mean.copy_(trained.bn0.running_mean)
        network.bn0.running_var.copy_(trained.bn0.running_var)
        content = twin_fingerprint(network, str(self.config))
        return untrained(self, seed, network=network.to(self.device), fingerprint=content)

    @property
    def has_frames(self) -> bool:
        """True: the outputs of the blocks have a time axis."""
        return True

    def predict(self, signals: Sequence[Signal], *, layers: bool = False) -> Outputs:
        """Scores of signals (samples,) at `sampling_rate`; layers are the six blocks, (n, 6, 2048)."""
        return self._outputs(signals, layers)[0]

    def predict_frames(self, signals: Sequence[Signal]) -> tuple[Outputs, list[Frames]]:
        """Scores, layer means, and the mean over bands of each block, per frame.

        Each 2×2 average pooling doubles the time between frames.
        """
        outputs, blocks = self._outputs(signals, True)
        halvings = [min(i, BLOCKS - 1) for i in range(1, BLOCKS + 1)]
        hop_s = self.config.hop / self.config.sampling_rate
        first = tuple((2**n - 1) / 2 * hop_s for n in halvings)
        step = tuple(2**n * hop_s for n in halvings)
        return outputs, [Frames(states=tuple(clip), first_s=first, step_s=step) for clip in blocks]

    def _outputs(
        self, signals: Sequence[Signal], layers: bool
    ) -> tuple[Outputs, list[list[NDArray[np.float32]]]]:
        import torch

        scores, blocks = [], []
        with torch.inference_mode():
            for signal in signals:
                bands = torch.from_numpy(log_mel(signal, self.config)).to(self.device)
                logits, over_bands = self.network(bands[None, None])
                scores.append(activated(logits.float(), self.task, self.labels).cpu().numpy())
                blocks.append([block[0].T.float().cpu().numpy() for block in over_bands])
        # without labels the model is a bare encoder, so the output of its last layer is ignored
        answers = np.concatenate(scores)[:, : len(self.labels)]
        means = [[block.mean(axis=0) for block in clip] for clip in blocks]
        padded = [[np.pad(mean, (0, len(clip[-1]) - len(mean))) for mean in clip] for clip in means]
        stacked = np.array(padded, dtype=np.float32) if layers else None
        return Outputs(scores=self.rated(answers), layers=stacked), blocks


def load(rest: str, options: LoadOptions) -> Cnn14Model:
    """Loads a CNN14 from a directory, or `owner/name` of the hub.

    Raises:
        ModelError: no such directory, no weights, a missing or unexpected key, or settings that contradict
            the spectrogram stored in a PANNs checkpoint
    """
    device = find_device(options.device)
    folder = local_or_downloaded(rest, FILES)
    name, source = name_and_source(rest, folder)
    config = config_of(folder)
    path = weight_file(folder)
    network, head, outputs = network_of(path, config)
    labels, task = _answers(options.labels, config, head, outputs, folder)
    model = Cnn14Model(
        name=name,
        labels=labels,
        task=task,
        sampling_rate=config.sampling_rate,
        shortest=_shortest(config),
        fingerprint=_fingerprint(path, config, labels, task),
        files=("config.json", path.name),
        compared_with=ORIGINAL,
        facts=signal_facts(
            "CNN14",
            source,
            {
                "architecture": "CNN14 (PANNs)",
                "parameters": sum(p.numel() for p in network.parameters()),
                "layers": BLOCKS,
                "head": head if labels else "none",
                "unexpected_keys": [] if labels else [f"{head}.weight", f"{head}.bias"],
            },
            labels=labels,
            task=task,
            sampling_rate=config.sampling_rate,
            further={
                "features": f"log-mel, {BANDS} bands {config.fmin:g}–{config.fmax:g} Hz, "
                f"window {config.window}, hop {config.hop} samples",
                "revision": commit_of(folder) or None,
                "device": str(device),
                "precision": "fp32",
                **trained_facts(network),
            },
        ),
        network=network.eval().to(device),
        config=config,
        device=device,
    )
    check_finite(model.predict(trial(config.sampling_rate)[:1]).scores, str(folder))
    return model


def _answers(
    given: Sequence[str], config: Config, head: str, outputs: int, folder: Path
) -> tuple[tuple[str, ...], Task]:
    """Labels and task; an AudioSet head without given labels is ignored, as its classes are not emotions."""
    if head == AUDIOSET and not given and not config.labels:
        return (), "encoder"
    labels = names(given, config.labels, outputs, str(folder))
    # the original PANNs head predicts each class independently
    return labels, config.task or ("multi_label" if head == AUDIOSET else task_of(None, labels))


def _shortest(config: Config) -> int:
    """Minimum number of samples: 32 frames, so that one remains after five poolings; enough to reflect."""
    return max(31 * config.hop, config.window // 2 + 1)


def _fingerprint(path: Path, config: Config, labels: Sequence[str], task: str) -> str:
    digest = hashlib.blake2b(f"{FINGERPRINT_VERSION} {labels} {task} {config}".encode(), digest_size=16)
    with path.open("rb") as file:
        digest.update(hashlib.file_digest(file, "blake2b").digest())
    return digest.hexdigest()
