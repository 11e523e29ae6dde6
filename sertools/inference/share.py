"""A share of the work: the shards that one of several workers computes on a core, machine or task.

Workers need no scheduler and no common process: a store that they all can write is enough. A shard belongs to
its content, so the number of workers may change between runs, and two workers that compute the same shard
write the same bytes. Nothing is merged: whoever finds that nothing is missing goes on.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from sertools.corpora.corpus import Corpus
from sertools.errors import SertoolsError
from sertools.inference import engine
from sertools.inference.jobs import Job
from sertools.inference.settings import Settings, Share
from sertools.models.model import Model
from sertools.store.store import SHARD, read_layers, read_shard
from sertools.wording import plural


class OtherSharesMissingError(SertoolsError):
    """This worker's share is stored, but shards of other workers are missing, so the result is incomplete.

    Attributes:
        shards: number of shards that are missing
    """

    def __init__(self, share: Share, shards: int) -> None:
        super().__init__(
            f"Share {share} is stored; {plural(shards, 'shard')} of other shares still missing.",
            hint="When all shares are stored, the same command computes nothing and shows the result.",
        )
        self.shards = shards


def parse(text: str, option: str = "--shard") -> Share:
    """The share that a text such as `3/8` after an option names: the third of eight.

    Raises:
        SertoolsError: another form, or a number outside of 1 to n

    >>> parse("3/8")
    Share(number=2, of=8)
    """
    hint = f"write {option} i/n with i from 1 to n, as in {option} 3/8"
    found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text.strip())
    if not found:
        raise SertoolsError(f"{option} {text!r} is not a share of the work", hint=hint)
    number, of = map(int, found.groups())
    if not 1 <= number <= of:
        raise SertoolsError(f"{option} {text}: there is no share {number} of {of}", hint=hint)
    return Share(number=number - 1, of=of)


def from_environment(environment: Mapping[str, str]) -> Share | None:
    """The share of a task of a Slurm array, or of a process that a launcher such as torchrun or srun started.

    `SLURM_ARRAY_TASK_ID`, `_COUNT`, `_MIN` and `_STEP` give the place of a task in its array, `RANK` and
    `WORLD_SIZE` that of a process. None if there is only one, or if the variables are incomplete.

    >>> from_environment({"SLURM_ARRAY_TASK_ID": "14", "SLURM_ARRAY_TASK_COUNT": "4",
    ...                   "SLURM_ARRAY_TASK_MIN": "10", "SLURM_ARRAY_TASK_STEP": "2"})
    Share(number=2, of=4)
    >>> from_environment({"RANK": "0", "WORLD_SIZE": "1"}) is None
    True
    """
    number, of = _count(environment, "SLURM_ARRAY_TASK_ID"), _count(environment, "SLURM_ARRAY_TASK_COUNT")
    if number is not None and of is not None:
        first = _count(environment, "SLURM_ARRAY_TASK_MIN") or 0
        number = (number - first) // max(1, _count(environment, "SLURM_ARRAY_TASK_STEP") or 1)
    else:
        number, of = _count(environment, "RANK"), _count(environment, "WORLD_SIZE")
    if number is None or of is None or of < 2 or not 0 <= number < of:
        return None
    return Share(number=number, of=of)


def _count(environment: Mapping[str, str], name: str) -> int | None:
    text = environment.get(name, "")
    return int(text) if text.isdecimal() else None


def fill(work: Iterable[tuple[Model, Corpus, Sequence[Job]]], share: Share, settings: Settings) -> int:
    """Computes and stores a share of the missing shards; returns how many are missing after that.

    The shards of all jobs are dealt out in turn, whether they are stored or not, so that the share of a
    worker does not depend on what the others have done.

    Args:
        work: model, corpus and its jobs, in the same order for every worker
        share: which part to compute
        settings: how to compute

    Raises:
        StoreError: a shard cannot be written
        ModelError: the scores do not have the shape (clips, labels)
    """
    every, begin = list(work), 0
    for model, corpus, jobs in every:
        for job in jobs:
            own = tuple(each for each in job.shards if (begin + each[0]) % share.of == share.number)
            engine.fill(replace(job, shards=own), corpus, model, settings)
            begin += -(-(job.clips + job.stored) // SHARD)
    return sum(_missing(job) for _, _, jobs in every for job in jobs)


def _missing(job: Job) -> int:
    """How many of the shards that a job had to compute are still not stored."""
    return sum(
        read_shard(job.folder, i, clips) is None
        or (job.layers and read_layers(job.folder, i, len(clips)) is None)
        for i, clips in job.shards
    )
