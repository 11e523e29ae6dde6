"""Published scores of the papers that sertools repeats: all numbers of their tables, as data next to their
source.

A row is one number: paper, place in it, model, data, target, metric and value, shares instead of percentages.
Names of corpora are those of sertools. Numbers that stand only in the text are in, too, with their section.
"""

import importlib.resources
from functools import cache

import pandas as pd

PAPERS = {
    "wagner2023": "Wagner et al., Dawn of the transformer era in speech emotion recognition, TPAMI, 2023",
    "li2023": "Li, Mohamied, Bell & Lai, Exploration of a self-supervised speech model, IEEE SLT 2022",
    "chen2023": "Chen & Rudnicky, Exploring wav2vec 2.0 fine tuning for improved SER, ICASSP 2023",
    "ma2024": "Ma et al., emotion2vec: self-supervised pre-training for speech emotion representation, 2024",
    "wu2024": "Wu et al., Open-Emotion: a reproducible EMO-SUPERB for speech emotion recognition, SLT 2024",
}
"""Name of a paper → the paper."""

COLUMNS = ("paper", "place", "model", "data", "target", "metric", "value")


@cache
def published() -> pd.DataFrame:
    """All published numbers, columns `COLUMNS`.

    >>> found = published()
    >>> found[(found["place"] == "table 3") & (found["model"] == "FBANK")]["value"].iloc[0]
    np.float64(0.19099)
    """
    path = importlib.resources.files("sertools.data") / "reference" / "papers.csv"
    with path.open("rb") as file:
        return pd.read_csv(file)


def of_corpus(corpus: str, paper: str = "") -> pd.DataFrame:
    """The numbers on a corpus, also those on a part of it such as a session or a speaker.

    Args:
        corpus: name of the corpus in sertools, e.g. `crema-d`
        paper: name of one paper; all if empty

    >>> "human" in set(of_corpus("savee", "chen2023")["model"])
    True
    """
    rows = published()
    mine = rows["data"].str.match(rf"{corpus}(?![\w-])")
    return rows[mine & ((rows["paper"] == paper) | (paper == ""))]
