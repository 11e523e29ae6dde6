"""Human scores for the emotion: against the majority and the votes of the others, and their agreement."""

import numpy as np
from numpy.typing import NDArray

from sertools.auditing.ceilings import labels_are_votes
from sertools.auditing.findings import detail
from sertools.metrics import classification, raters, soft_labels
from sertools.results.result import Figure, Finding, Series, Verdict
from sertools.statistics.proportions import proportion
from sertools.statistics.statistic import Statistic
from sertools.tables.tables import Tables
from sertools.tables.votes import Votes, majority

from .part import Maker, Part

STATISTICS = (
    classification.uar_statistic,
    classification.accuracy_statistic,
    classification.macro_f1_statistic,
)

SHARES = (
    "the number of raters is not known, only the share of each emotion, so individual raters cannot be "
    "separated"
)
ALONE = "every clip has only one rater, who cannot be compared with others"


def emotion_findings(tables: Tables, votes: Votes, halves: int) -> Part:
    """Agreement, and the scores of one rater, half of the raters and the best answer.

    Args:
        tables: the clips
        votes: of all clips
        halves: number of random halves
    """
    make = Maker(tables, "emotion")
    several = votes.raters > 1
    number = votes.raters[votes.raters > 0]
    if not votes.are_counted or not several.any():
        value = Finding(
            name="alpha",
            target="emotion",
            value=None,
            n=int((votes.raters > 0).sum()),
            reason=ALONE if votes.are_counted else SHARES,
            verdict=Verdict.SKIPPED,
        )
        return Part(target="emotion", main="uar", raters=number, findings=[value])
    counts = np.where(several[:, None], votes.counts, 0.0)
    c = len(votes.classes)
    sums = raters.coincidences(counts, make.unit, make.units)
    found = [make.finding("alpha", raters.ALPHA, sums, several)]
    others = raters.against_others(counts)
    for statistic in (each(c) for each in STATISTICS):
        own = others.sums(others.answer, make.unit, make.units, c)
        found.append(make.finding(f"one_rater_{statistic.name}", statistic, own, _of(others.clip, several)))
    found += _halves(make, votes.take(several), list(map(str, tables.clips.index[several])), several, halves)
    for statistic, answer in (
        (classification.uar_statistic(c), raters.best_answer(counts)),
        (classification.accuracy_statistic(c), np.where(several, counts.argmax(axis=1), -1)),
    ):
        best = raters.against_a_rater(counts, answer)
        reached = best.sums(best.answer, make.unit, make.units, c)
        found.append(make.finding(f"best_answer_{statistic.name}", statistic, reached, several))
    found += _recalls(make, others, votes, several)
    label, intended = _label_codes(tables, votes)
    found += _recognised(make, votes, label) if intended else []
    return Part(
        target="emotion",
        main="uar",
        raters=number,
        findings=found,
        figures=[_confusion(others.sums(others.answer, make.unit, make.units, c).sum(axis=0), votes)],
        notes=_notes(counts, several, intended),
    )


