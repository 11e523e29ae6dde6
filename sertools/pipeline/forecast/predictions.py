"""Estimates the cost of one condition: a model is timed on a few clips, and one shard is written."""

import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.audio.files import duration_s
from sertools.corpora.corpus import Corpus
from sertools.errors import AudioError
from sertools.inference import engine
from sertools.inference.decode import DecodedClip, decode
from sertools.inference.jobs import Job
from sertools.inference.settings import Settings
from sertools.models.model import Model
from sertools.speech import resynthesis
from sertools.store import store
from sertools.tables.condition import Condition

TRIAL = 8
"""Number of clips that are timed, spread over the corpus."""

MODEL_TRIED_S, DECODING_TRIED_S = 1.0, 0.3
"""Seconds for which trial clips are predicted, and decoded under a condition, where the estimate is long."""

LONG_ESTIMATE_S, REPEATED = 5.0, 3
"""Estimates above so many seconds come from so many timings, at least."""

LONG_S = 60.0
"""Clips longer than this are not timed if there are others, because attention may take minutes for one; if
there are none, the shortest is timed up to here."""

SOUND, WORDS = "sound", "words"
"""Roles of costs that do not come from a model: columns computed from the audio, and text vectors."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """The estimated cost of one condition, one pass over frames, or one computation on audio or text.

    Attributes:
        of: role of the model, or `sound` (columns from the audio) or `words` (text vectors)
        condition: name of the condition
        clips: number of clips in the corpus; for text vectors, of different texts
        stored: number of clips that the store has
        todo: number of clips to compute
        minutes: computing time
        megabytes: disk space
        kind: what is computed
        brought: whether a pass over frames yields it as a by-product, so that it takes no time of its own
    """

    of: str
    condition: str
    clips: int
    stored: int
    todo: int
    minutes: float = 0.0
    megabytes: float = 0.0
    kind: Literal["condition", "frames", "sound", "words"] = "condition"
    brought: bool = False


def of_jobs(model: Model, corpus: Corpus, jobs: Sequence[Job], settings: Settings, of: str) -> list[Cost]:
    """The costs of a model's jobs, scaled by audio duration from a few timed clips and one shard.

    Args:
        model: the model, in the number format in which it runs
        corpus: the corpus of the jobs
        jobs: from `predict.jobs`
        settings: how to compute
        of: the model's role
    """
    clips = pd.Index(dict.fromkeys(clip for job in jobs for _, part in job.shards for clip in part))
    seconds = seconds_of(corpus, clips)
    trial = trial_of(corpus, seconds, model)
    whole = sum(seconds[clip] for clip in trial)
    decoded = sum(min(seconds[clip], LONG_S) for clip in trial)
    pace: dict[bool, tuple[float, int]] = {}
    costs = []
    for job in jobs:
        cost = Cost(
            of=of, condition=str(job.condition), clips=len(corpus.clips), stored=job.stored, todo=job.clips
        )
        if job.shards and decoded:
            set_up_s = 0.0
            if job.layers not in pace:
                lasting_s = sum(seconds.get(clip, 0.0) for _, part in job.shards for clip in part)
                set_up_s, *found = _predicting(model, trial, job, settings, lasting_s / decoded)
                pace[job.layers] = found[0], int(found[1])
            busy_s, shard_bytes = pace[job.layers]
            todo = [clip for _, part in job.shards for clip in part]
            times = sum(seconds.get(clip, 0.0) for clip in todo) / decoded
            if job.condition.voice:
                lasts_s, speaking_s = _speaking(corpus, trial, todo, model, job.condition)
                total_s = busy_s * times * (lasts_s / decoded if lasts_s is not None else 1) + speaking_s
            else:
                reading_s, kept = decoding(corpus, trial, model, job.condition, settings.workers, times)
                busy_s = busy_s * kept / whole + reading_s * decoded / whole
                total_s = busy_s * times
            total_s += set_up_s
            share = job.clips / len(job.shards[0][1])  # relative to the first shard, whose size is known
            cost = replace(cost, minutes=total_s / 60, megabytes=shard_bytes * share / 1e6)
        costs.append(cost)
    return costs


def seconds_of(corpus: Corpus, clips: pd.Index) -> dict[str, float]:
    """Duration of each clip in seconds from the file header; clips that cannot be opened are left out."""
    found = {}
    for clip in clips:
        row: Any = corpus.clips.loc[clip]
        start = 0.0 if np.isnan(row["start"]) else float(row["start"])
        try:
            found[clip] = (
                duration_s(corpus.path(clip)) if np.isnan(row["end"]) else float(row["end"])
            ) - start
        except AudioError:
            continue
    return found


def evenly(clips: Sequence[str]) -> list[str]:
    """Evenly spaced clips of a sequence: `TRIAL` to 2 `TRIAL` − 1 of them, or all if there are fewer."""
    return list(clips)[:: max(1, len(clips) // TRIAL)]


def trial_of(corpus: Corpus, seconds: Mapping[str, float], model: Model) -> dict[str, NDArray[np.float32]]:
    """A few evenly spaced clips that can be decoded for the model, with their signals.

    Clips longer than `LONG_S` are among them only if there are no others, and then only the first `LONG_S` of
    the shortest.
    """
    short = [clip for clip in seconds if seconds[clip] <= LONG_S]
    among = evenly(short) if short else sorted(seconds, key=lambda clip: seconds[clip])[:1]
    most = round(LONG_S * model.sampling_rate)
    decoded = ((clip, decode(corpus, clip, model, Condition()).signal) for clip in among)
    return dict(islice(((clip, signal[:most]) for clip, signal in decoded if signal is not None), TRIAL))


def _predicting(
    model: Model, trial: Mapping[str, NDArray[np.float32]], job: Job, settings: Settings, times: float
) -> tuple[float, float, int]:
    """Seconds that a model takes to get ready, and for the trial clips, and bytes of the first shard.

    The clips are batched as in a run. A run, too, gets ready once: weights are packed, and code is loaded.
    """
    decoded = {clip: DecodedClip(signal=signal) for clip, signal in trial.items()}

    def predicts(clips: Mapping[str, DecodedClip]) -> NDArray[np.floating[Any]] | None:
        return engine.predict_clips(model, clips, job.layers, settings.batch_size, lambda n: None)[1]

    began = time.perf_counter()
    layers = predicts(dict(islice(decoded.items(), 1)))
    first_s = time.perf_counter() - began
    busy_s = usual_seconds(lambda: predicts(decoded), times)
    set_up_s = max(0.0, first_s - busy_s / len(decoded))
    return set_up_s, busy_s, _shard_bytes(job, model.labels, None if layers is None else layers.shape[1:])


def usual_seconds(run: Callable[[], object], times: float, tried_s: float = MODEL_TRIED_S) -> float:
    """Seconds that a computation takes; the median of repetitions, where its estimate would be long.

    Where other programs use the processor too, a short computation waits for them or does not, by chance.

    Args:
        run: the computation
        times: how many of it the estimate adds up
        tried_s: a computation that takes longer is not repeated; a shorter one `REPEATED` times, and until
            so much time has passed
    """
    taken: list[float] = []
    while len(taken) < REPEATED or sum(taken) < tried_s:
        began = time.perf_counter()
        run()
        taken.append(time.perf_counter() - began)
        if taken[0] >= tried_s or taken[0] * times <= LONG_ESTIMATE_S:
            break
    return float(np.median(taken))


def decoding(
    corpus: Corpus,
    trial: Mapping[str, NDArray[np.float32]],
    model: Model,
    condition: Condition,
    workers: int,
    times: float,
) -> tuple[float, float]:
    """Seconds that the worker threads take to decode and perturb the trial clips, and seconds of the results.

    A condition may cut or lengthen clips.

    Args:
        corpus: the corpus of the clips
        trial: the clips
        model: which decodes them
        condition: how they are perturbed
        workers: number of threads
        times: how many trials a run decodes
    """
    lasting_s = 0.0

    def decodes() -> None:
        nonlocal lasting_s
        signals = [decode(corpus, clip, model, condition).signal for clip in trial]
        lasting_s = sum(len(signal) for signal in signals if signal is not None) / model.sampling_rate

    taken_s = usual_seconds(decodes, times, DECODING_TRIED_S) / min(workers, os.cpu_count() or 1)
    return taken_s, lasting_s


def _speaking(
    corpus: Corpus,
    trial: Mapping[str, NDArray[np.float32]],
    todo: Sequence[str],
    model: Model,
    condition: Condition,
) -> tuple[float | None, float]:
    """Duration of the trial clips when spoken by a voice, and seconds to synthesise all clips one by one.

    A text that several clips share is synthesised once. An online service is not called, so its durations
    are unknown: None and 0.
    """
    if not resynthesis.offline(condition.voice):
        return None, 0.0
    began = time.perf_counter()
    decoded = [decode(corpus, clip, model, condition).signal for clip in trial]
    speaking_s = time.perf_counter() - began
    lasts_s = sum(len(signal) for signal in decoded if signal is not None) / model.sampling_rate
    tried = resynthesis.count_texts(corpus.clips.loc[list(trial)])
    return lasts_s, speaking_s / max(tried, 1) * resynthesis.count_texts(corpus.clips.loc[list(todo)])


def _shard_bytes(job: Job, labels: Sequence[str], layers: tuple[int, ...] | None) -> int:
    """Size in bytes of the first shard of a job, filled with random numbers, which do not compress."""
    clips, rng = job.shards[0][1], np.random.default_rng(0)
    scores = pd.DataFrame(rng.random((len(clips), len(labels)), dtype=np.float32), clips, list(labels))
    scores.insert(0, "reason", "")
    scores.insert(1, "silent", False)
    means = None if layers is None else rng.random((len(clips), *layers), dtype=np.float32)
    with tempfile.TemporaryDirectory() as folder:
        store.write_shard(Path(folder), 0, scores, means)
        return bytes_in(Path(folder))


def bytes_in(folder: Path, pattern: str = "*") -> int:
    """Total size in bytes of the files in a folder."""
    return sum(path.stat().st_size for path in folder.glob(pattern))
