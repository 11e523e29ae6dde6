"""The recordings that lie beside results: which there are, and which of them fit into a page."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sertools.errors import GateError
from sertools.result import Result, Sound

FOLDER, INDEX = "sounds", "index.json"
"""Where recordings lie, beside the results, and the list of them there."""

MOST_BYTES = 15_000_000
"""Size of a page with its recordings at most."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Recording(_Strict):
    """A clip under a condition, as a sound and as a picture.

    Attributes:
        audit, clip, condition: what named it
        audio, picture: files in the same folder; empty where the sound could not be heard
        seconds, rate: its length, and samples per second
        reason: why there is no sound; empty where there is
    """

    audit: str
    clip: str
    condition: str
    audio: str = Field(default="", pattern=r"^([A-Za-z0-9][A-Za-z0-9_.-]*\.flac)?$")
    picture: str = Field(default="", pattern=r"^([A-Za-z0-9][A-Za-z0-9_.-]*\.png)?$")
    seconds: float = 0.0
    rate: int = 0
    reason: str = ""

    @property
    def files(self) -> tuple[str, ...]:
        """Its files; none where it could not be heard."""
        return tuple(name for name in (self.audio, self.picture) if name)


class Index(_Strict):
    """The list of the recordings of a folder."""

    schema_version: Literal[1] = Field(default=1, alias="schema")
    recordings: list[Recording] = []


@dataclass(frozen=True, kw_only=True)
class Heard:
    """A named clip with its recordings: clean, and under the change where there is one."""

    sound: Sound
    takes: tuple[Recording, ...]

    @property
    def files(self) -> tuple[str, ...]:
        """All files that it takes to show and play it."""
        return tuple(name for take in self.takes for name in take.files)


@dataclass(frozen=True, kw_only=True)
class Recordings:
    """What there is to hear beside some results.

    Attributes:
        heard: index of result → its clips that were recorded, in the order in which the audit names them
        content: name of each file → its bytes
    """

    heard: Mapping[int, Sequence[Heard]]
    content: Mapping[str, bytes]

    def within(self, allowed: int) -> "Recordings":
        """Those that fit into so many bytes as text, the first of every audit before the second of any."""
        turns = [
            (i, each)
            for k in range(max(map(len, self.heard.values()), default=0))
            for i, row in self.heard.items()
            for each in row[k : k + 1]
        ]
        kept: dict[int, list[Heard]] = {i: [] for i in self.heard}
        for i, each in turns:
            size = sum(len(data_url(name, self.content[name])) for name in each.files)
            if size <= allowed:
                allowed -= size
                kept[i].append(each)
        return Recordings(heard=kept, content=self.content)

    @property
    def n(self) -> int:
        """Number of clips to hear, each with all its takes."""
        return sum(map(len, self.heard.values()))

    @property
    def urls(self) -> dict[str, str]:
        """The content of each file as an address that needs no file."""
        wanted = {name for row in self.heard.values() for each in row for name in each.files}
        return {name: data_url(name, self.content[name]) for name in sorted(wanted)}


NOTHING = Recordings(heard={}, content={})


def read_index(folder: Path) -> list[Recording]:
    """The recordings of a folder, by its list; none where it has no list.

    Raises:
        GateError: the list cannot be read, or is none
    """
    path = folder / INDEX
    if not path.is_file():
        return []
    try:
        return Index.model_validate_json(path.read_bytes()).recordings
    except OSError as error:
        raise GateError(f"cannot read {path}: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise GateError(
            f"{path} is no list of recordings: {where}: {first['msg']}",
            hint="delete the folder; the next audit writes it anew",
        ) from error


def beside(results: Sequence[Result], folder: Path) -> Recordings:
    """The recordings in a folder of the clips that these results name.

    Raises:
        GateError: a recording of the list cannot be read
    """
    known = {(r.audit, r.clip, r.condition): r for r in read_index(folder)}
    heard = {
        i: [
            Heard(sound=sound, takes=takes)
            for sound in result.sounds
            if (takes := _takes(result.audit, sound, known))
        ]
        for i, result in enumerate(results)
    }
    names = dict.fromkeys(name for row in heard.values() for each in row for name in each.files)
    try:
        return Recordings(heard=heard, content={name: (folder / name).read_bytes() for name in names})
    except OSError as error:
        raise GateError(
            f"cannot read {error.filename}: {error.strerror}",
            hint=f"delete {folder}; the next audit writes it anew",
        ) from error


def _takes(
    audit: str, sound: Sound, known: Mapping[tuple[str, str, str], Recording]
) -> tuple[Recording, ...]:
    """The clean recording and that under the change; none where one of them is not there."""
    wanted = dict.fromkeys(["clean", sound.condition])
    takes = [known.get((audit, sound.clip, condition)) for condition in wanted]
    return tuple(take for take in takes if take) if all(takes) else ()


def data_url(name: str, content: bytes) -> str:
    """A sound or picture as an address that holds all of it.

    >>> data_url("a.png", b"abc")
    'data:image/png;base64,YWJj'
    """
    kind = "audio/flac" if name.endswith(".flac") else "image/png"
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
