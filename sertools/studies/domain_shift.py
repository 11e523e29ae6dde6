"""How far is a corpus from the speech that an encoder was pre-trained on? Its loss, without training."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from sertools.corpora.corpus import Corpus
from sertools.errors import AudioError, CorpusError, ModelError
from sertools.statistics.jackknife import Estimate, estimate
from sertools.statistics.statistic import Statistic, ratio, unit_sums
from sertools.training.data.batches import RATE_HZ, collate, key_of, scaled
from sertools.training.encoders import start_of
from sertools.training.networks.contrastive import contrastive
from sertools.training.recipe import recipe_of

COLUMNS = (
    "corpus", "loss per masked frame", "low", "high", "loss per clip", "clips", "speakers"
)  # fmt: skip
"""Columns of the table; the interval is that of the loss per masked frame over speakers."""


def domain_shift(
    spec: str,
    corpora: Sequence[Corpus],
    *,
    seed: int = 0,
    progress: Callable[[int], None] = lambda clips: None,
) -> list[list[Any]]:
    """The pre-training loss of a checkpoint of wav2vec 2.0 on corpora (Chen & Rudnicky 2023, section 4.2).

    Contrastive loss plus weighted diversity loss at masked frames, without training, masks and negatives
    drawn by clip. The paper gives numbers per corpus (LibriSpeech test-clean 32.04, SAVEE 41.37, IEMOCAP
    55.42) without saying over what its sums run; that per clip is the sum over its masked frames.

    Args:
        spec: checkpoint, as after `--model`
        corpora: whose clips are read
        seed: of masks and negatives
        progress: called after each clip

    Returns:
        One row per corpus, see `COLUMNS`; nan where there are fewer than five speakers.

    Raises:
        ModelError: the checkpoint is not one of wav2vec 2.0 with its quantiser
        CorpusError: no clip of a corpus can be used
    """
    import torch

    start = start_of(recipe_of({"method": "tapt", "init": spec, "corpora": ["-"], "seed": seed}))
    module, stored = contrastive(start, seed)
    if not stored:
        raise ModelError(
            f"{spec} has no quantiser, so it has no pre-training loss",
            hint="name a checkpoint as it was pre-trained, such as facebook/wav2vec2-base",
        )
    module.eval()
    rows = []
    for corpus in corpora:
        found: list[tuple[str, float, float]] = []
        for clip in corpus.clips.index:
            progress(1)
            try:
                signal = corpus.signal(str(clip), RATE_HZ)
            except AudioError:
                continue
            if len(signal) < start.shortest:
                continue
            given = scaled(signal, "clip" if start.scaled else "none")
            batch = collate([{"signal": given, "key": key_of(f"{corpus.name}/{clip}"), "epoch": 0}])
            with torch.no_grad():
                parts = module(**batch)
            found.append((str(clip), float(parts["loss"]), float(parts["frames"])))
        if not found:
            raise CorpusError(f"no clip of {corpus.name} can be used")
        rows.append(_row(corpus, found))
    return rows


def _row(corpus: Corpus, found: Sequence[tuple[str, float, float]]) -> list[Any]:
    """Means over clips, and the interval over speakers."""
    clips = corpus.clips.loc[[clip for clip, _, _ in found]]
    loss, frames = np.array([each[1:] for each in found]).T
    known = "speaker" in clips and bool(clips["speaker"].notna().any())
    names = clips["speaker"].astype(str).to_numpy() if known else np.array(clips.index, dtype=str)
    people, unit = np.unique(names, return_inverse=True)
    per_frame: Estimate = estimate(PER_FRAME, loss * frames, frames, unit, len(people))
    if not known:
        per_frame = replace(per_frame, low=np.nan, high=np.nan)
    speakers = len(people) if known else 0
    ends = [per_frame.value, per_frame.low, per_frame.high]
    return [corpus.name, *ends, float((loss * frames).mean()), len(found), speakers]


def _sums(total: Any, frames: Any, unit: Any, units: int) -> Any:
    return unit_sums(np.stack([total, frames], axis=1), unit, units)


PER_FRAME = Statistic(
    name="loss per masked frame",
    sums=_sums,
    value=lambda sums: ratio(sums[..., 0], sums[..., 1]),
)
