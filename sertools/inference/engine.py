"""The main loop: decode, perturb, predict, store. It has no access to audits or labels."""

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.audio.opensmile import FUNCTIONALS
from sertools.corpora.corpus import Corpus
from sertools.errors import ModelError
from sertools.features.functionals import Functionals
from sertools.inference.decode import TOO_LONG, DecodedClip, decode
from sertools.inference.jobs import Job
from sertools.inference.settings import Settings
from sertools.models.model import (
    Framed,
    Frames,
    Model,
    Outputs,
    ReadsFunctionals,
    Signal,
    get_ready,
    is_prompted,
    packs_clips,
    reads_functionals,
    repeats,
)
from sertools.models.task import class_columns
from sertools.models.words.parse import NO_ANSWER
from sertools.store.remote import check_writable
from sertools.store.store import read_layers, read_shard, shards, sweep, write_shard

BATCH_SAMPLES = 60 * 16000
"""Maximum number of samples in one forward pass, including padding; a longer clip runs alone."""

PACKED_SAMPLES = 300 * 16000
"""Maximum number of samples handed at once to a model that packs clips itself, without padding."""

NOT_FINITE = "the model's prediction is not a finite number"
"""Reason for a missing clip that was decoded but has no valid score."""

Listener = Callable[[str, Frames], None]
"""Takes the id of a clip and the frames of its layers; called only for clips whose states are finite."""


@dataclass(frozen=True, kw_only=True)
class Shard:
    """The outputs of a model for the clips of one shard.

    Attributes:
        number: number of the shard
        scores: index `clip`, columns `reason`, `silent` and one per label; see `table`
        layers: layer means, shape (n, l, d), nan for missing clips; None if not requested
    """

    number: int
    scores: pd.DataFrame
    layers: NDArray[np.float32] | None


def run(
    job: Job, corpus: Corpus, model: Model, settings: Settings
) -> tuple[pd.DataFrame, list[NDArray[np.float32]]]:
    """Computes and writes the missing shards of a job; stored shards are read, never computed again.

    Args:
        job: from `jobs.jobs`
        corpus: the corpus of the job
        model: anything with `predict`
        settings: how to compute; the batch size changes predictions by at most 1e-5

    Returns:
        the scores of all clips of the corpus, see `table`, and, if requested, the layer means of each shard

    Raises:
        StoreError: a shard cannot be written; the shards before it remain stored
        ModelError: the scores do not have the shape (clips, labels)
    """
    fill(job, corpus, model, settings)
    frames, layers = [], []
    for i, part in shards(corpus.clips.index, job.size):
        frame = read_shard(job.folder, i, part)
        assert frame is not None, "the job is finished"
        frames.append(frame)
        if job.layers:
            means = read_layers(job.folder, i, len(part))
            assert means is not None, "the job is finished"
            layers.append(means)
    return pd.concat(frames), layers


def fill(job: Job, corpus: Corpus, model: Model, settings: Settings) -> None:
    """Computes and writes the shards of a job; arguments and errors as for `run`."""
    if not job.shards:
        return
    check_writable(settings.root)  # a store that holds everything is only read
    if job.functionals:
        _fill_functionals(job, job.functionals, corpus, settings)
    get_ready(model)
    with (
        settings.progress(str(job.condition), job.clips) as advance,
        closing(compute(job, corpus, model, settings, advance)) as computed,
    ):
        sweep(job.folder)
        for shard in computed:
            write_shard(job.folder, shard.number, shard.scores, shard.layers)


def _fill_functionals(job: Job, functionals: Job, corpus: Corpus, settings: Settings) -> None:
    """Computes and writes the functionals of the clips of a job, unless the store has them."""
    measure = Functionals()
    needed = {i for i, _ in job.shards}
    todo = tuple(each for each in functionals.shards if each[0] in needed)
    named = replace(settings, progress=lambda title, n: settings.progress(f"{measure.name}, {title}", n))
    fill(replace(functionals, shards=todo), corpus, measure, named)


