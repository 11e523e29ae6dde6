"""Does the model react to inaudible changes of the audio?

The changes are those of the audit `robustness`; here each is measured for people as well. On a sample of
clips that is spread over speakers (`--clips`), each changed clip is compared with the clean one:

- PESQ (ITU-T P.862.2, wideband): predicted mean opinion score of listeners, 4.64 for equal clips;
- change of the active speech level (ITU-T P.56), because PESQ does not hear a change of level;
- STOI (Taal et al. 2011), predicted intelligibility, at most 1;
- segmental signal-to-noise ratio (Hansen & Pellom 1998), after alignment in time, from −10 to 35 dB;
- with `--visqol`, ViSQOL 3 for speech (Chinen et al. 2020), another predicted opinion score, from 1 to 5.
  Equal clips get between 3.5 and 4.7, so what is audible is decided by PESQ.

A change of a clip counts as *not heard* if its PESQ is at least 4.5, so that the nearest category of
opinion is "excellent" (ITU-T P.800), and the level moves by less than 1 dB, about the just noticeable
difference of loudness (Jesteadt, Wier & Green 1977). These measures predict listeners and do not replace
them: PESQ was made for telephones and codecs, and it is strict with noise in clean pauses.

Every clip under every change is then one of four: people and model notice the change, only people do,
only the model does, or neither. A prediction of a dimension is unchanged if it moves by less than .05, one of
emotion if the class stays the same. A clip that the model did not answer under the change counts as
changed.

Limit: where the change is inaudible, more than 95 % of the predictions stay unchanged, which audEERING's
ser-tests ask for their small changes. It is passed only where the model is shown to beat a constant (permuted
among each speaker's clips, p ≤ .001) and its predictions vary: where already that share of pairs of different
clips would count as unchanged, a pass becomes inconclusive. Intervals are 95 %, over speakers: Wilson's
with the effective number of clips for shares, leave-one-speaker-out jackknife with Student's t for means.

PESQ and STOI need packages (extra `quality`), and so does ViSQOL (extra `visqol`). Without PESQ it is not
known what is audible, and nothing is judged.
"""

import numpy as np

from sertools.auditing.contract import Needs, Outcome
from sertools.auditing.examples import moved
from sertools.auditing.findings import skipped
from sertools.errors import AuditError
from sertools.perturbations.selection import select
from sertools.results.keys import Asks
from sertools.results.result import Finding, Limit
from sertools.tables.changed.quality import QualityNeeded
from sertools.tables.condition import CLEAN, Condition
from sertools.tables.tables import Tables

from . import presentation
from .noticed import measures_of_asked, noticed, sound_findings

ASKS = Asks(question="Does it react to inaudible changes?", claim="unaffected by inaudible changes", rank=22)

ON_REQUEST = True

EXPLANATIONS = {
    "unchanged_if_unheard": (
        "Share of the predictions that stay unchanged where the change of the audio is inaudible by "
        "objective measures: PESQ of at least 4.5, and a level that changes by less than 1 dB; 1 is all."
    ),
    "only_the_model": "Share of the changed clips whose change only the model notices; 0 is best.",
    "only_people": "Share of the changed clips whose change is audible and does not affect the model.",
    "unheard": "Share of the clips in which the change is inaudible, by PESQ and active level; from 0 to 1.",
    "pesq": "Mean PESQ (ITU-T P.862.2, wideband) of the changed clips, 1.04 to 4.64; 4.64 for equal clips.",
    "stoi": "Mean short-time objective intelligibility (Taal et al. 2011) of the changed clips, at most 1.",
    "visqol": (
        "Mean ViSQOL (version 3, for speech) of the changed clips, 1 to 5; equal clips do not get 5, but "
        "between 3.5 and 4.7."
    ),
    "segmental_snr_db": (
        "Mean segmental signal-to-noise ratio (Hansen & Pellom 1998) in dB, from −10 to 35, after alignment."
    ),
    "level_change_db": "Mean change of the active speech level (ITU-T P.56) in dB; 0 is no change.",
}

SER_TESTS = "audEERING ser-tests, for small changes"
LIMITS = [Limit(name="unchanged_if_unheard", above=0.95, source=SER_TESTS)]


def needs(
    *,
    perturbations: tuple[str, ...],
    noise_dir: str,
    rir_dir: str,
    clips: int,
    visqol: bool,
    tolerance: float,
) -> Needs:
    """Predictions for clean and changed audio, and the sound quality of some clips.

    Raises:
        AuditError: a negative number of clips
    """
    if clips < 0:
        raise AuditError(f"clips is {clips}", hint="give a number of clips, or 0 for all")
    chosen = select(perturbations, noise_dir=noise_dir, rir_dir=rir_dir)
    return Needs(
        conditions=(Condition(), *chosen.every), sound_quality=QualityNeeded(clips=clips, visqol=visqol)
    )


def audit(
    tables: Tables,
    *,
    rng: np.random.Generator,
    perturbations: tuple[str, ...] = ("small",),
    noise_dir: str = "",
    rir_dir: str = "",
    clips: int = 100,
    visqol: bool = False,
    tolerance: float = 0.05,
) -> Outcome:
    """Compare, for each change, whether people would hear it and whether the model reacts to it.

    Args:
        tables: clips, predictions for clean and changed audio, and the sound quality
        rng: not used; this audit draws no random numbers
        perturbations: sets (small, ser-tests, all), names, or name@level
        noise_dir: folder with recordings of noise, music or coughing
        rir_dir: folder with measured room impulse responses
        clips: most clips whose sound quality is measured, spread over speakers; 0 for all
        visqol: also measure ViSQOL, beside the other measures
        tolerance: ratings that differ by less than this count as unchanged
    """
    quality = tables.sound_quality
    if quality is None or not quality.conditions:
        reason = "the audio of no clip could be compared with its changes"
        return Outcome(
            answer=f"Not measured: {reason}.", findings=[skipped("unchanged_if_unheard", tables, reason)]
        )
    names = [name for name in tables.predictions if name != CLEAN and name in quality.conditions]
    sound = {name: measures_of_asked(tables, name, quality.conditions[name]) for name in names}
    found = noticed(tables, sound, tolerance)
    findings: list[Finding] = [each for target in found for each in target.findings()]
    of_sound = sound_findings(tables, sound)
    worst = presentation.only_the_model(tables, found)
    return Outcome(
        answer=presentation.answer(findings, found),
        findings=[*findings, *of_sound],
        tables=[presentation.changes_table(findings, of_sound), presentation.four_table(found), worst],
        figures=presentation.figures(findings, of_sound, names),
        notes=list(quality.notes),
        sounds=moved(tables, worst),
    )


def plant(tables: Tables, rng: np.random.Generator) -> Tables:
    """Let every change of the audio alter every prediction, as if each were another clip."""
    planted = {}
    for name, scores in tables.predictions.items():
        shifted = scores.copy()
        if name != CLEAN:
            classes, dimensions = list(tables.model_classes), list(tables.model_dimensions)
            shifted[dimensions] += 0.2
            shifted[classes] = np.roll(scores[classes].to_numpy(), 1, axis=1) if classes else []
        planted[name] = shifted
    return tables.with_predictions(planted)
