"""Which speakers does the model serve worse than others?

For every speaker with more than 200 clips, the score is computed on 1000 random draws of 200 of the speaker's
clips, with replacement; the table gives mean, standard deviation and 95 % percentile range of the draws
(Wagner et al. 2023, §4.7; CCC for a dimension, UAR for emotions). Speakers with fewer clips are listed as not
judged by this protocol; with at least 10 clips, their score over all their clips is given. Worst and best
speaker, and the spread (standard deviation over speakers, divisor G − 1), are taken over the speakers that
the protocol judges; if there are fewer than five of them, over all speakers with at least 10 clips, and the
notes say so.

The interval of the worst and the best speaker is a jackknife over that speaker's clips with Student's t, at a
level (1 − .05 / G) that holds for all G speakers simultaneously (Bonferroni), so it is also valid for the
speaker that was selected. Scores from few clips differ between speakers by chance: the notes give the spread
to expect from that alone.

Speaker average is the mean over speakers of |m_p − m_t|, the means of a speaker's predictions and truth;
speaker ranking is the signed Spearman correlation of these means. For emotions the means are the shares of
each class. Both are taken over speakers with at least 10 clips. The intervals of average and spread leave one
speaker out at a time, on the log scale, with Student's t; that of the ranking is Fisher's, with Bonett and
Wright's standard error (2000).

Limits are those of audEERING's ser-tests for average (.1) and ranking (.7), and one of our own: the model
must be better than a constant for every speaker. If speakers have similar means, a constant gets all of them
about right, so average and ranking are judged only if the model is shown to be better than a constant (99.9 %
interval of its CCC or UAR over all speakers). If the true means do not differ significantly (analysis of
variance, p ≥ .05), their order is due to chance, and only a reversed ranking is judged.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from sertools.auditing.contract import Needs, Outcome
from sertools.auditing.examples import in_turn, of_speaker
from sertools.auditing.findings import finding, skipped
from sertools.errors import AuditError
from sertools.labels import DIMENSIONS
from sertools.metrics.better_than_chance import not_better_than_constant
from sertools.metrics.classification import uar_statistic
from sertools.metrics.regression import CCC
from sertools.metrics.speakers import (
    RANK_DECIMALS,
    SPEAKER_AVERAGE,
    SPREAD,
    anova_p_value,
    rank_correlation,
    scores_of_draws,
    unit_means,
)
from sertools.randomness import identity_rng
from sertools.results.result import Figure, Finding, Limit, Series, Table
from sertools.statistics.bootstrap import UNDEFINED
from sertools.statistics.jackknife import MIN_UNITS, Estimate, estimate, proportion
from sertools.statistics.statistic import Statistic
from sertools.tables.pairs import Pairs, pairs
from sertools.tables.tables import Tables

from .without_speaker import of_speaker_means

NEEDS = Needs(columns=("speaker",), labels="either")

SER_TESTS = "audEERING ser-tests"
NO_BETTER = "ours: the model is better than a constant for every speaker"
LIMITS = [
    Limit(name="speaker_average", below=0.1, source=SER_TESTS),
    Limit(name="speaker_ranking", above=0.7, source=SER_TESTS),
    *(Limit(name="worst_speaker", target=dimension, above=0, source=NO_BETTER) for dimension in DIMENSIONS),
    Limit(name="worst_above_chance", above=0, source=NO_BETTER),
]

ALL_ALIKE = "the speakers' true means do not differ significantly, so their order is not meaningful"
FEW = 10
"""Fewest clips of a speaker for a score of their own."""

SHOWN = 20
"""Number of worst and of best speakers in a figure that has no room for all."""


@dataclass(frozen=True, kw_only=True)
class Speaker:
    """One speaker's score on one target.

    Attributes:
        name: name in the corpus
        score: score over all clips of the speaker, with its 95 % interval over clips
        picked: the same score with an interval at the level that holds for all speakers simultaneously
        chance: score of a constant on these clips
        error: standard error of the score over clips; nan if undefined
        mean, deviation, low, high: of the protocol's draws; nan if the protocol does not apply
        judged: the protocol applies
    """

    name: str
    score: Estimate
    picked: Estimate
    chance: float
    error: float
    mean: float = np.nan
    deviation: float = np.nan
    low: float = np.nan
    high: float = np.nan
    judged: bool = False


def audit(
    tables: Tables,
    *,
    rng: np.random.Generator,
    min_clips: int = 200,
    draws: int = 1000,
) -> Outcome:
    """Scores by speaker for every dimension and for emotion.

    Args:
        tables: clips and clean predictions
        rng: for draws of clips
        min_clips: the protocol judges speakers with more clips than this, in draws of this size
        draws: number of draws per speaker
    """
    if min_clips < FEW or draws < 2:
        raise AuditError(
            f"min-clips is {min_clips} and draws {draws}",
            hint=f"min-clips must be at least {FEW} and draws at least 2",
        )
    tables = _in_order(tables)
    seed = int(rng.integers(2**63))
    findings: list[Finding] = []
    rows: list[list[str | int | float | bool | None]] = []
    figures: list[Figure] = []
    sentences, notes, heard = [], [], []
    for target in [*tables.dimensions, *(["emotion"] if tables.classes else [])]:
        pair = pairs(tables, target)
        classes = len(tables.model_classes) if target == "emotion" else 0
        metric = "UAR" if classes else "CCC"
        sizes = np.bincount(pair.unit, minlength=pair.units)
        speakers = _speakers(pair, _names(tables, pair), classes, min_clips, draws, (seed, target))
        if not speakers:
            reason = f"no speaker has {FEW} clips labelled with {target}"
            findings.append(skipped("worst_speaker", tables, reason, target=target))
            continue
        compared, _ = _compared(speakers)
        findings += _extremes(compared, target)
        findings.append(_spread(compared, target))
        findings += _of_means(pair, tables, target)
        unknown = [speaker for speaker in speakers if np.isnan(speaker.score.value)]
        rows += [_row(target, speaker) for speaker in [*_known(speakers), *unknown]]
        figures.append(_figure(speakers, target, metric))
        sentences.append(_sentence(compared, target, metric))
        notes += _notes(speakers, sizes, target, min_clips)
        heard += [of_speaker(tables, target, speaker.name) for speaker in _known(compared)[:1]]
    columns = ["target", "speaker", "clips", "score", "low", "high", "judged", "mean of draws"]
    columns += ["deviation of draws", "2.5 % of draws", "97.5 % of draws"]
    by_speaker = Table(
        name="speakers",
        title="Score of each speaker, worst first",
        columns=columns,
        rows=rows,
        note=f"score over all clips, with an interval over the speaker's clips; judged: the speaker has more "
        f"than {min_clips} clips, and the score is computed on {draws} draws of {min_clips} clips",
    )
    return Outcome(
        answer=" ".join(sentences) or f"Not measured: no speaker has {FEW} clips.",
        findings=findings,
        tables=[by_speaker] if rows else [],
        figures=figures,
        notes=notes,
        left_out=of_speaker_means(tables, FEW),
        sounds=in_turn(heard),
    )


def plant(tables: Tables, rng: np.random.Generator) -> Tables:
    """Invert the predictions of one speaker.

    The dimensions of the speaker with most clips are mirrored about their mean and scaled by .8, and each
    of the speaker's emotions gets the score of the one before it.
    """
    clips_of = tables.clips["speaker"].value_counts().sort_index()
    one = (tables.clips["speaker"] == clips_of.idxmax()).to_numpy()
    planted = {}
    for condition, scores in tables.predictions.items():
        wrong = scores.copy()
        for dimension in tables.model_dimensions:
            values = scores.loc[one, dimension]
            wrong.loc[one, dimension] = values.mean() - 0.8 * (values - values.mean())
        classes = list(tables.model_classes)
        wrong.loc[one, classes] = np.roll(scores.loc[one, classes].to_numpy(), 1, axis=1)
        planted[condition] = wrong
    return tables.with_predictions(planted)


def _in_order(tables: Tables) -> Tables:
    """The same tables ordered by clip name, so that draws do not depend on the order of the corpus."""
    order = np.argsort(tables.clips.index.astype(str), kind="stable")
    predictions = {condition: scores.iloc[order] for condition, scores in tables.predictions.items()}
    return replace(
        tables,
        clips=tables.clips.iloc[order],
        predictions=predictions,
        layers=None,
        frame_sums={},
        others={},
    )


def _names(tables: Tables, pair: Pairs) -> list[str]:
    """The name of each unit; a clip whose speaker is unknown is its own unit."""
    first = np.unique(pair.unit, return_index=True)[1]
    named = tables.clips.loc[pair.clips[first], "speaker"]
    return ["unknown" if pd.isna(name) else str(name) for name in named]


def _speakers(
    pair: Pairs, names: list[str], classes: int, min_clips: int, draws: int, identity: tuple[int, str]
) -> list[Speaker]:
    """Scores of the speakers with at least `FEW` clips."""
    statistic = uar_statistic(classes) if classes else CCC
    sizes = np.bincount(pair.unit, minlength=pair.units)
    judged = sizes > min_clips
    together = int(judged.sum() if judged.sum() >= MIN_UNITS else (sizes >= FEW).sum())
    found = []
    for code in np.flatnonzero(sizes >= FEW):
        part = pair.take(pair.unit == code)
        left_out = _left_out(statistic, part)
        speaker = Speaker(
            name=names[code],
            score=_over_clips(statistic, part, 0.95),
            picked=_over_clips(statistic, part, 1 - 0.05 / together),
            chance=1 / len(np.unique(part.truth)) if classes else 0.0,
            error=float(np.sqrt((part.n - 1) * np.var(left_out))),
            judged=bool(judged[code]),
        )
        if speaker.judged:
            own = identity_rng(identity[0], identity[1], names[code])
            drawn = scores_of_draws(
                statistic, part.truth, part.prediction, size=min_clips, draws=draws, rng=own
            )
            speaker = _with_draws(speaker, drawn)
        found.append(speaker)
    return found


def _over_clips(statistic: Statistic, part: Pairs, level: float) -> Estimate:
    """The score of one speaker's clips, with each clip as its own unit."""
    clip = np.arange(part.n)
    found = estimate(statistic, part.truth, part.prediction, clip, part.n, level=level)
    right = part.truth == part.prediction
    if statistic is not CCC and (right.all() or not right.any()):
        # if all or none are right, UAR equals the accuracy, and a proportion has an interval even then
        found = proportion(right, clip, part.n, level=level)
    return replace(found, units=1, reason=found.reason.replace("speaker", "clip"))


