"""SenseVoice, run by FunASR, `sensevoice:DIR` or `sensevoice:owner/name`: the emotion token of its text.

SenseVoice recognises speech and writes tokens for language, emotion, sound event and style before the text.
The emotion token is the answer in words: `<|HAPPY|>`, `<|SAD|>`, `<|ANGRY|>`, `<|NEUTRAL|>`, `<|FEARFUL|>`,
`<|DISGUSTED|>` or `<|SURPRISED|>`. A text with `<|EMO_UNKNOWN|>`, or without an emotion token, names no
class: it counts as wrong and is listed. sertools reads the files itself, because FunASR runs strings of
config.yaml as code and leaves missing weights random; the noise (dither) that FunASR adds to each clip anew
is left out.
"""

import contextlib
import hashlib
import importlib
import importlib.util
import io
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sertools.errors import ModelError, foreign
from sertools.files import read_yaml
from sertools.models.checkpoints.hub.card import licence
from sertools.models.checkpoints.hub.files import commit_of, local_or_downloaded, name_and_source
from sertools.models.checkpoints.settings import check_numbers
from sertools.models.checkpoints.weights.tensors import tensors_in
from sertools.models.checkpoints.weights.unread import listed
from sertools.models.device import find_device
from sertools.models.load import LoadOptions
from sertools.models.loaded import LoadedSignalModel, signal_facts, trained_facts
from sertools.models.model import Outputs, Signal
from sertools.models.words.answers import WORDS, scores_of
from sertools.models.words.parse import RULE

if TYPE_CHECKING:
    import torch

SCHEME = "sensevoice"
READS = ("device",)
ORIGINAL = "equal to FunASR's own inference, with random weights"
RATE_HZ = 16000

CONFIG, WEIGHTS = "config.yaml", "model.pt"
WORDS_OF_TEXT = "*.bpe.model"
"""The file of the tokeniser."""

FILES = (CONFIG, WEIGHTS, "am.mvn", WORDS_OF_TEXT, "README.md")
"""Files that are downloaded of a checkpoint of the hub."""

EMOTIONS = ("happy", "sad", "angry", "neutral", "fearful", "disgusted", "surprised")
"""The emotions that a token may name, in the order of the tokens."""

TOKEN = re.compile(r"<\|(HAPPY|SAD|ANGRY|NEUTRAL|FEARFUL|DISGUSTED|SURPRISED|EMO_UNKNOWN)\|>")

SETTINGS: Mapping[str, Any] = {"language": "auto", "use_itn": False}
"""Settings of the inference, recorded in the facts."""

FINGERPRINT_VERSION = "sensevoice-1"
"""Increased whenever a change of this kind of model changes results; part of the fingerprint."""


@dataclass(kw_only=True)
class SenseVoiceModel(LoadedSignalModel):
    """A SenseVoice checkpoint; see `Model`.

    Attributes:
        network: of FunASR
        frontend: of FunASR, makes features of a signal
        tokenizer: of FunASR, makes text of tokens
        device: of the network
    """

    network: Any
    frontend: Any
    tokenizer: Any
    device: "torch.device"

    def predict(self, signals: Sequence[Signal], *, layers: bool = False) -> Outputs:
        """Scores of signals: 1 for the emotion that is named, 0 for the others; no layers."""
        answers = [answer(self.text(signal)) for signal in signals]
        scores, reasons = scores_of(answers, self.labels, {}, self.name)
        return Outputs(scores=scores.astype(np.float32), reasons=tuple(reasons))

    def text(self, signal: Signal) -> str:
        """Output of FunASR for a signal (samples,): tokens, then the words."""
        import torch

        with torch.inference_mode(), warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            results, _ = self.network.inference(
                [torch.from_numpy(np.ascontiguousarray(signal))],
                key=["clip"],
                tokenizer=self.tokenizer,
                frontend=self.frontend,
                device=str(self.device),
                **SETTINGS,
            )
        return str(results[0]["text"])


def answer(text: str) -> str | None:
    """The emotion that a text of SenseVoice names; `<unk>` for its unknown one, None without such a token.

    >>> answer("<|en|><|HAPPY|><|Speech|><|woitn|>good morning"), answer("<|en|><|EMO_UNKNOWN|>")
    ('happy', '<unk>')
    """
    found = TOKEN.search(text)
    if found is None:
        return None
    return "<unk>" if found[1] == "EMO_UNKNOWN" else found[1].lower()


def load(rest: str, options: LoadOptions) -> SenseVoiceModel:
    """Loads a SenseVoice checkpoint from a directory, or `owner/name` of the hub.

    Raises:
        ModelError: no such directory, a missing or damaged file, weights that do not fit, or FunASR is not
            installed
    """
    device = find_device(options.device)
    classes = _imported(rest)
    folder = local_or_downloaded(rest, FILES)
    name, source = name_and_source(rest, folder)
    network, frontend, tokenizer, unread = _built(classes, folder)
    network = network.to(device).eval()
    deciding = [folder / CONFIG, folder / WEIGHTS, _file(folder, WORDS_OF_TEXT), *folder.glob("am.mvn")]
    return SenseVoiceModel(
        name=name,
        labels=EMOTIONS,
        task="single_label",
        sampling_rate=RATE_HZ,
        shortest=RATE_HZ // 10,
        fingerprint=_fingerprint(deciding),
        files=tuple(path.name for path in deciding),
        keys_read=len(network.state_dict()),
        compared_with=ORIGINAL,
        facts=signal_facts(
            "SenseVoice",
            source,
            {
                "architecture": "SenseVoice (FunASR)",
                "parameters": sum(p.numel() for p in network.parameters()),
                "head": "answers in words",
                "answers": WORDS,
            },
            labels=EMOTIONS,
            task="single_label",
            sampling_rate=RATE_HZ,
            further={
                "features": "FunASR's filter banks, without dither",
                "licence": licence(folder),
                "revision": commit_of(folder) or None,
                "unexpected_keys": unread,
                "generation": dict(SETTINGS),
                "parsed_by": RULE,
                "device": str(device),
                "precision": "fp32",
                **trained_facts(network),
            },
        ),
        network=network,
        frontend=frontend,
        tokenizer=tokenizer,
        device=device,
    )


