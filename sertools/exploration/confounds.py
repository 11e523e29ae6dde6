"""Confounds: how well the sentence, speaker or recording alone predict a label."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.exploration.measured import NUMBERS, Sound
from sertools.exploration.over_speakers import Numbers
from sertools.exploration.recordings import PROPERTIES
from sertools.exploration.sections import Row, Section, table
from sertools.exploration.sentences import PACE, sentence_column
from sertools.labels import DIMENSIONS
from sertools.metrics.classification import uar_statistic
from sertools.metrics.confounds import equal_bins, guessed_classes, guessed_ratings
from sertools.metrics.regression import CCC
from sertools.randomness import identity_rng
from sertools.results.result import Figure, Finding, Series
from sertools.statistics.jackknife import estimate

ATTRIBUTES = ("sex", "age", "language", "corpus")
"""Attributes of a speaker or of a recording that can be heard."""

MOST_VALUES = 0.5
"""A property is left out if its number of different values exceeds this share of the number of clips."""


@dataclass(frozen=True, kw_only=True)
class Property:
    """A property other than the emotion that a model could use.

    Attributes:
        name: in words, e.g. `the sentence`
        level: codes of its values, shape (n,), −1 where unknown
        fold: codes of what is held out together, shape (n,)
    """

    name: str
    level: NDArray[np.int64]
    fold: NDArray[np.int64]


def confounds_section(clips: pd.DataFrame, sound: Sound | None) -> Section | None:
    """The scores of trivial models on one property each; None without labels or properties."""
    make = Numbers(clips)
    found = properties(clips, sound, make.unit)
    targets = [t for t in ("emotion", *DIMENSIONS) if t in clips and clips[t].notna().any()]
    if not found or not targets:
        return None
    findings: list[Finding] = []
    sentences: list[str] = []
    for target in targets:
        scored = sorted(
            (finding for each in found if (finding := _score(clips, target, each, make)) is not None),
            key=lambda f: -(f.value or 0.0),
        )
        findings += scored
        sentences += _said(scored, target, clips)
    if not findings:
        return None
    rows: list[Row] = [
        [f.target, f.slice, f.value, f.low, f.high, _chance(clips, f.target), f.n] for f in findings
    ]
    columns = ["label", "known is only", "score", "low", "high", "chance", "clips"]
    note = (
        "UAR of an emotion, CCC of a dimension; learnt from other speakers (for the speaker: from the other "
        "half of the clips), numbers in ten equally full bins; intervals over speakers"
    )
    return Section(
        name="confounds",
        title="Predictions from one property alone",
        answer=" ".join(sentences[:2]) or "No single property predicts the labels better than chance.",
        sentences=sentences[2:],
        tables=[table("confounds", "Trivial models", columns, rows, note)],
        figures=[
            _figure(findings, target, clips)
            for target in targets
            if any(f.target == target for f in findings)
        ],
        findings=findings,
    )


def properties(clips: pd.DataFrame, sound: Sound | None, unit: NDArray[np.integer]) -> list[Property]:
    """The sentence, the speaker, attributes, and properties measured from the audio."""
    speakers = unit.astype(np.int64)
    columns: dict[str, pd.Series] = {}
    spoken = sentence_column(clips)
    if spoken:
        columns["the sentence"] = clips[spoken]
    columns |= {f"the {name}": clips[name] for name in ATTRIBUTES if name in clips}
    columns |= {"the words per second": clips[PACE]} if PACE in clips else {}
    if sound is not None and sound.recordings:
        measured = sound.table
        columns |= {"the sampling rate": measured["rate"], "the number of channels": measured["channels"]}
        columns |= {f"the {PROPERTIES[name]}": measured[name] for name in NUMBERS}
    found = []
    for name, column in columns.items():
        level = _levels(column)
        different = len(np.unique(level[level >= 0]))
        if 1 < different <= MOST_VALUES * (level >= 0).sum():
            found.append(Property(name=name, level=level, fold=speakers))
    if "speaker" in clips and clips["speaker"].nunique() > 1:
        half = [int(identity_rng(0, "half of the clips", str(clip)).integers(2)) for clip in clips.index]
        level = np.where(clips["speaker"].notna(), speakers, -1)
        found.append(Property(name="the speaker", level=level, fold=np.array(half, dtype=np.int64)))
    return found


def _levels(column: pd.Series) -> NDArray[np.int64]:
    """Codes of the values of a property, −1 where unknown; numbers with many values in bins."""
    if pd.api.types.is_numeric_dtype(column) and column.nunique() > 20:
        values = column.to_numpy(dtype=float, na_value=np.nan)
        return np.where(np.isfinite(values), equal_bins(values), -1)
    return pd.factorize(column)[0].astype(np.int64)


def _score(clips: pd.DataFrame, target: str, known: Property, make: Numbers) -> Finding | None:
    """What the trivial model reaches; None where too little is known."""
    here = (known.level >= 0) & clips[target].notna().to_numpy()
    fold = pd.factorize(known.fold[here])[0]
    if here.sum() < 10 or len(np.unique(fold)) < 2:
        return None
    unit, units = np.unique(make.unit[here], return_inverse=True)[1], len(np.unique(make.unit[here]))
    if target == "emotion":
        truth, names = pd.factorize(clips.loc[here, target], sort=True)
        if len(names) < 2:
            return None
        guess = guessed_classes(truth, known.level[here], fold, len(names))
        value = estimate(uar_statistic(len(names)), truth, guess, unit, units)
        return make.made("uar", value, target, known.name)
    truth = clips.loc[here, target].to_numpy(dtype=float)
    guess_of = guessed_ratings(truth, known.level[here], fold)
    return make.made("ccc", estimate(CCC, truth, guess_of, unit, units), target, known.name)


def _chance(clips: pd.DataFrame, target: str) -> float:
    return 1 / clips["emotion"].nunique() if target == "emotion" else 0.0


def _said(scored: list[Finding], target: str, clips: pd.DataFrame) -> list[str]:
    """A sentence on the properties that say more than chance, the most telling first."""
    chance = _chance(clips, target)
    above = [f for f in scored if f.value is not None and f.low is not None and f.low > chance]
    if not above:
        return []
    first, *others = above
    metric = "UAR" if target == "emotion" else "CCC"
    also = "".join(f", {f.value_text} {f.interval_text} by {f.slice}" for f in others)
    beside = f"; chance is {chance:.3f}" if target == "emotion" else ""
    return [
        f"A model could reach a {metric} of {first.value_text} {first.interval_text} in {target} by "
        f"{first.slice} alone{also}{beside}."
    ]


def _figure(findings: list[Finding], target: str, clips: pd.DataFrame) -> Figure:
    own = [f for f in findings if f.target == target and f.value is not None]
    series = Series(
        x=[f.slice for f in own],
        y=[f.value for f in own],
        low=[f.low for f in own],
        high=[f.high for f in own],
    )
    metric = "UAR" if target == "emotion" else "CCC"
    return Figure(
        name=f"confounds_{target}",
        kind="interval",
        title=f"Prediction of {target} from one property alone",
        alt=f"{metric} of trivial models with one property each; the line is chance.",
        x_label=metric,
        series=[series],
        reference=_chance(clips, target),
    )
