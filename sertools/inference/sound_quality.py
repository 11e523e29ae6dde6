"""Measures the sound quality of clips under conditions, on a sample of the corpus."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from sertools.corpora.corpus import Corpus
from sertools.features.quality.measure import QualityMeasure, absent, quality_measures
from sertools.inference import engine
from sertools.inference.jobs import Job, jobs
from sertools.inference.settings import Progress, Settings
from sertools.randomness import identity_rng
from sertools.tables.changed.quality import QualityNeeded, SoundQuality
from sertools.tables.condition import CLEAN, Condition


def sound_quality(
    corpus: Corpus, needed: QualityNeeded, conditions: Sequence[Condition], settings: Settings
) -> SoundQuality:
    """The quality of a sample of clips under each condition; what the store has is not measured again.

    Args:
        corpus: the corpus that is audited
        needed: how many clips, and whether ViSQOL is measured
        conditions: conditions of the audio
        settings: how to compute

    Raises:
        ModelError: ViSQOL is asked for, and its package is not installed
        StoreError: the store cannot be written
    """
    chosen, found = sample(corpus, needed.clips), dict[str, pd.DataFrame]()
    for measure, todo in quality_jobs(corpus, needed, conditions, settings):
        for job in todo:
            named = replace(settings, progress=_named(settings, f"quality, {job.condition}"))
            scores, _ = engine.run(job, chosen, measure, named)
            columns, name = measure.columns(scores[list(measure.labels)]), str(job.condition)
            found[name] = found[name].join(columns) if name in found else columns
    notes = tuple(f"Not measured: {reason}." for reason in absent().values())
    return SoundQuality(conditions=found, notes=notes)


def quality_jobs(
    corpus: Corpus, needed: QualityNeeded, conditions: Sequence[Condition], settings: Settings
) -> list[tuple[QualityMeasure, list[Job]]]:
    """What measures the quality, and what it has not yet measured of each condition that changes the audio.

    Raises:
        ModelError: ViSQOL is asked for, and its package is not installed
    """
    changed = [c for c in conditions if str(c) != CLEAN and not c.voice and not c.asked]
    chosen = sample(corpus, needed.clips)
    return [(each, jobs(each, chosen, changed, settings)) for each in quality_measures(needed)]


def sample(corpus: Corpus, most: int) -> Corpus:
    """At most so many clips of a corpus, spread over its speakers; all if `most` is 0.

    Which clips depends only on their ids and speakers, so another order of the corpus gives the same ones.
    """
    if not most or len(corpus.clips) <= most:
        return corpus
    draw = np.array([identity_rng(0, str(clip), "sample").random() for clip in corpus.clips.index])
    speaker = corpus.clips["speaker"].astype(str).to_numpy() if corpus.has_speakers else np.zeros(len(draw))
    order = np.argsort(draw)
    turn = pd.Series(speaker[order]).groupby(speaker[order]).cumcount().to_numpy()
    first = turn.argsort(kind="stable")[:most]
    return replace(corpus, clips=corpus.clips.iloc[np.sort(order[first])])


def _named(settings: Settings, name: str) -> Progress:
    return lambda _, n: settings.progress(name, n)
