"""Which acoustic features do the layers carry?

The frames of every layer are compared with low-level descriptors of eGeMAPSv02 (Eyben et al. 2016) at the
same times, in the groups of Li et al. 2023: energy, frequency, spectral, voice quality; all of these together
as `paralinguistic`; and MFCC 1–4 as the linguistic contrast. The score is the mean canonical correlation
(`cca`): the mean of the largest correlations that directions a of the layer and b of the features can reach,

    ρ = aᵀ S_xy b / √(aᵀ S_xx a · bᵀ S_yy b),

one pair of directions for each feature, each pair uncorrelated with the previous ones, found with a ridge of
`ridge` times the mean variance on both sides. Three other measures are reported as well: `pwcca`, where each
direction is weighted by its share of the layer (Morcos et al. 2018); `svcca`, on the principal components
that explain 99 % of the variance (Raghu et al. 2017); and `cka`, linear centred kernel alignment
‖S_xy‖² / (‖S_xx‖ ‖S_yy‖) (Kornblith et al. 2019).

Directions are fitted on all groups of speakers but one (ten groups, or as many as there are speakers) and
scored on that one, each in turn; the value is the mean over groups, with a 95 % interval by Student's t over
groups. (Fits share most of their speakers; in simulations with 5 to 60 speakers the interval covered the
expected value in 90 to 93 % of 300 corpora each.) The in-sample value, fitted and scored on all frames as in
the papers, is reported too: it rises with the number of dimensions and falls with the number of frames,
whatever information a layer carries.

A curve can only be interpreted relative to its floors, the scores that are reached without the information in
question: the features of another clip (chance), the clip's own features rolled by half its length (what is
constant within a clip), and the same architecture with random weights, the random twin (the contribution of
the architecture alone). A layer carries a group of features where its score exceeds every floor by more than
.05: four random twins of the embedded model differed by up to .03 on EmoDB, by chance alone. The whole
interval must exceed this margin, at the level 1 − .05 / (layers × groups of features), which corrects for
testing all of them. Frames with an undefined feature, mostly unvoiced ones, are left out and counted.

Limits are ours, and modest: at least one layer carries energy, frequency, spectral features and MFCC. Voice
quality has no limit, because wav2vec 2.0 is not known to encode it. Without a random twin nothing is judged.
"""

import itertools
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from sertools.auditing.contract import Needs, Outcome
from sertools.auditing.findings import finding, skipped
from sertools.errors import AuditError
from sertools.results.result import Figure, Finding, Limit, Table
from sertools.statistics.jackknife import Estimate
from sertools.tables.columns import AGAINST, RANDOM_TWIN
from sertools.tables.egemaps import GROUPS, PARALINGUISTIC, columns
from sertools.tables.frame_sums import KINDS, LEVELS, OTHER, OWN, ROLLED, FrameSums, FrameSumsNeeded
from sertools.tables.pairs import speaker_codes
from sertools.tables.tables import Tables

from . import presentation
from .curves import Curve, curve
from .presentation import above_floors, beside_floors, compared, lines
from .scores import MEASURES, Scores, between, scores

MARGIN = 0.05
"""How far the score of a layer must exceed its floors."""

CARRIES = "ours: some layer exceeds its floors by more than two random networks may differ"
LIMITS = [
    Limit(name="*_above_floors", target=group, above=MARGIN, source=CARRIES)
    for group in GROUPS
    if group != "voice quality"
]

BEST = "best layer"
NO_TWIN = "there is no random twin, so the score of the architecture alone is unknown"


def needs(
    *,
    measure: str,
    ridge: float,
    by: str,
    hierarchy: bool,
    between_layers: bool,
) -> Needs:
    """Sums over frames, and the columns and levels that the options select.

    Raises:
        AuditError: the ridge is not above 0
    """
    if not ridge > 0:
        raise AuditError(f"ridge is {ridge:g}", hint="a layer may be rank-deficient: use a ridge above 0")
    levels = tuple(LEVELS) if hierarchy else ("frame",)
    wanted = FrameSumsNeeded(levels=levels, by=by, between_layers=between_layers)
    return Needs(columns=(by,) if by else (), labels="none", conditions=(), frame_sums=wanted)