def _imported(rest: str) -> dict[str, Any]:
    """FunASR's classes of the network, the front end and the tokeniser.

    Raises:
        ModelError: FunASR, or what it needs here, is not installed
    """
    if importlib.util.find_spec("funasr") is None:
        raise ModelError(
            f"sensevoice:{rest} needs FunASR, which is not installed",
            hint="pip install funasr torchaudio sentencepiece",
        )
    # FunASR imports all of its models; warnings and messages about the others are irrelevant here
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        try:
            return {
                "network": importlib.import_module("funasr.models.sense_voice.model").SenseVoiceSmall,
                "frontend": importlib.import_module("funasr.frontends.wav_frontend").WavFrontend,
                "tokenizer": importlib.import_module(
                    "funasr.tokenizer.sentencepiece_tokenizer"
                ).SentencepiecesTokenizer,
            }
        except (ImportError, OSError) as error:  # OSError if torchaudio was built for another torch version
            raise ModelError(
                f"FunASR cannot be imported: {' '.join(str(error).split())[:200]}",
                hint="pip install funasr torchaudio sentencepiece; match torchaudio to torch",
            ) from error


def _built(classes: Mapping[str, Any], folder: Path) -> tuple[Any, Any, Any, list[str]]:
    """Network with its weights, front end, tokeniser, and the names of unused weights."""
    config = _config(folder)
    tensors = tensors_in(_file(folder, WEIGHTS))
    scale = config["frontend_conf"].get("cmvn_file")
    settings = {
        **config["frontend_conf"],
        "dither": 0.0,
        "cmvn_file": str(_file(folder, Path(str(scale)).name)) if scale else None,
    }
    with foreign(f"FunASR cannot build the network of {folder}", ModelError), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tokenizer = classes["tokenizer"](bpemodel=_file(folder, WORDS_OF_TEXT))
        frontend = classes["frontend"](**settings)
        network = classes["network"](
            **config.get("model_conf", {}),
            encoder=config["encoder"],
            encoder_conf=config["encoder_conf"],
            input_size=frontend.output_size(),
            vocab_size=tokenizer.get_vocab_size(),
        )
    return network, frontend, tokenizer, _fill(network, tensors, folder)


def _config(folder: Path) -> dict[str, Any]:
    """The content of config.yaml, checked."""
    path = folder / CONFIG
    content = read_yaml(path, error=ModelError, what="the settings of SenseVoice")
    check_numbers(content, str(path))
    if not isinstance(content, dict) or content.get("model") != "SenseVoiceSmall":
        named = content.get("model") if isinstance(content, dict) else content
        raise ModelError(f"{path} is of the model {str(named)[:60]!r}, not of SenseVoiceSmall")
    absent = [key for key in ("encoder", "encoder_conf", "frontend_conf") if key not in content]
    if absent:
        raise ModelError(f"{path} lacks {absent[0]}")
    return content


def _file(folder: Path, pattern: str) -> Path:
    """The file that a pattern names."""
    found = sorted(path for path in folder.glob(pattern) if path.is_file())
    if not found:
        raise ModelError(f"{folder} has no {pattern}", hint="download or copy it too")
    return found[0]


def _fill(network: Any, tensors: "Mapping[str, torch.Tensor]", folder: Path) -> list[str]:
    """Loads the weights into the network; returns the names of unused weights."""
    wanted = network.state_dict()
    given = {key.removeprefix("module."): tensor for key, tensor in tensors.items()}
    missing = sorted(set(wanted) - set(given))
    if missing:
        raise ModelError(
            f"{folder / WEIGHTS} lacks weights, which FunASR would leave random: {listed(missing)}"
        )
    for key, tensor in wanted.items():
        if given[key].shape != tensor.shape:
            theirs, ours = tuple(given[key].shape), tuple(tensor.shape)
            raise ModelError(f"{folder / WEIGHTS}: {key} has shape {theirs}, but {CONFIG} requires {ours}")
        if not bool(given[key].isfinite().all()):
            raise ModelError(f"{folder / WEIGHTS}: {key} contains values that are not finite")
    network.load_state_dict({key: given[key] for key in wanted})
    return sorted(set(given) - set(wanted))


def _fingerprint(files: Sequence[Path]) -> str:
    digest = hashlib.blake2b(
        f"{FINGERPRINT_VERSION} {RULE} {sorted(SETTINGS.items())}".encode(), digest_size=16
    )
    for path in files:
        digest.update(path.name.encode())
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "blake2b").digest())
    return digest.hexdigest()
