"""Do the audits detect known defects of toy models, and do they pass models without defects?"""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.audio.files import write_audio
from sertools.auditing.audit import Audit, PlannedAudit, load
from sertools.auditing.discovery import discover
from sertools.auditing.run import obstacle, run
from sertools.corpora.corpus import Corpus
from sertools.inference import build_tables, predict
from sertools.inference.settings import Settings
from sertools.models.kinds.toy import LoudnessModel
from sertools.pipeline.needs import conditions
from sertools.randomness import identity_rng
from sertools.results.result import Limit, Result, Verdict
from sertools.selftest import toy_corpus
from sertools.tables.tables import Tables

QUICK = {
    "resamples": 200,
    "epochs": 12,
    "folds": 3,
    "targets": ("emotion", "arousal"),
    "shuffles": 1,
    "maps": (),
}
"""Options that make audits resample, train and plot less; they change the results by a few percent."""

SPEAKERS, CLIPS = 24, 40
FEW = 16
"""Clips per speaker for models that know nothing: an audit that would pass them does so on few clips, too."""
CHECKPOINTS = 3
"""Number of checkpoints for audits that compare those of one recipe."""

GAIN_DB = 6.0
LOUDER = Limit(
    name="unchanged_ratio",
    slice=f"gain@{GAIN_DB:g}dB",
    above=0.9,
    source="selftest: microphones easily differ by this much in level",
)
CHECKS = ("model", "audit", "expected", "found", "kept")
"""Columns of the table of checks."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """The outcome of one audit on one toy model.

    Attributes:
        model: the toy model
        audit: the audit's name
        expected: what a correct audit reports
        found: what this audit reported
        met: whether the expectation is met
    """

    model: str
    audit: str
    expected: str
    found: str
    met: bool


def checks(seed: int = 0, audits: Sequence[str] = ()) -> Iterator[Check]:
    """Run the audits on toy models: the oracle passes, useless models pass nothing, defects are detected.

    Audits that need data which the toy corpus does not have are skipped.

    Args:
        seed: random seed of the toy corpus and of all draws
        audits: names of the audits to test; all by default

    Raises:
        AuditError: no such audit
    """
    clips = toy_corpus.clips(speakers=SPEAKERS, per_speaker=CLIPS, seed=seed)
    oracle = {name: answers("oracle", clips, name) for name in named(audits)}
    names = [name for name, tables in oracle.items() if not obstacle(planned(name).needs, tables)]
    for name in names:
        yield _check("oracle", name, "passes, fails nothing", audited(name, oracle[name], seed))
    few = toy_corpus.clips(speakers=SPEAKERS, per_speaker=FEW, seed=seed)
    for kind in ("constant", "random"):
        for name in (n for n in names if planned(n).needs.conditions or planned(n).needs.frame_sums):
            result = audited(name, answers(kind, few, name), seed)
            yield _check(kind, name, "passes nothing", result)
    for name in names:
        tables = load(name).plant(oracle[name], identity_rng(seed, "plant", name))
        yield _check("planted defect", name, "fails", audited(name, tables, seed))
    for model, name, biased in (
        ("sex-biased", "fairness", sex_biased),
        ("speaker-biased", "speakers", speaker_biased),
    ):
        if name not in names:
            continue
        tables = biased(oracle[name], identity_rng(seed, model))
        yield _check(model, name, "fails", audited(name, tables, seed))
    if {"correctness", "robustness"} & set(names):
        yield from (check for check in _loudness(seed) if check.audit.partition(" ")[0] in names)


def rows(found: Sequence[Check]) -> list[list[str | int | float | bool | None]]:
    """Checks as table rows with the columns `CHECKS`."""
    return [[c.model, c.audit, c.expected, c.found, "yes" if c.met else "NO"] for c in found]


def sex_biased(tables: Tables, rng: np.random.Generator) -> Tables:
    """Shuffle the predictions of half of the men's clips among each other; women's do not change."""
    male = np.flatnonzero((tables.clips["sex"] == "male").to_numpy())
    return _exchanged(tables, np.sort(rng.permutation(male)[: len(male) // 2]), rng)


def speaker_biased(tables: Tables, rng: np.random.Generator) -> Tables:
    """Shuffle the predictions for a quarter of the speakers among each other; all others do not change."""
    speakers = np.sort(tables.clips["speaker"].unique())
    chosen = rng.choice(speakers, len(speakers) // 4, replace=False)
    return _exchanged(tables, np.flatnonzero(tables.clips["speaker"].isin(chosen).to_numpy()), rng)


def _exchanged(tables: Tables, rows: NDArray[np.intp], rng: np.random.Generator) -> Tables:
    order = np.arange(len(tables.clips))
    order[rows] = rng.permutation(rows)
    return tables.with_predictions(
        {key: scores.iloc[order].set_axis(scores.index) for key, scores in tables.predictions.items()}
    )


def _loudness(seed: int) -> Iterator[Check]:
    """Check a model that uses only the level, on audio whose level follows arousal, and an oracle."""
    with tempfile.TemporaryDirectory() as folder:
        corpus = _loud_corpus(Path(folder), seed)
        settings = Settings(seed=seed, cache=Path(folder) / "store")
        robustness = load("robustness")
        gain = {"perturbations": (f"gain@{GAIN_DB:g}",), **_quick(robustness)}
        wanted = [load("correctness").plan(limits=[LOUDER]), robustness.plan(gain, [LOUDER])]
        under = conditions(wanted, seed)
        predicted = predict.predict(LoudnessModel(), corpus, conditions=under, settings=settings)
        cheat = build_tables.tables(LoudnessModel(), corpus, predicted)
    honest = toy_corpus.answers("oracle", corpus.clips, under)
    for model, tables, expected in (
        ("loudness-cheat", cheat, "fails"),
        ("oracle", honest, "passes, fails nothing"),
    ):
        for each in wanted:
            if model == "oracle" and each.name == "correctness":
                continue  # already checked above
            more = f" (louder by {GAIN_DB:g} dB)" if each.name == "robustness" else ""
            yield _check(model, each.name + more, expected, run(each, tables, seed=seed))


def _loud_corpus(folder: Path, seed: int) -> Corpus:
    """A corpus of 50 ms noise bursts whose level rises from −45 to −10 dB as arousal rises from .1 to .8."""
    clips = toy_corpus.clips(speakers=12, per_speaker=16, seed=seed)
    for clip, file, arousal in zip(clips.index, clips["file"], clips["arousal"], strict=True):
        noise = identity_rng(seed, str(clip), "burst").uniform(-1, 1, 800)
        level_db = 50 * (np.clip(arousal, 0.1, 0.8) - 1)
        burst = noise / np.sqrt(np.mean(noise**2)) * 10 ** (level_db / 20)
        write_audio(folder / file, burst.astype(np.float32), 16000)
    return Corpus(name="bursts", clips=clips, root=folder)


def named(audits: Sequence[str]) -> list[str]:
    """The audits of these names; all if none is named."""
    return [load(name).name for name in audits] or sorted(discover())


def answers(kind: str, clips: pd.DataFrame, name: str) -> Tables:
    """The answers of a toy model for all inputs of an audit."""
    chosen = planned(name)
    needs, checkpoints = chosen.needs, CHECKPOINTS if chosen.audit.models else 1
    return toy_corpus.answers(
        kind, clips, needs.conditions, needs.frame_sums, checkpoints, attacks=needs.attacks
    )


def planned(name: str) -> PlannedAudit:
    """An audit with the options `QUICK`."""
    audit = load(name)
    return audit.plan(_quick(audit))


def _quick(audit: Audit) -> dict[str, Any]:
    return {name: value for name, value in QUICK.items() if name in audit.options()}


def audited(name: str, tables: Tables, seed: int) -> Result:
    """The result of an audit with the options `QUICK`."""
    return run(planned(name), tables, seed=seed)


def _check(model: str, audit: str, expected: str, result: Result) -> Check:
    verdicts = [finding.verdict for finding in result.findings]
    passed, failed = verdicts.count(Verdict.PASS), verdicts.count(Verdict.FAIL)
    met = {
        "passes, fails nothing": passed > 0 and not failed,
        "passes nothing": not passed,
        "fails": failed > 0,
    }[expected]
    others = len(verdicts) - passed - failed
    found = f"{failed} failed, {passed} passed, {others} neither"
    return Check(model=model, audit=audit, expected=expected, found=found, met=met)
