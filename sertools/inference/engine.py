"""The main loop: decode, perturb, predict, store. It has no access to audits or labels."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.audio.files import is_silent, read_audio
from sertools.audio.sound_folder import Recordings
from sertools.corpora.corpus import Corpus
from sertools.errors import AudioError, ModelError
from sertools.inference.jobs import Job
from sertools.models.model import Model, Repeated
from sertools.speech import resynthesis
from sertools.store.store import read_layers, read_shard, shards, sweep, write_shard
from sertools.tables.condition import CLEAN, Condition

BATCH_SIZE = 8
"""Maximum number of clips in one forward pass."""

BATCH_SAMPLES = 60 * 16000
"""Maximum number of samples in one forward pass, including padding; a longer clip runs alone."""

NOT_FINITE = "the model's prediction is not a finite number"
"""Reason for a missing clip that was decoded but has no valid score."""


@dataclass(frozen=True, kw_only=True)
class DecodedClip:
    """A decoded (and perturbed) clip, or the reason why it could not be decoded."""

    signal: NDArray[np.float32] | None
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
    """Computes the missing shards of a job; stored shards are never computed again.

    Audio is decoded and perturbed in worker threads, one shard ahead of the model. A clip that cannot be
    decoded or scored is stored as missing, with the reason.

    Args:
        job: from `predict.jobs`
        corpus: the corpus of the job
        model: anything with `predict`
        batch_size: maximum number of clips in one forward pass; changes predictions by at most 1e-5
        workers: number of decoding threads
        advance: called with the number of clips after each batch

    Raises:
        StoreError: a shard cannot be written; the shards before it remain stored
        ModelError: the scores do not have the shape (clips, labels)
    """
    sweep(job.folder)
    with ThreadPoolExecutor(workers) as pool:
        try:
            for i, clips, decoded in decode_ahead(pool, job.shards, corpus, model, job.condition):
                scores, layers = predict_clips(model, decoded, job.layers, batch_size, advance)
                write_shard(job.folder, i, table(model, clips, decoded, scores), layers)
        finally:
            pool.shutdown(cancel_futures=True)


def decode_ahead(
    pool: ThreadPoolExecutor,
    parts: Sequence[tuple[int, pd.Index]],
    corpus: Corpus,
    model: Model,
    condition: Condition,
) -> Iterator[tuple[int, pd.Index, list[DecodedClip]]]:
    """Yields the number, clips and decoded clips of each part, while the next part is being decoded."""

    def submit(clips: pd.Index) -> list[Future[DecodedClip]]:
        return [pool.submit(decode, corpus, clip, model, condition) for clip in clips]

    ahead = submit(parts[0][1]) if parts else []
    for k, (i, clips) in enumerate(parts):
        current = ahead
        ahead = submit(parts[k + 1][1]) if k + 1 < len(parts) else []
        yield i, clips, [future.result() for future in current]


def table(
    model: Model, clips: pd.Index, decoded: Sequence[DecodedClip], scores: NDArray[np.float32]
) -> pd.DataFrame:
    """The table to store: reason, silent and scores (n, c); clips with non-finite scores are missing."""
    frame = pd.DataFrame(scores, index=clips, columns=list(model.labels))
    frame.insert(0, "reason", [h.reason for h in decoded])
    frame.insert(1, "silent", [h.silent for h in decoded])
    unscored = ~np.isfinite(scores).all(axis=1) & (frame["reason"] == "").to_numpy()
    frame.loc[unscored, "reason"] = NOT_FINITE
    frame.loc[unscored, list(model.labels)] = np.nan
    return frame


def decode(corpus: Corpus, clip: str, model: Model, condition: Condition) -> DecodedClip:
    """Decodes and perturbs a clip at the model's sampling rate; gives the reason if that fails."""
    row: Any = corpus.clips.loc[clip]
    rate = model.sampling_rate
    try:
        signal = read_audio(corpus.path(clip), rate, float(row["start"]), float(row["end"]))
        silent = is_silent(signal)
        signal = perturbed(signal, rate, clip, condition, corpus)
    except AudioError as error:
        return DecodedClip(signal=None, reason=str(error))
    if len(signal) < model.shortest:
        reason = (
            f"{len(signal)} samples, but the model needs {model.shortest} ({model.shortest / rate:.3f} s)"
        )
        return DecodedClip(signal=None, reason=reason, silent=silent)
    longest = getattr(model, "longest", None)
    if longest is not None and len(signal) > longest:
        reason = f"{len(signal) / rate:.1f} s, but the model takes at most {longest / rate:.1f} s"
        return DecodedClip(signal=None, reason=reason, silent=silent)
    return DecodedClip(signal=signal, silent=silent)


