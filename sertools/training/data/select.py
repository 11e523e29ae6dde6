"""Selects the clips for training and for choosing the best weights, without shared speakers."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from sertools.corpora.attached.beside import Beside
from sertools.corpora.corpus import Corpus
from sertools.corpora.load import load_corpus
from sertools.corpora.seen.content import Place
from sertools.corpora.seen.overlap import seen
from sertools.corpora.seen.record import TrainingRecord, home_of, identities, record_of_clips
from sertools.errors import CorpusError, nearest
from sertools.training.recipe import Recipe
from sertools.wording import plural

SHARES_SPEAKERS = "random-"
"""Beginning of the names of folds whose parts share speakers, as some published protocols do."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """The clips of one part of a training.

    Attributes:
        corpora: the corpora that they are from
        table: one row per clip: `clip` (CORPUS/CLIP, unique), `source` (number of its corpus), `key` (its id
            there), `corpus` and `speaker` (as in training records), and all columns of the corpora
    """

    corpora: Sequence[Corpus]
    table: pd.DataFrame

    def __len__(self) -> int:
        return len(self.table)

    def places(self) -> list[Place]:
        """Where each clip is."""
        found = []
        for source, key in zip(self.table["source"], self.table["key"], strict=True):
            corpus = self.corpora[source]
            start, end = (float(corpus.clips.at[key, name]) for name in ("start", "end"))
            found.append((corpus.path(key), start, end, corpus.channel(key)))
        return found

    def record(self) -> TrainingRecord:
        """The record of a training on these clips; each is decoded."""
        return record_of_clips(self.table[["corpus", "speaker"]], self.places())

    def corpus(self, number: int) -> Corpus:
        """The clips that are from one of the corpora."""
        corpus = self.corpora[number]
        return replace(corpus, clips=corpus.clips.loc[self.table["key"][self.table["source"] == number]])

    def speakers(self) -> int:
        """Number of speakers."""
        return len(self.table[["corpus", "speaker"]].drop_duplicates())


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The parts of a training.

    Attributes:
        train, dev, test: clips that train, that choose the best weights, and that do neither; dev and test
            may be empty
        whole: clips of which the training clips are a share
        notes: sentences on what was left out or shared
    """

    train: Part
    dev: Part
    test: Part
    whole: Part
    notes: tuple[str, ...] = ()


def select(recipe: Recipe, data_root: Path | None = None) -> Selection:
    """The clips that a recipe names.

    Raises:
        CorpusError: a corpus or a speaker is missing, a part is empty, or a speaker of dev or test trains
    """
    pool = _part(recipe.corpora, recipe, data_root)
    dev, test = (_part(specs, recipe, data_root) for specs in (recipe.dev, recipe.test))
    for names in (recipe.speakers, recipe.dev_speakers, recipe.test_speakers):
        _check_known(names, pool, dev, test)
    if recipe.dev_speakers:
        chosen = _named(pool.table, recipe.dev_speakers)
        dev = replace(pool, table=pool.table[chosen]) if not recipe.dev else _only(dev, recipe.dev_speakers)
    if recipe.test_speakers:
        of = test if recipe.test else pool
        test = _only(of, recipe.test_speakers)
    held = [*recipe.dev_speakers, *recipe.test_speakers]
    twice = [name for name in recipe.speakers if name in held]
    if twice:
        raise CorpusError(f"speaker {twice[0]!r} of dev or test is among the training speakers")
    train = replace(pool, table=pool.table[~_named(pool.table, held)]) if held else pool
    train = _only(train, recipe.speakers) if recipe.speakers else train
    notes = _check_disjoint(train, dev, "dev", recipe) + _check_disjoint(train, test, "test", recipe)
    whole, train = train, _shared(train, recipe)
    if not len(train):
        raise CorpusError("no clip is left to train on", hint="name fewer dev and test speakers")
    if not len(dev) and (recipe.dev or recipe.dev_speakers):
        raise CorpusError("no clip of the dev speakers is in the corpora of the recipe")
    return Selection(train=train, dev=dev, test=test, whole=whole, notes=tuple(notes))


def corpus_of(spec: str, recipe: Recipe, data_root: Path | None) -> Corpus:
    """A corpus as a recipe reads it: a folder or manifest below `data_root`, or what `--data` accepts.

    Raises:
        CorpusError: it is missing, cannot be read, or lists a clip twice
    """
    below = (data_root or Path()) / spec.partition(":")[0]
    corpus = load_corpus(
        str((data_root or Path()) / spec) if below.exists() else spec,
        data_root=None if below.exists() else data_root,
        label_map=recipe.label_map,
        scale=recipe.scale,
        beside=Beside.of(recipe.raters),
    )
    corpus.check_listed_once()
    return replace(corpus, max_minutes=recipe.max_minutes)


