"""Requests to an endpoint with the OpenAI-compatible chat protocol and audio, as vLLM and SGLang have it."""

import base64
import http.client
import io
import json
import os
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import soundfile

from sertools.errors import ModelError
from sertools.models.model import Signal

KEY = "SERTOOLS_CHAT_KEY"
"""Environment variable with the key of the endpoint. It is sent, and neither stored nor shown."""

BUSY = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
"""Status codes after which a request is repeated."""

ABOUT_LENGTH = (
    "too long",
    "too large",
    "maximum",
    "max length",
    "limit",
    "exceed",
    "duration",
    "context length",
)
"""Words in the message of an endpoint that refuses a clip because of its length, in lower case."""

ABOUT_AUDIO = (
    "audio",
    "multimodal",
    "modality",
    "content type",
    "content part",
    "input should be",
    "must be a string",
)
"""Words in the message of an endpoint whose model does not take audio, in lower case."""

FORMS = ("input_audio", "audio_url")
"""The two ways to write audio into a message: OpenAI's, and that of vLLM and SGLang."""


class TooLongError(Exception):
    """The endpoint refuses a clip because of its length."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The response of the endpoint for one clip.

    Attributes:
        text: of the answer; empty if there is none
        usage: tokens and, if the endpoint states it, cost
        seconds: from the request to the answer, without the waits before repeated requests
    """

    text: str
    usage: Mapping[str, float]
    seconds: float


