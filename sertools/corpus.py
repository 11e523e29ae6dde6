"""A corpus: a table with one row per clip and its labels.

The simplest corpus is a **manifest**: a CSV (UTF-8; commas, semicolons or tabs) or Parquet file with one
row per clip and at least the column `file`.

    file,speaker,sex,emotion,arousal,split
    wav/a.wav,03,female,angry,6.5,test
    wav/b.wav,07,m,neutral,3,test

| column | content |
|---|---|
| `file` | path of the audio file, absolute or relative to the manifest |
| `start`, `end` | segment in seconds; empty for the whole file |
| `clip` | an id; by default made from file and segment |
| `speaker` | any id, read as text (`03` stays `03`); needed for correct confidence intervals |
| `sex`, `age`, `language`, `transcript` | attributes that audits may use; `f`, `w`, `female` mean the same |
| `corpus` | the source if a manifest combines several corpora; speakers then become `msp:12` |
| `emotion` | a category; `angry`, `ang`, `anger` mean the same; map others with `--label-map theirs=ours` |
| `arousal`, `dominance`, `valence` | ratings in [0, 1], or on the scale that `--scale arousal=1:7` declares |
| `split` | selected with `manifest.csv:test` |
| any other | read as an attribute, for grouping |

Columns with other names are mapped with `--map theirs=ours`. An empty value is missing, never zero. Other
accepted inputs: audformat folders, registered corpora by name (`emodb:test`, `msp-test1`) or by their
folder, and the output of `write_corpus()`.
"""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from sertools import corpora
from sertools.audio.files import is_silent, read_audio
from sertools.errors import AudioError, CorpusError, nearest
from sertools.labels import DIMENSIONS, canonical
from sertools.manifest import MANIFESTS, as_clips, look_alikes, prefixed
from sertools.readers import SCHEMA, read
from sertools.tables.columns import LABELS

SHORTEST_S = 0.025
"""Most models cannot process shorter clips: wav2vec2 needs 400 samples at 16 kHz."""


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
        notes: sentences on counts, dropped labels, splits
    """

    name: str
    clips: pd.DataFrame
    root: Path
    version: str = ""
    licence: str = ""
    citation: str = ""
    simulated: str = ""
    notes: tuple[str, ...] = ()

    def path(self, clip: str) -> Path:
        """Path of a clip's audio file."""
        return self.root / str(self.clips.at[clip, "file"])


def load_corpus(
    spec: str,
    *,
    data_root: Path | None = None,
    column_map: Mapping[str, str] | None = None,
    scale: Mapping[str, tuple[float, float]] | None = None,
    label_map: Mapping[str, str] | None = None,
) -> Corpus:
    """Load and check the corpus with this name or path.

    Args:
        spec: registered name, manifest, audformat folder, folder of a registered corpus, or folder with a
            `metadata.csv`; each with `:split` if wanted
        data_root: folder of a registered corpus, or its parent folder
        column_map: column name in the corpus → sertools' name
        scale: dimension → its lowest and highest rating
        label_map: emotion label in the corpus → sertools' name

    Raises:
        CorpusError: the corpus is missing or cannot be read; the message says what to do
    """
    path, stem, split = _place(spec, data_root)
    reading = read(path, stem)
    declared = [d for d in scale or {} if reading.scaled and (d == "*" or d in reading.table)]
    if declared:
        raise CorpusError(f"--scale {declared[0]}: the rating scale of {reading.name} is fixed")
    clips = as_clips(
        reading.table,
        source=reading.source,
        column_map=column_map,
        scale={**reading.scale, **(scale or {})},
        label_map=label_map,
    )
    notes = (*reading.verify(clips), *reading.notes, *look_alikes(_candidates(clips)))
    corpus = Corpus(name=reading.name, clips=clips, root=reading.root, notes=notes, **reading.facts)
    return corpus if split is None else _of_split(corpus, split)


def _candidates(clips: pd.DataFrame) -> list[str]:
    """Columns that may be labels under another name; a dimension must be numeric."""
    names = [str(c) for c in clips]
    return [c for c in names if canonical(c) not in DIMENSIONS or pd.api.types.is_numeric_dtype(clips[c])]


def write_corpus(corpus: Corpus, folder: Path) -> None:
    """Write `clips.parquet` and `corpus.toml` for `load_corpus(folder)`; each file completely or not at all.

    Audio files are not copied.

    Raises:
        CorpusError: the folder cannot be written
    """
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
        "notes": list(corpus.notes),
    }
    # A JSON string is a TOML string too, as long as nothing outside ASCII is escaped as a surrogate pair.
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in facts.items()]
    part = folder / f".{os.getpid()}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        corpus.clips.to_parquet(part)
        part.replace(folder / "clips.parquet")
        part.write_text("".join(lines), encoding="utf-8")
        part.replace(folder / "corpus.toml")
    except OSError as error:
        raise CorpusError(f"cannot write {folder}: {error.strerror or error}") from error
    finally:
        if part.exists():
            part.unlink()


def join(parts: Sequence[Corpus]) -> Corpus:
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
           for key in ("version", "licence", "citation", "simulated")}  # fmt: skip
    notes = tuple(f"{part.name}: {note}" for part in parts for note in part.notes)
    name = "+".join(part.name for part in parts)
    return Corpus(name=name, clips=joined, root=Path("/"), notes=notes, **own)


def fingerprint(corpus: Corpus) -> str:
    """Hash of all that predictions depend on, 32 hex digits: ids, segments and bytes of all files, in order.

    Labels are not included. An unreadable file is hashed as missing, so the fingerprint changes when the file
    becomes available.
    """
    contents = _file_hashes(corpus)
    digest = hashlib.blake2b(digest_size=16)
    for clip, file, start, end in zip(
        corpus.clips.index, corpus.clips["file"], corpus.clips["start"], corpus.clips["end"], strict=True
    ):
        digest.update(json.dumps([clip, f"{start!r}", f"{end!r}", contents[file] or "missing"]).encode())
    return digest.hexdigest()


