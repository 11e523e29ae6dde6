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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from sertools.errors import ModelError
from sertools.files import read_json
from sertools.models.checkpoints.weights import tensors_in
from sertools.models.checks import check_finite, names, trial
from sertools.models.device import find_device, only_fp32
from sertools.models.load import LoadOptions
from sertools.models.model import Frames, Outputs, Task
from sertools.models.task import _activate, task_of

if TYPE_CHECKING:
    import torch
from dataclasses import replace
from typing import TYPE_CHECKING

from sertools.models.random_twin import _facts, fingerprint, redrawn, twin_name

if TYPE_CHECKING:
    import torch


SCHEME = "cnn14"


READS = ("labels",)


BANDS = 64


WIDTH, BLOCKS = 64, 6
"""Channels of the first block (each later block has twice as many as the one before); number of blocks."""


FLOOR = 1e-10
"""Smallest power before taking the logarithm, as in PANNs."""


AUDIOSET = "fc_audioset"


HEADS = ("fc_out", "fc_transfer", AUDIOSET)
"""Possible names of the last linear layer: in sertools, in PANNs' fine-tuning example (whose checkpoints also
hold the old, unused layer), and in the published checkpoints. The first one found is used."""


FRONT_END = ("spectrogram_extractor.", "logmel_extractor.")
"""Prefixes of the stored spectrogram constants; sertools computes its own from config.json and compares."""


ENGINE = "cnn14-2"
"""Increased whenever a change of this file changes results; part of the fingerprint."""


