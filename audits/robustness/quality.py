"""Figures of the effect of perturbations on the predictions against their effect on the audio quality."""

from collections.abc import Sequence

from sertools.auditing.figures import quality_figure
from sertools.results.result import Figure, Finding
from sertools.tables.changed.quality import PESQ
from sertools.tables.tables import Tables


def quality_notes(tables: Tables) -> list[str]:
    """Measures of audio quality that could not be computed, and why."""
    return [] if tables.sound_quality is None else list(tables.sound_quality.notes)


def quality_figures(tables: Tables, findings: Sequence[Finding]) -> list[Figure]:
    """Unchanged predictions, and the change of the score, against PESQ; none where PESQ was not measured.

    Args:
        tables: with the sound quality of the conditions
        findings: findings of the audit
    """
    quality = tables.sound_quality
    known = (
        {} if quality is None else {name: frame[PESQ].mean() for name, frame in quality.conditions.items()}
    )
    pesq = {name: float(mean) for name, mean in known.items() if mean == mean}
    drawn: list[Figure] = []
    for name, label in (("unchanged_ratio", "unchanged predictions"), ("change_of_", "change of the score")):
        for target in dict.fromkeys(f.target for f in findings):
            own = {f.slice: f for f in findings if f.target == target and f.name.startswith(name)}
            made = quality_figure(pesq, own, target, label)
            drawn += [each.model_copy(update={"name": f"{name.rstrip('_')}_{each.name}"}) for each in made]
    return drawn
