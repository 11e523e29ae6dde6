"""An audio language model behind an OpenAI-compatible endpoint (vLLM, SGLang): `chat:MODEL@http://host:8000/v1`.

Each clip is sent as 16-bit WAV, followed by a prompt that lists the classes: those of `--labels`, or else the
emotions of the corpus. `--prompt FILE` is a template with `{classes}`. The temperature is 0, the seed 0, and
an answer has at most 64 tokens. Answers are parsed by the rule for answers in words; an answer that names no
class counts as wrong and is listed. The key is read from the environment variable `SERTOOLS_CHAT_KEY`. At
most `--batch-size` requests, and never more than 16, run at a time; a busy endpoint is asked again, with
growing waits. Answers are stored after every 16 clips, so an interrupted run repeats at most 16 requests. The
endpoint is not needed for clips that are stored already.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from sertools.errors import ModelError
from sertools.models.chat.endpoint import KEY, Answer, Endpoint, TooLongError
from sertools.models.chat.prompt import Prompt, read_prompts, rotated
from sertools.models.checks import check_rate
from sertools.models.load import LoadOptions
from sertools.models.loaded import LoadedSignalModel, signal_facts
from sertools.models.model import Outputs, Signal
from sertools.models.words.answers import WORDS, scores_of
from sertools.models.words.parse import NO_ANSWER, RULE
from sertools.models.words.returned import classes_of
from sertools.tables.condition import Asked

SCHEME = "chat"
READS = ("labels", "prompt", "sampling_rate")
RATE_HZ = 16000

SETTINGS: Mapping[str, Any] = {"temperature": 0, "top_p": 1, "seed": 0, "max_tokens": 64}
"""Settings of the generation, recorded in the facts."""

FINGERPRINT_VERSION = "chat-1"
"""Increased whenever a change of this kind of model changes results; part of the fingerprint."""

STORED_TOGETHER = 16
"""Twice as many requests as run at a time by default; what an interruption loses is paid for again."""

THOUGHT = re.compile(r"<think>.*?(</think>|$)", re.DOTALL)
"""What a model writes before its answer while it reasons."""


@dataclass(kw_only=True)
class ChatModel(LoadedSignalModel):
    """An audio language model behind an endpoint; see `Model`.

    Attributes:
        endpoint: where the model is served
        prompts: of the user, then the built-in ones
        label_map: theirs → ours, for the words of the answers
        asked: which prompt is used, and in which order it lists the classes
        used: number of answers, tokens, seconds and cost since the model was loaded, one of its facts
        stored_together: number of answers that are stored together, and so asked for again after an
            interruption; requests may cost money
    """

    endpoint: Endpoint
    prompts: tuple[Prompt, ...]
    label_map: Mapping[str, str]
    asked: Asked = field(default_factory=Asked)
    used: dict[str, float]
    stored_together: int = STORED_TOGETHER

    def predict(self, signals: Sequence[Signal], *, layers: bool = False) -> Outputs:
        """Scores of signals: 1 for the class that the answer names, 0 for the others; no layers.

        Raises:
            ModelError: the endpoint refuses, does not answer, or takes no audio
        """
        # one request first, so that an endpoint that refuses is asked once
        first = 1 if self.endpoint.form is None else 0
        answers = [*self._answers(signals[:first]), *self._answers(signals[first:])]
        texts = [THOUGHT.sub("", a.text) if isinstance(a, Answer) else None for a in answers]
        scores, reasons = scores_of(texts, self.labels, self.label_map, self.name)
        for i, answer in enumerate(answers):
            if isinstance(answer, TooLongError):
                seconds = len(signals[i]) / self.sampling_rate
                reasons[i] = (
                    f"{NO_ANSWER} (too long for the endpoint): it takes no clip of {seconds:.1f} s, which "
                    f"--window would cut: {answer}"
                )
            else:
                self._count(answer)
        return Outputs(scores=scores.astype(np.float32), reasons=tuple(reasons))

    def asking(self, asked: Asked) -> "ChatModel":
        """The same model with another prompt, order of the classes, or repetition.

        Raises:
            ModelError: it has fewer prompts
        """
        if asked.prompt > len(self.prompts):
            raise ModelError(
                f"{self.name} has {len(self.prompts)} prompts, but prompt {asked.prompt} is asked for",
                hint="add one with --prompt FILE, or lower the option prompts of the audit",
            )
        return replace(self, asked=asked)

    def prompt_text(self, asked: Asked) -> str:
        """The text that is sent after the audio."""
        prompt = self.asking(asked).prompts[asked.prompt - 1]
        return prompt.text(rotated(self.labels, asked.order))

    def _answers(self, signals: Sequence[Signal]) -> list[Answer | TooLongError]:
        if not signals:
            return []
        with ThreadPoolExecutor(len(signals)) as pool:
            return list(pool.map(self._answer, signals))

    def _answer(self, signal: Signal) -> Answer | TooLongError:
        settings = {**SETTINGS, "seed": self.asked.repeat - 1}
        try:
            return self.endpoint.ask(signal, self.sampling_rate, self.prompt_text(self.asked), settings)
        except TooLongError as problem:
            return problem

    def _count(self, answer: Answer) -> None:
        """Adds an answer to what was used, which the facts show."""
        for name, value in {"answers": 1, "seconds": answer.seconds, **answer.usage}.items():
            self.used[name] = self.used.get(name, 0) + value


def load(rest: str, options: LoadOptions) -> ChatModel:
    """The model at an endpoint; nothing is sent before the first clip.

    Raises:
        ModelError: the address has another form, there are no classes, or a prompt cannot be used
    """
    model, url = _named(rest)
    name = re.sub(r"[^\w.-]+", "-", model.rpartition("/")[2])
    labels = classes_of(options.labels, options.emotions, (), name)
    prompts = read_prompts(options.prompt)
    rate = options.sampling_rate or RATE_HZ
    check_rate(rate, name)
    used: dict[str, float] = {}
    settings = f"{FINGERPRINT_VERSION} {url} {model} {labels} {rate} {sorted(SETTINGS.items())} {RULE}"
    settings += f" {prompts[0].template} {sorted(options.label_map.items())}"
    return ChatModel(
        name=name,
        labels=labels,
        task="single_label",
        sampling_rate=rate,
        shortest=1,
        fingerprint=hashlib.blake2b(settings.encode(), digest_size=16).hexdigest(),
        of_corpus=True,
        facts=signal_facts(
            "audio language model",
            f"{model} at {url}",
            {"head": "answers in words", "features": "16-bit WAV", "answers": WORDS},
            labels=labels,
            task="single_label",
            sampling_rate=rate,
            further={
                "prompt": prompts[0].text(labels),
                "prompts": [prompt.name for prompt in prompts],
                "generation": dict(SETTINGS),
                "parsed_by": RULE,
                "used": used,
                "notes": [
                    "The fingerprint covers the name of the model, not its weights; after a change of the "
                    "model behind the same name, use a different --cache."
                ],
            },
        ),
        endpoint=Endpoint(url=url, model=model),
        prompts=prompts,
        label_map=options.label_map,
        used=used,
    )


def _named(rest: str) -> tuple[str, str]:
    """The name of the model and the address of the endpoint in `MODEL@URL`; neither is shown in an error.

    Raises:
        ModelError: the text has another form, or holds a password or a key
    """
    named = re.fullmatch(r"(.+?)@(https?://.+)", rest)
    model, url = named.groups() if named else ("", "")
    url = url.rstrip("/").removesuffix("/chat/completions")
    parts = urlsplit(url)
    if not parts.hostname:
        raise ModelError(
            "--model chat:… does not name a model and an address",
            hint="write chat:MODEL@http://host:8000/v1",
        )
    if parts.username or parts.password or parts.query:
        raise ModelError(
            "the address of a chat model must not contain a key or a password",
            hint=f"put the key into the environment variable {KEY}",
        )
    return model, url