def _of_functionals(
    job: Job, functionals: Job, model: ReadsFunctionals, advance: Callable[[int], None]
) -> Generator[Shard]:
    """Yields the outputs for the missing shards of a job whose functionals are stored, in order."""
    measure = Functionals()
    for i, clips in job.shards:
        found = read_shard(functionals.folder, i, clips)
        assert found is not None, "they are stored"
        measured = (found["reason"] == "").to_numpy()
        decoded = [
            DecodedClip(signal=None, reason=str(reason), silent=bool(silent), cut=bool(cut))
            for reason, silent, cut in zip(
                found["reason"], found["silent"], found.get("cut", [False] * len(found)), strict=True
            )
        ]
        scores = np.full((len(clips), len(model.labels)), np.nan, dtype=np.float32)
        layers = np.full((len(clips), 1, FUNCTIONALS), np.nan, dtype=np.float32)
        if measured.any():
            values = measure.values(found[list(measure.labels)].to_numpy()[measured])
            outputs = model.from_functionals(values)
            _check_shape(model, outputs, len(values))
            with np.errstate(over="ignore"):
                scores[measured] = outputs.scores
            layers[measured] = outputs.layers
        elif job.layers:
            layers = layers[:, :0, :0]
        advance(len(clips))
        yield Shard(
            number=i, scores=table(model, clips, decoded, scores), layers=layers if job.layers else None
        )


def compute(
    job: Job,
    corpus: Corpus,
    model: Model,
    settings: Settings,
    advance: Callable[[int], None],
    listener: Listener | None = None,
) -> Generator[Shard]:
    """Yields the outputs for the missing shards of a job, in order.

    Audio is decoded and perturbed in worker threads, one shard ahead of the model. A clip that cannot be
    decoded or scored is missing in its shard, with the reason.

    Args:
        job: what to compute; its folder is not used
        corpus: the corpus of the job
        model: anything with `predict`, or with `predict_frames` if there is a listener
        settings: how to compute
        advance: called with the number of clips after each batch
        listener: takes the frames of each clip, for a job with layers and a model with frames

    Raises:
        ModelError: the scores do not have the shape (clips, labels)
    """
    if job.functionals and reads_functionals(model):
        yield from _of_functionals(job, job.functionals, model, advance)
        return
    if job.condition.asked and is_prompted(model):
        model = model.asking(job.condition.asked)
    with ThreadPoolExecutor(settings.workers) as pool:

        def submit(clips: pd.Index) -> list[Future[DecodedClip]]:
            return [pool.submit(decode, corpus, clip, model, job.condition) for clip in clips]

        try:
            ahead = submit(job.shards[0][1]) if job.shards else []
            for k, (i, clips) in enumerate(job.shards):
                current = ahead
                ahead = submit(job.shards[k + 1][1]) if k + 1 < len(job.shards) else []
                began = time.perf_counter()
                decoded = {clip: future.result() for clip, future in zip(clips, current, strict=True)}
                settings.waited(time.perf_counter() - began)
                heard = list(decoded.values())
                scores, layers, reasons = predict_clips(
                    model, decoded, job.layers, settings.batch_size, advance, listener
                )
                yield Shard(number=i, scores=table(model, clips, heard, scores, reasons), layers=layers)
        finally:
            pool.shutdown(cancel_futures=True)


