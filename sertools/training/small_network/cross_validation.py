"""Cross-validates a recipe by speaker: trains without a group of speakers, then predicts their clips."""

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from sertools.corpora.corpus import Corpus
from sertools.errors import CorpusError
from sertools.training.small_network.data import training_data
from sertools.training.small_network.finetune import fit
from sertools.training.small_network.network import predictions
from sertools.training.small_network.recipe import Recipe


def held_out_predictions(
    recipe: Recipe,
    corpora: Sequence[Corpus],
    test_corpus: Corpus,
    groups: Sequence[Sequence[str]],
    *,
    progress: Callable[[int, float], None] = lambda epoch, loss: None,
) -> pd.DataFrame:
    """Predictions for speakers whose clips were not used in training.

    They show how well models trained by a recipe work for new speakers, without setting speakers aside: for
    each group, a separate model is trained on the recipe's other speakers, for the recipe's number of epochs;
    no clip of the group affects the training. To audit the predictions, write them to a file and name it
    with `--model predictions:FILE.csv`:

        corpora = recipe_corpora(recipe)
        groups = [[speaker] for speaker in recipe.speakers]
        table = held_out_predictions(recipe, corpora, corpora[0], groups)
        table[recipe.labels].rename(index=lambda clip: clip.partition("/")[2]).to_csv("held_out.csv")

    Args:
        recipe: what to train and how; of its `speakers`, one group at a time is left out
        corpora: training corpora
        test_corpus: its clips of the left-out speakers are predicted; may be one of `corpora`
        groups: disjoint groups of speakers who are left out together
        progress: called after each epoch of each group with its number (from 1) and its mean loss

    Returns:
        One row per clip of `test_corpus` that is long enough for the network, in the order of the groups,
        index `clip` (CORPUS/CLIP), columns `speaker`, `truth_LABEL` and `LABEL` for each rating of the
        recipe, and, if it names emotions, `emotion` and the logit of each.

    Raises:
        CorpusError: a speaker is in two groups, or no speaker is left to train on; see also `training_data`
    """
    _check_disjoint(groups)
    parts: list[pd.DataFrame] = []
    for group in groups:
        others = [speaker for speaker in recipe.speakers if speaker not in group]
        if not others:
            raise CorpusError(f"without {', '.join(group)} no speaker is left to train on")
        model = fit(recipe, training_data(recipe, corpora, others), progress=progress)
        parts.append(answers_to(model, recipe, test_corpus, group))
    return pd.concat(parts).rename_axis("clip")


def answers_to(model: Any, recipe: Recipe, corpus: Corpus, speakers: Sequence[str]) -> pd.DataFrame:
    """The answers of a trained model for all clips of some speakers, as a table like `held_out_predictions`.

    Raises:
        CorpusError: see `training_data`
    """
    parts: list[pd.DataFrame] = []
    for speaker in speakers:
        clips = training_data(recipe, [corpus], [speaker])
        names = [f"truth_{label}" for label in recipe.labels]
        part = pd.DataFrame(clips.truth, index=list(clips.clips), columns=names)
        part[recipe.outputs] = predictions(model, clips.signals)
        if recipe.emotions:
            chosen = [None if code < 0 else recipe.emotions[code] for code in clips.emotions]
            part["emotion"] = pd.Series(chosen, index=part.index, dtype=object)
        part.insert(0, "speaker", speaker)
        parts.append(part)
    return pd.concat(parts).rename_axis("clip")


def _check_disjoint(groups: Sequence[Sequence[str]]) -> None:
    """Refuses groups that share a speaker."""
    named = [speaker for group in groups for speaker in group]
    twice = sorted({speaker for speaker in named if named.count(speaker) > 1})
    if twice:
        raise CorpusError(f"the speaker {twice[0]!r} is left out more than once")
