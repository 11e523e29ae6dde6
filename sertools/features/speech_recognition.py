"""Transcribes clips with a speech recogniser: CTC checkpoints (wav2vec2, HuBERT …) or Whisper.

The recogniser is implemented as a model whose scores encode the text as numbers, so the engine decodes the
audio, the store caches and resumes, and a clip that cannot be decoded has no transcript.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.errors import ModelError, foreign
from sertools.models.checkpoints.frozen import config_of, content, frozen
from sertools.models.checkpoints.hub.files import folder_of
from sertools.models.loaded import LoadedSignalModel
from sertools.models.model import Outputs, Signal, Task

WORDS = 700
"""Numbers per text, each with three bytes of UTF-8, which float32 represents exactly; longer texts count as
missing."""

NOTHING = -1.0
"""Padding after the end of the text."""


@dataclass(kw_only=True)
class Recogniser(LoadedSignalModel):
    """A speech recogniser, implemented as a model whose scores encode the text."""

    checkpoint: str
    name: str = ""
    labels: tuple[str, ...] = tuple(f"text_{i:03d}" for i in range(WORDS))
    task: Task = "regression"
    sampling_rate: int = 16000
    shortest: int = 400
    longest: int | None = None
    fingerprint: str = ""

    def __post_init__(self) -> None:
        from transformers import (
            AutoFeatureExtractor,
            AutoModelForCTC,
            AutoModelForSpeechSeq2Seq,
            AutoTokenizer,
        )

        folder, source = folder_of(self.checkpoint)
        config = config_of(folder)
        self._whisper = config.model_type == "whisper"
        if not (self._whisper or any(name.endswith("ForCTC") for name in config.architectures or [])):
            raise ModelError(
                f"{source} is not a speech recogniser: its architecture is "
                f"{', '.join(config.architectures or ['unknown'])}",
                hint="use a CTC checkpoint, such as facebook/wav2vec2-base-960h, or Whisper",
            )
        hint = "its folder must contain preprocessor_config.json and the tokenizer files"
        with foreign(f"{source} cannot be read", ModelError, hint=hint):
            self._extractor = AutoFeatureExtractor.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False
            )
            self._tokenizer = AutoTokenizer.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False
            )
        self._module = frozen(AutoModelForSpeechSeq2Seq if self._whisper else AutoModelForCTC, folder)
        self.sampling_rate = int(self._extractor.sampling_rate)
        if self._whisper:
            self.longest = int(self._extractor.n_samples)
        self.name = folder.resolve().name if source == str(folder) else source.replace("/", "--")
        self.fingerprint = f"recogniser-1 {content(folder)}"

    def predict(self, signals: Sequence[Signal], *, layers: bool = False) -> Outputs:
        """The transcripts of signals, encoded as numbers, shape (n, 700)."""
        return Outputs(scores=np.stack([coded(self.text(signal)) for signal in signals]))

    def text(self, signal: Signal) -> str:
        """The transcript of a signal (samples,), by greedy decoding, which is deterministic."""
        import torch

        features = self._extractor(signal, sampling_rate=self.sampling_rate, return_tensors="pt")
        inputs = features[self._extractor.model_input_names[0]]
        with torch.inference_mode():
            if self._whisper:
                tokens = self._module.generate(inputs, do_sample=False, num_beams=1)[0]
                text = self._tokenizer.decode(tokens, skip_special_tokens=True)
            else:
                text = self._letters(self._module(inputs).logits[0].argmax(dim=-1).tolist())
        return " ".join(str(text).split())

    def _letters(self, best: Sequence[int]) -> str:
        """Decodes CTC tokens: merges repeated tokens unless a blank separates them, then removes blanks.

        The tokenizer would remove blanks before merging repeated tokens, and so lose double letters.
        """
        between = getattr(self._tokenizer, "word_delimiter_token_id", None)
        special = set(self._tokenizer.all_special_ids) - {between}
        joined = [code for i, code in enumerate(best) if i == 0 or code != best[i - 1]]
        as_they_are = {} if between is None else {"group_tokens": False}
        return str(self._tokenizer.decode([c for c in joined if c not in special], **as_they_are))

    def columns(self, scores: pd.DataFrame) -> pd.DataFrame:
        """The column of transcripts; missing for clips that could not be decoded."""
        texts = [None if np.isnan(row).any() else decoded(row) for row in scores.to_numpy(dtype=np.float64)]
        column = pd.Series(texts, index=scores.index, dtype=object)
        return pd.DataFrame({f"recognised@{self.checkpoint}": column})


def coded(text: str) -> NDArray[np.float64]:
    """A text encoded as 24-bit numbers, shape (700,); all nan if the text is too long.

    >>> decoded(coded("Was ist's? 😀"))
    "Was ist's? 😀"
    """
    content = text.encode("utf-8", "replace")
    numbers = np.full(WORDS, NOTHING)
    if len(content) > 3 * WORDS:
        return np.full(WORDS, np.nan)
    padded = content + bytes(-len(content) % 3)
    for i in range(0, len(padded), 3):
        numbers[i // 3] = int.from_bytes(padded[i : i + 3], "big")
    return numbers


def decoded(numbers: NDArray[np.float64]) -> str:
    """The text encoded by `coded`."""
    content = b"".join(int(number).to_bytes(3, "big") for number in numbers if number != NOTHING)
    return content.rstrip(b"\0").decode()
