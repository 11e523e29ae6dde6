"""Predictions by word and voice, for the audit of linguistic sentiment."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.statistics.crossed import Crossed, contrast
from sertools.statistics.jackknife import Estimate
from sertools.tables.pairs import speaker_codes
from sertools.tables.tables import Tables

SENTIMENTS = ("negative", "neutral", "positive")
POLARITY = {"negative": -1.0, "neutral": 0.0, "positive": 1.0}
OPPOSITE = dict(zip(SENTIMENTS, SENTIMENTS[::-1], strict=True))


@dataclass(frozen=True, kw_only=True)
class WordPredictions:
    """Predictions of one target by word and voice, for the clips of one kind of sentence.

    Attributes:
        frame: columns prediction, voice, item, language, sentiment, word, template; one row per clip
        languages: all languages of the corpus, sorted
    """

    frame: pd.DataFrame
    languages: tuple[str, ...]

    @cached_property
    def data(self) -> Crossed:
        """Predictions by word and voice, voices nested in languages."""
        frame = self.frame
        return Crossed.of(frame["prediction"], frame["item"], frame["voice"], frame["language"])

    @cached_property
    def group(self) -> NDArray[np.integer]:
        """Language code × 3 + sentiment code, shape (n,)."""
        sentiment = self.frame["sentiment"].map(SENTIMENTS.index).to_numpy(dtype=np.int64)
        return np.asarray(self.language * len(SENTIMENTS) + sentiment)

    @cached_property
    def language(self) -> NDArray[np.integer]:
        """Language code, shape (n,)."""
        return np.asarray(self.frame["language"].map(self.languages.index), dtype=np.int64)

    def counts(self) -> NDArray[np.integer]:
        """Number of clips by language and sentiment, shape (languages, 3)."""
        return np.bincount(self.group, minlength=3 * len(self.languages)).reshape(-1, len(SENTIMENTS))

    def mean_over_languages(self, signs: tuple[float, float, float]) -> Estimate:
        """Σ signs · m(p | sentiment), averaged over the languages that have clips of these sentiments."""
        needed = [sign != 0 for sign in signs]
        complete = np.all(self.counts()[:, needed] > 0, axis=1)
        weights = complete[:, None] * np.array(signs) / max(int(complete.sum()), 1)
        if not complete.any():
            absent = [s for s, need in zip(SENTIMENTS, needed, strict=True) if need]
            reason = f"no language has {' and '.join(absent)} sentences"
            nan = float("nan")
            return Estimate(value=nan, low=nan, high=nan, n=len(self.frame), units=0, reason=reason)
        return contrast(self.data, self.group, weights.ravel())

    def only(self, mask: pd.Series) -> "WordPredictions":
        """The clips where `mask` is true."""
        return WordPredictions(frame=self.frame[mask], languages=self.languages)


def worded_clips(tables: Tables) -> pd.DataFrame:
    """Clips with a known sentiment, with columns for voice, language, kind, word, template and engine."""
    clips = tables.clips.assign(voice=speaker_codes(tables.clips)[0])
    clips = clips[clips["sentiment"].isin(SENTIMENTS) & clips["transcript"].notna()]

    def filled(name: str, default: str) -> pd.Series:
        given = clips[name] if name in clips else pd.Series(np.nan, index=clips.index)
        return given.astype(object).where(given.notna(), default).astype(str)

    transcript = clips["transcript"].astype(str)
    word = filled("word", "")
    frame = pd.DataFrame(
        {
            "voice": clips["voice"],
            "language": filled("language", "unknown"),
            "kind": filled("kind", "plain"),
            "sentiment": clips["sentiment"].astype(str),
            "word": word.where(word != "", transcript),
            "template": filled("template", ""),
            "engine": filled("engine", ""),
        }
    )
    # the same spelling with another sentiment, or in another language, counts as a different word
    frame["item"] = frame["language"] + "\n" + frame["sentiment"] + "\n" + frame["word"]
    return frame


def changes(plain: WordPredictions, other: WordPredictions, *, reverse: bool) -> pd.DataFrame:
    """Prediction for the other form minus that for the plain form, for the same voice, template and word.

    With `reverse`, the sentiment of the other form is inverted, so that it is that of the word ("not bad").
    """
    keys = ["voice", "language", "template", "word"]
    changed = other.frame.copy()
    if reverse:
        changed["sentiment"] = changed["sentiment"].map(OPPOSITE)
    joined = changed.merge(plain.frame, on=[*keys, "sentiment"], suffixes=("", "_plain"))
    joined["prediction"] = joined["prediction"] - joined["prediction_plain"]
    joined["item"] = joined["item_plain"]
    return joined
