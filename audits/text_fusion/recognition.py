"""How well the speech recogniser understood the clips."""

import numpy as np

from sertools.auditing.findings import finding
from sertools.metrics.word_error_rate import WORD_ERROR_RATE, word_errors
from sertools.results.result import Finding
from sertools.statistics.jackknife import estimate
from sertools.tables.tables import Tables

from .material import FusionMaterial


def recognition_findings(tables: Tables, material: FusionMaterial, asr: str) -> list[Finding]:
    """Word error rate of the recogniser, if the corpus has transcripts."""
    if not asr or "transcript" not in tables.clips:
        return []
    reference = tables.clips.loc[material.clips, "transcript"]
    known = reference.notna().to_numpy()
    recognised = [text for text, has in zip(material.texts, known, strict=True) if has]
    wrong, words = word_errors(reference[known].astype(str).tolist(), recognised)
    unit = np.unique(material.unit[known], return_inverse=True)[1]
    rate = estimate(WORD_ERROR_RATE, words, wrong, unit, int(unit.max(initial=-1)) + 1)
    return [finding("word_error_rate", rate, target="transcript", by_speaker=material.by_speaker)]