def audit(
    tables: Tables,
    *,
    rng: np.random.Generator,
    measure: Literal["cca", "pwcca", "svcca", "cka"] = "cca",
    ridge: float = 1e-3,
    by: str = "",
    hierarchy: bool = False,
    between_layers: bool = False,
) -> Outcome:
    """Compute a curve over layers for every group of features.

    Args:
        tables: sums over the frames of the model, of its random twin and of a comparison model
        rng: not used; this audit draws no random numbers
        measure: which measure is plotted and judged; the tables have all four
        ridge: added to the diagonals of both covariances, in units of the mean variance
        by: a column, e.g. emotion; adds a separate curve for each of its values
        hierarchy: also compare frames with phonemes (means of 5 frames) and words (means of 5 phonemes)
        between_layers: also compare every layer with every other layer
    """
    own = tables.frame_sums["frame"]
    groups = columns(own.features)
    if not groups:
        reason = "the sums over frames contain no eGeMAPS features"
        return Outcome(answer=f"Not measured: {reason}.", findings=[skipped(measure, tables, reason)])
    models, notes = _models(tables)
    found = {role: scores(m["frame"], groups, ridge=ridge) for role, m in models.items()}
    size = _size(own)
    by_measure = {
        name: {group: curve(found, i, f, **size) for f, group in enumerate(groups)}
        for i, name in enumerate(MEASURES)
    }
    curves = by_measure[measure]
    judged = [group for group in groups if group != PARALINGUISTIC]
    level = 1 - 0.05 / (own.layers * len(judged))
    by_speaker = speaker_codes(tables.clips)[1]
    findings = [
        each for group in groups for each in _findings(curves[group], measure, group, level, by_speaker)
    ]
    shown = measure.upper()
    sheets = [
        beside_floors(
            by_measure[name],
            name=name,
            title=f"{name.upper()} of every layer with every group of features, and its floors",
        )
        for name in sorted(MEASURES, key=lambda name: name != measure)
    ]
    figures = [
        above_floors(curves, name=f"{measure}_above_floors", title=f"{shown} above the highest floor"),
        *(
            lines(of, name=f"{measure}_{group}", title=f"{shown} with {group} features", score=shown)
            for group, of in curves.items()
        ),
    ]
    if AGAINST in models:
        sheets.append(compared(curves, score=shown, model=tables.others[AGAINST].model))
    more = [_hierarchy(models, groups[PARALINGUISTIC], measure, ridge, size)] if hierarchy else []
    more += [_by_value(models, groups[PARALINGUISTIC], measure, ridge, by)] if by else []
    if between_layers:
        for role, of in models.items():
            grids = dict(zip(("CCA", "CKA"), between(of["frame"], ridge=ridge), strict=True))
            more.append(presentation.between_layers(grids, role=role))
    return Outcome(
        answer=_answer(curves, judged, measure, level),
        findings=findings,
        tables=[*sheets, *(table for some, _ in more for table in some)],
        figures=[*figures, *(figure for _, some in more for figure in some)],
        notes=[*notes, *_notes(own, found[OWN])],
    )


def plant(tables: Tables, rng: np.random.Generator) -> Tables:
    """Give the frames of each clip to another: the clip's own features become another clip's."""
    swap = [KINDS.index(kind) for kind in (OTHER, OWN, ROLLED)]
    wrong = {
        level: FrameSums(
            **{
                **vars(of),
                "y": of.y[:, swap],
                "yy": of.yy[:, swap],
                "xy": tuple(xy[swap] for xy in of.xy),
            }
        )
        for level, of in tables.frame_sums.items()
    }
    return Tables(**{**vars(tables), "moments": wrong})


def _models(tables: Tables) -> tuple[dict[str, Mapping[str, FrameSums]], list[str]]:
    """The sums of the model and of usable comparison models, by role; and why others are not usable."""
    models: dict[str, Mapping[str, FrameSums]] = {OWN: tables.frame_sums}
    notes = []
    own = tables.frame_sums["frame"]
    for role, other in tables.others.items():
        theirs = other.frame_sums.get("frame")
        if theirs is None:
            notes.append(f"{other.model} ({role}) is left out: it has no layers with frames.")
        elif set(theirs.cells["group"]) != set(own.cells["group"]):
            notes.append(f"{other.model} ({role}) is left out: it has results for other groups of speakers.")
        elif role == RANDOM_TWIN and theirs.layers != own.layers:
            notes.append(
                f"{other.model} is not a twin: it has {theirs.layers} layers, the model has {own.layers}."
            )
        else:
            models[role] = other.frame_sums
    return models, notes


def _size(of: FrameSums, cells: np.ndarray | None = None) -> dict[str, int]:
    """Number of clips and speakers of some cells."""
    chosen = of.cells if cells is None else of.cells[cells]
    speakers = chosen.drop_duplicates("group")["speakers"].sum()
    return {"n": int(chosen["clips"].sum()), "speakers": int(speakers)}


def _findings(of: Curve, measure: str, group: str, level: float, by_speaker: bool) -> list[Finding]:
    """The best layer's score, its distance above its floors, and the difference to another model."""
    best = of.best()
    if best < 0:
        undefined = Estimate(
            value=np.nan, low=np.nan, high=np.nan, n=of.n, units=of.speakers, reason="no layer has a score"
        )
        common: dict[str, Any] = {"target": group, "slice": BEST, "by_speaker": by_speaker}
        return [finding(f"{measure}_above_floors", undefined, **common)]
    common = {"target": group, "slice": BEST, "by_speaker": by_speaker}
    without_twin = "" if RANDOM_TWIN in of.floors else NO_TWIN
    found = [
        finding(f"{measure}_above_floors", of.above(best, level), withheld=without_twin, **common),
        finding(measure, of.mean(of.own[best]), **common),
    ]
    if of.against is not None:
        shared = list(of.shared())
        mean = of.mean((of.own[shared] - of.against[shared]).mean(axis=0))
        common["slice"] = "mean over layers"
        found.append(finding(f"{measure}_difference", mean, **common))
    return found