def _part(specs: Sequence[str], recipe: Recipe, data_root: Path | None) -> Part:
    """All clips of corpora, see `corpus_of`."""
    corpora = [corpus_of(spec, recipe, data_root) for spec in specs]
    tables = []
    for i, corpus in enumerate(corpora):
        table = corpus.clips.drop(columns=["corpus", "speaker"], errors="ignore")
        home = home_of(corpus.name)
        table = table.assign(
            source=i, key=corpus.clips.index, clip=[f"{home}/{clip}" for clip in table.index]
        )
        table[["corpus", "speaker"]] = identities(corpus)
        tables.append(table)
    empty = pd.DataFrame(columns=["clip", "source", "key", "corpus", "speaker"])
    table = pd.concat(tables, ignore_index=True) if tables else empty
    return Part(corpora=corpora, table=table.drop_duplicates("clip", ignore_index=True))


def _named(table: pd.DataFrame, names: Sequence[str]) -> "pd.Series[bool]":
    """Which clips are of these speakers: `ID`, in any corpus, or `CORPUS:ID`."""
    full = table["corpus"].astype(str) + ":" + table["speaker"].astype(str)
    return (table["speaker"].isin(list(names)) & (table["speaker"] != "")) | full.isin(list(names))


def _only(part: Part, names: Sequence[str]) -> Part:
    return replace(part, table=part.table[_named(part.table, names)])


def _check_known(names: Sequence[str], *parts: Part) -> None:
    """Refuses speakers that are in no corpus of the recipe."""
    known = {str(name) for part in parts for name in part.table["speaker"] if name}
    full = {
        f"{c}:{s}" for part in parts for c, s in part.table[["corpus", "speaker"]].itertuples(index=False)
    }
    absent = [name for name in names if name not in known | full]
    if absent:
        raise CorpusError(
            f"speaker {absent[0]!r} is in none of the recipe's corpora",
            hint=nearest(absent[0], sorted(known)),
        )


def _check_disjoint(train: Part, other: Part, name: str, recipe: Recipe) -> list[str]:
    """A sentence on shared speakers, if the fold is named after that; else there must be none.

    Raises:
        CorpusError: a speaker of dev or test trains, or nobody knows, because speakers are not named
    """
    if not len(other):
        return []
    people = [set(map(tuple, part.table[["corpus", "speaker"]].to_numpy())) for part in (train, other)]
    unknown = sorted({home for part in people for home, who in part if not who})
    both = sorted(who for who in people[0] & people[1] if who[1])
    specs = [*recipe.corpora, *(recipe.dev if name == "dev" else recipe.test)]
    if all(f"@{SHARES_SPEAKERS}" in spec for spec in specs):
        return [f"{plural(len(both), 'speaker')} of {name} also train, as in the fold that the recipe names"]
    if both:
        shown = ", ".join(who for _, who in both[:5]) + (" …" if len(both) > 5 else "")
        raise CorpusError(
            f"{plural(len(both), f'{name} speaker')} of {both[0][0]} would train too: {shown}",
            hint=f"name them in {name}_speakers, or choose splits that share no speaker",
        )
    if unknown:
        raise CorpusError(
            f"corpus {unknown[0]} has clips without a speaker, so {name} speakers may be among them",
            hint="add a column speaker",
        )
    return []


def check_unseen(selection: Selection, training: TrainingRecord, init: str) -> None:
    """Refuses dev and test speakers on whom the checkpoint that `init` names was trained.

    Raises:
        CorpusError: there are such speakers
    """
    for name, part in (("dev", selection.dev), ("test", selection.test)):
        for number in sorted(set(part.table["source"])):
            corpus = part.corpus(number)
            found = seen(training, corpus)
            if found.any and not corpus.unjudged:
                raise CorpusError(
                    f"init = {init!r} was trained on {name} speakers: of {corpus.name}, {found.sentence}",
                    hint="choose other speakers, or another init",
                )


def _shared(part: Part, recipe: Recipe) -> Part:
    """The share of the clips that trains. A smaller share is part of a larger one with the same seed."""
    if recipe.share == 1:
        return part
    table = part.table
    ids = table["clip"] if recipe.share_by == "clip" else table["corpus"] + ":" + table["speaker"]
    units = sorted(set(ids), key=lambda unit: _rank(recipe.seed, str(unit)))
    kept = set(units[: max(1, math.ceil(recipe.share * len(units) - 1e-9))])
    return replace(part, table=table[ids.isin(kept)])


def _rank(seed: int, unit: str) -> bytes:
    """A number by which clips or speakers are drawn, which depends on nothing else."""
    return hashlib.blake2b(f"{seed} share {unit}".encode(), digest_size=16).digest()
