"""Requests to a real local server: what is sent, what comes back, and one sentence for what goes wrong."""

import base64
import io
import socket

import numpy as np
import pytest
import soundfile

from sertools.errors import ModelError
from sertools.models.chat.endpoint import KEY, Endpoint, TooLongError
from tests.helpers.chat_server import Behaviour, served
from tests.helpers.checkpoints import speech

PROMPT = "Options: anger, sadness"


def endpoint(url, **settings):
    return Endpoint(url=url, model="m", wait_s=0.001, **settings)


def ask(url, samples=800, **settings):
    return endpoint(url, **settings).ask(speech([samples])[0], 16000, PROMPT, {"temperature": 0})


def test_the_request_has_the_sound_the_prompt_and_the_settings():
    behaviour = Behaviour()
    with served(behaviour) as url:
        answer = ask(url)
    assert answer.text in {"anger", "sadness"}
    assert answer.usage == {"prompt_tokens": 100, "completion_tokens": 3, "total_tokens": 103}
    (body,) = behaviour.requests
    assert (body["model"], body["temperature"]) == ("m", 0)
    audio, text = body["messages"][0]["content"]
    assert text == {"type": "text", "text": PROMPT}
    sent, rate = soundfile.read(io.BytesIO(base64.b64decode(audio["input_audio"]["data"])))
    assert rate == 16000
    np.testing.assert_allclose(sent, speech([800])[0], atol=2**-15)


@pytest.mark.parametrize("form", ["input_audio", "audio_url"])
def test_the_form_of_audio_that_the_endpoint_takes_is_found_once(form):
    behaviour = Behaviour(form=form)
    with served(behaviour) as url:
        asked = endpoint(url)
        for _ in range(2):
            asked.ask(speech([800])[0], 16000, PROMPT, {})
    assert asked.form == form
    assert len(behaviour.requests) == (2 if form == "input_audio" else 3)


def test_a_busy_endpoint_is_asked_again_and_gives_up_with_one_sentence():
    behaviour = Behaviour(busy=3)
    with served(behaviour) as url:
        assert ask(url).text
        assert len(behaviour.requests) == 4
        behaviour.busy = 100
        with pytest.raises(ModelError, match="answers with status 429: too many requests .5 attempts."):
            ask(url)


def test_the_key_comes_from_the_environment_and_is_never_shown(monkeypatch):
    monkeypatch.setenv(KEY, "secret-key")
    behaviour = Behaviour(status=401, message="wrong key secret-key")
    with (
        served(behaviour) as url,
        pytest.raises(ModelError, match=f"the key: wrong key … .correct {KEY}") as refused,
    ):
        ask(url)
    assert behaviour.keys == ["Bearer secret-key"]
    assert "secret" not in str(refused.value)
    monkeypatch.delenv(KEY)
    with (
        served(behaviour) as url,
        pytest.raises(ModelError, match=f"refuses requests without a key.*set {KEY}"),
    ):
        ask(url)


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        (Behaviour(html=True), "answers with HTML, which is not the reply of a chat endpoint"),
        (Behaviour(status=404, message="no such model"), "has no model 'm', or no chat: no such model"),
        (Behaviour(status=400, message="m is not a multimodal model"), "m at .* does not take audio: m is"),
        (Behaviour(status=400, message="content must be a string"), "does not take audio: content must be"),
        (Behaviour(status=400, message="bad seed"), "refuses the request with status 400: bad seed"),
        (Behaviour(status=503, message="loading"), "answers with status 503: loading"),
    ],
)
def test_an_endpoint_that_does_not_chat_about_audio_is_one_sentence(behaviour, said):
    with served(behaviour) as url, pytest.raises(ModelError, match=said):
        ask(url)


def test_a_clip_over_the_limit_of_the_endpoint_is_told_from_other_refusals():
    with served(Behaviour(longest_s=0.1)) as url:
        with pytest.raises(TooLongError, match="the audio exceeds the limit of 0.1 s"):
            ask(url, samples=3200)
        assert ask(url, samples=800).text


def test_a_port_without_a_server_and_a_server_without_an_answer_are_one_sentence():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        with pytest.raises(ModelError, match="does not answer within 0.05 s .2 attempts."):
            ask(url, timeout_s=0.05, attempts=2)
    with pytest.raises(ModelError, match="cannot be reached: .*refused.*go on with the same command"):
        ask(url, attempts=2)
