"""Piper with a voice of our own: an ONNX file that has a voice's inputs and sings a tone per phoneme."""

import json

import numpy as np
import pytest

from sertools.errors import SertoolsError
from sertools.speech.engines.piper import Piper

pytest.importorskip("piper", reason="the package piper-tts is not installed: pip install piper-tts")
onnx = pytest.importorskip("onnx", reason="the package onnx is not installed: it makes the test's voice")

SAMPLES = 800


def write_voice(path, *, speakers=1, noise=0.0):
    """A voice that gives each phoneme id 800 samples of a tone; `noise` × the noise scale is added."""
    from onnx import TensorProto, helper, numpy_helper

    ramp = 2 * np.pi * np.arange(SAMPLES, dtype=np.float32) / SAMPLES
    constants = {
        "ramp": ramp.reshape(1, 1, -1),
        "axis": np.array([2], dtype=np.int64),
        "flat": np.array([1, 1, 1, -1], dtype=np.int64),
        "zero": np.array(0, dtype=np.int64),
        "amount": np.array(noise, dtype=np.float32),
    }
    nodes = [
        helper.make_node("Cast", ["input"], ["ids"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["ids", "axis"], ["column"]),
        helper.make_node("Mul", ["column", "ramp"], ["phase"]),
        helper.make_node("Sin", ["phase"], ["tone"]),
        helper.make_node("RandomNormalLike", ["tone"], ["random"]),
        helper.make_node("Gather", ["scales", "zero"], ["scale"]),
        helper.make_node("Mul", ["scale", "amount"], ["loud"]),
        helper.make_node("Mul", ["random", "loud"], ["hiss"]),
        helper.make_node("Add", ["tone", "hiss"], ["voiced"]),
        helper.make_node("Reshape", ["voiced", "flat"], ["output"]),
    ]
    inputs = [
        helper.make_tensor_value_info("input", TensorProto.INT64, [1, "phonemes"]),
        helper.make_tensor_value_info("input_lengths", TensorProto.INT64, [1]),
        helper.make_tensor_value_info("scales", TensorProto.FLOAT, [3]),
    ]
    if speakers > 1:
        inputs.append(helper.make_tensor_value_info("sid", TensorProto.INT64, [1]))
    graph = helper.make_graph(
        nodes,
        "voice",
        inputs,
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 1, 1, "samples"])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.save(model, path)
    path.with_name(f"{path.name}.json").write_text(json.dumps(described(speakers)), encoding="utf-8")


def described(speakers):
    """The JSON file that belongs to a voice of Piper."""
    symbols = ["_", "^", "$", " ", ".", ",", *"abdefhijklmnoprstuvwzæðŋɐɑɔəɚɛɜɡɪɹʃʊʌʒθˈˌː"]
    return {
        "audio": {"sample_rate": 16_000},
        "espeak": {"voice": "en-us"},
        "language": {"code": "en_US"},
        "num_symbols": len(symbols),
        "num_speakers": speakers,
        "phoneme_id_map": {symbol: [i + 1] for i, symbol in enumerate(symbols)},
        "inference": {"noise_scale": 0.667, "length_scale": 1, "noise_w": 0.8},
    }


@pytest.fixture
def voice(tmp_path):
    path = tmp_path / "en_US-sings.onnx"
    write_voice(path, noise=1.0)
    return path


def test_a_voice_file_speaks_and_is_called_by_its_stem(voice):
    engine = Piper()
    speaker = engine.speaker(str(voice))
    assert (speaker.name, speaker.language, speaker.sex) == ("en_US-sings", "eng", "")
    signal, rate = engine.speak("Good morning.", speaker.name)
    assert rate == 16_000
    assert signal.dtype == np.float32
    assert len(signal) % SAMPLES == 0
    assert len(signal) > 10 * SAMPLES
    assert np.abs(signal).max() <= 1


def test_the_noises_are_off_so_that_the_same_text_gives_the_same_samples(voice):
    engine = Piper()
    name = engine.speaker(str(voice)).name
    first, _ = engine.speak("Good morning.", name)
    assert (engine.speak("Good morning.", name)[0] == first).all()
    assert (Piper().speak("Good morning.", str(voice))[0] == first).all()


def test_phoneme_brackets_are_text(voice):
    engine = Piper()
    name = engine.speaker(str(voice)).name
    plain, _ = engine.speak("a aa a", name)
    # taken as phonemes, the brackets would give their five phonemes as they are
    marked, _ = engine.speak("a [[ ðəˈdɔɡ ]] a", name)
    raw = list(engine._loaded[voice].synthesize("a [[ ðəˈdɔɡ ]] a"))
    assert len(marked) != sum(len(chunk.audio_float_array) for chunk in raw)
    assert len(marked) > len(plain)


def test_bad_voices_are_told_before_anything_is_spoken(voice, tmp_path):
    engine = Piper()
    with pytest.raises(SertoolsError, match="no Piper voice at .*sing.onnx") as caught:
        engine.speaker(str(tmp_path / "en_US-sing.onnx"))
    assert "did you mean 'en_US-sings.onnx'?" in caught.value.hint
    with pytest.raises(SertoolsError, match="has no speaker '3'"):
        engine.speaker(f"{voice}#3")
    with pytest.raises(SertoolsError, match="Piper has no default voice"):
        engine.speakers("eng")
    (tmp_path / "bare.onnx").write_bytes(b"x")
    with pytest.raises(SertoolsError, match="cannot read the description of the voice .*bare.onnx.json"):
        engine.speaker(str(tmp_path / "bare.onnx"))
    (tmp_path / "bare.onnx.json").write_text("[]")
    with pytest.raises(SertoolsError, match="bare.onnx.json does not describe"):
        engine.speaker(str(tmp_path / "bare.onnx"))


def test_a_file_that_is_no_voice_is_one_sentence(voice):
    voice.write_bytes(b"this is no model")
    engine = Piper()
    name = engine.speaker(str(voice)).name
    with pytest.raises(SertoolsError, match="cannot load en_US-sings.onnx"):
        engine.speak("Good morning.", name)


def test_speakers_of_one_file_are_named_by_number(tmp_path):
    path = tmp_path / "many.onnx"
    write_voice(path, speakers=3)
    engine = Piper()
    assert engine.speaker(f"{path}#2").name == "many#2"
    assert engine.speak("Yes.", "many#2")[0].any()
