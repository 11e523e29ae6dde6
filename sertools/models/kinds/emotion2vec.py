"""emotion2vec, run by FunASR: a directory as published, with config.yaml, model.pt and tokens.txt.

The network is FunASR's (Ma et al. 2024, "emotion2vec", Findings of ACL): seven convolutions, blocks whose
attention decays with distance, the mean over time, and, in checkpoints that classify, a linear head over nine
classes. sertools itself reads the files, checks the weights and does the pooling, because FunASR runs a
string of config.yaml as code and leaves missing weights random.

The labels are the English part of each line of tokens.txt (`生气/angry`), `unknown` for `<unk>`; lines that
start with `unuse` are not labels, and their scores are ignored. A checkpoint without a head is a bare
encoder. The layers are the input of the first block and the output of each block, first those of the prenet,
then the main ones; the frames of the last layer and their mean are FunASR's frame-level and utterance-level
features. Clips are processed one at a time.
"""

import contextlib
import hashlib
import importlib
import importlib.metadata
import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sertools.errors import ModelError
from sertools.models.checkpoints import feature_extraction
from sertools.models.checkpoints.emotion2vec_files import HEAD, Files, english, read
from sertools.models.checkpoints.hub.card import licence
from sertools.models.checkpoints.hub.files import commit_of, local_or_downloaded, name_and_source
from sertools.models.checks import check_finite, names, trial
from sertools.models.device import find_device
from sertools.models.load import LoadOptions
from sertools.models.loaded import LoadedSignalModel, signal_facts, trained_facts
from sertools.models.model import Frames, Outputs, Signal, Task

if TYPE_CHECKING:
    import torch

SCHEME = "emotion2vec"
READS = ("labels", "model_scale", "device")
ORIGINAL = "equal to FunASR's own inference, with random weights"
RATE_HZ = 16000
DECODER = "modality_encoders.AUDIO.decoder."
"""Prefix of the decoder that reconstructs masked frames in pre-training; it is not used afterwards."""

FILES = ("config.yaml", "model.pt", "tokens.txt", "README.md")
"""Files that are downloaded of a checkpoint of the hub."""

FINGERPRINT_VERSION = "emotion2vec-1"
"""Increased whenever a change of this kind of model changes results; part of the fingerprint."""


@dataclass(kw_only=True)
class Emotion2vecModel(LoadedSignalModel):
    """An emotion2vec checkpoint that computes scores and layer means from signals; see `Model`.

    Attributes:
        network: of FunASR
        outputs: outputs of its head that are labels; empty for a bare encoder
        geometry: kernels and strides of its convolutions
        device: of the network
    """

    network: Any
    outputs: list[int]
    geometry: SimpleNamespace
    device: "torch.device"

    @property
    def has_frames(self) -> bool:
        """True: the outputs of the blocks have a time axis."""
        return True

    def predict(self, signals: Sequence[Signal], *, layers: bool = False) -> Outputs:
        """Scores of signals (samples,) at 16 kHz; layers are the input and the blocks, (n, blocks + 1, d)."""
        return self._outputs(signals, layers)[0]

    def predict_frames(self, signals: Sequence[Signal]) -> tuple[Outputs, list[Frames]]:
        """Scores, layer means and frames; layer 0 is the input of the first block."""
        outputs, states = self._outputs(signals, True)
        found = []
        for signal, clip in zip(signals, states, strict=True):
            grid = feature_extraction.grid(self.geometry, RATE_HZ, len(signal), len(clip[0]))
            first, step = (grid.first_s,) * len(clip), (grid.step_s,) * len(clip)
            found.append(Frames(states=tuple(clip), first_s=first, step_s=step))
        return outputs, found

    def _outputs(
        self, signals: Sequence[Signal], layers: bool
    ) -> tuple[Outputs, list[list[NDArray[np.float32]]]]:
        import torch

        scores, states = [], []
        with torch.inference_mode():
            for signal in signals:
                tensor = torch.from_numpy(np.ascontiguousarray(signal, dtype=np.float32))
                found = self._states(tensor.to(self.device))
                states.append([state[0].float().cpu().numpy() for state in found])
                if self.outputs:
                    logits = self.network.proj(found[-1].mean(dim=1))[:, self.outputs]
                    scores.append(logits.softmax(dim=-1).float().cpu().numpy())
        answers = np.concatenate(scores) if scores else np.zeros((len(signals), 0), dtype=np.float32)
        means = np.array([[layer.mean(axis=0) for layer in clip] for clip in states]) if layers else None
        return Outputs(scores=self.rated(answers), layers=means), states

    def _states(self, signal: "torch.Tensor") -> "list[torch.Tensor]":
        """Input of the first block and output of each block, (1, t, d), without the prepended tokens."""
        import torch

        encoder = self.network.modality_encoders["AUDIO"]
        blocks = [*encoder.context_encoder.blocks, *self.network.blocks]
        captured: list[torch.Tensor] = []
        hooks = [blocks[0].register_forward_pre_hook(lambda _, inputs: captured.append(inputs[0]))]
        hooks += [
            block.register_forward_hook(lambda _, __, answer: captured.append(answer[0])) for block in blocks
        ]
        if self.network.cfg.normalize:
            signal = torch.nn.functional.layer_norm(signal, signal.shape)
        try:
            last = self.network.extract_features(signal[None])["x"]
        finally:
            for hook in hooks:
                hook.remove()
        before = encoder.modality_cfg.num_extra_tokens
        # if a norm follows the last block, the output of the norm is used
        return [*(state[:, before:] for state in captured[:-1]), last]


