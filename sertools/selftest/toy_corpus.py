"""Synthetic clips and the predictions of toy models on them, to test the audits."""

import functools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.corpora.corpus import Corpus
from sertools.inference.build_tables import Predicted, tables
from sertools.labels import DIMENSIONS
from sertools.metrics.fingerprints import FRAMES
from sertools.models.kinds.toy import EMOTIONS, load
from sertools.models.load import LoadOptions
from sertools.models.model import ClipModel, is_by_clip
from sertools.randomness import identity_rng
from sertools.selftest.toy_frames import frame_sums
from sertools.tables.changed.attacks import Attacks, AttacksNeeded
from sertools.tables.changed.quality import BEST_PESQ, LEVEL_CHANGE, PESQ, SEGMENTAL_SNR, STOI, SoundQuality
from sertools.tables.columns import CHECKPOINT, RANDOM_TWIN, SOUND_COLUMNS
from sertools.tables.condition import CLEAN, Condition
from sertools.tables.emotion_norms import PLEASURE_AROUSAL_DOMINANCE
from sertools.tables.frame_sums import FrameSumsNeeded
from sertools.tables.layers import Layers
from sertools.tables.running_cost import CostOfLength, RunningCost
from sertools.tables.tables import Tables
from sertools.tables.votes import RATINGS, VOTES, packed

LAYERS, SPEAKER_NUMBERS = 4, 3
"""Number of layers of the toy models, and of the dimensions of a layer that encode the speaker."""

TOY_FUNCTIONALS = (
    *("F0semitoneFrom27.5Hz_sma3nz_amean", "loudness_sma3_amean", "loudnessPeaksPerSec"),
    *("HNRdBACF_sma3nz_amean", "F1frequency_sma3nz_amean", "mfcc1_sma3_amean", "alphaRatioV_sma3nz_amean"),
)
"""The functionals of eGeMAPS that the toy clips have: one of each group."""

TOY_COST = RunningCost(
    machine="no machine",
    parameters=0,
    lengths=tuple(
        CostOfLength(
            precision="fp32",
            in_use=True,
            length_s=s,
            seconds=(0.05 * s, 0.06 * s, 0.055 * s),
            flops=1e9 * s,
            working_bytes=1e8,
        )
        for s in (1.0, 3.0, 10.0)
    ),
)
"""What running a toy model is said to cost."""


def clips(*, speakers: int = 24, per_speaker: int = 40, seed: int = 0) -> pd.DataFrame:
    """Synthetic clips, half of them by women, with emotions and with dimensions derived from the emotions.

    Arousal, dominance and valence are those of the emotion by Russell & Mehrabian's norms, plus an offset for
    each speaker (standard deviation .05) and noise (.1), clipped to [0, 1]. Splits share no speaker, and no
    two clips have the same audio. What is measured in their sound is unrelated to the emotion. Each clip has
    six raters, whose votes and ratings follow its labels.

    Args:
        speakers: number of speakers
        per_speaker: number of clips per speaker
        seed: random seed

    >>> clips(speakers=2, per_speaker=1)["sex"].tolist()
    ['female', 'male']
    """
    rng = np.random.default_rng(seed)
    n = speakers * per_speaker
    speaker = np.repeat(np.arange(speakers), per_speaker)
    known = [name for name in EMOTIONS if name in PLEASURE_AROUSAL_DOMINANCE]
    emotion = rng.choice(known, n)
    frame = pd.DataFrame(
        {
            "file": [f"{i:05d}.wav" for i in range(n)],
            "start": np.nan,
            "end": np.nan,
            "speaker": [f"{code:03d}" for code in speaker],
            "sex": np.where(speaker % 2 == 0, "female", "male"),
            "language": np.where(speaker % 4 < 2, "eng", "deu"),
            "emotion": emotion,
        },
        index=pd.Index([f"clip {i:05d}" for i in range(n)], name="clip"),
    )
    # every speaker says the same sentences, whose text is unrelated to the emotion
    said = np.arange(n) % min(per_speaker, 40)
    frame["sentiment"] = np.array(["negative", "neutral", "positive"])[said % 3]
    frame["word"] = [f"word{i}" for i in said]
    frame["template"] = [f"template {i // 3 % 4} {{word}}" for i in said]
    frame["transcript"] = [f"template {i // 3 % 4} word{i}" for i in said]
    order = {"valence": 0, "arousal": 1, "dominance": 2}
    for dimension in DIMENSIONS:
        mean = np.array([PLEASURE_AROUSAL_DOMINANCE[e][order[dimension]] for e in emotion]) / 2 + 0.5
        own = rng.normal(0, 0.05, speakers)[speaker]
        frame[dimension] = np.clip(mean + own + rng.normal(0, 0.1, n), 0, 1)
    frame["split"] = np.select([speaker < 0.6 * speakers, speaker < 0.8 * speakers], ["train", "dev"], "test")
    # random bits, as for different recordings
    frame["audio_hash"] = [rng.bytes(9).hex() for _ in range(n)]
    frame["audio_print"] = [rng.bytes(3 * FRAMES).hex() for _ in range(n)]
    frame = frame.join(_sound(frame, identity_rng(seed, "sound")))
    return frame.join(_raters(frame, known, seed))


