"""Splits a corpus into train, dev and test sets that share no speaker, balanced by sex and emotion."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.corpora.corpus import Corpus
from sertools.errors import CorpusError
from sertools.randomness import identity_rng
from sertools.wording import plural

STARTS = 20
"""Number of random speaker orders to try (fewer for more than 200 speakers); the best split is used."""

SWEEPS = 20
"""Maximum number of rounds of moving and exchanging speakers; usually three are enough."""


def split(corpus: Corpus, *, test: float = 0.2, dev: float = 0.1, seed: int = 0) -> Corpus:
    """The corpus with a column `split` of train, dev and test; each speaker is in one set only.

    Speakers are assigned so that each set has its share of all clips, of the speakers of each sex, and of the
    clips of each emotion and sex, as nearly as whole speakers allow. The sum of squared differences between
    actual and wanted shares is reduced by assigning the speakers one by one, then moving and exchanging them,
    from up to 20 random orders. Clips of unknown speakers go to train. An existing split is replaced.

    Args:
        corpus: with a column `speaker`
        test: share of the clips, in (0, 1)
        dev: share of the clips, in [0, 1); 0 for no dev set
        seed: for the random orders; the same seed, corpus and shares give the same split

    Raises:
        CorpusError: no speakers, fewer speakers than sets, or shares that leave nothing for train
    """
    if not (test > 0 and dev >= 0 and test + dev < 1):
        raise CorpusError(
            f"--test {test:g} and --dev {dev:g} leave no train split", hint="0 < test + dev < 1"
        )
    clips = corpus.clips
    shares = {"train": 1 - test - dev, "dev": dev, "test": test}
    parted = _parted(corpus, shares, seed)
    column = clips["speaker"].map(parted).fillna("train")
    unknown = int(clips["speaker"].isna().sum())
    notes = [f"split created by sertools, seed {seed}: no speaker is in two sets"]
    notes += [f"{unknown} clips of unknown speakers are in train"] if unknown else []
    return replace(corpus, clips=clips.assign(split=column), notes=(*corpus.notes, *notes))


def speaker_groups(corpus: Corpus, n: int, *, seed: int = 0) -> dict[str, int]:
    """The speakers in n groups of equal shares, balanced as in `split`: speaker → number of the group, from
    1.

    Raises:
        CorpusError: no speakers, or fewer than n
    """
    shares = {str(group): 1 / n for group in range(1, n + 1)}
    return {speaker: int(group) for speaker, group in _parted(corpus, shares, seed).items()}


def _parted(corpus: Corpus, shares: Mapping[str, float], seed: int) -> dict[str, str]:
    """Speaker → part, so that each part has its share as nearly as whole speakers allow.

    Raises:
        CorpusError: no speakers, fewer speakers than parts, or a clip that is listed twice
    """
    corpus.check_listed_once()
    clips = corpus.clips
    if "speaker" not in clips or clips["speaker"].isna().all():
        raise CorpusError(f"{corpus.name} has no speaker labels, so it cannot be split by speaker")
    parts = [name for name, share in shares.items() if share > 0]
    counts = _counts(clips[clips["speaker"].notna()])
    if len(counts) < len(parts):
        numbered = all(name.isdigit() for name in parts)
        what = f"{len(parts)} folds" if numbered else ", ".join(parts)
        raise CorpusError(
            f"{corpus.name} has {len(counts)} speakers, too few for {what}",
            hint=f"{len(parts)} parts without a speaker in common need at least {len(parts)} speakers",
        )
    wanted = np.array([shares[name] for name in parts])
    matrix = counts.to_numpy(dtype=np.float64) / counts.to_numpy().sum(axis=0)
    tries = [
        _assigned(matrix, wanted, identity_rng(seed, "split", corpus.name, str(start)))
        for start in range(max(2, min(STARTS, 4000 // len(counts))))
    ]
    best = min(tries, key=lambda part: _loss(matrix, part, wanted))
    return {speaker: parts[code] for speaker, code in zip(counts.index, best, strict=True)}


def summary(corpus: Corpus) -> list[str]:
    """One sentence per set: clips, speakers, and shares of sexes and emotions."""
    sentences = []
    for name in (n for n in ("train", "dev", "test") if (corpus.clips["split"] == n).any()):
        part = corpus.clips[corpus.clips["split"] == name]
        facts = [
            f"{plural(len(part), 'clip')} ({len(part) / len(corpus.clips):.0%})",
            plural(part["speaker"].nunique(), "speaker"),
        ]
        if "sex" in part:
            sexes = part.drop_duplicates("speaker")["sex"].value_counts().sort_index()
            facts.append(", ".join(f"{n} {sex}" for sex, n in sexes.items()))
        if "emotion" in part:
            emotions = part["emotion"].value_counts().sort_index() / max(part["emotion"].notna().sum(), 1)
            facts.append(", ".join(f"{emotion} {share:.0%}" for emotion, share in emotions.items()))
        sentences.append(f"{name}: {'; '.join(facts)}")
    return sentences


def _counts(clips: pd.DataFrame) -> pd.DataFrame:
    """Counts to balance, one sorted row per speaker: clips, speakers of each sex, clips of each stratum."""
    speaker = clips["speaker"]
    columns: dict[str, pd.Series] = {"clips": speaker.value_counts()}
    strata: Mapping[str, pd.Series] = {
        c: clips[c].astype(object).where(clips[c].notna(), "unknown").astype(str)
        for c in ("sex", "emotion")
        if c in clips
    }
    if "sex" in strata:
        first = strata["sex"].groupby(speaker).first()
        columns |= {f"speakers {sex}": (first == sex).astype(int) for sex in sorted(first.unique())}
    if strata:
        stratum = pd.Series(["+".join(row) for row in zip(*strata.values(), strict=True)], index=clips.index)
        table = pd.crosstab(speaker, stratum)
        columns |= {f"clips {name}": table[name] for name in table}
    return pd.DataFrame(columns).fillna(0).sort_index()


def _assigned(
    matrix: NDArray[np.float64], wanted: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """The set of each speaker, shape (speakers,): assigned in random order, then moved while that helps."""
    part = np.full(len(matrix), -1)
    excess = _excess(matrix, part, wanted)
    order = rng.permutation(len(matrix))
    for _ in range(SWEEPS):
        before = part.copy()
        for speaker in order:
            own = part[speaker]
            if own >= 0 and (part == own).sum() == 1:
                continue  # a set must not lose its last speaker
            if own >= 0:
                excess[own] -= matrix[speaker]
            loss = ((excess + matrix[speaker]) ** 2 - excess**2).sum(axis=1)
            part[speaker] = loss.argmin()
            excess[part[speaker]] += matrix[speaker]
        _exchange(matrix, part, excess)
        if (part == before).all():
            break
    for empty in set(range(len(wanted))) - set(part):  # even a share smaller than a speaker gets one
        part[np.flatnonzero(part == np.bincount(part).argmax())[0]] = empty
    return part


def _exchange(matrix: NDArray[np.float64], part: NDArray[np.int64], excess: NDArray[np.float64]) -> None:
    """Exchange, in place, each speaker with the speaker of another set that reduces the loss most, if any."""
    for i in range(len(part)):
        others = np.flatnonzero(part != part[i])
        if not len(others):
            return
        change = matrix[others] - matrix[i]  # gain of the set of i, loss of the other set
        own, theirs = excess[part[i]], excess[part[others]]
        gain = ((own + change) ** 2 - own**2 + (theirs - change) ** 2 - theirs**2).sum(axis=1)
        best = int(gain.argmin())
        if gain[best] < -1e-12:
            j = int(others[best])
            excess[part[i]] += change[best]
            excess[part[j]] -= change[best]
            part[i], part[j] = part[j], part[i]


def _excess(
    matrix: NDArray[np.float64], part: NDArray[np.int64], wanted: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Actual minus wanted share of each set in each column, shape (sets, columns)."""
    return np.stack([matrix[part == k].sum(axis=0) - share for k, share in enumerate(wanted)])


def _loss(matrix: NDArray[np.float64], part: NDArray[np.int64], wanted: NDArray[np.float64]) -> float:
    return float((_excess(matrix, part, wanted) ** 2).sum())
