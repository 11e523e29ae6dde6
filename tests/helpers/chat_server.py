"""A local server of the OpenAI-compatible audio chat, whose answers follow from the audio and the prompt.

It knows the class of a clip from its loudness, and has defects that a test plants: it prefers the option that
is listed first, declines, changes the format of its answers, is busy, or takes no audio at all.
"""

import base64
import io
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import soundfile

FORMATS = ("{}", "{}.", "The speaker sounds {}.", '{{"emotion": "{}"}}', "**{}**", '```json\n"{}"\n```')


@dataclass
class Behaviour:
    """How the server answers.

    Attributes:
        first_option: share of clips for which the first listed option is the answer
        refusals: share of clips for which it declines
        drifting: whether the format of the answer changes from clip to clip
        busy: how many requests get the status 429 first
        status: of every reply, with `message`; 200 to answer
        form: the only form of audio that is taken; empty for both
        longest_s: longer clips are refused
        requests: bodies of all requests
        keys: authorisations of all requests
        busiest: largest number of requests at a time
    """

    first_option: float = 0.0
    refusals: float = 0.0
    drifting: bool = False
    busy: int = 0
    status: int = 200
    message: str = ""
    html: bool = False
    form: str = ""
    longest_s: float = 1e9
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    now: int = 0
    busiest: int = 0


def level(signal: np.ndarray) -> int:
    """The quarter of the loudness scale in which a clip lies, 0 to 3: its class, for the server."""
    return int(np.clip((20 * np.log10(np.sqrt(np.mean(signal**2)) + 1e-9) + 40) // 8, 0, 3))


def _answer(body: dict[str, Any], behaviour: Behaviour) -> tuple[int, dict[str, Any]]:
    audio, text = body["messages"][0]["content"]
    if behaviour.form and audio["type"] != behaviour.form:
        return 400, {"error": {"message": f"unknown content part {audio['type']}"}}
    inner = audio[audio["type"]]
    data = inner["data"] if "data" in inner else inner["url"].partition("base64,")[2]
    signal, rate = soundfile.read(io.BytesIO(base64.b64decode(data)))
    if len(signal) / rate > behaviour.longest_s:
        return 400, {"error": {"message": f"the audio exceeds the limit of {behaviour.longest_s:g} s"}}
    options = [
        name.strip() for name in re.search(r"(?:express: |Options: |\[)([\w, ]+)", text["text"])[1].split(",")
    ]
    draw = np.random.default_rng(len(signal)).random(2)
    answer = sorted(options)[level(signal) % len(options)]
    if draw[0] < behaviour.first_option:
        answer = options[0]
    if behaviour.drifting:
        answer = FORMATS[len(signal) % len(FORMATS)].format(answer)
    if draw[1] < behaviour.refusals:
        answer = "I'm sorry, but I cannot judge voices."
    usage = {"prompt_tokens": 100, "completion_tokens": 3, "total_tokens": 103}
    return 200, {"choices": [{"message": {"role": "assistant", "content": answer}}], "usage": usage}


@contextmanager
def served(behaviour: Behaviour) -> Iterator[str]:
    """The address of a server with this behaviour, which stops afterwards."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                behaviour.requests.append(body)
                behaviour.keys.append(self.headers.get("Authorization"))
                behaviour.now += 1
                behaviour.busiest = max(behaviour.busiest, behaviour.now)
                busy, behaviour.busy = behaviour.busy > 0, max(behaviour.busy - 1, 0)
            if behaviour.html:
                status, reply = 200, b"<html><body>Welcome</body></html>"
            elif busy:
                status, reply = 429, b'{"error": "too many requests"}'
            elif behaviour.status != 200:
                status, reply = (
                    behaviour.status,
                    json.dumps({"error": {"message": behaviour.message}}).encode(),
                )
            else:
                status, found = _answer(body, behaviour)
                reply = json.dumps(found).encode()
            with lock:
                behaviour.now -= 1
            self.send_response(status)
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing is logged."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
