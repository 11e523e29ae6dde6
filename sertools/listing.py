"""What there is, as columns and rows for people and scripts."""

from pathlib import Path
from typing import Any

import numpy as np

from sertools.errors import AudioError, CorpusError

LISTS = ("audits", "models", "corpora", "perturbations", "suites")
Rows = tuple[list[str], list[list[Any]]]


def rows(what: str) -> Rows:
    """Columns and rows of one list of `LISTS`."""
    made: Rows = {
        "audits": _audits,
        "models": _models,
        "corpora": _corpora,
        "perturbations": _perturbations,
        "suites": _suites,
    }[what]()
    return made


def _audits() -> Rows:
    from sertools import audit
    from sertools.discovery import discover

    loaded = [audit.load(name) for name in discover()]
    return ["audit", "question", "needs", "options"], [
        [a.name.replace("_", "-"), a.question, a.needs(**a.settings({})).summary, ", ".join(a.options())]
        for a in loaded
    ]


def _models() -> Rows:
    from sertools.model import schemes

    return ["model", "what it is"], [
        ["default", "The embedded demonstration model."],
        ["DIRECTORY", "A checkpoint in the hub's layout."],
        *([f"{scheme}:…", what] for scheme, what in sorted(schemes().items())),
    ]


def _corpora() -> Rows:
    from sertools import corpora

    modules = corpora.modules()
    return ["corpus", "split", "what it is", "licence"], [
        [name, split or "all", modules[stem].TITLE, modules[stem].LICENCE]
        for name, (stem, split) in sorted(corpora.names().items())
    ]


def _perturbations() -> Rows:
    from sertools.perturb import perturbations

    return ["perturbation", "family", "unit", "levels", "ladder", "what the level is", "source"], [
        [
            p.name,
            p.family,
            p.unit,
            ", ".join(f"{level:g}" for level in p.levels),
            ", ".join(f"{level:g}" for level in p.ladder),
            p.meaning,
            p.source,
        ]
        for p in perturbations().values()
    ]


def _suites() -> Rows:
    from sertools.suite import read_suite, suites

    read = {name: read_suite(name) for name in suites()}
    return ["suite", "audits", "what it is"], [
        [name, ", ".join(each.name for each in suite.audit), suite.description]
        for name, suite in read.items()
    ]


def plan(model: Any, corpus: Any, settings: Any) -> Rows:
    """The jobs of an audit on clean sound: clips stored and to compute, minutes and MB expected.

    Minutes come from timing the model on the first clips that can be heard; MB from a row of scores.
    """
    import time

    from sertools import run
    from sertools.audio import duration_s
    from sertools.condition import Condition
    from sertools.engine import hear
    from sertools.model import ClipModel

    columns = ["condition", "clips", "stored", "to compute", "minutes", "MB"]
    if isinstance(model, ClipModel):
        return columns, [["clean", len(corpus.clips), len(corpus.clips), 0, 0.0, 0.0]]
    made = []
    for job in run.jobs(model, corpus, [Condition()], settings=settings):
        todo = [clip for _, part in job.shards for clip in part]
        seconds: dict[str, float] = {}
        for clip in todo:
            row = corpus.clips.loc[clip]
            try:
                whole = duration_s(corpus.path(clip))
            except AudioError:
                continue
            start = 0.0 if np.isnan(row["start"]) else float(row["start"])
            seconds[clip] = (whole if np.isnan(row["end"]) else float(row["end"])) - start
        trial = [
            (clip, heard.signal)
            for clip in list(seconds)[:4]
            if (heard := hear(corpus, clip, model, job.condition)).signal is not None
        ]
        minutes = 0.0
        if trial:
            model.predict([trial[0][1]])  # the first pass pays for set-up
            began = time.perf_counter()
            for _, signal in trial:
                model.predict([signal])
            pace = (time.perf_counter() - began) / sum(seconds[clip] for clip, _ in trial)
            minutes = pace * sum(seconds.values()) / 60
        megabytes = len(todo) * (4 * len(model.labels) + 40) / 1e6
        made.append([str(job.condition), len(corpus.clips), job.stored, job.clips, minutes, megabytes])
    return columns, made


def perturb_file(name: str, level: float, source: Path, target: Path, seed: int) -> str:
    """Writes a perturbed sound file at its own rate; returns a sentence that says what was done.

    Raises:
        AuditError: no such perturbation, or a level that makes no sense
        CorpusError: the file cannot be read, perturbed or written
    """
    from sertools import perturb
    from sertools.audio import read_audio, sampling_rate, write_audio
    from sertools.seeds import identity_rng

    perturbation = perturb.get(name)
    try:
        rate = sampling_rate(source)
        signal = read_audio(source, rate)
        changed = perturbation.apply(signal, rate, level, identity_rng(seed, source.name, name))
    except AudioError as error:
        raise CorpusError(f"{source}: {error.message}", hint=error.hint) from error
    write_audio(target, changed, rate)
    change = ""
    if len(changed) == len(signal) and np.any(difference := changed.astype(np.float64) - signal):
        ratio = np.sum(np.square(signal, dtype=np.float64)) / np.sum(np.square(difference))
        if ratio > 0:
            change = f"; the difference lies {10 * np.log10(ratio):.1f} dB below the sound"
    return f"{name} at {level:g} {perturbation.unit}: {len(changed) / rate:.2f} s in {target}{change}"
