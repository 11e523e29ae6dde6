"""Which perturbations of the audio change the model's predictions?

The model predicts each clip clean and under each perturbation. A prediction of a dimension is unchanged if
|p(x) − p(x′)| < .05 (Wagner et al. 2023, section 3.4), one of emotion if the class with the highest score
stays the same. The unchanged ratio is the share of unchanged clips, per perturbation and target, then
averaged over perturbations, over dimensions, and over both. Random levels are drawn per clip from the
published list.

Also reported: the change of CCC or UAR, paired by clip; the mean shift of a dimension (does noise make people
sound angrier?); the gap between women and men with a p-value from permuting the sexes over speakers; the
speakers and clips that change most; with `ladder` the level up to which 95 % and 90 % of predictions stay
unchanged, interpolated; with `draws` the share of variance that is due to the random draw.

A model whose predictions hardly vary is trivially unchanged: a constant scores 1. So each ratio is reported
together with a scale-free one, with tolerance .05 · sd(p) / sd(t). No limit is passed if the clean
predictions are not shown to beat a constant (permuted among each speaker's clips, p ≤ .001; a dimension
without ratings must instead increase with the emotions' mean ratings by Russell & Mehrabian 1977); a failure
stands. The same holds if the share of pairs of *different* clips whose predictions would count as unchanged
already reaches the limit (of other findings than the ratio, .95), and for a drop if the clean score is too
low to drop that far. A clip that a perturbation cannot be applied to is missing under it: it is counted as
missing, never as unchanged. A clip that the model was asked and did not answer, clean or perturbed, counts as
changed.

With `--quality` the sound of the changes is measured as well, on at most 100 clips: PESQ, as in the audit
`audibility`, and a figure of unchanged predictions, and of the change of the score, against it.

Limits: .95 for small perturbations, for larger ones those of audEERING's ser-tests. Intervals are 95 %: for
shares Wilson's with the effective number of clips, for changes of UAR the same for gains and losses, joined
by MOVER, for other differences leave-one-speaker-out jackknife with Student's t, for levels a bootstrap over
speakers. No interval is given for fewer than 5 speakers.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sertools.auditing.contract import Needs, Outcome
from sertools.auditing.examples import moved
from sertools.auditing.findings import skipped
from sertools.perturbations.selection import select
from sertools.results.keys import Asks
from sertools.results.result import Limit
from sertools.tables.changed.quality import QualityNeeded
from sertools.tables.condition import Condition
from sertools.tables.tables import Tables

from . import presentation
from .dose_response import dose_responses
from .predictions import all_predictions
from .quality import quality_figures, quality_notes
from .result_tables import result_tables, worst_table
from .sexes import sex_gaps
from .unchanged import unchanged_findings
from .without_speaker import ratios_without_speaker

SER_TESTS = "audEERING ser-tests"
BY_ANALOGY = "audEERING ser-tests, by analogy (there, two rooms are compared)"
SMALL = ("additive_tone", "append_zeros", "clip", "crop_beginning", "crop_end", "gain", "highpass", "lowpass",
         "prepend_zeros", "white_noise")  # fmt: skip
BACKGROUND = ("white_noise@20dB", "babble@20dB", "recorded_noise@20dB")
PHONE, TILT, ROOM = "low_quality_phone@25dB", "spectral_tilt_*@3dB/octave", "*_room@*"


def _shift(perturbation: str, limit: float) -> Limit:
    """The limit of the mean shift, a detail: a shift that matters also changes predictions or the score."""
    return Limit(
        name="mean_shift", slice=perturbation, above=-limit, below=limit, source=SER_TESTS, detail=True
    )


ASKS = Asks(question="Is it robust?", claim="robust", rank=20)

EXPLANATIONS = {
    "unchanged_ratio": (
        "Share of the clips whose prediction a perturbation does not change: |p(x) − p(x′)| < .05 for "
        "a dimension, the same class for emotions; 1 is all (Wagner et al. 2023, section 3.4)."
    ),
    "change_of_ccc": "CCC under a perturbation minus CCC on clean audio, on the same clips; 0 is no change.",
    "change_of_uar": "UAR under a perturbation minus UAR on clean audio, on the same clips; 0 is no change.",
    "mean_unchanged_ratio": "Share of unchanged predictions, averaged over the perturbations; from 0 to 1.",
    "scale_free_ratio": (
        "The share of unchanged predictions with a tolerance of .05 s_p / s_t, so that a model whose "
        "predictions hardly vary is not robust for that alone."
    ),
    "mean_shift": "Mean prediction under the perturbation minus that for clean audio.",
    "unchanged_gap": "Share of unchanged predictions of women minus that of men.",
}

LIMITS = [
    *(Limit(name="unchanged_ratio", slice=f"{p}@drawn", above=0.95, source=SER_TESTS) for p in SMALL),
    *(Limit(name="unchanged_ratio", slice=noise, above=0.9, source=SER_TESTS) for noise in BACKGROUND),
    *(Limit(name="change_of_*", slice=noise, above=-0.05, source=SER_TESTS) for noise in BACKGROUND),
    *(_shift(noise, 0.03) for noise in BACKGROUND),
    Limit(name="unchanged_ratio", slice=PHONE, above=0.5, source=SER_TESTS),
    Limit(name="change_of_*", slice=PHONE, above=-0.05, source=SER_TESTS),
    _shift(PHONE, 0.05),
    Limit(name="unchanged_ratio", slice=TILT, above=0.8, source=SER_TESTS),
    Limit(name="change_of_ccc", slice=TILT, above=-0.05, source=SER_TESTS),
    Limit(name="change_of_uar", slice=TILT, above=-0.02, source=SER_TESTS),
    _shift(TILT, 0.03),
    Limit(name="unchanged_ratio", slice=ROOM, above=0.8, source=BY_ANALOGY),
]


MEASURED = 100
"""Most clips whose sound quality is measured, with `--quality`."""


def needs(
    *,
    perturbations: tuple[str, ...],
    ladder: bool,
    draws: int,
    noise_dir: str,
    rir_dir: str,
    quality: bool,
    **further: object,
) -> Needs:
    """Clean audio, all conditions that the options name, and on request their audio quality."""
    chosen = select(perturbations, ladder=ladder, draws=draws, noise_dir=noise_dir, rir_dir=rir_dir)
    return Needs(
        labels="predicted",
        conditions=(Condition(), *chosen.every),
        sound_quality=QualityNeeded(clips=MEASURED) if quality else None,
    )


def audit(
    tables: Tables,
    *,
    rng: np.random.Generator,
    perturbations: tuple[str, ...] = ("small",),
    ladder: bool = False,
    draws: int = 1,
    tolerance: float = 0.05,
    noise_dir: str = "",
    rir_dir: str = "",
    resamples: int = 2000,
    quality: bool = False,
) -> Outcome:
    """Measure unchanged ratios and related scores for each perturbation and target.

    Args:
        tables: clips, and predictions for clean and perturbed audio
        rng: for bootstrap and permutations
        perturbations: sets (small, ser-tests, all), names, or name@level
        ladder: also test all levels of each perturbation, mild to severe
        draws: how often random perturbations are repeated
        tolerance: ratings that differ by less than this count as unchanged
        noise_dir: folder with recordings of noise, music or coughing
        rir_dir: folder with measured room impulse responses
        resamples: number of permutations and of bootstrap draws
        quality: also measure the sound quality (PESQ) of each change, and show what it does against it
    """
    chosen = select(perturbations, ladder=ladder, draws=draws, noise_dir=noise_dir, rir_dir=rir_dir)
    perturbed = all_predictions(tables, _conditions_by_perturbation(chosen.conditions), tolerance)
    if not perturbed:
        reason = "the model predicts no dimension and no emotion of the corpus"
        none = skipped("unchanged_ratio", tables, reason)
        return Outcome(answer=f"Not measured: {reason}.", findings=[none])
    labelled = [each for each in perturbed if each.clean.labelled]
    findings = unchanged_findings(tables, perturbed, chosen.absent, LIMITS)
    shown = quality_figures(tables, findings) if quality else []
    worst = worst_table(tables, perturbed)
    sexes, sex_findings = sex_gaps(tables, labelled, resamples, rng)
    doses = dose_responses(tables, labelled, chosen, tolerance, resamples, rng)
    return Outcome(
        answer=presentation.answer(findings, perturbed),
        findings=[*findings, *sex_findings, *doses.findings],
        tables=result_tables(tables, perturbed, tolerance, sexes=sexes, doses=doses.table, worst=worst),
        figures=[*presentation.figures(findings, perturbed, LIMITS), *shown, *doses.figures],
        notes=quality_notes(tables) if quality else [],
        sounds=moved(tables, worst),
        left_out=[each for target in labelled for each in ratios_without_speaker(tables, target)],
    )


def plant(tables: Tables, rng: np.random.Generator) -> Tables:
    """A sine tone of 6 kHz raises every dimension by .2 and turns every emotion into another one."""
    planted = {}
    for condition, scores in tables.predictions.items():
        reacting = scores.copy()
        if condition.startswith("additive_tone@"):
            classes, dimensions = list(tables.model_classes), list(tables.model_dimensions)
            reacting[dimensions] += 0.2
            reacting[classes] = np.roll(scores[classes].to_numpy(), 1, axis=1) if classes else []
        planted[condition] = reacting
    return tables.with_predictions(planted)


def _conditions_by_perturbation(conditions: Sequence[Condition]) -> dict[str, tuple[str, ...]]:
    """Name of each perturbation → its conditions, one for each repeated draw."""
    groups: dict[str, tuple[str, ...]] = {}
    for condition in conditions:
        name = str(replace(condition, draw=0))
        groups[name] = (*groups.get(name, ()), str(condition))
    return groups
