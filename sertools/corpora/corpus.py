"""A corpus: a table with one row per clip and its labels.

The simplest corpus is a **manifest**: a CSV (UTF-8; commas, semicolons or tabs), Parquet or JSON lines file
with one row per clip and at least the column `file`.

    file,speaker,sex,emotion,arousal,split
    wav/a.wav,03,female,angry,6.5,test
    wav/b.wav,07,m,neutral,3,test

| column | content |
|---|---|
| `file` | path of the audio file, absolute or relative to the manifest, or to the folder `--data-root` |
| `start`, `end` | segment in seconds, or as `h:mm:ss`; empty for the whole file |
| `start_ms`, `end_ms` | the same in milliseconds |
| `channel` | number of the channel to read, the first is 1; empty for the mean of all |
| `clip` | an id; by default made from file and segment |
| `speaker` | any id, read as text (`03` stays `03`); needed for correct confidence intervals |
| `sex`, `age`, `language`, `transcript` | attributes that audits may use; `f`, `w`, `female` mean the same |
| `corpus` | the source if a manifest combines several corpora; speakers then become `msp:12` |
| `emotion` | a category; `angry`, `ang`, `anger` mean the same; map others with `--label-map theirs=ours` |
| `arousal`, `dominance`, `valence` | ratings in [0, 1], or on the scale that `--scale arousal=1:7` declares |
| `split` | selected with `manifest.csv:test` |
| any other | read as an attribute, for grouping |

Columns with other names are mapped with `--map theirs=ours`, values with `--map-values sex:0=female,1=male`.
An empty value is missing, never zero, and so is a speaker, sex, age or emotion that is `unknown`, `-1`,
`xxx`, `no agreement`, `?` or similar. Decimal commas are read. Other accepted inputs: audformat folders,
registered corpora by name (`emodb:test`, `msp-test1`) or by their folder, folders named like emotions, and
the output of `write_corpus()`.
"""

