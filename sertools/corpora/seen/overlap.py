"""Which clips and speakers of a corpus were in the training data of a model?"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.corpora import registry
from sertools.corpora.corpus import Corpus
from sertools.corpora.seen.content import corpus_hashes, places, spots
from sertools.corpora.seen.record import TrainingRecord, identities
from sertools.wording import plural


@dataclass(frozen=True, kw_only=True)
class Seen:
    """The clips and speakers of a corpus that were in a training set.

    Attributes:
        clips: which clips were in the training, shape (n,)
        of_speakers: which clips are of speakers who were in the training, shape (n,)
        speakers: number of these speakers in the corpus
        all_speakers: number of speakers of the corpus; None if it names none
        complete: whether the training record has all training clips
        notes: sentences on speakers that may or may not have been in the training
    """

    clips: NDArray[np.bool_]
    of_speakers: NDArray[np.bool_]
    speakers: int
    all_speakers: int | None
    complete: bool
    notes: tuple[str, ...] = ()

    @property
    def any(self) -> bool:
        """Whether anything of the corpus was in the training."""
        return bool(self.left_out.any())

    @property
    def left_out(self) -> NDArray[np.bool_]:
        """Clips that were in the training, or whose speaker was, shape (n,)."""
        return self.clips | self.of_speakers

    @property
    def sentence(self) -> str:
        """How much of the corpus was in the training: `512 of 535 clips, 6 of 10 speakers, were in its …`."""
        n = int(self.clips.sum())
        shown = f"{'' if self.complete else 'at least '}{n} of {plural(len(self.clips), 'clip')}"
        if self.all_speakers is None:
            return f"{shown} were in its training"
        if not n and self.speakers:  # their files may have been, too, where the sound cannot be compared
            return f"{self.speakers} of {plural(self.all_speakers, 'speaker')} were in its training"
        return f"{shown}, {self.speakers} of {plural(self.all_speakers, 'speaker')}, were in its training"


def seen(record: TrainingRecord, corpus: Corpus) -> Seen:
    """The overlap of a corpus with the training data that a record describes.

    A clip was in the training if its samples have the hash of a training clip, or if it is the same part of
    the same file. A speaker was in the training if one of the speaker's clips was, or by the id, where ids
    can be compared: the corpora have the same name, or some clip is in both under the same id, or both
    are tables of the user, which are taken to name people alike.

    Args:
        record: of the training
        corpus: whose clips are asked about; they are decoded
    """
    owners = {clip: (each.corpus, each.speaker) for each in record.speakers for clip in each.clips}
    found = corpus_hashes(corpus) if owners else pd.Series("", corpus.clips.index, dtype=object)
    clips = found.isin(owners.keys()).to_numpy()
    if record.spots:
        clips = clips | np.array([spot in record.spots for spot in spots(places(corpus))])
    who = identities(corpus)
    who["id"] = who["speaker"].map(_plain)
    trained = {(each.corpus, _plain(each.speaker)) for each in record.speakers if each.speaker}
    alike = _alike(who, found, owners, {of for of, _ in trained})
    pairs = list(zip(who["corpus"], who["id"], strict=True))
    heard = {pair for pair, was in zip(pairs, clips, strict=True) if was and pair[1]}
    named = {
        (home, speaker)
        for home, speaker in set(pairs)
        if speaker and any((of, speaker) in trained for of in alike[home])
    }
    of_speakers = np.array([pair in heard | named for pair in pairs], dtype=bool)
    return Seen(
        clips=clips,
        of_speakers=of_speakers,
        speakers=len(heard | named),
        all_speakers=len({pair for pair in pairs if pair[1]}) or None,
        complete=record.complete,
        notes=_doubts({pair for pair in pairs if pair[1]} - heard - named, trained),
    )


def _plain(speaker: str) -> str:
    """An id without leading zeros, so that 03 and 3 are one speaker.

    >>> _plain("03"), _plain("00"), _plain("f03")
    ('3', '0', 'f03')
    """
    return (speaker.lstrip("0") or "0") if speaker.isdecimal() else speaker


def _alike(
    who: pd.DataFrame, found: pd.Series, owners: dict[str, tuple[str, str]], trained: set[str]
) -> dict[str, set[str]]:
    """Corpus of the clips → training corpora whose speaker ids mean the same people."""
    published = set(registry.names())
    alike = {
        home: {of for of in trained if of == home or not {of, home} & published}
        for home in who["corpus"].unique()
    }
    for home, speaker, clip in zip(who["corpus"], who["id"], found, strict=True):
        of, owner = owners.get(clip, ("", ""))
        if of and speaker and _plain(owner) == speaker:
            alike[home].add(of)
    return alike


def _doubts(others: set[tuple[str, str]], trained: set[tuple[str, str]]) -> tuple[str, ...]:
    """A sentence on speakers who have the id of a training speaker of another corpus."""
    ids = {speaker: of for of, speaker in sorted(trained)}
    same = sorted(speaker for _, speaker in others if speaker in ids)
    if not same:
        return ()
    corpora = sorted({ids[speaker] for speaker in same})
    verb = "has the id" if len(same) == 1 else "have ids"
    return (
        f"{plural(len(same), 'speaker')} ({', '.join(same[:5])}{' …' if len(same) > 5 else ''}) {verb} of "
        f"training speakers of another corpus ({', '.join(corpora)}) and count as different persons.",
    )