def _left_out(statistic: Statistic, part: Pairs) -> np.ndarray:
    sums = statistic.sums(part.truth, part.prediction, np.arange(part.n), part.n)
    return statistic.value(sums.sum(axis=0) - sums)


def _with_draws(speaker: Speaker, drawn: np.ndarray) -> Speaker:
    defined = drawn[~np.isnan(drawn)]
    if len(defined) < (1 - UNDEFINED) * len(drawn):
        return speaker
    low, high = np.quantile(defined, [0.025, 0.975])
    return replace(
        speaker,
        mean=float(defined.mean()),
        deviation=float(defined.std(ddof=1)),
        low=float(low),
        high=float(high),
    )


def _compared(speakers: list[Speaker]) -> tuple[list[Speaker], bool]:
    """The speakers over whom worst, best and spread are taken, and whether the protocol judges them."""
    judged = [speaker for speaker in speakers if speaker.judged]
    return (judged, True) if len(judged) >= MIN_UNITS else (speakers, False)


def _known(speakers: list[Speaker]) -> list[Speaker]:
    """Speakers with a defined score, worst first: ordered by how far it is above chance."""
    known = [speaker for speaker in speakers if not np.isnan(speaker.score.value)]
    # scores that differ only by rounding are ties, which are ordered by name
    return sorted(known, key=lambda s: (round(s.score.value - s.chance, RANK_DECIMALS), s.name))


