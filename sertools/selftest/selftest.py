"""Do the audits detect known defects of toy models, and do they pass models without defects?"""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
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
from sertools.tables.layers import Layers
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

GAIN_DB = 6.0
LOUDER = Limit(
    name="unchanged_ratio",
    slice=f"gain@{GAIN_DB:g}dB",
    above=0.9,
    source="selftest: microphones easily differ by this much in level",
)
NOISE = 0.1
"""Standard deviation of the errors of the model in which defects are planted when power is measured."""

STRENGTHS = (0.1, 0.3, 1.0)
"""Shares of clips with the planted defect when power is measured."""


CHECKS = ("model", "audit", "expected", "found", "kept")
POWER = ("audit", "clips with the defect", "defects found", "reason")
"""Columns of the tables of checks and of power."""


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
    names = [name for name in _named(audits) if not _obstacle(name, clips)]
    for name in names:
        yield _check(
            "oracle", name, "passes, fails nothing", _audited(name, _answers("oracle", clips, name), seed)
        )
    few = toy_corpus.clips(speakers=SPEAKERS, per_speaker=FEW, seed=seed)
    for kind in ("constant", "random"):
        for name in (n for n in names if _planned(n).needs.conditions or _planned(n).needs.frame_sums):
            result = _audited(name, _answers(kind, few, name), seed)
            yield _check(kind, name, "passes nothing", result)
    for name in names:
        tables = load(name).plant(_answers("oracle", clips, name), identity_rng(seed, "plant", name))
        yield _check("planted defect", name, "fails", _audited(name, tables, seed))
    for model, name, biased in (
        ("sex-biased", "fairness", sex_biased),
        ("speaker-biased", "speakers", speaker_biased),
    ):
        if name not in names:
            continue
        tables = biased(_answers("oracle", clips, name), identity_rng(seed, model))
        yield _check(model, name, "fails", _audited(name, tables, seed))
    if {"correctness", "robustness"} & set(names):
        yield from (check for check in _loudness(seed) if check.audit.partition(" ")[0] in names)


def rows(found: Sequence[Check]) -> list[list[str | int | float | bool | None]]:
    """Checks as table rows with the columns `CHECKS`."""
    return [[c.model, c.audit, c.expected, c.found, "yes" if c.met else "NO"] for c in found]


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
    for name in _named(audits):
        if not _planned(name).needs.conditions:
            continue
        tables = _erring(_answers("oracle", clips, name), identity_rng(seed, "errors"))
        reason = obstacle(_planned(name).needs, tables)
        if reason or ("sex" not in clips and name == "fairness"):
            rows.append([name, None, None, reason or "the corpus has no column 'sex'"])
            continue
        if not _differs(tables, load(name).plant(tables, identity_rng(seed, "power", name))):
            rows.append([name, None, None, "the defect affects labels that the corpus does not have"])
            continue
        before = _failures(_audited(name, tables, seed))
        for strength in strengths:
            hits = []
            for i in range(plants):
                rng = identity_rng(seed, "power", name, str(i))
                planted = _diluted(tables, load(name).plant(tables, rng), strength, rng)
                hits.append(bool(_failures(_audited(name, planted, seed)) - before))
            rows.append([name, strength, float(np.mean(hits)), ""])
    return rows


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
        for planned in wanted:
            if model == "oracle" and planned.name == "correctness":
                continue  # already checked above
            more = f" (louder by {GAIN_DB:g} dB)" if planned.name == "robustness" else ""
            yield _check(model, planned.name + more, expected, run(planned, tables, seed=seed))


def _loud_corpus(folder: Path, seed: int) -> Corpus:
    """A corpus of 50 ms noise bursts whose level rises from −45 to −10 dB as arousal rises from .1 to .8."""
    clips = toy_corpus.clips(speakers=12, per_speaker=16, seed=seed)
    for clip, file, arousal in zip(clips.index, clips["file"], clips["arousal"], strict=True):
        noise = identity_rng(seed, str(clip), "burst").uniform(-1, 1, 800)
        level_db = 50 * (np.clip(arousal, 0.1, 0.8) - 1)
        burst = noise / np.sqrt(np.mean(noise**2)) * 10 ** (level_db / 20)
        write_audio(folder / file, burst.astype(np.float32), 16000)
    return Corpus(name="bursts", clips=clips, root=folder)


def _named(audits: Sequence[str]) -> list[str]:
    return [load(name).name for name in audits] or sorted(discover())


def _answers(kind: str, clips: pd.DataFrame, name: str) -> Tables:
    needs = _planned(name).needs
    return toy_corpus.answers(kind, clips, needs.conditions, needs.frame_sums)


def _planned(name: str) -> PlannedAudit:
    audit = load(name)
    return audit.plan(_quick(audit))


def _quick(audit: Audit) -> dict[str, Any]:
    return {name: value for name, value in QUICK.items() if name in audit.options()}


def _obstacle(name: str, clips: pd.DataFrame) -> str:
    return obstacle(_planned(name).needs, _answers("oracle", clips, name))


def _audited(name: str, tables: Tables, seed: int) -> Result:
    return run(_planned(name), tables, seed=seed)


def _failures(result: Result) -> set[tuple[str, str, str]]:
    return {(f.name, f.target, f.slice) for f in result.findings if f.verdict is Verdict.FAIL}


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
