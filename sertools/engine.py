"""Decode, perturb, predict, store: the one heavy loop. It never sees an audit or a label."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sertools import voiced
from sertools.audio import is_silent, read_audio
from sertools.condition import Condition
from sertools.corpus import Corpus
from sertools.errors import AudioError, ModelError
from sertools.model import Model
from sertools.plan import Job
from sertools.recordings import Recordings
from sertools.store import read_layers, read_shard, shards, sweep, write_shard
from sertools.tables import CLEAN

BATCH_SIZE = 8
"""Clips in one forward pass at most."""

BATCH_SAMPLES = 60 * 16000
"""Samples in one forward pass at most, padding included; a longer clip runs alone."""

NOT_FINITE = "the model's answer is not a finite number"
"""Why a clip is missing that was heard, but not scored."""


@dataclass(frozen=True, kw_only=True)
class Heard:
    """What became of one clip before the model: its sound, or the reason why there is none."""

    signal: np.ndarray | None
    reason: str = ""
    silent: bool = False


def run(
    job: Job,
    corpus: Corpus,
    model: Model,
    *,
    batch_size: int = BATCH_SIZE,
    workers: int = 2,
    advance: Callable[[int], None] = lambda n: None,
) -> None:
    """Computes what a job still lacks, shard by shard; what is stored is never computed again.

    Sound is decoded and perturbed in worker threads, one shard ahead of the model. A clip that cannot be
    heard or scored is stored as missing with its reason.

    Args:
        job: from `plan.jobs`
        corpus: whose clips the job names
        model: anything with `predict`
        batch_size: clips in one forward pass at most; it changes no prediction by more than 1e-5
        workers: threads that decode
        advance: called with the number of clips after each batch

    Raises:
        StoreError: a shard cannot be written; the shards before it are kept
        ModelError: scores of another shape than clips and labels
    """
    sweep(job.folder)
    with ThreadPoolExecutor(workers) as pool:
        try:
            for i, clips, heard in heard_ahead(pool, job.shards, corpus, model, job.condition):
                scores, layers = answers(model, heard, job.layers, batch_size, advance)
                write_shard(job.folder, i, table(model, clips, heard, scores), layers)
        finally:
            pool.shutdown(cancel_futures=True)


def heard_ahead(
    pool: ThreadPoolExecutor,
    parts: Sequence[tuple[int, pd.Index]],
    corpus: Corpus,
    model: Model,
    condition: Condition,
) -> Iterator[tuple[int, pd.Index, list[Heard]]]:
    """The clips of each numbered part and what was heard of them, while the next part is being decoded."""

    def submit(clips: pd.Index) -> list[Future[Heard]]:
        return [pool.submit(hear, corpus, clip, model, condition) for clip in clips]

    ahead = submit(parts[0][1]) if parts else []
    for k, (i, clips) in enumerate(parts):
        current = ahead
        ahead = submit(parts[k + 1][1]) if k + 1 < len(parts) else []
        yield i, clips, [future.result() for future in current]


def table(model: Model, clips: pd.Index, heard: Sequence[Heard], scores: np.ndarray) -> pd.DataFrame:
    """What the store holds of clips: reason, silent and scores (n, c); missing where they are no numbers."""
    frame = pd.DataFrame(scores, index=clips, columns=list(model.labels))
    frame.insert(0, "reason", [h.reason for h in heard])
    frame.insert(1, "silent", [h.silent for h in heard])
    unscored = ~np.isfinite(scores).all(axis=1) & (frame["reason"] == "").to_numpy()
    frame.loc[unscored, "reason"] = NOT_FINITE
    frame.loc[unscored, list(model.labels)] = np.nan
    return frame


def hear(corpus: Corpus, clip: str, model: Model, condition: Condition) -> Heard:
    """The sound of a clip under a condition at the model's rate, or the reason why there is none."""
    row: Any = corpus.clips.loc[clip]
    rate = model.sampling_rate
    try:
        signal = read_audio(corpus.path(clip), rate, float(row["start"]), float(row["end"]))
        silent = is_silent(signal)
        signal = perturbed(signal, rate, clip, condition, corpus)
    except AudioError as error:
        return Heard(signal=None, reason=str(error))
    if len(signal) < model.shortest:
        reason = (
            f"{len(signal)} samples, but the model needs {model.shortest} ({model.shortest / rate:.3f} s)"
        )
        return Heard(signal=None, reason=reason, silent=silent)
    longest = getattr(model, "longest", None)
    if longest is not None and len(signal) > longest:
        reason = f"{len(signal) / rate:.1f} s, but the model hears only {longest / rate:.1f} s"
        return Heard(signal=None, reason=reason, silent=silent)
    return Heard(signal=signal, silent=silent)


