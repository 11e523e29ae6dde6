"""The words and the voice of each clip, crossed within speakers."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.tables.changed.splice import words_and_voice
from sertools.tables.condition import CLEAN
from sertools.tables.pairs import speaker_codes
from sertools.tables.tables import Tables

Factor = Literal["words", "voice"]

MAX_WORDS = 60
"""Most different texts that are compared; the most frequent ones."""

NO_WORDS = "none"
"""Words of a clip in which a voice says syllables that mean nothing."""


@dataclass(frozen=True, kw_only=True)
class Design:
    """The clips of a crossed design.

    Attributes:
        clips: clips with a speaker, words and a voice, index `clip`, columns `unit` (codes from 0), `words`
            and `voice` (text)
        words, voice: columns of the corpus that they are read from
        reason: why words and voice cannot be compared; empty if they can
        notes: sentences on what is left out
    """

    clips: pd.DataFrame
    words: str = ""
    voice: str = ""
    reason: str = ""
    notes: list[str] = field(default_factory=list)

    def levels(self, factor: Factor) -> list[str]:
        """Names of the levels of a factor, in order."""
        return sorted(self.clips[factor].unique())

    def codes(self, factor: Factor, index: pd.Index) -> NDArray[np.integer]:
        """Code of the level of each clip, shape (n,); −1 for clips that are not in the design."""
        found = pd.Index(self.levels(factor)).get_indexer(pd.Index(self.clips[factor].reindex(index)))
        return np.asarray(found, dtype=np.int64)

    def units(self, index: pd.Index) -> NDArray[np.integer]:
        """Speaker code of each clip, shape (n,); −1 for clips that are not in the design."""
        return self.clips["unit"].reindex(index, fill_value=-1).to_numpy(dtype=np.int64)


def design(tables: Tables, words: str, voice: str) -> Design:
    """The crossed design of a corpus, or why it has none.

    Clips without words (`none` in the column of the words) are not in it.

    Args:
        tables: the clips
        words: column of what is said; empty for the default
        voice: column of how it is said; empty for the default
    """
    clips = tables.clips
    said, how = words_and_voice(clips, words, voice)
    empty = pd.DataFrame(columns=["unit", "words", "voice"])
    for column, named, what in ((said, words, "words"), (how, voice, "voice")):
        if not column:
            lacks = f"no column {named!r}" if named else f"no column that says the {what} of a clip"
            return Design(clips=empty, reason=f"the corpus has {lacks}")
    codes, by_speaker = speaker_codes(clips)
    if not by_speaker:
        return Design(
            clips=empty, reason="the corpus names no speakers who say the same words in several voices"
        )
    known = clips[[said, how, "speaker"]].notna().all(axis=1) & (clips[said].astype(str) != NO_WORDS)
    rows = pd.DataFrame(
        {"unit": codes, "words": clips[said].astype(str), "voice": clips[how].astype(str)}, index=clips.index
    )[known.to_numpy()]
    # a text that only one voice speaks is left out: it cannot show an effect of the voice
    crossed = rows.groupby(["unit", "words"])["voice"].transform("nunique") > 1
    alike = rows.groupby(["unit", "voice"])["words"].transform("nunique") > 1
    if not crossed.any() or not alike.any():
        reason = f"no speaker says the same {said} in two of {how}, and two of {said} in the same one"
        return Design(clips=empty, reason=reason)
    notes = []
    often = rows.loc[crossed, "words"].value_counts()
    kept = sorted(often.index, key=lambda text: (-often[text], text))[:MAX_WORDS]
    if rows["words"].nunique() > len(kept):
        notes.append(
            f"{len(kept)} of {rows['words'].nunique()} different texts are compared: those that speakers say "
            "in several voices."
        )
    return Design(clips=rows[rows["words"].isin(kept)], words=said, voice=how, notes=notes)


def targets(tables: Tables) -> list[str]:
    """The dimensions that the model predicts, then emotion."""
    return [*tables.model_dimensions, *(["emotion"] if tables.model_classes else [])]


def answers_of(tables: Tables, target: str, condition: str = CLEAN) -> NDArray[np.float64]:
    """Answers of all clips, shape (n, c): ratings, or the scores of all classes; nan where there is none."""
    columns = list(tables.model_classes) if target == "emotion" else [target]
    values = tables.predictions[condition][columns].to_numpy(dtype=float)
    found: NDArray[np.float64] = np.where(np.isfinite(values).all(axis=1, keepdims=True), values, np.nan)
    return found