class Config(BaseModel):
    """The contents of `config.json`; the spectrogram defaults are those of PANNs at 16 kHz."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    labels: list[str] = []
    task: Literal["regression", "single_label", "multi_label"] | None = None
    sampling_rate: int = 16000
    window: int = 512
    hop: int = 160
    fmin: float = 50
    fmax: float = 8000


@dataclass(kw_only=True)
class Cnn14Model:
    """A CNN14 that computes scores and block means from signals; see `Model`."""

    name: str
    labels: tuple[str, ...]
    task: Task
    sampling_rate: int
    shortest: int
    fingerprint: str
    facts: Mapping[str, Any]
    network: "torch.nn.Module"
    config: Config
    device: "torch.device"

    def random_twin(self, seed: int) -> "Cnn14Model":
        """An untrained model of the same architecture, with random weights from this seed."""
        from sertools.models.kinds.cnn14 import of_cnn14

        return of_cnn14(self, seed)

    @property
    def has_frames(self) -> bool:
        """True: the outputs of the blocks have a time axis."""
        return True

    def predict(self, signals: Sequence[np.ndarray], *, layers: bool = False) -> Outputs:
        """Scores of signals (samples,) at `sampling_rate`; layers are the six blocks, (n, 6, 2048)."""
        return self._outputs(signals, layers)[0]

    def predict_frames(self, signals: Sequence[np.ndarray]) -> tuple[Outputs, list[Frames]]:
        """Scores, layer means, and the mean over bands of each block, per frame.

        Each 2×2 average pooling doubles the time between frames.
        """
        outputs, blocks = self._outputs(signals, True)
        halvings = [min(i, BLOCKS - 1) for i in range(1, BLOCKS + 1)]
        hop_s = self.config.hop / self.config.sampling_rate
        first = tuple((2**n - 1) / 2 * hop_s for n in halvings)
        step = tuple(2**n * hop_s for n in halvings)
        return outputs, [Frames(states=tuple(clip), first_s=first, step_s=step) for clip in blocks]

    def _outputs(self, signals: Sequence[np.ndarray], layers: bool) -> tuple[Outputs, list[list[np.ndarray]]]:
        import torch

        scores, blocks = [], []
        with torch.inference_mode():
            for signal in signals:
                heard = torch.from_numpy(log_mel(signal, self.config)).to(self.device)
                logits, over_bands = self.network(heard[None, None])
                scores.append(_activate(logits.float(), self.task).cpu().numpy())
                blocks.append([block[0].T.float().cpu().numpy() for block in over_bands])
        # without labels the model is a bare encoder, so the output of its last layer is ignored
        answers = np.concatenate(scores)[:, : len(self.labels)]
        means = [[block.mean(axis=0) for block in clip] for clip in blocks]
        padded = [[np.pad(mean, (0, len(clip[-1]) - len(mean))) for mean in clip] for clip in means]
        stacked = np.array(padded, dtype=np.float32) if layers else None
        return Outputs(scores=answers, layers=stacked), blocks


def mel_filters(config: Config) -> np.ndarray:
    """Triangular filters on Slaney's mel scale, each with area 1 in Hz, shape (64, window / 2 + 1).

    The scale is linear below 1 kHz (15 mel) and logarithmic above, with 27 steps for a factor of 6.4
    (Slaney 1998, "Auditory Toolbox").
    """
    steps = np.log(6.4) / 27

    def mel(hz: float) -> float:
        return 3 * hz / 200 if hz < 1000 else 15 + np.log(hz / 1000) / steps

    mels = np.linspace(mel(config.fmin), mel(config.fmax), BANDS + 2)
    corners = np.where(mels < 15, mels * 200 / 3, 1000 * np.exp((mels - 15) * steps))
    bins = np.arange(config.window // 2 + 1) * config.sampling_rate / config.window
    low, centre, high = (corners[i : BANDS + i, None] for i in range(3))
    rising, falling = (bins - low) / (centre - low), (high - bins) / (high - centre)
    filters: np.ndarray = np.maximum(0, np.minimum(rising, falling)) * 2 / (high - low)
    return filters.astype(np.float32)


def log_mel(signal: np.ndarray, config: Config) -> np.ndarray:
    """Power in 64 mel bands in dB, shape (frames, 64); frames = 1 + samples // hop.

    Periodic Hann window; frames are centred on multiples of the hop, with the signal reflected at both ends.
    """
    half = config.window // 2
    padded = np.pad(np.asarray(signal, dtype=np.float32), half, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, config.window)[:: config.hop]
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(config.window) / config.window)).astype(np.float32)
    power = np.abs(np.fft.rfft(frames * window, axis=1)) ** 2
    bands = power @ mel_filters(config).T
    decibels: np.ndarray = 10 * np.log10(np.maximum(bands, FLOOR, dtype=np.float64))
    return decibels.astype(np.float32)


def build(outputs: int, head: str = "fc_out", width: int = WIDTH) -> "torch.nn.Module":
    """A CNN14 network with random weights.

    It maps log-mel spectrograms (n, 1, frames, 64) to logits (n, outputs) and, for each block, the mean over
    bands (n, channels, frames).

    Args:
        outputs: number of labels
        head: name of the last linear layer
        width: channels of the first block
    """
    import torch
    from torch import nn

    wide = [width * 2**i for i in range(BLOCKS)]

    class Block(nn.Module):
        def __init__(self, before: int, channels: int) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(before, channels, 3, padding=1, bias=False)
            self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
            self.bn1 = nn.BatchNorm2d(channels)
            self.bn2 = nn.BatchNorm2d(channels)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.bn1(self.conv1(x)).relu()
            x = self.bn2(self.conv2(x)).relu()
            return x

    class Cnn14(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bn0 = nn.BatchNorm2d(BANDS)
            for i, (before, channels) in enumerate(zip((1, *wide), wide, strict=False), 1):
                self.add_module(f"conv_block{i}", Block(before, channels))
            self.fc1 = nn.Linear(wide[-1], wide[-1])
            self.add_module(head, nn.Linear(wide[-1], outputs))

        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
            x = self.bn0(x.transpose(1, 3)).transpose(1, 3)
            over_bands = []
            for i in range(1, BLOCKS + 1):
                x = self.get_submodule(f"conv_block{i}")(x)
                if i < BLOCKS:
                    x = nn.functional.avg_pool2d(x, 2)
                over_bands.append(x.mean(dim=3))
            last = over_bands[-1]
            pooled = last.amax(dim=2) + last.mean(dim=2)
            logits: torch.Tensor = self.get_submodule(head)(self.fc1(pooled).relu())
            return logits, over_bands

    return Cnn14()


def load(rest: str, options: LoadOptions) -> Cnn14Model:
    """Loads a CNN14 from a directory.

    Raises:
        ModelError: no such directory, no weights, a missing or unexpected key, or settings that contradict
            the spectrogram stored in a PANNs checkpoint
    """
    import torch

    precision, device = only_fp32(options.precision, SCHEME), find_device(options.device)
    folder = Path(rest).expanduser()
    config = _config(folder)
    path = _weights(folder)
    tensors = _tensors(path)
    front_end = {key: tensors.pop(key) for key in list(tensors) if key.startswith(FRONT_END)}
    _check_front_end(front_end, config, path)
    head = next((name for name in HEADS if f"{name}.bias" in tensors), None)
    if head is None:
        raise ModelError(
            f"{path} has no head: it has none of {', '.join(HEADS)}",
            hint="train one, or use a checkpoint with a head",
        )
    if head != AUDIOSET:
        tensors = {key: value for key, value in tensors.items() if not key.startswith(f"{AUDIOSET}.")}
    outputs = tensors[f"{head}.bias"].numel()
    first = tensors.get("conv_block1.conv1.weight")
    network = build(outputs, head, WIDTH if first is None or first.dim() != 4 else len(first))
    counted = {key for key in network.state_dict() if not key.endswith("num_batches_tracked")}
    missing, odd = sorted(counted - set(tensors)), sorted(set(tensors) - set(network.state_dict()))
    if missing or odd:
        raise ModelError(
            f"{path} is not a CNN14 checkpoint: missing keys {_some(missing)}; unexpected keys {_some(odd)}",
            hint="name the keys as in the published PANNs checkpoints",
        )
    try:
        network.load_state_dict(tensors, strict=False)
    except RuntimeError as error:
        raise ModelError(f"{path} is not a CNN14 checkpoint: {' '.join(str(error).split())[:200]}") from error
    broken = [key for key, tensor in tensors.items() if not bool(torch.isfinite(tensor).all())]
    if broken:
        raise ModelError(f"{path} has weights that are not finite: {_some(broken)}")
    labels, task = _answers(options.labels, config, head, outputs, folder)
    model = Cnn14Model(
        name=folder.resolve().name,
        labels=labels,
        task=task,
        sampling_rate=config.sampling_rate,
        shortest=_shortest(config),
        fingerprint=_fingerprint(path, config, labels, task),
        facts={
            "kind": "CNN14",
            "source": str(folder),
            "architecture": "CNN14 (PANNs)",
            "parameters": sum(p.numel() for p in network.parameters()),
            "layers": BLOCKS,
            "head": head if labels else "none",
            "unexpected_keys": [] if labels else [f"{head}.weight", f"{head}.bias"],
            "labels": list(labels),
            "task": task,
            "sampling_rate": config.sampling_rate,
            "features": f"log-mel, {BANDS} bands {config.fmin:g}–{config.fmax:g} Hz, window {config.window}, "
            f"hop {config.hop} samples",
            "device": str(device),
            "precision": precision,
            "notes": [],
        },
        network=network.eval().to(device),
        config=config,
        device=device,
    )
    check_finite(model.predict(trial(config.sampling_rate)[:1]).scores, str(folder))
    return model


def _answers(
    asked: Sequence[str], config: Config, head: str, outputs: int, folder: Path
) -> tuple[tuple[str, ...], Task]:
    """Labels and task; an AudioSet head without given labels is ignored, as its classes are not emotions."""
    if head == AUDIOSET and not asked and not config.labels:
        return (), "encoder"
    labels = names(asked, config.labels, outputs, str(folder))
    # the original PANNs head predicts each class independently
    return labels, config.task or ("multi_label" if head == AUDIOSET else task_of(None, labels))


def _config(folder: Path) -> Config:
    path = folder / "config.json"
    if not path.is_file():
        raise ModelError(
            f"{folder} is not a CNN14 checkpoint: it has no config.json",
            hint='create it with {"labels": […], "sampling_rate": 16000, "window": 512, …}',
        )
    try:
        config = Config.model_validate(read_json(path, error=ModelError, what="the configuration"))
    except ValidationError as error:
        first = error.errors()[0]
        raise ModelError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    positive = min(config.sampling_rate, config.window, config.hop) > 0 and config.window % 2 == 0
    if not positive or not 0 <= config.fmin < config.fmax <= config.sampling_rate / 2:
        raise ModelError(
            f"{path}: sampling_rate {config.sampling_rate}, window {config.window}, hop {config.hop}, "
            f"fmin {config.fmin:g} and fmax {config.fmax:g} are not valid together",
            hint="all must be positive, the window even, and fmin < fmax ≤ sampling_rate / 2",
        )
    return config


def _weights(folder: Path) -> Path:
    if (folder / "model.safetensors").is_file():
        return folder / "model.safetensors"
    found = sorted([*folder.glob("*.pth"), *folder.glob("*.pt")])
    if len(found) != 1:
        raise ModelError(
            f"{folder} has {len(found) or 'no'} weight files: {', '.join(p.name for p in found) or 'none'}",
            hint="provide exactly one: model.safetensors or a .pth file of PANNs",
        )
    return found[0]


def _tensors(path: Path) -> dict[str, Any]:
    # the transfer learning example of PANNs stores the network under `base`
    return {k.removeprefix("module.").removeprefix("base."): t for k, t in tensors_in(path).items()}


def _check_front_end(stored: Mapping[str, Any], config: Config, path: Path) -> None:
    """Refuses a config.json that does not match the spectrogram which the checkpoint was trained on."""
    filters = stored.get("logmel_extractor.melW")
    if filters is None:
        return
    ours = mel_filters(config).T
    if tuple(filters.shape) != ours.shape or not np.allclose(filters.numpy(), ours, rtol=1e-3, atol=1e-6):
        raise ModelError(
            f"{path} was trained on a different spectrogram than config.json describes: its filters of shape "
            f"{tuple(filters.shape)} do not match {config.sampling_rate} Hz, window "
            f"{config.window}, {config.fmin:g} to {config.fmax:g} Hz",
            hint="sampling_rate, window, hop, fmin, fmax of PANNs: 16000, 512, 160, 50, 8000 or "
            "32000, 1024, 320, 50, 14000",
        )


def _shortest(config: Config) -> int:
    """Minimum number of samples: 32 frames, so that one remains after five poolings; enough to reflect."""
    return max(31 * config.hop, config.window // 2 + 1)


def _some(keys: list[str], shown: int = 4) -> str:
    more = f" and {len(keys) - shown} more" if len(keys) > shown else ""
    return (", ".join(keys[:shown]) + more) or "none"


def _fingerprint(path: Path, config: Config, labels: Sequence[str], task: str) -> str:
    digest = hashlib.blake2b(f"{ENGINE} {labels} {task} {config}".encode(), digest_size=16)
    with path.open("rb") as file:
        digest.update(hashlib.file_digest(file, "blake2b").digest())
    return digest.hexdigest()


def of_cnn14(model: "Cnn14Model", seed: int) -> "Cnn14Model":
    """An untrained CNN14 of the same width on the same spectrogram; its head is not used.

    The mean and variance of the spectrogram's bands are copied, as they are statistics of the input rather
    than learnt weights.
    """
    trained: Any = model.network
    network: Any = redrawn(lambda: build(1, width=len(trained.conv_block1.conv1.weight)), seed)
    network.bn0.running_mean.copy_(trained.bn0.running_mean)
    network.bn0.running_var.copy_(trained.bn0.running_var)
    return replace(
        model,
        name=twin_name(model.name),
        labels=(),
        task="encoder",
        network=network.to(model.device),
        fingerprint=fingerprint(network, str(model.config)),
        facts=_facts(model.facts, seed),
    )