import hashlib
import json
import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from sertools.audio.files import MAX_MINUTES, Signal, audio_blocks, duration_s
from sertools.audio.kept_signals import KEPT
from sertools.audio.long_signal import LongSignal
from sertools.corpora.clips import prefixed
from sertools.errors import CorpusError
from sertools.files import atomic, atomic_folder
from sertools.tables.columns import SAME_CLIP


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """Clips with their labels, and the corpus' name, licence, citation and notes.

    Attributes:
        name: registered name or name of the manifest, with the split: `emodb:test`
        clips: unique index `clip`; columns `file`, `start`, `end` (seconds, nan for whole files), labels
            (dimensions in [0, 1], nan where unrated), attributes
        root: folder that relative file paths start from
        version, licence, citation: empty if unknown
        simulated: origin of labels that are not human ratings; empty for human ratings
        recordings: the restriction, where the licence does not let recordings be passed on; empty otherwise
        notes: sentences on counts, dropped labels, splits
        unjudged: why no limit may judge a model on it, as where training clips have the same speakers; else
            empty
        max_minutes: longest clip that is read; a longer one counts as missing
    """

    name: str
    clips: pd.DataFrame
    root: Path
    version: str = ""
    licence: str = ""
    citation: str = ""
    simulated: str = ""
    recordings: str = ""
    notes: tuple[str, ...] = ()
    unjudged: str = ""
    max_minutes: float = MAX_MINUTES

    def path(self, clip: str) -> Path:
        """Path of a clip's audio file."""
        return found(self.root, str(self.clips.at[clip, "file"]))

    def channel(self, clip: str) -> float:
        """Number of the channel that a clip is read from, the first is 1; nan for the mean of all."""
        if not self.has_channels:
            return math.nan
        channel: Any = self.clips.at[clip, "channel"]
        return float(channel)

    def check_listed_once(self) -> None:
        """Checks that no clip counts twice, as one does that is listed in several splits.

        Raises:
            CorpusError: a clip is listed several times
        """
        if SAME_CLIP not in self.clips:
            return
        same = self.clips[SAME_CLIP].dropna()
        twice = same[same.duplicated()]
        if len(twice):
            splits = sorted(map(str, self.clips.loc[same[same == twice.iloc[0]].index, "split"]))
            raise CorpusError(
                f"{self.name}: clip {twice.iloc[0]!r} is listed in {' and in '.join(splits)}",
                hint=f"choose one split, as in {self.name}:{splits[-1]}; sertools leakage lists them all",
            )

    def signal(self, clip: str, rate: int) -> Signal:
        """A clip as mono audio at a rate in Hz, shape (samples,).

        Raises:
            AudioError: the clip cannot be decoded, or is longer than the limit
        """
        return KEPT.read(*self._place(clip, rate), max_minutes=self.max_minutes)

    def long_signal(self, clip: str, rate: int) -> LongSignal:
        """The same, decoded anew where it is read, so that memory does not grow with its length.

        Raises:
            AudioError: the clip cannot be decoded, or is longer than the limit
        """
        return LongSignal(partial(audio_blocks, *self._place(clip, rate), max_minutes=self.max_minutes))

    def duration_s(self, clip: str) -> float:
        """Length of a clip in s, from its segment and the header of its file.

        Raises:
            AudioError: no such file, or not decodable
        """
        path, _, start, end, _ = self._place(clip, 1)
        return (duration_s(path) if math.isnan(end) else end) - (0.0 if math.isnan(start) else start)

    def _place(self, clip: str, rate: int) -> tuple[Path, int, float, float, float]:
        """Arguments of `read_audio` for a clip."""
        start: Any = self.clips.at[clip, "start"]
        end: Any = self.clips.at[clip, "end"]
        return self.path(clip), rate, float(start), float(end), self.channel(clip)

    @property
    def has_speakers(self) -> bool:
        """Whether the speaker of any clip is known."""
        return "speaker" in self.clips and bool(self.clips["speaker"].notna().any())

    @property
    def has_channels(self) -> bool:
        """Whether clips choose a channel of their file."""
        return "channel" in self.clips and pd.api.types.is_float_dtype(self.clips["channel"])


def write_corpus(corpus: Corpus, folder: Path) -> None:
    """Write `clips.parquet` and `corpus.toml` for `load_corpus(folder)`.

    A new folder gets its name when both are in it. In a folder that exists, both are complete before either
    replaces an older file, and `corpus.toml` holds a hash of the table. So when this is interrupted,
    `load_corpus` reads the old corpus or the new one, or refuses a table that does not belong to its
    `corpus.toml`. Audio files are not copied.

    Raises:
        CorpusError: the folder cannot be written
    """
    if os.path.lexists(folder):
        _write(corpus, folder, folder)
        return
    with atomic_folder(folder, error=CorpusError) as part:
        _write(corpus, folder, part)


def _write(corpus: Corpus, folder: Path, place: Path) -> None:
    """Writes a corpus to a place that is, or becomes, its folder."""
    root = corpus.root.resolve()
    inside = root.is_relative_to(folder.resolve())
    facts = {
        "schema": SCHEMA,
        "name": corpus.name,
        "root": root.relative_to(folder.resolve()).as_posix() if inside else root.as_posix(),
        "version": corpus.version,
        "licence": corpus.licence,
        "citation": corpus.citation,
        "simulated": corpus.simulated,
        "recordings": corpus.recordings,
        "unjudged": corpus.unjudged,
        "notes": list(corpus.notes),
    }
    # the inner file, the table, gets its name first
    with (
        atomic(place / "corpus.toml", error=CorpusError) as head,
        atomic(place / "clips.parquet", error=CorpusError) as table,
    ):
        corpus.clips.to_parquet(table)
        facts["table"] = file_hash(table)
        # A JSON string is a TOML string too, as long as nothing outside ASCII is escaped as a surrogate pair.
        lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in facts.items()]
        head.write_text("".join(lines), encoding="utf-8")


