"""gTTS at its HTTP seam: a server on this machine that speaks the protocol of Google Translate."""

import base64
import io
import json
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import soundfile

from sertools.errors import SertoolsError
from sertools.speech.engines.gtts import GTTS, is_whole_mp3

pytest.importorskip("gtts", reason="the package gTTS is not installed: pip install gTTS")

RATE = 24_000


def mp3_of(text: str, language: str) -> bytes:
    """A tone whose pitch and length follow from what is said, so that mix-ups are heard."""
    time_s = np.arange(int(RATE * (0.2 + 0.02 * len(text)))) / RATE
    tone = 0.5 * np.sin(2 * np.pi * (300 if language == "en" else 900) * time_s)
    file = io.BytesIO()
    soundfile.write(file, tone, RATE, format="MP3")
    return file.getvalue()


class Translate:
    """What the server answers, call by call, and what it was asked."""

    def __init__(self):
        self.plan: list[str] = []
        self.asked: list[tuple[str, str]] = []
        self.paths: list[str] = []

    def answer(self, text: str, language: str) -> tuple[int, dict[str, str], bytes]:
        step = self.plan.pop(0) if self.plan else "speak"
        if step.isdigit():
            return int(step), {"Retry-After": "7"} if step == "429" else {}, b"no"
        mp3 = mp3_of(text, language)
        if step == "half file":
            mp3 = mp3[: len(mp3) // 2 + 1]
        audio = json.dumps([base64.b64encode(mp3).decode()]) if step != "silence" else None
        entry = ["wrb.fr", "jQ1olc", audio, None, None, None, "generic"]
        body = b")]}'\n\n" + json.dumps([entry, ["di", 42]]).encode() + b"\n"
        if step == "half answer":
            return 200, {}, body[: len(body) // 2]
        if step == "broken off":
            return 200, {"Content-Length": str(len(body) + 1000)}, body
        return 200, {}, body


@pytest.fixture
def service():
    translate = Translate()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            call = json.loads(urllib.parse.parse_qs(body)["f.req"][0])[0][0]
            text, language, *_ = json.loads(call[1])
            translate.asked.append((text, language))
            translate.paths.append(self.path)
            status, headers, answer = translate.answer(text, language)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(answer)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    translate.url = f"http://127.0.0.1:{server.server_port}"
    yield translate
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def waits():
    return []


@pytest.fixture
def engine(service, waits, tmp_path):
    return GTTS(url=service.url, cache=tmp_path / "cache", pause_s=0.0, sleep=waits.append)


def pitch(signal, rate):
    return np.abs(np.fft.rfft(signal)).argmax() * rate / len(signal)


def test_a_sentence_is_asked_for_in_its_language_and_decoded(engine, service):
    signal, rate = engine.speak("The dinner was good.", "en")
    assert rate == RATE
    assert signal.dtype == np.float32
    assert pitch(signal, rate) == pytest.approx(300, abs=5)
    assert len(signal) / rate == pytest.approx(0.6, abs=0.1)  # an MP3 frame is added at either end
    assert service.asked == [("The dinner was good.", "en")]
    assert service.paths == ["/_/TranslateWebserverUi/data/batchexecute"]
    assert pitch(*engine.speak("Das Essen war gut.", "de")) == pytest.approx(900, abs=5)


def test_what_was_heard_is_kept_by_text_and_voice(engine, service):
    first, _ = engine.speak("Hello.", "en")
    again, _ = engine.speak("Hello.", "en")
    assert (first == again).all()
    assert len(service.asked) == 1
    engine.speak("Hello.", "en@co.uk")
    engine.speak("Hello!", "en")
    assert len(service.asked) == 3


def test_a_damaged_file_in_the_cache_is_fetched_anew(engine, service, tmp_path):
    whole, _ = engine.speak("Hello.", "en")
    (kept,) = (tmp_path / "cache").glob("*.mp3")
    kept.write_bytes(kept.read_bytes()[:-10])
    again, _ = engine.speak("Hello.", "en")
    assert (whole == again).all()
    assert len(service.asked) == 2


def test_too_many_requests_are_waited_for_as_long_as_the_server_asks(engine, service, waits):
    service.plan = ["429", "429", "speak"]
    engine.speak("Hello.", "en")
    assert waits == [7.0, 7.0]  # Retry-After, as it is longer than 2 and 4 seconds
    assert len(service.asked) == 3


def test_a_server_that_fails_is_asked_again_with_growing_pauses(engine, service, waits):
    service.plan = ["500", "503", "502", "speak"]
    engine.speak("Hello.", "en")
    assert waits == [2.0, 4.0, 8.0]


def test_a_refusal_that_lasts_is_one_sentence_and_keeps_nothing(engine, service, tmp_path):
    service.plan = ["429"] * 5
    with pytest.raises(SertoolsError, match=r"asks for fewer requests \(HTTP 429\), 5 times") as caught:
        engine.speak("Hello.", "en")
    assert "rerun in an hour" in caught.value.hint
    assert len(service.asked) == 5
    assert not list(tmp_path.glob("cache/*"))


def test_a_refusal_that_waiting_does_not_mend_is_not_repeated(engine, service, waits):
    service.plan = ["403"]
    with pytest.raises(SertoolsError, match="rejected the request: HTTP 403"):
        engine.speak("Hello.", "en")
    assert (len(service.asked), waits) == (1, [])


@pytest.mark.parametrize("cut", ["half file", "half answer", "broken off"])
def test_an_answer_that_ends_too_early_is_asked_for_again(engine, service, cut):
    whole, _ = engine.speak("Hello there.", "de")
    service.plan = [cut]
    signal, _ = engine.speak("Hello there.", "en")
    assert len(service.asked) == 3
    assert len(signal) == len(whole)


def test_half_files_only_are_an_error_and_not_half_a_sentence(engine, service):
    service.plan = ["half file"] * 5
    with pytest.raises(SertoolsError, match="sent an incomplete file, 5 times"):
        engine.speak("Hello.", "en")


def test_a_text_without_speech_is_an_error(engine, service):
    service.plan = ["silence"]
    with pytest.raises(SertoolsError, match="no speech for this text"):
        engine.speak("Hello.", "en")
    with pytest.raises(SertoolsError, match="contains no pronounceable text"):
        engine.speak("...", "en")


def test_a_long_text_is_asked_for_in_parts_and_joined(engine, service):
    places = ("town by the river", "village at the lake", "harbour of the city")
    text = " ".join(
        f"We went to the concert in the old {place}, and then we all walked home." for place in places
    )
    signal, rate = engine.speak(text, "en")
    assert len(service.asked) > 2
    assert max(len(part) for part, _ in service.asked) <= 100
    said = " ".join(part for part, _ in service.asked)
    assert [word in said for word in ("river", "lake", "city")] == [True] * 3
    assert len(signal) / rate > sum(0.2 + 0.02 * len(part) for part, _ in service.asked) - 0.1


def test_markup_is_sent_as_text(engine, service):
    engine.speak('<speak>"Hi" & <break/> bye</speak>', "en")
    assert service.asked[0][0] == '<speak>"Hi" & <break/> bye</speak>'


def test_requests_keep_their_distance(service, waits, tmp_path):
    slow = GTTS(url=service.url, cache=tmp_path, pause_s=60.0, sleep=waits.append)
    slow.speak("One.", "en")
    assert waits == []
    slow.speak("Two.", "en")
    assert waits == [pytest.approx(60.0, abs=5.0)]  # less what the first one took


def test_without_a_network_there_is_a_clear_sentence(tmp_path):
    with pytest.raises(SertoolsError, match="cannot reach http://127.0.0.1:9: ") as caught:
        GTTS(url="http://127.0.0.1:9", cache=tmp_path).speak("Hello.", "en")
    assert "--engine espeak works offline" in caught.value.hint


def test_voices_are_languages_with_accents():
    engine = GTTS()
    assert [voice.name for voice in engine.speakers("eng")][:3] == ["en", "en@co.uk", "en@com.au"]
    assert [voice.name for voice in engine.speakers("deu")] == ["de"]
    assert engine.speaker("fr@ca").language == "fra"
    assert engine.speaker("de").sex == ""
    with pytest.raises(SertoolsError, match="no voice 'eng'") as caught:
        engine.speaker("eng")
    assert "'en'" in caught.value.hint
    with pytest.raises(SertoolsError, match="no voice 'en@xx'") as caught:
        engine.speaker("en@xx")
    assert "en@co.uk" in caught.value.hint


def test_an_mp3_is_whole_only_if_it_ends_with_its_last_frame():
    mp3 = mp3_of("whole", "en")
    assert is_whole_mp3(mp3)
    assert not any(is_whole_mp3(mp3[:cut]) for cut in (0, 1, 3, 40, len(mp3) // 2 + 1, len(mp3) - 1))
    tagged = b"ID3\x04\x00\x00\x00\x00\x00\x05" + b"12345" + mp3 + b"TAG" + bytes(125)
    assert is_whole_mp3(tagged)
    assert not is_whole_mp3(b"<html>Sorry</html>" * 20)
