"""Seeds: does the interval of a recipe hold its score, and is the spread between seeds judged rightly?"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from sertools.auditing.audit import load
from sertools.results.result import Verdict
from sertools.tables.columns import CHECKPOINT
from sertools.tables.tables import Tables
from tests.helpers.audits import run

SPEAKERS, CLIPS = 24, 60
CHECKPOINTS = (3, 5, 10)
SPREADS = (0.0, 0.03, 0.15)
"""Standard deviations of the slope between seeds; the CCC moves by about as much."""


def rows(runs: int, seed: int) -> Iterator[list[object]]:
    """Coverage of the mean of the recipe, of the spread, and verdicts."""
    yield [
        "checkpoints",
        "spread of slopes",
        "true spread",
        "spread found",
        "recipe covered",
        "passes",
        "fails",
    ]
    for checkpoints in CHECKPOINTS:
        for spread in SPREADS:
            yield _row(checkpoints, spread, runs, seed)


def drawn(rng: np.random.Generator, checkpoints: int, spread: float, speakers: int = SPEAKERS) -> Tables:
    """Checkpoints whose slopes differ; speakers differ in level and slope alike for all of them."""
    unit = np.repeat(np.arange(speakers), CLIPS)
    truth = rng.normal(0.5, 0.15, len(unit))
    level, own = rng.normal(0, 0.05, speakers)[unit], rng.normal(0, 0.1, speakers)[unit]
    index = pd.Index([f"c{i:05d}" for i in range(len(unit))], name="clip")
    clips = pd.DataFrame({"speaker": unit.astype(str), "arousal": truth}, index=index)
    made = []
    for i in range(checkpoints):
        slope = 0.6 + rng.normal(0, spread) + own
        predicted = 0.5 + level + slope * (truth - 0.5) + rng.normal(0, 0.08, len(unit))
        frame = pd.DataFrame({"arousal": predicted}, index=index)
        made.append(Tables(clips=clips, predictions={"clean": frame}, dimensions=("arousal",), model=str(i)))
    others = {f"{CHECKPOINT}{i + 2}": each for i, each in enumerate(made[1:])}
    return replace(made[0], others=others)


def _row(checkpoints: int, spread: float, runs: int, seed: int) -> list[object]:
    audit = load("seeds")
    many = drawn(np.random.default_rng(1), 60, spread, speakers=400)
    (recipe,) = [f for f in run(audit, many, seed=0).findings if (f.name, f.slice) == ("recipe", "ccc")]
    (apart,) = [f for f in run(audit, many, seed=0).findings if f.name == "spread_over_seeds"]
    found = []
    for i in range(runs):
        result = run(audit, drawn(np.random.default_rng([seed, i, checkpoints]), checkpoints, spread), seed=0)
        (mean,) = [f for f in result.findings if (f.name, f.slice) == ("recipe", "ccc")]
        (between,) = [f for f in result.findings if f.name == "spread_over_seeds"]
        assert mean.low is not None
        assert mean.high is not None
        assert recipe.value is not None
        found.append(
            [
                between.value,
                mean.low <= recipe.value <= mean.high,
                between.verdict is Verdict.PASS,
                between.verdict is Verdict.FAIL,
            ]
        )
    return [checkpoints, spread, apart.value, *np.array(found, dtype=np.float64).mean(axis=0).tolist()]