def join_corpora(parts: Sequence[Corpus]) -> Corpus:
    """Several corpora as one; clip and speaker ids get their corpus as a prefix, e.g. `msp:12`.

    Two splits of one corpus share the prefix, so a speaker in both remains one speaker. Column `corpus` names
    the corpus of each clip; file paths become absolute.

    Raises:
        CorpusError: no corpora, or a clip that is in two of them
    """
    if not parts:
        raise CorpusError("no corpora to join")
    tables = []
    for part in parts:
        home = part.name.partition(":")[0]
        clips = part.clips.copy()
        clips["file"] = [str((part.root / file).resolve()) for file in clips["file"]]
        clips["corpus"] = home
        if "speaker" in clips:
            clips["speaker"] = prefixed(clips["speaker"], home)
        clips.index = pd.Index(prefixed(pd.Series(clips.index), home), name="clip")
        tables.append(clips)
    joined = pd.concat(tables)
    twice = joined.index[joined.index.duplicated()]
    if len(twice):
        raise CorpusError(f"clip {twice[0]!r} is in two of the corpora", hint="join each split once")
    own = {key: " · ".join(dict.fromkeys(f"{p.name}: {value}" for p in parts if (value := getattr(p, key))))
           for key in ("version", "licence", "citation", "simulated", "recordings", "unjudged")}  # fmt: skip
    notes = tuple(f"{part.name}: {note}" for part in parts for note in part.notes)
    name = "+".join(part.name for part in parts)
    longest = max(part.max_minutes for part in parts)
    return Corpus(name=name, clips=joined, root=Path("/"), notes=notes, max_minutes=longest, **own)


def fingerprint(corpus: Corpus) -> str:
    """Hash of all that predictions depend on, 32 hex digits: ids, segments and bytes of all files, in order.

    A limit on the length of clips is included unless it is the default. Labels are not included. An
    unreadable file is hashed as missing, so the fingerprint changes when the file becomes available.
    """
    contents = _file_hashes(corpus)
    digest = hashlib.blake2b(digest_size=16)
    if corpus.max_minutes != MAX_MINUTES:
        digest.update(f"{corpus.max_minutes!r}".encode())
    for clip, file, start, end in zip(
        corpus.clips.index, corpus.clips["file"], corpus.clips["start"], corpus.clips["end"], strict=True
    ):
        chosen = [] if math.isnan(channel := corpus.channel(clip)) else [channel]
        facts = [clip, f"{start!r}", f"{end!r}", contents[file] or "missing", *chosen]
        digest.update(json.dumps(facts).encode())
    return digest.hexdigest()


def found(root: Path, file: str) -> Path:
    """The path of a file; if it does not exist, that with the suffix in other case, `a.WAV` for `a.wav`."""
    path = root / file
    if path.suffix and not os.path.lexists(path):
        for suffix in (path.suffix.lower(), path.suffix.upper()):
            other = path.with_suffix(suffix)
            if os.path.lexists(other):
                return other
    return path


def file_hash(path: Path) -> str:
    """Hash of the bytes of a file, 32 hex digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def _file_hashes(corpus: Corpus) -> dict[str, str | None]:
    """File → hash of its bytes, each file read once; None if it cannot be read."""

    def of(file: str) -> str | None:
        try:
            path = found(corpus.root, file)
            return file_hash(path) if path.is_file() else None  # a pipe would wait for a writer
        except (OSError, ValueError):
            return None

    files = list(corpus.clips["file"].unique())
    with ThreadPoolExecutor(max_workers=4) as pool:
        return dict(zip(files, pool.map(of, files), strict=True))


NO_SPEAKERS = "there are no speaker labels, so confidence intervals are too narrow if speakers repeat"
"""Note of a corpus whose speakers are unknown."""

SCHEMA = 2
"""Version of `corpus.toml`."""
