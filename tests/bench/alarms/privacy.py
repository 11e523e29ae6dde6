"""Privacy: no trace of speakers in the answers, or traces of several sizes; no memory, or some."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from sertools.auditing.audit import load
from sertools.results.result import Verdict
from tests.bench.alarms.simulated import corpus, rating_tables
from tests.helpers.audits import run

SIZES = ((12, 60), (24, 60), (91, 82))
DEFECTS = ((0.0, 0.0), (0.05, 0.0), (0.15, 0.0), (0.0, 0.3), (0.0, 0.5))
"""Size of the trace of speaker and sex in the answers, and by how much smaller errors in the training are."""

NAMES = ("arousal", "dominance", "valence")
OPTIONS = {"trait": ("sex", "speaker"), "read_layers": False, "members": "split=train"}


def rows(runs: int, seed: int) -> Iterator[list[object]]:
    """Share of runs in which each limit fails, by size of the trace and of the memory."""
    yield [
        "speakers",
        "trace",
        "sex fails",
        "speaker fails",
        "verification fails",
        "memory",
        "AUC fails",
        "mean AUC",
    ]
    for speakers, per_speaker in SIZES:
        for trace, memory in DEFECTS:
            yield _row(speakers, per_speaker, trace, memory, runs, seed)


def _row(speakers: int, per_speaker: int, trace: float, memory: float, runs: int, seed: int) -> list[object]:
    audit, found = load("privacy"), []
    for i in range(runs):
        rng = np.random.default_rng([seed, i, speakers, int(100 * trace), int(10 * memory)])
        clips = corpus(rng, speakers, per_speaker)
        member = rng.random(len(clips)) < 0.5
        clips["split"] = np.where(member, "train", "test")
        tables = rating_tables(rng, clips)
        code, woman = pd.factorize(clips["speaker"])[0], (clips["sex"] == "female").to_numpy()
        answers = pd.DataFrame(index=clips.index)
        for name in NAMES:
            noise = rng.normal(0, 0.1, len(clips)) * np.where(member, 1 - memory, 1.0)
            own = rng.normal(0, trace / 2, speakers)[code] + trace * rng.choice([-1, 1]) * woman
            answers[name] = clips[name].to_numpy() + noise + own
        tables = replace(tables, predictions={"clean": answers}, dimensions=NAMES)
        result = run(audit, tables, seed=i, options=OPTIONS)
        verdicts = {(f.name, f.target): f for f in result.findings}
        auc = verdicts["membership_auc", "arousal"]
        found.append(
            [
                *(
                    verdicts["beyond_labels", target].verdict is Verdict.FAIL
                    for target in ("sex", "speaker", "speaker verification")
                ),
                auc.verdict is Verdict.FAIL,
                auc.value,
            ]
        )
    shares = np.array(found, dtype=np.float64).mean(axis=0).tolist()
    return [speakers, trace, *shares[:3], memory, *shares[3:]]
