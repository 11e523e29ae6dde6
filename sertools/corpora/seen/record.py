"""The training record: which clips and speakers a model was trained on, stored next to its weights.

It holds names of corpora and speakers, and hashes of clips (`clip_hash`); no paths, texts or sound. It is
bounded: of more clips than `MAX_CLIPS` it keeps those with the smallest hashes, which are a random sample.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sertools.corpora.corpus import Corpus
from sertools.corpora.seen.content import Place, corpus_hashes, hashes, places, spots
from sertools.errors import ModelError
from sertools.files import read_json

FILE = "training_record.json"
"""Name of the record in the folder of a checkpoint."""

MAX_CLIPS = 50_000
"""Largest number of hashes; such a record has about 1 MB."""

MAX_SPEAKERS = 10_000
"""Largest number of speakers; clips of further speakers are recorded without their speaker."""

MAX_BYTES = 16 * 2**20
"""Largest size of a file that is read."""

Name = Annotated[str, Field(max_length=200)]
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TrainedSpeaker(_Strict):
    """A training speaker: the corpus, the id (empty if unknown), and the hashes of the clips."""

    corpus: Name
    speaker: Name
    clips: list[Hash]


class TrainingRecord(_Strict):
    """The training data of a model.

    Attributes:
        version: of the format
        clips: number of training clips
        complete: whether every training clip that could be read has its hash in the record
        speakers: the training speakers
        chosen_on: the dev speakers, by whose scores the weights were chosen
        spots: where the clips are on this machine; never written
    """

    version: Literal[1] = 1
    clips: int = Field(ge=0)
    complete: bool = True
    speakers: list[TrainedSpeaker] = Field(max_length=MAX_SPEAKERS + 100)
    chosen_on: list[TrainedSpeaker] = Field(default=[], max_length=MAX_SPEAKERS + 100)
    spots: frozenset[str] = Field(default=frozenset(), exclude=True)

    @model_validator(mode="after")
    def _is_bounded(self) -> Self:
        for speakers in (self.speakers, self.chosen_on):
            if sum(len(each.clips) for each in speakers) > MAX_CLIPS:
                raise ValueError(f"more than {MAX_CLIPS} clips")
        return self

    def to_json(self) -> str:
        """The text of the file."""
        empty = {"chosen_on"} if not self.chosen_on else None
        return self.model_dump_json(indent=1, exclude=empty) + "\n"


def record_of(corpora: Sequence[Corpus]) -> TrainingRecord:
    """The record of a training on all clips of these corpora; each clip is decoded."""
    tables = []
    for corpus in corpora:
        found = identities(corpus)
        found["hash"] = corpus_hashes(corpus).to_numpy()
        found["spot"] = spots(places(corpus))
        tables.append(found)
    return _record(pd.concat(tables, ignore_index=True))


def record_of_clips(who: pd.DataFrame, where: Iterable[Place]) -> TrainingRecord:
    """The record of a training on these clips.

    Args:
        who: columns `corpus` and `speaker`, one row per clip; as from `identities`
        where: the place of each clip
    """
    return _record(who.assign(hash=hashes(where), spot=""))


def joined_records(one: TrainingRecord, other: TrainingRecord) -> TrainingRecord:
    """The record of a model that was trained on both, as a checkpoint that was trained further.

    A clip that is in both counts once.
    """
    rows = [
        (each.corpus, each.speaker, clip)
        for record in (one, other)
        for each in record.speakers
        for clip in each.clips or [""]
    ]
    table = pd.DataFrame(rows, columns=["corpus", "speaker", "hash"]).assign(spot="")
    hashes_of = [{clip for each in record.speakers for clip in each.clips} for record in (one, other)]
    made = _record(table)
    clips = one.clips + other.clips - len(hashes_of[0] & hashes_of[1])
    complete = made.complete and one.complete and other.complete
    chosen_on = [*one.chosen_on, *other.chosen_on]
    return made.model_copy(update={"clips": clips, "complete": complete, "chosen_on": chosen_on})


def home_of(name: str) -> str:
    """The corpus that a split or a fold of it is from.

    >>> home_of("emodb:test"), home_of("emodb@loso:1:train")
    ('emodb', 'emodb')
    """
    return name.partition(":")[0].partition("@")[0]


def identities(corpus: Corpus) -> pd.DataFrame:
    """Corpus and speaker of each clip, without the prefix that joined corpora give; empty if unknown.

    Returns:
        columns `corpus` and `speaker`, indexed by clip
    """
    home = home_of(corpus.name)
    clips = corpus.clips
    homes = clips["corpus"].fillna(home).astype(str) if "corpus" in clips else pd.Series(home, clips.index)
    ids = clips["speaker"] if "speaker" in clips else pd.Series(None, clips.index, dtype=object)
    names = [
        "" if pd.isna(name) else str(name).removeprefix(f"{of}:") for of, name in zip(homes, ids, strict=True)
    ]
    return pd.DataFrame({"corpus": homes.to_numpy(), "speaker": names}, index=clips.index)


def beside(weights: Path) -> TrainingRecord | None:
    """The record next to the weights of a model (a folder or a file); None if there is none.

    Raises:
        ModelError: there is a file of that name that is not a training record
    """
    if weights.is_dir():
        return read_record(weights / FILE)
    return read_record(path_of(weights)) if weights.name else None


def path_of(file: Path) -> Path:
    """Path of the record of a model, or of its predictions, in one file.

    >>> path_of(Path("b.skops")).name
    'b.skops.training_record.json'
    """
    return file.with_name(f"{file.name}.{FILE}")


def read_record(path: Path) -> TrainingRecord | None:
    """The record in a file; None if there is no such file.

    Raises:
        ModelError: it is not a training record
    """
    if not path.is_file():
        return None
    what = "the training record"
    if path.stat().st_size > MAX_BYTES:
        raise ModelError(f"{path} is too large for a training record", hint="delete it, or write it again")
    try:
        return TrainingRecord.model_validate(read_json(path, error=ModelError, what=what))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ModelError(
            f"{path} is not a training record: {first['msg']}{f' at {where!r}' if where else ''}",
            hint="without that file, name the training data with --trained-on",
        ) from error


def _record(table: pd.DataFrame) -> TrainingRecord:
    """The record of a table with the columns corpus, speaker, hash and spot."""
    known = table["hash"] != ""
    kept = table[known].drop_duplicates("hash").sort_values("hash")[:MAX_CLIPS]
    pairs = table[["corpus", "speaker"]].drop_duplicates()
    named = {tuple(pair) for pair in pairs.sort_values(["corpus", "speaker"])[:MAX_SPEAKERS].to_numpy()}
    grouped: dict[tuple[str, str], list[str]] = {(str(c), str(s)): [] for c, s in sorted(named)}
    for of, speaker, clip in zip(kept["corpus"], kept["speaker"], kept["hash"], strict=True):
        owner = (of, speaker) if (of, speaker) in grouped else (of, "")
        grouped.setdefault(owner, []).append(clip)
    return TrainingRecord(
        clips=len(table),
        complete=int(table["hash"][known].nunique()) <= MAX_CLIPS,
        speakers=[
            TrainedSpeaker(corpus=of[:200], speaker=speaker[:200], clips=sorted(found))
            for (of, speaker), found in grouped.items()
        ],
        spots=frozenset(spot for spot in table["spot"] if spot),
    )