def _extremes(speakers: list[Speaker], target: str) -> list[Finding]:
    """Worst and best speaker, with intervals that account for their selection."""
    known = _known(speakers)
    if not known:
        none = replace(speakers[0].picked, n=sum(s.score.n for s in speakers), units=len(speakers))
        return [finding("worst_speaker", none, target=target, by_speaker=True, withheld=none.reason)]
    worst, best = known[0], known[-1]
    chosen = [("worst_speaker", worst, 0.0), ("best_speaker", best, 0.0)]
    if target == "emotion":
        chosen.append(("worst_above_chance", worst, worst.chance))
    found = []
    for name, speaker, less in chosen:
        score = speaker.picked
        if len(speakers) < MIN_UNITS:
            score = replace(score, low=np.nan, high=np.nan, reason=f"fewer than {MIN_UNITS} speakers")
        score = replace(score, value=score.value - less, low=score.low - less, high=score.high - less)
        where = f"speaker={speaker.name}"
        found.append(finding(name, score, target=target, slice=where, by_speaker=True))
    return found


def _spread(speakers: list[Speaker], target: str) -> Finding:
    """Standard deviation of the speakers' scores."""
    known = _known(speakers)
    n = sum(speaker.score.n for speaker in known)
    if len(known) < 2:
        reason = "only one speaker has a score" if known else "no speaker has a score"
        none = Estimate(value=np.nan, low=np.nan, high=np.nan, n=n, units=len(known), reason=reason)
        return finding("spread", none, target=target, by_speaker=True, withheld=reason)
    scores, each = [speaker.score.value for speaker in known], np.arange(len(known))
    spread = estimate(SPREAD, np.zeros(len(known)), scores, each, len(known))
    return finding("spread", replace(spread, n=n), target=target, by_speaker=True)


