"""Cross-validates a recipe by speaker: trains without a group of speakers, then predicts their clips."""

from collections.abc import Callable, Sequence

import pandas as pd

from sertools.corpora.corpus import Corpus
from sertools.errors import CorpusError
from sertools.training.data import lessons
from sertools.training.finetune import fit
from sertools.training.network import predictions
from sertools.training.recipe import Recipe


def left_out(
    recipe: Recipe,
    corpora: Sequence[Corpus],
    exam: Corpus,
    groups: Sequence[Sequence[str]],
    *,
    progress: Callable[[int, float], None] = lambda epoch, loss: None,
) -> pd.DataFrame:
    """Predictions for speakers whose clips were not used in training.

    For each group, a separate model is trained on the recipe's other speakers, for the recipe's number of
    epochs; no clip of the group affects the training.

    Args:
        recipe: what to train and how; from its `speakers`, one group at a time is left out
        corpora: training corpora
        exam: test corpus; its clips of the left-out speakers are predicted
        groups: disjoint groups of speakers who are left out together
        progress: called after each epoch with its number (from 1) and its mean loss

    Returns:
        One row per clip of `exam` in the order of the groups, index `clip`, columns `speaker`,
        `truth_LABEL` and `LABEL` for each label of the recipe.

    Raises:
        CorpusError: a speaker is in two groups, or no speaker is left to train on; see also `lessons`
    """
    named = [speaker for group in groups for speaker in group]
    twice = sorted({speaker for speaker in named if named.count(speaker) > 1})
    if twice:
        raise CorpusError(f"the speaker {twice[0]!r} is left out more than once")
    parts: list[pd.DataFrame] = []
    for group in groups:
        others = [speaker for speaker in recipe.speakers if speaker not in group]
        if not others:
            raise CorpusError(f"without {', '.join(group)} no speaker is left to train on")
        model = fit(recipe, lessons(recipe, corpora, others), progress=progress)
        for speaker in group:
            asked = lessons(recipe, [exam], [speaker])
            names = [f"truth_{label}" for label in recipe.labels]
            part = pd.DataFrame(asked.truth, index=list(asked.clips), columns=names)
            part[recipe.labels] = predictions(model, asked.signals)
            part.insert(0, "speaker", speaker)
            parts.append(part)
    return pd.concat(parts).rename_axis("clip")
