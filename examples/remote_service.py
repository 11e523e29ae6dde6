"""Audit a model that runs as a remote service: a function that sends it one clip at a time.

    SER_SERVICE=http://localhost:8000/emotion sertools audit --model py:examples/remote_service.py:ask

The service in this example accepts a WAV file and returns JSON such as {"arousal": 0.4, "valence": 0.7};
adapt the two marked places to yours. Predictions are cached: after a change of the service, use a different
--cache.
"""

import io
import json
import os
import urllib.request

import soundfile

URL = os.environ.get("SER_SERVICE", "http://localhost:8000/emotion")


def ask(signals, rate):
    """Arousal and valence of signals, from a remote service."""
    answers = []
    for signal in signals:
        wav = io.BytesIO()
        soundfile.write(wav, signal, rate, format="WAV", subtype="FLOAT")
        # 1. the request format of your service
        request = urllib.request.Request(URL, data=wav.getvalue(), headers={"Content-Type": "audio/wav"})
        with urllib.request.urlopen(request, timeout=60) as response:  # nosec B310
            answer = json.load(response)
        # 2. the names of the numbers in its response
        answers.append({"arousal": answer["arousal"], "valence": answer["valence"]})
    return answers


ask.sampling_rate = 16000
