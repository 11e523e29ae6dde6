"""Raters: their number per clip, their agreement, and the score of one rater."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.exploration.over_speakers import Numbers
from sertools.exploration.sections import Row, Section, histogram, span, table
from sertools.metrics import raters
from sertools.metrics.classification import uar_statistic
from sertools.metrics.regression import CCC
from sertools.results.result import Figure, Finding
from sertools.tables.votes import Votes, majority, rated_dimensions, ratings_of, votes_of
from sertools.wording import plural


def raters_section(clips: pd.DataFrame) -> Section | None:
    """Agreement of raters; None where the corpus has no labels of individual raters."""
    votes, dimensions = votes_of(clips), rated_dimensions(clips)
    if votes is None and not dimensions:
        return None
    make = Numbers(clips)
    findings: list[Finding] = []
    figures: list[Figure] = []
    answers, sentences = [], []
    rows: list[Row] = []
    if votes is not None:
        number = votes.raters[votes.raters > 0]
        if votes.are_counted and (number > 1).any():
            found = _of_votes(votes, make)
            findings += found
            answers.append(_answer("emotion", number, found))
            sentences.append(_ties(votes))
            figures.append(histogram("raters", "Raters of a clip", {"": number}, "raters"))
            figures.append(_agreement(votes))
            rows += _largest_shares(clips, votes)
        else:
            sentences.append("The emotions are shares of votes; how many raters there were is not known.")
    for dimension in dimensions:
        ratings = ratings_of(clips, dimension)
        if ratings is not None and (np.isfinite(ratings).sum(axis=1) > 1).any():
            found = _of_ratings(ratings, make, dimension)
            findings += found
            answers.append(_answer(dimension, np.isfinite(ratings).sum(axis=1)[_rated(ratings)], found))
    title = "Clips of each emotion, by the share of raters who chose the largest"
    return Section(
        name="raters",
        title="Raters",
        answer=" ".join(answers) or "Every clip has one rater, or the number of raters is not known.",
        sentences=sentences,
        findings=findings,
        tables=[table("agreement", title, ["emotion", "clips", "mean share", "unanimous"], rows)]
        if rows
        else [],
        figures=figures,
    )


def _rated(ratings: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray(np.isfinite(ratings).any(axis=1))


def _answer(target: str, number: NDArray[np.float64], found: list[Finding]) -> str:
    people = f"{span(number.min(), number.max())} people"
    alpha, one = found[0], found[1]
    metric = one.name.removeprefix("one_rater_").upper()
    reference = "the majority" if metric == "UAR" else "the mean"
    return (
        f"{target[0].upper()}{target[1:]} is rated by {people}: Krippendorff's α is {alpha.value_text} "
        f"{alpha.interval_text}, and one rater reaches a {metric} of {one.value_text} {one.interval_text} "
        f"against {reference} of the others."
    )


def _of_votes(votes: Votes, make: Numbers) -> list[Finding]:
    several = votes.raters > 1
    counts = np.where(several[:, None], votes.counts, 0.0)
    c = len(votes.classes)
    others = raters.against_others(counts)
    inside = np.zeros(len(counts), dtype=np.bool_)
    inside[others.clip] = True
    agreement = raters.coincidences(counts, make.unit, make.units)
    own = others.sums(others.answer, make.unit, make.units, c)
    return [
        make.finding("alpha", raters.ALPHA, agreement, several, target="emotion"),
        make.finding("one_rater_uar", uar_statistic(c), own, inside, target="emotion"),
    ]


def _of_ratings(ratings: NDArray[np.float64], make: Numbers, dimension: str) -> list[Finding]:
    several = np.isfinite(ratings).sum(axis=1) > 1
    ratings = np.where(several[:, None], ratings, np.nan)
    within = raters.rating_sums(ratings, make.unit, make.units)
    others = raters.mean_of_others(ratings)
    clip, rater = np.nonzero(np.isfinite(others))
    own = CCC.sums(others[clip, rater], ratings[clip, rater], make.unit[clip], make.units)
    return [
        make.finding("alpha", raters.ALPHA_INTERVAL, within, several, target=dimension),
        make.finding("one_rater_ccc", CCC, own, several, target=dimension),
        make.finding("rater_deviation", raters.RATER_DEVIATION, within, several, target=dimension),
    ]


def _ties(votes: Votes) -> str:
    rated = votes.raters > 0
    tied = int((majority(votes.counts[rated]) < 0).sum())
    unanimous = int((votes.counts.max(axis=1) == votes.raters)[rated].sum())
    n = int(rated.sum())
    return (
        f"{unanimous} of {plural(n, 'clip')} ({unanimous / n:.1%}) are unanimous; {tied} "
        f"({tied / n:.1%}) have no emotion that most raters chose."
    )


def _agreement(votes: Votes) -> Figure:
    rated = votes.raters > 0
    shares = (votes.counts.max(axis=1) / np.where(rated, votes.raters, 1))[rated]
    return histogram(
        "largest_share", "Share of raters who chose the largest emotion", {"": shares}, "share", bins=10
    )


def _largest_shares(clips: pd.DataFrame, votes: Votes) -> list[Row]:
    """For each emotion of the corpus: clips, mean share of raters who name it, and unanimous clips."""
    rows: list[Row] = []
    if "emotion" not in clips:
        return rows
    shares = votes.shares
    for code, name in enumerate(votes.classes):
        mine = (clips["emotion"] == name).to_numpy() & (votes.raters > 0)
        if mine.any():
            own = shares[mine, code]
            rows.append([name, int(mine.sum()), float(own.mean()), int((own == 1).sum())])
    return rows