def load(rest: str, options: LoadOptions) -> Emotion2vecModel:
    """Loads an emotion2vec checkpoint from a directory, or `owner/name` of the hub.

    Raises:
        ModelError: no such directory, a missing, damaged or unsafe file, weights that do not fit, or FunASR
            is not installed
    """
    device = find_device(options.device)
    files = read(local_or_downloaded(rest, FILES))
    name, source = name_and_source(rest, files.folder)
    outputs = [i for i, token in enumerate(files.tokens) if not token.startswith("unuse")]
    if HEAD not in files.tensors:
        outputs = []
    stated = [english(files.tokens[i]) for i in outputs]
    labels = names(options.labels, stated, len(stated), rest) if outputs else ()
    task: Task = "single_label" if labels else "encoder"
    network = _network(files)
    unexpected = _fill(network, files)
    geometry = _geometry(files)
    model = Emotion2vecModel(
        name=name,
        labels=labels,
        task=task,
        sampling_rate=RATE_HZ,
        shortest=feature_extraction.shortest(geometry),
        fingerprint=_fingerprint(files, labels),
        files=("config.yaml", "model.pt", *(["tokens.txt"] if files.tokens else [])),
        keys_read=len(network.state_dict()),
        compared_with=ORIGINAL,
        facts=signal_facts(
            "emotion2vec",
            source,
            _network_facts(network, "proj" if labels else "none"),
            labels=labels,
            task=task,
            sampling_rate=RATE_HZ,
            further={
                "features": "zero mean and unit variance per clip" if network.cfg.normalize else "raw signal",
                "licence": licence(files.folder),
                "revision": commit_of(files.folder) or None,
                "unexpected_keys": unexpected,
                "device": str(device),
                "precision": "fp32",
                **trained_facts(network),
            },
        ),
        network=network.eval().to(device),
        outputs=outputs,
        geometry=geometry,
        device=device,
    )
    if labels:
        check_finite(model.predict(trial(RATE_HZ)[:1]).scores, rest)
    return model


def _fingerprint(files: Files, labels: Sequence[str]) -> str:
    settings = f"{FINGERPRINT_VERSION} {files.digest} {labels}"
    return hashlib.blake2b(settings.encode(), digest_size=16).hexdigest()


def _geometry(files: Files) -> SimpleNamespace:
    """The convolutions, under the names that configurations of transformers have for them."""
    return SimpleNamespace(
        model_type="emotion2vec",
        conv_kernel=[kernel for _, kernel, _ in files.convolutions],
        conv_stride=[stride for _, _, stride in files.convolutions],
    )


def _network_facts(network: Any, head: str) -> dict[str, Any]:
    blocks = len(network.modality_encoders["AUDIO"].context_encoder.blocks) + len(network.blocks)
    return {
        "architecture": "emotion2vec (FunASR)",
        "parameters": sum(p.numel() for p in network.parameters()),
        "layers": blocks + 1,
        "head": head,
    }


def _network(files: Files) -> Any:
    """FunASR's network, with random weights."""
    try:
        importlib.metadata.version("funasr")
    except importlib.metadata.PackageNotFoundError as error:
        raise ModelError(
            "emotion2vec needs FunASR, which is not installed", hint="pip install funasr"
        ) from error
    # FunASR imports all of its models; warnings and messages about the others are irrelevant here
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        try:
            make = importlib.import_module("funasr.models.emotion2vec.model").Emotion2vec
        except (ImportError, OSError) as error:  # OSError if torchaudio was built for another torch version
            raise ModelError(
                f"FunASR cannot be imported: {' '.join(str(error).split())[:200]}",
                hint="pip install -U funasr; if torchaudio is mentioned, match it to torch or uninstall it",
            ) from error
    try:
        return make(model_conf=files.settings, vocab_size=len(files.tokens))
    except (AttributeError, TypeError, ValueError, KeyError, AssertionError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelError(
            f"{files.folder / 'config.yaml'} does not describe a valid network: {reason}"
        ) from error


def _fill(network: Any, files: Files) -> list[str]:
    """Loads the weights into the network; returns the names of unused weights.

    Raises:
        ModelError: a weight is missing, has the wrong shape or is not finite
    """
    import torch

    wanted = network.state_dict()
    where = files.folder / "model.pt"
    missing = sorted(set(wanted) - set(files.tensors))
    if missing:
        raise ModelError(
            f"{where} lacks {len(missing)} of {len(wanted)} weights, e.g. {missing[0]}; FunASR would "
            "leave them random"
        )
    for key, tensor in wanted.items():
        if files.tensors[key].shape != tensor.shape:
            ours, theirs = tuple(tensor.shape), tuple(files.tensors[key].shape)
            raise ModelError(f"{where}: {key} has shape {theirs}, but config.yaml requires {ours}")
        if not bool(torch.isfinite(files.tensors[key]).all()):
            raise ModelError(f"{where}: {key} contains values that are not finite")
    network.load_state_dict({key: files.tensors[key] for key in wanted})
    return sorted(key for key in files.tensors if key not in wanted and not key.startswith(DECODER))