def perturbed(
    signal: NDArray[np.float32], rate: int, clip: str, condition: Condition, corpus: Corpus
) -> NDArray[np.float32]:
    """The signal under a condition; random numbers depend only on seed, clip, perturbation and draw.

    Babble is made of the other clips of the corpus, in corpus order; recordings come from the condition's
    folder. A synthetic voice speaks the clip's transcript, independent of the signal.

    Raises:
        AudioError: the perturbation cannot be applied to this signal, or the words cannot be synthesised
    """
    if condition.perturbation == CLEAN:
        return signal
    if condition.voice:
        return resynthesis.speech(corpus.clips.loc[clip], condition.voice, rate)
    from sertools.perturbations import registry
    from sertools.randomness import identity_rng

    perturbation = registry.get(condition.perturbation)
    if perturbation.needs == "other clips":
        perturbation = perturbation.using(OtherClips(corpus=corpus, clip=clip, rate=rate))
    elif condition.folder:
        perturbation = perturbation.using(Recordings(folder=condition.folder, rate=rate))
    rng = identity_rng(condition.seed, clip, condition.perturbation, str(condition.draw))
    level = perturbation.draw_level(None, rng) if condition.level is None else condition.level
    return perturbation.apply(signal, rate, level, rng)


@dataclass(frozen=True, kw_only=True)
class OtherClips(Sequence[NDArray[np.float32]]):
    """The signals of all clips of a corpus except one, decoded on access."""

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


def predict_clips(
    model: Model,
    decoded: Sequence[DecodedClip],
    layers: bool,
    batch_size: int,
    advance: Callable[[int], None],
) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
    """Scores (n, c) and, if requested, layer means (n, l, d); rows are nan for clips that were not decoded.

    Raises:
        ModelError: the scores do not have the shape (clips, labels)
    """
    scores = np.full((len(decoded), len(model.labels)), np.nan, dtype=np.float32)
    means: NDArray[np.float32] | None = None
    advance(sum(h.signal is None for h in decoded))
    for batch in batches(decoded, batch_size):
        outputs = model.predict(
            [h.signal for i in batch if (h := decoded[i]).signal is not None], layers=layers
        )
        if outputs.scores.shape != (len(batch), len(model.labels)):
            raise ModelError(
                f"{model.name} returned, for {len(batch)} clips, scores of shape {outputs.scores.shape}, but "
                f"it has {len(model.labels)} labels",
                hint="predict(signals) must return one row per signal and one column per label",
            )
        with np.errstate(
            over="ignore"
        ):  # an overflow of float32 becomes infinite, and the clip is then marked as missing
            scores[batch] = outputs.scores
        if layers and outputs.layers is not None:
            if means is None:
                means = np.full((len(decoded), *outputs.layers.shape[1:]), np.nan, dtype=np.float32)
            means[batch] = outputs.layers
        advance(len(batch))
    if isinstance(model, Repeated):
        model.check_drift()
    if layers and means is None:
        means = np.full((len(decoded), 0, 0), np.nan, dtype=np.float32)
    return scores, means


def batches(decoded: Sequence[DecodedClip], batch_size: int) -> list[list[int]]:
    """Batches of clip indices: sorted by length, within the limits on clips and samples per forward pass."""
    lengths = [(len(h.signal), i) for i, h in enumerate(decoded) if h.signal is not None]
    batches: list[list[int]] = []
    shortest_first = sorted(lengths)
    for length, i in shortest_first:
        full = not batches or len(batches[-1]) >= batch_size
        if full or (len(batches[-1]) + 1) * length > BATCH_SAMPLES:
            batches.append([])
        batches[-1].append(i)
    return batches


def read_job(job: Job, clips: pd.Index) -> tuple[pd.DataFrame, list[NDArray[np.float32]]]:
    """Reads a finished job from the store: scores with `reason` and `silent`, and layer means by shard."""
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
