"""How often do audits pass a strong and fair model? Prints the table of docs/statistics.md on verdicts.

    OMP_NUM_THREADS=1 python -m tests.bench.verdicts verdicts.jsonl --runs 60

In three worlds, the model has a CCC of .69 to .80 and a UAR of .71, the same for women and men, and
changes little under perturbations; in two more, it breaks some limits by little, so that false passes can be
seen. Counted are headline findings; what is true comes from one corpus of many
speakers. Every run is kept in the log, so that an interrupted simulation goes on.
"""

import argparse
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.auditing.audit import load
from sertools.labels import DIMENSIONS
from sertools.results.keys import FindingKey
from sertools.results.result import Finding, Limit, Verdict
from sertools.results.verdicts.gate import judge_all
from sertools.tables.tables import Tables
from tests.bench.inference import show

CLASSES = ("anger", "happiness", "neutral", "sadness")
QUALITY = {"arousal": (0.78, 0.088), "dominance": (0.72, 0.092), "valence": (0.66, 0.1)}
"""Slope and noise of each dimension: CCC about .80, .75 and .69."""
PERTURBATIONS = ("additive_tone", "clip", "gain", "highpass", "white_noise")
AUDITS: dict[str, dict[str, Any]] = {
    "correctness": {},
    "fairness": {"resamples": 20},
    "calibration": {},
    "speakers": {},
    "robustness": {"perturbations": PERTURBATIONS, "resamples": 20},
}
CORPORA = {"24 × 60": (24, 60), "91 × 82": (91, 82)}
MANY = (1000, 60)
"""Speakers and clips of each, for what is true."""

Rng = np.random.Generator


@dataclass(frozen=True)
class World:
    """How speakers and ratings are distributed.

    Attributes:
        heavy: effects of speakers have Student's t with four degrees of freedom, scaled to the same variance
        uneven: numbers of clips per speaker are log-normal
        steps: ratings are on a scale with so many steps; 0 for a continuous one
        correlation: intra-speaker correlation of hits and of changed predictions
        faulty: whether the model breaks some limits by little, see `FAULTS`
    """

    heavy: bool = False
    uneven: bool = False
    steps: int = 0
    correlation: float = 0.02
    faulty: bool = False


FAULTS = {"valence": 0.375, "uar": 0.48, "changed": 0.06, "bias": 0.085, "noise": 0.155}
"""Of a faulty model: slope of valence (CCC .48), UAR, share of emotions that change, what is added to the
arousal of men (limit .075), and their noise of dominance (CCC .17 lower than that of women, limit .15)."""

WORLDS = {
    "normal": World(),
    "heavy tails, uneven, ordinal": World(heavy=True, uneven=True, steps=9),
    "speakers differ more": World(uneven=True, correlation=0.06),
    "normal, faulty model": World(faulty=True),
    "heavy tails, uneven, ordinal, faulty model": World(heavy=True, uneven=True, steps=9, faulty=True),
}


def effects(world: World, rng: Rng, n: int) -> NDArray[np.float64]:
    """Effects of n speakers, mean 0 and standard deviation 1."""
    return rng.standard_t(4, n) / np.sqrt(2) if world.heavy else rng.standard_normal(n)


def rates(world: World, rng: Rng, mean: float, n: int) -> NDArray[np.float64]:
    """Probabilities of n speakers, from a beta distribution with the world's intra-speaker correlation."""
    total = 1 / world.correlation - 1
    return rng.beta(mean * total, (1 - mean) * total, n)


def spoil(
    dimension: str,
    prediction: NDArray[np.float64],
    truth: NDArray[np.float64],
    unit: NDArray[np.integer],
    rng: Rng,
) -> None:
    """Makes predictions of a dimension faulty in place, as `FAULTS` says; men have odd numbers."""
    men = unit % 2 == 1
    slope, noise = QUALITY[dimension]
    if dimension == "valence":
        prediction += (FAULTS["valence"] - slope) * (truth - 0.5)
    elif dimension == "arousal":
        prediction[men] += FAULTS["bias"]
    else:
        more = np.sqrt(FAULTS["noise"] ** 2 - noise**2)
        prediction[men] += more * rng.standard_normal(int(men.sum()))


def corpus(world: World, rng: Rng, speakers: int, clips: int) -> Tables:
    """Ratings, emotions and predictions, clean and perturbed, of a strong, fair model or of a faulty one."""
    sizes = np.full(speakers, clips)
    if world.uneven:
        sizes = np.maximum((clips * rng.lognormal(-0.125, 0.5, speakers)).astype(int), 10)
    unit = np.repeat(np.arange(speakers), sizes)
    n = len(unit)
    index = pd.Index([f"c{i:06d}" for i in range(n)])
    labels = {"file": index, "speaker": unit.astype(str), "sex": np.where(unit % 2, "male", "female")}
    clean: dict[str, NDArray[np.float64]] = {}
    for dimension, (slope, noise) in QUALITY.items():
        truth = np.clip(0.5 + 0.16 * rng.standard_normal(n), 0, 1)
        offset = 0.03 * effects(world, rng, speakers)[unit]
        tilt = slope + 0.08 * effects(world, rng, speakers)[unit]
        clean[dimension] = 0.5 + tilt * (truth - 0.5) + offset + noise * rng.standard_normal(n)
        if world.faulty:
            spoil(dimension, clean[dimension], truth, unit, rng)
        labels[dimension] = np.round(truth * (world.steps - 1)) / (world.steps - 1) if world.steps else truth
    emotion = rng.integers(0, 4, n)
    right = rng.random(n) < rates(world, rng, FAULTS["uar"] if world.faulty else 0.71, speakers)[unit]
    answer = np.where(right, emotion, (emotion + rng.integers(1, 4, n)) % 4)
    labels["emotion"] = np.array(CLASSES)[emotion]

    def scores(values: dict[str, NDArray[np.float64]], answered: NDArray[np.int64]) -> pd.DataFrame:
        sure = np.full((n, 4), 0.1)
        sure[np.arange(n), answered] = 0.7
        return pd.DataFrame({**values, **dict(zip(CLASSES, sure.T, strict=True))}, index=index)

    predictions = {"clean": scores(clean, answer)}
    for name in PERTURBATIONS:
        moved = {d: p + 0.017 * rng.standard_normal(n) for d, p in clean.items()}
        rate = FAULTS["changed"] if world.faulty else 0.02
        changed = rng.random(n) < rates(world, rng, rate, speakers)[unit]
        predictions[f"{name}@drawn"] = scores(moved, np.where(changed, (answer + 1) % 4, answer))
    clips_table = pd.DataFrame(labels, index=index)
    return Tables(
        clips=clips_table,
        predictions=predictions,
        dimensions=DIMENSIONS,
        classes=CLASSES,
        model_classes=CLASSES,
    )


