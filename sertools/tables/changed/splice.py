"""Splicing of clips: one half keeps its words or its voice, and the other comes from another clip.

A speaker who says the same sentences in several emotions lets words and voice be exchanged separately: for
half of a clip, other words in the same voice, or the same words in another voice.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from sertools.errors import AudioError
from sertools.randomness import identity_rng

SPLICE = "splice"
"""Name of the conditions with spliced clips."""

AFTER_CHANGE = "after_change"
"""Name of the conditions with the last seconds of a recording in which the emotion has changed."""

Exchanged = Literal["words", "voice"]

Half = Literal["first", "second"]

WORDS_COLUMNS = ("sentiment", "transcript")
VOICE_COLUMNS = ("effort", "emotion")
"""Columns that say what is said and how it is said, the first that a corpus has by default."""


@dataclass(frozen=True, kw_only=True)
class Spliced:
    """The property in which the other half of a clip differs.

    Attributes:
        other: whether it has other words, or another voice
        words: column of what is said; empty for the first of `WORDS_COLUMNS` that the corpus has
        voice: column of how it is said; empty for the first of `VOICE_COLUMNS` that the corpus has
    """

    other: Exchanged
    words: str = ""
    voice: str = ""


def words_and_voice(clips: pd.DataFrame, words: str = "", voice: str = "") -> tuple[str, str]:
    """The columns of the words and of the emotion; empty where a corpus has none.

    >>> words_and_voice(pd.DataFrame({"transcript": ["a"], "emotion": ["anger"]}))
    ('transcript', 'emotion')
    """

    def first(named: str, known: tuple[str, ...]) -> str:
        wanted = (named,) if named else known
        return next((name for name in wanted if name in clips and clips[name].notna().any()), "")

    return first(words, WORDS_COLUMNS), first(voice, VOICE_COLUMNS)


def can_be_spliced(clips: pd.DataFrame, how: Spliced) -> bool:
    """Whether a corpus has the columns that splicing needs."""
    return "speaker" in clips and all(words_and_voice(clips, how.words, how.voice))


def exchanged_half(clips: pd.DataFrame, how: Spliced) -> Half:
    """The half of clips that comes from another clip: the second one, unless most texts end alike.

    Both sentences of RAVDESS end with "by the door", so that other second halves have the same words.

    >>> texts = ["Kids are talking by the door.", "Dogs are sitting by the door."]
    >>> exchanged_half(pd.DataFrame({"transcript": texts, "emotion": "fear"}), Spliced(other="words"))
    'first'
    """
    words, _ = words_and_voice(clips, how.words, how.voice)
    texts = [str(text).split() for text in clips[words].dropna().unique()]
    starts = {tuple(text[: len(text) // 2]) for text in texts}
    ends = {tuple(text[len(text) // 2 :]) for text in texts}
    return "first" if 2 * len(ends) <= len(starts) else "second"


def partner(clips: pd.DataFrame, clip: str, how: Spliced) -> str:
    """The clip whose half replaces that of a clip, drawn among all that fit, in any order of the corpus.

    It has the same speaker, and either the same voice and other words, or the same words and another voice.

    Args:
        clips: the corpus, with the columns that splicing needs
        clip: id of the clip
        how: what the other half differs in

    Raises:
        AudioError: no clip fits
    """
    words, voice = words_and_voice(clips, how.words, how.voice)
    same, other = (voice, words) if how.other == "words" else (words, voice)
    row: Any = clips.loc[clip]
    fits = (clips["speaker"] == row["speaker"]) & (clips[same] == row[same])
    fits &= clips[other].notna() & (clips[other] != row[other])
    if pd.isna(row[other]) or not fits.any():
        raise AudioError(f"no clip of the speaker has the same {same} and another {other}")
    names: list[str] = sorted(clips.index[fits].astype(str))
    return names[int(identity_rng(0, str(clip), SPLICE, how.other).integers(len(names)))]


def partners(clips: pd.DataFrame, how: Spliced) -> Callable[[str], str]:
    """What `partner` gives for each clip of a corpus, for many of them: it looks at the corpus only once.

    Args:
        clips: the corpus, with the columns that splicing needs
        how: what the other half differs in
    """
    words, voice = words_and_voice(clips, how.words, how.voice)
    same, other = (voice, words) if how.other == "words" else (words, voice)
    known = clips[["speaker", same, other]].dropna()
    columns = [known[name].tolist() for name in ("speaker", same, other)]
    rows = dict(zip(map(str, known.index), zip(*columns, strict=True), strict=True))
    alike: dict[tuple[Any, Any], list[tuple[str, Any]]] = {}
    for name in sorted(rows):
        speaker, shared, differs = rows[name]
        alike.setdefault((speaker, shared), []).append((name, differs))

    def of(clip: str) -> str:
        speaker, shared, differs = rows.get(str(clip), (None, None, None))
        fits = [name for name, value in alike.get((speaker, shared), []) if value != differs]
        if not fits:
            raise AudioError(f"no clip of the speaker has the same {same} and another {other}")
        return fits[int(identity_rng(0, str(clip), SPLICE, how.other).integers(len(fits)))]

    return of


def clip_before(clips: pd.DataFrame, clip: str) -> str:
    """The clip that is placed before a change of emotion: of the same speaker, in another emotion.

    Args:
        clips: the corpus, with a column `emotion`
        clip: id of the clip that follows

    Raises:
        AudioError: no clip fits
    """
    row: Any = clips.loc[clip]
    fits = clips["emotion"].notna() & (clips["emotion"] != row["emotion"])
    if "speaker" in clips:
        fits &= clips["speaker"] == row["speaker"]
    if pd.isna(row["emotion"]) or not fits.any():
        raise AudioError("the speaker has no clip in another emotion")
    names: list[str] = sorted(clips.index[fits].astype(str))
    return names[int(identity_rng(0, str(clip), AFTER_CHANGE).integers(len(names)))]


def fingerprint_of_changes(clips: pd.DataFrame) -> str:
    """Hash of all that the clips before a change depend on, 16 hex digits."""
    speaker = clips["speaker"].astype(str) if "speaker" in clips else clips["emotion"].astype(str) * 0
    rows = "\n".join(map(str, zip(clips.index, speaker, clips["emotion"].astype(str), strict=True)))
    return hashlib.blake2b(f"{AFTER_CHANGE}-1\n{rows}".encode(), digest_size=8).hexdigest()


def fingerprint(clips: pd.DataFrame, how: Spliced) -> str:
    """Hash of all that partners depend on, 16 hex digits."""
    words, voice = words_and_voice(clips, how.words, how.voice)
    rows = clips[["speaker", words, voice]].astype(str)
    content = "\n".join(
        "\t".join([str(clip), *row]) for clip, row in zip(rows.index, rows.to_numpy(), strict=True)
    )
    content += "\nfirst" if exchanged_half(clips, how) == "first" else ""
    return hashlib.blake2b(f"splice-1 {how.other}\n{content}".encode(), digest_size=8).hexdigest()