def perturbed(signal: np.ndarray, rate: int, clip: str, condition: Condition, corpus: Corpus) -> np.ndarray:
    """The signal under a condition; what is drawn depends on seed, clip and perturbation alone.

    Babble is made of the corpus' other clips, in corpus order; recordings come from the condition's folder. A
    synthetic voice says the clip's words, whatever the signal was.

    Raises:
        AudioError: the perturbation cannot be applied to this signal, or the words cannot be spoken
    """
    if condition.perturbation == CLEAN:
        return signal
    if condition.voice:
        return voiced.speech(corpus.clips.loc[clip], condition.voice, rate)
    from sertools import perturb
    from sertools.seeds import identity_rng

    perturbation = perturb.get(condition.perturbation)
    if perturbation.needs == "other clips":
        perturbation = perturbation.using(OtherClips(corpus=corpus, clip=clip, rate=rate))
    elif condition.folder:
        perturbation = perturbation.using(Recordings(folder=condition.folder, rate=rate))
    rng = identity_rng(condition.seed, clip, condition.perturbation, str(condition.draw))
    level = perturb.draw_level(perturbation, None, rng) if condition.level is None else condition.level
    return perturbation.apply(signal, rate, level, rng)


@dataclass(frozen=True, kw_only=True)
class OtherClips(Sequence[np.ndarray]):
    """The sounds of all clips of a corpus but one, decoded when they are asked for."""

    corpus: Corpus
    clip: str
    rate: int

    def __len__(self) -> int:
        return len(self.corpus.clips) - 1

    def __getitem__(self, i: Any) -> Any:
        own = int(self.corpus.clips.index.get_loc(self.clip))  # type: ignore[arg-type] # ids are unique
        position = i % len(self)
        other = self.corpus.clips.index[position + (position >= own)]
        row: Any = self.corpus.clips.loc[other]
        return read_audio(self.corpus.path(other), self.rate, float(row["start"]), float(row["end"]))


def answers(
    model: Model, heard: Sequence[Heard], layers: bool, batch_size: int, advance: Callable[[int], None]
) -> tuple[np.ndarray, np.ndarray | None]:
    """Scores (n, c) and, where they are wanted, layer means (n, l, d); rows of nan for what was not heard.

    Raises:
        ModelError: scores of another shape than clips and labels
    """
    scores = np.full((len(heard), len(model.labels)), np.nan, dtype=np.float32)
    means: np.ndarray | None = None
    advance(sum(h.signal is None for h in heard))
    for batch in batches(heard, batch_size):
        outputs = model.predict(
            [h.signal for i in batch if (h := heard[i]).signal is not None], layers=layers
        )
        if outputs.scores.shape != (len(batch), len(model.labels)):
            raise ModelError(
                f"{model.name} answers {len(batch)} clips with scores of shape {outputs.scores.shape}, but "
                f"it has {len(model.labels)} labels",
                hint="predict(signals) returns one row a signal and one column a label",
            )
        with np.errstate(over="ignore"):  # beyond float32 is infinite, and that clip is missing below
            scores[batch] = outputs.scores
        if layers and outputs.layers is not None:
            if means is None:
                means = np.full((len(heard), *outputs.layers.shape[1:]), np.nan, dtype=np.float32)
            means[batch] = outputs.layers
        advance(len(batch))
    if layers and means is None:
        means = np.full((len(heard), 0, 0), np.nan, dtype=np.float32)
    return scores, means


def batches(heard: Sequence[Heard], batch_size: int) -> list[list[int]]:
    """Indices of clips to predict together: sorted by length, within the budget of clips and samples."""
    lengths = [(len(h.signal), i) for i, h in enumerate(heard) if h.signal is not None]
    batches: list[list[int]] = []
    shortest_first = sorted(lengths)
    for length, i in shortest_first:
        full = not batches or len(batches[-1]) >= batch_size
        if full or (len(batches[-1]) + 1) * length > BATCH_SAMPLES:
            batches.append([])
        batches[-1].append(i)
    return batches


def read(job: Job, clips: pd.Index) -> tuple[pd.DataFrame, list[np.ndarray]]:
    """What the store has of a finished job: scores with `reason` and `silent`, and layer means by shard."""
    frames, layers = [], []
    for i, part in shards(clips):
        frame = read_shard(job.folder, i, part)
        assert frame is not None, "the job is finished"
        frames.append(frame)
        if job.layers:
            means = read_layers(job.folder, i, len(part))
            assert means is not None, "the job is finished"
            layers.append(means)
    return pd.concat(frames), layers
