"""A text-only predictor: how much of the answers and labels does the transcript explain?"""

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.auditing.findings import detail, finding
from sertools.probing.folds import disjoint_folds
from sertools.probing.fusion import Vectors, tf_idf
from sertools.probing.ridge import fit_ridge
from sertools.results.result import Finding
from sertools.statistics.jackknife import MIN_UNITS, estimate_from_sums
from sertools.statistics.statistic import Statistic, ratio, unit_sums
from sertools.tables.pairs import scored_targets, speaker_codes, truth_of
from sertools.tables.tables import Tables
from sertools.tables.text_vectors import TextVectors, unpacked

COMPONENTS = 64


def text_column(asr: str) -> str:
    """Column of the text that the opponent reads: that of a speech recogniser, or the corpus' transcripts."""
    return f"recognised@{asr}" if asr else "transcript"


def _explained(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 − squared errors / squared deviations from the mean, from sums (…, 2)."""
    found: NDArray[np.float64] = 1 - ratio(sums[..., 0], sums[..., 1])
    return found


def _no_sums(*_: object) -> NDArray[np.float64]:
    """The sums are made here, not by the statistic, of which only the value is used."""
    raise AssertionError


EXPLAINED = Statistic(name="share", sums=_no_sums, value=_explained, bounds=(-np.inf, 1.0))


def text_findings(
    tables: Tables, target: str, values: NDArray[np.float64], read: TextVectors, folds: int
) -> list[Finding]:
    """Shares of the variance of answers and of labels that the text explains; details, empty without text.

    Args:
        tables: the clips
        target: a dimension, or `emotion`
        values: answers, shape (n, c)
        read: column of the text, and the encoder whose vectors are read; those of TF-IDF if that is empty
        folds: groups of speakers, each held out once
    """
    text = tables.clips.get(read.text, pd.Series(None, index=tables.clips.index, dtype=object))
    encoded = tables.clips.get(read.column) if read.encoder else None
    vectors = None if encoded is None else unpacked(encoded)
    labels = _labels(tables, target)
    found = []
    for name, wanted in (("explained_by_text", values), ("labels_explained_by_text", labels)):
        known = _with_text(text, vectors) & np.isfinite(values).all(axis=1) & np.isfinite(wanted).all(axis=1)
        if wanted.shape[1] and known.any() and text[known].nunique() > 1:
            own = None if vectors is None else vectors[known]
            found += _finding(tables, name, target, text[known], own, wanted[known], folds)
    return found


def _with_text(text: "pd.Series[str]", vectors: NDArray[np.float32] | None) -> NDArray[np.bool_]:
    """Whether each clip has a text, and its vector if vectors are read, shape (n,)."""
    known: NDArray[np.bool_] = text.notna().to_numpy(dtype=bool)
    return known if vectors is None else known & np.isfinite(vectors).all(axis=1)


def _labels(tables: Tables, target: str) -> NDArray[np.float64]:
    """Labels of all clips, shape (n, c): ratings, or 1 for the class and 0; c is 0 without labels."""
    if target not in scored_targets(tables):
        return np.zeros((len(tables.clips), 0))
    truth = truth_of(tables, target)
    if target != "emotion":
        return truth[:, None]
    known = np.isfinite(truth)
    ones = np.eye(len(tables.model_classes))[np.where(known, truth, 0).astype(int)]
    found: NDArray[np.float64] = np.where(known[:, None], ones, np.nan)
    return found


def _vectors(tables: Tables, texts: list[str]) -> Vectors:
    """The reader of these texts, which all targets share."""
    key = ("tf_idf", COMPONENTS, *texts)
    if key not in tables.derived:
        tables.derived[key] = tf_idf(texts, components=COMPONENTS)
    found: Vectors = tables.derived[key]
    return found


def _finding(
    tables: Tables,
    name: str,
    target: str,
    text: "pd.Series[str]",
    encoded: NDArray[np.float32] | None,
    wanted: NDArray[np.float64],
    folds: int,
) -> list[Finding]:
    """The share of a variance that the text explains for speakers outside the fit; empty with too few."""
    order = np.argsort(text.index.astype(str), kind="stable")  # the order of the corpus must not matter
    texts, wanted = text.iloc[order].astype(str).tolist(), wanted[order]
    codes, by_speaker = speaker_codes(tables.clips.loc[text.index[order]])
    names, unit = np.unique(codes, return_inverse=True)
    if len(names) < max(folds, MIN_UNITS):
        return []
    fold = disjoint_folds(unit, np.zeros(len(unit)), folds)
    predicted = np.zeros_like(wanted)
    vectors = (lambda _: encoded[order]) if encoded is not None else _vectors(tables, texts)
    for code in np.unique(fold):
        train = np.flatnonzero(fold != code)
        read = vectors(train)
        fitted = fit_ridge(read[train], wanted[train], unit[train] % 15)
        predicted[fold == code] = fitted.predict(read[fold == code])
    squares = np.column_stack(
        [((wanted - predicted) ** 2).sum(axis=1), ((wanted - wanted.mean(axis=0)) ** 2).sum(axis=1)]
    )
    found = estimate_from_sums(EXPLAINED, unit_sums(squares, unit, len(names)), len(texts))
    if not squares[:, 1].sum() > 1e-18:
        found = replace(found, value=np.nan, low=np.nan, high=np.nan, inner=None, reason="nothing varies")
    return [detail(finding(name, found, target=target, by_speaker=by_speaker))]