def _of(rows: NDArray[np.int64], all_clips: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The clips that occur in some rows, shape (n,)."""
    inside = np.zeros(len(all_clips), dtype=np.bool_)
    inside[rows] = True
    return inside


def _halves(
    make: Maker, votes: Votes, clips: list[str], several: NDArray[np.bool_], halves: int
) -> list[Finding]:
    """One half of the raters against the other, and one rater against the votes of the others.

    Args:
        make: of all clips
        votes: of the clips with several raters
        clips: their ids
        several: which of all clips they are
        halves: number of random halves
    """
    c, unit = len(votes.classes), make.unit[several]
    found = []
    rows, answer = np.nonzero(votes.counts > 0)
    others = votes.counts[rows]
    others[np.arange(len(rows)), answer] -= 1
    alone = np.zeros(others.shape, dtype=np.bool_)
    alone[np.arange(len(rows)), answer] = True
    truth = soft_labels.above_equal_share(others / others.sum(axis=1, keepdims=True))
    weight = votes.counts[rows, answer] / votes.raters[rows]
    soft = soft_labels.SOFT_MACRO_F1
    own = soft_labels.f1_sums(truth, alone, weight, unit[rows], make.units)
    found.append(make.finding(f"one_rater_{soft.name}", soft, own, several))
    first, second = raters.random_halves(votes.counts, clips, draws=halves)
    confusions, softs = [], []
    for one, other in zip(first, second, strict=True):
        given, wanted = majority(one), majority(other)
        clear = (given >= 0) & (wanted >= 0)
        cell = (unit[clear] * c + wanted[clear]) * c + given[clear]
        confusions.append(np.bincount(cell, minlength=make.units * c * c).reshape(make.units, c * c))
        above, answered = (
            soft_labels.above_equal_share(half / half.sum(axis=1, keepdims=True)) for half in (other, one)
        )
        softs.append(soft_labels.f1_sums(above, answered, np.ones(len(one)), unit, make.units))
    both = np.concatenate(confusions, axis=1).astype(np.float64)
    for statistic in (each(c) for each in STATISTICS):
        mean = raters.mean_of_draws(statistic, halves)
        found.append(make.finding(f"half_of_raters_{statistic.name}", mean, both, several))
    mean = raters.mean_of_draws(soft, halves)
    found.append(make.finding(f"half_of_raters_{soft.name}", mean, np.concatenate(softs, axis=1), several))
    return found


def _recalls(make: Maker, others: raters.Faced, votes: Votes, several: NDArray[np.bool_]) -> list[Finding]:
    """The recall of each emotion by one rater, as details."""
    c = len(votes.classes)
    sums = others.sums(others.answer, make.unit, make.units, c).reshape(make.units, c, c)
    found = []
    for code, name in enumerate(votes.classes):
        clips = _of(others.clip[others.truth == code], several)
        if clips.any():
            of_class = np.stack([sums[:, code].sum(axis=1), sums[:, code, code]], axis=1)
            share = Statistic(
                name="recall",
                sums=classification.recall_statistic(code).sums,
                value=classification.recall_statistic(code).value,
                bounds=(0.0, 1.0),
            )
            found.append(detail(make.finding("one_rater_recall", share, of_class, clips, target=name)))
    return found


def _label_codes(tables: Tables, votes: Votes) -> tuple[NDArray[np.int64], bool]:
    """The label of each clip as a class code, −1 without one, and whether it is not made of the votes."""
    if "emotion" not in tables.clips:
        return np.full(len(tables.clips), -1), False
    code = {name: i for i, name in enumerate(votes.classes)}
    label = tables.clips["emotion"].map(code).to_numpy(dtype=float, na_value=np.nan)
    codes = np.where(np.isfinite(label), np.nan_to_num(label), -1).astype(np.int64)
    return codes, not labels_are_votes(codes, votes.counts)


def _recognised(make: Maker, votes: Votes, label: NDArray[np.int64]) -> list[Finding]:
    """The share of votes that name the label of the corpus: of all, and of each emotion as a detail."""
    clip, answer = np.nonzero((votes.counts > 0) & (label >= 0)[:, None])
    weight = votes.counts[clip, answer].astype(np.int64)
    clip, answer = np.repeat(clip, weight), np.repeat(answer, weight)
    found = []
    for name, rows in (
        ("emotion", np.ones(len(clip), dtype=np.bool_)),
        *((name, label[clip] == code) for code, name in enumerate(votes.classes)),
    ):
        if not rows.any():
            continue
        speakers, unit = np.unique(make.unit[clip[rows]], return_inverse=True)
        share = proportion(answer[rows] == label[clip[rows]], unit, len(speakers))
        made = make.made("label_recognised", share, target=name)
        made = made.model_copy(update={"n": len(np.unique(clip[rows]))})
        found.append(made if name == "emotion" else detail(made))
    return found


def _confusion(sums: NDArray[np.float64], votes: Votes) -> Figure:
    c = len(votes.classes)
    counts = sums.reshape(c, c)
    present = np.flatnonzero(counts.sum(axis=1) > 0)
    return Figure(
        name="one_rater_confusion",
        kind="heat",
        title="One rater and the majority of the others",
        alt="Share of the raters who chose each emotion (columns), by the emotion that most of the other "
        "raters of the clip chose (rows).",
        x_label="one rater",
        y_label="majority of the others",
        series=[
            Series(name=votes.classes[i], x=list(votes.classes), y=(counts[i] / counts[i].sum()).tolist())
            for i in present
        ],
    )


def _notes(counts: NDArray[np.float64], several: NDArray[np.bool_], intended: bool) -> list[str]:
    tied = int((majority(counts[several]) < 0).sum())
    share = tied / several.sum()
    notes = [f"{tied} of {int(several.sum())} clips ({share:.1%}) have no majority: emotions tie."]
    rater = raters.against_others(counts).weight.sum()
    notes.append(
        f"{int(rater)} of {int(counts.sum())} votes can be compared with a majority of the others; for the "
        "rest, the others tie."
    )
    if intended:
        notes.append(
            "The labels of the corpus are not the majority of the votes; raters are compared with them."
        )
    return notes