@dataclass(kw_only=True)
class Endpoint:
    """An endpoint and the model that it serves.

    Attributes:
        url: ends before `/chat/completions`
        model: name under which it serves the model
        timeout_s: longest wait for an answer, in s
        attempts: how often a request is made before the run stops
        wait_s: wait before the first repetition, in s; doubled each time, or what the endpoint asks for
        form: how audio is written; None until the endpoint took one of `FORMS`
    """

    url: str
    model: str
    timeout_s: float = 120.0
    attempts: int = 5
    wait_s: float = 1.0
    form: str | None = None

    def ask(self, signal: Signal, rate: int, prompt: str, settings: Mapping[str, Any]) -> Answer:
        """The answer to a prompt about a clip.

        Args:
            signal: samples in [-1, 1], shape (samples,)
            rate: of the signal, in Hz
            prompt: text after the audio
            settings: of the generation, such as the temperature

        Raises:
            TooLongError: the clip is longer than the endpoint takes
            ModelError: the endpoint refuses, does not answer, or answers something else than a chat
        """
        refusal = ""
        for form in FORMS if self.form is None else (self.form,):
            body = {
                "model": self.model,
                "messages": [
                    {
                        "role": "user",
                        "content": [_audio(signal, rate, form), {"type": "text", "text": prompt}],
                    }
                ],
                **settings,
            }
            status, content, seconds = self._posted(json.dumps(body).encode())
            if status == 200:
                answer = self._answer(content, seconds)
                self.form = form
                return answer
            refusal = self._message(content)
            about = refusal.lower()
            if status == 413 or (status in {400, 422} and any(word in about for word in ABOUT_LENGTH)):
                raise TooLongError(refusal)
            if status not in {400, 415, 422} or not any(word in about for word in ABOUT_AUDIO):
                raise self._refused(status, refusal)
        raise ModelError(
            f"{self.model} at {self.url} does not take audio: {refusal}",
            hint="serve a model that takes audio, such as Qwen2-Audio or Ultravox",
        )

    def _posted(self, body: bytes) -> tuple[int, bytes, float]:
        """Status, content and time of the last attempt; a busy endpoint is asked again after a wait."""
        problem = ""
        for attempt in range(self.attempts):
            began = time.monotonic()
            wait = self.wait_s * 2**attempt * random.uniform(0.8, 1.2)  # nosec B311  # noqa: S311 (for time)
            try:
                status, content, after = self._request(body)
            except TimeoutError:
                problem = f"does not answer within {self.timeout_s:g} s"
            except (OSError, http.client.HTTPException) as error:
                said = getattr(error, "strerror", None) or str(error)
                reason = " ".join(said.split()) or type(error).__name__
                problem = f"cannot be reached: {reason}"
            else:
                if status not in BUSY:
                    return status, content, time.monotonic() - began
                problem = f"answers with status {status}: {self._message(content)}"
                wait = max(wait, after)
            if attempt + 1 < self.attempts:
                time.sleep(wait)
        raise ModelError(
            f"{self.url} {problem} ({self.attempts} attempts)",
            hint="check that the server runs, and go on with the same command: what is stored is kept",
        )

    def _request(self, body: bytes) -> tuple[int, bytes, float]:
        """Status, content, and the number of seconds after which the endpoint wants to be asked again."""
        parts = urlsplit(self.url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=self.timeout_s)
        headers = {"Content-Type": "application/json"}
        key = os.environ.get(KEY)
        if key:
            headers["Authorization"] = f"Bearer {key.strip()}"
        try:
            connection.request("POST", f"{parts.path}/chat/completions", body, headers)
            response = connection.getresponse()
            after = response.getheader("Retry-After") or "0"
            return response.status, response.read(), float(after) if after.isdigit() else 0.0
        finally:
            connection.close()

    def _answer(self, content: bytes, seconds: float) -> Answer:
        """The answer in a reply of status 200.

        Raises:
            ModelError: it is not the reply of a chat
        """
        try:
            reply = json.loads(content)
            message = reply["choices"][0]["message"]
            text = message.get("content") or message.get("refusal") or ""
            if isinstance(text, list):
                text = " ".join(str(part.get("text", "")) for part in text)
            found = reply.get("usage") or {}
            numbers = {name: float(value) for name, value in found.items() if isinstance(value, int | float)}
        except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
            shown = " ".join(content[:80].decode(errors="replace").split())
            what = "HTML" if content.lstrip()[:1] == b"<" else repr(shown)
            raise ModelError(
                f"{self.url} answers with {what}, which is not the reply of a chat endpoint",
                hint="its address usually ends in /v1, as in http://localhost:8000/v1",
            ) from error
        return Answer(text=str(text), usage=numbers, seconds=seconds)

    def _message(self, content: bytes) -> str:
        """The message of a refusal, on one line and without the key."""
        try:
            reply = json.loads(content)
            error = reply.get("error", reply)
            text = error.get("message") or error.get("detail") or error if isinstance(error, dict) else error
        except (ValueError, AttributeError):
            text = "an HTML page" if content.lstrip()[:1] == b"<" else content.decode(errors="replace")
        line = " ".join(str(text).split())[:200]
        key = os.environ.get(KEY)
        return line.replace(key.strip(), "…") if key and key.strip() else line

    def _refused(self, status: int, message: str) -> ModelError:
        if status in {401, 403}:
            key = os.environ.get(KEY)
            stated, cure = ("the key", f"correct {KEY}") if key else ("requests without a key", f"set {KEY}")
            return ModelError(f"{self.url} refuses {stated}: {message}", hint=f"{cure} in the environment")
        if status == 404:
            return ModelError(
                f"{self.url} has no model {self.model!r}, or no chat: {message}",
                hint="name the model as the server does (GET /v1/models), and end the address with /v1",
            )
        return ModelError(f"{self.url} refuses the request with status {status}: {message or 'no message'}")


def _audio(signal: Signal, rate: int, form: str) -> dict[str, Any]:
    """The part of a message with the audio, as 16-bit WAV in base64."""
    file = io.BytesIO()
    soundfile.write(file, signal, rate, format="WAV", subtype="PCM_16")
    data = base64.b64encode(file.getvalue()).decode()
    if form == "input_audio":
        return {"type": form, form: {"data": data, "format": "wav"}}
    return {"type": form, form: {"url": f"data:audio/wav;base64,{data}"}}
