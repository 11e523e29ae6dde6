"""Audit a model that answers over the network: a function that asks it, clip by clip.

    SER_SERVICE=http://localhost:8000/emotion sertools audit --model py:examples/remote_service.py:ask

The service of this example takes a WAV file and answers JSON such as {"arousal": 0.4, "valence": 0.7}; change
the two marked places for yours. Predictions are kept: after the service changed, name another --cache.
"""

import io
import json
import os
import urllib.request

import soundfile

URL = os.environ.get("SER_SERVICE", "http://localhost:8000/emotion")


def ask(signals, rate):
    """Arousal and valence of signals, by a service elsewhere."""
    answers = []
    for signal in signals:
        wav = io.BytesIO()
        soundfile.write(wav, signal, rate, format="WAV", subtype="FLOAT")
        # 1. how your service wants to be asked
        request = urllib.request.Request(URL, data=wav.getvalue(), headers={"Content-Type": "audio/wav"})
        with urllib.request.urlopen(request, timeout=60) as response:
            answer = json.load(response)
        # 2. where the numbers are in its answer
        answers.append({"arousal": answer["arousal"], "valence": answer["valence"]})
    return answers


ask.sampling_rate = 16000