def predict_clips(
    model: Model,
    decoded: Mapping[str, DecodedClip],
    layers: bool,
    batch_size: int,
    advance: Callable[[int], None],
    listener: Listener | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.float32] | None, list[str]]:
    """Scores (n, c), layer means (n, l, d) if requested, and the model's reasons for scores that are absent.

    Rows are nan for clips that were not decoded.

    Args:
        model: anything with `predict`, or with `predict_frames` if there is a listener
        decoded: clip → its signal
        layers: whether layer means are requested
        batch_size: maximum number of clips in one forward pass; a model that packs clips fills its passes
            with frames instead
        advance: called with the number of clips after each batch
        listener: takes the frames of each clip; None if they are not needed

    Raises:
        ModelError: the scores do not have the shape (clips, labels)
    """
    clips, heard = list(decoded), list(decoded.values())
    scores = np.full((len(heard), len(model.labels)), np.nan, dtype=np.float32)
    means: NDArray[np.float32] | None = None
    reasons = [""] * len(heard)
    advance(sum(h.signal is None for h in heard))
    packed = (listener is None and packs_clips(model)) or getattr(model, "by_itself", False)
    drifting = model if repeats(model) else None
    for batch in groups(heard) if packed else batches(heard, batch_size):
        signals = [h.signal for i in batch if (h := heard[i]).signal is not None]
        outputs, frames = _forward(model, signals, layers, listener is not None)
        with np.errstate(
            over="ignore"
        ):  # an overflow of float32 becomes infinite, and the clip is then marked as missing
            scores[batch] = outputs.scores
        for i, reason in zip(batch, outputs.reasons, strict=bool(outputs.reasons)):
            reasons[i] = reason
        if layers and outputs.layers is not None:
            if means is None:
                means = np.full((len(heard), *outputs.layers.shape[1:]), np.nan, dtype=np.float32)
            means[batch] = outputs.layers
        if listener is not None:
            for k, (i, states) in enumerate(zip(batch, frames, strict=True)):
                if outputs.layers is None or np.isfinite(outputs.layers[k]).all():
                    listener(clips[i], states)
        advance(len(batch))
    if drifting is not None:
        drifting.check_drift()
    if layers and means is None:
        means = np.full((len(heard), 0, 0), np.nan, dtype=np.float32)
    return scores, means, reasons


def _forward(
    model: Model, signals: Sequence[Signal], layers: bool, by_frame: bool
) -> tuple[Outputs, list[Frames]]:
    """The outputs of one forward pass, with the frames of each clip if they are requested."""
    frames: list[Frames] = []
    if by_frame:
        outputs, frames = cast(Framed, model).predict_frames(signals)
    else:
        outputs = model.predict(signals, layers=layers)
    _check_shape(model, outputs, len(signals))
    return outputs, frames


def _check_shape(model: Model, outputs: Outputs, clips: int) -> None:
    if outputs.scores.shape != (clips, len(model.labels)):
        raise ModelError(
            f"{model.name} returned, for {clips} clips, scores of shape {outputs.scores.shape}, but "
            f"it has {len(model.labels)} labels",
            hint="predict(signals) must return one row per signal and one column per label",
        )


def table(
    model: Model,
    clips: pd.Index,
    decoded: Sequence[DecodedClip],
    scores: NDArray[np.float32],
    reasons: Sequence[str] = (),
) -> pd.DataFrame:
    """The table to store: reason, silent, cut if a clip is, and scores (n, c).

    Clips with non-finite scores are missing.

    The ratings and the classes of a joint model are present or missing independently of each other; the
    reason says why a part is missing.
    """
    frame = pd.DataFrame(scores, index=clips, columns=list(model.labels))
    frame.insert(0, "reason", [h.reason for h in decoded])
    frame.insert(1, "silent", [h.silent for h in decoded])
    if any(h.cut for h in decoded):
        frame.insert(2, "cut", [h.cut for h in decoded])
    heard = (frame["reason"] == "").to_numpy()
    classes = class_columns(model.labels, model.task) if model.task == "joint" else ()
    given = np.array([*reasons] or [""] * len(clips), dtype=object)
    for part in (classes, tuple(i for i in range(len(model.labels)) if i not in classes)):
        unscored = ~np.isfinite(scores[:, list(part)]).all(axis=1) & heard
        frame.loc[unscored, "reason"] = np.where(given == "", NOT_FINITE, given)[unscored]
        frame.loc[unscored, [model.labels[i] for i in part]] = np.nan
    return frame


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


def groups(decoded: Sequence[DecodedClip]) -> list[list[int]]:
    """Indices of the clips that a model gets at once if it packs them itself, in order."""
    found: list[list[int]] = []
    samples = 0
    for i, clip in enumerate(decoded):
        if clip.signal is None:
            continue
        samples += len(clip.signal)
        if not found or samples > PACKED_SAMPLES:
            found.append([])
            samples = len(clip.signal)
        found[-1].append(i)
    return found


def was_asked(reason: str) -> bool:
    """Whether a clip without scores could be read and is long enough, so that the model should have answered.

    Args:
        reason: why the clip is missing; the store has nothing else to tell it by
    """
    return reason == NOT_FINITE or TOO_LONG in reason or reason.startswith(NO_ANSWER)