def check(corpus: Corpus) -> list[str]:
    """Content and problems of a corpus, as sentences; decodes every clip.

    Counts, speakers per sex, share of clips with each label; then missing, broken, short and silent clips,
    and clips with identical audio.
    """
    clips = corpus.clips
    found = [f"{corpus.name}: {len(clips)} clips in {clips['file'].nunique()} files", *corpus.notes]
    if "speaker" not in clips or clips["speaker"].isna().all():
        found.append("there are no speaker labels, so confidence intervals are too narrow if speakers repeat")
    else:
        speakers = clips.dropna(subset="speaker").drop_duplicates("speaker")
        sexes = speakers["sex"].fillna("unknown").value_counts() if "sex" in clips else pd.Series(dtype=int)
        detail = f" ({', '.join(f'{n} {sex}' for sex, n in sexes.items())})" if len(sexes) else ""
        found.append(f"{len(speakers)} speakers{detail}")
        if clips["speaker"].isna().any():
            found.append(f"{int(clips['speaker'].isna().sum())} clips have no speaker label")
    for label in LABELS:
        if label in clips:
            rated = int(clips[label].notna().sum())
            found.append(f"{label}: {rated} of {len(clips)} clips")
    if not any(label in clips for label in LABELS):
        found.append(f"no labels: none of {', '.join(LABELS)}")
    if "emotion" in clips:
        counts = clips["emotion"].value_counts()
        found.append("emotions: " + ", ".join(f"{emotion} {n}" for emotion, n in counts.items()))
    return [*found, *_sound_problems(corpus)]


def _sound_problems(corpus: Corpus) -> list[str]:
    problems: list[str] = []
    broken: list[tuple[str, str]] = []
    silent: list[str] = []
    short: list[str] = []
    seconds, rate = 0.0, 16000
    for clip, start, end in zip(corpus.clips.index, corpus.clips["start"], corpus.clips["end"], strict=True):
        try:
            signal = read_audio(corpus.path(clip), rate, start, end)
        except AudioError as error:
            broken.append((clip, error.message))
            continue
        seconds += len(signal) / rate
        if is_silent(signal):
            silent.append(clip)
        if len(signal) / rate < SHORTEST_S:
            short.append(clip)
    problems.append(f"{seconds / 60:.1f} minutes of audio")
    problems.extend(f"{clip}: {reason}" for clip, reason in broken[:10])
    if broken:
        problems.append(f"{len(broken)} of {len(corpus.clips)} clips cannot be read")
    if silent:
        problems.append(f"{len(silent)} clips are digital silence: {_some(silent)}")
    if short:
        problems.append(f"{len(short)} clips are shorter than {1000 * SHORTEST_S:g} ms: {_some(short)}")
    hashes = corpus.clips["file"].map(_file_hashes(corpus))
    same = corpus.clips.assign(sound=hashes).dropna(subset="sound")
    for _, group in same.groupby(["sound", "start", "end"], dropna=False, sort=False):
        if len(group) > 1:
            problems.append(f"identical audio: {_some(list(group.index))}")
    return problems


def _some(clips: list[str]) -> str:
    return ", ".join(clips[:5]) + (f" and {len(clips) - 5} more" if len(clips) > 5 else "")


def _file_hashes(corpus: Corpus) -> dict[str, str | None]:
    """File → hash of its bytes, each file read once; None if it cannot be read."""

    def of(file: str) -> str | None:
        try:
            with (corpus.root / file).open("rb") as stream:
                return hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
        except OSError:
            return None

    files = list(corpus.clips["file"].unique())
    with ThreadPoolExecutor(max_workers=4) as pool:
        return dict(zip(files, pool.map(of, files), strict=True))


def _place(spec: str, data_root: Path | None) -> tuple[Path, str, str | None]:
    """Path, registered corpus (its file stem, or empty) and split that a spec refers to."""
    known = corpora.names()
    head, colon, tail = spec.rpartition(":")
    if spec in known:
        stem, split = known[spec]
        return corpora.root_of(spec, data_root), stem, split
    if colon and head in known:
        stem, own = known[head]
        if own is not None:
            raise CorpusError(f"{head!r} is already a split, so {spec!r} is not valid")
        return corpora.root_of(head, data_root), stem, tail
    if os.path.exists(Path(spec).expanduser()):
        return Path(spec).expanduser(), "", None
    if colon and os.path.exists(Path(head).expanduser()):
        return Path(head).expanduser(), "", tail
    raise _nothing_there(spec, head if colon else spec)


def _of_split(corpus: Corpus, split: str) -> Corpus:
    if "split" not in corpus.clips:
        raise CorpusError(f"{corpus.name} has no column 'split', so it has no split {split!r}")
    chosen = corpus.clips[corpus.clips["split"] == split]
    if chosen.empty:
        known = sorted(corpus.clips["split"].dropna().unique())
        raise CorpusError(f"{corpus.name} has no split {split!r}", hint=nearest(split, known))
    return replace(corpus, name=f"{corpus.name}:{split}", clips=chosen)


def _nothing_there(spec: str, head: str) -> CorpusError:
    """The error for a path that does not exist or a name that is not registered."""
    if os.sep in spec or any(head.endswith(suffix) for suffix in MANIFESTS) or head.startswith("."):
        return CorpusError(f"no such file or folder: {head if Path(head).suffix in MANIFESTS else spec}")
    return CorpusError(f"unknown corpus {head!r}", hint=nearest(head, sorted(corpora.names())))
