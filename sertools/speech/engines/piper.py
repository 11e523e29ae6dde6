"""Piper: neural voices on this machine, from voice files that the user provides; `--voice FILE.onnx`.

A voice is an ONNX file with its description next to it (`FILE.onnx.json`); one of several speakers in a file
is selected as `FILE.onnx#NUMBER`. Both of Piper's noises are turned off, so that the same text gives the same
samples, with the same intonation. The licence of the speech is that of the voice.
"""

import importlib
import importlib.metadata
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sertools.errors import AudioError, SertoolsError, nearest
from sertools.files import read_json
from sertools.speech.engines import Speaker, three_letters


@dataclass(kw_only=True)
class Piper:
    """The engine `piper`; voices are given as paths of ONNX files and named by the file stem."""

    name: str = "piper"
    network: bool = False
    licence: str = "under the licence of the Piper voice, which its model card names"
    _files: dict[str, tuple[Path, int | None]] = field(default_factory=dict, repr=False)
    _loaded: dict[Path, Any] = field(default_factory=dict, repr=False)

    def version(self) -> str:
        """Release of Piper."""
        _package()
        return f"piper {importlib.metadata.version('piper-tts')}"

    def speakers(self, language: str) -> list[Speaker]:
        """Always raises an error: Piper has no built-in voices."""
        raise SertoolsError(
            f"Piper has no default voice for {language}",
            hint="use --voice FILE.onnx; python -m piper.download_voices downloads voices",
        )

    def speaker(self, voice: str) -> Speaker:
        """The voice in a file."""
        _package()
        text, _, number = voice.partition("#")
        path = Path(text).expanduser()
        description = path.with_name(f"{path.name}.json")
        if not path.is_file() or path.suffix != ".onnx":
            voices = sorted(p.name for p in path.parent.glob("*.onnx")) if path.parent.is_dir() else []
            hint = f"in this folder: {nearest(path.name, voices)}" if voices else "give the path of FILE.onnx"
            raise SertoolsError(f"no Piper voice at {text}", hint=hint)
        hint = "use the file that comes with the voice"
        content = read_json(description, error=SertoolsError, what="the description of the voice", hint=hint)
        try:
            speakers = int(content.get("num_speakers", 1))
            language = str(content.get("language", {}).get("code") or content["espeak"]["voice"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise SertoolsError(
                f"{description.name} does not describe the voice {path.name}", hint=hint
            ) from error
        if number and not (number.isdigit() and int(number) < speakers):
            raise SertoolsError(f"{path.name} has no speaker {number!r}", hint=f"0 to {speakers - 1}")
        name = f"{path.stem}#{number}" if number else path.stem
        self._files[name] = (path, int(number) if number else None)
        return Speaker(name=name, language=three_letters(language))

    def speak(self, text: str, voice: str) -> tuple[NDArray[np.float32], int]:
        """The speech of a text; double brackets, which Piper reads as phonemes, are split."""
        piper = _package()
        if voice not in self._files:
            self.speaker(voice)
            voice = f"{Path(voice.partition('#')[0]).stem}{voice[voice.index('#') :] if '#' in voice else ''}"
        path, number = self._files[voice]
        if path not in self._loaded:
            try:
                self._loaded[path] = piper.PiperVoice.load(path)
            except _refusals() as error:
                raise SertoolsError(
                    f"Piper cannot load {path.name}: {error}", hint="check that it is a complete Piper voice"
                ) from error
        quiet = piper.SynthesisConfig(speaker_id=number, noise_scale=0.0, noise_w_scale=0.0)
        chunks = list(self._loaded[path].synthesize(text.replace("[[", "[ [").replace("]]", "] ]"), quiet))
        if not chunks:
            raise AudioError(f"{text!r} contains no pronounceable text", hint="add at least one word")
        signal = np.concatenate([chunk.audio_float_array for chunk in chunks]).astype(np.float32)
        return signal, int(chunks[0].sample_rate)


def _refusals() -> tuple[type[Exception], ...]:
    """Exceptions that Piper and onnxruntime raise for a file that is not a voice."""
    states: Any = importlib.import_module("onnxruntime.capi.onnxruntime_pybind11_state")
    own: list[type[Exception]] = [states.InvalidProtobuf, states.InvalidGraph, states.Fail]
    return (*own, ValueError, KeyError, OSError)


def _package() -> Any:
    try:
        import piper
    except ImportError as error:
        raise SertoolsError(
            "the engine piper needs the package piper-tts", hint="pip install piper-tts"
        ) from error
    return piper


ENGINE = Piper
