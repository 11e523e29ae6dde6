"""A small part of a corpus for a first look: some clips, or some minutes, spread over the speakers."""

import hashlib
import re
from dataclasses import dataclass, replace

import pandas as pd

from sertools.corpora.corpus import Corpus
from sertools.errors import AudioError, CorpusError
from sertools.wording import plural


@dataclass(frozen=True, kw_only=True)
class Limit:
    """How much of a corpus is used; the one that is None does not limit it.

    Attributes:
        clips: largest number of clips
        minutes: largest total duration
    """

    clips: int | None = None
    minutes: float | None = None

    @classmethod
    def of(cls, text: str) -> "Limit":
        """The limit that a text names; an empty one limits nothing.

        Raises:
            CorpusError: the text is neither a number of clips nor one of minutes

        >>> Limit.of("100"), Limit.of("2.5min")
        (Limit(clips=100, minutes=None), Limit(clips=None, minutes=2.5))
        """
        if not text:
            return NO_LIMIT
        if re.fullmatch(r"\d{1,15}", text) and int(text):
            return cls(clips=int(text))
        minutes = re.fullmatch(r"(\d{1,9}(?:\.\d+)?) ?min", text)
        if minutes and float(minutes[1]):
            return cls(minutes=float(minutes[1]))
        raise CorpusError(
            f"--limit {text!r} is neither a number of clips nor of minutes",
            hint="--limit 100 uses 100 clips, --limit 5min uses five minutes of audio",
        )


NO_LIMIT = Limit()


def first_look(corpus: Corpus, limit: Limit) -> Corpus:
    """The corpus with as many clips as the limit allows, and a note; the corpus itself if all fit.

    Clips are drawn at random by their ids, in turn from each speaker, so that a larger limit adds clips and
    keeps those of a smaller one, whatever the order of the corpus. There is always at least one clip; one
    whose duration is unknown, because it cannot be read, counts as 0 minutes.
    """
    if limit == NO_LIMIT:
        return corpus
    clips = corpus.clips
    order = pd.Series({clip: _draw(str(clip)) for clip in clips.index}).sort_values().index
    speakers = clips["speaker"].fillna("") if "speaker" in clips else pd.Series("", index=clips.index)
    turn = speakers.loc[order].groupby(speakers.loc[order]).cumcount()
    drawn = turn.sort_values(kind="stable").index
    n = limit.clips if limit.clips is not None else _within(corpus, drawn, limit.minutes or 0.0)
    if n >= len(clips):
        return corpus
    kept = set(drawn[: max(n, 1)])
    chosen = clips[[clip in kept for clip in clips.index]]
    note = (
        f"Only {plural(len(chosen), 'clip')} of {len(clips)}, drawn at random from all speakers, "
        f"{'is' if len(chosen) == 1 else 'are'} used (--limit): this is a first look."
    )
    return replace(corpus, clips=chosen, notes=(*corpus.notes, note))


def _draw(clip: str) -> bytes:
    return hashlib.blake2b(clip.encode(), digest_size=8).digest()


def _within(corpus: Corpus, drawn: pd.Index, minutes: float) -> int:
    """How many of the drawn clips last at most so many minutes together."""
    seconds = 0.0
    for n, clip in enumerate(drawn):
        try:
            seconds += corpus.duration_s(str(clip))
        except AudioError:
            continue
        if seconds > minutes * 60:
            return n
    return len(drawn)
