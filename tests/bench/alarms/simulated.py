"""Corpora and answers whose defects are known: speakers differ in their voices, and in how well they are
served."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sertools.models.kinds.toy import EMOTIONS
from sertools.selftest import toy_corpus
from sertools.tables.tables import Tables

CLASSES = ("anger", "disgust", "fear", "happiness", "neutral", "sadness")
VOICE = ("level_dbfs", "snr_db", "speech_rate", "duration_s", "active_share")


def corpus(rng: np.random.Generator, speakers: int, per_speaker: int, columns: int = 0) -> pd.DataFrame:
    """Clips whose measures depend on the speaker by half, some on the emotion too, with more such columns."""
    clips = toy_corpus.clips(speakers=speakers, per_speaker=per_speaker, seed=int(rng.integers(2**31)))
    clips = clips.drop(columns=[c for c in clips if c.startswith("egemaps:")])
    speaker = pd.factorize(clips["speaker"])[0]
    loud = clips["arousal"].to_numpy() - 0.5
    for name in [*VOICE, *(f"measure_{i:02d}" for i in range(columns))]:
        own, noise = rng.normal(size=speakers)[speaker], rng.normal(size=len(clips))
        clips[name] = own + noise + (2 * loud if name in ("level_dbfs", "measure_00") else 0.0)
    clips["age"] = rng.integers(20, 75, speakers)[speaker].astype(float)
    return clips


def emotion_tables(
    rng: np.random.Generator,
    clips: pd.DataFrame,
    *,
    accuracy: float = 0.7,
    speaker_sd: float = 0.5,
    worse: np.ndarray | None = None,
    drop: float = 0.0,
    classes: Sequence[str] = EMOTIONS,
) -> Tables:
    """Answers in probabilities whose accuracy differs by emotion (± .15) and speaker (sd on the logit scale).

    Args:
        rng: of all draws
        clips: with emotion and speaker
        accuracy: mean share of right answers
        speaker_sd: standard deviation of the speakers' effects on the logit of the accuracy
        worse: clips with the planted defect, shape (n,)
        drop: by how much the accuracy of these is lower
        classes: all emotions of the model
    """
    names = np.array(classes)
    truth = np.array([list(names).index(e) for e in clips["emotion"]])
    speaker = pd.factorize(clips["speaker"])[0]
    of_class = accuracy + np.linspace(-0.15, 0.15, len(names))
    logit = np.log(of_class / (1 - of_class))[truth] + rng.normal(0, speaker_sd, speaker.max() + 1)[speaker]
    p = 1 / (1 + np.exp(-logit))
    if worse is not None:
        p = np.where(worse, np.maximum(p - drop, 0.0), p)
    right = rng.random(len(clips)) < p
    other = (truth + rng.integers(1, len(names), len(clips))) % len(names)
    answer = np.where(right, truth, other)
    scores = np.full((len(clips), len(names)), 0.3 / (len(names) - 1))
    scores[np.arange(len(clips)), answer] = 0.7
    frame = pd.DataFrame(scores, index=clips.index, columns=list(names))
    known = tuple(n for n in names if n in set(clips["emotion"]))
    return Tables(clips=clips, predictions={"clean": frame}, classes=known, model_classes=tuple(names))


def rating_tables(
    rng: np.random.Generator,
    clips: pd.DataFrame,
    *,
    slope: float = 0.6,
    noise: float = 0.08,
    worse: np.ndarray | None = None,
    more: float = 0.0,
) -> Tables:
    """Predicted arousal, regressed to the mean, with levels and slopes that differ between speakers.

    Args:
        rng: of all draws
        clips: with arousal and speaker
        slope: how much the prediction rises with the truth
        noise: standard deviation of the errors of clips
        worse: clips with the planted defect, shape (n,)
        more: how much larger the standard deviation of their errors is
    """
    truth, speaker = clips["arousal"].to_numpy(), pd.factorize(clips["speaker"])[0]
    level, own = rng.normal(0, 0.05, speaker.max() + 1), rng.normal(slope, 0.15, speaker.max() + 1)
    spread = noise + (more * worse if worse is not None else 0.0)
    prediction = 0.5 + level[speaker] + own[speaker] * (truth - 0.5) + rng.normal(size=len(clips)) * spread
    frame = pd.DataFrame({"arousal": prediction}, index=clips.index)
    return Tables(clips=clips, predictions={"clean": frame}, dimensions=("arousal",))
