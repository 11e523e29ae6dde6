"""Named folds of a corpus: which clips train, tune and test, in each of several rounds."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pandas as pd

from sertools.corpora.corpus import Corpus
from sertools.errors import CorpusError, nearest
from sertools.tables.overlap import DIALOGS, column_of, partners
from sertools.wording import plural

SIDES = ("train", "dev", "test")

SHARED = (
    "{n} speakers of the test side are also in the training side, so the scores say nothing about new "
    "speakers and are not judged"
)
"""Said beside every score on such a side."""


@dataclass(frozen=True, kw_only=True)
class Folds:
    """Sides of the clips of a corpus, in each fold.

    Attributes:
        name: what users call them, as `loso`
        sides: index `clip`, one column per fold, named `1`, `2`, …; train, dev, test, or None for a clip that
            is left out
        sizes: fold → published numbers of clips in train, dev and test, where known
        notes: sentences on where the folds come from
    """

    name: str
    sides: pd.DataFrame
    sizes: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def with_fold(corpus: Corpus, folds: Folds, number: str = "") -> Corpus:
    """The corpus with the sides of one fold as its column `split`; clips in none of them are left out.

    The notes say which speakers, dialogues and partners of conversations are on both sides, and whether the
    sizes are the published ones. Where the sides share speakers, the corpus is not to be judged on.

    Args:
        corpus: the whole corpus
        folds: of this corpus
        number: of the fold; may be left out where there is one only

    Raises:
        CorpusError: no such fold
    """
    known = list(folds.sides.columns)
    if not number and len(known) > 1:
        raise CorpusError(
            f"{corpus.name}@{folds.name} has {len(known)} folds",
            hint=f"name one, as in {corpus.name}@{folds.name}:{known[0]}:test",
        )
    number = number or known[0]
    if number not in known:
        raise CorpusError(f"{corpus.name}@{folds.name} has no fold {number!r}", hint=nearest(number, known))
    sides = folds.sides[number].reindex(corpus.clips.index)
    clips = corpus.clips.assign(split=sides)[sides.notna().to_numpy()]
    left_out = len(corpus.clips) - len(clips)
    notes = list(folds.notes)
    if left_out:
        notes.append(f"{plural(left_out, 'clip is', 'clips are')} in no side of this fold and left out")
    notes += size_notes(folds, number)
    test, others = clips[clips["split"] == "test"], clips[clips["split"] != "test"]
    shared = shared_speakers(test, others)
    unjudged = SHARED.format(n=f"{len(shared)} of {test['speaker'].nunique()}") if shared else ""
    notes += [unjudged] if unjudged else [*talking_notes(test, others)]
    return replace(
        corpus,
        name=f"{corpus.name}@{folds.name}:{number}",
        clips=clips,
        notes=(*corpus.notes, *notes),
        unjudged=unjudged,
    )


def size_notes(folds: Folds, number: str) -> list[str]:
    """A sentence on the sizes of a fold, where the published ones are known."""
    if number not in folds.sizes:
        return []
    counts = folds.sides[number].value_counts()
    found = tuple(int(counts.get(side, 0)) for side in SIDES)
    published = folds.sizes[number]
    shown = " / ".join(map(str, found))
    if found == published:
        return [f"train, dev and test of fold {number} have {shown} clips, as published"]
    expected = " / ".join(map(str, published))
    return [f"train, dev and test of fold {number} have {shown} clips, the published ones {expected}"]


def shared_speakers(test: pd.DataFrame, others: pd.DataFrame) -> set[str]:
    """Speakers of the test side who are also on another side."""
    if not all("speaker" in part for part in (test, others)):
        return set()
    return set(test["speaker"].dropna()) & set(others["speaker"].dropna())


def talking_notes(test: pd.DataFrame, others: pd.DataFrame) -> list[str]:
    """Sentences on dialogues, and partners of conversations, that are on both sides."""
    column = column_of(DIALOGS, test, others)
    dialogs = set(test[column].dropna()) & set(others[column].dropna()) if column else set()
    found = [f"{plural(len(dialogs), 'dialogue is', 'dialogues are')} on both sides"] if dialogs else []
    talking = partners(test, others)
    if talking:
        found.append(
            f"{plural(len(talking), 'test speaker talks', 'test speakers talk')} with one in training"
        )
    return found


NUMBERED = re.compile(r"(?P<name>.+?)(?::(?P<number>\d+))?(?::(?P<side>[^:]+))?")


def parsed(text: str) -> tuple[str, str, str]:
    """Name, number and side of `emo-superb:1:test`; empty where omitted.

    >>> parsed("emo-superb:1:test"), parsed("loso:12"), parsed("loso")
    (('emo-superb', '1', 'test'), ('loso', '12', ''), ('loso', '', ''))
    """
    match = NUMBERED.fullmatch(text)
    if match is None:
        raise CorpusError(f"@{text} names no folds", hint="for instance @loso:1:test")
    return match["name"], match["number"] or "", match["side"] or ""
