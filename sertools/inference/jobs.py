"""Finds the shards that each condition still needs; computes nothing itself."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from sertools.corpora.corpus import Corpus, fingerprint
from sertools.features.functionals import Functionals
from sertools.inference.settings import Settings
from sertools.models.model import Model, is_prompted, reads_functionals
from sertools.speech import resynthesis
from sertools.store.key import Key
from sertools.store.store import SHARD, read_layers, read_shard, shards
from sertools.tables.changed import splice
from sertools.tables.condition import CLEAN, Condition


@dataclass(frozen=True, kw_only=True)
class Job:
    """The clips of one condition that are not in the store yet.

    Attributes:
        condition: the condition of the audio (clean, or perturbed)
        folder: folder of its shards
        shards: number and clips of each shard to compute
        stored: number of clips that the store has
        layers: whether layer means are needed
        size: number of clips of each shard but the last
        functionals: the same shards of the functionals that the model reads; None for a model that reads none
    """

    condition: Condition
    folder: Path
    shards: tuple[tuple[int, pd.Index], ...]
    stored: int
    layers: bool
    size: int = SHARD
    functionals: "Job | None" = None

    @property
    def clips(self) -> int:
        """Number of clips in the shards to compute."""
        return sum(len(part) for _, part in self.shards)


def jobs(
    model: Model,
    corpus: Corpus,
    conditions: Sequence[Condition],
    settings: Settings,
    corpus_fingerprint: str = "",
    layers: bool = False,
) -> list[Job]:
    """The jobs still to compute for these conditions.

    Layer means, if requested, are computed for clean audio only. Conditions with a synthetic voice are left
    out for a corpus without transcripts, spliced clips for one without words and voices, those with another
    prompt for a model without prompts.

    Args:
        model: in the number format in which it runs
        corpus: the corpus to predict
        conditions: conditions of the audio
        settings: how to compute
        corpus_fingerprint: the corpus' fingerprint, if the caller knows it
        layers: whether layer means are needed

    Raises:
        SertoolsError: a voice does not exist
    """
    corpus_fingerprint = corpus_fingerprint or fingerprint(corpus)
    found = [
        job
        for condition in applicable(conditions, corpus, model)
        for job in jobs_of_conditions(
            corpus.clips.index,
            model=(model.name, model.fingerprint),
            corpus=(corpus.name, corpus_fingerprint),
            conditions=[condition],
            layers=layers and str(condition) == CLEAN,
            root=settings.root,
            size=min(SHARD, getattr(model, "stored_together", SHARD)),
        )
    ]
    if not reads_functionals(model):
        return found
    read = jobs(Functionals(), corpus, conditions, settings, corpus_fingerprint)
    return [replace(job, functionals=each) for job, each in zip(found, read, strict=True)]


def applicable(conditions: Sequence[Condition], corpus: Corpus, model: Model) -> list[Condition]:
    """The conditions that apply to this corpus and model, with fingerprints of transcripts and of prompts."""
    found = []
    for c in conditions:
        if c.asked:
            if is_prompted(model):
                found.append(replace(c, content=hash_of(model.prompt_text(c.asked))))
        elif c.spliced:
            if splice.can_be_spliced(corpus.clips, c.spliced):
                found.append(replace(c, content=splice.fingerprint(corpus.clips, c.spliced)))
        elif c.window_s:
            if "emotion" in corpus.clips:
                found.append(replace(c, content=splice.fingerprint_of_changes(corpus.clips)))
        elif not c.voice:
            found.append(c)
        elif resynthesis.has_transcripts(corpus.clips):
            found.append(replace(c, content=resynthesis.fingerprint(corpus.clips, c.voice)))
    return found


def hash_of(text: str) -> str:
    """A short fingerprint of a text."""
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def jobs_of_conditions(
    clips: pd.Index,
    *,
    model: tuple[str, str],
    corpus: tuple[str, str],
    conditions: Sequence[Condition],
    layers: bool,
    root: Path,
    size: int = SHARD,
) -> list[Job]:
    """One job per condition, in the order of the conditions; a complete job has no shards to compute.

    Args:
        clips: the corpus' clips in order
        model: its name and fingerprint
        corpus: its name and fingerprint
        conditions: all conditions that audits read
        layers: whether any audit reads layer means
        root: root folder of the store
        size: number of clips of each shard but the last
    """
    planned = []
    for condition in conditions:
        key = Key(model=model, corpus=corpus, condition=(str(condition), condition.fingerprint))
        folder = key.folder(root)
        todo = tuple((i, part) for i, part in shards(clips, size) if not _stored(folder, i, part, layers))
        n = sum(len(part) for _, part in todo)
        planned.append(
            Job(
                condition=condition,
                folder=folder,
                shards=todo,
                stored=len(clips) - n,
                layers=layers,
                size=size,
            )
        )
    return planned


def _stored(folder: Path, i: int, clips: pd.Index, layers: bool) -> bool:
    return read_shard(folder, i, clips) is not None and (
        not layers or read_layers(folder, i, len(clips)) is not None
    )
