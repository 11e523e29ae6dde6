"""Slices: no slice is worse; or the model is worse in a tenth of the clips, or where two conditions meet."""

import time
from collections.abc import Iterator

import numpy as np

from sertools.auditing.audit import load
from sertools.results.result import Verdict
from tests.bench.alarms.simulated import corpus, emotion_tables, rating_tables
from tests.helpers.audits import run

SIZES = ((12, 60), (24, 60), (91, 82))


def rows(runs: int, seed: int) -> Iterator[list[object]]:
    """Speakers, clips, target, defect, share of runs that fail, that stand out, and that find the slice."""
    yield ["speakers", "clips", "target", "defect", "limit fails", "a slice stands out", "named", "seconds"]
    for speakers, per_speaker in SIZES:
        for target in ("emotion", "arousal"):
            for defect in ("none", "small", "large", "pair"):
                yield _row(speakers, per_speaker, target, defect, runs, seed)


def _row(speakers: int, per_speaker: int, target: str, defect: str, runs: int, seed: int) -> list[object]:
    audit, failed, out, named, took = load("slices"), [], [], [], []
    for i in range(runs):
        rng = np.random.default_rng([seed, i, speakers, len(defect), len(target)])
        clips = corpus(rng, speakers, per_speaker, columns=15)
        low = (clips["snr_db"] < clips["snr_db"].quantile(0.1 if defect != "pair" else 0.35)).to_numpy()
        worse = low & (clips["sex"] == "male").to_numpy() if defect == "pair" else low
        size = {"none": 0.0, "small": 0.15, "large": 0.3, "pair": 0.3}[defect]
        if target == "emotion":
            tables = emotion_tables(rng, clips, worse=worse, drop=size)
        else:
            tables = rating_tables(rng, clips, worse=worse, more=size / 2)
        start = time.perf_counter()
        result = run(audit, tables, seed=i)
        took.append(time.perf_counter() - start)
        failed.append(any(f.verdict is Verdict.FAIL for f in result.findings if f.name == "worst_slice"))
        watched = [f for f in result.findings if f.watch]
        out.append(bool(watched))
        named.append(any("snr_db" in f.slice for f in watched))
    shares = [float(np.mean(each)) for each in (failed, out, named, took)]
    return [speakers, speakers * per_speaker, target, defect, *shares]
