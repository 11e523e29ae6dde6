"""Drivers: the truth follows acoustics, and the model the truth; or the model follows loudness beyond it."""

import time
from collections.abc import Iterator

import numpy as np
import pandas as pd

from sertools.auditing.audit import load
from sertools.results.result import Verdict
from sertools.tables.egemaps import FUNCTIONAL_COLUMNS
from sertools.tables.tables import Tables
from tests.helpers.audits import run

SIZES = ((12, 60), (24, 60), (91, 82))
FEATURES = FUNCTIONAL_COLUMNS
LOUDNESS = FEATURES.index("egemaps:loudness_sma3_amean")
MODELS = ("right", "calibrated", "compressed", "loudness .05", "loudness .1")


def rows(runs: int, seed: int) -> Iterator[list[object]]:
    """Speakers, clips, model, true explained error, its mean, coverage, share of fails and of passes."""
    yield ["speakers", "clips", "model", "true", "mean found", "covered", "fails", "passes", "seconds"]
    for speakers, per_speaker in SIZES:
        for model in MODELS:
            # a run on 91 speakers takes as long as ten on 12
            yield _row(speakers, per_speaker, model, max(runs // (4 if speakers > 50 else 1), 1), seed)


def tables(rng: np.random.Generator, speakers: int, per_speaker: int, model: str) -> tuple[Tables, float]:
    """Clips whose true arousal follows 10 of 88 features, with noisy ratings, and a model; the true value."""
    n = speakers * per_speaker
    speaker = np.repeat(np.arange(speakers), per_speaker)
    own = rng.normal(0, 0.7, (speakers, len(FEATURES)))[speaker]
    x = (own + rng.normal(0, 1, (n, len(FEATURES)))) / np.sqrt(1.49)
    weight = np.zeros(len(FEATURES))
    weight[LOUDNESS : LOUDNESS + 10] = 0.1 / np.sqrt(10)
    heard = x @ weight
    other = rng.normal(0, 0.08, n)  # what people hear and plain acoustics do not tell
    truth = 0.5 + heard + other
    rating = truth + rng.normal(0, 0.08, n)
    loudness = x[:, LOUDNESS]
    if model == "right":
        answer, true = truth + rng.normal(0, 0.03, n), 0.0
    elif model == "calibrated":
        answer, true = 0.5 + heard + rng.normal(0, 0.03, n), 0.0
    elif model == "compressed":
        answer, true = 0.5 + 0.5 * (heard + other), 0.05
    else:
        extra = float(model.partition(" ")[2])
        answer, true = truth + extra * loudness + rng.normal(0, 0.03, n), extra
    clips = pd.DataFrame(
        x, columns=list(FEATURES), index=pd.Index([f"c{i:05d}" for i in range(n)], name="clip")
    )
    clips["speaker"] = [f"s{code:02d}" for code in speaker]
    clips["arousal"] = rating
    scores = pd.DataFrame({"arousal": answer}, index=clips.index)
    return Tables(clips=clips, predictions={"clean": scores}, dimensions=("arousal",)), true


def _row(speakers: int, per_speaker: int, model: str, runs: int, seed: int) -> list[object]:
    audit, values, covered, failed, passed, took = load("drivers"), [], [], [], [], []
    true = 0.0
    for i in range(runs):
        rng = np.random.default_rng([seed, i, speakers, len(model)])
        made, true = tables(rng, speakers, per_speaker, model)
        start = time.perf_counter()
        result = run(audit, made, seed=i)
        took.append(time.perf_counter() - start)
        found = next(f for f in result.findings if f.name == "explained_error" and f.slice == "all")
        assert found.value is not None
        assert found.low is not None
        assert found.high is not None
        values.append(found.value)
        covered.append(found.low <= true <= found.high)
        failed.append(found.verdict is Verdict.FAIL)
        passed.append(found.verdict is Verdict.PASS)
    return [
        speakers,
        speakers * per_speaker,
        model,
        true,
        *(float(np.mean(x)) for x in (values, covered, failed, passed, took)),
    ]
