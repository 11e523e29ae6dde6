"""Folds that are made from the speakers, sessions or clips of any corpus."""

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from sertools.corpora.corpus import Corpus
from sertools.corpora.folds.folds import Folds
from sertools.corpora.seen.names import from_names
from sertools.corpora.split import speaker_groups
from sertools.errors import CorpusError
from sertools.randomness import identity_rng
from sertools.tables.overlap import SESSIONS
from sertools.wording import plural

GROUPS = re.compile(r"(?P<n>\d+)-speaker-groups")
RANDOM = re.compile(r"random-(?P<n>\d+)")
KINDS = ("loso", "sessions", "5-speaker-groups", "random-10", "random-5")
"""Names to show; any other number of groups or random parts is possible too."""

WITH_DEV = 10
"""A random fold has a dev side if it is one of at least so many: emotion2vec's 80, 10 and 10 %."""

VALIDATION = 0.2
"""Share of the training clips of a session fold that are its dev side (emotion2vec, appendix B)."""


def made(corpus: Corpus, name: str) -> Folds | None:
    """Folds of this name; None if the name is of no kind that can be made.

    - `loso`: each speaker tests once, the next one is the dev side;
    - `sessions`: each session tests once, a random fifth of the other clips is the dev side;
    - `N-speaker-groups`: the speakers in N groups of equal shares, each tests once, the next is the dev side;
    - `random-N`: the clips in N random parts, each tests once; from 10 on the next is the dev side. Speakers
      are on several sides: they exist to repeat published numbers, and are never judged.

    Raises:
        CorpusError: the corpus lacks speakers or sessions, or has too few
    """
    if name == "loso":
        return _by_group(corpus, name, corpus.clips.get("speaker"), "speaker")
    if name == "sessions":
        return _sessions(corpus)
    if match := GROUPS.fullmatch(name):
        groups = speaker_groups(corpus, int(match["n"]))
        return _by_group(corpus, name, corpus.clips["speaker"].map(groups), "group of speakers")
    if match := RANDOM.fullmatch(name):
        return _random(corpus, name, int(match["n"]))
    return None


def _by_group(corpus: Corpus, name: str, groups: pd.Series | None, what: str) -> Folds:
    """Each group tests once; the next one is the dev side where a third is left to train."""
    if groups is None or groups.isna().all():
        raise CorpusError(f"{corpus.name} has no speaker labels, so it has no folds {name!r}")
    names = sorted(groups.dropna().unique(), key=str)
    if len(names) < 2:
        raise CorpusError(f"{corpus.name} has only one {what}, so it has no folds {name!r}")
    columns = {}
    for i, test in enumerate(names):
        sides = groups.map(lambda group: "train", na_action="ignore").astype(object)
        if len(names) > 2:
            sides[groups == names[(i + 1) % len(names)]] = "dev"
        sides[groups == test] = "test"
        columns[str(i + 1)] = sides.where(groups.notna(), None)
    order = ", ".join(f"{i} tests {who}" for i, who in enumerate(names[:5], 1))
    more = " …" if len(names) > 5 else ""
    notes = (f"folds {name}: {order}{more}",)
    return Folds(name=name, sides=pd.DataFrame(columns, index=corpus.clips.index), notes=notes)


def _sessions(corpus: Corpus) -> Folds:
    """Each session tests once; a random fifth of the other clips is the dev side."""
    sessions = _column(corpus, SESSIONS)
    names = sorted(sessions.dropna().unique(), key=str)
    if len(names) < 2:
        raise CorpusError(f"{corpus.name} has only one session, so it has no folds 'sessions'")
    columns = {}
    for i, test in enumerate(names):
        sides = pd.Series("train", index=sessions.index, dtype=object)
        sides[sessions == test] = "test"
        train = np.flatnonzero(sides == "train")
        rng = identity_rng(0, "sessions", corpus.name, str(test))
        chosen = rng.permutation(len(train))[: round(VALIDATION * len(train))]
        sides.iloc[train[chosen]] = "dev"
        columns[str(i + 1)] = sides.where(sessions.notna(), None)
    notes = (
        f"each of {plural(len(names), 'session')} tests once; the dev side is a random fifth of the other "
        "clips and shares their speakers",
    )
    return Folds(name="sessions", sides=pd.DataFrame(columns, index=sessions.index), notes=notes)


def _random(corpus: Corpus, name: str, n: int) -> Folds:
    """The clips in n random parts, each of which tests once."""
    if not 2 <= n <= len(corpus.clips):
        raise CorpusError(
            f"{corpus.name} has {plural(len(corpus.clips), 'clip')}, which makes no folds {name!r}"
        )
    clips = corpus.clips.index
    order = identity_rng(0, "random folds", corpus.name, str(n)).permutation(len(clips))
    numbers = np.zeros(len(clips), dtype=np.int64)
    numbers[order] = np.arange(len(clips)) % n
    part = pd.Series(numbers, index=clips)
    columns = {}
    for i in range(n):
        sides = pd.Series("train", index=clips, dtype=object)
        if n >= WITH_DEV:
            sides[part == (i + 1) % n] = "dev"
        sides[part == i] = "test"
        columns[str(i + 1)] = sides
    notes = (f"{name}: the clips in {n} random parts, whoever speaks, to repeat published numbers",)
    return Folds(name=name, sides=pd.DataFrame(columns, index=clips), notes=notes)


def _column(corpus: Corpus, names: Sequence[str]) -> pd.Series:
    """The first of these columns that has values, from the table or from the file names."""
    told, _ = from_names(corpus.clips)
    for name in names:
        for table in (corpus.clips, told):
            if name in table and table[name].notna().any():
                return table[name].astype(object).map(str, na_action="ignore")
    raise CorpusError(
        f"{corpus.name} does not say which clips were recorded together",
        hint=f"a column {names[0]} names the session of each clip",
    )
