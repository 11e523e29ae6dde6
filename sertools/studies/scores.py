"""The answers of a trained model on a test corpus, and their measures with and without each speaker."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sertools.corpora.corpus import Corpus
from sertools.errors import AudioError, CorpusError
from sertools.labels import DIMENSIONS
from sertools.models.load import load_model
from sertools.models.model import hears
from sertools.training.data.measures import measures, measures_of
from sertools.training.data.targets import Targets, targets_of
from sertools.training.recipe import Recipe

TRUTH, OUTPUT = "truth ", "output "
"""Prefixes of the columns of answers."""


@dataclass(frozen=True, kw_only=True)
class Score:
    """A measure on one corpus.

    Attributes:
        value: on all clips; nan if undefined
        without: speaker → the value without this speaker's clips
        n: number of clips
    """

    value: float
    without: Mapping[str, float]
    n: int


def answers(spec: str, recipe: Recipe, corpus: Corpus) -> pd.DataFrame:
    """Truth and outputs of the clips that have a label and that the model can answer.

    Args:
        spec: as after `--model`
        recipe: by which the model was trained, which says where its truth is from
        corpus: with labels and speakers

    Returns:
        Columns `speaker` (empty if unknown), `truth LABEL` (a rating, or the share of a class) and
        `output LABEL`, indexed by clip.

    Raises:
        CorpusError: there is no such clip
    """
    model: Any = load_model(spec)
    scores = heard(model, corpus) if hears(model) else model.scores(corpus.clips).dropna()
    if scores.empty:
        raise CorpusError(f"no clip of {corpus.name} can be answered")
    clips, labels = corpus.clips.loc[scores.index], list(map(str, model.labels))
    classes = [name for name in labels if name not in DIMENSIONS]
    truth = targets_of(recipe, clips, [name for name in labels if name in DIMENSIONS], classes)
    table = pd.DataFrame(index=pd.Index(scores.index, name="clip"))
    table["speaker"] = clips["speaker"].fillna("").astype(str) if "speaker" in clips else ""
    table[[TRUTH + name for name in truth.labels]] = np.hstack([truth.ratings, truth.shares])
    table[[OUTPUT + name for name in labels]] = scores[labels].to_numpy()
    table = table[truth.known]
    if table.empty:
        raise CorpusError(f"no clip of {corpus.name} has a label that the model answers")
    return table


def heard(model: Any, corpus: Corpus) -> pd.DataFrame:
    """The scores of a model that takes audio, one row for each clip that it can answer."""
    found = {}
    for clip in corpus.clips.index:
        try:
            signal = corpus.signal(str(clip), model.sampling_rate)
        except AudioError:
            continue
        if len(signal) >= (getattr(model, "shortest", 0) or 1):
            found[clip] = model.predict([signal]).scores[0]
    return pd.DataFrame.from_dict(found, orient="index", columns=list(map(str, model.labels)))


def write_answers(table: pd.DataFrame, path: Path) -> None:
    """Writes answers."""
    table.to_parquet(path)


def read_answers(paths: Sequence[Path]) -> pd.DataFrame:
    """Answers from several files, such as those of all folds."""
    return pd.concat([pd.read_parquet(path) for path in paths])


def score(table: pd.DataFrame, measure: str) -> Score:
    """A measure of answers, with and without every speaker.

    Args:
        table: from `answers`
        measure: its name, as in the curves of a training

    Raises:
        CorpusError: there is no such measure
    """
    table = table.sort_index()  # batches of EMO-SUPERB's measure are made in the order of file names
    truth, outputs = _arrays(table)
    known = measures_of(truth)
    if measure not in known:
        raise CorpusError(f"{measure!r} is not measured", hint=f"one of {', '.join(known)}")
    speakers = table["speaker"].to_numpy(dtype=str)
    named = [who for who in np.unique(speakers) if who]
    every = [np.ones(len(table), dtype=bool), *(speakers != who for who in named)]
    values = [measures(outputs[rows], truth.at(rows))[measure] if rows.any() else np.nan for rows in every]
    without = dict(zip(map(str, named), map(float, values[1:]), strict=True))
    return Score(value=float(values[0]), without=without, n=len(table))


def known_measures(table: pd.DataFrame) -> list[str]:
    """Names of the measures of answers."""
    return measures_of(_arrays(table)[0])


def _arrays(table: pd.DataFrame) -> tuple[Targets, Any]:
    labels = [str(column).removeprefix(TRUTH) for column in table if str(column).startswith(TRUTH)]
    dimensions = tuple(name for name in labels if name in DIMENSIONS)
    classes = tuple(name for name in labels if name not in DIMENSIONS)

    def of(prefix: str, names: Sequence[str]) -> Any:
        return table[[prefix + name for name in names]].to_numpy(dtype=np.float32)

    truth = Targets(
        dimensions=dimensions, classes=classes, ratings=of(TRUTH, dimensions), shares=of(TRUTH, classes)
    )
    return truth, of(OUTPUT, (*dimensions, *classes))
