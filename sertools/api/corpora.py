"""Load, check, explore, split and write corpora from Python."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pandas as pd

from sertools.audio.files import MAX_MINUTES
from sertools.corpora import check as checks
from sertools.corpora import corpus as corpora
from sertools.corpora import split
from sertools.corpora.attached.beside import Beside
from sertools.corpora.corpus import Corpus
from sertools.corpora.folds.first_look import Limit
from sertools.exploration import explore as exploration
from sertools.exploration.sections import Exploration
from sertools.inference.settings import Progress
from sertools.pipeline.requests.corpora import CorpusRequest

CorpusSource = str | Path | pd.DataFrame | Sequence[str | Path] | Corpus
"""A loaded corpus, or what `load_corpus` takes: the text after `--data`, a table, or several texts."""


def load_corpus(
    spec: str | Path | pd.DataFrame | Sequence[str | Path],
    *,
    data_root: str | Path | None = None,
    column_map: Mapping[str, str] | None = None,
    scale: Mapping[str, tuple[float, float]] | tuple[float, float] | None = None,
    value_map: Mapping[str, Mapping[str, str]] | None = None,
    label_map: Mapping[str, str] | None = None,
    derive: bool = False,
    max_minutes: float = MAX_MINUTES,
    raters: str | Path = "",
    attributes: str | Path | None = None,
    limit: int | str = "",
) -> Corpus:
    """Load and check a corpus; several corpora are joined into one.

    Args:
        spec: as after `--data`: a registered name such as `voices`, a CSV or Parquet table, or a folder, each
            with `:split` if wanted; or a list of them; or a table in memory, one row per clip, whose paths
            start from the working directory and whose `attrs["name"]` names it
        data_root: folder of a registered corpus, or its parent folder; for a table, the folder that its paths
            start from
        column_map: column name in the table → sertools' name
        scale: lowest and highest rating, for all dimensions or by dimension; ratings become values in [0, 1]
        value_map: column → value in the corpus → value to use, as {"sex": {"0": "female", "1": "male"}}
        label_map: emotion label in the corpus → sertools' name
        derive: whether arousal, dominance and valence are derived from the emotion labels with the norms of
            Russell & Mehrabian (1977)
        max_minutes: longest clip that is read; a longer one counts as missing
        raters: what raters said: the beginning of columns with votes, as `voice` of `voice_anger`, or a
            table with one row for each clip and rater, or with votes for each clip (`FILE:voice`)
        attributes: table whose columns, as sex and age, are joined to the corpus by clip or by speaker
        limit: for a first look, how many clips of all speakers are used, or how many minutes (`"5min"`)

    Returns:
        The corpus: a table `clips`, one row per clip, with the folder that its audio files are in.

    Raises:
        CorpusError: the corpus is missing or cannot be read; the message says what to do

    Example:
        ```python
        corpus = sertools.load_corpus("clips.csv", scale=(0, 1))
        corpus.clips[["speaker", "arousal"]].head()
        ```
    """
    return CorpusRequest(
        specs=_specs(spec),
        data_root=None if data_root is None else Path(data_root),
        column_map=column_map or {},
        scale={"*": scale} if isinstance(scale, tuple) else scale or {},
        value_map=value_map or {},
        label_map=label_map or {},
        derive=derive,
        max_minutes=max_minutes,
        beside=Beside.of(str(raters), None if attributes is None else Path(attributes)),
        limit=Limit.of(str(limit)),
    ).load()


def _specs(spec: str | Path | pd.DataFrame | Sequence[str | Path]) -> tuple[str | pd.DataFrame, ...]:
    if isinstance(spec, pd.DataFrame):
        return (spec,)
    return tuple(map(str, [spec] if isinstance(spec, str | Path) else spec))


def corpus_of(data: CorpusSource) -> Corpus:
    """The corpus itself, loaded if `data` only names it.

    Raises:
        CorpusError: the corpus is missing or cannot be read
    """
    return data if isinstance(data, Corpus) else load_corpus(data)


def check_corpus(data: CorpusSource, *, max_minutes: float | None = None) -> list[str]:
    """Describe a corpus and report its problems; decodes every clip.

    Args:
        data: a corpus, or what `load_corpus` takes
        max_minutes: longest clip that is read; None for the limit of the corpus, by default 60

    Returns:
        Sentences: counts of clips, speakers and labels, how the clips were recorded and what of it goes with
        a label, then missing, broken, silent and repeated clips.

    Raises:
        CorpusError: the corpus is missing or cannot be read

    Example:
        ```python
        for sentence in sertools.check_corpus("clips.csv"):
            print(sentence)
        ```
    """
    corpus = corpus_of(data)
    if max_minutes is not None:
        corpus = replace(corpus, max_minutes=max_minutes)
    return list(checks.check(corpus).sentences)


def explore_corpus(
    data: CorpusSource,
    *,
    out: str | Path | None = None,
    sound: bool = True,
    progress: Progress = lambda description, total: nullcontext(lambda n: None),
) -> Exploration:
    """Explore a corpus without any model: labels, speakers, recordings, sentences, raters, confounds.

    Args:
        data: a corpus, or what `load_corpus` takes
        out: folder for `explore.html`, `explore.md` and `explore.json`; None to write nothing
        sound: whether every clip is decoded and measured
        progress: shows the progress

    Returns:
        The sections of the page, each with sentences, numbers with intervals, tables and figures.

    Raises:
        CorpusError: the corpus is missing or cannot be read
        StoreError: `out` cannot be written

    Example:
        ```python
        found = sertools.explore_corpus("clips.csv", out="page")
        print(found.section("confounds").answer)
        ```
    """
    found = exploration.explore(corpus_of(data), sound=sound, progress=progress)
    if out is not None:
        exploration.write(found, Path(out))
    return found


def split_corpus(data: CorpusSource, *, test: float = 0.2, dev: float = 0.1, seed: int = 0) -> Corpus:
    """Split a corpus into train, dev and test sets that share no speaker, balanced by sex and emotion.

    Args:
        data: a corpus with speakers, or what `load_corpus` takes
        test: share of the clips in the test set, in (0, 1)
        dev: share of the clips in the dev set, in [0, 1); 0 for none
        seed: random seed; the same seed, corpus and shares give the same split

    Returns:
        The corpus with a column `split`; write it with `write_corpus`.

    Raises:
        CorpusError: no speakers, fewer speakers than sets, or shares that leave nothing for train

    Example:
        ```python
        corpus = sertools.split_corpus("clips.csv", test=0.3, dev=0)
        corpus.clips.groupby("split")["speaker"].unique()
        ```
    """
    return split.split(corpus_of(data), test=test, dev=dev, seed=seed)


def write_corpus(corpus: Corpus, folder: str | Path) -> Path:
    """Write a corpus as a folder that `load_corpus` and `--data` accept; audio files are not copied.

    Args:
        corpus: from `load_corpus`, `split_corpus` or made by hand
        folder: folder for `clips.parquet` and `corpus.toml`

    Returns:
        The folder.

    Raises:
        CorpusError: the folder cannot be written

    Example:
        ```python
        folder = sertools.write_corpus(sertools.split_corpus("clips.csv"), "clips-split")
        test = sertools.load_corpus(f"{folder}:test")
        ```
    """
    corpora.write_corpus(corpus, Path(folder))
    return Path(folder)
