"""Where does the model perform worst, without predefined groups?

Clips are grouped by what is known or measured: duration, level, signal-to-noise ratio, bandwidth, pitch (from
which sex is predicted if the corpus does not have it), rate of speech, share of the time that is speech,
every column of the corpus with few values, and the words of the transcript. A slice is one condition, such as
`snr_db<18.2`, or two conditions on different columns. For a measure, the lowest and the highest 10 %, 20 %
and third of the clips are slices. Labels and speaker names are not searched.

The loss of a clip is 1 for a wrong emotion and 0 for a right one, and |prediction − truth| for a dimension.
The excess of a slice is its mean loss minus that of other clips *with the same truth* (the same emotion, or
the same quarter of the rating scale), weighted by the clips of the slice. So a slice is not called bad
because its emotions are hard.

The worst of thousands of slices looks bad by chance. So slices are found on one half of the speakers, with
equal shares of women and men, and tested on the other half. What is reported is the excess on these other
speakers. The search ranks slices by their excess minus two standard errors over speakers, takes the worst of
one condition and of two in turn, and skips slices that overlap with an earlier one. A slice has at least 20
clips, 2 % of the clips and 5 speakers in the half that is searched. `worst_slice` is the largest excess among
the tested slices, with an interval that is valid for all of them together (Bonferroni). Each tested slice is
also a detail with a one-sided p-value, marked if it is significant after Holm's correction. Intervals use the
jackknife over speakers with Student's t; for emotions they are never narrower than for independent clips.

The limits are ours: .1 more errors than in other clips of the same emotion, or an absolute error that is
larger by .05, the tolerance of Wagner et al. (2023). Only models that are shown to beat a constant can pass,
because a model that is bad everywhere is worse nowhere. A pass means that none of the slices could be shown
to be worse with this number of speakers; the smaller the corpus, the less a search can find.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.auditing.contract import Needs, Outcome
from sertools.auditing.examples import furthest, in_turn
from sertools.auditing.findings import detail, finding, skipped
from sertools.errors import AuditError
from sertools.metrics.better_than_chance import not_better_than_constant
from sertools.metrics.classification import rating_bins
from sertools.randomness import identity_rng
from sertools.results.keys import Asks
from sertools.results.result import Finding, Limit, Sound
from sertools.statistics.jackknife import MIN_UNITS
from sertools.tables.columns import SOUND_COLUMNS
from sertools.tables.pairs import Pairs, pairs, scored_targets
from sertools.tables.tables import Tables

from . import presentation
from .conditions import conditions, searched
from .confirm import Confirmed, confirm
from .search import Losses, search

ASKS = Asks(question="Where is it worst?", claim="equally good on all slices", rank=35)

EXPLANATIONS = {
    "worst_slice": (
        "How much more often (emotion) or how much farther (dimension) the model errs in the worst slice "
        "found than in other clips with the same truth, on speakers that took no part in the search; 0 means "
        "no difference."
    ),
    "slice_excess": (
        "Mean loss of the clips of a slice minus that of other clips with the same truth, on speakers that "
        "took no part in the search; the loss is 1 for a wrong emotion, and |p − t| for a dimension."
    ),
}

OURS = "ours: one more error in ten clips than in other clips of the same emotion"
UNCHANGED = "ours: the tolerance within which Wagner et al. 2023 count a prediction as unchanged"
LIMITS = [
    Limit(name="worst_slice", below=0.05, source=UNCHANGED),
    Limit(name="worst_slice", target="emotion", below=0.1, source=OURS),
]


def needs(*, columns: tuple[str, ...], slices: int, depth: int) -> Needs:
    """Dimensions or emotion, and columns measured from the audio.

    Raises:
        AuditError: no slice is wanted, or slices of no or of many conditions
    """
    if slices < 1:
        raise AuditError(f"slices is {slices}", hint="at least one slice must be tested")
    if depth not in (1, 2):
        raise AuditError(f"depth is {depth}", hint="a slice has one or two conditions")
    return Needs(
        labels="either", optional_columns=tuple(c for c in SOUND_COLUMNS if c in columns or not columns)
    )


def audit(
    tables: Tables,
    *,
    rng: np.random.Generator,
    columns: tuple[str, ...] = (),
    slices: int = 5,
    depth: int = 2,
) -> Outcome:
    """Find the worst slices on half of the speakers, and test them on the others.

    Args:
        tables: clips with their columns, and clean predictions
        rng: divides the speakers into halves
        columns: the columns to search, `word` for the words of the transcript; by default all that have few
            values, and all that are measured in the audio
        slices: number of slices that are tested on the other speakers
        depth: most conditions of a slice: 1, or 2 for pairs of conditions too
    """
    seed = int(rng.integers(2**31))
    outcomes = [
        _searched(tables, target, seed=seed, columns=columns, slices=slices, depth=depth)
        for target in scored_targets(tables)
    ]
    searches = [each for each in outcomes if each is not None]
    findings = [f for each in searches for f in each.findings]
    tested = [each for each in searches if each.tested]
    return Outcome(
        answer=presentation.answer(searches),
        findings=findings,
        tables=presentation.tables(tested),
        figures=[presentation.figure(each) for each in tested],
        notes=[presentation.note(each) for each in searches],
        sounds=in_turn([each.sounds for each in tested]),
    )


def plant(tables: Tables, rng: np.random.Generator) -> Tables:
    """Exchange the predictions of the quietest fifth of the clips among each other.

    Without a measured level nothing is changed.
    """
    if "level_dbfs" not in tables.clips:
        return tables
    level = tables.clips["level_dbfs"].to_numpy(dtype=float)
    quiet = np.flatnonzero(level < np.nanquantile(level, 0.2))
    order = np.arange(len(level))
    order[quiet] = rng.permutation(quiet)
    return tables.with_predictions(
        {key: scores.iloc[order].set_axis(scores.index) for key, scores in tables.predictions.items()}
    )


def _searched(
    tables: Tables, target: str, *, seed: int, columns: Sequence[str], slices: int, depth: int
) -> "presentation.Search":
    """The worst slices of one target, found on half of the speakers and tested on the others."""
    pair = pairs(tables, target)
    clips = tables.clips.loc[pair.clips]
    first = first_half(pair, tables, seed)
    known = searched(clips, columns)
    named = conditions(known, first)
    holds = (
        np.column_stack([each.holds(known) for each in named])
        if named
        else np.zeros((pair.n, 0), dtype=np.bool_)
    )
    losses = losses_of(pair)
    speakers = [len(np.unique(pair.unit[half])) for half in (first, ~first)]
    base = presentation.Search(
        target=target, pair=pair, losses=losses, columns=len(known), speakers=(speakers[0], speakers[1])
    )
    if min(speakers) < MIN_UNITS:
        return base.without(tables, f"fewer than {MIN_UNITS} speakers in each half of the corpus")
    found = search(losses.take(first), named, holds[first], wanted=slices, depth=depth)
    if not found.slices:
        return base.without(tables, "no column divides the clips into slices that are large enough")
    index = {condition: i for i, condition in enumerate(named)}
    masks = [
        np.asarray(holds[:, [index[c] for c in each.conditions]].all(axis=1), dtype=np.bool_)
        for each in found.slices
    ]
    tested = confirm(losses.take(~first), found.slices, [mask[~first] for mask in masks])
    worst = presentation.worst_of(tested)
    inside = masks[tested.index(worst)] if worst else np.zeros(pair.n, dtype=np.bool_)
    return base.with_results(
        searched=found.searched,
        tested=tested,
        findings=_findings(tables, pair, target, tested),
        inside=[mask & ~first for mask in masks],
        outside=~first,
        sounds=_sounds(tables, target, worst, pair, inside),
    )


def first_half(pair: Pairs, tables: Tables, seed: int) -> NDArray[np.bool_]:
    """Clips of the half of the speakers on which slices are found, boolean, shape (n,).

    Speakers are drawn by their names, whatever the order of the clips, and women and men in turn.
    """
    first_clip = np.unique(pair.unit, return_index=True)[1]
    rows = tables.clips.loc[pair.clips[first_clip]]
    by_name = pair.by_speaker and "speaker" in rows
    names = [
        f"clip {clip}" if not by_name or pd.isna(name) else str(name)
        for name, clip in zip(rows.get("speaker", rows.index), rows.index, strict=True)
    ]
    sexes = [str(sex) for sex in rows["sex"]] if "sex" in rows else [""] * len(rows)
    drawn = [(sex, identity_rng(seed, "half", name).random()) for sex, name in zip(sexes, names, strict=True)]
    order = sorted(range(len(drawn)), key=lambda i: drawn[i])
    chosen = np.zeros(pair.units, dtype=np.bool_)
    chosen[order[::2]] = True
    half: NDArray[np.bool_] = chosen[pair.unit]
    return half


def losses_of(pair: Pairs) -> Losses:
    """The loss of each clip, and the class or quarter of the scale of its truth."""
    if pair.classes:
        wrong = (pair.truth != pair.prediction).astype(np.float64)
        return Losses(loss=wrong, stratum=np.unique(pair.truth, return_inverse=True)[1], unit=pair.unit)
    quarter = np.unique(rating_bins(pair.truth), return_inverse=True)[1]
    return Losses(loss=np.abs(pair.prediction - pair.truth), stratum=quarter, unit=pair.unit)


def _findings(tables: Tables, pair: Pairs, target: str, tested: Sequence[Confirmed]) -> list[Finding]:
    """The largest excess, judged, and each excess as a detail."""
    worst = presentation.worst_of(tested)
    if worst is None:
        reason = tested[0].alone.reason
        return [skipped("worst_slice", tables, reason, target=target)]
    withheld = not_better_than_constant(pair, pair.classes)
    findings = [
        finding(
            "worst_slice",
            worst.together,
            by_speaker=pair.by_speaker,
            target=target,
            slice=str(worst.slice),
            withheld=withheld,
        )
    ]
    for each in tested:
        made = finding(
            "slice_excess", each.alone, by_speaker=pair.by_speaker, target=target, slice=str(each.slice)
        )
        findings.append(detail(made, each.p_value))
    return findings


def _sounds(
    tables: Tables, target: str, worst: Confirmed | None, pair: Pairs, inside: NDArray[np.bool_]
) -> list[Sound]:
    """The largest errors in the worst slice."""
    if worst is None:
        return []
    among = tables.clips.index.isin(pair.clips[inside])
    return furthest(tables, target, f"in the slice {worst.slice}", among)
