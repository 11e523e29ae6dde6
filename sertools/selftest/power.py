"""How often does each audit detect the defect that it exists to detect, in a corpus of a given size?"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.auditing.audit import load
from sertools.auditing.run import obstacle
from sertools.randomness import identity_rng
from sertools.results.result import Result, Verdict
from sertools.selftest.selftest import answers, audited, named, planned
from sertools.tables.layers import Layers
from sertools.tables.tables import Tables

POWER = ("audit", "clips with the defect", "defects found", "reason")
"""Columns of the table of power."""

NOISE = 0.1
"""Standard deviation of the errors of the model in which defects are planted when power is measured."""

STRENGTHS = (0.1, 0.3, 1.0)
"""Shares of clips with the planted defect when power is measured."""


def power(
    clips: pd.DataFrame,
    audits: Sequence[str] = (),
    *,
    plants: int = 5,
    strengths: Sequence[float] = STRENGTHS,
    seed: int = 0,
) -> list[list[str | float | None]]:
    """How often does each audit detect its planted defect in a corpus of this size (statistical power)?

    A model with Gaussian errors of standard deviation .1 (dimensions) or wrong classes in a tenth of the
    clips (emotions) gets the defect that each audit exists to detect, in a random share of the clips. The
    defect counts as detected if a limit fails that does not fail without it.

    Args:
        clips: clips of a corpus, with labels, speakers and groups
        audits: names of the audits to test; all that read predictions by default
        plants: number of random plants per strength
        strengths: shares of the clips with the defect
        seed: random seed of plants and errors

    Returns:
        table rows with the columns `POWER`: audit, share of clips with the defect, share of plants detected,
        and, if the audit cannot run (both shares are None), the reason

    Raises:
        AuditError: no such audit
    """
    rows: list[list[str | float | None]] = []
    for name in named(audits):
        if not planned(name).needs.conditions:
            continue
        tables = _erring(answers("oracle", clips, name), identity_rng(seed, "errors"))
        reason = obstacle(planned(name).needs, tables)
        if reason or ("sex" not in clips and name == "fairness"):
            rows.append([name, None, None, reason or "the corpus has no column 'sex'"])
            continue
        if not _differs(tables, load(name).plant(tables, identity_rng(seed, "power", name))):
            rows.append([name, None, None, "the defect affects labels that the corpus does not have"])
            continue
        before = _failures(audited(name, tables, seed))
        for strength in strengths:
            hits = []
            for i in range(plants):
                rng = identity_rng(seed, "power", name, str(i))
                planted = _diluted(tables, load(name).plant(tables, rng), strength, rng)
                hits.append(bool(_failures(audited(name, planted, seed)) - before))
            rows.append([name, strength, float(np.mean(hits)), ""])
    return rows


def _failures(result: Result) -> set[tuple[str, str, str]]:
    return {(f.name, f.target, f.slice) for f in result.findings if f.verdict is Verdict.FAIL}


def _erring(tables: Tables, rng: np.random.Generator) -> Tables:
    """The same predictions with errors: Gaussian for dimensions, another class in a tenth of the clips."""
    scores = {}
    noise = rng.normal(0, NOISE, (len(tables.clips), len(tables.dimensions)))
    wrong, order = rng.random(len(tables.clips)) < 0.1, rng.permutation(len(tables.clips))
    for key, frame in tables.predictions.items():
        changed = frame.copy()
        changed[list(tables.dimensions)] += noise
        classes = list(tables.model_classes)
        changed.loc[wrong, classes] = frame[classes].to_numpy()[order][wrong]
        scores[key] = changed
    return tables.with_predictions(scores)


def _differs(tables: Tables, planted: Tables) -> bool:
    """Whether the planted defect changed any of an audit's input."""
    same = all(scores.equals(planted.predictions[key]) for key, scores in tables.predictions.items())
    untouched = all(
        getattr(planted, part) is getattr(tables, part) for part in ("clips", "layers", "frame_sums")
    )
    return not (same and untouched)


def _diluted(tables: Tables, planted: Tables, strength: float, rng: np.random.Generator) -> Tables:
    """Planted predictions, rows and layers for this share of the clips, unchanged ones for the rest."""
    carries = rng.random(len(tables.clips)) < strength
    scores = {}
    for key, frame in tables.predictions.items():
        changed = frame.copy()
        changed.loc[carries] = planted.predictions[key].loc[carries, frame.columns]
        scores[key] = changed
    clips = planted.clips
    if clips is not tables.clips:
        clips = clips.copy()
        clips.loc[~carries, tables.clips.columns] = tables.clips.loc[~carries]
    return replace(planted, predictions=scores, clips=clips, layers=_mixed(tables, planted, carries))


def _mixed(tables: Tables, planted: Tables, carries: NDArray[np.bool_]) -> Layers | None:
    """Planted layers for the clips with the defect, unchanged ones for the rest, if their shapes match."""
    one, other = tables.layers, planted.layers
    if one is None or other is None or one is other:
        return other
    if (one.n_layers, one.dimensions) != (other.n_layers, other.dimensions):
        return other
    means = [np.where(carries[:, None], other.layer(i), one.layer(i)) for i in range(one.n_layers)]
    return Layers(shards=(np.stack(means, axis=1),))