def _of_means(pair: Pairs, tables: Tables, target: str) -> list[Finding]:
    """Speaker average and speaker ranking of a dimension, or of the share of each class."""
    classes = len(tables.model_classes) if target == "emotion" else 0
    # with fewer speakers there is no interval, so the gate is inconclusive anyway
    useless = not_better_than_constant(pair, classes) if pair.units >= MIN_UNITS else ""
    if target == "emotion":
        codes = [(name, tables.model_classes.index(name)) for name in tables.classes]
        values = [(name, pair.truth == code, pair.prediction == code) for name, code in codes]
    else:
        values = [(target, pair.truth, pair.prediction)]
    sizes = np.bincount(pair.unit, minlength=pair.units)
    enough = sizes >= FEW
    n = int(sizes[enough].sum())
    found = []
    for name, truth, prediction in values:
        t, p = (unit_means(x, pair.unit, pair.units)[enough] for x in (truth, prediction))
        average = replace(estimate(SPEAKER_AVERAGE, t, p, np.arange(len(t)), len(t)), n=n)
        ranking = rank_correlation(t, p, n)
        if np.isnan(ranking.value):
            alike = f"all {len(t)} speakers have the same mean truth or prediction"
            ranking = replace(ranking, reason=alike if len(t) > 1 else "fewer than two speakers")
        found.append(finding("speaker_average", average, target=name, by_speaker=True, withheld=useless))
        counted = enough[pair.unit]
        # a ranking that is reversed beyond chance is a fault in any case
        chance = anova_p_value(truth[counted], pair.unit[counted]) >= 0.05 and ranking.high >= 0
        withheld = useless or (ALL_ALIKE if chance else "")
        found.append(finding("speaker_ranking", ranking, target=name, by_speaker=True, withheld=withheld))
    return found


def _row(target: str, speaker: Speaker) -> list[str | int | float | bool | None]:
    score = speaker.score
    drawn = [speaker.mean, speaker.deviation, speaker.low, speaker.high]
    return [target, speaker.name, score.n, score.value, score.low, score.high, speaker.judged, *drawn]


def _figure(speakers: list[Speaker], target: str, metric: str) -> Figure:
    """Figure of speakers, worst to best: draws if the protocol judges them, else scores over all clips."""
    compared, protocol = _compared(speakers)
    known = _known(compared)
    shown = known if len(known) <= 2 * SHOWN else [*known[:SHOWN], *known[-SHOWN:]]
    part = "" if shown is known else f", the {SHOWN} worst and the {SHOWN} best of {len(known)}"
    of = "mean and 95 % range of draws" if protocol else "score over all clips, 95 % interval over clips"
    series = Series(
        x=[f"{s.name} ({s.score.n} clips)" for s in shown],
        y=[s.mean if protocol else s.score.value for s in shown],
        low=[s.low if protocol else s.score.low for s in shown],
        high=[s.high if protocol else s.score.high for s in shown],
    )
    return Figure(
        name=f"speakers_{target}",
        kind="interval",
        title=f"{metric} of {target} by speaker{part}",
        alt=f"{metric} of {target} for each of {len(shown)} speakers, ordered: {of}.",
        x_label=metric,
        series=[series],
        reference=0.0 if target != "emotion" else None,
    )


def _sentence(speakers: list[Speaker], target: str, metric: str) -> str:
    known = _known(speakers)
    if not known:
        return f"{metric} of {target} is undefined for every speaker."
    worst, best = known[0], known[-1]
    if worst is best:
        return f"{metric} of {target} is {worst.score.value:.2f} for the only speaker with a score."
    return (
        f"{metric} of {target} is {worst.score.value:.2f} for the worst of {len(known)} speakers "
        f"({worst.name}, {worst.score.n} clips) and {best.score.value:.2f} for the best ({best.name}, "
        f"{best.score.n} clips)."
    )


def _notes(speakers: list[Speaker], sizes: np.ndarray, target: str, min_clips: int) -> list[str]:
    """Notes on the judged speakers, the left-out speakers, and the spread to expect by chance alone."""
    compared, protocol = _compared(speakers)
    judged = int((sizes > min_clips).sum())
    notes = [f"{target}: {judged} of {len(sizes)} speakers have more than {min_clips} clips"]
    notes[0] += (
        " and are judged." if protocol else f", so all with at least {FEW} clips are compared instead."
    )
    if (sizes < FEW).any():
        notes.append(
            f"{target}: {int((sizes < FEW).sum())} speakers have fewer than {FEW} clips and get no score."
        )
    errors = np.array([speaker.error for speaker in _known(compared)])
    errors = errors[np.isfinite(errors)]
    if len(errors):
        alone = float(np.sqrt(np.mean(errors**2)))
        notes.append(f"{target}: the limited number of clips alone gives a spread of about {alone:.2f}.")
    return notes
