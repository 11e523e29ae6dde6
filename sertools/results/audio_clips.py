"""Reads the recordings stored with results, and chooses those that fit into a page."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from sertools.errors import GateError
from sertools.results.read import read_json
from sertools.results.result import Result, Sound

FOLDER, INDEX = "sounds", "index.json"
"""Folder of the recordings, next to the results, and the file in it that lists them."""

MOST_BYTES = 15_000_000
"""Maximum size of a page including its recordings."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Track(_Strict):
    """Predictions over time for one recording.

    Attributes:
        window_s: length of the windows that were predicted, in s
        times_s: centre of each window, in s from the beginning of the recording
        values: label of the model → score of each window
    """

    window_s: float
    times_s: list[float]
    values: dict[str, list[float]]


class Recording(_Strict):
    """A clip under a condition, as audio and as an image.

    Attributes:
        audit, clip, condition: the audit that named it, the clip, and the condition
        audio, picture: files in the same folder; empty if the clip could not be decoded
        seconds, rate: duration in seconds, and sampling rate in Hz
        reason: why there is no audio; empty if there is
        track: predictions over time, if they were requested
    """

    audit: str
    clip: str
    condition: str
    audio: str = Field(default="", pattern=r"^([A-Za-z0-9][A-Za-z0-9_.-]*\.flac)?$")
    picture: str = Field(default="", pattern=r"^([A-Za-z0-9][A-Za-z0-9_.-]*\.png)?$")
    seconds: float = 0.0
    rate: int = 0
    reason: str = ""
    track: Track | None = Field(default=None, exclude_if=lambda track: track is None)

    @property
    def files(self) -> tuple[str, ...]:
        """Its files; empty if the clip could not be decoded."""
        return tuple(name for name in (self.audio, self.picture) if name)


class Index(_Strict):
    """The list of recordings in a folder."""

    schema_version: Literal[1] = Field(default=1, alias="schema")
    recordings: list[Recording] = []


@dataclass(frozen=True, kw_only=True)
class RecordedClip:
    """A clip named by an audit, with its recordings: clean, and perturbed if there is a perturbation."""

    sound: Sound
    takes: tuple[Recording, ...]

    @property
    def files(self) -> tuple[str, ...]:
        """All files needed to show and play it."""
        return tuple(name for take in self.takes for name in take.files)


@dataclass(frozen=True, kw_only=True)
class Recordings:
    """The recordings that belong to some results.

    Attributes:
        heard: index of result → its clips with recordings, in the order in which the audit names them
        content: name of each file → its bytes
    """

    by_result: Mapping[int, Sequence[RecordedClip]]
    content: Mapping[str, bytes]

    def within(self, most_bytes: int) -> "Recordings":
        """Those that fit into `allowed` bytes when embedded: the first of every audit before any second."""
        turns = [
            (i, each)
            for k in range(max(map(len, self.by_result.values()), default=0))
            for i, row in self.by_result.items()
            for each in row[k : k + 1]
        ]
        chosen: dict[int, list[RecordedClip]] = {i: [] for i in self.by_result}
        for i, each in turns:
            size = sum(len(data_url(name, self.content[name])) for name in each.files)
            if size <= most_bytes:
                most_bytes -= size
                chosen[i].append(each)
        return Recordings(by_result=chosen, content=self.content)

    def without_content(self) -> "Recordings":
        """The same recordings with empty files, to measure a page without them."""
        return Recordings(by_result=self.by_result, content=dict.fromkeys(self.content, b""))

    @property
    def n(self) -> int:
        """Number of clips with recordings."""
        return sum(map(len, self.by_result.values()))

    @property
    def urls(self) -> dict[str, str]:
        """Data URL of each file."""
        wanted = {name for row in self.by_result.values() for each in row for name in each.files}
        return {name: data_url(name, self.content[name]) for name in sorted(wanted)}


NO_RECORDINGS = Recordings(by_result={}, content={})


def read_index(folder: Path) -> list[Recording]:
    """The recordings listed in a folder; empty if it has no list.

    Raises:
        GateError: the list cannot be read or is not valid
    """
    path = folder / INDEX
    if not path.is_file():
        return []
    index = read_json(
        path, Index, "a valid list of recordings", hint="delete the folder; the next audit creates it again"
    )
    return index.recordings


def recordings_of(results: Sequence[Result], folder: Path) -> Recordings:
    """The recordings in a folder that belong to clips named by these results.

    Raises:
        GateError: a listed recording cannot be read
    """
    known = {(r.audit, r.clip, r.condition): r for r in read_index(folder)}
    by_result = {
        i: [
            RecordedClip(sound=sound, takes=takes)
            for sound in result.sounds
            if (takes := _takes(result.audit, sound, known))
        ]
        for i, result in enumerate(results)
    }
    names = dict.fromkeys(name for row in by_result.values() for each in row for name in each.files)
    try:
        return Recordings(by_result=by_result, content={name: (folder / name).read_bytes() for name in names})
    except OSError as error:
        raise GateError(
            f"cannot read {error.filename}: {error.strerror}",
            hint=f"delete {folder}; the next audit creates it again",
        ) from error


def _takes(
    audit: str, sound: Sound, known: Mapping[tuple[str, str, str], Recording]
) -> tuple[Recording, ...]:
    """The clean and the perturbed recording; empty if one of them is missing."""
    wanted = dict.fromkeys(["clean", sound.condition])
    takes = [known.get((audit, sound.clip, condition)) for condition in wanted]
    return tuple(take for take in takes if take) if all(takes) else ()


def data_url(name: str, content: bytes) -> str:
    """The content of an audio or image file as a data URL.

    >>> data_url("a.png", b"abc")
    'data:image/png;base64,YWJj'
    """
    kind = "audio/flac" if name.endswith(".flac") else "image/png"
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