RATERS, RATER_NOISE, RATER_ERRS = 6, 0.1, 0.3
"""Raters of a toy clip, standard deviation of their ratings, and how often they guess the emotion."""


def _raters(clips: pd.DataFrame, emotions: Sequence[str], seed: int) -> pd.DataFrame:
    """Votes and ratings of six raters of each clip, who mostly agree with its labels."""
    rng = identity_rng(seed, "raters of toy clips")
    n = len(clips)
    code = clips["emotion"].map(list(emotions).index).to_numpy()
    guessed = rng.random((n, RATERS)) < RATER_ERRS
    votes = np.where(guessed, rng.integers(0, len(emotions), (n, RATERS)), code[:, None])
    said = {f"{VOTES}{name}": (votes == i).sum(axis=1).astype(float) for i, name in enumerate(emotions)}
    frame = pd.DataFrame(said, index=clips.index)
    for dimension in DIMENSIONS:
        errors = rng.normal(0, RATER_NOISE, (n, RATERS))
        ratings = np.clip(clips[dimension].to_numpy()[:, None] + errors, 0, 1)
        frame[f"{RATINGS}{dimension}"] = packed(ratings.tolist(), clips.index)
    return frame


def _sound(clips: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Measures of the sound and some functionals of each clip; only pitch is related to a label, the sex."""
    n, index = len(clips), clips.index
    measures = {
        "duration_s": rng.uniform(1, 5, n),
        "level_dbfs": rng.normal(-25, 5, n),
        "snr_db": rng.normal(30, 8, n),
        "bandwidth_hz": rng.choice([4000.0, 7000.0, 8000.0], n),
        "pitch_hz": rng.normal(0, 20, n) + np.where(clips["sex"] == "female", 205.0, 125.0),
        "speech_rate": rng.normal(4.5, 0.8, n),
        "active_share": rng.uniform(0.4, 0.9, n),
    }
    columns = {f"egemaps:{name}": rng.normal(0, 1, n) for name in TOY_FUNCTIONALS}
    return pd.DataFrame({**{name: measures[name] for name in SOUND_COLUMNS}, **columns}, index=index)


@functools.lru_cache(maxsize=8)
def _noise(kind: str, clips: tuple[str, ...]) -> NDArray[np.float64]:
    """The noise of a toy model's layers, shape (n, 4, 16), which all audits of a corpus share."""
    width = len(EMOTIONS) + len(DIMENSIONS) + 1 + SPEAKER_NUMBERS
    noise = [identity_rng(0, clip, kind, "layers").normal(0, 0.2, (LAYERS, width)) for clip in clips]
    return np.array(noise, dtype=np.float64).reshape(len(clips), LAYERS, width)


def layers(kind: str, of: pd.DataFrame) -> Layers:
    """Layer means of a toy model, shape (n, 4, 16); only the oracle's deeper layers encode anything.

    The oracle's layer i is i/3 times the ground truth of a clip (its emotion one-hot, its dimensions, a 1 for
    a woman, three numbers specific to each speaker) plus Gaussian noise of standard deviation .2; unknown
    labels are 0. The layers of all other models are noise only.

    Args:
        kind: name of the toy model
        of: the clips
    """
    means = _noise(kind, tuple(map(str, of.index))).copy()
    if kind == "oracle":
        nothing = pd.Series(np.nan, index=of.index, dtype=object)
        emotion = of.get("emotion", nothing).to_numpy()[:, None] == np.array(EMOTIONS, dtype=object)
        ratings = np.stack([of.get(d, nothing).to_numpy(dtype=float) for d in DIMENSIONS], axis=1)
        woman = of.get("sex", nothing).to_numpy() == "female"
        own = {
            name: identity_rng(0, str(name), "speaker").normal(size=SPEAKER_NUMBERS)
            for name in of.get("speaker", nothing).dropna().unique()
        }
        speaker = [own.get(name, np.zeros(SPEAKER_NUMBERS)) for name in of.get("speaker", nothing)]
        known = np.column_stack([emotion, np.nan_to_num(ratings), woman, np.array(speaker)])
        means += np.linspace(0, 1, LAYERS)[:, None] * known[:, None, :]
    return Layers(shards=(means.astype(np.float32),))


def answers(
    kind: str,
    of: pd.DataFrame,
    conditions: Sequence[Condition] = (Condition(),),
    wanted: FrameSumsNeeded | None = None,
    checkpoints: int = 1,
    attacks: AttacksNeeded | None = None,
) -> Tables:
    """The tables of a toy model (`oracle`, `constant`, `random`) on clips, as audits get them.

    Under every condition the oracle predicts the truth and the constant model its constant; the random model
    draws independently for each clip and condition. Each has its `layers` and, if sums over frames are
    requested, those sums and a random twin that encodes nothing.

    Args:
        kind: name of the toy model
        of: the clips
        conditions: audio conditions; clean audio is always included
        wanted: which sums over frames to compute; None for none
        checkpoints: number of checkpoints; the others have no layers
        attacks: adversarial changes, which only the random model notices; None for none
    """
    model = load(kind, LoadOptions())
    if not is_by_clip(model):
        raise TypeError(f"toy:{kind} needs audio")
    from pathlib import Path

    corpus = Corpus(name="toy", clips=of, root=Path())
    missing = pd.DataFrame(columns=["clip", "condition", "reason"])
    clean = model.scores(of)
    scores = {CLEAN: clean}
    for name in dict.fromkeys(map(str, conditions)):
        if name != CLEAN and kind == "random":
            renamed = of.set_axis([f"{clip} under {name}" for clip in of.index])
            scores[name] = model.scores(renamed).set_axis(of.index)
        elif name != CLEAN:
            scores[name] = clean.copy()
    predicted = {name: Predicted(scores=each, missing=missing) for name, each in scores.items()}
    predicted[CLEAN] = replace(predicted[CLEAN], layers=layers(kind, of))
    found = replace(
        tables(model, corpus, predicted), running_cost=TOY_COST, sound_quality=_unheard(of, list(scores)[1:])
    )
    if attacks is not None:
        tried = answers(kind, of, attacks.conditions)
        found = replace(found, attacks=Attacks(tables=replace(tried, layers=None, sound_quality=None)))
    found = replace(
        found, others={f"{CHECKPOINT}{i}": _checkpoint(found, model, i) for i in range(2, checkpoints + 1)}
    )
    if wanted is None:
        return found
    twin = f"{kind}'s random twin"
    twin_tables = replace(found, model=twin, layers=layers(twin, of), frame_sums=frame_sums(twin, of, wanted))
    return replace(found, frame_sums=frame_sums(kind, of, wanted), others={RANDOM_TWIN: twin_tables})


def _unheard(of: pd.DataFrame, conditions: Sequence[str]) -> SoundQuality:
    """The sound quality of changes that nobody hears."""
    best = {PESQ: BEST_PESQ, STOI: 1.0, SEGMENTAL_SNR: 35.0, LEVEL_CHANGE: 0.0}
    return SoundQuality(conditions={name: pd.DataFrame(best, index=of.index) for name in conditions})


def _checkpoint(found: Tables, model: ClipModel, number: int) -> Tables:
    """The tables of another checkpoint: the random model draws anew, all others answer nearly the same.

    The answers of others are drawn by some thousandths towards the middle of the scale, or equal scores,
    because checkpoints with exactly the same answers are no checkpoints of different seeds.
    """
    of = found.clips
    renamed = of.set_axis([f"{clip} of checkpoint {number}" for clip in of.index])
    scores = model.scores(renamed)[list(found.predictions[CLEAN].columns)].set_axis(of.index)
    classes = found.model_classes
    middle = np.where(scores.columns.isin(classes), 1 / max(len(classes), 1), 0.5)
    scores += number / 1000 * (middle - scores)
    return replace(
        found, predictions={CLEAN: scores}, model=f"{found.model} {number}", layers=None, others={}
    )