Findings = dict[tuple[str, FindingKey], Finding]


def findings(tables: Tables) -> Findings:
    """The findings of all audits with a limit; the worst speaker is one, whoever it is."""
    found = {}
    for name, options in AUDITS.items():
        audit = load(name)
        outcome = audit.function(tables, rng=np.random.default_rng(0), **audit.settings(options))
        for each in judge_all(outcome.findings, audit.limits):
            key = FindingKey(each.name, each.target, each.slice.partition("speaker=")[0])
            if each.limit and each.name != "coverage":
                found[name, key] = each
    return found


def keeps(limit: Limit | None, value: float | None) -> bool:
    """Whether a true value keeps a limit."""
    assert limit is not None
    assert value is not None
    return (limit.above is None or value > limit.above) and (limit.below is None or value < limit.below)


Counts = dict[str, int]


def counted(world: str, size: str, run: int, seed: int, truth: Findings) -> Counts:
    """How the headline findings of one corpus were judged: verdict, or verdict and name, → number."""
    found = findings(
        corpus(WORLDS[world], np.random.default_rng([seed, run, *CORPORA[size]]), *CORPORA[size])
    )
    counts: Counter[str] = Counter()
    for key, each in found.items():
        if not each.headline or key not in truth:
            continue
        verdict = each.verdict.value
        counts[verdict] += 1
        true = keeps(each.limit, truth[key].value)
        counts["broken"] += not true and each.verdict is not Verdict.SKIPPED
        if each.verdict is (Verdict.FAIL if true else Verdict.PASS):
            counts[f"false {verdict}"] += 1
            counts[f"false {verdict}: {key[1].name}"] += 1
        if each.verdict in {Verdict.INCONCLUSIVE, Verdict.SKIPPED}:
            counts[f"{verdict}: {key[1].name}"] += 1
    return dict(counts)


def simulate(log: Path, runs: int, seed: int, worlds: list[str], corpora: list[str]) -> None:
    """Adds a line of JSON to the log for each run that it does not hold yet."""
    done = {tuple(line["cell"]) for line in read(log)}
    for world in worlds:
        cells = [(world, size, run, seed) for run in range(runs) for size in corpora]
        if done.issuperset(cells):
            continue
        truth = findings(corpus(WORLDS[world], np.random.default_rng(seed), *MANY))
        for cell in cells:
            if cell not in done:
                line = {"cell": cell, "counts": counted(*cell, truth)}
                with log.open("a", encoding="utf-8") as stream:
                    stream.write(json.dumps(line) + "\n")


def read(log: Path) -> list[dict[str, Any]]:
    """The lines of the log; none if there is no log yet."""
    return [json.loads(line) for line in log.read_text("utf-8").splitlines()] if log.exists() else []


def table(log: Path) -> None:
    """A row for each world and size of the corpus, and what was not passed or falsely judged."""
    columns = [
        "world",
        "speakers × clips",
        "runs",
        "limits",
        "of them broken",
        "pass",
        "inconclusive",
        "fail",
    ]
    show(f"| {' | '.join([*columns, 'skipped a run', 'false passes a run', 'false fails a run'])} |")
    show("|" + "---|" * 11)
    cells: dict[tuple[str, str], list[Counts]] = {}
    for line in read(log):
        cells.setdefault(tuple(line["cell"][:2]), []).append(line["counts"])
    for (world, size), runs in cells.items():
        counts = sum(map(Counter, runs), start=Counter[str]())
        n = len(runs)
        total = sum(counts[verdict] for verdict in ("pass", "inconclusive", "fail"))
        broken = f"{counts['broken'] / n:.1f}"
        shares = [f"{counts[verdict] / total:.3f}" for verdict in ("pass", "inconclusive", "fail")]
        a_run = [f"{counts[name] / n:.3f}" for name in ("skipped", "false pass", "false fail")]
        show(f"| {' | '.join([world, size, str(n), f'{total / n:.0f}', broken, *shares, *a_run])} |")
        show(f"  {dict(Counter({k: v for k, v in counts.items() if ':' in k}).most_common(12))}")


def main() -> None:
    """Runs the simulation, and prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("log", type=Path, help="file of finished runs, one a line; others are added")
    parser.add_argument("--runs", type=int, default=60)
    parser.add_argument("--seed", type=int, default=2027)
    parser.add_argument("--worlds", nargs="*", default=list(WORLDS))
    parser.add_argument("--corpora", nargs="*", default=list(CORPORA))
    chosen = parser.parse_args()
    simulate(chosen.log, chosen.runs, chosen.seed, chosen.worlds, chosen.corpora)
    table(chosen.log)


if __name__ == "__main__":
    main()
