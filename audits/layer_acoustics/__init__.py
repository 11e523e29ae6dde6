"""Which acoustic features do the layers encode?

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

What probes read from the layers (emotions, dimensions, speakers …) is measured by the audit `probe-layers`,
whose command runs this audit too.

Limits are ours, and modest: at least one layer carries energy, frequency, spectral features and MFCC. Voice
quality has no limit, because wav2vec 2.0 is not known to encode it. Without a random twin nothing is judged.
"""

from dataclasses import replace
from typing import Literal

import numpy as np

from sertools.auditing.contract import Needs, Outcome
from sertools.auditing.findings import skipped
from sertools.errors import AuditError
from sertools.results.keys import Asks
from sertools.results.result import Limit
from sertools.tables.columns import AGAINST
from sertools.tables.egemaps import ALL, GROUPS, PARALINGUISTIC, columns
from sertools.tables.frame_sums import KINDS, LEVELS, OTHER, OWN, ROLLED, FrameSumsNeeded
from sertools.tables.pairs import speaker_codes
from sertools.tables.tables import Tables

from . import answers, comparisons, presentation
from .curves import curve
from .findings import best_layer_findings
from .fits import MEASURES
from .models import clips_and_speakers, usable_models
from .scores import scores

MARGIN = 0.05
"""How far the score of a layer must exceed its floors."""

CARRIES = "ours: some layer exceeds its floors by more than two random networks may differ"
ASKS = Asks(question="What do its layers encode?", rank=70)

EXPLANATIONS = {
    "cca": (
        "Mean canonical correlation of the layer's frames with a group of acoustic features (eGeMAPS), "
        "fitted and scored on different speakers; from 0 to 1."
    ),
    "cca_above_floors": (
        "The correlation (CCA) minus the highest of its floors, which remain without what the model "
        "learned: frames of another clip, frames rolled by half the clip, and the same architecture with "
        "random weights."
    ),
    "cca_difference": "The correlation minus that of the other model, averaged over the layers.",
}

LIMITS = [
    Limit(name="*_above_floors", target=group, above=MARGIN, source=CARRIES)
    for group in GROUPS
    if group != "voice quality"
]


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
        by: a column, e.g. emotion; adds a separate curve for each of its values, with all descriptors
        hierarchy: also compare frames with phonemes (means of 5 frames) and words (means of 5 phonemes), with
            all descriptors
        between_layers: also compare every layer with every other layer
    """
    own = tables.frame_sums["frame"]
    groups = columns(own.features)
    every = groups.pop(ALL, [])
    if not groups:
        reason = "the sums over frames contain no eGeMAPS features"
        return Outcome(answer=f"Not measured: {reason}.", findings=[skipped(measure, tables, reason)])
    models, notes = usable_models(tables)
    found = {role: scores(sums["frame"], groups, ridge=ridge) for role, sums in models.items()}
    curves = {
        name: {group: curve(found, i, f, **clips_and_speakers(own)) for f, group in enumerate(groups)}
        for i, name in enumerate(MEASURES)
    }
    judged = [group for group in groups if group != PARALINGUISTIC]
    level = 1 - 0.05 / (own.layers * len(judged))
    by_speaker = speaker_codes(tables.clips)[1]
    other = tables.others[AGAINST].model if AGAINST in models else ""
    tables_made, figures = presentation.main_tables_and_figures(curves, measure, other)
    scored = comparisons.Scored(models=models, columns=every, measure=measure, ridge=ridge)
    for more_tables, more_figures in comparisons.requested(scored, hierarchy, by, between_layers):
        tables_made += more_tables
        figures += more_figures
    return Outcome(
        answer=answers.answer(curves[measure], judged, measure, MARGIN, level),
        findings=best_layer_findings(curves[measure], measure, level, by_speaker),
        tables=tables_made,
        figures=figures,
        notes=[*notes, *answers.notes(own, found[OWN])],
    )


def plant(tables: Tables, rng: np.random.Generator) -> Tables:
    """Give the frames of each clip to another: the clip's own features become another clip's."""
    swap = [KINDS.index(kind) for kind in (OTHER, OWN, ROLLED)]
    wrong = {
        level: replace(sums, y=sums.y[:, swap], yy=sums.yy[:, swap], xy=tuple(xy[swap] for xy in sums.xy))
        for level, sums in tables.frame_sums.items()
    }
    return replace(tables, frame_sums=wrong)
