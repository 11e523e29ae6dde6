"""Average pleasure, arousal and dominance of emotion categories (norms from the literature)."""

import pandas as pd

from sertools.labels import DIMENSIONS, canonical

PLEASURE_AROUSAL_DOMINANCE = {
    "anger": (-0.51, 0.59, 0.25),
    "boredom": (-0.65, -0.62, -0.33),
    "disgust": (-0.60, 0.35, 0.11),
    "fear": (-0.64, 0.60, -0.43),
    "happiness": (0.81, 0.51, 0.46),
    "neutral": (0.0, 0.0, 0.0),
    "sadness": (-0.63, -0.27, -0.33),
    "surprise": (0.40, 0.67, -0.13),
}
"""Emotion → mean rating of pleasure, arousal, dominance in [-1, 1], by Russell & Mehrabian (1977).

The rated terms were angry, bored, disgusted, fearful, happy, sad and surprised. Neutral was not rated; it is
set to the midpoint of each scale.
"""


def derive(emotions: pd.Series) -> pd.DataFrame:
    """Average arousal, dominance and valence of each emotion category, in [0, 1].

    The norm of the category, mapped linearly from [-1, 1]: (x + 1) / 2. Valence is the norms' pleasure.
    These dimensions are *derived, not rated*: nobody rated the clip, all clips of a category get the same
    three numbers, and every result computed from them must state this.

    Source: Russell & Mehrabian (1977), Evidence for a three-factor theory of emotions, Journal of Research
    in Personality 11(3), 273-294, doi:10.1016/0092-6566(77)90037-X.

    Args:
        emotions: names of categories, shape (n,); synonyms (`angry`, `ANG`) are accepted

    Returns:
        Columns arousal, dominance, valence, with the index of `emotions`; nan where the category is
        missing or has no norm.

    >>> derive(pd.Series(["neutral", "happy", "ennui"])).loc[:, "valence"].round(3).tolist()
    [0.5, 0.905, nan]
    """
    unit = {
        emotion: tuple((value + 1) / 2 for value in (arousal, dominance, pleasure))
        for emotion, (pleasure, arousal, dominance) in PLEASURE_AROUSAL_DOMINANCE.items()
    }
    unknown = (float("nan"),) * len(DIMENSIONS)
    rows = [unit.get(canonical(name), unknown) if isinstance(name, str) else unknown for name in emotions]
    return pd.DataFrame(rows, index=emotions.index, columns=list(DIMENSIONS), dtype=float)
