"""Synthetic clips and the answers of toy models to them: who audits the audits?"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sertools.condition import Condition
from sertools.corpus import Corpus
from sertools.labels import DIMENSIONS
from sertools.meet import Predicted, tables
from sertools.metrics.duplicates import FRAMES
from sertools.model import ClipModel, LoadOptions
from sertools.models.toy import EMOTIONS, load
from sertools.norms import PLEASURE_AROUSAL_DOMINANCE
from sertools.tables import CLEAN, Tables


def clips(*, speakers: int = 24, per_speaker: int = 40, seed: int = 0) -> pd.DataFrame:
    """Clips of speakers, half of them women, with emotions and with dimensions that follow from them.

    Arousal, dominance and valence are those of the emotion by Russell & Mehrabian's norms, plus a mean of
    each speaker's own (standard deviation .05) and noise (.1), cut to [0, 1]. Splits share no speaker, and
    no two clips share their sound.

    Args:
        speakers: number of speakers
        per_speaker: clips of each
        seed: of everything that is drawn

    >>> clips(speakers=2, per_speaker=1)["sex"].tolist()
    ['female', 'male']
    """
    rng = np.random.default_rng(seed)
    n = speakers * per_speaker
    speaker = np.repeat(np.arange(speakers), per_speaker)
    known = [name for name in EMOTIONS if name in PLEASURE_AROUSAL_DOMINANCE]
    emotion = rng.choice(known, n)
    frame = pd.DataFrame(
        {
            "file": [f"{i:05d}.wav" for i in range(n)],
            "start": np.nan,
            "end": np.nan,
            "speaker": [f"{code:03d}" for code in speaker],
            "sex": np.where(speaker % 2 == 0, "female", "male"),
            "language": np.where(speaker % 4 < 2, "eng", "deu"),
            "emotion": emotion,
        },
        index=pd.Index([f"clip {i:05d}" for i in range(n)], name="clip"),
    )
    # every speaker says the same sentences, which have nothing to do with the emotion
    said = np.arange(n) % min(per_speaker, 40)
    frame["sentiment"] = np.array(["negative", "neutral", "positive"])[said % 3]
    frame["word"] = [f"word{i}" for i in said]
    frame["template"] = [f"template {i // 3 % 4} {{word}}" for i in said]
    frame["transcript"] = [f"template {i // 3 % 4} word{i}" for i in said]
    order = {"valence": 0, "arousal": 1, "dominance": 2}
    for dimension in DIMENSIONS:
        mean = np.array([PLEASURE_AROUSAL_DOMINANCE[e][order[dimension]] for e in emotion]) / 2 + 0.5
        own = rng.normal(0, 0.05, speakers)[speaker]
        frame[dimension] = np.clip(mean + own + rng.normal(0, 0.1, n), 0, 1)
    frame["split"] = np.select([speaker < 0.6 * speakers, speaker < 0.8 * speakers], ["train", "dev"], "test")
    # as different recordings have them: every bit of its own
    frame["audio_hash"] = [rng.bytes(9).hex() for _ in range(n)]
    frame["audio_print"] = [rng.bytes(3 * FRAMES).hex() for _ in range(n)]
    return frame


def answers(kind: str, of: pd.DataFrame, conditions: Sequence[Condition] = (Condition(),)) -> Tables:
    """The tables of a toy model (`oracle`, `constant`, `random`) on clips, as an audit gets them.

    Whatever happens to the sound, the oracle stays with the truth and the constant with its constant; the
    random model draws anew for each clip under each condition.

    Args:
        kind: which toy model
        of: the clips
        conditions: under which sound; clean sound is always among them
    """
    model = load(kind, LoadOptions())
    if not isinstance(model, ClipModel):
        raise TypeError(f"toy:{kind} needs sound")
    from pathlib import Path

    corpus = Corpus(name="toy", clips=of, root=Path())
    missing = pd.DataFrame(columns=["clip", "condition", "reason"])
    clean = model.scores(of)
    scores = {CLEAN: clean}
    for name in dict.fromkeys(map(str, conditions)):
        if name != CLEAN and kind == "random":
            renamed = of.set_axis([f"{clip} under {name}" for clip in of.index])
            scores[name] = model.scores(renamed).set_axis(of.index)
        elif name != CLEAN:
            scores[name] = clean.copy()
    return tables(
        model, corpus, {name: Predicted(scores=each, missing=missing) for name, each in scores.items()}
    )