def _hierarchy(
    models: Mapping[str, Mapping[str, FrameSums]],
    at: list[int],
    measure: str,
    ridge: float,
    size: dict[str, int],
) -> tuple[list[Table], list[Figure]]:
    """How much higher phonemes score than frames, and words than phonemes."""
    of_level = {}
    for level in LEVELS:
        found = {
            role: scores(of[level], {PARALINGUISTIC: at}, measures=[measure], ridge=ridge)
            for role, of in models.items()
        }
        of_level[level] = curve(found, 0, 0, **size)
    steps = {(low, high): of_level[high].minus(of_level[low]) for low, high in itertools.pairwise(of_level)}
    table = beside_floors(
        {f"{high} − {low}": step for (low, high), step in steps.items()},
        name="hierarchy",
        title=f"What longer units add to {measure.upper()} with the paralinguistic features",
        of="units",
        note="phoneme: mean of 5 consecutive frames; word: mean of 5 phonemes. Longer units are smoother, "
        "so the floors rise too: interpret only the distance to the floors",
    )
    figures = [
        lines(
            step,
            name=f"{measure}_{high}_minus_{low}",
            title=f"{measure.upper()} of {high}s minus {measure.upper()} of {low}s, paralinguistic features",
            score=f"{measure.upper()}: {high} − {low}",
        )
        for (low, high), step in steps.items()
    ]
    return [table], figures


def _by_value(
    models: Mapping[str, Mapping[str, FrameSums]], at: list[int], measure: str, ridge: float, by: str
) -> tuple[list[Table], list[Figure]]:
    """Curves of the paralinguistic features, one for each value of a column."""
    own = models[OWN]["frame"]
    curves: dict[str, Curve] = {}
    frames = []
    for value in sorted(own.cells[by].dropna().unique()):
        inside = {role: (of["frame"].cells[by] == value).to_numpy() for role, of in models.items()}
        found = {
            role: scores(
                of["frame"], {PARALINGUISTIC: at}, measures=[measure], cells=inside[role], ridge=ridge
            )
            for role, of in models.items()
        }
        curves[str(value)] = curve(found, 0, 0, **_size(own, inside[OWN]))
        frames.append(f"{value} {found[OWN].frames.max():.0f}")
    title = f"{measure.upper()} with the paralinguistic features, by {by}"
    table = beside_floors(
        curves,
        name=f"by_{by}",
        title=title,
        of=by,
        note=f"fitted and scored within each {by}; with fewer frames the fit is worse and the score lower. "
        f"Frames: {', '.join(frames)}",
    )
    return [table], [
        above_floors(curves, name=f"{measure}_by_{by}", title=f"{title}: above the highest floor")
    ]


def _answer(curves: Mapping[str, Curve], judged: list[str], measure: str, level: float) -> str:
    """Sentences on which groups of features have a score above every floor."""
    said, none, unknown = [], [], []
    for group in judged:
        of = curves[group]
        above = [of.above(layer, level) for layer in range(len(of.own))]
        clear = [i for i, one in enumerate(above) if one.low > MARGIN]
        if of.best() < 0 or all(np.isnan(one.low) for one in above):
            unknown.append(group)
        elif clear:
            most = max(clear, key=lambda i: above[i].value)
            said.append(
                f"{group} features in {len(clear)} of {len(above)} layers, strongest in layer {most} "
                f"({above[most].value:.2f} above the highest floor)"
            )
        else:
            none.append(group)
    floors = next(iter(curves.values())).floors
    sentences = [f"Held-out {measure.upper()} exceeds its floors for {'; '.join(said)}."] if said else []
    sentences += [f"No layer is shown to carry {' or '.join(none)} features."] if none else []
    sentences += [f"Not measured, or without an interval: {', '.join(unknown)}."] if unknown else []
    sentences += [] if RANDOM_TWIN in floors else [f"{NO_TWIN[0].upper()}{NO_TWIN[1:]}."]
    return " ".join(sentences)


def _notes(of: FrameSums, found: Scores) -> list[str]:
    """The number of frames, and what to consider when interpreting the values."""
    frames, undefined = float(found.frames.max()), float(of.undefined.sum())
    groups = of.cells["group"].nunique()
    notes = [
        f"{frames:.0f} frames are used; {undefined:.0f} more are left out, because an acoustic feature is "
        "undefined in them (most are unvoiced).",
        f"Speakers form {groups} groups; directions are fitted on {max(groups - 1, 0)} of them and scored on "
        "the other. Fits share most of their speakers, so intervals are for the scores of these fits only.",
    ]
    notes += [f"Layer {layer} is constant, so it has no score." for layer in found.constant]
    few = np.flatnonzero(found.dimensions >= found.frames)
    if len(few):
        notes.append(
            f"Layers {', '.join(map(str, few))} have at least as many dimensions as frames: their in-sample "
            "values are high whatever they encode, and only the ridge makes a fit possible."
        )
    without = int(np.isnan(found.held_out[0, :, 0]).all(axis=1).any(axis=0).sum())
    if without:
        notes.append(
            f"{without} of {groups} groups of speakers have too few frames for a score in some layer."
        )
    return notes
